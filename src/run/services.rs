//! The services that phases are asked at: one way to each, with its key, its limits and its open connections.

use super::options::Options;
use crate::course::{ApiKey, Generate, Output};
use crate::diag::{Problem, Result};
use crate::generate::batch::{Desk, Service, Settings as Batches};
use crate::generate::{Endpoint, Generator, Notices, Remote};
use crate::http::{Client, Proxies, Secret, Settings};
use crate::store::Store;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A key is a line of text; a program that prints more has printed something else.
const LONGEST_KEY: usize = 16 * 1024;

/// The services that were asked for so far. What is declared the same is the same.
pub(super) struct Services<'o> {
    root: PathBuf,
    options: &'o Options,
    /// Where submissions to batch endpoints are kept.
    folder: PathBuf,
    notices: Notices,
    made: Vec<(&'o Generate, Arc<Endpoint>)>,
    desks: Vec<(Arc<Endpoint>, Option<Duration>, Arc<Desk>)>,
}

/// Where a store keeps the submissions that are under way.
pub(super) fn submissions(store: &Store) -> PathBuf {
    store.dir().join("submissions")
}

impl<'o> Services<'o> {
    pub(super) fn new(root: &Path, store: &Store, options: &'o Options, notices: &Notices) -> Self {
        let (folder, notices) = (submissions(store), notices.clone());
        Self { root: root.to_owned(), options, folder, notices, made: Vec::new(), desks: Vec::new() }
    }

    /// A phase's way to its service. Errors where the key is not to be had.
    pub(super) fn remote(&mut self, declared: &'o Generate, output: &Output) -> Result<Arc<dyn Generator>> {
        let endpoint = self.shared(declared)?;
        let remote = Remote::new(endpoint.clone(), declared, output)
            .ok_or_else(|| Problem::internal("a service was declared without its address"))?;
        let Some(batch) = declared.batches() else { return Ok(Arc::new(remote)) };
        let same = |(other, poll, _): &&(Arc<Endpoint>, Option<Duration>, Arc<Desk>)| {
            Arc::ptr_eq(other, &endpoint) && *poll == batch.poll
        };
        let desk = match self.desks.iter().find(same) {
            Some((.., desk)) => desk.clone(),
            None => {
                let desk = Arc::new(Desk::new(self.batches_at(endpoint.clone(), declared)));
                self.desks.push((endpoint, batch.poll, desk.clone()));
                desk
            }
        };
        Ok(Arc::new(remote.at(desk, self.options.jobs)))
    }

    /// The batch endpoint of a service.
    pub(super) fn batches(&mut self, declared: &'o Generate) -> Result<Service> {
        let endpoint = self.shared(declared)?;
        Ok(self.batches_at(endpoint, declared))
    }

    fn batches_at(&self, endpoint: Arc<Endpoint>, declared: &Generate) -> Service {
        let settings = Batches {
            kind: declared.kind,
            version: declared.api.as_ref().map(|api| api.version.clone()).unwrap_or_default(),
            model: declared.model.clone().unwrap_or_default(),
            poll: declared.batches().and_then(|batch| batch.poll),
            folder: self.folder.clone(),
        };
        Service::new(endpoint, settings, self.notices.clone())
    }

    fn shared(&mut self, declared: &'o Generate) -> Result<Arc<Endpoint>> {
        if let Some((_, endpoint)) = self.made.iter().find(|(other, _)| same_service(other, declared)) {
            return Ok(endpoint.clone());
        }
        let endpoint = Arc::new(self.endpoint(declared)?);
        self.made.push((declared, endpoint.clone()));
        Ok(endpoint)
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
