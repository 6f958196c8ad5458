//! Promise 5: each part of a key changed alone gives another key, and what is in no key gives the same one.
//!
//! Every change names the one part that has to differ, so that a part taken out of the walk fails here, and so does a field
//! that moved into a part that nobody expects it in.

use super::{Part, Recipe, cohort_part, difference, own_parts};
use crate::course::{
    Api, ApiKey, Batch, CacheLife, CheckSpec, Computed, Context, Course, Derivation, Derived, Feed, Generate,
    GeneratorKind, Output, Projection, Prompt, Role, Rule, Section, Severity, Template, Window,
};
use crate::diag::Place;
use crate::digest::Digest;
use crate::json::{Kind, Pointer, Shape, Value};
use serde_json::json;
use std::collections::HashMap;
use std::path::Path;

/// All that a key could be made of.
struct World {
    course: Course,
    rule: Rule,
    scoped: Vec<Section>,
    input: Value,
    contexts: Vec<(&'static str, Value)>,
    /// The items of its cohort; `None` is itself.
    siblings: Vec<Option<&'static str>>,
}

impl World {
    fn new() -> Self {
        let course = Course {
            code: "spa_for_eng".into(),
            target: "spa".into(),
            known: "eng".into(),
            target_name: "Spanish".into(),
            dir: "/a/course".into(),
            dir_text: "course".into(),
            phases: Vec::new(),
            accepted: Default::default(),
        };
        let section = |name: &str| Section {
            document: "docs/a.md".into(),
            name: name.into(),
            text: format!("Text of {name}.").into(),
            scope: None,
        };
        let template = |name: &str| Template { name: name.into(), text: format!("Template {name}.").into() };
        let rule = Rule {
            name: "phase3".into(),
            title: "decomposition".into(),
            feed: Feed::Source,
            input: Projection::Fields(Vec::new()),
            input_ids: Vec::new(),
            batch: Batch { size: 20, cohort: false, max_prompt_bytes: None },
            attempts: 3,
            prompt: Prompt {
                sections: vec![section("One"), section("Two")],
                scoped: Vec::new(),
                system: template("system"),
                batch: template("batch"),
                retry: template("retry"),
            },
            output: Output {
                file: "lego_pairs.json".into(),
                shape: Shape { kind: Kind::Array, at: pointer(""), id: pointer("/0") },
                schema: Some(json!({"type": "array", "minItems": 3})),
                ids: vec![pointer("/0"), pointer("/2/*/0")],
                derived: Vec::new(),
                envelope: Vec::new(),
            },
            contexts: Vec::new(),
            checks: Vec::new(),
            generate: Generate {
                kind: GeneratorKind::Command,
                argv: vec!["/opt/bin/claude".into(), "--json".into()],
                model: None,
                params: Value::Null,
                api: Some(api()),
                timeout_s: 600,
                env: vec!["PATH".into()],
                file: None,
                faults: None,
                folder: None,
                preset: None,
                args: Vec::new(),
            },
        };
        Self {
            course,
            rule,
            scoped: vec![section("Scoped")],
            input: json!({"target": "hola", "known": {"text": "hello", "also": [1, 2]}}),
            contexts: vec![("words", json!(["uno"])), ("concepts", json!([{"id": 1}]))],
            siblings: vec![None, Some("one"), Some("two")],
        }
    }

    fn changed(change: fn(&mut Self)) -> Self {
        let mut world = Self::new();
        change(&mut world);
        world
    }

    fn parts(&self) -> (Recipe, Vec<Part>) {
        let scoped: Vec<&Section> = self.scoped.iter().collect();
        let recipe = Recipe::of(&self.course, &self.rule, &scoped);
        let mut own = own_parts(&self.input, self.contexts.iter().map(|(name, value)| (*name, value)));
        own.push(cohort_part(
            self.siblings.iter().map(|sibling| sibling.map(|text| Digest::of(text.as_bytes()))),
        ));
        (recipe, own)
    }

    fn content(&self) -> Digest {
        let (recipe, own) = self.parts();
        recipe.content(&own)
    }

