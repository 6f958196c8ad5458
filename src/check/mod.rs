//! What an output must satisfy: the closed set of checks, one file a family. The only judge of outputs.
//!
//! A rule's `[[check]]` tables are compiled once a phase; what comes out is plain data without interior state, used from as
//! many threads as there are. Every check has a scope, which says what it has to see and so when it can run; it knows nothing
//! of calls, keys, the store or verdicts. What is true of one language only is data. `docs/checks.md` describes the set, and a
//! test holds it to this code.

mod cognates;
mod components;
mod concepts;
mod cover;
mod coverage;
mod determinism;
mod echo;
mod fields;
mod finding;
mod found;
#[cfg(test)]
mod languages;
mod ledger;
mod length;
mod lexicon;
mod lone;
mod outside;
mod patterns;
mod phrases;
mod pieces;
#[cfg(test)]
mod real;
mod registry;
mod script;
mod set;
mod shape;
mod source;
mod text;
mod tiling;
mod unique;
mod vocabulary;
mod whole;
mod windows;

pub use coverage::{Coverage, coverage, missing_output};
pub use finding::*;
pub use ledger::Ledger;
pub use lexicon::{Answer, Lexicon, LexiconSpec, Lookup, Position};
pub use outside::{Judgement, Sees, Validator, read_judgement};
pub use registry::{Registry, Word, Words};
pub use set::{DEFINITIONS, Definition, Scope};
pub use whole::{Asked, SHAPE, Told};

use crate::course::{CheckSpec, Rule, Severity};
use crate::diag::{Problem, Result};
use crate::digest::{Digest, Hasher};
use crate::json::{Ids, Value, canonical};
use fields::{Fields, instead};
use found::Found;
use set::{COMMON, Check};

/// An output that is to be judged. Input and output have gone through [`crate::json::normalize`].
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The item's names.
    pub ids: Ids<'a>,
    /// The number of its root in source order, from 0.
    pub position: usize,
    /// What the generator was shown of the item.
    pub input: &'a Value,
    /// The output as it stands in the collection (for an object: the value), its ids put back.
    pub output: &'a Value,
}

/// All checks of one phase.
#[derive(Debug)]
pub struct Checks {
    shape: Option<shape::Shape>,
    enabled: Vec<Enabled>,
    reads: Option<LexiconSpec>,
    digest: Digest,
}

#[derive(Debug)]
struct Enabled {
    label: std::sync::Arc<str>,
    definition: &'static Definition,
    severity: Severity,
    stop: bool,
    check: Check,
}

impl Checks {
    /// Compiles a rule's checks and its output schema. A check that is switched off is compiled too, so that its mistakes
    /// are found, and then left out.
    ///
    /// # Errors
    /// An author's problem, at the check's place: a name that is not in the set, a field that is unknown, missing or of a
    /// wrong type, a pointer into the input that cannot lead anywhere; or a schema that is none.
    pub fn compile(rule: &Rule) -> Result<Self> {
        registry::are_kept(rule)?;
        let mut hasher = Hasher::new("coursebuild checks 1");
        let shape = shape::Shape::compile(rule)?;
        if let Some(schema) = &rule.output.schema {
            hasher.field("shape", &shape::VERSION.to_le_bytes()).field("schema", &canonical(schema));
        }
        let (mut enabled, mut reads) = (Vec::new(), None);
        for spec in &rule.checks {
            let one = Enabled::compile(rule, spec)?;
            if one.severity == Severity::Off {
                continue;
            }
            if let Check::Vocabulary(check) = &one.check
                && *reads.get_or_insert_with(|| check.spec.clone()) != check.spec
            {
                return Err(Problem::author("a phase has one vocabulary, and this check reads another one")
                    .at(spec.place.clone())
                    .hint(
                        "let `from`, `each`, `id`, `text` and `components` be the same as in the first one",
                    ));
            }
            if let Check::Outside(outside) = &one.check {
                // One that only warns decides over no stored output, so no build runs it.
                if one.severity == Severity::Error {
                    hasher.field("program", outside.key().as_bytes());
                }
            } else {
                hasher
                    .field("check", one.definition.name.as_bytes())
                    .field("version", &one.definition.version.to_le_bytes())
                    .field("severity", if one.severity == Severity::Error { b"error" } else { b"warning" })
                    .field("fields", &canonical(&spec.fields));
            }
            enabled.push(one);
        }
        Ok(Self { shape, enabled, reads, digest: hasher.finish() })
    }

