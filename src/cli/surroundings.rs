//! What the process finds around it. The only file that reads the environment, the current directory and the terminals.

#![expect(clippy::disallowed_methods, reason = "this is the place that the bans point to")]

use crate::diag::{Problem, Result, escape};
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// What the process finds around it.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    /// The arguments, without the program's name.
    pub(super) arguments: Vec<OsString>,
    /// The variables that are UTF-8.
    pub(super) environment: Vec<(String, String)>,
    /// Whether standard input, output and error are terminals.
    pub(super) terminals: Terminals,
}

/// Which of the standard streams are terminals.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Terminals {
    pub(super) input: bool,
    pub(super) output: bool,
    pub(super) error: bool,
}

impl Surroundings {
    /// Reads them.
    pub(super) fn read() -> Self {
        let text =
            |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        Self {
            arguments: std::env::args_os().skip(1).collect(),
            environment: std::env::vars_os().filter_map(text).collect(),
            terminals: Terminals {
                input: std::io::stdin().is_terminal(),
                output: std::io::stdout().is_terminal(),
                error: std::io::stderr().is_terminal(),
            },
        }
    }

    /// A variable that is there and not empty.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.environment
            .iter()
            .find(|(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }
}

/// The current directory (absolute).
pub(super) fn current_dir() -> Result<PathBuf> {
    std::env::current_dir()
        .map_err(|e| Problem::environment("could not find out the current directory").because(e))
}

/// Goes to a folder, as `-C` asks.
pub(super) fn change_dir(to: &Path) -> Result<()> {
    std::env::set_current_dir(to).map_err(|e| {
        Problem::author(format!("could not go to the folder `{}`", escape(&to.display().to_string())))
            .because(e)
            .hint("`-C` wants a folder that is there")
    })
}

/// This program (absolute).
pub(super) fn program() -> Result<PathBuf> {
    std::env::current_exe()
        .map_err(|e| Problem::environment("could not find out where this program is").because(e))
}
