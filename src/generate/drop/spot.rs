//! The files of one call in a drop folder: what they are called, how they are laid out and taken away.
//!
//! Beside the call's own folder knows nothing: which call a spot belongs to is its caller's business.

use crate::diag::{Problem, Result};
use crate::fs;
use crate::path::file_name;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The file in a call's own folder that says where its spot is.
const NOTE: &str = "drop.json";
/// What somebody may add to a prompt's name to say that he is at work on it.
const TAKEN: &str = ".taken";
/// Where files go that nobody asked for.
const ASIDE: &str = "aside";

/// Where the files of one call lie: in a folder, named by the call's label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spot {
    folder: PathBuf,
    label: String,
}

impl Spot {
    /// The spot of a label in a folder (absolute).
    pub fn new(folder: PathBuf, label: &str) -> Self {
        Self { folder, label: file_name(label) }
    }

    /// The spot of a call, by the call's own folder; `None` if the call has none.
    pub fn of_call(dir: &Path) -> Result<Option<Self>> {
        let Some(text) = fs::read(&dir.join(NOTE))? else { return Ok(None) };
        // A torn note is one whose files were never laid out: it reaches the disk before them.
        Ok(serde_json::from_slice(&text).ok())
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file that holds the prompt.
    pub fn prompt(&self) -> PathBuf {
        self.folder.join(format!("{}.prompt.md", self.label))
    }

    /// The prompt's file, once somebody has taken it for himself.
    fn taken_prompt(&self) -> PathBuf {
        self.folder.join(format!("{}.prompt.md{TAKEN}", self.label))
    }

    /// The file that holds the call as data.
    pub fn input(&self) -> PathBuf {
        self.folder.join(format!("{}.input.json", self.label))
    }

    /// The file that the answer is to be written to.
    pub fn answer(&self) -> PathBuf {
        self.folder.join(format!("{}.json", self.label))
    }

    /// Lays the files out; `dir` is the call's own folder. What stands there already with the same bytes is not touched, for
    /// somebody may be reading it.
    pub(super) fn lay(&self, dir: &Path, prompt: &str, input: &[u8]) -> Result<()> {
        let note = serde_json::to_vec(self)
            .map_err(|e| Problem::internal("the note of a drop cannot be written").because(e))?;
        fs::write_whole(&dir.join(NOTE), &note, true)?;
        fs::create_dir(&self.folder)?;
        let answer = self.answer();
        let data = self.input();
        let whole = format!(
            "{}\n\n---\n\nWrite the answer, which is JSON and nothing else, to this file:\n\n    {}\n\nThe call as data: `{}`. Nobody reads the answer before it is whole.\n",
            prompt.trim_end(),
            answer.display(),
            data.file_name().unwrap_or_default().to_string_lossy(),
        );
        unless_same(&data, input)?;
        // Somebody is at work on these very words.
        if fs::read(&self.taken_prompt())?.as_deref() == Some(whole.as_bytes()) {
            return Ok(());
        }
        // The prompt comes last: whoever sees it finds the rest.
        unless_same(&self.prompt(), whole.as_bytes())
    }

    /// Takes the prompt away, so that nobody begins on it any more. An answer may still come.
    pub fn withdraw(&self) -> Result<()> {
        for path in [self.prompt(), self.taken_prompt(), self.input()] {
            fs::remove_file(&path)?;
        }
        Ok(())
    }

    /// Takes all files away once the answer is kept elsewhere. An answer that is not the one that was taken stays.
    pub fn clear(&self, taken: Option<&[u8]>) -> Result<()> {
        self.withdraw()?;
        let answer = self.answer();
        let (Some(taken), Some(there)) = (taken, fs::read(&answer)?) else { return Ok(()) };
        // What was taken may be known as text only.
        let same = String::from_utf8_lossy(&there) == String::from_utf8_lossy(taken);
        if same { fs::remove_file(&answer) } else { Ok(()) }
    }

    /// Moves the answer out of the way, to where it is kept; its new path.
    pub fn set_aside(&self) -> Result<PathBuf> {
        let folder = self.folder.join(ASIDE);
        fs::create_dir(&folder)?;
        let free = (1..)
            .map(|number| match number {
                1 => folder.join(format!("{}.json", self.label)),
                _ => folder.join(format!("{}-{number}.json", self.label)),
            })
            .find(|path| !path.exists())
            .unwrap_or_else(|| folder.join(&self.label));
        fs::move_file(&self.answer(), &free)?;
        Ok(free)
    }
}

/// The spots of a folder in which answers lie: files called `PHASE_batch_N.json` or `PHASE_batch_N_M.json`. None if the folder
/// is not there.
pub fn answered_spots(folder: &Path, phases: &[&str]) -> Vec<Spot> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut labels: Vec<String> =
        names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned)).collect();
    labels.retain(|label| phases.iter().any(|phase| is_label(label, phase)));
    labels.sort_unstable();
    labels.iter().map(|label| Spot::new(folder.to_owned(), label)).collect()
}

