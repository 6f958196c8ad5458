//! The files behind a `command` check: their contents are part of what the check is, so they are read with the rule.

use super::text::Files;
use super::types::CheckSpec;
use crate::diag::{Problem, Result, escape};
use crate::digest::Digest;
use crate::fs;
use crate::json::Value;

/// The name of such checks in the closed set.
const COMMAND: &str = "command";
/// The field that takes the digests. `check` knows it by the same name.
const FILES: &str = "files";

/// Puts the digests of a program's files into its check: those of the workspace that its arguments name, and those
/// that `reads` lists. A change
/// of one of them is then a change of the check, and a stamp watches them.
pub(super) fn resolve(files: &mut Files, check: &mut CheckSpec) -> Result<()> {
    let Value::Object(fields) = &mut check.fields else { return Ok(()) };
    if check.name != COMMAND {
        return Ok(());
    }
    let texts = |value: Option<&Value>| -> Vec<String> {
        let list = value.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let mut digests = serde_json::Map::new();
    for (path, declared) in texts(fields.get("argv"))
        .into_iter()
        .map(|path| (path, false))
        .chain(texts(fields.get("reads")).into_iter().map(|path| (path, true)))
    {
        let absolute = files.path(&path);
        let outside = absolute.strip_prefix(&files.root).is_err();
        if !declared && (outside || path.contains('{') || !absolute.is_file()) {
            continue;
        }
        files.note(&absolute);
        let Some(bytes) = absolute.is_file().then(|| fs::read(&absolute)).transpose()?.flatten() else {
            return Err(Problem::author(format!("there is no file `{}`", escape(&path)))
                .at(check.place.clone())
                .because(
                    "`reads` lists the files that the program is made of, so that a change of one is seen",
                )
                .hint("write paths relative to the manifest, one for each file"));
        };
        // The same program in another place is the same program.
        let name =
            if outside { absolute.file_name().map(|name| name.to_string_lossy().into_owned()) } else { None };
        digests.insert(name.unwrap_or(path), Digest::of(&bytes).to_string().into());
    }
    fields.insert(FILES.to_owned(), Value::Object(digests));
    Ok(())
}
