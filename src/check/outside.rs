//! `command`: a program outside that judges a batch, as validators do that are called with a course folder and a batch number.
//!
//! Here is what a rule says of such a program, and how what it prints is read. Who starts it, with which files, and remembers
//! its judgement, is no concern of this file.

use super::fields::Fields;
use super::found::{finding, short};
use super::{Check, Checks, Definition, Finding, Scope};
use crate::course::Severity;
use crate::diag::{Result, escape};
use crate::digest::{Digest, Hasher};
use crate::json::{Value, canonical};
use std::collections::HashMap;
use std::sync::Arc;

pub(super) const DEFINITION: Definition = Definition {
    name: "command",
    version: 1,
    scope: Scope::Batch,
    fields: &["argv", "timeout_s", "sees", "reads", "version", "env"],
    finds: &["outside"],
    compile: |fields| Outside::compile(fields).map(Check::Outside),
};

/// The field that holds the digests of the files that a program is made of; put there when the rule is read.
pub(super) const FILES: &str = "files";

/// The type of a finding to which the program gives none.
const UNTYPED: &str = "outside";
/// Seconds that a program may take, unless the rule says so.
const TIMEOUT_S: usize = 60;
/// So many findings on one item are kept.
const MOST: usize = 20;
/// The names under which a finding tells its item.
const ITEM_NAMES: [&str; 6] = ["item", "seedId", "legoId", "seed_id", "lego_id", "id"];
/// The names under which a judgement lists the items that failed.
const FAILED_NAMES: [&str; 4] = ["failedSeeds", "failedLegos", "failed_items", "failed"];

/// What a program is given to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sees {
    /// The items of the batch, and in earlier main files what has the same roots.
    Batch,
    /// The main files up to this phase, as far as the batch's last item.
    Course,
}

#[derive(Debug, Clone)]
pub(super) struct Outside {
    argv: Vec<String>,
    timeout_s: u64,
    sees: Sees,
    env: Vec<String>,
    key: Digest,
}

/// A program that judges batches of a phase.
#[derive(Debug, Clone)]
pub struct Validator {
    /// What a manifest calls the check.
    pub label: Arc<str>,
    /// How bad its errors are.
    pub severity: Severity,
    /// The program and its arguments, as written.
    pub argv: Vec<String>,
    /// Seconds that it may take; at least 1.
    pub timeout_s: u64,
    /// What it is given to see.
    pub sees: Sees,
    /// The names of further environment variables that it may see.
    pub env: Vec<String>,
    /// The digest of what it is: its arguments, absolute paths cut to file names, its declared version, the contents of its
    /// files, and how bad its errors are.
    pub key: Digest,
}

impl Outside {
    fn compile(fields: &Fields<'_>) -> Result<Self> {
        let argv = fields.strings("argv")?;
        if argv[0].trim().is_empty() {
            return Err(fields.wrong("names no program in `argv`"));
        }
        let sees = match fields.has("sees").then(|| fields.string("sees")).transpose()? {
            None | Some("course") => Sees::Course,
            Some("batch") => Sees::Batch,
            Some(_) => return Err(fields.wrong("wants `\"batch\"` or `\"course\"` in `sees`")),
        };
        if fields.has("version") {
            fields.string("version")?;
        }
        if fields.has("reads") {
            fields.strings("reads")?;
        }
        let env = if fields.has("env") { fields.texts("env")? } else { Vec::new() };
        let timeout_s = fields.number("timeout_s")?.unwrap_or(TIMEOUT_S) as u64;
        Ok(Self { argv, timeout_s, sees, env, key: Hasher::new("not keyed").finish() })
    }

    pub(super) fn key(&self) -> Digest {
        self.key
    }

    /// The same with its key, which is made of its fields.
    pub(super) fn keyed(mut self, fields: &Value, severity: Severity) -> Self {
        let mut hasher = Hasher::new("coursebuild outside 1");
        hasher.field("version", &DEFINITION.version.to_le_bytes());
        hasher.field("severity", if severity == Severity::Error { b"error" } else { b"warning" });
        hasher.field("fields", &canonical(&portable(fields)));
        self.key = hasher.finish();
        self
    }
}

