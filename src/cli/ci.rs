//! What a build says to the CI system that it runs in.

use super::args::{Annotations, Build, Format, Global};
use super::meaning;
use super::surroundings::Surroundings;
use crate::diag::Result;
use crate::fs::{self, Appender};
use crate::report::Notable;
use std::path::{Path, PathBuf};

/// Where a build's outcome goes beside the screen.
#[derive(Debug, Default)]
pub(super) struct Ci {
    annotations: bool,
    /// Files that a summary is added to.
    summaries: Vec<PathBuf>,
    code_quality: Option<PathBuf>,
    junit: Option<PathBuf>,
}

impl Ci {
    /// What was typed, and what the surroundings say. Called before the environment is taken out of them.
    pub(super) fn of(typed: &Build, global: &Global, around: &Surroundings) -> Result<Self> {
        let github = around.variable("GITHUB_ACTIONS") == Some("true");
        let annotations = match typed.annotations {
            // Workflow commands are lines of the log; JSON for programs stays JSON.
            Annotations::Auto => github && global.format == Format::Human,
            Annotations::Github => true,
            Annotations::Off => false,
        };
        let mut summaries: Vec<PathBuf> =
            typed.summary_file.iter().map(|path| meaning::absolute_here(path)).collect::<Result<_>>()?;
        let own = around.variable("GITHUB_STEP_SUMMARY").filter(|_| github).map(PathBuf::from);
        summaries.extend(own.filter(|own| !summaries.contains(own)));
        let code_quality = typed.code_quality.as_deref().map(meaning::absolute_here).transpose()?;
        let junit = typed.junit.as_deref().map(meaning::absolute_here).transpose()?;
        Ok(Self { annotations, summaries, code_quality, junit })
    }

    /// True if somebody will read a summary.
    pub(super) fn sums_up(&self) -> bool {
        !self.summaries.is_empty()
    }

    /// Tells it.
    pub(super) fn tell(&self, notable: &Notable, manifest: &Path) -> Result<()> {
        if self.annotations {
            super::print(&notable.github())?;
        }
        for path in &self.summaries {
            Appender::open(path)?.append(notable.markdown().as_bytes())?;
        }
        if let Some(path) = &self.junit {
            fs::write_whole(path, notable.junit().as_bytes(), false)?;
        }
        if let Some(path) = &self.code_quality {
            let name = manifest.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
            fs::write_whole(path, notable.code_quality(&name)?.as_bytes(), false)?;
        }
        Ok(())
    }
}