    /// The digest of the definitions and data of all enabled checks, schema and severities included. When it changes, stored
    /// outputs are checked again and attempts count anew.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Judges one output by itself: its shape first, and what has the wrong shape is looked at no further; then the checks in
    /// the rule's order, up to one with `stop` that finds an error. The findings depend on the subject alone.
    pub fn item(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let findings = self.shape.as_ref().map_or_else(Vec::new, |shape| shape.judge(subject));
        if findings.is_empty() {
            self.each(subject, |check, found| check.judge(subject, found))
        } else {
            findings
        }
    }

    /// True when a check has to see the outputs before an item, so that it can only be decided in source order.
    pub fn reads_course(&self) -> bool {
        self.enabled.iter().any(|one| one.definition.scope == Scope::Course)
    }

    /// True when [`Checks::in_order`] or a program can find an error, so that a verdict depends on other outputs of the phase.
    pub fn blames_in_order(&self) -> bool {
        self.blames(Scope::Course) || self.runs_programs()
    }

    /// True when a program decides over outputs.
    pub fn runs_programs(&self) -> bool {
        self.blames(Scope::Batch)
    }

    /// True when [`Checks::with_lexicon`] can find an error, so that a verdict depends on an earlier phase.
    pub fn blames_by_lexicon(&self) -> bool {
        self.reads.is_some() && self.blames(Scope::Earlier)
    }

    /// True when a verdict depends on anything but the output and its item.
    pub fn blames_others(&self) -> bool {
        self.blames_in_order() || self.blames_by_lexicon()
    }

    fn blames(&self, scope: Scope) -> bool {
        let mut errors = self.enabled.iter().filter(|one| one.severity == Severity::Error);
        errors.any(|one| one.definition.scope == scope)
    }

    /// What [`Checks::in_order`] is asked with when nothing was admitted yet.
    pub fn ledger(&self) -> Ledger {
        Ledger(self.enabled.iter().map(|one| one.check.state()).collect())
    }

    /// Judges an output against those admitted before it, and blames it, never an earlier one. For an output in which
    /// [`Checks::item`] finds no error. The findings depend on the subject and on what was admitted.
    pub fn in_order(&self, ledger: &Ledger, subject: &Subject<'_>) -> Vec<Finding> {
        let mut states = ledger.0.iter();
        self.each(subject, |check, found| {
            if let Some(state) = states.next() {
                check.in_order(state, subject, found);
            }
        })
    }

    /// Remembers an output that stands, for those after it.
    pub fn admit(&self, ledger: &mut Ledger, subject: &Subject<'_>) {
        for (one, state) in self.enabled.iter().zip(&mut ledger.0) {
            one.check.admit(state, subject);
        }
    }

    /// Where the vocabulary comes from that [`Checks::with_lexicon`] is asked with; `None` when no check needs one.
    pub fn reads(&self) -> Option<&LexiconSpec> {
        self.reads.as_ref()
    }

    /// Judges an output against the vocabulary taught up to its item: that at `own` and before. For an output in which
    /// [`Checks::item`] finds no error. The lexicon may hold later words: they are named as such.
    pub fn with_lexicon(&self, lexicon: &Lexicon, own: Position, subject: &Subject<'_>) -> Vec<Finding> {
        if self.reads.is_none() {
            return Vec::new();
        }
        self.each(subject, |check, found| check.with_lexicon(lexicon, own, subject, found))
    }

    /// What [`Checks::with_lexicon`] looks up, with the answers, sorted and each once: where these are the same, so are its
    /// findings on the same subject.
    pub fn lookups(&self, lexicon: &Lexicon, own: Position, subject: &Subject<'_>) -> Vec<Lookup> {
        let mut looked_up = Vec::new();
        for one in self.enabled.iter().filter(|_| self.reads.is_some()) {
            one.check.lookups(lexicon, own, subject, &mut looked_up);
        }
        looked_up.sort_unstable();
        looked_up.dedup();
        looked_up
    }

