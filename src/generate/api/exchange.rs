//! One request to a service and its answer as events: when it may leave, what its statuses and faults mean.
//!
//! Statuses and codes decide, never words, which change. What is worth another try is told with the pause that the service
//! asks for; the trying itself is `run`'s.

use super::gate::Gate;
use super::sse::{Event, Events};
use crate::generate::Stop;
use crate::http::{Client, Fault, FaultKind, Request, Response, Secret, wait_asked};
use crate::json::Value;
use std::time::Duration;

/// A service: where it is, how it is paid, what it has room for. Shared by all phases that are asked there.
#[derive(Debug)]
pub struct Endpoint {
    client: Client,
    gate: Gate,
    /// The key; the service's own words are shown without it.
    pub(super) key: Option<Secret>,
    /// `https://api.anthropic.com`
    pub(super) base_url: String,
    timeout: Duration,
}

/// Why a request brought no whole answer.
#[derive(Debug, PartialEq)]
pub(super) enum Trouble {
    /// The run was interrupted.
    Interrupted,
    /// It took too long.
    TimedOut,
    /// Worth another try, after this pause if one was asked for.
    Transport(String, Option<Duration>),
    /// The request itself is refused (400): with another form it may be taken.
    Refused(String),
    /// The request is longer than the service takes.
    TooLong(String),
    /// Nothing can come until somebody mends something.
    Unusable(String, &'static str),
}

/// Longer events are nobody's.
const LONGEST_EVENT: usize = 64 << 20;
const LONGEST_ERROR: usize = 1 << 20;

/// Codes that say that money has run out, whatever the status.
const SPENT: [&str; 7] = [
    "contract_spend_limit_reached",
    "enforced_spend_limit_reached",
    "linked_organization_spend_limit_reached",
    "organization_on_hold",
    "insufficient_quota",
    "billing_hard_limit_reached",
    "billing_error",
];
const TOO_LONG: [&str; 4] =
    ["context_length_exceeded", "request_too_large", "string_above_max_length", "ContextWindowExceededError"];

impl Endpoint {
    /// A service. `timeout`: what one request may take, once it has left; the limits hold for a minute.
    pub fn new(
        client: Client,
        base_url: &str,
        key: Option<Secret>,
        timeout: Duration,
        limits: (Option<u64>, Option<u64>),
    ) -> Self {
        Self { client, gate: Gate::new(limits.0, limits.1), key, base_url: base_url.to_owned(), timeout }
    }

    /// Sends a request of about so many tokens and gives the events of its answer to `hear`, which says when the answer is whole.
    pub(super) async fn exchange(
        &self,
        request: Request,
        tokens: f64,
        stop: &mut Stop,
        hear: &mut (dyn FnMut(&Event) -> Result<bool, Trouble> + Send),
    ) -> Result<(), Trouble> {
        let permit = tokio::select! {
            permit = self.gate.admit(tokens) => permit,
            () = stop.stopped() => return Err(Trouble::Interrupted),
        };
        let done = tokio::select! {
            done = tokio::time::timeout(self.timeout, self.converse(request, hear)) => {
                done.unwrap_or(Err(Trouble::TimedOut))
            }
            () = stop.stopped() => Err(Trouble::Interrupted),
        };
        match &done {
            Ok(()) => permit.answered(),
            Err(Trouble::Transport(_, wait)) => {
                permit.refused();
                wait.iter().for_each(|wait| self.gate.pause(*wait));
            }
            Err(_) => {}
        }
        done
    }

    async fn converse(
        &self,
        request: Request,
        hear: &mut (dyn FnMut(&Event) -> Result<bool, Trouble> + Send),
    ) -> Result<(), Trouble> {
        let mut response = self.client.send(request).await.map_err(|fault| of_fault(&fault))?;
        if response.status != 200 {
            return Err(self.of_status(response).await);
        }
        // A service that has nothing left says so with its last answer.
        if let Some(wait) = wait_asked(&|name| response.header(name)) {
            self.gate.pause(wait);
        }
        if response.header("content-type").is_some_and(|kind| kind.starts_with("application/json")) {
            // A server that does not stream answers in one piece.
            let body = response.whole(LONGEST_EVENT).await.map_err(|fault| of_fault(&fault))?;
            let event = Event { name: String::new(), data: String::from_utf8_lossy(&body).into_owned() };
            return hear(&event).map(|_| ());
        }
        let mut events = Events::default();
        while let Some(piece) = response.chunk().await.map_err(|fault| of_fault(&fault))? {
            for event in events.feed(&piece) {
                if hear(&event)? {
                    return Ok(());
                }
            }
            if events.waiting() > LONGEST_EVENT {
                return Err(Trouble::Transport("the answer does not end a line".to_owned(), None));
            }
        }
        Err(Trouble::Transport("the answer broke off before its end".to_owned(), None))
    }

    async fn of_status(&self, response: Response) -> Trouble {
        let status = response.status;
        let again = match response.header("x-should-retry") {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        };
        let wait = wait_asked(&|name| response.header(name));
        let body = response.whole(LONGEST_ERROR).await.unwrap_or_default();
        let error = serde_json::from_slice::<Value>(&body).unwrap_or_default();
        let said = self.said(&error, &String::from_utf8_lossy(&body));
        of_error(status, &error, &said, again, wait)
    }

