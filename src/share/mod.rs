//! A store that a team shares, or all jobs of a CI system: slots that are filled once, so that nobody pays twice.
//!
//! Whoever fills a slot first has it, and whoever comes second takes over what is there. What cannot be asked is never called
//! absent: a miss here means money. Knows how to ask and to offer, how often, and when to leave a store alone; not what is
//! wanted, nor what to do when nothing can be learnt.

mod backend;
mod breaker;
#[cfg(feature = "s3")]
mod bucket;
mod folder;
mod http;
mod port;

pub use port::{Look, Offered, Port};

use crate::diag::{Kind, Problem, Result};
use crate::digest::Digest;
use crate::http::{Client, Proxies, Secret, Settings as Network, shown_address};
use backend::Backend;
use std::path::PathBuf;
use std::time::Duration;

/// Requests under way at once.
const CONNECTIONS: usize = 16;

/// Where a shared store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A folder (absolute).
    Folder(PathBuf),
    /// `http://…` or `https://…`, without user and password.
    Http(String),
    /// `s3://BUCKET/PREFIX`.
    Bucket(String),
}

impl Address {
    /// As it may be shown.
    pub fn shown(&self) -> String {
        match self {
            Self::Folder(path) => path.display().to_string(),
            Self::Http(url) => shown_address(url),
            Self::Bucket(url) => url.clone(),
        }
    }

    /// True when a network is needed to ask it. A folder may be on one too, and nobody can tell.
    pub fn needs_network(&self) -> bool {
        matches!(self, Self::Http(_) | Self::Bucket(_))
    }

    /// A name for what is noted of it here.
    pub fn id(&self) -> String {
        let text = match self {
            Self::Folder(path) => path.as_os_str().as_encoded_bytes().to_vec(),
            Self::Http(url) | Self::Bucket(url) => url.trim_end_matches('/').as_bytes().to_vec(),
        };
        Digest::of(&text).to_string()[..16].to_owned()
    }
}

/// How a shared store is used.
pub struct Settings {
    /// Where it is.
    pub address: Address,
    /// It is written to as well.
    pub writes: bool,
    /// It was used from here before: then it is not set up anew, for a share that is not mounted looks empty.
    pub used_before: bool,
    /// How long one request may take, long bodies apart.
    pub timeout: Duration,
    /// The environment, for credentials and proxies.
    pub environment: Vec<(String, String)>,
}

/// A shared store in use: its connections and the threads that serve them. Made and dropped outside of any async task.
#[derive(Debug)]
pub struct Shared {
    port: Port,
    runtime: tokio::runtime::Runtime,
}

impl Shared {
    /// Opens a shared store. Asks nothing yet, but for a folder, which is set up at its first use.
    pub fn open(settings: &Settings) -> Result<Self> {
        let backend = match &settings.address {
            Address::Folder(path) => Backend::Folder(path.clone()),
            Address::Http(url) => {
                let network = Network {
                    connect: settings.timeout.min(Duration::from_secs(3)),
                    silence: settings.timeout,
                    proxies: Proxies::from_environment(&settings.environment),
                };
                let authorization = authorization(&settings.environment)?;
                Backend::Http(http::Server::new(Client::new(&network)?, url, authorization, settings.timeout))
            }
            Address::Bucket(url) => bucket_backend(url, settings)?,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .thread_name("shared store")
            .build()
            .map_err(|e| {
                Problem::environment("could not start the machinery of the shared store").because(e)
            })?;
        if settings.writes && !settings.used_before {
            // Whether it worked shows at the first request.
            let _ = runtime.block_on(backend.set_up());
        }
        let port = Port::new(backend, settings, runtime.handle().clone());
        Ok(Self { port, runtime })
    }

    /// What async tasks use it through.
    pub fn port(&self) -> Port {
        self.port.clone()
    }

    /// Asks for many slots at once. What could not be asked while the store was left alone is asked once more after the pause.
    pub fn look_up(&self, slots: &[Digest]) -> Vec<(Digest, Look)> {
        self.runtime.block_on(self.port.look_up(slots.to_vec()))
    }

    /// Asks for chunks: those that are there, with what they hold and the slots of that.
    pub fn chunks(&self, names: Vec<Digest>) -> Vec<(Digest, Vec<(Digest, crate::store::Entry)>)> {
        self.runtime.block_on(self.port.chunks(names))
    }

    /// Stores a chunk; true if it is there now.
    pub fn put_chunk(&self, name: &Digest, bytes: &[u8]) -> bool {
        self.runtime.block_on(self.port.put_chunk(name, bytes))
    }

    /// Offers many results at once: each with its slot.
    pub fn offer(&self, portions: Vec<(Digest, crate::store::Entry)>) -> Vec<Offered> {
        self.runtime.block_on(self.port.offer_all(portions))
    }

    /// Finds out whether the store can be asked, and whether it heeds the condition on writes.
    pub fn examine(&self) -> std::result::Result<&'static str, String> {
        self.runtime.block_on(self.port.examine())
    }
}

