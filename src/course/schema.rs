//! JSON Schemas of the files that people write, made from the very types that read them: what an editor checks and completes by.

use super::manifest::RawManifest;
use super::raw_rule::{Named, OneOrMore, RawProjection, RawRule};
use super::text::TextOr;
use crate::json::Value;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

/// The schema of `coursebuild.toml`.
pub fn manifest_schema() -> Value {
    titled::<RawManifest>("coursebuild.toml")
}

/// The schema of a rule file.
pub fn rule_schema() -> Value {
    titled::<RawRule>("a rule of coursebuild: one phase")
}

fn titled<T: JsonSchema>(title: &str) -> Value {
    let mut schema = SchemaGenerator::default().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    schema.to_value()
}

/// How a collection holds its items.
pub(super) fn kinds(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": ["array", "object"] })
}

impl<T: JsonSchema> JsonSchema for TextOr<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("TextOr{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "string" }, generator.subschema_for::<T>()] })
    }
}

impl<T: JsonSchema> JsonSchema for Named<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Named{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": generator.subschema_for::<T>() })
    }
}

impl JsonSchema for RawProjection {
    fn schema_name() -> Cow<'static, str> {
        "Projection".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "a pointer such as `/2`, `^/0`, `fill:/source`, `@last` or `@id`, or a table of them",
            "anyOf": [
                { "type": "string" },
                { "type": "object", "additionalProperties": generator.subschema_for::<Self>() }
            ]
        })
    }
}

impl JsonSchema for OneOrMore {
    fn schema_name() -> Cow<'static, str> {
        "OneOrMore".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] })
    }
}

#[cfg(test)]
mod tests {
    use super::super::BUILTIN_PACKS;
    use super::*;
    use std::path::{Path, PathBuf};

    fn top() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    fn toml_as_json(path: &Path) -> Value {
        let text = crate::fs::read_text(path).unwrap().unwrap();
        toml::from_str::<Value>(&text).unwrap()
    }

    /// `coursebuild rules --schema manifest > docs/schema/manifest.json` brings them up to date.
    #[test]
    fn the_copies_in_the_tree_are_these() {
        for (name, schema) in [("manifest", manifest_schema()), ("rule", rule_schema())] {
            let path = top().join(format!("docs/schema/{name}.json"));
            let copy = crate::fs::read_text(&path).unwrap().unwrap_or_default();
            assert_eq!(
                copy,
                format!("{schema:#}\n"),
                "run: coursebuild rules --schema {name} > {}",
                path.display()
            );
        }
    }

    #[test]
    fn every_rule_and_manifest_of_the_tree_has_its_schema() {
        let rule = jsonschema::validator_for(&rule_schema()).unwrap();
        let manifest = jsonschema::validator_for(&manifest_schema()).unwrap();
        let mut rules = 0;
        for (path, text) in BUILTIN_PACKS.iter().flat_map(|pack| pack.files) {
            if path.ends_with(".toml") {
                let value: Value = toml::from_str(text).unwrap();
                assert!(rule.is_valid(&value), "{path}: {:#?}", rule.iter_errors(&value).collect::<Vec<_>>());
                rules += 1;
            }
        }
        let files = walkdir::WalkDir::new(top().join("examples")).into_iter().flatten();
        let tomls: Vec<PathBuf> = files
            .map(walkdir::DirEntry::into_path)
            .filter(|path| path.extension().is_some_and(|end| end == "toml"))
            .collect();
        for path in tomls {
            let is_manifest = path.ends_with("coursebuild.toml");
            let (validator, value) = (if is_manifest { &manifest } else { &rule }, toml_as_json(&path));
            assert!(
                validator.is_valid(&value),
                "{}: {:#?}",
                path.display(),
                validator.iter_errors(&value).collect::<Vec<_>>()
            );
            rules += usize::from(!is_manifest);
        }
        assert!(rules >= 10, "{rules}");
    }

    #[test]
    fn what_the_tool_refuses_the_schema_refuses() {
        let rule = jsonschema::validator_for(&rule_schema()).unwrap();
        let good = include_str!("../../rules/objects@1/phase5.toml");
        for (old, new) in [
            ("batch = { size", "bach = { size"),
            ("size = 60", "size = \"60\""),
            ("collection = \"object\"", "collection = \"map\""),
            ("role = \"hint\"", "role = \"hints\""),
            ("only = { at", "only = { where"),
            ("is = \"last\"", "is = 7"),
        ] {
            assert!(good.contains(old), "{old}");
            let value: Value = toml::from_str(&good.replace(old, new)).unwrap();
            assert!(!rule.is_valid(&value), "{new}");
        }
    }
}
