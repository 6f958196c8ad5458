//! Chat completions: what a request holds, and what its events say; of OpenAI itself and of the servers that speak the same.
//!
//! What a server can do is declared in the manifest, not found out by trying. Facts: the types of OpenAI's SDK of November 2026,
//! and how LiteLLM, OpenRouter, vLLM and llama.cpp differ from it.

use super::exchange::{Endpoint, Trouble, of_error};
use super::sse::Event;
use super::wire::Wire;
use super::{End, Heard, Remote, meter};
use crate::http::{self, Secret};
use crate::json::Value;
use serde_json::json;

pub(super) fn request(remote: &Remote, system: &str, message: &str, wire: Option<&Wire>) -> http::Request {
    let mut body = body(remote, system, message, wire);
    body["stream"] = json!(true);
    if remote.api.stream_usage {
        body["stream_options"] = json!({"include_usage": true});
    }
    to("POST", &remote.endpoint, "/v1/chat/completions")
        .header("content-type", "application/json")
        .body(remote.body(body))
}

/// A request without a body to one of the service's paths.
pub(super) fn to(method: &'static str, endpoint: &Endpoint, path: &str) -> http::Request {
    let request = http::Request::new(method, format!("{}{path}", endpoint.base_url));
    match &endpoint.key {
        Some(key) => request.secret_header("authorization", Secret::new(format!("Bearer {}", key.expose()))),
        None => request,
    }
}

/// What is asked, without saying how the answer is to come.
pub(super) fn body(remote: &Remote, system: &str, message: &str, wire: Option<&Wire>) -> Value {
    let api = &remote.api;
    let mut messages = Vec::new();
    if !system.trim().is_empty() {
        messages.push(json!({"role": "system", "content": system}));
    }
    messages.push(json!({"role": "user", "content": message}));
    let mut body = json!({"model": remote.model, "messages": messages});
    if let Some(most) = api.max_tokens {
        body[if api.old_max_tokens { "max_tokens" } else { "max_completion_tokens" }] = json!(most);
    }
    if let Some(effort) = &api.effort {
        body["reasoning_effort"] = json!(effort);
    }
    if let Some(wire) = wire {
        body["response_format"] = json!({
            "type": "json_schema",
            "json_schema": {"name": "answer", "strict": wire.strict, "schema": wire.schema},
        });
    }
    body
}

/// Takes one event; true when the answer is whole.
pub(super) fn hear(heard: &mut Heard, event: &Event, endpoint: &Endpoint) -> Result<bool, Trouble> {
    if event.data.trim() == "[DONE]" {
        return match heard.end {
            Some(_) => Ok(true),
            None => Err(Trouble::Transport("the answer ended without saying how".to_owned(), None)),
        };
    }
    let Ok(data) = serde_json::from_str::<Value>(&event.data) else {
        return Err(Trouble::Transport("an event of the answer cannot be read".to_owned(), None));
    };
    if data.get("error").is_some_and(|error| !error.is_null()) {
        // Once an answer has begun its status is 200, and the true one is the error's code, if that is a number.
        let code =
            data.pointer("/error/code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
        let status = code.filter(|code| *code >= 400).unwrap_or(500);
        return Err(of_error(status, &data, &endpoint.said(&data, &event.data), None, None));
    }
    if let Some(model) = data["model"].as_str().filter(|model| !model.is_empty()) {
        heard.model = Some(model.to_owned());
    }
    usage(heard, &data["usage"]);
    let choice = &data["choices"][0];
    let whole = choice.get("message").is_some();
    let said = if whole { &choice["message"] } else { &choice["delta"] };
    let before = heard.text.len();
    match &said["content"] {
        Value::String(text) => heard.text += text,
        Value::Array(parts) => heard.text.extend(parts.iter().filter_map(|part| part["text"].as_str())),
        _ => {}
    }
    let thought = ["reasoning", "reasoning_content"]
        .iter()
        .any(|name| said[*name].as_str().is_some_and(|text| !text.is_empty()));
    heard.begun |= whole || thought || heard.text.len() > before;
    if let Some(refusal) = said["refusal"].as_str().filter(|refusal| !refusal.is_empty()) {
        heard.refusal.get_or_insert_default().push_str(refusal);
    }
    if let Some(reason) = choice["finish_reason"].as_str() {
        heard.end = Some(match reason {
            "stop" => End::Whole,
            "length" => End::Cut("it reached the limit of tokens (`max_tokens`)"),
            "content_filter" => End::Refused("a content filter stopped it".to_owned()),
            other => End::Refused(format!("it stopped for `{other}`")),
        });
    }
    Ok(whole)
}

/// Here the prompt's tokens include the cached ones.
fn usage(heard: &mut Heard, usage: &Value) {
    let (mut prompt, mut written, mut read) = (None, None, None);
    meter(&mut prompt, usage, "/prompt_tokens");
    meter(&mut written, usage, "/prompt_tokens_details/cache_write_tokens");
    meter(&mut read, usage, "/prompt_tokens_details/cached_tokens");
    if let Some(prompt) = prompt {
        heard.meters.input =
            Some(prompt.saturating_sub(written.unwrap_or(0)).saturating_sub(read.unwrap_or(0)));
        heard.meters.cache_write = written;
        heard.meters.cache_read = read;
    }
    meter(&mut heard.meters.output, usage, "/completion_tokens");
    if let Some(usd) = usage.get("cost").and_then(Value::as_f64) {
        heard.money_usd = Some(usd);
    }
}