    /// The findings of the checks in the rule's order, up to one with `stop` that finds an error.
    fn each(&self, subject: &Subject<'_>, mut ask: impl FnMut(&Check, &mut Found<'_>)) -> Vec<Finding> {
        let mut findings = Vec::new();
        for one in &self.enabled {
            let mut found = Found::new(subject.ids.id, one.severity);
            ask(&one.check, &mut found);
            let new = found.finish();
            let ends = one.stop && new.iter().any(Finding::is_error);
            findings.extend(new);
            if ends {
                break;
            }
        }
        findings
    }
}

impl Enabled {
    fn compile(rule: &Rule, spec: &CheckSpec) -> Result<Self> {
        let Some(definition) = DEFINITIONS.iter().find(|definition| definition.name == spec.name) else {
            let names: Vec<&str> = DEFINITIONS.iter().map(|definition| definition.name).collect();
            let problem = Problem::author(format!("there is no check `{}`", spec.name));
            return Err(problem.at(spec.place.clone()).hint(instead(&spec.name, &names)));
        };
        let resolved: &[&str] = if definition.scope == Scope::Batch { &[outside::FILES] } else { &[] };
        let fields = Fields::new(rule, spec, &[definition.fields, COMMON, resolved].concat())?;
        if spec.from.is_some() && definition.name != vocabulary::DEFINITION.name {
            return Err(fields.wrong("has no field `from`: it reads no other phase"));
        }
        let check = match (definition.compile)(&fields)? {
            Check::Outside(outside) => Check::Outside(outside.keyed(&spec.fields, spec.severity)),
            check => check,
        };
        let label = spec.label.as_str().into();
        Ok(Self { label, definition, severity: spec.severity, stop: fields.flag("stop")?, check })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::course::{Batch, Feed, Generate, GeneratorKind, Output, Projection, Prompt, Template};
    use crate::diag::Place;
    use crate::json::{Kind, Pointer, Shape};
    use serde_json::json;

    /// A rule with checks: each an object of `use`, perhaps `severity`, and its fields.
    pub(super) fn rule(checks: &[Value]) -> Rule {
        let template = || Template { name: "t".to_owned(), text: "".into() };
        let at = Projection::At { parent: false, fill: false, pointer: Pointer::default() };
        Rule {
            name: "phase".to_owned(),
            title: String::new(),
            feed: Feed::Source,
            input: at,
            input_ids: vec![],
            batch: Batch { size: 1, cohort: false, max_prompt_bytes: None },
            attempts: 1,
            prompt: Prompt {
                sections: vec![],
                scoped: vec![],
                system: template(),
                batch: template(),
                retry: template(),
            },
            output: Output {
                file: "out.json".to_owned(),
                shape: Shape { kind: Kind::Object, at: Pointer::default(), id: Pointer::default() },
                schema: None,
                ids: vec![],
                derived: vec![],
                envelope: vec![],
            },
            contexts: vec![],
            checks: checks.iter().map(spec).collect(),
            generate: Generate {
                kind: GeneratorKind::Replay,
                argv: vec![],
                model: None,
                params: Value::Null,
                api: None,
                timeout_s: 1,
                env: vec![],
                file: None,
                faults: None,
                folder: None,
                preset: None,
                args: Vec::new(),
            },
        }
    }

    fn spec(check: &Value) -> CheckSpec {
        let mut fields = check.clone();
        let name = fields["use"].as_str().unwrap().to_owned();
        let severity = serde_json::from_value(fields["severity"].clone()).unwrap_or_default();
        let from = fields["from"].as_u64().map(|from| usize::try_from(from).unwrap());
        for common in ["use", "severity"] {
            fields.as_object_mut().unwrap().shift_remove(common);
        }
        let place = Place::file("rules/phase.toml");
        CheckSpec { label: name.clone(), name, severity, fields, from, place }
    }

    /// What one check says of an output of item `S0001`.
    pub(super) fn judge(check: Value, input: &Value, output: &Value) -> Vec<Finding> {
        judge_at(0, check, input, output)
    }

    /// The same of the item whose root has a number.
    pub(super) fn judge_at(position: usize, check: Value, input: &Value, output: &Value) -> Vec<Finding> {
        let checks = Checks::compile(&rule(&[check])).unwrap();
        checks.item(&Subject { ids: Ids { id: "S0001", root: "S0001" }, position, input, output })
    }

    /// What checks say of the outputs of items, one after the other, by themselves and in order; all are admitted.
    pub(super) fn in_order(checks: &[Value], outputs: &[(&str, Value)]) -> Vec<Vec<Finding>> {
        let checks = Checks::compile(&rule(checks)).unwrap();
        assert!(checks.reads_course());
        let mut ledger = checks.ledger();
        let each = outputs.iter().enumerate().map(|(position, (id, output))| {
            let subject = Subject { ids: Ids { id, root: id }, position, input: &Value::Null, output };
            let mut findings = checks.item(&subject);
            findings.extend(checks.in_order(&ledger, &subject));
            checks.admit(&mut ledger, &subject);
            findings
        });
        each.collect()
    }

    /// What a schema says of an output of item `S0001`.
    pub(super) fn judge_shape(schema: &Value, output: &Value) -> Vec<Finding> {
        let mut rule = rule(&[json!({"use": "echo", "pairs": [{"output": "/9", "input": "/9"}]})]);
        rule.output.schema = Some(schema.clone());
        let ids = Ids { id: "S0001", root: "S0001" };
        let subject = Subject { ids, position: 0, input: &Value::Null, output };
        let mut findings = Checks::compile(&rule).unwrap().item(&subject);
        // The second check always finds something, and is only asked when the shape is right.
        if findings.iter().all(|finding| finding.kind == "echo") {
            assert_eq!(findings.len(), 1);
            findings.clear();
        }
        findings
    }

    fn compile(checks: &[Value]) -> Result<Checks> {
        Checks::compile(&rule(checks))
    }

    fn tiling() -> Value {
        json!({"use": "tiling", "text": "/0", "pieces": "/1", "piece_text": "/0"})
    }

    fn with(mut check: Value, field: &str, value: Value) -> Value {
        check[field] = value;
        check
    }

    #[test]
    fn mistakes_in_a_rule_are_answered_by_what_would_be_right() {
        let echo = |pairs: Value| json!({"use": "echo", "pairs": pairs});
        for (check, what, hint) in [
            (
                json!({"use": "tilling"}),
                "there is no check `tilling`",
                "did you mean `tiling`? there are: `echo`, ",
            ),
            (json!({"use": "spelling"}), "there is no check `spelling`", "there are: `echo`"),
            (with(tiling(), "piece", json!(1)), "has no field `piece`", "did you mean `pieces`?"),
            (json!({"use": "tiling", "text": "/0"}), "wants the field `pieces`", ""),
            (with(tiling(), "text", json!(3)), "wants a text in `text`", ""),
            (with(tiling(), "text", json!("x")), "wants a pointer in `text`", ""),
            (with(tiling(), "text", json!("/*/0")), "wants one place in `text`", ""),
            (with(tiling(), "kinds", json!(["B"])), "wants the field `kind`", ""),
            (with(tiling(), "kind", json!("/1")), "wants the field `kinds`", ""),
            (
                with(with(tiling(), "kind", json!("/1")), "kinds", json!([])),
                "wants a list of texts in `kinds`",
                "",
            ),
            (with(tiling(), "mode", json!("covrage")), "has no mode `covrage`", "did you mean `coverage`?"),
            (with(tiling(), "fold", json!(["spaces"])), "cannot fold `spaces`", "did you mean `space`?"),
            (with(tiling(), "fold", json!("space")), "wants a list of texts in `fold`", ""),
            (with(tiling(), "stop", json!(1)), "wants `true` or `false` in `stop`", ""),
            (
                with(tiling(), "text", json!("input:/seed/targte")),
                "the input has no `targte` there",
                "did you mean `target`?",
            ),
            (
                with(tiling(), "text", json!("input:/seed")),
                "wants a text in `text`, and `/seed` of the input is none",
                "",
            ),
            (with(tiling(), "text", json!("input:/last/x")), "nothing is inside a flag or an id", ""),
            (echo(json!([])), "wants a list of `{ output = POINTER, input = POINTER }`", ""),
            (echo(json!([{"output": "/0"}])), "wants a list of `{ output", ""),
            (
                echo(json!([{"output": "/0", "input": "/seed/known", "x": 1}])),
                "wants a list of `{ output",
                "",
            ),
            (
                echo(json!([{"output": "/0", "input": "/sed"}])),
                "the input has no `sed` there",
                "did you mean `seed`?",
            ),
            (
                json!({"use": "unique", "values": "/*", "starts_with_id": "yes"}),
                "wants `true` or `false`",
                "",
            ),
        ] {
            let mut rule = rule(&[check]);
            let at = || Projection::At { parent: false, fill: false, pointer: Pointer::default() };
            let seed = vec![("target".to_owned(), at()), ("known".to_owned(), at())];
            rule.input = Projection::Fields(vec![
                ("seed".to_owned(), Projection::Fields(seed)),
                ("last".to_owned(), Projection::Last),
            ]);
            // Switched off, a check is held to the same.
            for severity in [Severity::Error, Severity::Off] {
                rule.checks[0].severity = severity;
                let problem = Checks::compile(&rule).unwrap_err();
                assert!(problem.what.contains(what), "{problem}");
                assert!(problem.hint.as_deref().unwrap_or_default().contains(hint), "{problem}");
                assert!(problem.place.is_some());
            }
        }
    }

    #[test]
    fn the_digest_follows_whatever_changes_a_judgement() {
        let digest = |checks: &[Value]| compile(checks).unwrap().digest();
        let plain = digest(&[tiling()]);
        assert_eq!(plain, digest(&[tiling()]));
        assert_eq!(plain, digest(&[with(tiling(), "severity", json!("error"))]));
        let off = with(tiling(), "severity", json!("off"));
        assert_eq!(digest(&[]), digest(&[off]));
        let mut seen = vec![plain, digest(&[]), digest(&[tiling(), tiling()])];
        for (field, value) in [
            ("severity", json!("warning")),
            ("fold", json!(["case"])),
            ("text", json!("/2")),
            ("stop", json!(true)),
        ] {
            seen.push(digest(&[with(tiling(), field, value)]));
        }
        for schema in [json!({}), json!({"type": "array"})] {
            let mut rule = rule(&[tiling()]);
            rule.output.schema = Some(schema);
            seen.push(Checks::compile(&rule).unwrap().digest());
        }
        let all = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all);
    }

