//! The phase's schema as services take it, and their answer back in the phase's shape.
//!
//! What the services do not know (bounds, patterns, tuples, conditions) is told in words or left out, never made narrower: the
//! full schema is checked here anyway. An object by id cannot be said without naming the ids, and then each batch would have
//! a grammar of its own; so such answers come as a list of `{"id", "result"}`. `None` where a schema cannot be said at all.

use crate::generate::cut;
use crate::json::{Kind, Shape, Value, read_collection};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, json};

/// How a phase's answers are asked for by schema.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    /// The schema of the whole answer: an object with `items`.
    pub(super) schema: Value,
    /// Every property is required: what OpenAI calls strict.
    pub(super) strict: bool,
    /// The phase's own shape.
    shape: Shape,
}

impl Wire {
    /// `item`: the phase's schema, of one item.
    pub(super) fn new(item: &Value, shape: &Shape) -> Option<Self> {
        let mut strict = true;
        let mut said = say(item, &mut strict)?;
        let mut definitions = Map::new();
        if let Some(all) = item.get("$defs").and_then(Value::as_object) {
            if all.iter().any(|(name, _)| refers(all, name, name, all.len())) {
                return None;
            }
            for (name, schema) in all {
                definitions.insert(name.clone(), say(schema, &mut strict)?);
            }
        }
        if shape.kind == Kind::Object {
            said = object(&[("id", json!({"type": "string"})), ("result", said)]);
        }
        let mut schema = object(&[("items", json!({"type": "array", "items": said}))]);
        if !definitions.is_empty() {
            schema["$defs"] = Value::Object(definitions);
        }
        Some(Self { schema, strict, shape: shape.clone() })
    }

    /// What the prompt's end says of it; the same for every call of the phase.
    pub(super) fn note(&self) -> &'static str {
        match self.shape.kind {
            Kind::Object => {
                "The form of the answer: one JSON object `{\"items\": [{\"id\": ID, \"result\": RESULT}, …]}` with one element for each item asked for. ID is the item's id; RESULT is what the task describes as the value of that id."
            }
            Kind::Array => {
                "The form of the answer: one JSON object `{\"items\": […]}`, whose list holds one element for each item asked for, as the task describes it."
            }
        }
    }

    /// The phase's shape, which an answer is put back into.
    pub(super) fn shape(&self) -> &Shape {
        &self.shape
    }
}

/// An answer by schema in the phase's shape; as it came where it is not what the schema says.
pub(super) fn unwrapped(shape: &Shape, answer: String, is_cut: bool) -> String {
    let listed = Shape { kind: Kind::Array, at: items_pointer(), id: crate::json::Pointer::default() };
    let native = if is_cut {
        let begun = answer.find('{').map_or("", |at| &answer[at..]);
        let whole: Vec<&str> = cut::elements(begun, &listed).into_iter().map(|(_, raw)| raw).collect();
        if whole.is_empty() { None } else { native(shape, &whole) }
    } else {
        let read = read_collection(answer.trim(), &listed).ok();
        read.and_then(|read| native(shape, &read.elements.iter().map(|one| one.raw).collect::<Vec<_>>()))
    };
    native.unwrap_or(answer)
}

fn native(shape: &Shape, elements: &[&str]) -> Option<String> {
    #[derive(Deserialize)]
    struct Pair<'t> {
        id: String,
        #[serde(borrow)]
        result: &'t RawValue,
    }
    let collection = match shape.kind {
        Kind::Array => {
            format!("[{}]", elements.join(",\n"))
        }
        Kind::Object => {
            let pair = |raw| serde_json::from_str::<Pair<'_>>(raw).ok();
            let pairs: Vec<Pair<'_>> = elements.iter().map(|element| pair(element)).collect::<Option<_>>()?;
            let fields: Vec<String> =
                pairs.iter().map(|pair| format!("{}: {}", json!(pair.id), pair.result.get())).collect();
            format!("{{{}}}", fields.join(",\n"))
        }
    };
    let names = shape.at.names().unwrap_or_default();
    Some(names.iter().rev().fold(collection, |inner, name| format!("{{{}: {inner}}}", json!(name))))
}

