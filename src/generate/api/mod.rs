//! The generators `anthropic` and `openai`: services that are asked over HTTP, one request a call, the answer as a stream.
//!
//! The prefix goes first, byte for byte the same for every call of a phase, so that the service's prompt cache serves it; the
//! call's own part is the user's message. How the two services differ is in `anthropic.rs` and `openai.rs`.

mod anthropic;
pub mod batch;
mod exchange;
mod fetch;
mod gate;
mod openai;
mod sse;
mod told;
mod wire;

pub use exchange::Endpoint;

use super::{Begun, Cache, Generator, Meters, Pending, Reply, Request, Stop};
use crate::course::{Api, CacheLife, Generate, GeneratorKind, Output};
use crate::digest::{Digest, Hasher};
use crate::json::{Value, canonical};
use crate::money::bytes_as_tokens;
use batch::{Desk, Listed};
use exchange::Trouble;
use sse::Event;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use wire::Wire;

/// A shorter prefix is cached by no service: the least is 512 tokens.
const SHORTEST_PREFIX: usize = 1536;

/// A phase's way to a service.
#[derive(Debug)]
pub struct Remote {
    kind: GeneratorKind,
    endpoint: Arc<Endpoint>,
    api: Api,
    model: String,
    params: Value,
    timeout_s: u64,
    wire: Option<Wire>,
    /// The service has refused the schema: it is asked in words only from then on.
    schema_refused: Arc<AtomicBool>,
    /// Where its calls gather, if it is asked by batches.
    desk: Option<Arc<Desk>>,
    /// Calls that are made directly beside batches: so many at once.
    direct: Option<Arc<Semaphore>>,
}

/// An answer as far as it has been heard.
#[derive(Debug, Default)]
struct Heard {
    text: String,
    refusal: Option<String>,
    end: Option<End>,
    meters: Meters,
    money_usd: Option<f64>,
    model: Option<String>,
    begun: bool,
}

/// How an answer ended, by the service's word.
#[derive(Debug, PartialEq)]
enum End {
    Whole,
    /// A limit cut it off: which.
    Cut(&'static str),
    /// For a reason that is no answer.
    Refused(String),
}

impl Remote {
    /// A phase's way to a service; `None` if the generator is not one of these. `output`: the phase's, for schema and shape.
    pub fn new(endpoint: Arc<Endpoint>, generate: &Generate, output: &Output) -> Option<Self> {
        let api = generate.api.clone()?;
        let schema = output.schema.as_ref().filter(|_| api.json_schema);
        Some(Self {
            kind: generate.kind,
            endpoint,
            model: generate.model.clone().unwrap_or_default(),
            params: generate.params.clone(),
            timeout_s: generate.timeout_s,
            wire: schema.and_then(|schema| Wire::new(schema, &output.shape)),
            schema_refused: Arc::default(),
            desk: None,
            direct: None,
            api,
        })
    }

    /// The same, asked by batches at this desk; repairs, where they are made directly, so many at once.
    #[must_use]
    pub fn at(mut self, desk: Arc<Desk>, jobs: usize) -> Self {
        self.desk = Some(desk);
        self.direct = Some(Arc::new(Semaphore::new(jobs.max(1))));
        self
    }

    /// Hands a call in at the desk, and waits for its reply.
    async fn hand_in(&self, desk: &Arc<Desk>, request: Request, stop: Stop) -> Reply {
        let wire = self.wire();
        let system = Self::system(&request, wire);
        let body = self.body(match self.kind {
            GeneratorKind::Openai => openai::body(self, &system, &request.body, wire),
            _ => anthropic::body(self, &system, &request.body, wire),
        });
        let listed = Listed {
            call: request.call,
            course: request.course,
            phase: request.phase,
            label: request.label,
            items: request.items.into_iter().map(|item| item.id).collect(),
            structured: wire.is_some(),
            prompt: Digest::of(&body),
        };
        let (shape, schema_refused) = (wire.map(|wire| wire.shape().clone()), self.schema_refused.clone());
        desk.ask(batch::Order { listed, body, shape, schema_refused }, stop).await
    }

    /// The schema to ask with, unless the service has refused it.
    fn wire(&self) -> Option<&Wire> {
        self.wire.as_ref().filter(|_| !self.schema_refused.load(Ordering::Relaxed))
    }