    #[test]
    fn severities_and_stop_decide_what_is_found() {
        let kinds = |checks: &[Value]| {
            let subject = Subject {
                ids: Ids { id: "S0001", root: "S0001" },
                position: 0,
                input: &json!("x"),
                output: &json!(["y", [["z"]]]),
            };
            let findings = compile(checks).unwrap().item(&subject);
            findings.iter().map(|f| (f.kind.clone(), f.is_error())).collect::<Vec<_>>()
        };
        let echo = json!({"use": "echo", "pairs": [{"output": "/0", "input": ""}]});
        let tiled = |error| ("tiling".to_owned(), error);
        let echoed = ("echo".to_owned(), true);
        assert_eq!(kinds(&[tiling(), echo.clone()]), [tiled(true), echoed.clone()]);
        assert_eq!(kinds(&[with(tiling(), "stop", json!(true)), echo.clone()]), [tiled(true)]);
        let mild = with(with(tiling(), "stop", json!(true)), "severity", json!("warning"));
        assert_eq!(kinds(&[mild, echo.clone()]), [tiled(false), echoed.clone()]);
        assert_eq!(kinds(&[with(tiling(), "severity", json!("off")), echo]), [echoed]);
    }

    #[test]
    fn checks_are_used_from_many_threads() {
        fn shared<T: Send + Sync>(_: &T) {}
        let checks = compile(&[tiling()]).unwrap();
        shared(&checks);
        assert!(!checks.reads_course());
    }

