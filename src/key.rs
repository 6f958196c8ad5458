//! The generate key: one walk over its named parts, read by the hasher and by whoever explains.
//!
//! | in the key | why |
//! | --- | --- |
//! | every selected section, with its document and heading | it is sent |
//! | system and batch template | they are sent |
//! | output schema, shape and id fields | they say what an answer means, and the schema is sent |
//! | declared model and parameters, an API's effort and way of answering; else the generator's kind and program | another author writes another text |
//! | course and phase names | templates may send them |
//! | the item's input, ids lifted, field by field | it is sent |
//! | contexts whose role is `key` | they are sent, and the author said that they matter |
//! | the parts of all items of its cohort, if it has one | they are sent with it, and the author said that they matter |
//!
//! | not in the key | why |
//! | --- | --- |
//! | the batch's label, the siblings, `hint` contexts, a retry's findings and template | declared exceptions, recorded with the attempt |
//! | batch size, attempts, time-out, environment, concurrency, prices | they change the way, not the work |
//! | absolute paths, times, the tool's version | the same work elsewhere or later is the same work |
//! | derived fields and the envelope | they are worked out from results when those are read or written |
//! | the item's id | it stands beside the key: a result follows its content to another id |

use crate::course::{Api, Course, Generate, Rule, Section};
use crate::digest::{Digest, Hasher};
use crate::json::{Value, canonical};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// One named part of a generate key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// `document/docs/x.md/Tiling`, `template/system`, `input/target`, …
    pub name: Arc<str>,
    /// The digest of its normalised value.
    pub digest: Digest,
}

/// The parts that all items of a phase with the same scoped sections share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    parts: Vec<Part>,
    digest: Digest,
}

impl Recipe {
    /// Walks the shared parts of a rule; `scoped` are the scoped sections that the items are sent.
    pub fn of(course: &Course, rule: &Rule, scoped: &[&Section]) -> Self {
        Self::of_parts(Self::walk(Walk::default(), course, rule, scoped).parts)
    }

    /// The texts behind the shared parts, by the names of the parts: what a later diff is made of.
    pub fn texts(course: &Course, rule: &Rule, scoped: &[&Section]) -> BTreeMap<Arc<str>, String> {
        let walk = Walk { texts: Some(BTreeMap::new()), ..Walk::default() };
        Self::walk(walk, course, rule, scoped).texts.unwrap_or_default()
    }

    fn walk(mut walk: Walk, course: &Course, rule: &Rule, scoped: &[&Section]) -> Walk {
        // Every field is named here, so that a new one cannot be forgotten: it is in the key or it is said why not.
        let Rule {
            name,
            title,
            prompt,
            output,
            generate,
            feed: _,
            input: _,     // what they yield is the item's input, which is in the key
            input_ids: _, // they only lift ids out of it
            batch: _,     // which items are a cohort is in the key of each of them
            attempts: _,
            contexts: _, // those with the role `key` are parts of the item
            checks: _,   // they judge what is there; they are in the check key
        } = rule;
        walk.fields(
            "course",
            &[
                ("code", &course.code),
                ("target", &course.target),
                ("known", &course.known),
                ("target_name", &course.target_name),
            ],
        );
        walk.fields("phase", &[("name", name), ("title", title)]);
        for section in prompt.sections.iter().chain(scoped.iter().copied()) {
            walk.text(section_part(section), &section.text);
        }
        walk.text("template/system".into(), &prompt.system.text);
        walk.text("template/batch".into(), &prompt.batch.text);
        if let Some(schema) = &output.schema {
            walk.json("schema".into(), schema);
        }
        let kind = match output.shape.kind {
            crate::json::Kind::Array => "array",
            crate::json::Kind::Object => "object",
        };
        let (id, ids) = (output.shape.id.to_string(), output.ids.iter().map(ToString::to_string));
        let ids: Vec<String> = ids.collect();
        let mut answer = vec![("kind", kind), ("id", id.as_str())];
        answer.extend(ids.iter().map(|id| ("ids", id.as_str())));
        walk.fields("answer", &answer);
        walk.generator(generate);
        walk
    }

    /// The recipe that has these parts, in this order.
    pub fn of_parts(parts: Vec<Part>) -> Self {
        let digest = digest_of(Digest::default(), &parts);
        Self { parts, digest }
    }

    /// Its parts, in order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The digest of all of them.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The content key of an item with these parts of its own: its generate key without its id.
    pub fn content(&self, own: &[Part]) -> Digest {
        digest_of(self.digest, own)
    }
}

/// The name of a section's part.
pub fn section_part(section: &Section) -> Arc<str> {
    format!("document/{}/{}", section.document, section.name).into()
}

/// The parts of an item's own: its lifted input, field by field, then its key contexts, by name.
pub fn own_parts<'a>(input: &Value, contexts: impl Iterator<Item = (&'a str, &'a Value)>) -> Vec<Part> {
    let mut walk = Walk { parts: Vec::with_capacity(4), texts: None };
    match input {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by(|a, b| a.0.cmp(b.0));
            for (name, value) in fields {
                walk.json(format!("input/{name}").into(), value);
            }
        }
        whole => walk.json("input".into(), whole),
    }
    let mut contexts: Vec<_> = contexts.collect();
    contexts.sort_unstable_by_key(|(name, _)| *name);
    for (name, value) in contexts {
        walk.json(format!("context/{name}").into(), value);
    }
    walk.parts
}

/// The digest of an item's own parts, as its siblings have it in their keys.
pub fn own_digest(own: &[Part]) -> Digest {
    digest_of(Digest::default(), own)
}

