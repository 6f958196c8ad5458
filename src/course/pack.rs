//! Packs of rules: folders of `*.toml` files, one a phase, with the prompts and schemas that they name.
//!
//! Built-in packs are part of the program and frozen by number: `builtin:batching@1` is the same for ever.

use super::order::{Written, order};
use super::text::{Files, TextFile, hint_of, listed};
use crate::diag::{Place, Problem, Result, escape};
use std::path::PathBuf;

/// A pack that is part of the program.
#[derive(Debug)]
pub struct BuiltinPack {
    /// `batching@1`.
    pub name: &'static str,
    /// Its files: path inside the pack, with `/`, and text.
    pub files: &'static [(&'static str, &'static str)],
}

/// A phase of a pack, as its rule introduces it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PackPhase {
    /// Its name.
    pub name: String,
    /// For people.
    pub title: String,
    /// The phase that feeds it; `None`: a source does.
    pub after: Option<String>,
    /// Its main file.
    pub file: String,
}

impl BuiltinPack {
    /// Its phases, each after those that it reads.
    pub fn phases(&self) -> Result<Vec<PackPhase>> {
        let rules = self.files.iter().filter(|(path, _)| path.ends_with(".toml"));
        let mut written: Vec<Written> = rules
            .map(|(path, text)| {
                let file = TextFile { name: PathBuf::from(self.name).join(path), text: (*text).to_owned() };
                file.toml().map(|raw| (file, raw))
            })
            .collect::<Result<_>>()?;
        let order = order(&written)?;
        let mut phases: Vec<Option<PackPhase>> = written
            .drain(..)
            .map(|(_, raw)| {
                let name = raw.name.into_inner();
                Some(PackPhase {
                    title: raw.title.unwrap_or_else(|| name.clone()),
                    name,
                    after: raw.after.map(toml::Spanned::into_inner),
                    file: raw.output.file.into_inner(),
                })
            })
            .collect();
        Ok(order.into_iter().filter_map(|at| phases[at].take()).collect())
    }
}

/// The built-in pack of a name, with or without `builtin:` and number; without a number, the newest.
pub fn builtin_pack(wanted: &str) -> Option<&'static BuiltinPack> {
    let wanted = wanted.strip_prefix("builtin:").unwrap_or(wanted);
    BUILTIN_PACKS
        .iter()
        .rev()
        .find(|pack| pack.name == wanted || pack.name.split_once('@').is_some_and(|(name, _)| name == wanted))
}

macro_rules! builtin {
    ($pack:literal: $($file:literal),+ $(,)?) => {
        BuiltinPack {
            name: $pack,
            files: &[$(($file, include_str!(concat!("../../rules/", $pack, "/", $file)))),+],
        }
    };
}

/// The built-in packs; of those with one name the newest stands last.
pub const BUILTIN_PACKS: &[BuiltinPack] = &[
    builtin!(
    "batching@1":
    "phase1.toml",
    "phase3.toml",
    "phase5.toml",
    "prompts/system.md.j2",
    "prompts/phase1.md.j2",
    "prompts/phase3.md.j2",
    "prompts/phase5.md.j2",
    "prompts/retry.md.j2",
    "schemas/phase1.json",
    "schemas/phase3.json",
    "schemas/phase5.json",
    ),
    builtin!(
    "objects@1":
    "phase1.toml",
    "phase3.toml",
    "phase5.toml",
    "prompts/system.md.j2",
    "prompts/phase1.md.j2",
    "prompts/phase3.md.j2",
    "prompts/phase5.md.j2",
    "prompts/retry.md.j2",
    "schemas/phase1.json",
    "schemas/phase3.json",
    "schemas/phase5.json",
    ),
];

/// The pack of a manifest that names none.
pub(super) const DEFAULT_PACK: &str = "builtin:batching@1";

/// An open pack.
#[derive(Debug)]
pub(super) struct Pack {
    /// How people name it: `builtin:batching@1`, or the folder.
    name: PathBuf,
    origin: Origin,
}

#[derive(Debug)]
enum Origin {
    Builtin(&'static BuiltinPack),
    Folder(PathBuf),
}

impl Pack {
    /// Opens the pack that `rules` names; `at` is where it is named.
    pub(super) fn open(files: &mut Files, rules: &str, at: Place) -> Result<Self> {
        if let Some(wanted) = rules.strip_prefix("builtin:") {
            return match builtin_pack(wanted) {
                Some(pack) => Ok(Self {
                    name: PathBuf::from(format!("builtin:{}", pack.name)),
                    origin: Origin::Builtin(pack),
                }),
                None => Err(Problem::author(format!("there is no built-in pack `{}`", escape(wanted)))
                    .at(at)
                    .hint(hint_of(
                        wanted,
                        BUILTIN_PACKS.iter().map(|pack| pack.name),
                        "the built-in packs are",
                    ))),
            };
        }
        let folder = files.path(rules);
        files.note(&folder);
        if !folder.is_dir() {
            return Err(Problem::author(format!("there is no folder `{}`", escape(rules)))
                .at(at)
                .hint(format!("name a folder of rule files, or `{DEFAULT_PACK}`")));
        }
        Ok(Self { name: files.name(&folder), origin: Origin::Folder(folder) })
    }