    #[test]
    fn the_documentation_has_every_check_with_its_fields_and_findings() {
        let doc = include_str!("../../docs/checks.md");
        let (_, set) = doc.split_once("## The checks a rule can use").unwrap();
        let sections: Vec<(&str, &str)> =
            set.split("\n### `").skip(1).map(|section| section.split_once('`').unwrap()).collect();
        let documented: Vec<&str> = sections.iter().map(|(name, _)| *name).collect();
        let defined: Vec<&str> = DEFINITIONS.iter().map(|definition| definition.name).collect();
        assert_eq!(documented, defined);
        for (definition, (_, text)) in DEFINITIONS.iter().zip(&sections) {
            for field in definition.fields {
                assert!(text.contains(&format!("\n| `{field}` |")), "{} {field}", definition.name);
            }
            for kind in definition.finds {
                let named = [format!("type `{kind}`"), format!("\"type\": \"{kind}\"")];
                assert!(named.iter().any(|name| text.contains(name)), "{} {kind}", definition.name);
            }
            let rows = text.lines().filter(|line| line.starts_with("| `")).count();
            assert_eq!(rows, definition.fields.len(), "{}", definition.name);
            assert!(text.contains("```json\n{\"type\": "), "{}", definition.name);
            let scope = match definition.scope {
                Scope::Item => "Scope: item",
                Scope::Batch => "Scope: batch",
                Scope::Course => "Scope: course",
                Scope::Earlier => "Scope: earlier phase",
            };
            assert!(text.contains(scope), "{}", definition.name);
        }
        for always in ["shape", "missing_item", "extra_item", "doubled_item", "missing_output"] {
            assert!(doc.contains(&format!("`{always}`")), "{always}");
        }
    }