    /// The service's own words, short and without the key.
    pub(super) fn said(&self, error: &Value, body: &str) -> String {
        let words =
            error.pointer("/error/message").or_else(|| error.pointer("/message")).and_then(Value::as_str);
        let words: String = words.unwrap_or(body).split_whitespace().collect::<Vec<_>>().join(" ");
        let words = self.key.as_ref().map_or(words.clone(), |key| key.taken_out_of(&words));
        words.chars().take(500).collect()
    }
}

/// What an error means: of a status with its body, or inside a stream that had begun well (then with the status it would have had).
pub(super) fn of_error(
    status: u16,
    error: &Value,
    said: &str,
    again: Option<bool>,
    wait: Option<Duration>,
) -> Trouble {
    let text = |at: &str| error.pointer(at).and_then(Value::as_str).unwrap_or_default();
    let codes = [text("/error/details/error_code"), text("/error/code"), text("/error/type")];
    // A gateway may keep no code, and wrap the whole error of the service behind it into its own words.
    let has = |known: &[&str]| known.iter().any(|code| codes.contains(code) || said.contains(code));
    let what = if said.is_empty() { format!("status {status}") } else { format!("status {status}: {said}") };
    if status == 402 || has(&SPENT) {
        return Trouble::Unusable(
            what,
            "the account has no money left, or a limit on spending was reached: raise it, then build again; everything answered so far is kept",
        );
    }
    if status == 413 || has(&TOO_LONG) {
        return Trouble::TooLong(what);
    }
    let transient = matches!(status, 408 | 409 | 425 | 429) || status >= 500;
    if again.unwrap_or(transient) {
        return Trouble::Transport(what, wait);
    }
    match status {
        400 | 422 => Trouble::Refused(what),
        401 | 403 => Trouble::Unusable(
            what,
            "the key is wrong, or may not do this: mend the variable or program that `api_key_env` or `api_key_command` names",
        ),
        404 => Trouble::Unusable(
            what,
            "the model or the address is not known there: mend `model` or `base_url` under `[generate]`",
        ),
        _ => Trouble::Unusable(what, "the service does not take this request: mend `[generate]`"),
    }
}

fn of_fault(fault: &Fault) -> Trouble {
    match fault.kind {
        FaultKind::Address => {
            Trouble::Unusable(fault.to_string(), "mend `base_url` under `[generate]`, or the key")
        }
        FaultKind::Tls => Trouble::Unusable(
            fault.to_string(),
            "mend `base_url` under `[generate]`, or the certificates of this system",
        ),
        FaultKind::Refused | FaultKind::Reset | FaultKind::TimedOut | FaultKind::Protocol => {
            Trouble::Transport(fault.to_string(), None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn statuses_and_codes_decide() {
        let of = |status, error: Value, again| of_error(status, &error, "words", again, None);
        let error = |kind: &str, code: &str| json!({"error": {"type": kind, "code": code, "details": {"error_code": code}}});
        for status in [408, 409, 429, 500, 502, 503, 504, 529] {
            assert!(matches!(of(status, Value::Null, None), Trouble::Transport(..)), "{status}");
        }
        for status in [401, 402, 403, 404, 405] {
            assert!(matches!(of(status, Value::Null, None), Trouble::Unusable(..)), "{status}");
        }
        assert!(matches!(of(400, error("invalid_request_error", ""), None), Trouble::Refused(_)));
        assert!(matches!(of(413, Value::Null, None), Trouble::TooLong(_)));
        assert!(matches!(
            of(400, error("invalid_request_error", "context_length_exceeded"), None),
            Trouble::TooLong(_)
        ));
        for code in ["insufficient_quota", "enforced_spend_limit_reached"] {
            assert!(
                matches!(of(429, error("rate_limit_error", code), None), Trouble::Unusable(..)),
                "{code}"
            );
            assert!(
                matches!(of(400, error("invalid_request_error", code), None), Trouble::Unusable(..)),
                "{code}"
            );
        }
        assert!(matches!(of(500, Value::Null, Some(false)), Trouble::Unusable(..)));
        assert!(matches!(of(400, Value::Null, Some(true)), Trouble::Transport(..)));
        // What LiteLLM 1.106.2 makes of an error of the service behind it: only its words tell the code.
        let wrapped = |status: u16, words: &str| {
            let error = json!({"error": {"message": words, "type": "invalid_request_error", "code": status.to_string()}});
            of_error(status, &error, words, None, None)
        };
        let words = "litellm.ContextWindowExceededError: litellm.BadRequestError: Hosted_vllmException - {}";
        assert!(matches!(wrapped(400, words), Trouble::TooLong(_)));
        let words =
            "litellm.BadRequestError: AnthropicException - {\"error\": {\"type\": \"request_too_large\"}}";
        assert!(matches!(wrapped(400, words), Trouble::TooLong(_)));
        let words =
            "litellm.RateLimitError: OpenAIException - {\"error\": {\"code\": \"insufficient_quota\"}}";
        assert!(matches!(wrapped(429, words), Trouble::Unusable(..)));
        assert!(matches!(wrapped(429, "litellm.RateLimitError: slow down"), Trouble::Transport(..)));
        // A gateway's code is a number.
        assert!(matches!(of(502, json!({"error": {"code": 502}}), None), Trouble::Transport(..)));
    }
}
