//! `shape`: an output satisfies the rule's JSON Schema. What does not is checked no further.

use super::found::{Found, quote, short};
use super::source::{describe, place};
use super::{Finding, Subject};
use crate::course::{Rule, Severity};
use crate::diag::{Problem, Result};
use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};

/// Counts up when the same schema comes to another judgement of the same output.
pub(super) const VERSION: u32 = 1;

/// A compiled schema (draft 2020-12 unless it names another).
#[derive(Debug)]
pub(super) struct Shape(Validator);

impl Shape {
    /// Compiles a rule's schema, if it has one. Nothing is fetched: a `$ref` leads into the schema itself.
    pub(super) fn compile(rule: &Rule) -> Result<Option<Self>> {
        let Some(schema) = &rule.output.schema else { return Ok(None) };
        let built = jsonschema::options().offline().build(schema);
        built.map(|validator| Some(Self(validator))).map_err(|error| {
            let at = short(error.instance_path(), 80);
            Problem::author(format!("the output schema of rule `{}` is not a JSON Schema", rule.name))
                .because(format!("at `{at}` of the schema: {}", short(&error, 300)))
                .hint("see json-schema.org for the keywords; a `$ref` may lead into the schema itself only")
        })
    }

    /// The places where an output does not have the shape.
    pub(super) fn judge(&self, subject: &Subject<'_>) -> Vec<Finding> {
        // Most outputs are well, and to know only that is much cheaper than to collect errors.
        if self.0.is_valid(subject.output) {
            return Vec::new();
        }
        let mut found = Found::new(subject.ids.id, Severity::Error);
        for error in self.0.iter_errors(subject.output) {
            let message = format!("at {}: {}", place(error.instance_path().as_str()), in_words(&error));
            match remedy(&error) {
                Some(remedy) => found.suggest("shape", &message, &remedy),
                None => found.add("shape", &message),
            }
        }
        found.finish()
    }
}

fn in_words(error: &ValidationError<'_>) -> String {
    let value = error.instance();
    match error.kind() {
        ValidationErrorKind::Type { kind } => format!("wants {}, found {}", types(kind), describe(value)),
        ValidationErrorKind::Required { property } => format!("lacks the field {}", quote(property)),
        ValidationErrorKind::MinItems { limit } => {
            format!("wants at least {limit} elements, found {}", describe(value))
        }
        ValidationErrorKind::MaxItems { limit } => {
            format!("wants at most {limit} elements, found {}", describe(value))
        }
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            format!("is none of the forms that are allowed here: {}{}", quote(value), nearest(context))
        }
        ValidationErrorKind::FalseSchema => format!("nothing may stand here, found {}", describe(value)),
        // The other messages would write out the value, which has no bound; the look at it that follows has one.
        _ => format!("{}: {}", short(error.masked_with("the value"), 200), quote(value)),
    }
}

