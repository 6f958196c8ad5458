//! What was typed, and what it means.

use crate::process;
use std::path::Path;
use std::process::ExitCode;

/// Runs the command that was typed.
pub fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|word| word == "supervise")
        && let Some(dir) = arguments.next()
    {
        return ExitCode::from(process::supervise(Path::new(&dir)));
    }
    ExitCode::SUCCESS
}