    /// The names of the parts that differ from another world's.
    fn differs(&self, other: &Self) -> Vec<String> {
        let all = |world: &Self| {
            let (recipe, own) = world.parts();
            recipe.parts().iter().cloned().chain(own).collect::<Vec<_>>()
        };
        let (old, new) = (all(other), all(self));
        difference(&old, &new).into_iter().map(|(name, ..)| name.to_owned()).collect()
    }
}

fn api() -> Api {
    Api {
        base_url: "https://api.example.org".into(),
        version: "1".into(),
        key: ApiKey::Env("KEY".into()),
        max_tokens: Some(1000),
        effort: None,
        cache_life: CacheLife::FiveMinutes,
        cache_markers: true,
        json_schema: true,
        stream_usage: true,
        old_max_tokens: false,
        batches: None,
        requests_per_minute: None,
        tokens_per_minute: None,
    }
}

fn of_api(world: &mut World) -> &mut Api {
    world.rule.generate.api.as_mut().unwrap()
}

fn pointer(text: &str) -> Pointer {
    text.parse().unwrap()
}

fn rename(section: &mut Section, name: &str) {
    section.name = name.into();
}

/// A change, the parts that differ by it, and how it is made.
type Change = (&'static str, &'static [&'static str], fn(&mut World));

#[rustfmt::skip]
const IN_THE_KEY: &[Change] = &[
    ("the course's code",        &["course"], |w| w.course.code.push('x')),
    ("the target language",      &["course"], |w| w.course.target.push('x')),
    ("the known language",       &["course"], |w| w.course.known.push('x')),
    ("the language's name",      &["course"], |w| w.course.target_name.push('x')),
    ("a letter from one field to the next", &["course"], |w| { w.course.target = "spae".into(); w.course.known = "ng".into(); }),
    ("two fields swapped",       &["course"], |w| std::mem::swap(&mut w.course.target, &mut w.course.known)),
    ("the phase's name",         &["phase"], |w| w.rule.name.push('x')),
    ("the phase's title",        &["phase"], |w| w.rule.title.push('x')),
    ("a section's text",         &["document/docs/a.md/One"], |w| w.rule.prompt.sections[0].text = "x".into()),
    ("the next section's text",  &["document/docs/a.md/Two"], |w| w.rule.prompt.sections[1].text = "x".into()),
    ("a section's heading",      &["document/docs/a.md/1", "document/docs/a.md/One"], |w| rename(&mut w.rule.prompt.sections[0], "1")),
    ("a section's document",     &["document/docs/b.md/One", "document/docs/a.md/One"], |w| w.rule.prompt.sections[0].document = "docs/b.md".into()),
    ("a section more",           &["document/docs/a.md/Three"], |w| { let mut more = w.scoped[0].clone(); rename(&mut more, "Three"); w.rule.prompt.sections.push(more); }),
    ("a section less",           &["document/docs/a.md/Two"], |w| drop(w.rule.prompt.sections.pop())),
    ("sections in another order", &[], |w| w.rule.prompt.sections.swap(0, 1)),
    ("a scoped section's text",  &["document/docs/a.md/Scoped"], |w| w.scoped[0].text = "x".into()),
    ("a scoped section less",    &["document/docs/a.md/Scoped"], |w| w.scoped.clear()),
    ("the system template",      &["template/system"], |w| w.rule.prompt.system.text = "x".into()),
    ("the batch template",       &["template/batch"], |w| w.rule.prompt.batch.text = "x".into()),
    ("both templates swapped",   &["template/system", "template/batch"], |w| { let Prompt { system, batch, .. } = &mut w.rule.prompt; std::mem::swap(system, batch); }),
    ("a value in the schema",    &["schema"], |w| w.rule.output.schema = Some(json!({"type": "array", "minItems": 4}))),
    ("no schema",                &["schema"], |w| w.rule.output.schema = None),
    ("how an answer holds items", &["answer"], |w| w.rule.output.shape.kind = Kind::Object),
    ("where an answer's id is",  &["answer"], |w| w.rule.output.shape.id = pointer("/1")),
    ("an id field",              &["answer"], |w| w.rule.output.ids[1] = pointer("/3/*/0")),
    ("an id field more",         &["answer"], |w| w.rule.output.ids.push(pointer("/4"))),
    ("two id fields as one",     &["answer"], |w| w.rule.output.ids = vec![pointer("/0 /2/*/0")]),
    ("the generator's kind",     &["generator"], |w| w.rule.generate.kind = GeneratorKind::Replay),
    ("the program",              &["generator"], |w| w.rule.generate.argv[0] = "/opt/bin/codex".into()),
    ("an argument",              &["generator"], |w| w.rule.generate.argv[1] = "--text".into()),
    ("a relative path",          &["generator"], |w| w.rule.generate.argv[0] = "bin/claude".into()),
    ("an argument more",         &["generator"], |w| w.rule.generate.argv.push("-v".into())),
    ("an argument of a preset",  &["generator"], |w| w.rule.generate.args.push("--effort".into())),
    ("two arguments as one",     &["generator"], |w| w.rule.generate.argv = vec!["/opt/bin/claude --json".into()]),
    ("a model instead of a program", &["model", "generator"], |w| w.rule.generate.model = Some("m".into())),
    ("parameters",               &["model parameters"], |w| w.rule.generate.params = json!({"effort": "high"})),
    ("other parameters",         &["model parameters"], |w| w.rule.generate.params = json!({"effort": "low"})),
    ("an API's effort",          &["model options"], |w| of_api(w).effort = Some("high".into())),
    ("how an API answers",       &["model options"], |w| of_api(w).json_schema = false),
    ("a field of the input",     &["input/target"], |w| w.input["target"] = json!("buenas")),
    ("a field inside another",   &["input/known"], |w| w.input["known"]["text"] = json!("hi")),
    ("a list's order",           &["input/known"], |w| w.input["known"]["also"] = json!([2, 1])),
    ("a number as text",         &["input/known"], |w| w.input["known"]["also"] = json!(["1", 2])),
    ("a field more",             &["input/more"], |w| w.input["more"] = json!(null)),
    ("a field less",             &["input/target"], |w| drop(w.input.as_object_mut().unwrap().shift_remove("target"))),
    ("an input that is a text",  &["input", "input/known", "input/target"], |w| w.input = json!("hola")),
    ("a context's value",        &["context/words"], |w| w.contexts[0].1 = json!(["dos"])),
    ("another context's value",  &["context/concepts"], |w| w.contexts[1].1 = json!([{"id": 2}])),
    ("a context's name",         &["context/letters", "context/words"], |w| w.contexts[0].0 = "letters"),
    ("a sibling's parts",        &["cohort"], |w| w.siblings[1] = Some("eins")),
    ("the order of siblings",    &["cohort"], |w| w.siblings.swap(1, 2)),
    ("its place among them",     &["cohort"], |w| w.siblings.swap(0, 1)),
    ("a sibling less",           &["cohort"], |w| w.siblings.truncate(2)),
    ("a context less",           &["context/concepts"], |w| drop(w.contexts.pop())),
];

/// A change that no part may show.
type Unseen = (&'static str, fn(&mut World));

#[rustfmt::skip]
const NOT_IN_THE_KEY: &[Unseen] = &[
    ("where main files go",       |w| { w.course.dir = Path::new("/elsewhere").into(); w.course.dir_text = "x".into(); }),
    ("batch size",                |w| w.rule.batch.size = 7),
    ("bytes of a prompt",         |w| w.rule.batch.max_prompt_bytes = Some(1000)),
    ("attempts",                  |w| w.rule.attempts = 9),
    ("time-out",                  |w| w.rule.generate.timeout_s = 1),
    ("environment",               |w| w.rule.generate.env = vec!["HOME".into(), "API_KEY".into()]),
    ("where an API is",           |w| of_api(w).base_url = "http://127.0.0.1:1".into()),
    ("an API's version",          |w| of_api(w).version = "2".into()),
    ("an API's key",              |w| of_api(w).key = ApiKey::Command(vec!["pass".into()])),
    ("an API's limits",           |w| { of_api(w).max_tokens = None; of_api(w).requests_per_minute = Some(1); of_api(w).tokens_per_minute = Some(1); }),
    ("an API's cache",            |w| { of_api(w).cache_life = CacheLife::Hour; of_api(w).cache_markers = false; }),
    ("an API's batches",          |w| of_api(w).batches = Some(crate::course::Batches { repairs_direct: true, poll: None })),
    ("how an API is spoken to",   |w| { of_api(w).stream_usage = false; of_api(w).old_max_tokens = true; }),
    ("how a program is asked",    |w| w.rule.generate.preset = Some(crate::course::Preset::Claude)),
    ("where a program is",        |w| w.rule.generate.argv[0] = "/home/ana/bin/claude".into()),
    ("a phrasebook's files",      |w| { w.rule.generate.file = Some("/x".into()); w.rule.generate.faults = Some("/y".into()); }),
    ("a drop's folder",          |w| w.rule.generate.folder = Some("/x".into())),
    ("the retry template",        |w| w.rule.prompt.retry.text = "x".into()),
    ("what templates are called", |w| { w.rule.prompt.system.name = "x".into(); w.rule.prompt.batch.name = "y".into(); }),
    ("whom a section is for",     |w| w.scoped[0].scope = Some(("S0001".into(), "S0002".into()))),
    ("sections for others",       |w| w.rule.prompt.scoped = vec![Section { document: "x".into(), name: "x".into(), text: "x".into(), scope: None }]),
    ("the main file's name",      |w| w.rule.output.file = "x.json".into()),
    ("where the items are in it", |w| w.rule.output.shape.at = pointer("/seeds")),
    ("its envelope",              |w| w.rule.output.envelope = vec![("count".into(), Computed::Count)]),
    ("its derived fields",        |w| w.rule.output.derived = vec![Derived { name: "last".into(), holder: pointer(""), is: Derivation::Last }]),
    ("where items come from",     |w| w.rule.feed = Feed::Phase { phase: 0, explode: None }),
    ("how an input is projected", |w| w.rule.input = Projection::Last),
    ("which fields are ids",      |w| w.rule.input_ids = vec![pointer("/id")]),
    ("a hint",                    |w| w.rule.contexts = vec![Context { name: "hint".into(), phase: 0, registry: None, role: Role::Hint, window: Window::AllEarlier, each: None, show: Projection::Last, max_bytes: None }]),
    ("a check",                   |w| w.rule.checks = vec![CheckSpec { name: "tiling".into(), label: "tiling".into(), from: None, severity: Severity::Error, fields: json!({}), place: Place::file(Path::new("x")) }]),
    ("the order of a schema's keys", |w| w.rule.output.schema = Some(json!({"minItems": 3, "type": "array"}))),
    ("the order of an input's fields", |w| w.input = json!({"known": {"also": [1, 2], "text": "hello"}, "target": "hola"})),
    ("the order of contexts",     |w| w.contexts.reverse()),
];

#[test]
fn every_part_changed_alone_gives_another_key() {
    let base = World::new();
    let mut keys: HashMap<Digest, &str> = HashMap::from([(base.content(), "nothing")]);
    for (what, parts, change) in IN_THE_KEY {
        let world = World::changed(*change);
        assert_eq!(world.differs(&base), *parts, "{what}");
        if let Some(other) = keys.insert(world.content(), what) {
            panic!("{what} and {other} have one key");
        }
    }
    // With a model declared, the model is the author, whatever program asks it.
    let model = |name: &str, program: &str| {
        let mut world = World::new();
        world.rule.generate.model = Some(name.to_owned());
        world.rule.generate.argv[0] = program.to_owned();
        world.content()
    };
    assert_ne!(model("m", "claude"), model("n", "claude"));
    assert_eq!(model("m", "claude"), model("m", "codex"));
}

#[test]
fn every_part_of_a_walk_is_changed_by_some_row() {
    let (recipe, own) = World::new().parts();
    for part in recipe.parts().iter().chain(&own) {
        let named = IN_THE_KEY.iter().any(|(_, parts, _)| *parts == [&*part.name]);
        assert!(named, "no row changes `{}` alone", part.name);
    }
}

#[test]
fn a_part_left_out_gives_another_key() {
    let (recipe, own) = World::new().parts();
    let whole = recipe.content(&own);
    for at in 0..recipe.parts().len() {
        let mut parts = recipe.parts().to_vec();
        let name = parts.remove(at).name;
        let digest = super::digest_of(Digest::default(), &parts);
        assert_ne!(Recipe { parts, digest }.content(&own), whole, "{name}");
    }
    for at in 0..own.len() {
        let mut less = own.clone();
        let name = less.remove(at).name;
        assert_ne!(recipe.content(&less), whole, "{name}");
    }
}

#[test]
fn what_is_in_no_key_changes_none() {
    let base = World::new();
    for (what, change) in NOT_IN_THE_KEY {
        let world = World::changed(*change);
        assert_eq!(world.differs(&base), Vec::<String>::new(), "{what}");
        assert_eq!(world.content(), base.content(), "{what}");
    }
}

/// A field that is new has to be put into one of the two tables: this does not compile until somebody has thought of it.
#[test]
fn every_field_has_been_thought_of() {
    let World { course, rule, scoped, .. } = World::new();
    let Course { code: _, target: _, known: _, target_name: _, dir: _, dir_text: _, phases: _, accepted: _ } =
        course;
    let Rule { prompt, output, generate, batch, .. } = rule;
    let Prompt { sections: _, scoped: _, system, batch: _, retry: _ } = prompt;
    let Template { name: _, text: _ } = system;
    let Output { file: _, shape, schema: _, ids: _, derived: _, envelope: _ } = output;
    let Shape { kind: _, at: _, id: _ } = shape;
    let Batch { size: _, max_prompt_bytes: _, cohort: _ } = batch;
    let Generate {
        kind: _,
        argv: _,
        model: _,
        params: _,
        api: _,
        timeout_s: _,
        env: _,
        file: _,
        faults: _,
        folder: _,
        preset: _,
        args: _,
    } = generate;
    let [Section { document: _, name: _, text: _, scope: _ }] = &scoped[..] else { panic!("one section") };
}
