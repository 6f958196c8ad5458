//! The lock on a workspace: one build at a time.
//!
//! The operating system holds it for the process and gives it up however that ends; the text in the file is for people only
//! and may be stale, so nobody concludes anything from it.

use crate::diag::{Kind, Problem, Result, escape};
use crate::fs::{self, Lock};
use std::path::Path;
use std::time::{Duration, Instant};

/// A process that is just being started holds what its parent held until it runs its own program, also when the parent has been
/// killed meanwhile: so who finds the workspace taken looks again for so long before he believes it.
const PASSING: Duration = Duration::from_secs(1);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Who holds a workspace, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The machine's name, where it is known.
    pub host: Option<String>,
    /// When the build started, as people write it.
    pub started: String,
    /// The command line.
    pub command: String,
}

impl Note {
    fn text(&self) -> String {
        let host = self.host.as_ref().map(|host| format!(" on {host}")).unwrap_or_default();
        let (started, command) = (one_line(&self.started), one_line(&self.command));
        format!("process {}{}, since {started}: {command}\n", std::process::id(), one_line(&host))
    }
}

fn one_line(text: &str) -> String {
    escape(text).replace('\n', " ")
}

/// A workspace that is held, until this is dropped.
#[derive(Debug)]
pub struct Held {
    lock: Lock,
}

impl Drop for Held {
    fn drop(&mut self) {
        // So that nobody reads of a build that has ended; that it fails does no harm.
        let _ = self.lock.note("");
    }
}

/// Somebody else who holds the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// What is known of him; empty if nothing.
    pub note: String,
}

impl Holder {
    /// The problem that it makes for who does not want to wait (exit 5).
    pub fn problem(&self) -> Problem {
        let problem = Problem::new(Kind::Busy, "another build holds this workspace");
        let problem = if self.note.is_empty() { problem } else { problem.because(&self.note) };
        problem.hint(
            "wait until it has ended, or let `--wait` do that; `plan`, `why` and `status` need not wait",
        )
    }
}

/// Takes the workspace whose store is at `dir`, or says who has it.
pub fn try_hold(dir: &Path, note: &Note) -> Result<std::result::Result<Held, Holder>> {
    let until = Instant::now() + PASSING;
    hold_unless(dir, note, &mut || {
        std::thread::sleep(LOOK_AGAIN);
        Instant::now() >= until
    })
}

/// Takes the workspace; while somebody has it, again and again until `enough` says so.
fn hold_unless(
    dir: &Path,
    note: &Note,
    enough: &mut dyn FnMut() -> bool,
) -> Result<std::result::Result<Held, Holder>> {
    let path = dir.join("lock");
    loop {
        if let Some(lock) = Lock::try_take(&path)? {
            return held(lock, &path, note).map(Ok);
        }
        if enough() {
            // Whoever holds it may be just writing who he is.
            let bytes = fs::read(&path)?.unwrap_or_default();
            return Ok(Err(Holder { note: String::from_utf8_lossy(&bytes).trim().to_owned() }));
        }
    }
}

/// Takes the workspace, waiting as long as somebody else has it.
pub fn hold_waiting(dir: &Path, note: &Note) -> Result<Held> {
    let path = dir.join("lock");
    held(Lock::take(&path)?, &path, note)
}

fn held(mut lock: Lock, path: &Path, note: &Note) -> Result<Held> {
    lock.note(&note.text()).map_err(|e| Problem::io("write", path, &e))?;
    Ok(Held { lock })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note() -> Note {
        Note { host: Some("mill".into()), started: "12:00".into(), command: "coursebuild\nbuild".into() }
    }

    #[test]
    fn the_second_one_is_told_who_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let held = try_hold(dir.path(), &note()).unwrap().unwrap();
        let problem = hold_unless(dir.path(), &note(), &mut || true).unwrap().unwrap_err().problem();
        assert_eq!(problem.kind, Kind::Busy);
        let told = problem.to_string();
        let expected = format!("process {} on mill, since 12:00: coursebuild build", std::process::id());
        assert!(told.contains(&expected) && told.contains("--wait"), "{told}");
        drop(held);
        drop(hold_waiting(dir.path(), &note()).unwrap());
        assert!(try_hold(dir.path(), &note()).unwrap().is_ok());
    }

    #[test]
    fn a_holder_without_a_note_is_one_too() {
        let dir = tempfile::tempdir().unwrap();
        let _lock = Lock::take(&dir.path().join("lock")).unwrap();
        let holder = hold_unless(dir.path(), &note(), &mut || true).unwrap().unwrap_err();
        assert_eq!(holder.note, "");
        assert_eq!(holder.problem().cause, None);
    }
    #[test]
    fn who_holds_it_only_in_passing_is_no_other_build() {
        let dir = tempfile::tempdir().unwrap();
        let mut passing = Some(Lock::take(&dir.path().join("lock")).unwrap());
        let held = hold_unless(dir.path(), &note(), &mut || passing.take().is_none()).unwrap();
        assert!(held.is_ok());
    }
}
