//! Which main files there are and how they hold their items, as the manifest and its rules tell.
//!
//! For those who meet main files without building: a merge of two branches, a folder that was made elsewhere. Opens no document
//! and runs no program.

use super::manifest::RawManifest;
use super::output::Output;
use super::pack::{BUILTIN_PACKS, DEFAULT_PACK, Pack};
use super::raw_rule::RawRule;
use super::rule::Reading;
use super::text::{Files, TextFile};
use crate::diag::{Place, Problem, Result};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A phase's main file.
#[derive(Debug, Clone)]
pub struct PhaseFile {
    /// The course's folder (absolute); empty for a pack alone.
    pub dir: PathBuf,
    /// The phase's name.
    pub phase: String,
    /// What it holds.
    pub output: Output,
}

/// What a pack says of one phase, as far as its main file goes.
#[derive(Debug, Clone)]
pub(super) struct Described {
    /// Its name.
    pub(super) phase: String,
    /// For people.
    pub(super) title: String,
    /// One source item may give several items.
    pub(super) explodes: bool,
    /// The patterns of the documents that it sends.
    pub(super) documents: Vec<String>,
    /// What its main file holds.
    pub(super) output: Output,
}

/// The main files of all courses of a manifest.
pub fn main_files(manifest: &Path) -> Result<Vec<PhaseFile>> {
    let root = manifest.parent().unwrap_or(Path::new("."));
    let mut files = Files::new(root.to_owned());
    let file = files
        .text(manifest)?
        .ok_or_else(|| Problem::author(format!("there is no `{}`", manifest.display())))?;
    let raw: RawManifest = file.toml()?;
    let (name, at) = match &raw.rules {
        Some(rules) => (rules.get_ref().as_str(), file.place(rules.span())),
        None => (DEFAULT_PACK, Place::file(&file.name)),
    };
    let outputs = outputs(&mut files, name, at)?;
    let dirs = raw.course.iter().map(|course| files.path(course.get_ref().dir()));
    let of_dir = |dir: PathBuf| {
        let here = outputs.iter().cloned();
        here.map(move |(phase, output)| PhaseFile { dir: dir.clone(), phase, output })
    };
    Ok(dirs.flat_map(of_dir).collect())
}

/// The main files that a built-in pack describes, the newest pack first.
pub fn builtin_files() -> Result<Vec<(&'static str, PhaseFile)>> {
    let mut files = Files::new(PathBuf::new());
    let mut all = Vec::new();
    for pack in BUILTIN_PACKS.iter().rev() {
        let name = format!("builtin:{}", pack.name);
        for (phase, output) in outputs(&mut files, &name, Place::file(pack.name))? {
            all.push((pack.name, PhaseFile { dir: PathBuf::new(), phase, output }));
        }
    }
    Ok(all)
}

fn outputs(files: &mut Files, pack: &str, at: Place) -> Result<Vec<(String, Output)>> {
    let all = described(files, pack, at)?;
    Ok(all.into_iter().map(|phase| (phase.phase, phase.output)).collect())
}

/// The phases of a pack, by the names of their files.
pub(super) fn described(files: &mut Files, pack: &str, at: Place) -> Result<Vec<Described>> {
    let pack = Pack::open(files, pack, at)?;
    let positions = HashMap::new();
    let rules: Vec<TextFile> = pack.rules(files)?;
    let mut reading = Reading { files, pack: &pack, positions: &positions };
    rules
        .into_iter()
        .map(|file| {
            let raw: RawRule = file.toml()?;
            let output = reading.output(&file, &raw.output, raw.explode.is_some())?;
            let documents = raw.prompt.intelligence.into_iter().map(|documents| documents.path.into_inner());
            let phase = raw.name.into_inner();
            Ok(Described {
                title: raw.title.unwrap_or_else(|| phase.clone()),
                phase,
                explodes: raw.explode.is_some(),
                documents: documents.collect(),
                output,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_tells_its_main_files_without_its_documents() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = dir.path().join("coursebuild.toml");
        let text = "[[course]]\ncode = \"a\"\ndir = \"out/a\"\nseeds = { argv = [\"never-run\"] }\n";
        crate::fs::write_whole(&manifest, text.as_bytes(), false).unwrap();
        let files = main_files(&manifest).unwrap();
        let names: Vec<_> = files.iter().map(|file| file.dir.join(&file.output.file)).collect();
        assert_eq!(names[0], dir.path().join("out/a/seed_pairs.json"));
        assert_eq!(names.len(), 3);
    }
}
