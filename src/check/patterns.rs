//! `patterns`: what a text must not look like (grammar slips, forms that come too early, meanings that drift).
//!
//! Every pattern is data, of a language or of a rule. Text is matched without needless white space and in lower case.

use super::Subject;
use super::fields::{Fields, instead};
use super::found::{Found, quote};
use super::set::{Check, Definition, Scope};
use super::source::{place, text};
use super::text::Fold;
use crate::diag::Result;
use crate::json::Pointer;
use regex::Regex;
use serde::Deserialize;

pub(super) const DEFINITION: Definition = Definition {
    name: "patterns",
    version: 1,
    scope: Scope::Item,
    fields: &["type", "patterns", "each", "text", "beside", "first"],
    finds: KINDS,
    compile: |fields| Patterns::compile(fields).map(Check::Patterns),
};

/// The types that a rule can give to its findings; the first one unless it says otherwise.
const KINDS: &[&str] = &["pattern", "grammar", "simplicity", "drift"];

/// What is matched: white space is one space, and case does not count.
pub(super) const FOLD: Fold = Fold { space: true, case: true, punctuation: false };

#[derive(Debug)]
pub(super) struct Patterns {
    kind: &'static str,
    patterns: Vec<Pattern>,
    each: Vec<Pointer>,
    text: Pointer,
    beside: Option<Pointer>,
    first: usize,
}

#[derive(Debug)]
struct Pattern {
    matches: Regex,
    unless: Option<Regex>,
    when: Option<Regex>,
    unless_beside: Option<Regex>,
    message: String,
    suggestion: Option<String>,
}

/// A pattern as data.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    r#match: String,
    unless: Option<String>,
    when: Option<String>,
    unless_beside: Option<String>,
    message: String,
    suggestion: Option<String>,
}

impl Patterns {
    fn compile(fields: &Fields<'_>) -> Result<Self> {
        let kind = if fields.has("type") { fields.string("type")? } else { KINDS[0] };
        let Some(kind) = KINDS.iter().find(|known| **known == kind) else {
            return Err(fields.wrong(format!("has no type `{kind}`")).hint(instead(kind, KINDS)));
        };
        let beside = if fields.has("beside") { Some(fields.one_place("beside")?) } else { None };
        let mut patterns = Vec::new();
        for written in fields.entries::<Written>("patterns")? {
            if beside.is_none() && (written.when.is_some() || written.unless_beside.is_some()) {
                let problem = fields.wrong("has a pattern with `when` or `unless_beside`, and no `beside`");
                return Err(problem.hint("say with `beside` where the text in the other language stands"));
            }
            let optional =
                |text: &Option<String>| text.as_ref().map(|text| fields.regex("patterns", text)).transpose();
            patterns.push(Pattern {
                matches: fields.regex("patterns", &written.r#match)?,
                unless: optional(&written.unless)?,
                when: optional(&written.when)?,
                unless_beside: optional(&written.unless_beside)?,
                message: written.message,
                suggestion: written.suggestion,
            });
        }
        let each = if fields.has("each") { fields.pointers("each")? } else { vec![Pointer::default()] };
        Ok(Self { kind, patterns, each, text: fields.one_place("text")?, beside, first: fields.first()? })
    }

    pub(super) fn judge(&self, subject: &Subject<'_>, found: &mut Found<'_>) {
        if subject.position >= self.first || self.patterns.is_empty() {
            return;
        }
        for each in &self.each {
            each.walk(subject.output, &mut |path, value| {
                let at = format!("{path}{}", self.text);
                match text(place(&at), value.and_then(|value| self.text.get(value))) {
                    Err(why) => found.add(self.kind, &why),
                    Ok(text) => {
                        let beside = self.beside.as_ref().and_then(|beside| beside.get(value?)?.as_str());
                        self.text(text, beside.unwrap_or_default(), &at, found);
                    }
                }
            });
        }
    }

    fn text(&self, text: &str, beside: &str, at: &str, found: &mut Found<'_>) {
        let (folded, other) = (FOLD.apply(text), FOLD.apply(beside));
        for pattern in &self.patterns {
            if let Some(part) = pattern.part(&folded, &other) {
                let in_beside = pattern.when.as_ref().and_then(|when| when.find(&other));
                let against =
                    in_beside.map_or_else(String::new, |hit| format!(" for {}", quote(hit.as_str().trim())));
                let message = format!(
                    "{} in {} at {}{against}: {}",
                    quote(part),
                    quote(text),
                    place(at),
                    pattern.message
                );
                match &pattern.suggestion {
                    Some(suggestion) => found.suggest(self.kind, &message, suggestion),
                    None => found.add(self.kind, &message),
                }
            }
        }
    }
}

impl Pattern {
    /// The part of a text that should not be there.
    fn part<'t>(&self, text: &'t str, beside: &str) -> Option<&'t str> {
        let not =
            |regex: &Option<Regex>, text: &str| regex.as_ref().is_none_or(|regex| !regex.is_match(text));
        let hit = self.matches.find(text)?;
        let applies = self.when.as_ref().is_none_or(|when| when.is_match(beside))
            && not(&self.unless, text)
            && not(&self.unless_beside, beside);
        applies.then(|| hit.as_str().trim())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Finding;
    use super::super::tests::judge_at;
    use serde_json::{Value, json};

