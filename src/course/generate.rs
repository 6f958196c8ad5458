//! Who is asked for a phase's items, validated: kind, program or place, model, limits.

use super::service::{Api, Batches, CacheLife};
use crate::json::Value;
use std::path::PathBuf;

/// Who is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Generate {
    /// The kind.
    pub kind: GeneratorKind,
    /// The program and its arguments, as written; of a preset, its program.
    pub argv: Vec<String>,
    /// How the program is asked, where that is known.
    pub preset: Option<Preset>,
    /// What is added to a preset's arguments.
    pub args: Vec<String>,
    /// The declared model: in the key instead of kind and program.
    pub model: Option<String>,
    /// The model's declared parameters; in the key. An API is sent them, nobody else is.
    pub params: Value,
    /// `anthropic` and `openai`: where and how the service is asked.
    pub api: Option<Api>,
    /// Seconds that one call may take; at least 1.
    pub timeout_s: u64,
    /// The names of the environment variables that the process may see beside `COURSEBUILD_*`.
    pub env: Vec<String>,
    /// `phrasebook` and `replay`: the file to answer from (absolute).
    pub file: Option<PathBuf>,
    /// `phrasebook`: the mistakes to make (absolute).
    pub faults: Option<PathBuf>,
    /// `drop`: the folder of prompts and answers (absolute; it need not be there).
    pub folder: Option<PathBuf>,
}

/// Agent command lines that `command` knows how to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// Claude Code: `claude -p`.
    Claude,
    /// Codex: `codex exec`.
    Codex,
    /// Simon Willison's `llm`.
    Llm,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Claude, Self::Codex, Self::Llm];

    /// Its name, which is that of its program too.
    pub fn name(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::Llm => "llm",
        }
    }

    /// The one of a name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// The variables that its program is let see, beside those of any program and those that the manifest names: where it finds its login.
    pub fn env(self) -> &'static [&'static str] {
        match self {
            Self::Claude => &["ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN", "CLAUDE_CONFIG_DIR"],
            Self::Codex => &["OPENAI_API_KEY", "CODEX_API_KEY", "CODEX_HOME"],
            Self::Llm => &["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "LLM_USER_PATH"],
        }
    }
}

/// The kinds of generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum GeneratorKind {
    /// Embedded: composes from a phrasebook file.
    Phrasebook,
    /// Answers from recorded outputs.
    Replay,
    /// Any program.
    Command,
    /// Whoever answers what is laid into a folder.
    Drop,
    /// The Messages API of Anthropic, and servers that speak it.
    Anthropic,
    /// The chat completions of OpenAI, and servers that speak them.
    Openai,
}

impl GeneratorKind {
    /// Whether it needs the network.
    pub fn is_remote(self) -> bool {
        matches!(self, Self::Anthropic | Self::Openai)
    }

    /// Whether its calls cost no money: of a program and of a folder nobody knows who answers.
    pub fn is_free(self) -> bool {
        matches!(self, Self::Phrasebook | Self::Replay)
    }
}

impl Generate {
    /// How the service is asked by batches, if it is.
    pub fn batches(&self) -> Option<Batches> {
        self.api.as_ref().and_then(|api| api.batches)
    }

    /// Whether the provider is told to keep prefixes for an hour.
    pub fn keeps_an_hour(&self) -> bool {
        self.api.as_ref().is_some_and(|api| api.cache_life == CacheLife::Hour)
    }
}
