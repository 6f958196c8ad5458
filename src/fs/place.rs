//! How a file that is whole gets a name that may be taken, and what it is called until then.

use std::fs::File;
use std::hash::BuildHasher;
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

/// Makes a file beside another one, under a name that nobody else chooses: on a share, processes of two machines can have the
/// same number.
pub(super) fn temporary_beside(path: &Path) -> Result<(PathBuf, File)> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let folder = path.parent().unwrap_or(Path::new("."));
    let random = std::collections::hash_map::RandomState::new().hash_one(std::process::id());
    let temporary = folder.join(format!(".{name}.{random:016x}.tmp"));
    let file = File::create_new(&temporary)?;
    Ok((temporary, file))
}

/// Gives a file its name if that is free; true if it was. Where a file system knows no second names for a file (SMB, FAT, some
/// that programs serve), it is renamed under the condition that nothing is there.
pub(super) fn put_if_free(temporary: &Path, path: &Path) -> Result<bool> {
    match std::fs::hard_link(temporary, path) {
        Err(e) if knows_no_links(&e) => rename_if_free(temporary, path),
        linked => was_free(linked),
    }
}

fn was_free(done: Result<()>) -> Result<bool> {
    match done {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(e) => Err(e),
    }
}

/// Linux says `EPERM` where links are unknown, others that it is not supported; a file may have no more names, too.
fn knows_no_links(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::PermissionDenied
            | ErrorKind::Unsupported
            | ErrorKind::TooManyLinks
            | ErrorKind::InvalidInput
    )
}

#[cfg(any(target_os = "linux", target_os = "macos"))]
fn rename_if_free(temporary: &Path, path: &Path) -> Result<bool> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    was_free(renameat_with(CWD, temporary, CWD, path, RenameFlags::NOREPLACE).map_err(Error::from))
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn rename_if_free(_: &Path, _: &Path) -> Result<bool> {
    Err(Error::new(ErrorKind::Unsupported, "the file system knows no hard links"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Either way of giving a name lets one of many win, whose bytes stay.
    #[test]
    fn of_many_one_gets_the_name() {
        for put in [put_if_free, rename_if_free] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("slot");
            let winners: Vec<usize> = std::thread::scope(|scope| {
                let writers: Vec<_> = (0..16)
                    .map(|number| {
                        let path = &path;
                        scope.spawn(move || {
                            let (temporary, _) = temporary_beside(path).unwrap();
                            std::fs::write(&temporary, number.to_string()).unwrap();
                            put(&temporary, path).unwrap().then_some(number)
                        })
                    })
                    .collect();
                writers.into_iter().filter_map(|writer| writer.join().unwrap()).collect()
            });
            assert_eq!(winners.len(), 1);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), winners[0].to_string());
        }
    }

    #[test]
    fn what_says_that_links_are_unknown_is_told_from_what_says_that_a_name_is_taken() {
        for (raw, unknown) in [(1, true), (95, true), (22, true), (17, false), (28, false)] {
            if cfg!(target_os = "linux") {
                assert_eq!(knows_no_links(&Error::from_raw_os_error(raw)), unknown, "{raw}");
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let missing = put_if_free(&folder.path().join("a"), &folder.path().join("b"));
        assert!(missing.is_err_and(|e| e.kind() == ErrorKind::NotFound));
    }
}
