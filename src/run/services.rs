//! The services that phases are asked at: one way to each, with its key, its limits and its open connections.

use super::options::Options;
use crate::course::{ApiKey, Generate, Output};
use crate::diag::{Problem, Result};
use crate::generate::{Endpoint, Generator, Remote};
use crate::http::{Client, Proxies, Secret, Settings};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A key is a line of text; a program that prints more has printed something else.
const LONGEST_KEY: usize = 16 * 1024;

/// The services that were asked for so far. What is declared the same is the same.
pub(super) struct Services<'o> {
    root: PathBuf,
    options: &'o Options,
    made: Vec<(&'o Generate, Arc<Endpoint>)>,
}

impl<'o> Services<'o> {
    pub(super) fn new(root: &Path, options: &'o Options) -> Self {
        Self { root: root.to_owned(), options, made: Vec::new() }
    }

    /// A phase's way to its service. Errors where the key is not to be had.
    pub(super) fn remote(&mut self, declared: &'o Generate, output: &Output) -> Result<Arc<dyn Generator>> {
        let known = self.made.iter().find(|(other, _)| same_service(other, declared));
        let endpoint = match known {
            Some((_, endpoint)) => endpoint.clone(),
            None => {
                let endpoint = Arc::new(self.endpoint(declared)?);
                self.made.push((declared, endpoint.clone()));
                endpoint
            }
        };
        let remote = Remote::new(endpoint, declared, output)
            .ok_or_else(|| Problem::internal("a service was declared without its address"))?;
        Ok(Arc::new(remote))
    }

    fn endpoint(&self, declared: &Generate) -> Result<Endpoint> {
        let Some(api) = &declared.api else {
            return Err(Problem::internal("a service was declared without its address"));
        };
        let timeout = Duration::from_secs(declared.timeout_s);
        let proxies = Proxies::from_environment(&self.options.environment);
        let client = Client::new(&Settings { silence: timeout, proxies, ..Settings::default() })?;
        let limits = (api.requests_per_minute, api.tokens_per_minute);
        Ok(Endpoint::new(client, &api.base_url, self.key(&api.key)?, timeout, limits))
    }

    fn key(&self, declared: &ApiKey) -> Result<Option<Secret>> {
        let (text, whence) = match declared {
            ApiKey::None => return Ok(None),
            ApiKey::Env(name) => {
                let value = self.options.environment.iter().find(|(known, _)| known == name);
                let value = value.map(|(_, value)| value.clone()).unwrap_or_default();
                (value, format!("the environment variable `{name}`"))
            }
            ApiKey::Command(argv) => {
                let env: Vec<_> = self
                    .options
                    .environment
                    .iter()
                    .map(|(name, value)| (name.into(), value.into()))
                    .collect();
                let bytes =
                    crate::process::capture(argv, &self.root, &env, LONGEST_KEY).map_err(|problem| {
                        Problem::author("the program of `api_key_command` gave no key").because(problem)
                    })?;
                (String::from_utf8_lossy(&bytes).into_owned(), "the program of `api_key_command`".to_owned())
            }
        };
        match text.trim() {
            "" => Err(Problem::author(format!("there is no key: {whence} holds none"))
                .hint("put the service's key there, or name another place (`api_key_env`, `api_key_command`) under `[generate]`; nothing was asked")),
            key if key.chars().any(|c| c.is_control() || c.is_whitespace()) => {
                Err(Problem::author(format!("what {whence} holds is no key: it has more than one word"))
                    .hint("a key is one line without spaces; nothing was asked"))
            }
            key => Ok(Some(Secret::new(key))),
        }
    }
}

/// Whether two phases are asked at the same place, with the same key, under the same limits.
fn same_service(a: &Generate, b: &Generate) -> bool {
    let (Some(one), Some(other)) = (&a.api, &b.api) else { return false };
    let limits = |api: &crate::course::Api| (api.requests_per_minute, api.tokens_per_minute);
    a.kind == b.kind
        && a.timeout_s == b.timeout_s
        && a.model == b.model
        && one.base_url == other.base_url
        && one.key == other.key
        && limits(one) == limits(other)
}
