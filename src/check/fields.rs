//! The fields of a `[[check]]`, read once, with every mistake answered by what would be right.

use super::found::{quote, short};
use super::source::Source;
use super::text::Fold;
use crate::course::{CheckSpec, Feed, Projection, Rule};
use crate::diag::{Problem, Result};
use crate::json::{Pointer, Value};
use regex::{Regex, RegexBuilder};
use serde::de::DeserializeOwned;

/// What a compiled pattern may take, in bytes: far above any that people write, below what would hurt.
const LARGEST_REGEX: usize = 1 << 20;

/// One check's fields, and the rule that they stand in.
pub(super) struct Fields<'a> {
    rule: &'a Rule,
    spec: &'a CheckSpec,
}

impl<'a> Fields<'a> {
    /// The fields of a check, when there is none but the `allowed` ones.
    pub(super) fn new(rule: &'a Rule, spec: &'a CheckSpec, allowed: &[&str]) -> Result<Self> {
        let fields = Self { rule, spec };
        match &spec.fields {
            Value::Null => {}
            Value::Object(given) => {
                if let Some(name) = given.keys().find(|name| !allowed.contains(&name.as_str())) {
                    return Err(fields.wrong(format!("has no field `{name}`")).hint(instead(name, allowed)));
                }
            }
            _ => return Err(fields.wrong("wants its fields in a table")),
        }
        Ok(fields)
    }

    /// A problem of this check, at its place.
    pub(super) fn wrong(&self, what: impl AsRef<str>) -> Problem {
        Problem::author(format!("check `{}` {}", self.spec.name, what.as_ref())).at(self.spec.place.clone())
    }

    /// Whether a field is given.
    pub(super) fn has(&self, name: &str) -> bool {
        self.spec.fields.get(name).is_some()
    }

