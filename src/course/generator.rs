//! `[generate]`: who is asked.

mod api;

use super::generate::{Generate, GeneratorKind, Preset};
use super::text::{Files, TextFile, hint_of, listed};
use crate::diag::{Problem, Result};
use crate::json::Value;
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;
use toml::Spanned;

/// What a `command` may see of the environment unless the manifest says otherwise: enough for a program to start and to speak
/// the user's language, and no secret.
const DEFAULT_ENV: [&str; 7] = ["PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "SHELL"];
const DEFAULT_TIMEOUT_S: u64 = 600;
const KINDS: [(&str, GeneratorKind); 6] = [
    ("phrasebook", GeneratorKind::Phrasebook),
    ("replay", GeneratorKind::Replay),
    ("command", GeneratorKind::Command),
    ("drop", GeneratorKind::Drop),
    ("anthropic", GeneratorKind::Anthropic),
    ("openai", GeneratorKind::Openai),
];

/// `[generate]` as written.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawGenerate {
    #[serde(rename = "use")]
    #[schemars(with = "String")]
    kind: Spanned<String>,
    #[schemars(with = "Option<Vec<String>>")]
    argv: Option<Spanned<Vec<String>>>,
    #[schemars(with = "Option<String>")]
    preset: Option<Spanned<String>>,
    #[schemars(with = "Option<Vec<String>>")]
    args: Option<Spanned<Vec<String>>>,
    #[schemars(with = "Option<String>")]
    model: Option<Spanned<String>>,
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    params: Option<Spanned<toml::Table>>,
    #[schemars(with = "Option<u64>")]
    timeout_s: Option<Spanned<u64>>,
    #[schemars(with = "Option<Vec<String>>")]
    env: Option<Spanned<Vec<String>>>,
    #[schemars(with = "Option<String>")]
    file: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    faults: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    folder: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    base_url: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    api_version: Option<Spanned<String>>,
    #[schemars(skip)]
    api_key: Option<Spanned<toml::Value>>,
    #[schemars(with = "Option<String>")]
    api_key_env: Option<Spanned<String>>,
    #[schemars(with = "Option<Vec<String>>")]
    api_key_command: Option<Spanned<Vec<String>>>,
    #[schemars(with = "Option<u64>")]
    max_tokens: Option<Spanned<u64>>,
    #[schemars(with = "Option<String>")]
    effort: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    cache_ttl: Option<Spanned<String>>,
    #[schemars(with = "Option<bool>")]
    cache_markers: Option<Spanned<bool>>,
    #[schemars(with = "Option<bool>")]
    json_schema: Option<Spanned<bool>>,
    #[schemars(with = "Option<bool>")]
    stream_usage: Option<Spanned<bool>>,
    #[schemars(with = "Option<bool>")]
    old_max_tokens: Option<Spanned<bool>>,
    #[schemars(with = "Option<u64>")]
    requests_per_minute: Option<Spanned<u64>>,
    #[schemars(with = "Option<u64>")]
    tokens_per_minute: Option<Spanned<u64>>,
    #[schemars(with = "Option<String>")]
    mode: Option<Spanned<String>>,
    #[schemars(with = "Option<String>")]
    repairs: Option<Spanned<String>>,
    #[schemars(with = "Option<f64>")]
    poll_s: Option<Spanned<f64>>,
}

/// What a manifest without `[generate]` is told.
pub(super) fn none_declared(manifest: &TextFile, phase: &str) -> Problem {
    Problem::author(format!("no generator is declared for `{phase}`"))
        .at(crate::diag::Place::file(&manifest.name))
        .hint(format!(
            "add `[generate]` with `use = …`; the kinds are {}. `use = \"phrasebook\"` with `file = …` needs no network",
            listed(&KINDS.map(|(name, _)| name))
        ))
}

