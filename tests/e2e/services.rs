//! Courses whose generators are services over HTTP: what is asked, what it costs, and what faults of the way come to.

use crate::support::service::{Fault, KEY, MODEL, PRICES, Service};
use crate::support::{Ran, Space};
use serde_json::Value;

const RULE: &str = r#"name = "NAME"
title = "Shouting"
FEED
input = { text = "/TEXT" }
batch = { size = 20 }
attempts = 3

[prompt]
intelligence = [{ path = "docs/NAME.md" }]
system = "prompts/NAME.md.j2"
batch = "prompts/batch.md.j2"
retry = "prompts/retry.md.j2"

[output]
file = "NAME.json"
shape = { collection = "object" }
schema = "schemas/shout.json"
"#;

/// A course of two phases, asked at a service that speaks this dialect.
fn space(service: &Service, kind: &str, seeds: usize, more: &str) -> Space {
    space_at(&service.address, kind, seeds, more)
}

/// The same, of a service at an address.
pub(crate) fn space_at(address: &str, kind: &str, seeds: usize, more: &str) -> Space {
    let space = Space::new();
    for (name, feed, text) in
        [("first", "source = \"seeds\"", "source"), ("second", "after = \"first\"", "text")]
    {
        let rule = RULE.replace("NAME", name).replace("FEED", feed).replace("TEXT", text);
        space.write(&format!("rules/{name}.toml"), &rule);
        space.write(&format!("rules/prompts/{name}.md.j2"), &format!("{name}\n{{{{ intelligence }}}}\n"));
        space.write(
            &format!("docs/{name}.md"),
            &format!("# {name}\n\n{}", "Shout what you are given. ".repeat(200)),
        );
    }
    space.write(
        "rules/prompts/batch.md.j2",
        "Shout.\n{% for item in items %}\nitem {{ item.id }} {{ item.input | tojson }}\n{% endfor %}\n",
    );
    space.write(
        "rules/prompts/retry.md.j2",
        "{% for finding in findings %}\n{{ finding.item }}: {{ finding.message }}\n{% endfor %}\n",
    );
    space.write(
        "rules/schemas/shout.json",
        r#"{"type": "object", "properties": {"text": {"type": "string", "minLength": 1}}, "required": ["text"]}"#,
    );
    let seeds: serde_json::Map<String, Value> =
        (1..=seeds).map(|at| (format!("S{at:04}"), format!("sentence number {at}").into())).collect();
    space.write("seeds.json", &Value::Object(seeds).to_string());
    let [input, write, read, output] = PRICES;
    space.write(
        "coursebuild.toml",
        &format!(
            "rules = \"rules\"\n[prices]\n{MODEL} = {{ input = {input}.0, cache_write = {write}.0, cache_read = {read}.0, output = {output}.0 }}\n\
             [generate]\nuse = \"{kind}\"\nmodel = \"{MODEL}\"\nbase_url = \"{address}\"\napi_key_env = \"STUB_KEY\"\n{more}\n\
             [[course]]\ncode = \"c\"\ntarget = \"x\"\nknown = \"eng\"\ndir = \"course\"\nseeds = \"seeds.json\"\n"
        ),
    );
    space
}

fn build_with(space: &Space, key: &str, args: &[&str]) -> Ran {
    let mut tool = space.tool(&[&["build", "--format", "json"], args].concat());
    tool.env("STUB_KEY", key);
    space.finish(tool)
}

fn build(space: &Space, args: &[&str]) -> Ran {
    build_with(space, KEY, args)
}

/// The dialects, each with and without schemas.
fn ways() -> impl Iterator<Item = (&'static str, &'static str)> {
    ["anthropic", "openai"].into_iter().flat_map(|kind| ["", "json_schema = true"].map(|more| (kind, more)))
}

/// No secret in anything that was written or printed.
#[track_caller]
fn nothing_is_told(space: &Space, ran: &Ran) {
    assert!(!ran.stdout.contains(KEY) && !ran.stderr.contains(KEY), "{ran:#?}");
    for (path, bytes) in space.everything() {
        assert!(!bytes.windows(KEY.len()).any(|part| part == KEY.as_bytes()), "{path}");
    }
}