    async fn reply(&self, request: &Request, mut stop: Stop, mut begun: Begun) -> Reply {
        let wire = self.wire();
        let mut heard = Heard::default();
        let mut trouble = self.try_once(request, wire, &mut stop, &mut begun, &mut heard).await.err();
        let mut note = String::new();
        if let (Some(_), Some(Trouble::Refused(why))) = (wire, &trouble) {
            // Perhaps the grammar is too large for the service, or it knows none: words alone do as well.
            note = format!("the service refused the request with the schema ({why}); asked without it\n");
            heard = Heard::default();
            trouble = self.try_once(request, None, &mut stop, &mut begun, &mut heard).await.err();
            if trouble.is_none() {
                self.schema_refused.store(true, Ordering::Relaxed);
            }
        }
        let shape = wire.filter(|_| note.is_empty()).map(Wire::shape);
        Reply { stderr: note, ..told::reply(trouble, heard, shape, self.timeout_s) }
    }

    /// The system text of a call.
    fn system(request: &Request, wire: Option<&Wire>) -> String {
        match wire {
            Some(wire) => format!("{}\n\n{}\n", request.prefix.trim_end_matches('\n'), wire.note()),
            None => request.prefix.to_string(),
        }
    }

    async fn try_once(
        &self,
        request: &Request,
        wire: Option<&Wire>,
        stop: &mut Stop,
        begun: &mut Begun,
        heard: &mut Heard,
    ) -> Result<(), Trouble> {
        let system = Self::system(request, wire);
        let sent = match self.kind {
            GeneratorKind::Openai => openai::request(self, &system, &request.body, wire),
            _ => anthropic::request(self, &system, &request.body, wire),
        };
        let tokens = bytes_as_tokens(system.len() + request.body.len());
        let mut hear = |event: &Event| {
            let done = match self.kind {
                GeneratorKind::Openai => openai::hear(heard, event, &self.endpoint),
                _ => anthropic::hear(heard, event, &self.endpoint),
            };
            if heard.begun {
                begun.tell();
            }
            done
        };
        self.endpoint.exchange(sent, tokens, stop, &mut hear).await
    }

    /// A request body with the declared parameters, which the tool's own parts go over.
    fn body(&self, own: Value) -> Vec<u8> {
        let mut body = self.params.as_object().cloned().unwrap_or_default();
        if let Value::Object(own) = own {
            body.extend(own);
        }
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

impl Generator for Remote {
    fn ask(&self, request: Request, stop: Stop) -> Pending<'_> {
        self.ask_telling(request, stop, Begun::unheard())
    }

    fn ask_telling(&self, request: Request, stop: Stop, begun: Begun) -> Pending<'_> {
        Box::pin(async move {
            if let Some(desk) = self.desk(request.attempt) {
                return self.hand_in(&desk, request, stop).await;
            }
            let _one = match &self.direct {
                Some(direct) => direct.acquire().await.ok(),
                None => None,
            };
            self.reply(&request, stop, begun).await
        })
    }

    fn desk(&self, attempt: u32) -> Option<Arc<Desk>> {
        let direct = attempt > 1 && self.api.batches.is_some_and(|batch| batch.repairs_direct);
        self.desk.clone().filter(|_| !direct)
    }

    fn cache(&self, prefix: &str) -> Option<Cache> {
        if self.desk.is_some() {
            // Requests of a batch run side by side: nobody can lead.
            return None;
        }
        let marked = self.kind == GeneratorKind::Openai || self.api.cache_markers;
        if prefix.len() < SHORTEST_PREFIX || !marked {
            return None;
        }
        let mut hasher = Hasher::new("cache group");
        hasher.field("place", self.endpoint.base_url.as_bytes());
        hasher.field("model", self.model.as_bytes());
        hasher.field("prefix", prefix.as_bytes());
        hasher.field("effort", self.api.effort.as_deref().unwrap_or_default().as_bytes());
        hasher.field("params", &canonical(&self.params));
        if let Some(wire) = self.wire() {
            hasher.field("schema", &canonical(&wire.schema));
        }
        let lives = match (self.kind, self.api.cache_life) {
            (GeneratorKind::Anthropic, CacheLife::Hour) => Duration::from_secs(3600),
            _ => Duration::from_secs(300),
        };
        Some(Cache { group: hasher.finish(), lives })
    }
}

/// Takes a meter where the service tells it: later ones are nearer to the truth.
fn meter(into: &mut Option<u64>, usage: &Value, at: &str) {
    if let Some(tokens) = usage.pointer(at).and_then(Value::as_u64) {
        *into = Some(tokens);
    }
}
