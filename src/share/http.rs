//! An HTTP server as a shared store: a Bazel HTTP cache, WebDAV, or any server that keeps what is PUT.
//!
//! A slot is `URL/ac/<64 hexadecimal digits>`. A write says `If-None-Match: *`; whether the server heeds that is found out by
//! whoever uses this. No redirect is followed, no answer is read past the longest object.

use super::backend::{Got, Put, Trouble};
use crate::digest::Digest;
use crate::http::{Client, Fault, FaultKind, Request, Response, Secret, wait_asked};
use crate::store::MAX_OBJECT;
use std::time::Duration;

/// A server, and how it is spoken to.
pub(super) struct Server {
    client: Client,
    url: String,
    /// The value of the header `Authorization`.
    authorization: Option<Secret>,
    timeout: Duration,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Server({})", crate::http::shown_address(&self.url))
    }
}

/// A server that says nothing of how long gets this much peace.
const PAUSE: Duration = Duration::from_millis(500);

impl Server {
    /// A server at an address without a slash at its end.
    pub(super) fn new(client: Client, url: &str, authorization: Option<Secret>, timeout: Duration) -> Self {
        Self { client, url: url.trim_end_matches('/').to_owned(), authorization, timeout }
    }

    pub(super) async fn get(&self, slot: &Digest) -> Result<Got, Trouble> {
        self.in_time(async {
            let response = self.send(self.request("GET", slot)).await?;
            match response.status {
                200 => {
                    let stated =
                        response.header("content-length").and_then(|text| text.parse::<usize>().ok());
                    if stated.is_some_and(|length| length > MAX_OBJECT) {
                        return Ok(Got::Bad(format!("it has more than {MAX_OBJECT} bytes")));
                    }
                    match response.whole(MAX_OBJECT).await {
                        Ok(bytes) => Ok(Got::Bytes(bytes)),
                        Err(fault) if fault.what.starts_with("the answer has more than") => {
                            Ok(Got::Bad(format!("it has more than {MAX_OBJECT} bytes")))
                        }
                        Err(fault) => Err(trouble(&fault)),
                    }
                }
                // 204 is how some servers say that there is nothing.
                404 | 410 | 204 => Ok(Got::Absent),
                _ => Err(self.unexpected(&response)),
            }
        })
        .await
    }

    pub(super) async fn put(&self, slot: &Digest, bytes: Vec<u8>, replace: bool) -> Result<Put, Trouble> {
        let extra = Duration::from_millis(bytes.len() as u64 / 100);
        let put = || {
            let request = self
                .request("PUT", slot)
                .header("content-type", "application/octet-stream")
                .body(bytes.clone());
            if replace { request } else { request.header("if-none-match", "*") }
        };
        tokio::time::timeout(self.timeout + extra, async {
            let mut response = self.send(put()).await?;
            if response.status == 409 && self.make_collection().await {
                // WebDAV says so when the folder is missing; others, when the slot is taken.
                response = self.send(put()).await?;
            }
            match response.status {
                200 | 201 | 202 | 204 => Ok(Put::Created),
                409 | 412 => Ok(Put::Taken),
                _ => Err(self.unexpected(&response)),
            }
        })
        .await
        .unwrap_or_else(|_| Err(self.too_slow()))
    }

    /// Makes the folder of the slots; true if it was made now.
    async fn make_collection(&self) -> bool {
        let request = self.authorized(Request::new("MKCOL", format!("{}/ac/", self.url)));
        matches!(self.client.send(request).await, Ok(response) if response.status == 201)
    }

    fn request(&self, method: &'static str, slot: &Digest) -> Request {
        self.authorized(Request::new(method, format!("{}/ac/{slot}", self.url)))
    }

    fn authorized(&self, request: Request) -> Request {
        match &self.authorization {
            Some(secret) => request.secret_header("authorization", secret.clone()),
            None => request,
        }
    }

    async fn send(&self, request: Request) -> Result<Response, Trouble> {
        self.client.send(request).await.map_err(|fault| trouble(&fault))
    }

    async fn in_time<T>(&self, work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
        tokio::time::timeout(self.timeout, work).await.unwrap_or_else(|_| Err(self.too_slow()))
    }

    fn too_slow(&self) -> Trouble {
        Trouble::Unreachable(format!("no whole answer within {} s", self.timeout.as_secs()))
    }

    fn unexpected(&self, response: &Response) -> Trouble {
        match response.status {
            401 | 403 | 407 => Trouble::Denied(format!("the server answered {}", response.status)),
            429 | 503 => match wait_asked(&|name| response.header(name)) {
                Some(wait) => Trouble::Busy(wait),
                None if response.status == 429 => Trouble::Busy(PAUSE),
                None => Trouble::Unreachable("the server answered 503".to_owned()),
            },
            300..=399 => Trouble::Refused(format!(
                "the server answered {}, and no redirect is followed: name the address that it points to",
                response.status
            )),
            408 | 423 | 425 | 500.. => {
                Trouble::Unreachable(format!("the server answered {}", response.status))
            }
            status => Trouble::Refused(format!("the server answered {status}")),
        }
    }
}

fn trouble(fault: &Fault) -> Trouble {
    match fault.kind {
        FaultKind::Address => Trouble::Refused(fault.to_string()),
        _ => Trouble::Unreachable(fault.to_string()),
    }
}