    /// True for a pack that its user cannot edit.
    pub(super) fn is_builtin(&self) -> bool {
        matches!(self.origin, Origin::Builtin(_))
    }

    /// The rule files, sorted by name; at least one.
    pub(super) fn rules(&self, files: &mut Files) -> Result<Vec<TextFile>> {
        let folder = match &self.origin {
            Origin::Builtin(pack) => {
                let rules = pack.files.iter().filter(|(path, _)| path.ends_with(".toml"));
                return Ok(rules.map(|(path, text)| self.builtin(path, text)).collect());
            }
            Origin::Folder(folder) => folder,
        };
        let entries = std::fs::read_dir(folder).map_err(|e| Problem::io("list", folder, &e))?;
        let mut paths = Vec::new();
        for entry in entries {
            let path = entry.map_err(|e| Problem::io("list", folder, &e))?.path();
            if path.extension().is_some_and(|extension| extension == "toml") && path.is_file() {
                paths.push(path);
            }
        }
        paths.sort();
        if paths.is_empty() {
            return Err(Problem::author(format!("the folder `{}` holds no rule", self.name.display()))
                .because("a rule is a file `NAME.toml` in it, one for each phase")
                .hint(format!("start from a copy of `{DEFAULT_PACK}`")));
        }
        let mut rules = Vec::new();
        for path in paths {
            rules.extend(files.text(&path)?);
        }
        Ok(rules)
    }

    /// A pack of its own folder may know more of a language: its file `languages/CODE.toml`, if there is one.
    pub(super) fn language(&self, files: &mut Files, code: &str) -> Result<Option<TextFile>> {
        match &self.origin {
            Origin::Builtin(_) => Ok(None),
            Origin::Folder(folder) => files.text(&folder.join("languages").join(format!("{code}.toml"))),
        }
    }

    /// A file that a rule names, as a path inside the pack; `at` is where it is named.
    pub(super) fn file(&self, files: &mut Files, path: &str, at: Place) -> Result<TextFile> {
        let inside = crate::path::Inside::new(path).map_err(|problem| problem.at(at.clone()))?;
        let (found, known) = match &self.origin {
            Origin::Builtin(pack) => {
                let found = pack.files.iter().find(|(name, _)| *name == inside.as_str());
                (found.map(|(name, text)| self.builtin(name, text)), pack.files.iter().map(|f| f.0).collect())
            }
            Origin::Folder(folder) => (files.text(&inside.under(folder))?, Vec::new()),
        };
        found.ok_or_else(|| {
            let problem = Problem::author(format!("there is no file `{}` in the pack", escape(path))).at(at);
            if known.is_empty() {
                problem.hint(format!("it would be `{}`", self.name.join(inside.as_str()).display()))
            } else {
                problem.hint(format!("its files are {}", listed(&known)))
            }
        })
    }

    fn builtin(&self, path: &str, text: &str) -> TextFile {
        TextFile { name: self.name.join(path), text: text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unnumbered_builtin_is_the_newest() {
        let mut files = Files::new("/w".into());
        let at = Place::file("coursebuild.toml");
        for name in ["builtin:batching", "builtin:batching@1"] {
            let pack = Pack::open(&mut files, name, at.clone()).unwrap();
            assert_eq!(pack.name, PathBuf::from("builtin:batching@1"));
            assert_eq!(pack.rules(&mut files).unwrap().len(), 3);
        }
        let error = Pack::open(&mut files, "builtin:baching", at).unwrap_err();
        assert_eq!(error.what, "there is no built-in pack `baching`");
    }

    #[test]
    fn the_list_of_files_is_complete() {
        for pack in BUILTIN_PACKS {
            let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("rules").join(pack.name);
            let walk =
                walkdir::WalkDir::new(&folder).into_iter().flatten().filter(|e| e.file_type().is_file());
            let mut there: Vec<String> =
                walk.map(|entry| entry.path().strip_prefix(&folder).unwrap().display().to_string()).collect();
            let mut listed: Vec<_> = pack.files.iter().map(|(path, _)| (*path).to_owned()).collect();
            there.sort();
            listed.sort();
            assert_eq!(there, listed);
        }
    }
}