fn items_pointer() -> crate::json::Pointer {
    "/items".parse().unwrap_or_default()
}

/// An object that has exactly these properties.
fn object(properties: &[(&str, Value)]) -> Value {
    let names: Vec<&str> = properties.iter().map(|(name, _)| *name).collect();
    let properties: Map<String, Value> =
        properties.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({"type": "object", "properties": properties, "required": names, "additionalProperties": false})
}

/// A schema in the words that services know; `None` where that would say something else.
fn say(schema: &Value, strict: &mut bool) -> Option<Value> {
    let schema = schema.as_object()?;
    if let Some(target) = schema.get("$ref") {
        let local = target
            .as_str()
            .is_some_and(|target| target.strip_prefix("#/$defs/").is_some_and(|name| !name.contains('/')));
        return local.then(|| json!({"$ref": target}));
    }
    let mut said = Map::new();
    if let Some(options) = schema.get("anyOf").or_else(|| schema.get("oneOf")) {
        let options = options.as_array()?.iter().map(|option| say(option, strict));
        said.insert("anyOf".into(), options.collect::<Option<Vec<_>>>()?.into());
        return Some(Value::Object(said));
    }
    match schema.get("type") {
        Some(Value::String(kind)) => match kind.as_str() {
            "object" => said = say_object(schema, strict)?,
            "array" => said = say_array(schema, strict)?,
            _ => {
                said.insert("type".into(), json!(kind));
            }
        },
        Some(_) => return None,
        None if schema.contains_key("enum") || schema.contains_key("const") => {}
        None => return None,
    }
    for name in ["enum", "const"] {
        if let Some(value) = schema.get(name) {
            said.insert(name.into(), value.clone());
        }
    }
    if let Some(text) = description(schema) {
        said.insert("description".into(), text.into());
    }
    Some(Value::Object(said))
}

fn say_object(schema: &Map<String, Value>, strict: &mut bool) -> Option<Map<String, Value>> {
    let open = schema.get("additionalProperties").is_some_and(Value::is_object);
    if open || schema.contains_key("patternProperties") {
        return None;
    }
    let properties = schema.get("properties")?.as_object()?;
    let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    *strict &= properties.keys().all(|name| required.iter().any(|known| known == name));
    let said: Map<String, Value> = properties
        .iter()
        .map(|(name, schema)| Some((name.clone(), say(schema, strict)?)))
        .collect::<Option<_>>()?;
    let whole =
        json!({"type": "object", "properties": said, "required": required, "additionalProperties": false});
    whole.as_object().cloned()
}

/// A tuple becomes a list of whatever one of its places may hold.
fn say_array(schema: &Map<String, Value>, strict: &mut bool) -> Option<Map<String, Value>> {
    let places = schema.get("prefixItems").and_then(Value::as_array);
    let rest = schema.get("items").filter(|rest| rest.is_object());
    let mut options: Vec<Value> = Vec::new();
    for place in places.into_iter().flatten().chain(rest) {
        let mut option = say(place, strict)?;
        if places.is_some()
            && let Some(option) = option.as_object_mut()
        {
            option.remove("description");
        }
        if !options.contains(&option) {
            options.push(option);
        }
    }
    let items = match options.len() {
        0 => return None,
        1 => options.remove(0),
        _ => json!({"anyOf": options}),
    };
    let mut said = Map::new();
    said.insert("type".into(), "array".into());
    said.insert("items".into(), items);
    if schema.get("minItems").and_then(Value::as_u64).is_some_and(|least| least > 0) {
        said.insert("minItems".into(), 1.into());
    }
    Some(said)
}

