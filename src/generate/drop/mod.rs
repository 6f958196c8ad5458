//! The generator `drop`: writes the prompt to a folder and waits for the answer file. For agents in windows and for people.
//!
//! Several may work in one folder. What has been written but was not answered in time is not forgotten: its caller keeps the
//! [`Spot`], and an answer that still comes is his to take. Knows no store; takes no file away that was not asked for.

mod look;
mod spot;
mod watch;

pub use spot::{Spot, answered_spots};

use super::{Generator, Notices, Outcome, Pending, Reply, Request, Stop};
use crate::diag::{Kind, Problem, Result};
use crate::digest::Digest;
use crate::fs::{self, Lock};
use crate::json::canonical;
use look::{Looks, Seen};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use watch::Watch;

/// Where the folder's owner is noted, and locked for as long as a build uses it.
const LOCK: &str = ".coursebuild.lock";
const README: &str = "README.md";
const README_TEXT: &str = "\
# A folder of work to be answered

coursebuild writes a prompt here for every call, and waits for its answer.

1. Take a file `NAME.prompt.md`. Where several work in this folder, rename it to `NAME.prompt.md.taken` first: then it is yours.
2. Do what it says, in a fresh session. The same call as data is `NAME.input.json`.
3. Write the answer to `NAME.json`: JSON for exactly the items asked, nothing else.

Prompt and answer go away when the answer is kept. What nobody asked for is moved to `aside/`.
";

/// How often is looked where the system tells nothing.
const POLL: Duration = Duration::from_secs(1);
/// Between two looks there is so much at least, however often somebody writes.
const BREATH: Duration = Duration::from_millis(20);

/// A folder in which somebody answers.
pub struct DropFolder {
    folder: PathBuf,
    by_course: bool,
    timeout: Duration,
    longest: usize,
    owner: PathBuf,
    notices: Notices,
    /// Held from the first call on.
    lock: Mutex<Option<Lock>>,
    /// What was taken last under each name, and for which items.
    taken: Mutex<HashMap<PathBuf, (Digest, Vec<String>)>>,
}

impl DropFolder {
    /// A folder (absolute) of the workspace `owner` (absolute). `by_course`: each course has a folder of its own in it, by its
    /// code. `timeout_s`: seconds that one call waits. `longest`: bytes that an answer has at most.
    pub fn new(
        folder: PathBuf,
        by_course: bool,
        timeout_s: u64,
        longest: usize,
        owner: PathBuf,
        notices: Notices,
    ) -> Self {
        Self {
            folder,
            by_course,
            timeout: Duration::from_secs(timeout_s),
            longest,
            owner,
            notices,
            lock: Mutex::default(),
            taken: Mutex::default(),
        }
    }

    fn spot(&self, request: &Request) -> Spot {
        Spot::new(course_folder(&self.folder, self.by_course, &request.course), &request.label)
    }

    /// Takes the folder for this process, once. Two workspaces that share one would answer each other's calls.
    fn own(&self) -> Result<()> {
        let mut held = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_some() {
            return Ok(());
        }
        let path = self.folder.join(LOCK);
        let shared = |other: &str| {
            Problem::author(format!("the folder `{}` is used by {other}", self.folder.display()))
                .hint("give each workspace a `folder` of its own")
        };
        let mut lock = Lock::try_take(&path)?.ok_or_else(|| shared("another build"))?;
        let owner = self.owner.to_string_lossy();
        let noted = fs::read_text(&path)?.unwrap_or_default();
        let other = Path::new(noted.trim());
        if !noted.trim().is_empty() && other != self.owner && other.join("coursebuild.toml").exists() {
            return Err(shared(&format!("the workspace `{}`", other.display())));
        }
        lock.note(&owner).map_err(|e| Problem::io("write", &path, &e))?;
        let readme = self.folder.join(README);
        if !readme.exists() {
            fs::write_whole(&readme, README_TEXT.as_bytes(), false)?;
        }
        *held = Some(lock);
        Ok(())
    }

