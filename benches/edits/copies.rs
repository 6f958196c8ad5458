//! What this bench wants of the file graphs beside what the other one does: copies to edit, and a cut that is followed.

use crate::peers::{self, FileGraph};
use crate::synth::Seed;
use std::path::{Path, PathBuf};
use std::process::Command;

impl FileGraph {
    /// The same graph, with phase-5 targets that follow the cut.
    pub(crate) fn following_the_cut(mut self, seeds: &[Seed]) -> Self {
        self.follows_the_cut = true;
        self.rewrite(seeds, None);
        self
    }

    /// The workspace as it is, times and all, in another folder.
    pub(crate) fn copied_to(&self, root: &Path) -> Self {
        let status = Command::new("cp").arg("-a").args([&self.root, root]).status().unwrap();
        assert!(status.success(), "cp: {status}");
        Self { root: root.to_owned(), log: self.log.clone(), ..*self }
    }

    /// Calls and items asked for since the beginning, by the generator's books.
    pub(crate) fn asked(&self) -> (usize, usize) {
        peers::asked(&self.log)
    }

    /// A path in it.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }
}