fn is_label(label: &str, phase: &str) -> bool {
    let numbers = label.strip_prefix(phase).and_then(|rest| rest.strip_prefix("_batch_"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    numbers.is_some_and(|numbers| numbers.split('_').count() <= 2 && numbers.split('_').all(is_number))
}

fn unless_same(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path)?.as_deref() == Some(bytes) { Ok(()) } else { fs::write_whole(path, bytes, false) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn files_are_laid_out_and_taken_away() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, call) = (dir.path().join("inbox"), dir.path().join("call"));
        let spot = Spot::new(folder.clone(), "phase3_batch_7");
        assert_eq!(Spot::of_call(&call).unwrap(), None);
        spot.lay(&call, "# LEGOs\n", b"{}").unwrap();
        assert_eq!(Spot::of_call(&call).unwrap(), Some(spot.clone()));
        assert_eq!(names(&folder), ["phase3_batch_7.input.json", "phase3_batch_7.prompt.md"]);
        let prompt = fs::read_text(&spot.prompt()).unwrap().unwrap();
        assert!(prompt.starts_with("# LEGOs\n\n---\n"), "the prefix stays first: {prompt}");
        assert!(prompt.contains(spot.answer().to_str().unwrap()));
        fs::write_whole(&spot.answer(), b"{\"a\": 1}", false).unwrap();
        spot.clear(Some(b"{}")).unwrap();
        assert_eq!(names(&folder), ["phase3_batch_7.json"], "another answer than the one taken stays");
        let aside = spot.set_aside().unwrap();
        assert_eq!(fs::read(&aside).unwrap().unwrap(), b"{\"a\": 1}");
        fs::write_whole(&spot.answer(), b"{}", false).unwrap();
        assert!(spot.set_aside().unwrap().ends_with("aside/phase3_batch_7-2.json"));
        assert_eq!(names(&folder), ["aside"]);
    }

    #[test]
    fn a_prompt_that_somebody_took_for_himself_goes_too() {
        let dir = tempfile::tempdir().unwrap();
        let spot = Spot::new(dir.path().join("inbox"), "p_batch_1");
        spot.lay(&dir.path().join("call"), "x", b"{}").unwrap();
        fs::move_file(&spot.prompt(), &dir.path().join("inbox/p_batch_1.prompt.md.taken")).unwrap();
        spot.clear(None).unwrap();
        assert_eq!(names(&dir.path().join("inbox")), [""; 0]);
    }

    #[test]
    fn only_names_of_answers_are_taken_for_answers() {
        let dir = tempfile::tempdir().unwrap();
        for name in [
            "phase3_batch_7.json",
            "phase3_batch_7_2.json",
            "phase3_batch_7.input.json",
            "phase4_batch_1.json",
            "phase3_batch_x.json",
            "phase3_batch_1_2_3.json",
            "seeds.json",
        ] {
            fs::write_whole(&dir.path().join(name), b"{}", false).unwrap();
        }
        let found: Vec<String> =
            answered_spots(dir.path(), &["phase3"]).into_iter().map(|spot| spot.label).collect();
        assert_eq!(found, ["phase3_batch_7", "phase3_batch_7_2"]);
    }
}
