//! What can happen on the way: told in kinds, so that nobody has to read messages.

use std::error::Error;
use std::fmt;
use std::io;

/// A request that brought no answer, or not all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What kind.
    pub kind: FaultKind,
    /// In words, without the address.
    pub what: String,
}

/// The kinds of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The address or a header cannot be: nothing was sent, and nothing will ever be.
    Address,
    /// No connection could be made: nobody listens there, or nobody has that name.
    Refused,
    /// The connection broke off; what was sent may have been received.
    Reset,
    /// There was silence for too long.
    TimedOut,
    /// The other side is not who it should be, or does not speak TLS.
    Tls,
    /// The other side does not speak HTTP, or says more than it may.
    Protocol,
}

impl Fault {
    /// A fault.
    pub fn new(kind: FaultKind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into() }
    }

    pub(super) fn address(what: impl Into<String>) -> Self {
        Self::new(FaultKind::Address, what)
    }

    /// What the HTTP machinery says, without the address, which may hold a secret.
    pub(super) fn of(error: reqwest::Error, trusts_nobody: bool) -> Self {
        let error = error.without_url();
        let kind = kind(&error);
        let mut what = innermost(&error);
        if kind == FaultKind::Tls && trusts_nobody {
            what += " (this system has no certificates of authorities: install `ca-certificates`, or name them in SSL_CERT_FILE)";
        }
        Self { kind, what }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            FaultKind::Address => "the address is wrong",
            FaultKind::Refused => "no connection",
            FaultKind::Reset => "the connection broke off",
            FaultKind::TimedOut => "no answer came in time",
            FaultKind::Tls => "no safe connection",
            FaultKind::Protocol => "the answer is not HTTP as it should be",
        };
        write!(f, "{kind}: {}", self.what)
    }
}

impl Error for Fault {}

fn kind(error: &reqwest::Error) -> FaultKind {
    if error.is_builder() {
        return FaultKind::Address;
    }
    let io = chain(error).find_map(|cause| cause.downcast_ref::<io::Error>());
    if chain(error).any(|cause| cause.is::<rustls::Error>() || cause.downcast_ref().is_some_and(holds_tls)) {
        return FaultKind::Tls;
    }
    if error.is_timeout() {
        return FaultKind::TimedOut;
    }
    if error.is_connect() {
        return match io.map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof) => FaultKind::Reset,
            _ => FaultKind::Refused,
        };
    }
    let words = innermost(error);
    let broken = io.is_some()
        || ["closed", "incomplete", "unexpected eof", "end of file", "reset"]
            .iter()
            .any(|word| words.to_ascii_lowercase().contains(word));
    if broken { FaultKind::Reset } else { FaultKind::Protocol }
}

/// An I/O error may hold another one, and that the one of TLS; none of them is in the chain of causes.
fn holds_tls(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| {
        inner.is::<rustls::Error>() || inner.downcast_ref::<io::Error>().is_some_and(holds_tls)
    })
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

/// The last cause says the most.
fn innermost(error: &reqwest::Error) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}
