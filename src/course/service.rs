//! A model's service, as a manifest declares it.

use std::time::Duration;

/// Where and how an API is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api {
    /// Where the service is, without `/v1`.
    pub base_url: String,
    /// `anthropic`: the version of the API.
    pub version: String,
    /// Where the key is.
    pub key: ApiKey,
    /// Tokens that an answer may have; `None`: as many as the service allows.
    pub max_tokens: Option<u64>,
    /// How much the model is to think; in the key.
    pub effort: Option<String>,
    /// `anthropic`: how long the prefix is kept in the provider's cache.
    pub cache_life: CacheLife,
    /// `anthropic`: the service understands cache markers.
    pub cache_markers: bool,
    /// The service can be held to a JSON Schema; in the key, for it changes what is sent.
    pub json_schema: bool,
    /// `openai`: the service can report usage at the end of a stream.
    pub stream_usage: bool,
    /// `openai`: the service knows `max_tokens` only, and not `max_completion_tokens`.
    pub old_max_tokens: bool,
    /// How it is asked by batches; `None`: call by call.
    pub batches: Option<Batches>,
    /// Requests that may leave in a minute.
    pub requests_per_minute: Option<u64>,
    /// Input tokens that may leave in a minute.
    pub tokens_per_minute: Option<u64>,
}

/// How a service is asked by batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batches {
    /// Items that failed are asked for again call by call.
    pub repairs_direct: bool,
    /// Between two looks at a submission; `None`: from 5 seconds to a minute.
    pub poll: Option<Duration>,
}

/// Where the key of an API is. The key itself is never in a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiKey {
    /// The service wants none.
    None,
    /// In this environment variable.
    Env(String),
    /// This program prints it.
    Command(Vec<String>),
}

/// How long a provider keeps a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheLife {
    /// Five minutes.
    FiveMinutes,
    /// An hour; dearer to write.
    Hour,
}