    async fn wait(&self, request: &Request, stop: &mut Stop) -> Result<Outcome> {
        self.own()?;
        let spot = self.spot(request);
        let (prompt, answer) = (spot.prompt(), spot.answer());
        // Before anybody can see the prompt: who answers at once is seen to close his file too.
        fs::create_dir(spot.folder())?;
        let watch = Watch::new(spot.folder(), &answer);
        spot.lay(&request.dir, &request.prompt(), &canonical(&request.input))?;
        let named = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.notices
            .tell(&request.call, format!("waiting for {} (asked in {})", answer.display(), named(&prompt)));
        let mut looks = Looks::default();
        let deadline = tokio::time::Instant::now() + self.timeout;
        loop {
            match looks.look(&answer, watch.closed(), self.longest, Instant::now())? {
                Seen::Whole(bytes) if self.came_before(&answer, &bytes, request) => {
                    let aside = spot.set_aside()?;
                    self.notices.tell(
                        &request.call,
                        format!(
                            "an answer came a second time: it is kept as {}; still waiting for {}",
                            aside.display(),
                            answer.display()
                        ),
                    );
                }
                Seen::Whole(bytes) => return Ok(Outcome::Answered(bytes)),
                Seen::TooLong(bytes) => return too_long(&spot, bytes, self.longest),
                Seen::Nothing | Seen::Unfinished => {}
            }
            if !spot.folder().is_dir() {
                return Ok(Outcome::Transport(format!("the folder `{}` is gone", spot.folder().display())));
            }
            tokio::select! {
                () = watch.changed() => tokio::time::sleep(BREATH).await,
                () = tokio::time::sleep(POLL) => {}
                () = stop.stopped() => return Ok(Outcome::Interrupted),
                () = tokio::time::sleep_until(deadline) => return Ok(Outcome::TimedOut(self.timeout.as_secs())),
            }
        }
    }

    /// True for the very bytes that were taken under this name for other items; otherwise they are taken now.
    fn came_before(&self, answer: &Path, bytes: &[u8], request: &Request) -> bool {
        let digest = Digest::of(bytes);
        let items: Vec<String> = request.items.iter().map(|item| item.id.clone()).collect();
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let again = taken.get(answer).is_some_and(|(known, of)| *known == digest && *of != items);
        if !again {
            taken.insert(answer.to_owned(), (digest, items));
        }
        again
    }
}

/// The folder in which the answers to a course's calls lie.
pub fn course_folder(folder: &Path, by_course: bool, course: &str) -> PathBuf {
    if by_course { folder.join(crate::path::file_name(course)) } else { folder.to_owned() }
}

/// An answer beyond all measure: out of the way, so that the next attempt does not find it, and not lost.
fn too_long(spot: &Spot, bytes: u64, longest: usize) -> Result<Outcome> {
    let aside = spot.set_aside()?;
    Ok(Outcome::Failed(format!(
        "the answer has {bytes} bytes, and {longest} are the most that is read; it is kept as `{}`",
        aside.display()
    )))
}

impl Generator for DropFolder {
    fn ask(&self, request: Request, mut stop: Stop) -> Pending<'_> {
        Box::pin(async move {
            Reply::of(self.wait(&request, &mut stop).await.unwrap_or_else(|problem| match problem.kind {
                Kind::Environment => Outcome::Transport(problem.to_string()),
                _ => Outcome::Unusable { what: problem.what, hint: problem.hint.unwrap_or_default() },
            }))
        })
    }
}

/// The answer that lies in a spot, if one does and is whole: for whoever comes later. Does not wait; `now` tells how long a file
/// that is no JSON has rested.
pub fn arrived(spot: &Spot, longest: usize, now: SystemTime) -> Result<Option<Vec<u8>>> {
    let path = spot.answer();
    let Ok(metadata) = std::fs::metadata(&path) else { return Ok(None) };
    if !metadata.is_file() || metadata.len() == 0 || metadata.len() > longest as u64 {
        return Ok(None);
    }
    let Some(bytes) = fs::read(&path)? else { return Ok(None) };
    let age = metadata.modified().ok().and_then(|then| now.duration_since(then).ok());
    let rested = age.is_some_and(|age| age >= look::REST);
    Ok((rested || look::is_json(&bytes)).then_some(bytes))
}

#[cfg(test)]
mod tests;
