//! `coursebuild rules`: lists the built-in packs, copies one out, prints the schemas of what people write.

use super::args::SchemaOf;
use crate::course::{BUILTIN_PACKS, BuiltinPack, builtin_pack, manifest_schema, rule_schema};
use crate::diag::{Problem, Result, escape};
use crate::fs;
use crate::path::Inside;
use crate::report::PackPhases;
use std::path::Path;

/// All packs with their phases.
pub(super) fn all() -> Result<Vec<PackPhases>> {
    BUILTIN_PACKS.iter().map(|pack| Ok((pack, pack.phases()?))).collect()
}

/// A schema as it is checked in: indented, with a newline at its end.
pub(super) fn schema(of: SchemaOf) -> String {
    let schema = match of {
        SchemaOf::Manifest => manifest_schema(),
        SchemaOf::Rule => rule_schema(),
    };
    format!("{schema:#}\n")
}

/// Copies a pack into a folder that holds nothing yet, and says so.
pub(super) fn copy(name: &str, folder: &Path) -> Result<String> {
    let pack = builtin_pack(name).ok_or_else(|| {
        let names: Vec<String> = BUILTIN_PACKS.iter().map(|pack| format!("`{}`", pack.name)).collect();
        Problem::author(format!("there is no built-in pack `{}`", escape(name)))
            .hint(format!("the built-in packs are {}", names.join(", ")))
    })?;
    refuse_what_is_there(folder, pack)?;
    for (path, text) in pack.files {
        fs::write_whole(&Inside::new(path)?.under(folder), text.as_bytes(), false)?;
    }
    let shown = escape(&folder.to_string_lossy());
    Ok(format!(
        "copied builtin:{} to {shown} ({} files); name it in the manifest: rules = \"{shown}\"\n",
        pack.name,
        pack.files.len()
    ))
}

fn refuse_what_is_there(folder: &Path, pack: &BuiltinPack) -> Result<()> {
    let there = pack.files.iter().find(|(path, _)| folder.join(path).symlink_metadata().is_ok());
    let what = match there {
        Some((path, _)) => format!("`{path}` is in `{}` already", escape(&folder.to_string_lossy())),
        // A rule that stays behind would be one more phase.
        None if std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) => {
            format!("`{}` is not empty", escape(&folder.to_string_lossy()))
        }
        None => return Ok(()),
    };
    Err(Problem::author(what)
        .because("every rule file of a folder is a phase, and nothing is overwritten")
        .hint("name a folder that does not exist yet"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_is_copied_once() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("rules");
        let said = copy("objects", &folder).unwrap();
        assert!(said.contains("builtin:objects@1") && said.contains("(11 files)"), "{said}");
        for (path, text) in builtin_pack("builtin:objects@1").unwrap().files {
            assert_eq!(fs::read_text(&folder.join(path)).unwrap().unwrap(), *text);
        }
        assert!(copy("batching@1", &folder).unwrap_err().what.contains("`phase1.toml` is in `"));
        fs::write_whole(&dir.path().join("other/mine.toml"), b"", false).unwrap();
        assert!(copy("batching@1", &dir.path().join("other")).unwrap_err().what.ends_with("is not empty"));
        let unknown = copy("batchin", &dir.path().join("x")).unwrap_err();
        assert!(unknown.hint.unwrap().contains("`batching@1`, `objects@1`"));
    }

    #[test]
    fn the_phases_of_packs_are_told_in_their_order() {
        for (pack, phases) in all().unwrap() {
            let names: Vec<&str> = phases.iter().map(|phase| phase.name.as_str()).collect();
            assert_eq!(names, ["phase1", "phase3", "phase5"], "{}", pack.name);
            assert_eq!(phases[2].after.as_deref(), Some("phase3"));
        }
    }
}