#[test]
fn one_call_writes_the_prefix_and_the_others_read_it() {
    for (kind, more) in ways() {
        let service = Service::start();
        service.hold(8);
        let space = space(&service, kind, 668, more);
        let ran = build(&space, &["-j", "8"]).exits(0);
        assert_eq!(ran.summary()["calls"], 68, "{kind} {more}");
        for phase in ["first", "second"] {
            assert_eq!(service.cache(phase), (1, 33), "{kind} {more} {phase}");
        }
        assert_eq!(service.requests(), 68);
        assert!(service.sold().iter().all(|call| call.structured != more.is_empty()));
        assert_eq!(space.json("course/second.json")["S0668"]["text"], "SENTENCE NUMBER 668");
        assert!(ran.events.iter().all(|event| event["event"] != "warning"), "{:#?}", ran.events);
        nothing_is_told(&space, &ran);
        let again = build(&space, &[]).exits(0);
        assert_eq!((again.summary()["calls"].as_u64(), service.requests()), (Some(0), 68));
    }
}

#[test]
fn every_cent_of_the_services_books_is_in_the_log() {
    for kind in ["anthropic", "openai"] {
        let service = Service::start();
        let space = space(&service, kind, 60, "");
        service.faults([Fault::Good, Fault::Truncated, Fault::Malformed, Fault::Refusal]);
        let ran = build(&space, &["-j", "1"]).exits(0);
        let spent = ran.summary()["money_usd"].as_f64().unwrap();
        let costs: Value =
            serde_json::from_str(&space.run(&["log", "--cost", "--format", "json"]).exits(0).stdout).unwrap();
        let logged = costs["total"]["usd"].as_f64().unwrap();
        let billed = service.bill() as f64 / 1e6;
        assert!((spent - billed).abs() < 1e-9 && (logged - billed).abs() < 1e-9, "{spent} {logged} {billed}");
        assert_eq!(costs["total"]["calls"], service.sold().len());
        for by in ["phases", "models", "reasons", "days"] {
            let sum: f64 =
                costs[by].as_array().unwrap().iter().map(|cost| cost["usd"].as_f64().unwrap()).sum();
            assert!((sum - billed).abs() < 1e-9, "{by}: {costs:#}");
        }
        assert!(space.run(&["log", "--cost"]).exits(0).stdout.contains("by phase\n  c/first"), "{costs}");
    }
}

#[test]
fn whoever_does_not_wait_for_a_leader_pays_eight_times() {
    // What the rule is for: eight at once find the cache cold, as at the services that this one stands for.
    let service = Service::start();
    service.hold(8);
    let spaces: Vec<Space> = (0..8).map(|_| space(&service, "anthropic", 20, "")).collect();
    std::thread::scope(|scope| {
        spaces.iter().for_each(|space| {
            scope.spawn(|| build(space, &["--phase", "first"]).exits(0));
        });
    });
    let (writes, reads) = service.cache("first");
    assert_eq!(writes + reads, 8);
    assert!(writes > 1, "eight builds that know nothing of each other: {writes} writes");
}

