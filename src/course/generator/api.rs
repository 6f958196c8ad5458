//! The keys of `[generate]` for `anthropic` and `openai`: where the service is, how it is paid, what is asked of the model.
//!
//! No key stands in a manifest: not where it belongs, not where it was put by mistake; and a message about one does not show it.

use super::super::generate::GeneratorKind;
use super::super::service::{Api, ApiKey, Batches, CacheLife};
use super::super::text::TextFile;
use super::RawGenerate;
use crate::diag::{Place, Problem, Result};
use std::ops::Range;
use std::time::Duration;
use toml::Spanned;

const ANTHROPIC: &str = "https://api.anthropic.com";
const OPENAI: &str = "https://api.openai.com";
const ANTHROPIC_VERSION: &str = "2026-10-21";
/// Room for the longest batch with its thinking, below every current model's limit.
const ANTHROPIC_MAX_TOKENS: u64 = 64_000;
/// Parts of a request that are the tool's to fill.
const OURS: [&str; 13] = [
    "model",
    "messages",
    "system",
    "stream",
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
    "output_config",
    "response_format",
    "reasoning_effort",
    "tools",
    "tool_choice",
    "cache_control",
];

impl RawGenerate {
    /// What an API is asked with; `None` for the other kinds.
    pub(super) fn api(&self, kind: GeneratorKind, manifest: &TextFile) -> Result<Option<Api>> {
        if !matches!(kind, GeneratorKind::Anthropic | GeneratorKind::Openai) {
            return Ok(None);
        }
        let anthropic = kind == GeneratorKind::Anthropic;
        self.no_key_in_clear(manifest)?;
        if self.model.as_ref().is_none_or(|model| model.get_ref().trim().is_empty()) {
            return Err(manifest
                .problem(self.kind.span(), format!("`{}` needs `model = \"NAME\"`", self.kind.get_ref()))
                .hint("add it below this line; it is in every key"));
        }
        self.params_are_free(manifest)?;
        let at_home = self.base_url.is_none();
        let base_url = self.address(if anthropic { ANTHROPIC } else { OPENAI }, manifest)?;
        for (name, limit) in [
            ("max_tokens", &self.max_tokens),
            ("requests_per_minute", &self.requests_per_minute),
            ("tokens_per_minute", &self.tokens_per_minute),
        ] {
            if let Some(zero) = limit.as_ref().filter(|limit| *limit.get_ref() == 0) {
                return Err(manifest.problem(zero.span(), format!("`{name}` has to be at least 1")));
            }
        }
        let text = |value: &Option<Spanned<String>>| value.as_ref().map(|value| value.get_ref().clone());
        Ok(Some(Api {
            base_url,
            version: text(&self.api_version).unwrap_or_else(|| ANTHROPIC_VERSION.to_owned()),
            key: self.key(anthropic, at_home, manifest)?,
            max_tokens: match &self.max_tokens {
                Some(most) => Some(*most.get_ref()),
                None => anthropic.then_some(ANTHROPIC_MAX_TOKENS),
            },
            effort: text(&self.effort),
            cache_life: self.cache_life(manifest)?,
            cache_markers: self.cache_markers.as_ref().is_none_or(|on| *on.get_ref()),
            json_schema: self.json_schema.as_ref().map_or(at_home, |on| *on.get_ref()),
            stream_usage: self.stream_usage.as_ref().is_none_or(|on| *on.get_ref()),
            old_max_tokens: self.old_max_tokens.as_ref().map_or(!at_home, |on| *on.get_ref()),
            batches: self.batches(manifest)?,
            requests_per_minute: self.requests_per_minute.as_ref().map(|limit| *limit.get_ref()),
            tokens_per_minute: self.tokens_per_minute.as_ref().map(|limit| *limit.get_ref()),
        }))
    }