/// The part that an item of a cohort has beside its own: those of all its siblings in order ([`own_digest`]), and where it stands
/// among them (`None`).
pub fn cohort_part(siblings: impl Iterator<Item = Option<Digest>>) -> Part {
    let mut hasher = Hasher::new("cohort");
    for sibling in siblings {
        match sibling {
            Some(own) => hasher.field("sibling", own.as_bytes()),
            None => hasher.field("itself", b""),
        };
    }
    Part { name: COHORT.into(), digest: hasher.finish() }
}

/// The name of that part.
pub const COHORT: &str = "cohort";

/// What differs between two walks: name, digest before, digest now; in the order of the walk now, vanished ones last.
pub fn difference<'a>(old: &'a [Part], new: &'a [Part]) -> Vec<(&'a str, Option<Digest>, Option<Digest>)> {
    let find =
        |parts: &[Part], name: &str| parts.iter().find(|part| *part.name == *name).map(|part| part.digest);
    let changed = new.iter().filter_map(|part| {
        let before = find(old, &part.name);
        (before != Some(part.digest)).then_some((&*part.name, before, Some(part.digest)))
    });
    let gone = old
        .iter()
        .filter(|part| find(new, &part.name).is_none())
        .map(|part| (&*part.name, Some(part.digest), None));
    changed.chain(gone).collect()
}

fn digest_of(start: Digest, parts: &[Part]) -> Digest {
    let mut hasher = Hasher::new("coursebuild key 1");
    hasher.field("recipe", start.as_bytes());
    for part in parts {
        hasher.field(&part.name, part.digest.as_bytes());
    }
    hasher.finish()
}

/// The walk, and, for who wants to explain, the text of each part.
#[derive(Default)]
struct Walk {
    parts: Vec<Part>,
    texts: Option<BTreeMap<Arc<str>, String>>,
}

impl Walk {
    fn part(&mut self, name: Arc<str>, digest: Digest, text: impl FnOnce() -> String) {
        if let Some(texts) = &mut self.texts {
            texts.insert(name.clone(), text());
        }
        self.parts.push(Part { name, digest });
    }

    fn text(&mut self, name: Arc<str>, text: &str) {
        self.part(name, Digest::of(text.as_bytes()), || text.to_owned());
    }

    fn json(&mut self, name: Arc<str>, value: &Value) {
        self.part(name, Digest::of(&canonical(value)), || format!("{value:#}"));
    }

    fn fields(&mut self, name: &str, fields: &[(&str, &str)]) {
        let mut hasher = Hasher::new("fields");
        for (label, value) in fields {
            hasher.field(label, value.as_bytes());
        }
        let lines = || fields.iter().map(|(label, value)| format!("{label}: {value}\n")).collect();
        self.part(name.into(), hasher.finish(), lines);
    }

    fn generator(&mut self, generate: &Generate) {
        let Generate {
            kind,
            argv,
            preset: _, // how the program is asked, not which it is
            args,
            model,
            params,
            api,
            timeout_s: _,
            env: _, // the way, not the work
            file: _,
            folder: _, // a place
            faults: _, // what a program does inside is its own affair, like the inside of `argv`'s
        } = generate;
        if let Some(model) = model {
            self.text("model".into(), model);
        } else {
            let mut hasher = Hasher::new("generator");
            hasher.field("kind", format!("{kind:?}").as_bytes());
            let mut lines = format!("{kind:?}\n");
            for argument in argv.iter().chain(args) {
                let path = Path::new(argument);
                let name = path.file_name().filter(|_| path.is_absolute());
                hasher.field("argv", name.map_or(argument.as_bytes(), |name| name.as_encoded_bytes()));
                lines += &format!("{}\n", name.map_or(argument.into(), |name| name.to_string_lossy()));
            }
            self.part("generator".into(), hasher.finish(), || lines);
        }
        if !params.is_null() {
            self.json("model parameters".into(), params);
        }
        if let Some(api) = api {
            self.api(api);
        }
    }
}

impl Walk {
    /// Of how an API is asked, what changes what is sent for an item or what a model makes of it.
    fn api(&mut self, api: &Api) {
        let Api {
            effort,
            json_schema,
            batches: _,  // half the price for the same work
            base_url: _, // the same model at another place
            version: _,
            key: _,
            max_tokens: _, // an answer is whole or it is none
            cache_life: _,
            cache_markers: _,
            stream_usage: _,
            old_max_tokens: _,
            requests_per_minute: _,
            tokens_per_minute: _, // the way, not the work
        } = api;
        let answer = if *json_schema { "schema" } else { "text" };
        self.fields(
            "model options",
            &[("effort", effort.as_deref().unwrap_or_default()), ("answer", answer)],
        );
    }
}

#[cfg(test)]
mod mutations;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_key_is_explained_by_the_parts_that_made_it() {
        let old = own_parts(&json!({"target": "hola", "known": "hello"}), std::iter::empty());
        let new =
            own_parts(&json!({"known": "hello", "target": "buenas"}), [("words", &json!([1]))].into_iter());
        let names: Vec<_> = difference(&old, &new)
            .into_iter()
            .map(|(name, old, new)| (name, old.is_some(), new.is_some()))
            .collect();
        assert_eq!(names, [("input/target", true, true), ("context/words", false, true)]);
        let back: Vec<_> = difference(&new, &old).into_iter().map(|(name, ..)| name).collect();
        assert_eq!(back, ["input/target", "context/words"]);
        assert!(difference(&old, &old).is_empty());
    }
}