#[test]
fn faults_of_the_way_are_no_attempts() {
    const SOON: &str = "retry-after-ms: 1\r\n";
    for (kind, more) in ways() {
        let service = Service::start();
        let space = space(&service, kind, 20, more);
        service.faults([
            Fault::Status(429, SOON, r#"{"error":{"type":"rate_limit_error","message":"slow down"}}"#),
            Fault::Status(529, SOON, "{}"),
            Fault::Status(500, "retry-after: 0\r\n", "oops"),
            Fault::Disconnect,
            Fault::ErrorInStream,
            Fault::Good,
            Fault::Truncated,
        ]);
        let ran = build(&space, &[]).exits(0);
        assert_eq!(ran.summary()["items_generated"], 40, "{ran:#?}");
        let attempts: Vec<&Value> = ran
            .events
            .iter()
            .filter(|event| event["event"] == "call_started")
            .map(|event| &event["attempt"])
            .collect();
        // One of the first phase; a cut off one of the second, whose rest is asked for in calls of half the size at most.
        assert!(attempts.iter().all(|attempt| **attempt == 1), "{kind} {more}: {ran:#?}");
        let asked: Vec<usize> = service.sold().iter().map(|call| call.items.len()).collect();
        assert_eq!(asked[..2], [20, 20]);
        let rest = &asked[2..];
        assert!(rest.iter().all(|items| *items <= 10), "{asked:?}");
        assert!(
            (1..20).contains(&rest.iter().sum::<usize>()),
            "whole items of a cut answer are kept: {asked:?}"
        );
        let log = space.run(&["log", "second"]).exits(0).stdout;
        assert!(log.contains(" of 20 items: the answer was cut off: it reached"), "{log}");
        nothing_is_told(&space, &ran);
    }
}

#[test]
fn what_has_to_be_mended_stops_at_once_and_keeps_everything() {
    let spent = r#"{"error":{"type":"invalid_request_error","message":"limit reached","details":{"error_code":"enforced_spend_limit_reached"}}}"#;
    let quota = r#"{"error":{"type":"insufficient_quota","code":"insufficient_quota","message":"no money"}}"#;
    for (kind, fault, words) in [
        ("anthropic", Fault::Status(400, "", spent), "no money left"),
        ("openai", Fault::Status(429, "", quota), "no money left"),
        ("openai", Fault::Status(403, "", "{}"), "the key is wrong"),
    ] {
        let service = Service::start();
        let space = space(&service, kind, 60, "");
        service.faults([Fault::Good, fault]);
        let ran = build(&space, &["-j", "1"]);
        assert_eq!(ran.code, Some(2), "{ran:#?}");
        assert!(ran.stdout.contains(words), "{ran:#?}");
        assert_eq!(service.requests(), 2, "nothing was asked again");
        assert_eq!(space.json("course/first.json").as_object().unwrap().len(), 20);
        assert_eq!(build(&space, &["-j", "1"]).exits(0).summary()["calls"], 5);
    }
    let service = Service::start();
    let space = space(&service, "anthropic", 20, "");
    let ran = build_with(&space, "sk-planted-wrong-key", &[]);
    assert_eq!((ran.code, service.requests()), (Some(2), 1));
    assert!(ran.stdout.contains("[hidden]") && !ran.stdout.contains("sk-planted"), "{ran:#?}");
    let ran = build_with(&space, "", &[]);
    assert_eq!((ran.code, service.requests()), (Some(2), 1), "{ran:#?}");
    assert!(ran.stdout.contains("`STUB_KEY` holds none"), "{ran:#?}");
    space.replace("coursebuild.toml", "model = \"stub-1\"", "model = \"nobody\"");
    let ran = build(&space, &[]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stdout.contains("the model or the address is not known"), "{ran:#?}");
}

#[test]
fn a_refused_schema_is_left_out() {
    for kind in ["anthropic", "openai"] {
        let service = Service::start();
        service.refuse_schemas();
        let space = space(&service, kind, 60, "json_schema = true");
        build(&space, &["-j", "1"]).exits(0);
        assert_eq!(service.requests(), 8, "each phase is refused once and remembers it");
        assert!(service.sold().iter().all(|call| !call.structured));
    }
}

#[test]
fn a_budget_is_looked_at_before_the_call() {
    let service = Service::start();
    let space = space(&service, "anthropic", 200, "");
    let budget = 0.012;
    let ran = build(&space, &["-j", "4", "--budget", &budget.to_string()]).exits(4);
    let spent = service.bill() as f64 / 1e6;
    assert!(ran.summary()["calls"].as_u64().unwrap() >= 1 && spent > 0.0, "{ran:#?}");
    let dearest = service
        .sold()
        .iter()
        .map(|call| call.input * 3 + call.write * 5 + call.read + call.output * 20)
        .max()
        .unwrap();
    assert!(spent <= budget + 4.0 * dearest as f64 / 1e6, "{spent}");
    let calls = service.requests();
    build(&space, &["--budget", "0"]).exits(4);
    assert_eq!(service.requests(), calls, "nothing leaves without money");
    space.replace("coursebuild.toml", "[prices]\n", "[prices]\nother = { input = 1.0, output = 1.0 }\n#");
    let ran = build(&space, &["--budget", "1"]);
    assert!(ran.stdout.contains("no price of `stub-1` is known"), "{ran:#?}");
}

#[test]
fn a_canary_tells_what_it_cost_and_what_the_rest_will() {
    for kind in ["anthropic", "openai"] {
        let service = Service::start();
        service.hold(3);
        let space = space(&service, kind, 200, "");
        let ran = build(&space, &["--canary", "3", "-j", "8"]).exits(4);
        assert_eq!(service.cache("first"), (1, 2), "one of them leads");
        let report = ran.events.iter().find(|event| event["event"] == "canary").unwrap();
        let spent = service.bill() as f64 / 1e6;
        assert!((report["money_usd"].as_f64().unwrap() - spent).abs() < 1e-9, "{report:#}");
        assert_eq!(report["rest"]["calls"]["max"], 17, "{report:#}");
        let expected = &report["rest"]["expected"];
        let usd = expected["usd"]["max"].as_f64().unwrap();
        build(&space, &["-j", "8"]).exits(0);
        let rest = service.bill() as f64 / 1e6 - spent;
        assert!((usd / rest - 1.0).abs() < 0.25, "expected {usd}, spent {rest}");
        assert_eq!(service.requests(), 20);
    }
    let service = Service::start();
    let space = space(&service, "anthropic", 200, "");
    let ran = build(&space, &["--canary", "3", "-j", "1", "--budget", "0.002"]).exits(4);
    assert!(service.requests() < 3, "{ran:#?}");
    assert!(space.outputs().is_empty(), "a canary that the budget cut short is none to go on from");
}

#[test]
fn offline_asks_nobody() {
    let service = Service::start();
    let space = space(&service, "openai", 20, "");
    let ran = build(&space, &["--offline"]).exits(3);
    assert!(ran.stdout.contains("forbids the network"), "{ran:#?}");
    assert_eq!(service.requests(), 0);
    build(&space, &[]).exits(0);
    build(&space, &["--offline"]).exits(0);
}

#[test]
fn keys_do_not_stand_in_manifests() {
    let service = Service::start();
    for line in [
        "api_key = \"sk-planted-0123456789\"",
        "api_key_env = \"sk-planted-0123456789\"",
        "base_url = \"http://u:sk-planted-0123456789@h\"",
    ] {
        let space = space(&service, "anthropic", 20, "");
        let (name, _) = line.split_once(" =").unwrap();
        let manifest = space.read("coursebuild.toml");
        let kept: Vec<&str> =
            manifest.lines().filter(|known| !known.starts_with(&format!("{name} ="))).collect();
        let text = kept.join("\n").replace("use = \"anthropic\"", &format!("use = \"anthropic\"\n{line}"));
        space.write("coursebuild.toml", &text);
        let ran = build(&space, &[]);
        assert_eq!(ran.code, Some(2));
        assert!(
            ran.stdout.contains("a key stands in the manifest") && !ran.stdout.contains("planted"),
            "{ran:#?}"
        );
    }
    let space = space(&service, "anthropic", 20, "");
    space.write("key.sh", &format!("#!/bin/sh\necho {KEY}\n"));
    space.replace("coursebuild.toml", "api_key_env = \"STUB_KEY\"", "api_key_command = [\"sh\", \"key.sh\"]");
    build_with(&space, "", &[]).exits(0);
}

#[test]
fn a_plan_tells_tokens_and_money_and_learns_them() {
    let service = Service::start();
    let space = space(&service, "anthropic", 200, "");
    let guessed = &space.plan(&[])["expected"];
    assert_eq!(guessed["learned"], false);
    assert!(guessed["usd"]["min"].as_f64().unwrap() > 0.0 && guessed["seconds"].is_null(), "{guessed}");
    assert!(space.run(&["plan"]).stdout.contains("guessed from the length of the prompts"));
    build(&space, &[]).exits(0);
    let billed = service.bill() as f64 / 1e6;
    let learned = &space.plan(&["-B", "--phase", "first", "--phase", "second"])["expected"];
    let usd = learned["usd"]["max"].as_f64().unwrap();
    assert!(learned["learned"] == true && learned["seconds"].is_f64(), "{learned}");
    assert!((usd / billed - 1.0).abs() < 0.15, "expected {usd}, billed {billed}");
    let manifest = space.read("coursebuild.toml");
    space.write("coursebuild.toml", &format!("confirm_above = {{ usd = 0.0001 }}\n{manifest}"));
    let requests = service.requests();
    let ran = build(&space, &["-B"]).exits(4);
    assert!(ran.stdout.contains("wants a confirmation"), "{ran:#?}");
    assert_eq!(service.requests(), requests);
    build(&space, &["-B", "--phase", "first", "--items", "S0001", "--yes"]).exits(0);
}

#[test]
fn a_prefix_that_is_not_kept_is_told_once_a_phase() {
    let service = Service::start();
    let space = space(&service, "anthropic", 100, "");
    for name in ["first", "second"] {
        space.write(&format!("docs/{name}.md"), &"Too short. ".repeat(160));
    }
    let ran = build(&space, &[]).exits(0);
    let warnings: Vec<&str> = ran
        .events
        .iter()
        .filter(|event| event["event"] == "warning")
        .map(|event| event["message"].as_str().unwrap())
        .collect();
    assert_eq!(warnings.len(), 2, "{warnings:#?}");
    assert!(warnings[0].contains("kept nothing of the first call's prefix"), "{warnings:#?}");
    assert_eq!(
        (ran.summary()["cache_calls"].as_u64(), ran.summary()["cache_hits"].as_u64()),
        (Some(10), Some(0))
    );
}
