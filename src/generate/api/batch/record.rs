//! What is kept of a submission while it is under way: its map, its state, and the lock of whoever attends to it.
//!
//! The map is durable before anything is sent, and says what every request in it asks for. The state says how far the submission
//! got. Knows no intents: those are the journal's; a call's id names both.

use crate::course::GeneratorKind;
use crate::diag::{Problem, Result};
use crate::digest::Digest;
use crate::fs::{self, Lock};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

const MAP: &str = "map.json";
const STATE: &str = "state.json";
const LOCK: &str = "lock";

/// What a submission holds. Written once, before anything is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Map {
    /// Its name, which nothing else has: `coursebuild-` and 16 hexadecimal digits.
    pub name: String,
    /// Whose protocol it is submitted by.
    pub service: GeneratorKind,
    /// Where.
    pub base_url: String,
    /// The model that is asked.
    pub model: String,
    /// The newest batch that the service listed before this one.
    pub mark: Option<Mark>,
    /// Its requests. The id of a call is its request's `custom_id`.
    pub calls: Vec<Listed>,
}

/// A batch of somebody's, by which later ones are told from earlier ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Its id.
    pub id: String,
    /// When it was made, as the service writes it.
    pub created: String,
}

/// One request of a submission.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listed {
    /// The call's id.
    pub call: String,
    /// The course's code.
    pub course: String,
    /// The phase.
    pub phase: String,
    /// The batch's label.
    pub label: String,
    /// The items asked for.
    pub items: Vec<String>,
    /// The answer is asked for by schema.
    pub structured: bool,
    /// Of the bytes that are sent for it.
    pub prompt: Digest,
}

/// How far a submission got.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// `openai`: the file of its requests.
    pub file: Option<String>,
    /// The service's name for it, once that is known.
    pub batch: Option<String>,
}

/// A submission under way that this process attends to.
#[derive(Debug)]
pub struct Record {
    dir: PathBuf,
    /// What it holds.
    pub map: Map,
    /// How far it got.
    pub state: State,
    _lock: Lock,
}

impl Record {
    /// Keeps a new one in `folder`. It is durable when this returns.
    pub(super) fn keep(folder: &Path, map: Map) -> Result<Self> {
        let dir = folder.join(crate::path::file_name(&map.name));
        let taken = || Problem::internal(format!("there is another submission called `{}`", map.name));
        let lock = Lock::try_take(&dir.join(LOCK))?.ok_or_else(taken)?;
        fs::write_whole(&dir.join(MAP), &written(&map)?, true)?;
        for above in dir.ancestors().skip(1).take(2).filter(|above| above.is_dir()) {
            fs::sync_dir(above)?;
        }
        Ok(Self { dir, map, state: State::default(), _lock: lock })
    }

    /// The ones in a folder that nobody else attends to, by name. What a crash left before there was a map is taken away.
    pub fn all(folder: &Path) -> Result<Vec<Self>> {
        let mut records = Vec::new();
        for dir in dirs(folder) {
            let Some(lock) = Lock::try_take(&dir.join(LOCK))? else { continue };
            match read(&dir)? {
                Some((map, state)) => records.push(Self { dir, map, state, _lock: lock }),
                None => fs::remove_dir(&dir)?,
            }
        }
        Ok(records)
    }

    /// Notes how far it got; durable when this returns.
    pub(super) fn save(&self) -> Result<()> {
        fs::write_whole(&self.dir.join(STATE), &written(&self.state)?, true)
    }

    /// Its folder: for people who give it up.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// It is over: nothing of it has to be waited for any more.
    pub fn forget(self) -> Result<()> {
        fs::remove_dir(&self.dir)
    }
}

/// What is in a folder, whoever attends to it; changes nothing.
pub fn peek(folder: &Path) -> Result<Vec<(Map, State)>> {
    dirs(folder).iter().filter_map(|dir| read(dir).transpose()).collect()
}

fn dirs(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut dirs: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    dirs.retain(|dir| dir.is_dir());
    dirs.sort_unstable();
    dirs
}

/// A submission whose map cannot be read is an error, not nothing: what it holds may be paid for.
fn read(dir: &Path) -> Result<Option<(Map, State)>> {
    let Some(map) = fs::read(&dir.join(MAP))? else { return Ok(None) };
    let broken = |e: serde_json::Error| {
        Problem::environment(format!("the submission in `{}` cannot be read", dir.display())).because(e).hint(
            "bring the folder back from a copy; without it, delete it: what it asked for is then asked again",
        )
    };
    let state = fs::read(&dir.join(STATE))?;
    let state = state.map(|state| serde_json::from_slice(&state)).transpose().map_err(broken)?;
    Ok(Some((serde_json::from_slice(&map).map_err(broken)?, state.unwrap_or_default())))
}

fn written<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec_pretty(value)
        .map_err(|e| Problem::internal("a submission cannot be written").because(e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(name: &str) -> Map {
        Map {
            name: name.into(),
            service: GeneratorKind::Openai,
            base_url: "http://h".into(),
            model: "m".into(),
            mark: None,
            calls: vec![Listed {
                call: "c1".into(),
                course: "c".into(),
                phase: "p".into(),
                label: "p_batch_1".into(),
                items: vec!["S0001".into()],
                structured: false,
                prompt: Digest::of(b"x"),
            }],
        }
    }

    #[test]
    fn a_record_is_one_process_s_and_outlives_it() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("submissions");
        assert_eq!(peek(&folder).unwrap(), []);
        let mut record = Record::keep(&folder, map("a")).unwrap();
        assert!(Record::all(&folder).unwrap().is_empty(), "somebody attends to it");
        record.state.batch = Some("b1".into());
        record.save().unwrap();
        drop(record);
        std::fs::create_dir(folder.join("torn")).unwrap();
        let mut found = Record::all(&folder).unwrap();
        assert_eq!((found.len(), found[0].state.batch.as_deref()), (1, Some("b1")));
        assert_eq!(peek(&folder).unwrap(), [(map("a"), found[0].state.clone())]);
        found.remove(0).forget().unwrap();
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    }

    #[test]
    fn a_map_that_cannot_be_read_is_told() {
        let dir = tempfile::tempdir().unwrap();
        drop(Record::keep(dir.path(), map("a")).unwrap());
        fs::write_whole(&dir.path().join("a").join(MAP), b"{", false).unwrap();
        assert!(Record::all(dir.path()).unwrap_err().to_string().contains("cannot be read"));
    }
}