#[cfg(feature = "s3")]
fn bucket_backend(url: &str, settings: &Settings) -> Result<Backend> {
    Ok(Backend::Bucket(Box::new(bucket::Bucket::open(url, settings)?)))
}

#[cfg(not(feature = "s3"))]
fn bucket_backend(url: &str, _: &Settings) -> Result<Backend> {
    Err(Problem::author(format!("the shared store `{url}` cannot be used"))
        .because("this coursebuild was built without the feature `s3`")
        .hint("build it with `cargo install coursebuild --features s3`; or `--cache shared:off` does without the store"))
}

/// What the environment says of who we are: a token, or a user and a password.
fn authorization(environment: &[(String, String)]) -> Result<Option<Secret>> {
    let find = |name: &str| {
        let found = environment.iter().find(|(known, value)| known == name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    };
    match (
        find("COURSEBUILD_SHARED_TOKEN"),
        find("COURSEBUILD_SHARED_USER"),
        find("COURSEBUILD_SHARED_PASSWORD"),
    ) {
        (Some(token), ..) => Ok(Some(Secret::new(format!("Bearer {token}")))),
        (None, Some(user), Some(password)) => {
            Ok(Some(Secret::new(format!("Basic {}", base64(format!("{user}:{password}").as_bytes())))))
        }
        (None, None, None) => Ok(None),
        (None, user, _) => {
            let missing =
                if user.is_some() { "COURSEBUILD_SHARED_PASSWORD" } else { "COURSEBUILD_SHARED_USER" };
            Err(Problem::new(Kind::Author, format!("the environment variable `{missing}` is missing"))
                .hint("a user goes with a password; or set `COURSEBUILD_SHARED_TOKEN` alone"))
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * at)) as usize & 63];
            out.push(if at <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_we_are_comes_from_the_environment_whole_or_not_at_all() {
        let of = |pairs: &[(&str, &str)]| {
            let environment: Vec<(String, String)> =
                pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            authorization(&environment)
        };
        let text = |secret: Option<Secret>| secret.map(|secret| secret.expose().to_owned());
        assert_eq!(text(of(&[]).unwrap()), None);
        assert_eq!(text(of(&[("COURSEBUILD_SHARED_TOKEN", "t")]).unwrap()).unwrap(), "Bearer t");
        let basic =
            of(&[("COURSEBUILD_SHARED_USER", "Aladdin"), ("COURSEBUILD_SHARED_PASSWORD", "open sesame")]);
        assert_eq!(text(basic.unwrap()).unwrap(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(of(&[("COURSEBUILD_SHARED_USER", "u")]).unwrap_err().what.contains("PASSWORD"));
        assert!(of(&[("COURSEBUILD_SHARED_PASSWORD", "p")]).unwrap_err().what.contains("USER"));
    }

    #[test]
    fn base64_of_every_length() {
        let of = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|text| base64(text.as_bytes()));
        assert_eq!(of, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]);
    }
}
