//! The stamp of a complete build: what the files looked like that it read and wrote.
//!
//! While every one of them looks the same, the next build has nothing to do and opens none of them. A file whose time is too
//! near to the look at it could change again without showing it; such a look never counts (git's rule for racy entries).
//! Holds digests of tool and options that the caller makes; a torn or foreign stamp is as good as none.

use super::frame::{self, Kind};
use super::pack::{Packer, Unpacker};
use crate::diag::Result;
use crate::digest::Digest;
use crate::fs;
use std::fs::Metadata;
use std::path::{Path, PathBuf};

/// How much older than the look at it a file's time has to be, in nanoseconds.
pub const RACY_NS: i64 = 20_000_000;

const NAME: &[u8] = b"stamp 1";

/// How a path looked: a file, a folder, or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// The path, as it will be looked at again.
    pub path: PathBuf,
    /// When it was looked at, by the caller's clock read before: nanoseconds since 1970, UTC.
    pub seen_ns: i64,
    /// What was there; `None`: nothing.
    pub shape: Option<Shape>,
}

/// What the file system tells of a file or folder; links are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Bytes.
    pub size: u64,
    /// When its contents changed: nanoseconds since 1970, UTC.
    pub mtime_ns: i64,
    /// When its contents or attributes changed: nanoseconds since 1970, UTC.
    pub ctime_ns: i64,
    /// Its number in the file system.
    pub inode: u64,
}

impl Shape {
    fn of(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().map(|metadata| Self::from_metadata(&metadata))
    }

    #[cfg(unix)]
    fn from_metadata(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        let ns = |seconds: i64, ns: i64| seconds.saturating_mul(1_000_000_000).saturating_add(ns);
        Self {
            size: metadata.size(),
            mtime_ns: ns(metadata.mtime(), metadata.mtime_nsec()),
            ctime_ns: ns(metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
        }
    }

    #[cfg(not(unix))]
    fn from_metadata(metadata: &Metadata) -> Self {
        let since = |time: std::io::Result<std::time::SystemTime>| {
            time.ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
        };
        let mtime_ns = since(metadata.modified()).and_then(|age| i64::try_from(age.as_nanos()).ok());
        Self { size: metadata.len(), mtime_ns: mtime_ns.unwrap_or(i64::MAX), ctime_ns: 0, inode: 0 }
    }
}

impl Stat {
    /// Looks at a path. To be trusted, it has to be looked at *before* it is read, or after it was written and `now_ns` was
    /// read.
    pub fn take(path: PathBuf, now_ns: i64) -> Self {
        let shape = Shape::of(&path);
        Self { path, seen_ns: now_ns, shape }
    }

    /// True if the file could have changed after this look without showing it.
    pub fn is_racy(&self) -> bool {
        self.shape.is_some_and(|shape| shape.mtime_ns.saturating_add(RACY_NS) > self.seen_ns)
    }

    fn holds(&self) -> bool {
        !self.is_racy() && Shape::of(&self.path) == self.shape
    }
}

/// The stamp of a complete build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The digest of the tool and the rule packs built into it.
    pub tool: Digest,
    /// The digest of the options that decide what a build does.
    pub options: Digest,
    /// What was read and written, folders that were searched and paths that were looked for in vain included.
    pub files: Vec<Stat>,
    /// What the build is to say again (JSON).
    pub summary: String,
}

impl Stamp {
    /// A stamp over paths as they look now.
    pub fn take(
        tool: Digest,
        options: Digest,
        paths: impl IntoIterator<Item = PathBuf>,
        summary: String,
        now_ns: i64,
    ) -> Self {
        let files = paths.into_iter().map(|path| Stat::take(path, now_ns)).collect();
        Self { tool, options, files, summary }
    }

    /// True while every path looks as it did, and looked so safely. The caller compares `tool` and `options`.
    pub fn holds(&self) -> bool {
        self.files.iter().all(Stat::holds)
    }