/// The fields without what is the same work elsewhere or later: absolute paths, time-out, names of variables.
fn portable(fields: &Value) -> Value {
    let mut fields = fields.clone();
    if let Value::Object(fields) = &mut fields {
        fields.shift_remove("timeout_s");
        fields.shift_remove("env");
        for argument in fields.get_mut("argv").and_then(Value::as_array_mut).into_iter().flatten() {
            let path = argument.as_str().map(std::path::Path::new).filter(|path| path.is_absolute());
            if let Some(name) = path.and_then(std::path::Path::file_name) {
                *argument = name.to_string_lossy().into_owned().into();
            }
        }
    }
    fields
}

impl Checks {
    /// The programs that judge batches of this phase, in the rule's order.
    pub fn outside(&self) -> impl Iterator<Item = Validator> {
        self.enabled.iter().filter_map(|one| {
            let Check::Outside(outside) = &one.check else { return None };
            let Outside { argv, timeout_s, sees, env, key } = outside.clone();
            Some(Validator {
                label: one.label.clone(),
                severity: one.severity,
                argv,
                timeout_s,
                sees,
                env,
                key,
            })
        })
    }
}

/// What a program says of a batch.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Judgement {
    /// What it says of items of the batch.
    pub findings: Vec<Finding>,
    /// What it says of others. They are not in its charge, so these are warnings.
    pub elsewhere: Vec<Finding>,
}

/// Reads what a program printed about a batch, whose items are given by their id and their root's. Fails with words when that
/// is no judgement.
pub fn read_judgement(
    printed: &[u8],
    items: &[(&str, &str)],
    severity: Severity,
) -> std::result::Result<Judgement, String> {
    let said = object(printed)?;
    let list = |name: &str| match said.get(name) {
        None | Some(Value::Null) => Ok(&[][..]),
        Some(Value::Array(list)) => Ok(list.as_slice()),
        Some(other) => Err(format!("`{name}` is {} and no list", short(other, 60))),
    };
    let valid = match said.get("valid") {
        Some(Value::Bool(valid)) => *valid,
        Some(other) => return Err(format!("`valid` is {} and not true or false", short(other, 60))),
        None => return Err("its object has no `valid`".to_owned()),
    };
    let (errors, warnings) = (list("errors")?, list("warnings")?);
    let mut reading = Reading { items, judgement: Judgement::default() };
    // A judgement that is valid has errors in its list only by a slip of the program; what it says as a whole counts.
    let severity = if valid { Severity::Warning } else { severity };
    for error in errors {
        reading.add(error, severity);
    }
    for warning in warnings {
        reading.add(warning, Severity::Warning);
    }
    if !valid {
        for name in FAILED_NAMES {
            for failed in list(name)? {
                reading.failed(failed, severity);
            }
        }
        if !reading.judgement.findings.iter().any(|found| found.severity == severity) && errors.is_empty() {
            reading.all("outside", "the batch is not valid, and no error says why", None, severity);
        }
    }
    Ok(reading.finish())
}

/// The object that a program printed: alone, or after lines of other text.
fn object(printed: &[u8]) -> std::result::Result<Value, String> {
    let text = std::str::from_utf8(printed).map_err(|_| "it did not print UTF-8 text".to_owned())?;
    let text = text.trim_start_matches('\u{feff}').trim();
    let starts =
        text.match_indices('{').map(|(at, _)| at).filter(|at| *at == 0 || text[..*at].ends_with('\n'));
    let mut why = if text.is_empty() { "it printed nothing" } else { "it printed no JSON object" }.to_owned();
    for start in starts {
        match serde_json::from_str(&text[start..]) {
            Ok(value @ Value::Object(_)) => return Ok(value),
            Ok(_) => {}
            Err(error) => why = format!("what it printed is no JSON object: {error}"),
        }
    }
    Err(why)
}

struct Reading<'a> {
    items: &'a [(&'a str, &'a str)],
    judgement: Judgement,
}