    /// Real courses do not satisfy every check, and what was counted by other means is counted here.
    #[test]
    fn a_real_course_gets_the_findings_that_are_known_of_it() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/spa_for_eng");
        let read = |name: &str| {
            let text = std::fs::read_to_string(format!("{folder}/{name}")).ok()?;
            serde_json::from_str::<Value>(&text).ok()
        };
        let (Some(legos), Some(baskets)) = (read("lego_pairs.json"), read("lego_baskets.json")) else {
            eprintln!("skipped: there is no real course at {folder}");
            return;
        };
        let all = json!(["space", "case", "punctuation"]);
        let tiling = json!({"use": "tiling", "text": "/seed_pair/target", "pieces": "/legos",
            "piece_text": "/lego/target", "fold": all});
        let mut covering = tiling.clone();
        covering["mode"] = json!("coverage");
        let (checks, cover) = (compile(&[tiling]).unwrap(), compile(&[covering]).unwrap());
        let passes = |checks: &Checks, id: &str, output: &Value| {
            checks.item(&Subject { ids: Ids { id, root: id }, position: 0, input: output, output }).is_empty()
        };
        let seeds = legos["seeds"].as_array().unwrap();
        let tiled =
            seeds.iter().filter(|seed| passes(&checks, seed["seed_id"].as_str().unwrap(), seed)).count();
        assert_eq!((tiled, seeds.len()), (78, 668));
        let covered =
            seeds.iter().filter(|seed| passes(&cover, seed["seed_id"].as_str().unwrap(), seed)).count();
        assert_eq!(covered, 392);
        let texts: std::collections::HashMap<&str, &Value> = seeds
            .iter()
            .flat_map(|seed| seed["legos"].as_array().unwrap())
            .map(|lego| (lego["id"].as_str().unwrap(), &lego["lego"]["target"]))
            .collect();
        let operative = json!({"use": "operative", "phrases": "/practice_phrases/*/target",
            "text": "input:", "fold": all});
        let checks = compile(&[operative]).unwrap();
        let (mut without, mut only_inside) = (0, 0);
        for (id, basket) in baskets["baskets"].as_object().unwrap() {
            let gone = json!("no such LEGO");
            let input = texts.get(id.as_str()).copied().unwrap_or(&gone);
            let findings =
                checks.item(&Subject { ids: Ids { id, root: id }, position: 0, input, output: basket });
            let inside = |finding: &Finding| finding.message.contains("only as part of longer words");
            without += usize::from(findings.iter().any(|finding| !inside(finding)));
            only_inside += usize::from(!findings.is_empty() && findings.iter().all(inside));
        }
        assert_eq!((without, only_inside), (168, 18));
    }
}