/// The error of the alternative that was followed furthest: most likely the one that was meant.
fn nearest(context: &[Vec<ValidationError<'_>>]) -> String {
    let depth = |error: &ValidationError<'_>| error.instance_path().as_str().matches('/').count();
    let mut best: Option<&ValidationError<'_>> = None;
    for error in context.iter().filter_map(|errors| errors.first()) {
        if best.is_none_or(|best| depth(best) < depth(error)) {
            best = Some(error);
        }
    }
    best.map_or_else(String::new, |error| {
        let masked = short(error.masked_with("the value"), 160);
        format!("; the nearest fails at {}: {masked}", place(error.instance_path().as_str()))
    })
}

fn types(kind: &TypeKind) -> String {
    let name = |text: String| match text.as_str() {
        "array" => "a list".to_owned(),
        "object" => "an object".to_owned(),
        "string" => "a text".to_owned(),
        "null" => "null".to_owned(),
        "integer" => "a whole number".to_owned(),
        other => format!("a {other}"),
    };
    match kind {
        TypeKind::Single(one) => name(one.to_string()),
        TypeKind::Multiple(set) => {
            set.iter().map(|one| name(one.to_string())).collect::<Vec<_>>().join(" or ")
        }
    }
}

fn remedy(error: &ValidationError<'_>) -> Option<String> {
    match error.kind() {
        ValidationErrorKind::Required { property } => Some(format!("add the field {}", quote(property))),
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            unexpected.first().map(|name| format!("leave out the field {}", quote(name)))
        }
        ValidationErrorKind::Enum { options } => Some(format!("use one of {}", quote(options))),
        ValidationErrorKind::Constant { expected_value } => Some(format!("write {}", quote(expected_value))),
        ValidationErrorKind::MinLength { .. } => Some("do not leave it empty or too short".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{judge_shape, rule};
    use super::*;
    use serde_json::{Value, json};

    fn lego_schema() -> Value {
        json!({
            "type": "array", "minItems": 3, "maxItems": 3,
            "prefixItems": [
                {"type": "string", "pattern": "^S[0-9]{4}$"},
                {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "string", "minLength": 1}},
                {"type": "array", "minItems": 1, "items": {"oneOf": [
                    {"type": "array", "minItems": 4, "maxItems": 4, "prefixItems": [{"type": "string"}, {"const": "B"}]},
                    {"type": "array", "minItems": 5, "maxItems": 5, "prefixItems": [{"type": "string"}, {"const": "C"}]}
                ]}}
            ]
        })
    }

    #[test]
    fn outputs_of_the_right_shape_pass() {
        let base = json!(["S0001", ["a", "b"], [["S0001L01", "B", "a", "b"]]]);
        let with = |pointer: &str, value: Value| {
            let mut output = base.clone();
            *output.pointer_mut(pointer).unwrap() = value;
            output
        };
        for output in [
            base.clone(),
            with("/1/0", json!("¿Qué?")),
            with("/1/0", json!("cafe\u{301}")),
            with("/1/0", json!("你好，世界")),
            with("/1/0", json!("a\r\nb")),
            with("/1/0", json!(" ")),
            with("/1/0", json!("x".repeat(1 << 16))),
            with("/0", json!("S9999")),
            with("/2/0", json!(["x", "C", "a", "b", []])),
            with("/2", json!(vec![json!(["x", "B", "a", "b"]); 3000])),
        ] {
            assert!(judge_shape(&lego_schema(), &output).is_empty(), "{output}");
        }
    }

    #[test]
    fn wrong_shapes_are_named_with_their_place() {
        let base = json!(["S0001", ["a", "b"], [["S0001L01", "B", "a", "b"]]]);
        let with = |pointer: &str, value: Value| {
            let mut output = base.clone();
            *output.pointer_mut(pointer).unwrap() = value;
            output
        };
        for (output, words) in [
            (json!({}), "at the top of the item: wants a list, found an object with 0 fields (`{}`)"),
            (json!(null), "at the top of the item: wants a list, found null"),
            (json!(["S0001"]), "wants at least 3 elements, found a list of 1"),
            (json!(["S0001", ["a", "b"], [["x", "B", "a", "b"]], 4]), "wants at most 3 elements"),
            (with("/0", json!("S1")), "at `/0`: the value does not match \"^S[0-9]{4}$\": `\"S1\"`"),
            (with("/0", json!("Ｓ０００１")), "at `/0`: the value does not match"),
            (with("/1", json!(["a"])), "at `/1`: wants at least 2 elements"),
            (with("/1/1", json!(5)), "at `/1/1`: wants a text, found `5`"),
            (with("/1/1", json!("")), "at `/1/1`: the value is shorter than 1 character"),
            (with("/2", json!([])), "at `/2`: wants at least 1 elements"),
            (with("/2/0/1", json!("C")), "the nearest fails at"),
            (
                with("/2/0", json!("x".repeat(1 << 20))),
                "at `/2/0`: is none of the forms that are allowed here",
            ),
            (with("/1/1", json!("a\u{1b}[31m\n".repeat(99))), ""),
        ] {
            let findings = judge_shape(&lego_schema(), &output);
            let is_case = words.is_empty() || findings.iter().any(|finding| finding.message.contains(words));
            assert!(is_case, "{output:.200}\n{findings:#?}");
            for finding in findings {
                assert!(finding.kind == "shape" && finding.item == "S0001" && finding.is_error());
                assert!(finding.message.len() < 800, "{}", finding.message.len());
                assert!(!finding.message.contains(['\n', '\u{1b}']));
            }
        }
    }

    #[test]
    fn fields_of_objects_are_named_with_what_to_do() {
        let schema = json!({"type": "object", "required": ["e", "d"], "additionalProperties": false,
            "properties": {"e": {"type": "array"}, "d": {"enum": [1, 2]}}});
        let says = |output: Value| {
            judge_shape(&schema, &output)
                .into_iter()
                .map(|f| format!("{} => {}", f.message, f.suggestion.unwrap_or_default()))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            says(json!({"e": []})),
            ["at the top of the item: lacks the field `\"d\"` => add the field `\"d\"`"]
        );
        assert_eq!(
            says(json!({"e": [], "d": 1, "agentId": 7})),
            [concat!(
                "at the top of the item: Additional properties are not allowed ('agentId' was unexpected): ",
                "`{\"e\":[],\"d\":1,\"agentId\":7}` => leave out the field `agentId`"
            )]
        );
        assert!(says(json!({"e": [], "d": 3}))[0].ends_with("=> use one of `[1,2]`"));
    }

    #[test]
    fn many_errors_are_counted_and_their_order_is_fixed() {
        let schema = json!({"type": "array", "items": {"type": "object", "required": ["a", "b", "c"],
            "additionalProperties": false}});
        let output = json!(vec![json!({"x": 1, "y": 2}); 5000]);
        let first = judge_shape(&schema, &output);
        assert_eq!(first.len(), 9);
        assert!(first[8].message.starts_with("and "));
        for _ in 0..5 {
            assert_eq!(judge_shape(&schema, &output), first);
        }
    }

    #[test]
    fn a_schema_that_is_none_is_the_authors_problem() {
        for (schema, words) in [
            (json!({"type": "strnig"}), "strnig"),
            (json!({"pattern": "("}), "("),
            (json!({"$ref": "https://example.com/x.json"}), "example.com"),
            (json!({"$ref": "#/nowhere"}), "nowhere"),
            (json!(7), "7"),
        ] {
            let mut rule = rule(&[]);
            rule.output.schema = Some(schema);
            let problem = Shape::compile(&rule).unwrap_err();
            assert_eq!(problem.kind, crate::diag::Kind::Author);
            assert!(problem.what.contains("`phase`") && problem.cause.unwrap().contains(words));
        }
    }
}
