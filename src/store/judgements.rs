//! What programs said of batches, remembered in the workspace's own folder: one small file each, named by all that the program
//! was given. Derived: may be deleted.

use crate::check::Judgement;
use crate::diag::{Problem, Result};
use crate::digest::Digest;
use crate::fs;
use std::path::{Path, PathBuf};

/// The judgements that a workspace remembers.
#[derive(Debug, Clone, Default)]
pub struct Judgements {
    dir: PathBuf,
}

impl Judgements {
    /// Those in a workspace's own folder.
    pub fn of(state: &Path) -> Self {
        Self { dir: state.join("judgements") }
    }

    fn path(&self, key: Digest) -> PathBuf {
        let key = key.to_string();
        self.dir.join(&key[..2]).join(format!("{key}.json"))
    }

    /// What is remembered under a key; a file that cannot be read as a judgement is none.
    pub fn get(&self, key: Digest) -> Result<Option<Judgement>> {
        let bytes = fs::read(&self.path(key))?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Remembers a judgement.
    pub fn put(&self, key: Digest, judgement: &Judgement) -> Result<()> {
        let text = serde_json::to_vec(judgement)
            .map_err(|e| Problem::internal("a judgement cannot be written").because(e))?;
        fs::write_whole(&self.path(key), &text, false)
    }
}
