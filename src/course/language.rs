//! Language packs: what checks have to know of one language, as data.
//!
//! A few are part of the program; a pack of rules and a workspace may bring `languages/CODE.toml`, which adds to them or stands
//! alone. A check's field `language:NAME` is filled in with a list of the course's target language.

use super::pack::Pack;
use super::text::{Files, TextFile, hint_of};
use super::types::CheckSpec;
use crate::diag::{Problem, Result, escape};
use crate::json::{Value, normalize};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use toml::Spanned;

macro_rules! builtin {
    ($($code:literal),+) => {
        &[$(($code, include_str!(concat!("../../rules/languages/", $code, ".toml")))),+]
    };
}

/// The languages that the program knows: code (ISO 639-3) and the pack's text.
pub const BUILTIN_LANGUAGES: &[(&str, &str)] = builtin!("cmn", "fra", "ita", "spa");

/// How a field of a check asks for a language's list.
const ASKS: &str = "language:";

/// The lists that checks can ask for.
const LISTS: [&str; 10] = [
    "articles",
    "auxiliaries",
    "negations",
    "clitics",
    "ambiguous",
    "concepts",
    "cognates",
    "subjunctive",
    "drift",
    "slips",
];

/// What a file has of each of [`LISTS`].
type Lists = [Option<Vec<Value>>; 10];

/// A file `CODE.toml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLanguage {
    /// Its name in English.
    name: Option<String>,
    /// Its name in other languages, by their codes.
    #[serde(default)]
    names: BTreeMap<String, String>,
    /// The codes that mean this language, its own first.
    #[serde(default)]
    codes: Vec<String>,
    /// The lists replace those of the same name that are known so far, instead of adding to them.
    #[serde(default)]
    replace: bool,
    articles: Option<Vec<String>>,
    auxiliaries: Option<Vec<String>>,
    negations: Option<Vec<String>>,
    clitics: Option<Vec<String>>,
    ambiguous: Option<Vec<String>>,
    concepts: Option<Vec<RawConcept>>,
    cognates: Option<Vec<RawCognate>>,
    subjunctive: Option<Vec<RawPattern>>,
    drift: Option<Vec<RawPattern>>,
    slips: Option<Vec<RawPattern>>,
}

/// A concept, and the words of the language that stand for it, each with its forms.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct RawConcept {
    concept: String,
    known: Pattern,
    #[serde(skip_serializing_if = "Option::is_none")]
    unless: Option<Pattern>,
    accepted: Vec<Vec<String>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    forbidden: Vec<String>,
}

/// Words, and the cognate that says the same.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct RawCognate {
    words: Vec<String>,
    cognate: String,
}

/// What a text must not look like.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct RawPattern {
    r#match: Pattern,
    #[serde(skip_serializing_if = "Option::is_none")]
    unless: Option<Pattern>,
    #[serde(skip_serializing_if = "Option::is_none")]
    when: Option<Pattern>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unless_beside: Option<Pattern>,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<String>,
}

/// A regular expression, with its place.
type Pattern = Spanned<String>;

/// What is known of one language.
#[derive(Debug)]
pub(super) struct Language {
    name: Option<String>,
    names: BTreeMap<String, String>,
    lists: BTreeMap<&'static str, Vec<Value>>,
}

impl Language {
    /// What the program, the pack and the workspace know of a language; `None` if that is nothing.
    pub(super) fn load(files: &mut Files, pack: &Pack, code: &str) -> Result<Option<Self>> {
        let mut language: Option<Self> = None;
        let mut codes = vec![code.to_owned()];
        if let Some((own_code, file, raw)) = builtin(code)? {
            language.get_or_insert_with(Self::unknown).add(&raw, &file)?;
            if own_code != code {
                codes.insert(0, own_code.to_owned());
            }
        }
        // A code comes from the manifest and may be anything; it names a file only if it is a plain name.
        codes.retain(|code| code.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_')));
        let mut found = Vec::new();
        for code in &codes {
            found.extend(pack.language(files, code)?);
        }
        for code in &codes {
            found.extend(files.text(&files.path(&format!("languages/{code}.toml")))?);
        }
        for file in found {
            let raw: RawLanguage = file.toml()?;
            raw.patterns_hold(&file)?;
            language.get_or_insert_with(Self::unknown).add(&raw, &file)?;
        }
        Ok(language)
    }

    fn unknown() -> Self {
        Self { name: None, names: BTreeMap::new(), lists: BTreeMap::new() }
    }

    /// Its name in another language, or in English where that is not known.
    pub(super) fn name_in(&self, code: &str) -> Option<&str> {
        self.names.get(code).or(self.name.as_ref()).map(String::as_str)
    }

    fn add(&mut self, raw: &RawLanguage, file: &TextFile) -> Result<()> {
        self.name = raw.name.clone().or(self.name.take());
        self.names.extend(raw.names.clone());
        let lists = raw.lists().map_err(|error| {
            Problem::internal("a language pack could not be read as data").at(file.place(0..0)).because(error)
        })?;
        for (name, list) in LISTS.into_iter().zip(lists) {
            let known = self.lists.entry(name).or_default();
            if let Some(list) = list {
                if raw.replace {
                    known.clear();
                }
                known.extend(list);
            }
        }
        Ok(())
    }
}

impl RawLanguage {
    /// The lists in the order of [`LISTS`]; `None` where the file has none.
    fn lists(&self) -> std::result::Result<Lists, serde_json::Error> {
        Ok([
            values(self.articles.as_ref())?,
            values(self.auxiliaries.as_ref())?,
            values(self.negations.as_ref())?,
            values(self.clitics.as_ref())?,
            values(self.ambiguous.as_ref())?,
            values(self.concepts.as_ref())?,
            values(self.cognates.as_ref())?,
            values(self.subjunctive.as_ref())?,
            values(self.drift.as_ref())?,
            values(self.slips.as_ref())?,
        ])
    }

