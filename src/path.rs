//! Names that come from outside, turned into paths that stay where they belong.
//!
//! Ids are data: `../../x` is a legal id and must never become a path. Everything that makes a file name out of
//! foreign text does it here.

use crate::diag::{Problem, Result, escape};
use std::path::{Component, Path, PathBuf};

/// A relative path with `/` between its parts, without `..`, drive or root: it stays inside the folder it is joined to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Inside(String);

impl Inside {
    /// Checks a path as an author wrote it. Errors with what is wrong when it could leave its folder.
    pub fn new(text: &str) -> Result<Self> {
        let clean = text.replace('\\', "/");
        let parts: Vec<&str> = clean.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        let leaves = clean.starts_with('/')
            || parts.is_empty()
            || Path::new(&clean)
                .components()
                .any(|part| !matches!(part, Component::Normal(_) | Component::CurDir));
        if leaves || clean.contains('\0') {
            return Err(Problem::author(format!("`{}` is not a path inside the workspace", escape(text)))
                .hint("write a relative path without `..`"));
        }
        Ok(Self(parts.join("/")))
    }

    /// Its text, with `/` between the parts.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path inside `folder`.
    pub fn under(&self, folder: &Path) -> PathBuf {
        folder.join(&self.0)
    }
}

/// A file name made of foreign text: letters, digits, `-`, `_` and `.` stay, anything else becomes `_`; never empty, never
/// starting with a dot, at most 100 characters. Two texts can give one name: never use it where names must differ.
pub fn file_name(text: &str) -> String {
    let mut name: String = text
        .chars()
        .take(100)
        .map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' })
        .collect();
    if name.is_empty() || name.starts_with('.') {
        name.insert(0, '_');
    }
    name
}

/// A path without `.` and `..`, by its names alone: the file need not be there, and links are not followed.
pub fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(out.pop()),
            Component::CurDir => {}
            part => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_inside_stays_inside() {
        for bad in ["", "/", "/etc", "..", "a/../b", "../../x", "\\x", ".", "a\0b"] {
            assert!(Inside::new(bad).is_err(), "{bad:?}");
        }
        assert_eq!(Inside::new("./a//b/").unwrap().as_str(), "a/b");
        assert_eq!(Inside::new("docs/中文.md").unwrap().as_str(), "docs/中文.md");
    }

    #[test]
    fn paths_are_made_plain() {
        for (path, plainly) in [("/a/./b/../c", "/a/c"), ("/../a", "/a"), ("a/..", ""), ("/a/b/", "/a/b")] {
            assert_eq!(plain(Path::new(path)), Path::new(plainly), "{path}");
        }
    }

    #[test]
    fn file_names_are_tame() {
        assert_eq!(file_name("../../x"), "_.._.._x");
        assert_eq!(file_name("S0001L01"), "S0001L01");
        assert_eq!(file_name("中文"), "中文");
        assert_eq!(file_name(""), "_");
    }
}
