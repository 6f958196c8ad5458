//! `coursebuild.toml`, as written, and what can be checked of it alone.

use super::generator::RawGenerate;
use super::language::Language;
use super::severity::{RawSeverities, RawSeverity};
use super::shared::RawShared;
use super::text::{Files, TextFile, TextOr};
use super::types::{ConfirmAbove, Course, Phase};
use crate::diag::{Problem, Result, escape};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use toml::Spanned;

/// The whole file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawManifest {
    #[schemars(with = "Option<String>")]
    pub(super) rules: Option<Spanned<String>>,
    #[schemars(with = "Option<RawConfirm>")]
    pub(super) confirm_above: Option<Spanned<RawConfirm>>,
    pub(super) store: Option<String>,
    #[schemars(with = "Option<crate::money::Table>")]
    pub(super) prices: Option<Spanned<crate::money::Table>>,
    pub(super) shared: Option<RawShared>,
    pub(super) generate: Option<RawGenerate>,
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, RawPhase>")]
    pub(super) phase: BTreeMap<Spanned<String>, RawPhase>,
    #[serde(default)]
    #[schemars(with = "Vec<RawCourse>")]
    pub(super) course: Vec<Spanned<RawCourse>>,
}

/// `confirm_above`.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawConfirm {
    calls: Option<u64>,
    usd: Option<f64>,
}

/// `[phase.NAME]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPhase {
    #[schemars(with = "Option<usize>")]
    pub(super) batch: Option<Spanned<usize>>,
    #[schemars(with = "Option<u32>")]
    pub(super) attempts: Option<Spanned<u32>>,
    pub(super) on_model_change: Option<OnModelChange>,
    pub(super) generate: Option<RawGenerate>,
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, RawSeverity>")]
    pub(super) check: RawSeverities,
}

/// What a change of the model, of its parameters or of the program means for results that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum OnModelChange {
    /// They are stale.
    Regenerate,
    /// They stay; what is new is made by the new one.
    Keep,
}

/// `[phase.NAME]` below a `[[course]]`: what one course has otherwise.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCoursePhase {
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, RawSeverity>")]
    pub(super) check: RawSeverities,
}

/// `[[course]]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCourse {
    #[schemars(with = "String")]
    code: Spanned<String>,
    #[schemars(with = "Option<String>")]
    pub(super) target: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    known: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    target_name: Option<Spanned<String>>,
    #[schemars(with = "String")]
    dir: Spanned<String>,
    #[schemars(with = "Option<TextOr<RawProgram>>")]
    pub(super) seeds: Option<Spanned<TextOr<RawProgram>>>,
    #[schemars(with = "Option<String>")]
    pub(super) range: Option<Spanned<String>>,
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, RawCoursePhase>")]
    pub(super) phase: BTreeMap<Spanned<String>, RawCoursePhase>,
}

/// `{ argv = […] }`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProgram {
    pub(super) argv: Vec<String>,
}

impl RawManifest {
    /// When a build asks before it buys.
    pub(super) fn confirm_above(&self, manifest: &TextFile) -> Result<ConfirmAbove> {
        let Some(raw) = &self.confirm_above else { return Ok(ConfirmAbove::default()) };
        let RawConfirm { calls, usd } = *raw.get_ref();
        if usd.is_some_and(|usd| !usd.is_finite() || usd < 0.0) {
            return Err(manifest
                .problem(raw.span(), "`usd` has to be an amount of money, 0 or more")
                .hint("write `confirm_above = { usd = 5.0 }`"));
        }
        Ok(ConfirmAbove { calls, usd })
    }

    /// What models cost: the manifest's prices before the built-in ones.
    pub(super) fn prices(&self, manifest: &TextFile) -> Result<crate::money::Prices> {
        let own = self.prices.as_ref().map(|prices| prices.get_ref().clone()).unwrap_or_default();
        crate::money::Prices::new(own).map_err(|problem| match &self.prices {
            Some(prices) => problem.at(manifest.place(prices.span())),
            None => problem,
        })
    }

    /// Checks that the courses can live beside each other; there is at least one.
    pub(super) fn courses_differ(&self, files: &Files, manifest: &TextFile) -> Result<()> {
        if self.course.is_empty() {
            return Err(Problem::author("the manifest declares no course")
                .at(crate::diag::Place::file(&manifest.name))
                .hint("add `[[course]]` with the keys `code`, `dir` and `seeds`, and for a language course `target` and `known`"));
        }
        let (mut codes, mut dirs) = (HashMap::new(), HashMap::new());
        for course in self.course.iter().map(Spanned::get_ref) {
            if let Some(first) = codes.insert(course.code.get_ref(), &course.code) {
                return Err(manifest
                    .problem(
                        course.code.span(),
                        format!("two courses are called `{}`", course.code.get_ref()),
                    )
                    .because(format!("the first one stands in line {}", manifest.place(first.span()).line))
                    .hint("give each course a `code` of its own"));
            }
            if let Some(first) = dirs.insert(files.path(course.dir.get_ref()), &course.code) {
                return Err(manifest
                    .problem(
                        course.dir.span(),
                        format!("`{}` is the folder of two courses", course.dir.get_ref()),
                    )
                    .because(format!("the main files of `{}` go there too", first.get_ref()))
                    .hint("give each course a `dir` of its own"));
            }
        }
        Ok(())
    }
}

impl RawCourse {
    /// Where its main files go, as written.
    pub(super) fn dir(&self) -> &str {
        self.dir.get_ref()
    }

    /// The course with its phases.
    pub(super) fn validate(
        &self,
        files: &Files,
        manifest: &TextFile,
        language: Option<&Language>,
        phases: Vec<Phase>,
    ) -> Result<Course> {
        let code = self.code.get_ref();
        if code.is_empty()
            || code.starts_with(['-', '.'])
            || !code.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
        {
            return Err(manifest
                .problem(self.code.span(), format!("`{}` is not a course code", escape(code)))
                .hint("use letters, digits, `_`, `-` and `.`, as in `spa_for_eng`"));
        }
        let keys =
            [("target", self.target.as_ref()), ("known", self.known.as_ref()), ("dir", Some(&self.dir))];
        for (key, value) in keys {
            if let Some(value) = value.filter(|value| value.get_ref().trim().is_empty()) {
                return Err(manifest.problem(value.span(), format!("`{key}` is empty")));
            }
        }
        Ok(Course {
            code: code.clone(),
            target: language_code(&self.target).to_owned(),
            known: language_code(&self.known).to_owned(),
            target_name: self.target_name(language),
            dir: files.path(self.dir.get_ref()),
            dir_text: self.dir.get_ref().clone(),
            phases,
            accepted: std::sync::Arc::default(),
        })
    }

    /// What fills `{target}` in a seed: what the course says, else the language's name, else its code.
    fn target_name(&self, language: Option<&Language>) -> String {
        let told = self.target_name.as_ref().map(|name| name.get_ref().as_str());
        let name = told
            .or_else(|| language?.name_in(language_code(&self.known)))
            .unwrap_or(language_code(&self.target));
        let mut name = crate::json::Value::String(name.trim().to_owned());
        crate::json::normalize(&mut name);
        name.as_str().unwrap_or_default().to_owned()
    }
}

/// The code of a language; empty for a course that declares none.
fn language_code(language: &Option<Spanned<String>>) -> &str {
    language.as_ref().map_or("", |code| code.get_ref())
}