    fn check() -> Value {
        json!({"use": "patterns", "type": "drift", "each": ["/e/*", "/d/*/*"], "text": "/0", "beside": "/1", "first": 50,
        "patterns": [
            {"match": r"\bmuch[oa]s?\b", "when": r"\boften\b", "unless": r"\ba menudo\b", "unless_beside": r"\bmany\b",
             "message": "a quantity", "suggestion": "say how often"},
            {"match": "不有([^趣]|$)", "message": "不 is not used before 有"},
            {"match": r"\bde el\b", "message": "they contract"},
        ]})
    }

    fn findings(position: usize, text: &str, known: &str) -> Vec<Finding> {
        judge_at(position, check(), &Value::Null, &json!({"e": [["x", "y"]], "d": {"2": [[text, known]]}}))
    }

    #[test]
    fn texts_without_the_pattern_pass() {
        for (text, known) in [
            ("hablo a menudo", "I speak often"),
            ("hablo mucho", "I speak a lot"),
            ("mucho, a menudo", "often"),
            ("muchas", "often many"),
            ("muchacho", "often"),
            ("没有", "not have"),
            ("不有趣", "dull"),
            ("de él", "his"),
            ("de ella", "hers"),
            ("sede elegante", "x"),
            ("", ""),
        ] {
            assert_eq!(findings(0, text, known), [], "{text}");
        }
        assert_eq!(findings(50, "mucho", "often"), []);
        assert_eq!(findings(49, "mucho", "often").len(), 1);
    }

    #[test]
    fn texts_with_it_are_refused() {
        for (text, known) in [
            ("hablo mucho", "I speak often"),
            ("MUCHO", "Often"),
            ("Muchas", "how often?"),
            ("不有", "x"),
            ("我不有书", "x"),
            ("de el libro", "x"),
            ("De  El", "x"),
            ("¿de el?", "x"),
            ("libro de\nel", "x"),
            ("…de el…", "x"),
        ] {
            let findings = findings(0, text, known);
            assert_eq!(findings.len(), 1, "{text}");
            assert_eq!((findings[0].kind.as_str(), findings[0].is_error()), ("drift", true));
        }
        let finding = &findings(0, "Hablo mucho.", "I speak often.")[0];
        assert_eq!(finding.message, "`mucho` in `Hablo mucho.` at `/d/2/0/0` for `often`: a quantity");
        assert_eq!(finding.suggestion.as_deref(), Some("say how often"));
        assert_eq!(findings(0, "mucho de el", "often").len(), 2);
        let broken = judge_at(0, check(), &Value::Null, &json!({"e": [[7]], "d": {}}));
        assert_eq!(broken[0].message, "at `/e/0/0` stands `7` and not a text");
    }
}
