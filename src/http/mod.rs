//! The only door to the network: one client, requests of bytes, answers that are read piece by piece.
//!
//! Knows no service, follows no redirect (a key must not travel to where somebody points) and tries nothing twice: what a
//! failure means, and whether to ask again, is for those who know what was asked. Reads no environment; proxies come in
//! [`Settings`]. Nothing that it prints or reports holds a secret, nor the part of an address where one could stand.

mod fault;
mod secret;
mod wait;

pub use fault::{Fault, FaultKind};
pub use secret::Secret;
pub use wait::wait_asked;

use crate::diag::{Problem, Result};
use std::fmt;
use std::time::Duration;

/// How a client reaches the world.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long a connection may take to stand.
    pub connect: Duration,
    /// How long there may be silence while an answer is awaited or read.
    pub silence: Duration,
    /// The proxies.
    pub proxies: Proxies,
}

impl Default for Settings {
    fn default() -> Self {
        let (connect, silence) = (Duration::from_secs(10), Duration::from_secs(60));
        Self { connect, silence, proxies: Proxies::default() }
    }
}

/// The proxies that people name in the environment. A proxy's address may hold a password, so it is not shown.
#[derive(Clone, Default)]
pub struct Proxies {
    http: Option<String>,
    https: Option<String>,
    except: Option<String>,
}

impl Proxies {
    /// Takes `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` from environment variables, the small spellings first.
    pub fn from_environment(environment: &[(String, String)]) -> Self {
        let find = |name: &str| {
            let value =
                |name: &str| environment.iter().find(|(known, _)| known == name).map(|(_, v)| v.clone());
            value(&name.to_ascii_lowercase()).or_else(|| value(name)).filter(|value| !value.is_empty())
        };
        let all = find("ALL_PROXY");
        Self {
            http: find("HTTP_PROXY").or_else(|| all.clone()),
            https: find("HTTPS_PROXY").or(all),
            except: find("NO_PROXY"),
        }
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxies {{ http: {}, https: {} }}", self.http.is_some(), self.https.is_some())
    }
}

/// A client: keeps connections open between requests. Cheap to clone; used inside a tokio runtime.
#[derive(Debug, Clone)]
pub struct Client {
    inner: reqwest::Client,
    /// No certificate authority is known to this system: nothing that is encrypted can be reached.
    trusts_nobody: bool,
}

/// Chooses who encrypts. Whoever makes a client by another crate calls this before.
pub fn ready() {
    // The first caller's choice holds for the process; another one's would do as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

impl Client {
    /// A client. Errors when a proxy's address is none.
    pub fn new(settings: &Settings) -> Result<Self> {
        ready();
        let builder = || -> Result<reqwest::ClientBuilder> {
            let mut builder = reqwest::Client::builder()
                .user_agent(concat!("coursebuild/", env!("CARGO_PKG_VERSION")))
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .connect_timeout(settings.connect)
                .read_timeout(settings.silence)
                .tcp_keepalive(Duration::from_secs(60))
                .no_proxy();
            let Proxies { http, https, except } = &settings.proxies;
            let except = except.as_deref().and_then(reqwest::NoProxy::from_string);
            for (name, proxy) in [("HTTP_PROXY", http), ("HTTPS_PROXY", https)] {
                let Some(address) = proxy else { continue };
                let proxy = if name == "HTTP_PROXY" {
                    reqwest::Proxy::http(address)
                } else {
                    reqwest::Proxy::https(address)
                };
                let proxy = proxy.map_err(|_| {
                    Problem::author(format!("the environment variable `{name}` names no proxy"))
                        .hint("write it as `http://HOST:PORT`, or take it out of the environment")
                })?;
                builder = builder.proxy(proxy.no_proxy(except.clone()));
            }
            Ok(builder)
        };
        // A system without certificates still reaches what is not encrypted: a model on the same machine.
        if let Ok(inner) = builder()?.build() {
            return Ok(Self { inner, trusts_nobody: false });
        }
        let inner = builder()?.tls_certs_only([]).build().map_err(|e| {
            Problem::environment("the machinery for HTTP cannot be started").because(e.without_url())
        })?;
        Ok(Self { inner, trusts_nobody: true })
    }

    /// Sends a request; returns with the answer's head. Any status is an answer.
    pub async fn send(&self, request: Request) -> Result<Response, Fault> {
        let Request { method, url, headers, body } = request;
        let method = reqwest::Method::from_bytes(method.as_bytes())
            .map_err(|_| Fault::address("the method is not one that HTTP knows"))?;
        let url = reqwest::Url::parse(&url).map_err(|e| Fault::address(e.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Fault::address("an address begins with `https://` or `http://`"));
        }
        let mut sent = self.inner.request(method, url);
        for (name, content) in &headers {
            let mut value = reqwest::header::HeaderValue::from_str(content.text())
                .map_err(|_| Fault::address(format!("the header `{name}` cannot hold what it is to hold")))?;
            value.set_sensitive(matches!(content, Value::Hidden(_)));
            sent = sent.header(name, value);
        }
        let inner = sent.body(body).send().await.map_err(|e| Fault::of(e, self.trusts_nobody))?;
        Ok(Response { status: inner.status().as_u16(), inner })
    }
}

/// A request. What it shows of itself is its method, the address without query and password, and the names of its headers.
#[derive(Clone)]
pub struct Request {
    method: &'static str,
    url: String,
    headers: Vec<(String, Value)>,
    body: Vec<u8>,
}

#[derive(Clone)]
enum Value {
    Open(String),
    Hidden(Secret),
}

impl Value {
    fn text(&self) -> &str {
        match self {
            Self::Open(text) => text,
            Self::Hidden(secret) => secret.expose(),
        }
    }
}

impl Request {
    /// A request without headers and body. `method`: `GET`, `HEAD`, `POST`, `PUT` or `DELETE`.
    pub fn new(method: &'static str, url: impl Into<String>) -> Self {
        Self { method, url: url.into(), headers: Vec::new(), body: Vec::new() }
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), Value::Open(value.into())));
        self
    }

    /// With a header whose value nobody may see.
    #[must_use]
    pub fn secret_header(mut self, name: &str, value: Secret) -> Self {
        self.headers.push((name.to_owned(), Value::Hidden(value)));
        self
    }

    /// With a body.
    #[must_use]
    pub fn body(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        write!(f, "{} {} {names:?} {} bytes", self.method, shown_address(&self.url), self.body.len())
    }
}

