//! The Messages API: what a request holds, and what its events say.
//!
//! The prefix is the system text, with the one cache marker at its end: a marker on the message would have every call pay for
//! writing what nobody reads. Facts: the types of Anthropic's SDKs of November 2026.

use super::exchange::{Endpoint, Trouble, of_error};
use super::sse::Event;
use super::wire::Wire;
use super::{End, Heard, Remote, meter};
use crate::course::CacheLife;
use crate::http;
use crate::json::Value;
use serde_json::json;

pub(super) fn request(remote: &Remote, system: &str, message: &str, wire: Option<&Wire>) -> http::Request {
    let mut body = body(remote, system, message, wire);
    body["stream"] = json!(true);
    to("POST", &remote.endpoint, &remote.api.version, "/v1/messages")
        .header("content-type", "application/json")
        .body(remote.body(body))
}

/// A request without a body to one of the service's paths.
pub(super) fn to(method: &'static str, endpoint: &Endpoint, version: &str, path: &str) -> http::Request {
    let request = http::Request::new(method, format!("{}{path}", endpoint.base_url))
        .header("anthropic-version", version);
    match &endpoint.key {
        Some(key) => request.secret_header("x-api-key", key.clone()),
        None => request,
    }
}

/// What is asked, without saying how the answer is to come.
pub(super) fn body(remote: &Remote, system: &str, message: &str, wire: Option<&Wire>) -> Value {
    let api = &remote.api;
    let mut text = json!({"type": "text", "text": system});
    if api.cache_markers {
        text["cache_control"] = match api.cache_life {
            CacheLife::FiveMinutes => json!({"type": "ephemeral"}),
            CacheLife::Hour => json!({"type": "ephemeral", "ttl": "1h"}),
        };
    }
    let mut body = json!({
        "model": remote.model,
        "max_tokens": api.max_tokens,
        "messages": [{"role": "user", "content": [{"type": "text", "text": message}]}],
    });
    if !system.trim().is_empty() {
        body["system"] = json!([text]);
    }
    let mut output = serde_json::Map::new();
    if let Some(effort) = &api.effort {
        output.insert("effort".into(), json!(effort));
    }
    if let Some(wire) = wire {
        output.insert("format".into(), json!({"type": "json_schema", "schema": wire.schema}));
    }
    if !output.is_empty() {
        body["output_config"] = Value::Object(output);
    }
    body
}

/// Takes one event; true when the answer is whole.
pub(super) fn hear(heard: &mut Heard, event: &Event, endpoint: &Endpoint) -> Result<bool, Trouble> {
    let Ok(data) = serde_json::from_str::<Value>(&event.data) else {
        return Err(Trouble::Transport("an event of the answer cannot be read".to_owned(), None));
    };
    let text = |at: &str| data.pointer(at).and_then(Value::as_str).unwrap_or_default();
    match text("/type") {
        "message_start" => {
            heard.model = Some(text("/message/model").to_owned()).filter(|model| !model.is_empty());
            usage(heard, &data["message"]["usage"]);
        }
        "content_block_start" => heard.text += text("/content_block/text"),
        "content_block_delta" => {
            heard.begun = true;
            if text("/delta/type") == "text_delta" {
                heard.text += text("/delta/text");
            }
        }
        "message_delta" => {
            usage(heard, &data["usage"]);
            if let Some(reason) = data.pointer("/delta/stop_reason").and_then(Value::as_str) {
                heard.end = Some(end(reason, text("/delta/stop_details/explanation")));
            }
        }
        "message_stop" => return Ok(true),
        // A server that does not stream: the message in one piece.
        "message" => {
            heard.begun = true;
            heard.model = Some(text("/model").to_owned()).filter(|model| !model.is_empty());
            usage(heard, &data["usage"]);
            let blocks = data["content"].as_array().map_or(&[][..], Vec::as_slice);
            let texts = blocks
                .iter()
                .filter(|block| block["type"] == "text")
                .filter_map(|block| block["text"].as_str());
            heard.text.extend(texts);
            heard.end = Some(end(text("/stop_reason"), text("/stop_details/explanation")));
            return Ok(true);
        }
        "error" => {
            return Err(of_error(status_of(&data), &data, &endpoint.said(&data, &event.data), None, None));
        }
        _ => {}
    }
    Ok(false)
}

/// The status that an error without one would have.
pub(super) fn status_of(error: &Value) -> u16 {
    match error.pointer("/error/type").and_then(Value::as_str).unwrap_or_default() {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "overloaded_error" => 529,
        _ => 500,
    }
}

fn end(reason: &str, explanation: &str) -> End {
    match reason {
        "end_turn" | "stop_sequence" => End::Whole,
        "max_tokens" => End::Cut("it reached `max_tokens`"),
        "model_context_window_exceeded" => End::Cut("it filled the model's context window"),
        "refusal" if explanation.is_empty() => End::Refused("it refused".to_owned()),
        "refusal" => End::Refused(format!("it refused: {explanation}")),
        other => End::Refused(format!("it stopped for `{other}`")),
    }
}

/// Field by field, later ones win: gateways put zeros into the first event and the truth into the last.
fn usage(heard: &mut Heard, usage: &Value) {
    meter(&mut heard.meters.input, usage, "/input_tokens");
    meter(&mut heard.meters.cache_write, usage, "/cache_creation_input_tokens");
    meter(&mut heard.meters.cache_read, usage, "/cache_read_input_tokens");
    meter(&mut heard.meters.output, usage, "/output_tokens");
    if let Some(usd) = usage.get("cost").and_then(Value::as_f64) {
        heard.money_usd = Some(usd);
    }
}
