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
             [generate]\nuse = \"{kind}\"\nmodel = \"{MODEL}\"\nbase_url = \"{}\"\napi_key_env = \"STUB_KEY\"\n{more}\n\
             [[course]]\ncode = \"c\"\ntarget = \"x\"\nknown = \"eng\"\ndir = \"course\"\nseeds = \"seeds.json\"\n",
            service.address
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
