//! A folder as a shared store: a mounted share, NFS, a disk that work trees share.
//!
//! A slot is a file; who links it first has it. Writes go to a temporary name, so that no reader sees half of one.

use super::backend::{Got, Put, Trouble};
use crate::digest::Digest;
use crate::fs;
use crate::store::MAX_OBJECT;
use std::path::{Path, PathBuf};

/// Where a slot's file is: in one of 256 folders.
fn path(root: &Path, slot: &Digest) -> PathBuf {
    let name = slot.to_string();
    root.join("v1").join(&name[..2]).join(name)
}

/// A share that is not mounted is an empty folder, or none: what is not there then is no miss.
fn is_there(root: &Path) -> Result<(), Trouble> {
    if root.join("v1").is_dir() {
        return Ok(());
    }
    let what = if root.is_dir() { "it is not set up" } else { "the folder is not there" };
    Err(Trouble::Unreachable(what.to_owned()))
}

pub(super) fn get(root: &Path, slot: &Digest) -> Result<Got, Trouble> {
    is_there(root)?;
    let path = path(root, slot);
    match std::fs::metadata(&path) {
        Ok(metadata) if metadata.len() > MAX_OBJECT as u64 => {
            return Ok(Got::Bad(format!("it has more than {MAX_OBJECT} bytes")));
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Got::Absent),
        Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied => {
            return Err(Trouble::Denied(e.to_string()));
        }
        Err(e) => return Err(Trouble::Unreachable(e.to_string())),
        Ok(_) => {}
    }
    match fs::read(&path) {
        Ok(Some(bytes)) => Ok(Got::Bytes(bytes)),
        Ok(None) => Ok(Got::Absent),
        Err(problem) => Err(Trouble::Unreachable(problem.cause.unwrap_or(problem.what))),
    }
}

pub(super) fn put(root: &Path, slot: &Digest, bytes: &[u8], replace: bool) -> Result<Put, Trouble> {
    is_there(root)?;
    let path = path(root, slot);
    let done = if replace {
        fs::write_whole(&path, bytes, true).map(|()| true)
    } else {
        fs::write_if_absent(&path, bytes).and_then(|won| {
            if won && let Some(folder) = path.parent() {
                fs::sync_dir(folder)?;
            }
            Ok(won)
        })
    };
    match done {
        Ok(true) => Ok(Put::Created),
        Ok(false) => Ok(Put::Taken),
        Err(problem) if may_not_write(root) => Err(Trouble::Denied(problem.to_string())),
        Err(problem) => Err(Trouble::Unreachable(problem.cause.unwrap_or(problem.what))),
    }
}

fn may_not_write(root: &Path) -> bool {
    std::fs::metadata(root.join("v1")).is_ok_and(|metadata| metadata.permissions().readonly())
}

/// Makes the folder a store, once: a share that is not mounted is then told from an empty one.
pub(super) fn set_up(root: &Path) -> Result<(), Trouble> {
    if root.join("v1").is_dir() {
        return Ok(());
    }
    if !root.is_dir() {
        return Err(Trouble::Unreachable("the folder is not there".to_owned()));
    }
    fs::create_dir(&root.join("v1"))
        .map_err(|problem| Trouble::Unreachable(problem.cause.unwrap_or(problem.what)))
}
