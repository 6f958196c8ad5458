//! A bucket as a shared store: S3, and what speaks like it.
//!
//! A slot is `s3://BUCKET/PREFIX/v1/ab/<64 hexadecimal digits>`, as in a folder, so that one can be copied to the other. A write
//! says `If-None-Match: *`; whether that is heeded is found out by whoever uses this. A request is tried again here, within
//! bounds, for only here is it known how to sign it anew.

use super::Settings;
use super::backend::{Got, Put, Trouble};
use crate::diag::{Problem, Result, escape};
use crate::digest::Digest;
use crate::store::MAX_OBJECT;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{
    ClientOptions, Error, GetOptions, ObjectStore, PutMode, PutOptions, PutPayload, RetryConfig,
};
use std::time::Duration;

/// The variables of the environment that say who we are and where the service is; no other one changes anything.
const VARIABLES: [&str; 19] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ENDPOINT_URL_STS",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_SKIP_SIGNATURE",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
    "AWS_REQUEST_PAYER",
    "AWS_SERVER_SIDE_ENCRYPTION",
    "AWS_SSE_KMS_KEY_ID",
];

/// Those of which one has to be there, or the service is asked for who we are, as machines of that service may.
const CREDENTIALS: [&str; 5] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_SKIP_SIGNATURE",
];

const RETRIES: usize = 3;
const NO_RETRY_AFTER: Duration = Duration::from_secs(15);

/// A bucket, and the folder in it.
#[derive(Debug)]
pub(super) struct Bucket {
    store: AmazonS3,
    prefix: String,
    /// The environment says who we are.
    introduced: bool,
}

impl Bucket {
    /// The bucket at `s3://BUCKET/PREFIX`. Errors when the environment contradicts itself.
    pub(super) fn open(url: &str, settings: &Settings) -> Result<Self> {
        crate::http::ready();
        let variables = || {
            let named = VARIABLES.iter().flat_map(|name| {
                settings.environment.iter().filter(move |(known, value)| known == name && !value.is_empty())
            });
            named.map(|(name, value)| (name.as_str(), value.as_str()))
        };
        let unencrypted = variables()
            .any(|(name, value)| name.starts_with("AWS_ENDPOINT_URL") && value.starts_with("http://"));
        let client = ClientOptions::new()
            .with_connect_timeout(settings.timeout.min(Duration::from_secs(3)))
            .with_timeout(settings.timeout)
            .with_allow_http(unencrypted);
        let mut builder = AmazonS3Builder::new().with_client_options(client).with_retry(RetryConfig {
            max_retries: RETRIES,
            retry_timeout: NO_RETRY_AFTER,
            ..RetryConfig::default()
        });
        for (name, value) in variables() {
            if let Ok(key) = name.to_ascii_lowercase().parse() {
                builder = builder.with_config(key, value);
            }
        }
        let place = url.trim_start_matches("s3://");
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let store = builder.with_bucket_name(bucket).build().map_err(|e| {
            Problem::author(format!("the shared store `{}` cannot be used", escape(url))).because(words(&e))
        })?;
        let introduced = variables().any(|(name, _)| CREDENTIALS.contains(&name));
        Ok(Self { store, prefix: prefix.trim_matches('/').to_owned(), introduced })
    }

    fn path(&self, slot: &Digest) -> Path {
        let name = slot.to_string();
        Path::from(format!("{}/v1/{}/{name}", self.prefix, &name[..2]))
    }

    pub(super) async fn get(&self, slot: &Digest) -> Result<Got, Trouble> {
        let found = match self.store.get_opts(&self.path(slot), GetOptions::default()).await {
            Ok(found) => found,
            Err(Error::NotFound { source, .. }) if !names_no_bucket(&source.to_string()) => {
                return Ok(Got::Absent);
            }
            Err(e) => return Err(self.trouble(&e)),
        };
        if found.meta.size > MAX_OBJECT as u64 {
            return Ok(Got::Bad(format!("it has more than {MAX_OBJECT} bytes")));
        }
        match found.bytes().await {
            Ok(bytes) => Ok(Got::Bytes(bytes.into())),
            Err(e) => Err(self.trouble(&e)),
        }
    }

    pub(super) async fn put(&self, slot: &Digest, bytes: Vec<u8>, replace: bool) -> Result<Put, Trouble> {
        let mode = if replace { PutMode::Overwrite } else { PutMode::Create };
        let put =
            self.store.put_opts(&self.path(slot), PutPayload::from(bytes), PutOptions::from(mode)).await;
        match put {
            Ok(_) => Ok(Put::Created),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(Put::Taken),
            Err(e) => Err(self.trouble(&e)),
        }
    }

    fn trouble(&self, error: &Error) -> Trouble {
        let why = words(error);
        match error {
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => Trouble::Denied(why),
            Error::NotFound { .. } | Error::NotSupported { .. } | Error::NotImplemented { .. } => {
                Trouble::Refused(why)
            }
            _ if !self.introduced => Trouble::Refused(format!(
                "{why}; no credentials are in the environment: `AWS_ACCESS_KEY_ID` and \
                 `AWS_SECRET_ACCESS_KEY`, or `AWS_SKIP_SIGNATURE=true` for what anybody may read"
            )),
            _ => Trouble::Unreachable(why),
        }
    }
}

/// A slot that is not there and a bucket that is not there have the same status; only the first one is a miss.
fn names_no_bucket(text: &str) -> bool {
    text.contains("NoSuchBucket")
}

/// What the service says is wrong, if it says so; else the innermost cause: what is around it repeats the address.
fn words(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    if let Some((code, _)) = code {
        return format!("the service answered `{}`", escape(code));
    }
    let mut inner = error;
    while let Some(deeper) = inner.source() {
        inner = deeper;
    }
    escape(inner.to_string().lines().next().unwrap_or_default()).chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::share::Address;

    fn settings(environment: &[(&str, &str)]) -> Settings {
        Settings {
            address: Address::Bucket("s3://team/course".into()),
            writes: true,
            used_before: false,
            timeout: Duration::from_secs(1),
            environment: environment.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
        }
    }

    #[test]
    fn a_slot_has_the_place_that_it_has_in_a_folder() {
        let slot = Digest::of(b"slot");
        for (url, folder) in [("s3://team/a/course/", "a/course/"), ("s3://team", "")] {
            let bucket = Bucket::open(url, &settings(&[])).unwrap();
            let name = slot.to_string();
            assert_eq!(bucket.path(&slot).to_string(), format!("{folder}v1/{}/{name}", &name[..2]));
        }
    }

    #[test]
    fn nobody_answers_or_nobody_knows_who_asks() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let get = |environment: &[(&str, &str)]| {
            let bucket = Bucket::open("s3://team/course", &settings(environment)).unwrap();
            runtime.block_on(bucket.get(&Digest::of(b"slot")))
        };
        let nobody = ("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
        let secret = [("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "hush-hush"), nobody];
        let trouble = get(&secret).unwrap_err();
        assert!(matches!(&trouble, Trouble::Unreachable(why) if !why.contains("hush")), "{trouble:?}");
        assert!(!format!("{:?}", Bucket::open("s3://team", &settings(&secret)).unwrap()).contains("hush"));
    }

    #[test]
    fn a_service_is_quoted_with_its_code() {
        let told = std::io::Error::other("Error 404: <Error><Code>NoSuchBucket</Code><Message>…</Message>");
        assert_eq!(words(&told), "the service answered `NoSuchBucket`");
        assert!(names_no_bucket(&told.to_string()));
    }
}