    /// A field that has to be given.
    pub(super) fn value(&self, name: &str) -> Result<&'a Value> {
        self.spec.fields.get(name).ok_or_else(|| self.wrong(format!("wants the field `{name}`")))
    }

    /// A field that holds text.
    pub(super) fn string(&self, name: &str) -> Result<&'a str> {
        self.value(name)?.as_str().ok_or_else(|| self.wrong(format!("wants a text in `{name}`")))
    }

    /// A flag; false when it is not given.
    pub(super) fn flag(&self, name: &str) -> Result<bool> {
        match self.spec.fields.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.wrong(format!("wants `true` or `false` in `{name}`"))),
        }
    }

    /// A list of texts with at least one.
    pub(super) fn strings(&self, name: &str) -> Result<Vec<String>> {
        self.value(name)?
            .as_array()
            .and_then(|list| list.iter().map(|text| text.as_str().map(str::to_owned)).collect())
            .filter(|list: &Vec<_>| !list.is_empty())
            .ok_or_else(|| self.wrong(format!("wants a list of texts in `{name}`")))
    }

    /// A list of texts that may be empty: what a language has none of, its data leaves empty.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>> {
        self.value(name)?
            .as_array()
            .and_then(|list| list.iter().map(|text| text.as_str().map(str::to_owned)).collect())
            .ok_or_else(|| self.wrong(format!("wants a list of texts in `{name}`")))
    }

    /// A list of tables, each read by serde; it may be empty.
    pub(super) fn entries<T: DeserializeOwned>(&self, name: &str) -> Result<Vec<T>> {
        let wrong = || self.wrong(format!("wants a list of tables in `{name}`"));
        let list = self.value(name)?.as_array().ok_or_else(wrong)?;
        list.iter()
            .map(|entry| T::deserialize(entry).map_err(|error| wrong().because(short(error, 200))))
            .collect()
    }

    /// A whole number, 1 or more; `None` when it is not given.
    pub(super) fn number(&self, name: &str) -> Result<Option<usize>> {
        let wrong = || self.wrong(format!("wants a whole number, 1 or more, in `{name}`"));
        let Some(value) = self.spec.fields.get(name) else { return Ok(None) };
        let number = value.as_u64().filter(|number| *number > 0).ok_or_else(wrong)?;
        usize::try_from(number).map(Some).map_err(|_| wrong())
    }

    /// A number of first roots (seeds): all, when it is not given.
    pub(super) fn first(&self) -> Result<usize> {
        Ok(self.number("first")?.unwrap_or(usize::MAX))
    }

    /// One pointer or a list of them.
    pub(super) fn pointers(&self, name: &str) -> Result<Vec<Pointer>> {
        match self.value(name)? {
            Value::String(one) => Ok(vec![self.parse(name, one)?]),
            _ => self.strings(name)?.iter().map(|one| self.parse(name, one)).collect(),
        }
    }

    /// A regular expression. It is matched against text without needless white space, in lower case.
    pub(super) fn regex(&self, name: &str, text: &str) -> Result<Regex> {
        RegexBuilder::new(text).size_limit(LARGEST_REGEX).build().map_err(|error| {
            let problem = self
                .wrong(format!("has a pattern in `{name}` that is no regular expression: {}", quote(text)));
            problem.because(short(error.to_string().lines().last().unwrap_or_default(), 200))
        })
    }

    /// The phase that the check reads.
    pub(super) fn from(&self) -> Result<usize> {
        self.spec.from.ok_or_else(|| self.wrong("wants the field `from`: the phase that it reads"))
    }

    /// A pointer, into whatever the check says.
    pub(super) fn pointer(&self, name: &str) -> Result<Pointer> {
        self.parse(name, self.string(name)?)
    }

    /// A pointer to one place: without `*`.
    pub(super) fn one_place(&self, name: &str) -> Result<Pointer> {
        let pointer = self.pointer(name)?;
        self.plain(name, &pointer)?;
        Ok(pointer)
    }

    /// One text of the output or, with `input:`, of the input.
    pub(super) fn text(&self, name: &str) -> Result<Source> {
        let source = self.source(name, self.string(name)?)?;
        self.text_in_input(name, &source)?;
        Ok(source)
    }

    /// One value of the output or, with `input:`, of the input.
    pub(super) fn place(&self, name: &str) -> Result<Source> {
        self.source(name, self.string(name)?)
    }

    /// A pointer into the input to a text, written without its prefix.
    pub(super) fn input_text(&self, name: &str, text: &str) -> Result<Source> {
        let source = self.source(name, &format!("input:{}", text.strip_prefix("input:").unwrap_or(text)))?;
        self.text_in_input(name, &source)?;
        Ok(source)
    }

    /// A pointer into the output to one text.
    pub(super) fn output_text(&self, name: &str, text: &str) -> Result<Source> {
        let at = self.parse(name, text)?;
        self.plain(name, &at)?;
        Ok(Source { input: false, at })
    }

    /// What does not count in a comparison; white space when nothing is said.
    pub(super) fn fold(&self) -> Result<Fold> {
        if !self.has("fold") {
            return Ok(Fold::SPACE);
        }
        let mut fold = Fold::default();
        for name in self.strings("fold")? {
            match name.as_str() {
                "space" => fold.space = true,
                "case" => fold.case = true,
                "punctuation" => fold.punctuation = true,
                _ => {
                    let problem = self.wrong(format!("cannot fold `{name}`"));
                    return Err(problem.hint(instead(&name, &["space", "case", "punctuation"])));
                }
            }
        }
        Ok(fold)
    }

    fn source(&self, name: &str, text: &str) -> Result<Source> {
        let (input, pointer) = text.strip_prefix("input:").map_or((false, text), |rest| (true, rest));
        let at = self.parse(name, pointer)?;
        self.plain(name, &at)?;
        if let (true, Some(names)) = (input && self.input_is_known(), at.names()) {
            self.leads_somewhere(name, text, &self.rule.input, &names)?;
        }
        Ok(Source { input, at })
    }

    /// Of a group's input the rule tells what a member looks like, not how many there are.
    fn input_is_known(&self) -> bool {
        !matches!(self.rule.feed, Feed::Groups { .. })
    }

    fn parse(&self, name: &str, text: &str) -> Result<Pointer> {
        text.parse().map_err(|error| self.wrong(format!("wants a pointer in `{name}`")).because(error))
    }

    fn plain(&self, name: &str, pointer: &Pointer) -> Result<()> {
        if pointer.has_wildcard() {
            return Err(self.wrong(format!("wants one place in `{name}`, and `{pointer}` has a `*`")));
        }
        Ok(())
    }

    fn leads_somewhere(&self, name: &str, text: &str, input: &Projection, names: &[&str]) -> Result<()> {
        let Some((step, rest)) = names.split_first() else { return Ok(()) };
        match input {
            Projection::Fields(fields) => match fields.iter().find(|(field, _)| field == step) {
                Some((_, inner)) => self.leads_somewhere(name, text, inner, rest),
                None => {
                    let known: Vec<&str> = fields.iter().map(|(field, _)| field.as_str()).collect();
                    let what = format!("reads `{text}` in `{name}`, and the input has no `{step}` there");
                    Err(self.wrong(what).hint(instead(step, &known)))
                }
            },
            Projection::Last | Projection::Id => Err(self.wrong(format!(
                "reads `{text}` in `{name}`, and nothing is inside a flag or an id of the input"
            ))),
            Projection::At { .. } => Ok(()),
        }
    }

    fn text_in_input(&self, name: &str, source: &Source) -> Result<()> {
        let mut projection = &self.rule.input;
        if !self.input_is_known() {
            return Ok(());
        }
        for step in source.at.names().filter(|_| source.input).unwrap_or_default() {
            match projection {
                Projection::Fields(fields) => match fields.iter().find(|(field, _)| field == step) {
                    Some((_, inner)) => projection = inner,
                    None => return Ok(()),
                },
                _ => return Ok(()),
            }
        }
        if source.input && !matches!(projection, Projection::At { .. } | Projection::Id) {
            return Err(self.wrong(format!("wants a text in `{name}`, and {source} is none")));
        }
        Ok(())
    }
}

/// What may stand there instead: the nearest name first.
pub(super) fn instead(wrong: &str, allowed: &[&str]) -> String {
    let list = allowed.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let far = |name: &str| distance(wrong, name);
    match allowed.iter().min_by_key(|name| far(name)).filter(|name| far(name) <= 1 + name.len() / 4) {
        Some(name) => format!("did you mean `{name}`? there are: {list}"),
        None if allowed.is_empty() => "there are none".to_owned(),
        None => format!("there are: {list}"),
    }
}

/// How many letters have to be put in, left out or changed to get from one name to the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(64).enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let least = (corner + usize::from(x != *y)).min(row[j] + 1).min(row[j + 1] + 1);
            corner = std::mem::replace(&mut row[j + 1], least);
        }
    }
    row[b.len()]
}