    /// The keys that only these kinds know, with their places, and whether each of the two knows them.
    pub(super) fn api_keys(&self) -> [(&'static str, Option<Range<usize>>, bool, bool); 17] {
        let span = |value: &Option<Spanned<String>>| value.as_ref().map(Spanned::span);
        let number = |value: &Option<Spanned<u64>>| value.as_ref().map(Spanned::span);
        let flag = |value: &Option<Spanned<bool>>| value.as_ref().map(Spanned::span);
        [
            ("base_url", span(&self.base_url), true, true),
            ("api_version", span(&self.api_version), true, false),
            ("api_key", self.api_key.as_ref().map(Spanned::span), true, true),
            ("api_key_env", span(&self.api_key_env), true, true),
            ("api_key_command", self.api_key_command.as_ref().map(Spanned::span), true, true),
            ("max_tokens", number(&self.max_tokens), true, true),
            ("effort", span(&self.effort), true, true),
            ("cache_ttl", span(&self.cache_ttl), true, false),
            ("cache_markers", flag(&self.cache_markers), true, false),
            ("json_schema", flag(&self.json_schema), true, true),
            ("stream_usage", flag(&self.stream_usage), false, true),
            ("old_max_tokens", flag(&self.old_max_tokens), false, true),
            ("requests_per_minute", number(&self.requests_per_minute), true, true),
            ("tokens_per_minute", number(&self.tokens_per_minute), true, true),
            ("mode", span(&self.mode), true, true),
            ("repairs", span(&self.repairs), true, true),
            ("poll_s", self.poll_s.as_ref().map(Spanned::span), true, true),
        ]
    }

    /// Nothing that looks like a key, wherever it stands.
    fn no_key_in_clear(&self, manifest: &TextFile) -> Result<()> {
        if let Some(key) = &self.api_key {
            return Err(in_clear(manifest, key.span()));
        }
        let named = self.api_key_env.iter().map(|name| (name.get_ref().as_str(), name.span()));
        let model = self.model.iter().map(|model| (model.get_ref().as_str(), model.span()));
        let address = self.base_url.iter().map(|url| (url.get_ref().as_str(), url.span()));
        let words = self.api_key_command.iter();
        let words = words.flat_map(|argv| argv.get_ref().iter().map(|word| (word.as_str(), argv.span())));
        let mut texts = named.chain(model).chain(address).chain(words);
        if let Some((_, span)) = texts.find(|(text, _)| looks_like_a_key(text)) {
            return Err(in_clear(manifest, span));
        }
        let params = self.params.iter().filter(|params| params.get_ref().values().any(holds_a_key));
        params.map(Spanned::span).next().map_or(Ok(()), |span| Err(in_clear(manifest, span)))
    }

    fn params_are_free(&self, manifest: &TextFile) -> Result<()> {
        let Some(params) = &self.params else { return Ok(()) };
        match params.get_ref().keys().find(|name| OURS.contains(&name.as_str())) {
            Some(name) => Err(manifest
                .problem(
                    params.span(),
                    format!("`{name}` is no parameter: coursebuild fills that part of a request"),
                )
                .hint("take it out of `params`; what can be set has a key of its own beside `use`")),
            None => Ok(()),
        }
    }

    fn address(&self, usual: &str, manifest: &TextFile) -> Result<String> {
        let Some(url) = &self.base_url else { return Ok(usual.to_owned()) };
        let text = url.get_ref().trim_end_matches('/');
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        match host {
            Some(host) if host.contains('@') => Err(in_clear(manifest, url.span())),
            Some(host) if !host.is_empty() && !host.contains(['?', '#', ' ']) => {
                // People write the address with or without the version, as their tools taught them.
                Ok(text.strip_suffix("/v1").unwrap_or(text).to_owned())
            }
            _ => Err(manifest
                .problem(url.span(), "`base_url` is no address of a service")
                .hint("write it as `base_url = \"http://127.0.0.1:4000\"`")),
        }
    }

    /// A service elsewhere is sent no key that was meant for the usual one.
    fn key(&self, anthropic: bool, at_home: bool, manifest: &TextFile) -> Result<ApiKey> {
        match (&self.api_key_env, &self.api_key_command) {
            (Some(_), Some(command)) => Err(manifest
                .problem(command.span(), "`api_key_env` and `api_key_command` both say where the key is")
                .hint("take one of them out")),
            (Some(name), None) => {
                let named = name.get_ref();
                let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
                if named.is_empty() || named.starts_with(|c: char| c.is_ascii_digit()) || !named.chars().all(word) {
                    return Err(in_clear(manifest, name.span()));
                }
                Ok(ApiKey::Env(named.clone()))
            }
            (None, Some(argv)) => match argv.get_ref().first() {
                Some(program) if !program.trim().is_empty() => Ok(ApiKey::Command(argv.get_ref().clone())),
                _ => Err(manifest
                    .problem(argv.span(), "`api_key_command` names no program")
                    .hint("write a program that prints the key: `api_key_command = [\"pass\", \"show\", \"anthropic\"]`")),
            },
            (None, None) if !at_home => Ok(ApiKey::None),
            (None, None) if anthropic => Ok(ApiKey::Env("ANTHROPIC_API_KEY".to_owned())),
            (None, None) => Ok(ApiKey::Env("OPENAI_API_KEY".to_owned())),
        }
    }

    fn batches(&self, manifest: &TextFile) -> Result<Option<Batches>> {
        let of = |value: &Option<Spanned<String>>, either: [&str; 2], meaning: &str| match value {
            None => Ok(false),
            Some(value) => match either.iter().position(|known| *known == value.get_ref()) {
                Some(at) => Ok(at == 1),
                None => Err(manifest
                    .problem(value.span(), format!("{meaning}: `{}` or `{}`", either[0], either[1]))
                    .hint(format!("leave it out for `{}`", either[0]))),
            },
        };
        let in_batches = of(&self.mode, ["direct", "batch"], "`mode` is how the service is asked")?;
        let repairs_direct = of(
            &self.repairs,
            ["batch", "direct"],
            "`repairs` is how items that failed are asked for again with `mode = \"batch\"`",
        )?;
        let idle = [self.repairs.as_ref().map(Spanned::span), self.poll_s.as_ref().map(Spanned::span)];
        if let Some(span) = idle.into_iter().flatten().next().filter(|_| !in_batches) {
            return Err(manifest
                .problem(span, "this is for batches, and the service is asked call by call")
                .hint("add `mode = \"batch\"`, or take the line out"));
        }
        let poll = match &self.poll_s {
            None => None,
            Some(seconds) => {
                let fits = Some(*seconds.get_ref()).filter(|seconds| (0.01..=86_400.0).contains(seconds));
                let poll = fits.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                Some(poll.ok_or_else(|| {
                    manifest
                        .problem(
                            seconds.span(),
                            "`poll_s` is the seconds between two looks at a submission: from 0.01 to 86400",
                        )
                        .hint("leave it out for 5 seconds at first and a minute later")
                })?)
            }
        };
        Ok(in_batches.then_some(Batches { repairs_direct, poll }))
    }

    fn cache_life(&self, manifest: &TextFile) -> Result<CacheLife> {
        match self.cache_ttl.as_ref().map(|life| (life.get_ref().as_str(), life.span())) {
            None | Some(("5m", _)) => Ok(CacheLife::FiveMinutes),
            Some(("1h", _)) => Ok(CacheLife::Hour),
            Some((_, span)) => Err(manifest
                .problem(span, "`cache_ttl` is how long the provider keeps the prefix: `5m` or `1h`")
                .hint("leave it out for `5m`; `1h` costs more to write, and pays where calls start more than five minutes apart")),
        }
    }
}

fn holds_a_key(value: &toml::Value) -> bool {
    match value {
        toml::Value::String(text) => looks_like_a_key(text),
        toml::Value::Array(list) => list.iter().any(holds_a_key),
        toml::Value::Table(table) => table.values().any(holds_a_key),
        _ => false,
    }
}

/// The beginnings by which services mark their keys.
fn looks_like_a_key(text: &str) -> bool {
    ["sk-", "sk_", "Bearer ", "ghp_", "AIza", "gsk_", "xai-"].iter().any(|start| {
        text.strip_prefix(start).is_some_and(|rest| rest.len() >= 8) || text.contains(&format!("={start}"))
    })
}

/// The line is named and not shown.
fn in_clear(manifest: &TextFile, span: Range<usize>) -> Problem {
    let line = manifest.place(span).line;
    Problem::author(format!("a key stands in the manifest, in line {line}, or what is no name of a variable"))
        .at(Place::file(&manifest.name))
        .hint("a manifest is committed: name the variable that holds the key (`api_key_env = \"ANTHROPIC_API_KEY\"`), or a program that prints it (`api_key_command`); and take a key that was committed out of service")
}
