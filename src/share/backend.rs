//! One request to a shared store, whatever it is: what came back, and what can go wrong.

#[cfg(feature = "s3")]
use super::bucket;
use super::{folder, http};
use crate::digest::Digest;
use std::path::PathBuf;
use std::time::Duration;

/// What a slot was found to hold.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Got {
    /// These bytes, whatever they are.
    Bytes(Vec<u8>),
    /// Nothing.
    Absent,
    /// Something that is not even worth reading.
    Bad(String),
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    /// It is there, and nothing was there before, as far as the store says so.
    Created,
    /// Something may be there already.
    Taken,
}

/// Why a request brought nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It may work another time; whether a write has happened is not known.
    Unreachable(String),
    /// The store asks to be left alone for so long.
    Busy(Duration),
    /// It is not allowed.
    Denied(String),
    /// It will not work whenever it is tried.
    Refused(String),
}

impl Trouble {
    /// In words.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Unreachable(why) | Self::Denied(why) | Self::Refused(why) => why.clone(),
            Self::Busy(wait) => format!("it asks to be left alone for {} s", wait.as_secs().max(1)),
        }
    }

    /// That it is not asked for now.
    pub(super) fn left_alone() -> Self {
        Self::Unreachable("it failed several times in a row, and is left alone".to_owned())
    }
}

/// Where the slots are.
#[derive(Debug)]
pub(super) enum Backend {
    /// A folder.
    Folder(PathBuf),
    /// An HTTP server.
    Http(http::Server),
    /// A bucket of S3.
    #[cfg(feature = "s3")]
    Bucket(Box<bucket::Bucket>),
}

impl Backend {
    /// Reads a slot.
    pub(super) async fn get(&self, slot: &Digest) -> Result<Got, Trouble> {
        match self {
            Self::Folder(root) => {
                let (root, slot) = (root.clone(), *slot);
                blocking(move || folder::get(&root, &slot)).await
            }
            Self::Http(server) => server.get(slot).await,
            #[cfg(feature = "s3")]
            Self::Bucket(bucket) => bucket.get(slot).await,
        }
    }

    /// Fills a slot if it is empty; with `replace`, whatever is in it.
    pub(super) async fn put(&self, slot: &Digest, bytes: Vec<u8>, replace: bool) -> Result<Put, Trouble> {
        match self {
            Self::Folder(root) => {
                let (root, slot) = (root.clone(), *slot);
                blocking(move || folder::put(&root, &slot, &bytes, replace)).await
            }
            Self::Http(server) => server.put(slot, bytes, replace).await,
            #[cfg(feature = "s3")]
            Self::Bucket(bucket) => bucket.put(slot, bytes, replace).await,
        }
    }

    /// How often a request is made while there is hope.
    pub(super) fn tries(&self) -> u32 {
        match self {
            Self::Folder(_) | Self::Http(_) => 3,
            // It tries again by itself.
            #[cfg(feature = "s3")]
            Self::Bucket(_) => 1,
        }
    }

    /// Makes it ready to be used, where that is needed.
    pub(super) async fn set_up(&self) -> Result<(), Trouble> {
        match self {
            Self::Folder(root) => {
                let root = root.clone();
                blocking(move || folder::set_up(&root)).await
            }
            Self::Http(_) => Ok(()),
            #[cfg(feature = "s3")]
            Self::Bucket(_) => Ok(()),
        }
    }
}

/// A share that hangs must not hold up what waits on other things.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Trouble::Unreachable("the thread that asked it ended".to_owned())))
}
