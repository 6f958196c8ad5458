//! The only door to children.

#![expect(clippy::disallowed_methods, reason = "this is the door that the bans point to")]

use crate::diag::{Problem, Result};
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs a program to its end and returns its standard output, at most `limit` bytes of it.
pub fn capture(argv: &[String], cwd: &Path, env: &[(String, String)], limit: usize) -> Result<Vec<u8>> {
    let [program, arguments @ ..] = argv else { return Err(Problem::author("no program is named")) };
    let output = Command::new(program)
        .args(arguments)
        .current_dir(cwd)
        .env_clear()
        .envs(env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .output()
        .map_err(|e| Problem::io("run", Path::new(program), &e))?;
    if !output.status.success() {
        return Err(Problem::environment(format!("`{program}` failed: {}", output.status))
            .because(String::from_utf8_lossy(&output.stderr).trim()));
    }
    if output.stdout.len() > limit {
        return Err(Problem::environment(format!("`{program}` printed more than {limit} bytes")));
    }
    Ok(output.stdout)
}
