//! What the disk and its permissions allow: questions only.

use rustix::fs::{Access, access, statvfs};
use std::path::Path;

/// Whether this process may write there: to the file or folder, or to the nearest folder above that is there.
pub fn is_writable(path: &Path) -> bool {
    let there = path.ancestors().find(|path| path.symlink_metadata().is_ok());
    there.is_some_and(|path| access(path, Access::WRITE_OK).is_ok())
}

/// Whether this process may run the file.
pub fn is_executable(path: &Path) -> bool {
    path.is_file() && access(path, Access::EXEC_OK).is_ok()
}

/// The bytes that are free for this process on the disk of a path, or of the nearest folder above that is there; `None` where
/// the system does not say.
pub fn free_bytes(path: &Path) -> Option<u64> {
    let there = path.ancestors().find(|path| path.symlink_metadata().is_ok())?;
    let disk = statvfs(there).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_asked_of_its_folder() {
        let dir = tempfile::tempdir().unwrap();
        assert!(is_writable(&dir.path().join("a/b")));
        assert!(free_bytes(&dir.path().join("a/b")).is_some());
        assert!(!is_executable(dir.path()));
        crate::fs::write_whole(&dir.path().join("plain"), b"", false).unwrap();
        assert!(!is_executable(&dir.path().join("plain")));
        assert!(is_executable(&std::path::PathBuf::from("/bin/sh")));
    }
}
