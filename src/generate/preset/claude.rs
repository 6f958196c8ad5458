//! Claude Code, asked once in print mode with the phase's prefix as its system prompt.

use super::limit::limit_in;
use super::{Agent, Read, how_to_log_in, not_begun, set};
use crate::course::Preset;
use crate::generate::{Meters, Outcome, Reply, Request};
use crate::json::Value;
use crate::process::{Ended, How, Order};

const SYSTEM: &str = "system.md";
const BODY: &str = "body.md";
/// Fewer repetitions than its own: a repetition costs, and what failed is asked again item by item here.
const VARIABLES: [(&str, &str); 5] = [
    // Its own head of the prompt differs with what follows it and so spoils every cache but one.
    ("CLAUDE_CODE_ATTRIBUTION_HEADER", "0"),
    ("CLAUDE_CODE_MAX_RETRIES", "2"),
    ("MAX_STRUCTURED_OUTPUT_RETRIES", "1"),
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
    ("DISABLE_AUTOUPDATER", "1"),
];

/// Adds to an order what the program wants.
pub(super) fn order(agent: &Agent, request: &Request, order: &mut Order) {
    VARIABLES.iter().for_each(|(name, value)| set(order, name, value));
    let mut add = |words: &[&str]| order.argv.extend(words.iter().map(|&word| word.to_owned()));
    add(&["-p", "--output-format", "json", "--no-session-persistence", "--tools", ""]);
    // Without it, and with a subscription, nothing of the user's own settings is read either.
    match order.env.iter().any(|(name, value)| name == "ANTHROPIC_API_KEY" && !value.is_empty()) {
        true => add(&["--bare"]),
        false => add(&["--strict-mcp-config", "--setting-sources", ""]),
    }
    if let Some(model) = &agent.model {
        add(&["--model", model]);
    }
    if !request.prefix.trim().is_empty() {
        add(&["--system-prompt-file", &request.dir.join(SYSTEM).to_string_lossy()]);
        order.files.push((SYSTEM, request.prefix.to_string()));
        order.files.push((BODY, request.body.clone()));
        order.stdin = Some(BODY);
    }
    order.argv.extend(agent.args.iter().cloned());
}

/// What its end means: one JSON object on standard output tells.
pub(super) fn read(ended: Ended, schema: bool) -> Read {
    let Some(result) = result_in(&ended.stdout) else {
        return Read::of(match ended.how {
            How::Exited(0) | How::Unknown { .. } => {
                failed("the program gave no result that can be read", ended)
            }
            _ => not_begun(Preset::Claude, ended),
        });
    };
    let reply = Reply { stderr: ended.stderr, ..account(&result) };
    let is_error = result["is_error"] == true || result["subtype"] != "success";
    if is_error || ended.how != How::Exited(0) && !matches!(ended.how, How::Unknown { .. }) {
        return failure(&result, reply);
    }
    let outcome = match &result["structured_output"] {
        Value::Null if schema => {
            Outcome::Failed("a schema was asked for, and the model gave no structured output".to_owned())
        }
        Value::Null => Outcome::Answered(text(&result).into()),
        object => Outcome::Answered(object.to_string().into()),
    };
    Read::of(Reply { outcome, ..reply })
}

fn result_in(stdout: &[u8]) -> Option<Value> {
    let whole = String::from_utf8_lossy(stdout);
    let is_result = |value: &Value| value["type"] == "result";
    let parsed = |text: &str| serde_json::from_str::<Value>(text).ok().filter(is_result);
    parsed(&whole).or_else(|| whole.lines().rev().find_map(parsed))
}

fn text(result: &Value) -> &str {
    result["result"].as_str().unwrap_or_default()
}

fn failed(why: &str, ended: Ended) -> Reply {
    Reply { stderr: ended.stderr, ..Reply::of(Outcome::Failed(why.to_owned())) }
}

/// What a result that is an error means.
fn failure(result: &Value, reply: Reply) -> Read {
    let said = match text(result) {
        "" => result["errors"].as_array().map_or_else(String::new, |errors| {
            errors.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; ")
        }),
        text => text.to_owned(),
    };
    let subtype = result["subtype"].as_str().unwrap_or_default();
    let said = if said.is_empty() { subtype.replace('_', " ") } else { said };
    if let Some(limit) = limit_in(&said) {
        let outcome = Outcome::Transport(limit.what.clone());
        return Read { reply: Reply { outcome, ..reply }, limit: Some(limit) };
    }
    let unusable = |hint: String| Outcome::Unusable { what: said.clone(), hint };
    let outcome = match (result["api_error_status"].as_u64(), result["api_error"].as_str()) {
        (Some(401 | 403), _) => unusable(how_to_log_in(Preset::Claude)),
        (Some(402), _) => unusable("see to the account's credit, then build again".to_owned()),
        (Some(404), _) => unusable("mend `model` in `[generate]`".to_owned()),
        (Some(413), _) | (_, Some("max_output_tokens")) => {
            Outcome::Truncated { answer: Vec::new(), why: said }
        }
        (Some(408 | 409 | 429 | 500..), _) | (_, Some("connection_failed")) => Outcome::Transport(said),
        (Some(_), _) => {
            unusable("the request was refused as it is: check `model` and `args` in `[generate]`".to_owned())
        }
        (None, _) if said.starts_with("Not logged in") => unusable(how_to_log_in(Preset::Claude)),
        (None, _) if result["stop_reason"] == "refusal" => {
            Outcome::Failed(format!("the model refused: {said}"))
        }
        (None, _) if subtype == "error_during_execution" => Outcome::Transport(said),
        (None, _) => Outcome::Failed(said),
    };
    Read::of(Reply { outcome, ..reply })
}

/// What it cost: by model, for the main count leaves out what helpers used.
fn account(result: &Value) -> Reply {
    let models: Vec<(&String, &Value)> = result["modelUsage"].as_object().into_iter().flatten().collect();
    let sum = |field: &str| {
        let counts: Option<Vec<u64>> = models.iter().map(|(_, usage)| usage[field].as_u64()).collect();
        counts.filter(|counts| !counts.is_empty()).map(|counts| counts.iter().sum())
    };
    let most = models.iter().max_by_key(|(_, usage)| usage["outputTokens"].as_u64());
    Reply {
        meters: Meters {
            input: sum("inputTokens"),
            cache_write: sum("cacheCreationInputTokens"),
            cache_read: sum("cacheReadInputTokens"),
            output: sum("outputTokens"),
        },
        money_usd: result["total_cost_usd"].as_f64().filter(|_| !models.is_empty()),
        model: most.map(|(name, _)| (*name).clone()),
        ..Reply::of(Outcome::Interrupted)
    }
}