/// An address as it may be shown: without user, password, query and fragment, where secrets stand.
pub fn shown_address(url: &str) -> String {
    match reqwest::Url::parse(url) {
        Ok(mut url) => {
            let _ = url.set_username("");
            let _ = url.set_password(None);
            url.set_query(None);
            url.set_fragment(None);
            url.to_string()
        }
        Err(_) => "(an address that cannot be read)".to_owned(),
    }
}

/// An answer: its head is here, its body still comes.
#[derive(Debug)]
pub struct Response {
    /// The status: 200.
    pub status: u16,
    inner: reqwest::Response,
}

impl Response {
    /// A header's value, where it is text. The name's case does not matter.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.inner.headers().get(name)?.to_str().ok()
    }

    /// The next piece of the body, as it comes; `None` at its end.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        let piece = self.inner.chunk().await.map_err(|e| Fault::of(e, false))?;
        Ok(piece.map(Vec::from))
    }

    /// The whole body, if it has at most `most` bytes; a longer one is a fault.
    pub async fn whole(mut self, most: usize) -> Result<Vec<u8>, Fault> {
        let mut body = Vec::new();
        while let Some(piece) = self.chunk().await? {
            if body.len() + piece.len() > most {
                return Err(Fault::new(
                    FaultKind::Protocol,
                    format!("the answer has more than {most} bytes"),
                ));
            }
            body.extend(piece);
        }
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    /// A server for one connection: reads a head, then does what it is told.
    fn serve(answer: impl FnOnce(std::net::TcpStream) + Send + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/path?key=hidden", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).unwrap();
            answer(stream);
        });
        address
    }

    async fn get(address: &str) -> Result<Response, Fault> {
        let settings = Settings { silence: Duration::from_millis(300), ..Settings::default() };
        Client::new(&settings).unwrap().send(Request::new("GET", address)).await
    }

    #[tokio::test]
    async fn an_answer_is_read_piece_by_piece() {
        let address = serve(|mut stream| {
            stream
                .write_all(b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 6\r\n\r\nabcdef")
                .unwrap();
        });
        let mut response = get(&address).await.unwrap();
        assert_eq!((response.status, response.header("retry-after")), (429, Some("7")));
        let mut all = Vec::new();
        while let Some(piece) = response.chunk().await.unwrap() {
            all.extend(piece);
        }
        assert_eq!(all, b"abcdef");
        let long = serve(|mut stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef").unwrap();
        });
        assert_eq!(get(&long).await.unwrap().whole(5).await.unwrap_err().kind, FaultKind::Protocol);
    }

    #[tokio::test]
    async fn faults_have_kinds_and_no_secrets() {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let kind = |result: Result<Response, Fault>| {
            let fault = result.unwrap_err();
            assert!(!format!("{fault:?}").contains("hidden"), "{fault:?}");
            fault.kind
        };
        assert_eq!(kind(get(&format!("http://{closed}/?key=hidden")).await), FaultKind::Refused);
        assert_eq!(kind(get(&serve(drop)).await), FaultKind::Reset);
        assert_eq!(kind(get("no address with hidden").await), FaultKind::Address);
        assert_eq!(kind(get("ftp://x/?hidden").await), FaultKind::Address);
        let silent = serve(|mut stream| {
            // Holds the line until the other side has given up.
            let _ = stream.read(&mut [0; 16]);
        });
        assert_eq!(kind(get(&silent).await), FaultKind::TimedOut);
        let cut = serve(|mut stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\nabc").unwrap();
        });
        let fault = get(&cut).await.unwrap().whole(100).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Reset, "{fault}");
        let plain = serve(|mut stream| {
            let _ = stream.write_all(b"HTTP/1.1 400 no TLS here\r\n\r\n");
        });
        assert_eq!(kind(get(&plain.replace("http:", "https:")).await), FaultKind::Tls);
    }

    #[test]
    fn nothing_shows_a_secret() {
        let request = Request::new("PUT", "https://user:hidden@example.org/a?sig=hidden#hidden")
            .secret_header("x-api-key", Secret::new("hidden"))
            .body(b"hidden".to_vec());
        assert_eq!(format!("{request:?}"), "PUT https://example.org/a [\"x-api-key\"] 6 bytes");
        let proxies = Proxies::from_environment(&[("HTTPS_PROXY".into(), "http://u:hidden@p:1".into())]);
        assert_eq!(format!("{proxies:?}"), "Proxies { http: false, https: true }");
    }
}
