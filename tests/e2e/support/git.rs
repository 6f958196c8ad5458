//! Real repositories of git.

use super::Space;
use std::path::Path;
use std::process::{Command, Output};

/// Runs git in a folder, with nothing of the machine's configuration.
pub(crate) fn git_in(space: &Space, folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new("git");
    command.args(args).current_dir(folder).env_clear().env("HOME", space.around());
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_EDITOR", "true");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "A").env(format!("GIT_{who}_EMAIL"), "a@example.org");
    }
    command.env("PATH", std::env::var_os("PATH").unwrap());
    command.output().unwrap()
}

/// Runs git, which has to succeed.
#[track_caller]
pub(crate) fn git(space: &Space, args: &[&str]) -> String {
    let output = git_in(space, space.root(), args);
    assert!(output.status.success(), "git {args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Commits all that is there.
#[track_caller]
pub(crate) fn commit(space: &Space) {
    git(space, &["add", "-A"]);
    git(space, &["commit", "-q", "-m", "work"]);
}
