//! Which main files there are and how they hold their items: told by the manifest and its rules, else by the files themselves.
//!
//! For those who meet main files without building: a merge of two branches, a folder that was made elsewhere. Opens no document
//! and runs no program.

use super::manifest::RawManifest;
use super::output::Output;
use super::pack::{BUILTIN_PACKS, DEFAULT_PACK, Pack};
use super::rule::Reading;
use super::text::{Files, TextFile};
use crate::diag::{Place, Problem, Result};
use crate::json::{Value, read_collection};
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

/// A folder of main files whose format a built-in pack describes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognised {
    /// `builtin:objects@1`.
    pub rules: String,
    /// The folder's name: `spa_for_eng`.
    pub code: String,
    /// The languages taught and known, where the folder's name tells them: `spa`, `eng`.
    pub languages: Option<(String, String)>,
    /// The main files that are there: phase, name, items.
    pub files: Vec<(String, String, usize)>,
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
    let pack = Pack::open(files, pack, at)?;
    let positions = HashMap::new();
    let rules: Vec<TextFile> = pack.rules(files)?;
    let mut reading = Reading { files, pack: &pack, positions: &positions };
    rules
        .into_iter()
        .map(|file| {
            let raw: super::raw_rule::RawRule = file.toml()?;
            let output = reading.output(&file, &raw.output, raw.explode.is_some())?;
            Ok((raw.name.into_inner(), output))
        })
        .collect()
}

/// The format of a folder's main files: the pack whose shapes fit all of them; `None` if there is none.
pub fn recognise(dir: &Path) -> Result<Option<Recognised>> {
    let mut best: Option<(usize, Recognised)> = None;
    let all = builtin_files()?;
    for pack in BUILTIN_PACKS.iter().rev() {
        let mut found = Vec::new();
        let mut fits = true;
        for (_, file) in all.iter().filter(|(name, _)| *name == pack.name) {
            let Some(text) = crate::fs::read_text(&dir.join(&file.output.file))? else { continue };
            match items_that_fit(text.trim_start_matches('\u{feff}'), &file.output) {
                Some(items) => found.push((file.phase.clone(), file.output.file.clone(), items)),
                None => fits = false,
            }
        }
        let items = found.iter().map(|(.., items)| items).sum::<usize>();
        if fits && items > 0 && best.as_ref().is_none_or(|(most, _)| items > *most) {
            let name = dir.file_name().map(|name| name.to_string_lossy().into_owned());
            let code = name.unwrap_or_else(|| "course".to_owned());
            let languages =
                code.split_once("_for_").map(|(target, known)| (target.to_owned(), known.to_owned()));
            let rules = format!("builtin:{}", pack.name);
            best = Some((items, Recognised { rules, code, languages, files: found }));
        }
    }
    Ok(best.map(|(_, recognised)| recognised))
}

/// How many items a text holds in a shape; `None` if it does not hold them so. A stray field or two beside the items is seen often.
fn items_that_fit(text: &str, output: &Output) -> Option<usize> {
    let read = read_collection(text, &output.shape).ok()?;
    let wanted = output.schema.as_ref().and_then(|schema| schema.get("type")).and_then(Value::as_str);
    let fits = |raw: &str| match raw.trim_start().as_bytes().first() {
        Some(b'{') => wanted.is_none_or(|wanted| wanted == "object"),
        Some(b'[') => wanted.is_none_or(|wanted| wanted == "array"),
        _ => false,
    };
    let fitting = read.elements.iter().filter(|element| fits(element.raw)).count();
    (fitting * 10 >= read.elements.len() * 9 && fitting > 0).then_some(fitting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_their_shapes() {
        let dir = tempfile::tempdir().unwrap();
        let course = dir.path().join("spa_for_eng");
        let put = |name: &str, text: &str| {
            crate::fs::write_whole(&course.join(name), text.as_bytes(), false).unwrap();
        };
        assert_eq!(recognise(&course).unwrap(), None);
        put("seed_pairs.json", r#"{"S0001": ["a", "b"], "S0002": ["c", "d"]}"#);
        let found = recognise(&course).unwrap().unwrap();
        assert_eq!((found.rules.as_str(), found.code.as_str()), ("builtin:batching@1", "spa_for_eng"));
        assert_eq!(found.languages, Some(("spa".to_owned(), "eng".to_owned())));
        put(
            "seed_pairs.json",
            r#"{"version": "7", "translations": {"S0001": {"known": "a", "target": "b"}}}"#,
        );
        let found = recognise(&course).unwrap().unwrap();
        assert_eq!(found.rules, "builtin:objects@1");
        assert_eq!(found.files, [("phase1".to_owned(), "seed_pairs.json".to_owned(), 1)]);
        put("lego_pairs.json", "[]");
        assert_eq!(recognise(&course).unwrap(), None, "all of them have to fit");
    }

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
