//! The workspaces that use a store, written into it: what a store that several work trees share may throw away depends on all.
//!
//! A workspace registers itself when it builds. What it needs is read from its own files (locks, accepted edits) at the moment
//! when it matters, so that a registration never goes stale but for a workspace that is gone.

use super::Store;
use crate::diag::{Problem, Result};
use crate::digest::{Digest, Short};
use crate::fs;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// A workspace that uses a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    /// Its manifest (absolute).
    pub manifest: PathBuf,
    /// The files whose digests name what it needs: locks, accepted edits and pins.
    pub keeps: Vec<PathBuf>,
}

impl Root {
    /// Whether the workspace is still there. A file system that is not mounted looks like one that is gone.
    pub fn is_there(&self) -> bool {
        self.manifest.is_file()
    }

    /// The digests that stand in its files: content keys and outputs, cut to 128 bits as a lock cuts them.
    pub fn needs(&self) -> Result<HashSet<Short>> {
        let mut all = HashSet::new();
        for path in &self.keeps {
            if let Some(bytes) = fs::read(path)? {
                all.extend(digests_in(&bytes));
            }
        }
        Ok(all)
    }
}

/// Every run of 32 or 64 hexadecimal digits, cut to 128 bits. A file with conflict markers, or of a newer form, is read as well.
fn digests_in(bytes: &[u8]) -> impl Iterator<Item = Short> {
    let words =
        bytes.split(|byte| !byte.is_ascii_alphanumeric()).filter(|word| matches!(word.len(), 32 | 64));
    words.filter_map(|word| std::str::from_utf8(&word[..32]).ok()?.parse().ok())
}

impl Store {
    /// Notes that a workspace uses this store. Writes only what is new.
    pub fn register(&self, root: &Root) -> Result<()> {
        let path = self.root_path(&root.manifest);
        let text = serde_json::to_vec_pretty(root)
            .map_err(|e| Problem::environment("a path of the workspace is not UTF-8").because(e))?;
        if fs::read(&path)?.as_deref() == Some(&text) {
            return Ok(());
        }
        fs::write_whole(&path, &text, true)
    }

    /// The workspaces that have registered, by their manifests. Errors when a registration cannot be read: then nobody knows what
    /// is needed.
    pub fn roots(&self) -> Result<Vec<Root>> {
        let dir = self.dir.join("roots");
        let mut roots = Vec::new();
        for name in super::entries::names(&dir)?.into_iter().filter(|name| name.ends_with(".json")) {
            let path = dir.join(name);
            let Some(bytes) = fs::read(&path)? else { continue };
            roots.push(serde_json::from_slice::<Root>(&bytes).map_err(|e| {
                Problem::environment(format!("could not read the registration `{}`", path.display()))
                    .because(e)
                    .hint("delete it if its workspace is no more; else build there, which writes it again")
            })?);
        }
        roots.sort_by(|a, b| a.manifest.cmp(&b.manifest));
        Ok(roots)
    }

    /// Takes a registration back.
    pub fn forget_root(&self, root: &Root) -> Result<()> {
        fs::remove_file(&self.root_path(&root.manifest))
    }

    fn root_path(&self, manifest: &Path) -> PathBuf {
        let name = Digest::of(manifest.as_os_str().as_encoded_bytes()).to_string();
        self.dir.join("roots").join(format!("{}.json", &name[..16]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_is_registered_once_and_tells_what_it_needs() {
        let dir = tempfile::tempdir().unwrap();
        let (manifest, lock) = (dir.path().join("coursebuild.toml"), dir.path().join("c/coursebuild.lock"));
        let key = Digest::of(b"key");
        fs::write_whole(
            &lock,
            format!("<<<<<<< a\nphase1 S1 {} {key} edited\n", key.short()).as_bytes(),
            false,
        )
        .unwrap();
        let root = Root { manifest: manifest.clone(), keeps: vec![lock, dir.path().join("absent")] };
        let store = Store::open(dir.path().join("store"));
        assert_eq!(store.roots().unwrap(), []);
        store.register(&root).unwrap();
        store.register(&root).unwrap();
        assert_eq!(store.roots().unwrap(), std::slice::from_ref(&root));
        assert_eq!(root.needs().unwrap(), HashSet::from([key.short()]));
        assert!(!root.is_there());
        fs::write_whole(&manifest, b"", false).unwrap();
        assert!(root.is_there());
        fs::write_whole(&store.root_path(Path::new("other")), b"{", false).unwrap();
        assert!(store.roots().unwrap_err().hint.unwrap().contains("delete it"));
        store.forget_root(&root).unwrap();
    }
}