/// Its own description, or title, and what is said in words only.
fn description(schema: &Map<String, Value>) -> Option<String> {
    const IN_WORDS: [&str; 9] = [
        "pattern",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "minItems",
        "maxItems",
        "uniqueItems",
        "format",
    ];
    let own = schema.get("description").or_else(|| schema.get("title")).and_then(Value::as_str);
    let words = IN_WORDS.iter().filter_map(|name| Some(format!("{name}: {}", schema.get(*name)?)));
    let all: Vec<String> = own.map(str::to_owned).into_iter().chain(words).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// Whether the definition `from` leads to `wanted`: services take no recursion.
fn refers(all: &Map<String, Value>, from: &str, wanted: &str, steps: usize) -> bool {
    let mut found = Vec::new();
    if let Some(schema) = all.get(from) {
        references(schema, &mut found);
    }
    found.iter().any(|name| name == wanted || (steps > 0 && refers(all, name, wanted, steps - 1)))
}

fn references(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str().and_then(|text| text.strip_prefix("#/$defs/")) {
                    Some(target) if name == "$ref" => into.push(target.to_owned()),
                    _ => references(value, into),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, into)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(kind: Kind, at: &str) -> Shape {
        Shape { kind, at: at.parse().unwrap(), id: "/0".parse().unwrap() }
    }

    fn builtin(pack: &str, phase: &str) -> Value {
        let path = format!("{}/rules/{pack}/schemas", env!("CARGO_MANIFEST_DIR"));
        let file = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        let file = file.filter(|path| path.to_str().unwrap().contains(phase)).min().unwrap();
        serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
    }

    #[test]
    fn the_packs_schemas_can_be_said() {
        for phase in ["phase1", "phase3", "phase5"] {
            for pack in ["batching@1", "objects@1"] {
                let wire = Wire::new(&builtin(pack, phase), &shape(Kind::Object, "")).unwrap();
                let text = wire.schema.to_string();
                for unknown in
                    ["prefixItems", "\"pattern\":", "allOf", "\"if\"", "\"minItems\":2", "maxItems\":"]
                {
                    assert!(!text.contains(unknown), "{pack} {phase}: {unknown} in {text}");
                }
                assert!(jsonschema::validator_for(&wire.schema).is_ok());
            }
        }
        let legos = Wire::new(&builtin("batching@1", "phase3"), &shape(Kind::Array, "")).unwrap();
        let valid = jsonschema::validator_for(&legos.schema).unwrap();
        let answer = json!({"items": [["S1", ["a b", "c d"], [["S1L01", "B", "a", "c"], ["S1L02", "C", "b", "d", [["b", "d"]]]]]]});
        assert!(valid.is_valid(&answer), "{:#}", legos.schema);
        assert!(!valid.is_valid(&json!({"items": [{"id": 1}]})));
    }

    #[test]
    fn what_cannot_be_said_is_not_said_wrong() {
        let none =
            |schema: Value| assert!(Wire::new(&schema, &shape(Kind::Object, "")).is_none(), "{schema}");
        none(json!({"type": "object", "additionalProperties": {"type": "string"}}));
        none(json!({"type": "object"}));
        none(json!({"type": "array"}));
        none(json!({}));
        none(json!({"$ref": "#/$defs/a", "$defs": {"a": {"type": "array", "items": {"$ref": "#/$defs/a"}}}}));
        let optional = json!({"type": "object", "properties": {"a": {"type": "string", "maxLength": 3}}});
        let wire = Wire::new(&optional, &shape(Kind::Array, "")).unwrap();
        assert!(!wire.strict);
        assert_eq!(
            wire.schema["properties"]["items"]["items"]["properties"]["a"]["description"],
            "maxLength: 3"
        );
    }

    #[test]
    fn answers_come_back_in_the_phases_shape() {
        let text = json!({"type": "string"});
        let object = Wire::new(&text, &shape(Kind::Object, "/inner")).unwrap();
        let answer =
            "{\"items\": [{\"id\": \"A\", \"result\": [1.50]}, {\"result\": \"x\", \"id\": \"é\\\"\"}]}";
        assert_eq!(
            unwrapped(object.shape(), answer.into(), false),
            "{\"inner\": {\"A\": [1.50],\n\"é\\\"\": \"x\"}}"
        );
        assert_eq!(unwrapped(object.shape(), answer[..44].into(), true), "{\"inner\": {\"A\": [1.50]}}");
        let array = Wire::new(&text, &shape(Kind::Array, "")).unwrap();
        assert_eq!(unwrapped(array.shape(), "{\"items\": [[\"A\"], 2]}".into(), false), "[[\"A\"],\n2]");
        assert_eq!(unwrapped(array.shape(), "[1]".into(), false), "[1]", "left as it came");
    }
}