    /// Mistakes in a pattern are shown where it stands, not where a check uses it.
    fn patterns_hold(&self, file: &TextFile) -> Result<()> {
        let lists = [&self.subjunctive, &self.drift, &self.slips];
        let patterns = lists.into_iter().flatten().flatten().flat_map(|pattern| {
            [
                Some(&pattern.r#match),
                pattern.unless.as_ref(),
                pattern.when.as_ref(),
                pattern.unless_beside.as_ref(),
            ]
        });
        let concepts = self.concepts.iter().flatten();
        let concepts = concepts.flat_map(|concept| [Some(&concept.known), concept.unless.as_ref()]);
        for pattern in patterns.chain(concepts).flatten() {
            if let Err(error) = regex::Regex::new(pattern.get_ref()) {
                let what = format!("`{}` is no regular expression", escape(pattern.get_ref()));
                let why = error.to_string();
                return Err(file
                    .problem(pattern.span(), what)
                    .because(why.lines().last().unwrap_or_default().trim())
                    .hint("write it between single quotes, so that a backslash is only a backslash"));
            }
        }
        Ok(())
    }
}

fn values<T: Serialize>(list: Option<&Vec<T>>) -> std::result::Result<Option<Vec<Value>>, serde_json::Error> {
    let Some(list) = list else { return Ok(None) };
    let value = |one: &T| {
        let mut value = serde_json::to_value(one)?;
        normalize(&mut value);
        Ok(value)
    };
    list.iter().map(value).collect::<std::result::Result<_, _>>().map(Some)
}

/// True when the program has a pack of a language, by any of its codes.
pub(super) fn is_builtin(code: &str) -> bool {
    builtin(code).is_ok_and(|found| found.is_some())
}

/// The program's own pack of a language, by any of its codes (`spa`, `es`, `es-MX`), with the code that it is kept under.
fn builtin(code: &str) -> Result<Option<(&'static str, TextFile, RawLanguage)>> {
    let plain = code.split(['-', '_']).next().unwrap_or(code);
    for (own, text) in BUILTIN_LANGUAGES {
        let name = PathBuf::from(format!("builtin:languages/{own}.toml"));
        let file = TextFile { name, text: (*text).to_owned() };
        let raw: RawLanguage = file.toml()?;
        if raw.codes.iter().any(|other| other.eq_ignore_ascii_case(plain)) {
            return Ok(Some((own, file, raw)));
        }
    }
    Ok(None)
}

/// Fills in the lists that checks ask for. Without a language the checks that ask are left out, and told by their labels.
pub(super) fn fill_in(
    checks: Vec<CheckSpec>,
    language: Option<&Language>,
) -> Result<(Vec<CheckSpec>, Vec<String>)> {
    let (mut kept, mut left_out) = (Vec::new(), Vec::new());
    for mut check in checks {
        let mut asks = false;
        let Value::Object(fields) = &mut check.fields else { continue };
        for (field, value) in fields.iter_mut() {
            let Some(name) = value.as_str().and_then(|text| text.strip_prefix(ASKS)) else { continue };
            if !LISTS.contains(&name) {
                return Err(Problem::author(format!("a language has no list `{}`", escape(name)))
                    .at(check.place)
                    .because(format!("the check's field `{field}` asks for it"))
                    .hint(hint_of(name, LISTS.into_iter(), "the lists are")));
            }
            asks = true;
            *value = Value::Array(
                language.and_then(|language| language.lists.get(name)).cloned().unwrap_or_default(),
            );
        }
        if asks && language.is_none() {
            left_out.push(check.label);
        } else {
            kept.push(check);
        }
    }
    Ok((kept, left_out))
}