impl Reading<'_> {
    fn add(&mut self, said: &Value, severity: Severity) {
        let text = |names: &[&str]| names.iter().find_map(|name| said.get(name)?.as_str());
        let message = said.as_str().or_else(|| text(&["message", "error", "msg"]));
        let message = message.map_or_else(|| short(said, 300), str::to_owned);
        let kind = text(&["type", "code", "rule"]).unwrap_or(UNTYPED);
        let suggestion = text(&["suggestion", "fix", "hint"]);
        match text(&ITEM_NAMES) {
            None => self.all(kind, &message, suggestion, severity),
            Some(name) => self.at(name, kind, &message, suggestion, severity),
        }
    }

    /// An item that is listed as failed, when no error has named it.
    fn failed(&mut self, said: &Value, severity: Severity) {
        let name = said.as_str().or_else(|| ITEM_NAMES.iter().find_map(|name| said.get(name)?.as_str()));
        let Some(name) = name else { return };
        let told = |found: &Finding| found.severity == severity && self.blamed(name).contains(&&*found.item);
        if !self.judgement.findings.iter().any(told) {
            self.at(name, UNTYPED, "it is listed as failed, and no error says why", None, severity);
        }
    }

    fn all(&mut self, kind: &str, message: &str, suggestion: Option<&str>, severity: Severity) {
        let findings = self.items.iter().map(|(id, _)| told(kind, id, severity, message, suggestion));
        self.judgement.findings.extend(findings);
    }

    fn at(&mut self, name: &str, kind: &str, message: &str, suggestion: Option<&str>, severity: Severity) {
        let blamed = self.blamed(name);
        if blamed.is_empty() {
            let other = told(kind, &escape(name), Severity::Warning, message, suggestion);
            self.judgement.elsewhere.push(other);
        } else {
            let findings = blamed.into_iter().map(|id| told(kind, id, severity, message, suggestion));
            let findings: Vec<Finding> = findings.collect();
            self.judgement.findings.extend(findings);
        }
    }

    /// The judgement, with so many findings on one item at most.
    fn finish(mut self) -> Judgement {
        let mut seen: HashMap<String, usize> = HashMap::new();
        for findings in [&mut self.judgement.findings, &mut self.judgement.elsewhere] {
            findings.retain(|found| {
                let number = seen.entry(found.item.clone()).or_default();
                *number += 1;
                *number <= MOST
            });
        }
        self.judgement
    }

    /// The items of the batch that a name means: the one of that id; else those of that root; else the one that what is named
    /// is a part of (`S0001L02` of `S0001`).
    fn blamed(&self, name: &str) -> Vec<&str> {
        if let Some((id, _)) = self.items.iter().find(|(id, _)| *id == name) {
            return vec![id];
        }
        let of_root: Vec<&str> =
            self.items.iter().filter(|(_, root)| *root == name).map(|(id, _)| *id).collect();
        if !of_root.is_empty() {
            return of_root;
        }
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_digit());
        let holds = |(id, _): &&(&str, &str)| name.strip_prefix(id).is_some_and(ends);
        self.items
            .iter()
            .filter(holds)
            .max_by_key(|(id, _)| id.len())
            .map(|(id, _)| *id)
            .into_iter()
            .collect()
    }
}

