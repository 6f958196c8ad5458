//! What the real programs printed, row by row of what can happen to a call, and what is made of it. The texts were recorded from
//! Claude Code 2.1.330 and Codex 0.169.0 against a local model server.

use super::*;
use std::time::Duration;

/// What a call is taken for.
#[derive(Debug, PartialEq)]
enum Verdict {
    Answered(&'static str),
    Truncated(&'static str),
    Failed(&'static str),
    Transport(&'static str),
    Unusable(&'static str, &'static str),
    Limit(Option<u64>),
}

fn ended(how: How, stdout: &str, stderr: &str) -> Ended {
    Ended { how, stdout: stdout.into(), stderr: stderr.into(), answer: None, ran_ms: None }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that readers are given")]
fn plain(ended: Ended) -> Reply {
    Reply::of(match ended.how {
        How::TimedOut(_) => Outcome::TimedOut(1),
        _ => Outcome::Interrupted,
    })
}

fn reading(preset: Preset) -> Reading {
    Reading { preset, schema: false }
}

#[track_caller]
fn check(read: &Read, wanted: &Verdict, row: &str) {
    let has = |text: &str, part: &str| assert!(text.contains(part), "{row}: `{part}` is not in `{text}`");
    match (&read.reply.outcome, wanted, &read.limit) {
        (_, Verdict::Limit(lifts), Some(limit)) => {
            assert_eq!(limit.lifts_in, lifts.map(Duration::from_secs), "{row}");
        }
        (Outcome::Answered(bytes), Verdict::Answered(text), None)
        | (Outcome::Truncated { answer: bytes, .. }, Verdict::Truncated(text), None) => {
            assert_eq!(std::str::from_utf8(bytes).unwrap(), *text, "{row}");
        }
        (Outcome::Failed(why), Verdict::Failed(part), None) => has(why, part),
        (Outcome::Transport(why), Verdict::Transport(part), None) => has(why, part),
        (Outcome::Unusable { what, hint }, Verdict::Unusable(part, todo), None) => {
            has(what, part);
            has(hint, todo);
        }
        _ => panic!("{row}: {wanted:?} was wanted, and it is {read:?}"),
    }
}

/// A result as Claude Code prints it, with the fields that differ.
fn result(fields: &str) -> String {
    format!(
        r#"{{"duration_api_ms":0,"session_id":"1ea12a16-8eda-460a-8ae0-c36cce2493cd","usage":{{"input_tokens":0,"output_tokens":0}},"permission_denials":[],"num_turns":1,"type":"result","duration_ms":269,"uuid":"24cf2201-d9a0-4bac-b916-d71af198146f",{fields}}}"#
    )
}

const NOTHING_USED: &str = r#""total_cost_usd":0,"modelUsage":{}"#;

#[test]
fn claude_ends_as_it_was_seen_to() {
    use Verdict::*;
    let error = |status: &str, rest: &str, text: &str| {
        result(&format!(
            r#"{NOTHING_USED},"stop_reason":"stop_sequence","terminal_reason":"api_error","is_error":true,"subtype":"success","api_error_status":{status},{rest}"result":"{text}""#
        ))
    };
    let kind = |name: &str| format!(r#""api_error_type":"{name}","#);
    let rows: Vec<(&str, How, String, &str, Verdict)> = vec![
        (
            "an answer",
            How::Exited(0),
            result(
                r#""total_cost_usd":0.000583,"modelUsage":{"stub-ok":{"inputTokens":17,"outputTokens":21,"cacheReadInputTokens":0,"cacheCreationInputTokens":19,"costUSD":0.000583}},"is_error":false,"subtype":"success","stop_reason":"end_turn","result":"{\"S0001\": []}""#,
            ),
            "[claude-code:unrecognized_model] {\"model\":\"stub-ok\"}",
            Answered("{\"S0001\": []}"),
        ),
        (
            "an object of a schema",
            How::Exited(0),
            result(
                r#""is_error":false,"subtype":"success","result":"done","structured_output":{"S0001":[]}"#,
            ),
            "",
            Answered("{\"S0001\":[]}"),
        ),
        (
            "an empty answer",
            How::Exited(0),
            result(r#""is_error":false,"subtype":"success","result":"""#),
            "",
            Answered(""),
        ),
        (
            "400",
            How::Exited(1),
            error("400", &kind("invalid_request_error"), "API Error: 400 the stub says 400"),
            "",
            Unusable("400 the stub says 400", "refused as it is"),
        ),
        (
            "401",
            How::Exited(1),
            error(
                "401",
                &kind("authentication_error"),
                "Failed to authenticate. API Error: 401 the stub says 401",
            ),
            "",
            Unusable("Failed to authenticate", "/login"),
        ),
        (
            "402",
            How::Exited(1),
            error("402", &kind("billing_error"), "API Error: 402 the stub says 402"),
            "",
            Unusable("402", "credit"),
        ),
        (
            "403",
            How::Exited(1),
            error(
                "403",
                &kind("permission_error"),
                "Failed to authenticate. API Error: 403 the stub says 403",
            ),
            "",
            Unusable("403", "/login"),
        ),
        (
            "404",
            How::Exited(1),
            error(
                "404",
                &kind("not_found_error"),
                "There's an issue with the selected model (stub-http-404). It may not exist or you may not have access to it. Run --model to pick a different model.",
            ),
            "",
            Unusable("issue with the selected model", "`model`"),
        ),
        (
            "413",
            How::Exited(1),
            error("413", &kind("request_too_large"), "Request too large (max 32MB)."),
            "",
            Truncated(""),
        ),
        (
            "429",
            How::Exited(1),
            error("429", &kind("rate_limit_error"), "API Error: Request rejected (429) · the stub says 429"),
            "",
            Transport("(429)"),
        ),
        (
            "500",
            How::Exited(1),
            error(
                "500",
                &kind("api_error"),
                "API Error: 500 the stub says 500. This is a server-side issue, usually temporary",
            ),
            "",
            Transport("500"),
        ),
        (
            "529",
            How::Exited(1),
            error("529", &kind("overloaded_error"), "API Error: 529 the stub says 529."),
            "",
            Transport("529"),
        ),
        (
            "no way there",
            How::Exited(1),
            error(
                "null",
                r#""api_error":"connection_failed","#,
                "API Error: Connection dropped (ECONNRESET). Check the gateway set in ANTHROPIC_BASE_URL, then try again.",
            ),
            "",
            Transport("ECONNRESET"),
        ),
        (
            "not logged in",
            How::Exited(1),
            error("null", "", "Not logged in · Please run /login"),
            "",
            Unusable("Not logged in", "`/login`"),
        ),
        (
            "a subscription's limit",
            How::Exited(1),
            error(
                "429",
                &kind("usage_limit_reached"),
                "You've hit your session limit · resets 5:10pm (Europe/Paris)",
            ),
            "",
            Limit(None),
        ),
        (
            "a plan's limit",
            How::Exited(1),
            error(
                "429",
                &kind("usage_limit_reached"),
                "API Error: Request rejected (429) · The usage limit has been reached",
            ),
            "",
            Limit(None),
        ),
        (
            "the output's limit",
            How::Exited(1),
            error(
                "null",
                r#""api_error":"max_output_tokens","#,
                "API Error: Claude's response exceeded the 128000 output token maximum. To configure this behavior, set the CLAUDE_CODE_MAX_OUTPUT_TOKENS environment variable.",
            ),
            "",
            Truncated(""),
        ),
        (
            "a refusal",
            How::Exited(1),
            result(
                r#""is_error":true,"subtype":"success","stop_reason":"refusal","api_error_status":null,"result":"API Error: safeguards flagged this message""#,
            ),
            "",
            Failed("the model refused: API Error: safeguards"),
        ),
        (
            "too dear",
            How::Exited(1),
            result(r#""is_error":true,"subtype":"error_max_budget_usd""#),
            "",
            Failed("error max budget usd"),
        ),
        (
            "a schema that never fits",
            How::Exited(1),
            result(
                r#""is_error":true,"subtype":"error_max_structured_output_retries","errors":["no valid output after 1 try"]"#,
            ),
            "",
            Failed("no valid output after 1 try"),
        ),
        (
            "too many turns",
            How::Exited(1),
            result(r#""is_error":true,"subtype":"error_max_turns""#),
            "",
            Failed("error max turns"),
        ),
        (
            "interrupted by somebody",
            How::Exited(0),
            result(r#""is_error":true,"subtype":"error_during_execution""#),
            "",
            Transport("error during execution"),
        ),
        ("terminated by somebody", How::Exited(143), String::new(), "", Transport("told to end")),
        ("killed by somebody", How::Signalled(9), String::new(), "", Transport("signal 9")),
        (
            "a flag that it does not know",
            How::Exited(1),
            String::new(),
            "error: unknown option '--nosuch'\n",
            Unusable("error: unknown option '--nosuch'", "`args`"),
        ),
        ("no word at all", How::Exited(0), String::new(), "", Failed("no result")),
        ("not its own output", How::Exited(0), "Hello\n".to_owned(), "", Failed("no result")),
        (
            "its end was not seen",
            How::Unknown { started: true },
            result(r#""is_error":false,"subtype":"success","result":"[]""#),
            "",
            Answered("[]"),
        ),
    ];
    for (row, how, stdout, stderr, wanted) in rows {
        check(&reading(Preset::Claude).read(ended(how, &stdout, stderr), &plain), &wanted, row);
    }
    let schema = Reading { preset: Preset::Claude, schema: true };
    let silent = result(r#""is_error":false,"subtype":"success","result":"prose""#);
    check(
        &schema.read(ended(How::Exited(0), &silent, ""), &plain),
        &Failed("no structured output"),
        "no object",
    );
    let late = schema.read(ended(How::TimedOut(1000), &silent, ""), &plain);
    assert_eq!(late.reply.outcome, Outcome::TimedOut(1));
}

#[test]
fn claude_tells_what_a_call_cost_failed_or_not() {
    let stdout = result(
        r#""total_cost_usd":0.0030792,"modelUsage":{"big":{"inputTokens":346,"outputTokens":84,"cacheReadInputTokens":76,"cacheCreationInputTokens":0},"small":{"inputTokens":4,"outputTokens":1,"cacheReadInputTokens":0,"cacheCreationInputTokens":5}},"is_error":true,"subtype":"success","api_error_status":null,"api_error":"max_output_tokens","result":"API Error""#,
    );
    let reply = reading(Preset::Claude).read(ended(How::Exited(1), &stdout, ""), &plain).reply;
    let meters = reply.meters;
    assert_eq!(
        (meters.input, meters.cache_write, meters.cache_read, meters.output),
        (Some(350), Some(5), Some(76), Some(85))
    );
    assert_eq!((reply.money_usd, reply.model.as_deref()), (Some(0.003_079_2), Some("big")));
    let stdout = result(&format!(
        r#"{NOTHING_USED},"is_error":true,"subtype":"success","api_error_status":529,"result":"x""#
    ));
    let reply = reading(Preset::Claude).read(ended(How::Exited(1), &stdout, ""), &plain).reply;
    assert_eq!((reply.meters.input, reply.money_usd), (None, None), "unknown is unknown");
}

const BEGUN: &str = r#"{"type":"thread.started","thread_id":"01a205ce-ca2b-7411-b34d-decdc4897b5a"}
{"type":"item.completed","item":{"id":"item_0","type":"error","message":"Model metadata for `stub` not found. Defaulting to fallback metadata; this can degrade performance and cause issues."}}
{"type":"turn.started"}
"#;

#[test]
fn codex_ends_as_it_was_seen_to() {
    use Verdict::*;
    let failed = |message: &str| {
        let text = serde_json::Value::from(message);
        format!(
            "{BEGUN}{{\"type\":\"error\",\"message\":{text}}}\n{{\"type\":\"turn.failed\",\"error\":{{\"message\":{text}}}}}\n"
        )
    };
    let said =
        r#"{"type":"item.completed","item":{"id":"item_1","type":"agent_message","text":"{\"S0001\": []}"}}"#;
    let done = r#"{"type":"turn.completed","usage":{"input_tokens":100,"cached_input_tokens":60,"cache_write_input_tokens":10,"output_tokens":5,"reasoning_output_tokens":2}}"#;
    let rows: Vec<(&str, i32, String, &str, Verdict)> = vec![
        ("an answer", 0, format!("{BEGUN}{said}\n{done}\n"), "", Answered("{\"S0001\": []}")),
        (
            "an answer after a stumble",
            0,
            format!(
                "{BEGUN}{{\"type\":\"error\",\"message\":\"Reconnecting... 1/1 (x)\"}}\n{said}\n{done}\n"
            ),
            "",
            Answered("{\"S0001\": []}"),
        ),
        ("429", 1, failed("exceeded retry limit, last status: 429 Too Many Requests"), "", Transport("429")),
        (
            "500",
            1,
            failed("We’re currently experiencing high demand, which may cause temporary errors."),
            "",
            Transport("high demand"),
        ),
        (
            "401",
            1,
            failed(
                "unexpected status 401 Unauthorized: the stub says 401, url: http://127.0.0.1:35459/v1/responses",
            ),
            "",
            Unusable("401", "codex login"),
        ),
        (
            "400",
            1,
            failed(
                r#"{"type": "error", "error": {"type": "invalid_request_error", "message": "the stub says 400"}, "request_id": "req_1"}"#,
            ),
            "",
            Unusable("the stub says 400", "model"),
        ),
        (
            "the output's limit",
            1,
            format!("{BEGUN}{said}\n{}", failed("Incomplete response returned, reason: max_output_tokens")),
            "",
            Truncated("{\"S0001\": []}"),
        ),
        (
            "a plan's limit",
            1,
            failed(
                "You’ve hit your usage limit. Upgrade to Pro (https://chatgpt.com/explore/pro), visit https://chatgpt.com/settings/usage to purchase more credits or try again later.",
            ),
            "",
            Limit(None),
        ),
        (
            "a plan's limit with its end",
            1,
            failed(
                "You've hit your usage limit. Upgrade to Pro (https://openai.com/chatgpt/pricing) or try again in 3 hours 42 minutes.",
            ),
            "",
            Limit(Some(13_320)),
        ),
        (
            "no home",
            1,
            String::new(),
            "WARNING: proceeding, even though we could not create PATH aliases\nError finding codex home: CODEX_HOME points to \"/nowhere\", but that path does not exist\n",
            Unusable("Error finding codex home", "`env`"),
        ),
        ("no end", 0, format!("{BEGUN}{said}\n"), "", Failed("without having finished")),
        ("something else", 1, failed("the moon is full"), "", Failed("the moon is full")),
    ];
    for (row, code, stdout, stderr, wanted) in rows {
        check(&reading(Preset::Codex).read(ended(How::Exited(code), &stdout, stderr), &plain), &wanted, row);
    }
    let stdout = format!("{BEGUN}{said}\n{done}\n");
    let meters = reading(Preset::Codex).read(ended(How::Exited(0), &stdout, ""), &plain).reply.meters;
    assert_eq!(
        (meters.input, meters.cache_read, meters.cache_write, meters.output),
        (Some(30), Some(60), Some(10), Some(5))
    );
}

#[test]
fn llm_ends_as_it_was_seen_to() {
    use Verdict::*;
    for (row, code, stdout, stderr, wanted) in [
        ("an answer", 0, "{}\n", "Token usage: 1,234 input, 56 output\n", Answered("{}\n")),
        (
            "no key",
            1,
            "",
            "Error: No key found - add one using 'llm keys set openai' or set the OPENAI_API_KEY environment variable\n",
            Unusable("No key found", "llm keys set"),
        ),
        (
            "a model that is not there",
            1,
            "",
            "Error: 'Unknown model: nosuch'\n",
            Unusable("Unknown model", "model"),
        ),
        (
            "overload",
            1,
            "",
            "Error: Error code: 429 - {'error': {'message': 'slow down'}}\n",
            Transport("429"),
        ),
        ("no way there", 1, "", "Error: Connection error.\n", Transport("Connection error")),
        (
            "a flag that it does not know",
            2,
            "",
            "Usage: llm prompt [OPTIONS] [PROMPT]\n\nError: No such option: --nosuch\n",
            Unusable("No such option", "`args`"),
        ),
        ("something else", 1, "", "Error: the moon is full\n", Failed("the moon is full")),
    ] {
        check(&reading(Preset::Llm).read(ended(How::Exited(code), stdout, stderr), &plain), &wanted, row);
    }
    let meters = llm::read(ended(How::Exited(0), "", "Token usage: 1,234 input, 56 output, {\"x\": 1}\n"))
        .reply
        .meters;
    assert_eq!((meters.input, meters.output), (Some(1234), Some(56)));
}
