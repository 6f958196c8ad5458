//! `[shared]`: the store that a team shares.

use super::text::{Files, TextFile};
use crate::diag::{Problem, Result, escape};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;
use toml::Spanned;

/// As written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawShared {
    #[schemars(with = "String")]
    url: Spanned<String>,
    #[serde(default)]
    mode: SharedMode,
    #[serde(default)]
    on_remote_down: OnRemoteDown,
    #[schemars(with = "Option<u64>")]
    timeout_s: Option<Spanned<u64>>,
}

/// What is done with a shared store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SharedMode {
    /// It is read and written.
    #[default]
    Rw,
    /// It is only read.
    R,
    /// It is not used.
    Off,
}

/// What is done with items of which nobody can say whether the shared store has them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnRemoteDown {
    /// They are held: nothing is bought that may be there.
    #[default]
    Hold,
    /// They are bought.
    Generate,
}

/// Where a shared store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SharedPlace {
    /// A folder (absolute).
    Folder(PathBuf),
    /// An HTTP server.
    Http(String),
    /// A bucket, `s3://BUCKET/PREFIX`.
    Bucket(String),
}

/// The shared store of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedStore {
    /// Where it is.
    pub place: SharedPlace,
    /// What is done with it.
    pub mode: SharedMode,
    /// What is done when it cannot be asked.
    pub down: OnRemoteDown,
    /// How long one request may take.
    pub timeout: Duration,
}

impl RawShared {
    /// The shared store.
    pub(super) fn validate(&self, files: &Files, manifest: &TextFile) -> Result<SharedStore> {
        let timeout = self.timeout_s.as_ref().map_or(10, |timeout| *timeout.get_ref());
        if let Some(written) = self.timeout_s.as_ref().filter(|_| timeout == 0 || timeout > 600) {
            return Err(manifest
                .problem(written.span(), "`timeout_s` has to be between 1 and 600 seconds")
                .hint("10 is what a store near by wants"));
        }
        Ok(SharedStore {
            place: self.place(files, manifest)?,
            mode: self.mode,
            down: self.on_remote_down,
            timeout: Duration::from_secs(timeout),
        })
    }

    fn place(&self, files: &Files, manifest: &TextFile) -> Result<SharedPlace> {
        let url = self.url.get_ref().trim();
        let problem = |what: &str| -> Problem { manifest.problem(self.url.span(), what) };
        if let Some(path) = url.strip_prefix("file://") {
            if !path.starts_with('/') {
                return Err(problem("a `file://` address wants three slashes and an absolute path")
                    .hint("write `file:///mnt/share/coursebuild`, or a path without `file://`"));
            }
            return Ok(SharedPlace::Folder(PathBuf::from(path)));
        }
        let Some((scheme, rest)) = url.split_once("://") else {
            if url.is_empty() {
                return Err(problem("`url` is empty").hint("name a folder, an HTTP server or a bucket"));
            }
            return Ok(SharedPlace::Folder(files.path(url)));
        };
        if !matches!(scheme, "http" | "https" | "s3") {
            return Err(problem(&format!("`{}` is no kind of shared store", escape(scheme))).hint(
                "a folder (`file:///mnt/share`), an HTTP server (`https://cache.example.org/course`) and a bucket (`s3://bucket/course`) are",
            ));
        }
        let host = rest.split('/').next().unwrap_or_default();
        if host.contains('@') || rest.contains(['?', '#']) || host.is_empty() {
            return Err(problem("this address cannot be that of a shared store")
                .because("it has to be a host and a path; a user, a password or a query would be committed with the manifest")
                .hint(if scheme == "s3" {
                    "set `AWS_ACCESS_KEY_ID` and its kin in the environment"
                } else {
                    "set `COURSEBUILD_SHARED_TOKEN`, or `COURSEBUILD_SHARED_USER` and `COURSEBUILD_SHARED_PASSWORD`, in the environment"
                }));
        }
        let url = url.trim_end_matches('/').to_owned();
        Ok(if scheme == "s3" { SharedPlace::Bucket(url) } else { SharedPlace::Http(url) })
    }
}