    /// Writes it, in the place of the one before.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut body = Packer::default();
        body.digest(&self.tool);
        body.digest(&self.options);
        body.bytes(self.summary.as_bytes());
        for stat in &self.files {
            body.bytes(stat.path.as_os_str().as_encoded_bytes());
            body.i64(stat.seen_ns);
            body.byte(u8::from(stat.shape.is_some()));
            if let Some(Shape { size, mtime_ns, ctime_ns, inode }) = stat.shape {
                body.u64(size);
                body.i64(mtime_ns);
                body.i64(ctime_ns);
                body.u64(inode);
            }
        }
        fs::write_whole(path, &frame::encode(Kind::Stamp, NAME, &body.0)?, false)
    }

    /// Reads it; `None` if there is none that can be used.
    pub fn read(path: &Path) -> Option<Self> {
        let bytes = fs::read(path).ok()??;
        let body = frame::decode_only(&bytes, Kind::Stamp, NAME).ok()?;
        let mut body = Unpacker(&body);
        let (tool, options) = (body.digest()?, body.digest()?);
        let summary = body.text()?.to_owned();
        let mut files = Vec::new();
        while !body.0.is_empty() {
            files.push(read_stat(&mut body)?);
        }
        Some(Self { tool, options, files, summary })
    }
}

fn read_stat(body: &mut Unpacker<'_>) -> Option<Stat> {
    let path = path_of(body.bytes()?)?;
    let seen_ns = body.i64()?;
    let shape = match body.byte()? {
        0 => None,
        _ => Some(Shape {
            size: body.u64()?,
            mtime_ns: body.i64()?,
            ctime_ns: body.i64()?,
            inode: body.u64()?,
        }),
    };
    Some(Stat { path, seen_ns, shape })
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    Some(PathBuf::from(std::ffi::OsStr::from_bytes(bytes)))
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> Option<PathBuf> {
    std::str::from_utf8(bytes).ok().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock reading long after any file of the test was written.
    const LATER: i64 = i64::MAX;

    fn folder() -> (tempfile::TempDir, Vec<PathBuf>) {
        let dir = tempfile::tempdir().unwrap();
        let paths = ["a", "docs", "docs/b", "absent"].map(|name| dir.path().join(name)).to_vec();
        fs::write_whole(&paths[0], b"a", false).unwrap();
        fs::write_whole(&paths[2], b"b", false).unwrap();
        (dir, paths)
    }

    fn stamp(paths: &[PathBuf], now_ns: i64) -> Stamp {
        Stamp::take(Digest::of(b"t"), Digest::of(b"o"), paths.to_vec(), "{}".into(), now_ns)
    }

    #[test]
    fn a_stamp_goes_out_and_comes_back() {
        let (dir, paths) = folder();
        let stamp = stamp(&paths, LATER);
        let path = dir.path().join("deep/stamp");
        stamp.write(&path).unwrap();
        assert_eq!(Stamp::read(&path), Some(stamp));
        let bytes = std::fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            fs::write_whole(&path, &bytes[..at], false).unwrap();
            assert_eq!(Stamp::read(&path), None, "cut at {at}");
        }
        assert_eq!(Stamp::read(&dir.path().join("none")), None);
    }

    #[test]
    fn it_holds_until_anything_changes() {
        type Change = fn(&[PathBuf]);
        let changes: [(&str, Change); 6] = [
            ("longer", |paths| fs::write_whole(&paths[0], b"aa", false).unwrap()),
            ("same size, another file", |paths| fs::write_whole(&paths[2], b"c", false).unwrap()),
            ("gone", |paths| fs::remove_file(&paths[0]).unwrap()),
            ("come", |paths| fs::write_whole(&paths[3], b"", false).unwrap()),
            ("a name in a folder", |paths| fs::write_whole(&paths[1].join("c"), b"", false).unwrap()),
            ("a folder gone", |paths| fs::remove_dir(&paths[1]).unwrap()),
        ];
        for (what, change) in changes {
            let (_dir, paths) = folder();
            let stamp = stamp(&paths, LATER);
            assert!(stamp.holds(), "{what}");
            change(&paths);
            assert!(!stamp.holds(), "{what}");
        }
    }

    #[test]
    fn a_look_too_near_to_a_change_never_counts() {
        let (_dir, paths) = folder();
        let newest =
            paths.iter().filter_map(|path| Shape::of(path)).map(|shape| shape.mtime_ns).max().unwrap();
        assert!(stamp(&paths, newest + RACY_NS).holds());
        assert!(!stamp(&paths, newest + RACY_NS - 1).holds());
        assert!(!Stat::take(paths[3].clone(), 0).is_racy(), "what is not there has no time");
    }
}