impl RawGenerate {
    /// Checks it.
    pub(super) fn validate(&self, files: &mut Files, manifest: &TextFile) -> Result<Generate> {
        let kind = self.kind(manifest)?;
        self.only_what_fits(kind, manifest)?;
        if let Some(argv) = &self.argv
            && argv.get_ref().first().is_none_or(|program| program.trim().is_empty())
        {
            return Err(manifest
                .problem(argv.span(), "`argv` names no program")
                .hint("write the program and its arguments: `argv = [\"claude-batch\", \"--json\"]`"));
        }
        let preset = self.preset(manifest)?;
        if let Some(args) = self.args.as_ref().filter(|_| preset.is_none()) {
            return Err(manifest
                .problem(args.span(), "`args` are added to those of a `preset`, and there is none")
                .hint("write them into `argv`, or name a `preset`"));
        }
        let (needed, example) = match kind {
            GeneratorKind::Command => {
                (self.argv.is_some() || preset.is_some(), "`argv = [\"PROGRAM\", \"ARGUMENT\"]`")
            }
            GeneratorKind::Phrasebook | GeneratorKind::Replay => (self.file.is_some(), "`file = \"PATH\"`"),
            GeneratorKind::Drop => (self.folder.is_some(), "`folder = \"PATH\"`"),
            GeneratorKind::Anthropic | GeneratorKind::Openai => (true, ""),
        };
        if !needed {
            return Err(manifest
                .problem(self.kind.span(), format!("`{}` needs {example}", self.kind.get_ref()))
                .hint("add it below this line"));
        }
        if let Some(zero) = self.timeout_s.as_ref().filter(|seconds| *seconds.get_ref() == 0) {
            return Err(manifest
                .problem(zero.span(), "`timeout_s` is the seconds that one call may take: at least 1")
                .hint(format!("leave it out for {DEFAULT_TIMEOUT_S} seconds")));
        }
        if let Some(env) = &self.env
            && let Some(bad) = env.get_ref().iter().find(|name| name.is_empty() || name.contains(['=', '\0']))
        {
            return Err(manifest
                .problem(env.span(), format!("`{bad}` is not the name of an environment variable"))
                .hint("list names only: their values never stand in a manifest"));
        }
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let written = self.env.as_ref().map(|env| env.get_ref().clone());
        let env = match preset {
            // What it needs to start and to log in stays, whatever is added.
            Some(preset) => [names(&DEFAULT_ENV), names(preset.env()), written.unwrap_or_default()].concat(),
            None => written.unwrap_or_else(|| names(&DEFAULT_ENV)),
        };
        let argv = self.argv.as_ref().map(|argv| argv.get_ref().clone());
        let api = self.api(kind, manifest)?;
        Ok(Generate {
            kind,
            api,
            argv: argv.or(preset.map(|preset| vec![preset.name().to_owned()])).unwrap_or_default(),
            preset,
            args: self.args.as_ref().map(|args| args.get_ref().clone()).unwrap_or_default(),
            model: self.model.as_ref().map(|model| model.get_ref().clone()),
            params: self.params(manifest)?,
            timeout_s: self.timeout_s.as_ref().map_or(DEFAULT_TIMEOUT_S, |seconds| *seconds.get_ref()),
            env,
            file: existing(files, manifest, self.file.as_ref())?,
            faults: existing(files, manifest, self.faults.as_ref())?,
            folder: self.folder.as_ref().map(|folder| files.path(folder.get_ref())),
        })
    }

    fn kind(&self, manifest: &TextFile) -> Result<GeneratorKind> {
        let name = self.kind.get_ref().as_str();
        let known = KINDS.iter().find(|(known, _)| *known == name);
        known.map(|(_, kind)| *kind).ok_or_else(|| {
            manifest.problem(self.kind.span(), format!("there is no generator `{name}`")).hint(hint_of(
                name,
                KINDS.iter().map(|(name, _)| *name),
                "the kinds are",
            ))
        })
    }

    fn preset(&self, manifest: &TextFile) -> Result<Option<Preset>> {
        let Some(name) = &self.preset else { return Ok(None) };
        let known =
            Preset::of(name.get_ref()).ok_or_else(|| {
                manifest.problem(name.span(), format!("there is no preset `{}`", name.get_ref())).hint(
                    hint_of(name.get_ref(), Preset::ALL.into_iter().map(Preset::name), "the presets are"),
                )
            })?;
        Ok(Some(known))
    }

    /// A key that the kind would ignore is a mistake, not a comment.
    fn only_what_fits(&self, kind: GeneratorKind, manifest: &TextFile) -> Result<()> {
        let command = kind == GeneratorKind::Command;
        let from_file = matches!(kind, GeneratorKind::Phrasebook | GeneratorKind::Replay);
        let keys = [
            ("argv", self.argv.as_ref().map(Spanned::span), command),
            ("preset", self.preset.as_ref().map(Spanned::span), command),
            ("args", self.args.as_ref().map(Spanned::span), command),
            ("env", self.env.as_ref().map(Spanned::span), command),
            ("file", self.file.as_ref().map(Spanned::span), from_file),
            ("faults", self.faults.as_ref().map(Spanned::span), kind == GeneratorKind::Phrasebook),
            ("folder", self.folder.as_ref().map(Spanned::span), kind == GeneratorKind::Drop),
        ];
        let of_apis = self.api_keys().map(|(key, span, anthropic, openai)| {
            let fits = match kind {
                GeneratorKind::Anthropic => anthropic,
                GeneratorKind::Openai => openai,
                _ => false,
            };
            (key, span, fits)
        });
        match keys
            .into_iter()
            .chain(of_apis)
            .find_map(|(key, span, fits)| span.filter(|_| !fits).map(|span| (key, span)))
        {
            Some((key, span)) => Err(manifest
                .problem(span, format!("`{}` has no use for `{key}`", self.kind.get_ref()))
                .hint("take the line out, or change `use`")),
            None => Ok(()),
        }
    }

    fn params(&self, manifest: &TextFile) -> Result<Value> {
        let Some(params) = &self.params else { return Ok(Value::Object(serde_json::Map::new())) };
        let mut value = serde_json::to_value(params.get_ref()).map_err(|error| {
            manifest.problem(params.span(), "`params` cannot be written as JSON").because(error)
        })?;
        crate::json::normalize(&mut value);
        Ok(value)
    }
}

fn existing(
    files: &mut Files,
    manifest: &TextFile,
    named: Option<&Spanned<String>>,
) -> Result<Option<PathBuf>> {
    let Some(named) = named else { return Ok(None) };
    let path = files.path(named.get_ref());
    files.note(&path);
    if path.exists() {
        return Ok(Some(path));
    }
    Err(manifest
        .problem(named.span(), format!("there is no `{}`", named.get_ref()))
        .hint("paths start at the folder of `coursebuild.toml`"))
}