fn told(kind: &str, item: &str, severity: Severity, message: &str, suggestion: Option<&str>) -> Finding {
    Finding { kind: short(kind, 60), ..finding(UNTYPED, item, severity, message, suggestion) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::rule;
    use super::*;
    use serde_json::json;

    const ITEMS: [(&str, &str); 3] = [("S0001", "S0001"), ("S0002", "S0002"), ("S0010", "S0010")];

    fn read(said: &Value) -> Judgement {
        read_judgement(said.to_string().as_bytes(), &ITEMS, Severity::Error).unwrap()
    }

    #[test]
    fn errors_become_findings_on_the_items_that_they_name() {
        let judgement = read(&json!({"valid": false, "errors": [
            {"type": "TILING", "seedId": "S0001", "message": "does not tile", "suggestion": "cut anew"},
            {"type": "FD", "legoId": "S0002L03", "message": "collides"},
        ], "failedSeeds": ["S0001", "S0010"], "warnings": [{"seedId": "S0002", "message": "odd"}], "stats": {}}));
        let told: Vec<_> = judgement.findings.iter().map(|f| (&*f.kind, &*f.item, f.severity)).collect();
        assert_eq!(
            told,
            [
                ("TILING", "S0001", Severity::Error),
                ("FD", "S0002", Severity::Error),
                ("outside", "S0002", Severity::Warning),
                ("outside", "S0010", Severity::Error),
            ]
        );
        assert_eq!(judgement.findings[0].suggestion.as_deref(), Some("cut anew"));
        assert!(judgement.elsewhere.is_empty());
    }

    #[test]
    fn others_are_never_blamed() {
        let error = |id: &str| json!({"seedId": id, "message": "x", "type": "t"});
        let judgement =
            read(&json!({"valid": false, "errors": [error("S0003"), error("S00010"), error("S0001")]}));
        assert_eq!(judgement.findings.len(), 1);
        let elsewhere: Vec<_> = judgement.elsewhere.iter().map(|f| (&*f.item, f.severity)).collect();
        assert_eq!(elsewhere, [("S0003", Severity::Warning), ("S00010", Severity::Warning)]);
    }

    #[test]
    fn a_seed_means_all_its_items_and_no_name_means_the_batch() {
        let items = [("S1L1", "S1"), ("S1L2", "S1"), ("S2L1", "S2")];
        let said = json!({"valid": false, "errors": [{"seedId": "S1", "message": "a"}, "whole batch"]});
        let judgement = read_judgement(said.to_string().as_bytes(), &items, Severity::Error).unwrap();
        let told: Vec<_> = judgement.findings.iter().map(|f| (&*f.item, &*f.message)).collect();
        assert_eq!(
            told,
            [
                ("S1L1", "a"),
                ("S1L2", "a"),
                ("S1L1", "whole batch"),
                ("S1L2", "whole batch"),
                ("S2L1", "whole batch")
            ]
        );
        let bare = read(&json!({"valid": false}));
        assert_eq!(bare.findings.len(), 3);
        assert_eq!(read(&json!({"valid": true, "errors": []})), Judgement::default());
    }

    #[test]
    fn lines_of_talk_before_the_object_do_no_harm_and_no_object_is_no_judgement() {
        let printed = b"\xef\xbb\xbfValidating phase 3\n{odd}\n{\"valid\": true}\n";
        assert_eq!(read_judgement(printed, &ITEMS, Severity::Error).unwrap(), Judgement::default());
        for (printed, why) in [
            (&b""[..], "it printed nothing"),
            (b"all fine", "it printed no JSON object"),
            (b"[1]", "it printed no JSON object"),
            (b"{\"valid\": 1}", "`valid` is 1"),
            (b"{}", "has no `valid`"),
            (b"{\"valid\": false, \"errors\": 3}", "`errors` is 3"),
            (b"{\"valid\": tr", "no JSON object: "),
            (b"\xff", "UTF-8"),
        ] {
            let said = read_judgement(printed, &ITEMS, Severity::Error).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
    }

    #[test]
    fn what_a_program_says_is_safe_and_short() {
        let judgement = read(&json!({"valid": false, "errors": [
            {"seedId": "S9\u{1b}", "type": "\u{1b}[31m", "message": "\u{1b}".repeat(9999)}]}));
        let other = &judgement.elsewhere[0];
        assert!(!format!("{other:?}").contains('\u{1b}') && other.message.len() < 1100);
    }

    #[test]
    fn its_key_is_what_it_is_and_not_where() {
        let key = |check: Value| {
            let checks = Checks::compile(&rule(&[check])).unwrap();
            let validator = checks.outside().next().unwrap();
            (validator.key, checks.digest())
        };
        let base =
            json!({"use": "command", "argv": ["node", "/a/v.mjs", "{course_dir}"], "files": {"v.mjs": "1"}});
        let with = |name: &str, value: Value| {
            let mut check = base.clone();
            check[name] = value;
            check
        };
        for same in [
            with("argv", json!(["node", "/elsewhere/v.mjs", "{course_dir}"])),
            with("timeout_s", json!(5)),
            with("env", json!(["HOME"])),
        ] {
            assert_eq!(key(same), key(base.clone()));
        }
        for other in [
            with("argv", json!(["node", "/a/w.mjs", "{course_dir}"])),
            with("files", json!({"v.mjs": "2"})),
            with("version", json!("2")),
            with("sees", json!("batch")),
            with("severity", json!("warning")),
        ] {
            let (own, digest) = key(other);
            assert!(own != key(base.clone()).0);
            assert!(digest != key(base.clone()).1, "builds run it, so attempts count anew");
        }
    }
}
