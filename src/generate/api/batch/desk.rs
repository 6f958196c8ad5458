//! Where calls to a batch endpoint gather, go out together, and wait for their replies.
//!
//! A call is *announced* when it leaves, *arrives* with its request when its intent is durable, and is *over* when its caller has made
//! of its reply what there is to be made. A submission goes out when the caller has closed the desk, nothing that was announced
//! is missing, and no replies are being taken in: for those may make further calls ready.

use super::record::{Listed, Map, Record};
use super::service::{Refusal, Service};
use super::{Seen, Stuck, name_of};
use crate::course::GeneratorKind;
use crate::diag::Problem;
use crate::generate::{Outcome, Reply, Stop, Stopper};
use crate::json::Shape;
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// A service's desk.
#[derive(Debug)]
pub struct Desk {
    service: Service,
    state: Mutex<State>,
    leaving: Stopper,
    left: Stop,
    /// Held while a submission is sent: so that of two only one is ever in doubt.
    sending: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    /// Calls that are to come.
    announced: BTreeSet<String>,
    gathered: Vec<Waiting>,
    closed: bool,
    /// Nothing is sent or waited for any more.
    leaving: bool,
    /// Submissions whose results are being read.
    delivering: usize,
    /// Calls that have their reply and are not over.
    replied: BTreeSet<String>,
    /// Submissions whose calls are not over.
    under_way: Vec<UnderWay>,
}

/// A submission whose calls are not all over.
#[derive(Debug)]
struct UnderWay {
    name: String,
    calls: BTreeSet<String>,
    /// Once it is over it can be forgotten; `None` while somebody is at work on it.
    record: Option<Record>,
    /// It stays at the service.
    left: bool,
}

/// A call at the desk.
#[derive(Debug)]
pub(in super::super) struct Waiting {
    pub(in super::super) listed: Listed,
    /// What is sent for it: a line of the submission.
    pub(in super::super) line: Vec<u8>,
    /// The phase's shape, if the answer is asked for by schema.
    pub(in super::super) shape: Option<Shape>,
    /// Set when the service refuses the schema.
    pub(in super::super) schema_refused: Arc<AtomicBool>,
    reply: oneshot::Sender<Reply>,
}

/// A call's place at a desk; it is over when this is dropped.
#[derive(Debug)]
pub struct Seat {
    desk: Arc<Desk>,
    call: String,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.desk.over(&self.call);
    }
}

/// What a call asks for at a desk.
pub(in super::super) struct Order {
    pub(in super::super) listed: Listed,
    /// The request's body.
    pub(in super::super) body: Vec<u8>,
    pub(in super::super) shape: Option<Shape>,
    pub(in super::super) schema_refused: Arc<AtomicBool>,
}

impl Desk {
    /// A service's desk.
    pub fn new(service: Service) -> Self {
        let (leaving, left) = Stopper::new();
        Self { service, state: Mutex::default(), leaving, left, sending: tokio::sync::Mutex::default() }
    }

    /// A call will arrive.
    pub fn announce(self: &Arc<Self>, call: &str) -> Seat {
        let mut state = self.lock();
        state.announced.insert(call.to_owned());
        state.closed = false;
        Seat { desk: self.clone(), call: call.to_owned() }
    }

    /// True while replies are being taken in: they may make further calls ready.
    pub fn is_busy(&self) -> bool {
        let state = self.lock();
        state.delivering > 0 || !state.replied.is_empty()
    }

    /// True while somebody is at work on a submission: its record is still to be put away.
    pub fn is_attended(&self) -> bool {
        self.lock().under_way.iter().any(|one| one.record.is_none())
    }

    /// Nothing else will be announced before something happens: what has gathered may go out.
    pub fn close(self: &Arc<Self>) {
        self.lock().closed = true;
        self.send();
    }

    /// Nothing is sent any more, and what is at the service stays there.
    pub fn leave(&self) {
        let gathered = {
            let mut state = self.lock();
            state.leaving = true;
            std::mem::take(&mut state.gathered)
        };
        gathered.into_iter().for_each(|waiting| waiting.answer(Reply::of(Outcome::Interrupted)));
        self.leaving.stop();
    }

    /// A call arrives, and waits for its reply.
    pub(in super::super) async fn ask(self: &Arc<Self>, order: Order, mut stop: Stop) -> Reply {
        let Order { listed, body, shape, schema_refused } = order;
        let call = listed.call.clone();
        let line = match self.service.kind {
            GeneratorKind::Openai => super::openai::line(&call, &body),
            _ => super::anthropic::line(&call, &body),
        };
        let (reply, replied) = oneshot::channel();
        {
            let mut state = self.lock();
            state.announced.remove(&call);
            if state.leaving {
                return Reply::of(Outcome::Interrupted);
            }
            state.gathered.push(Waiting { listed, line, shape, schema_refused, reply });
        }
        self.send();
        tokio::select! {
            reply = replied => reply.unwrap_or_else(|_| Reply::of(Outcome::Pending(None))),
            () = stop.stopped() => {
                let mut state = self.lock();
                let before = state.gathered.len();
                state.gathered.retain(|waiting| waiting.listed.call != call);
                let gone = state.gathered.len() == before;
                // What has gone out has a map, or will never have been asked; either way nobody asks for it twice.
                Reply::of(if gone { Outcome::Pending(None) } else { Outcome::Interrupted })
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go out what has gathered, if nothing can join it.
    fn send(self: &Arc<Self>) {
        let gathered = {
            let mut state = self.lock();
            let calm = state.announced.is_empty() && state.delivering == 0 && state.replied.is_empty();
            if !state.closed || !calm || state.leaving || state.gathered.is_empty() {
                return;
            }
            std::mem::take(&mut state.gathered)
        };
        for part in parts(gathered, self.service.limits()) {
            tokio::spawn(self.clone().attend(part));
        }
    }

    /// Sends a submission, waits for it, and gives every call its reply.
    async fn attend(self: Arc<Self>, mut waiting: Vec<Waiting>) {
        let mut stop = self.left.clone();
        let sent = {
            let _one = self.sending.lock().await;
            self.submit(&mut waiting, &mut stop).await
        };
        let record = match sent {
            Ok(record) => record,
            Err(reply) => {
                waiting.into_iter().for_each(|waiting| self.reply(waiting, reply.clone()));
                return;
            }
        };
        let name = record.map.name.clone();
        let waiting: HashMap<String, Waiting> =
            waiting.into_iter().map(|waiting| (waiting.listed.call.clone(), waiting)).collect();
        let (left, stuck) = match self.service.wait(&record, &mut stop).await {
            Ok(seen) => self.deliver(&record, &seen, waiting, &mut stop).await,
            Err(trouble) => (waiting, self.service.stuck(&record, trouble)),
        };
        self.put_back(&name, record, !left.is_empty());
        left.into_values()
            .for_each(|waiting| self.reply(waiting, Reply::of(Outcome::Pending(stuck.clone()))));
    }

    /// A submission is sent, and its record is there. Otherwise what every call of it is told.
    async fn submit(&self, waiting: &mut [Waiting], stop: &mut Stop) -> Result<Record, Reply> {
        if self.lock().leaving {
            return Err(Reply::of(Outcome::Interrupted));
        }
        let failed = |trouble| super::told::reply(Some(trouble), super::Heard::default(), None, 0);
        let mark = self.service.mark(stop).await.map_err(failed)?;
        let first = waiting.first().map(|waiting| waiting.listed.call.clone()).unwrap_or_default();
        let map = Map {
            name: name_of(&first),
            service: self.service.kind,
            base_url: self.service.endpoint.base_url.clone(),
            model: self.service.model.clone(),
            mark,
            calls: waiting.iter().map(|waiting| waiting.listed.clone()).collect(),
        };
        let calls = map.calls.iter().map(|listed| listed.call.clone()).collect();
        let mut record = Record::keep(&self.service.folder, map).map_err(|problem| disk(&problem))?;
        let name = record.map.name.clone();
        self.lock().under_way.push(UnderWay { name: name.clone(), calls, record: None, left: false });
        let body = self.whole(waiting);
        let (reply, stays) = match self.service.submit(&mut record, &body, stop).await {
            Ok(()) => return Ok(record),
            Err(Refusal::NotTaken(super::Trouble::TooLong(what))) => {
                (failed(super::Trouble::Refused(what)), false)
            }
            Err(Refusal::NotTaken(trouble)) => (failed(trouble), false),
            Err(Refusal::Unknown(stuck)) => (Reply::of(Outcome::Pending(stuck)), true),
        };
        self.put_back(&name, record, stays);
        Err(reply)
    }

    /// The lines of a submission in one piece; they are not needed one by one any more.
    fn whole(&self, waiting: &mut [Waiting]) -> Vec<u8> {
        let lines = waiting.iter_mut().map(|waiting| std::mem::take(&mut waiting.line));
        let mut body = Vec::new();
        if self.service.kind == GeneratorKind::Openai {
            lines.for_each(|line| body.extend(line));
            return body;
        }
        body.extend(super::anthropic::HEAD);
        for (number, line) in lines.enumerate() {
            if number > 0 {
                body.extend(super::anthropic::BETWEEN);
            }
            body.extend(line);
        }
        body.extend(super::anthropic::TAIL);
        body
    }

    /// Gives the calls of a submission that has ended their replies; those that had none, and why.
    async fn deliver(
        &self,
        record: &Record,
        seen: &Seen,
        mut waiting: HashMap<String, Waiting>,
        stop: &mut Stop,
    ) -> (HashMap<String, Waiting>, Option<Stuck>) {
        self.lock().delivering += 1;
        let open = waiting.iter().map(|(call, waiting)| (call.clone(), waiting.shape.clone())).collect();
        let mut give = |call: &str, refused: bool, reply: Reply| {
            if let Some(waiting) = waiting.remove(call) {
                if refused {
                    waiting.schema_refused.store(true, Ordering::Relaxed);
                }
                self.reply(waiting, reply);
            }
        };
        let done = self.service.hand_out(seen, open, stop, &mut give).await;
        self.lock().delivering -= 1;
        (waiting, done.err().and_then(|trouble| self.service.stuck(record, trouble)))
    }

    fn reply(&self, waiting: Waiting, reply: Reply) {
        self.lock().replied.insert(waiting.listed.call.clone());
        waiting.answer(reply);
    }

    /// Nobody is at work on a submission any more: it is forgotten with its last call, unless it stays at the service.
    fn put_back(&self, name: &str, record: Record, stays: bool) {
        // Told whenever it happens: whoever waits for the desk to be calm looks again.
        self.service.tell(&record, if stays { "left" } else { "taken_in" }, super::Counts::default());
        let mut state = self.lock();
        if let Some(one) = state.under_way.iter_mut().find(|one| one.name == name) {
            (one.record, one.left) = (Some(record), stays);
        }
        state.forget_what_is_over();
    }

    /// A call is over.
    fn over(&self, call: &str) {
        let mut state = self.lock();
        state.announced.remove(call);
        state.replied.remove(call);
        // What it made ready is announced before the desk is closed again.
        state.closed = false;
        for one in &mut state.under_way {
            one.calls.remove(call);
        }
        state.forget_what_is_over();
    }
}

impl State {
    /// The answers of all its calls are kept by now. A map that cannot be removed does no harm: the next run finds nothing open in it.
    fn forget_what_is_over(&mut self) {
        let is_over = |one: &mut UnderWay| one.calls.is_empty() && one.record.is_some();
        for one in self.under_way.extract_if(.., is_over) {
            let _ = one.record.filter(|_| !one.left).map(Record::forget);
        }
    }
}

impl Waiting {
    fn answer(self, reply: Reply) {
        // A call that nobody waits for any more stays open in the journal.
        let _ = self.reply.send(reply);
    }
}

fn disk(problem: &Problem) -> Reply {
    let hint = problem.hint.clone().unwrap_or_else(|| "build again to go on".to_owned());
    Reply::of(Outcome::Unusable { what: format!("{problem} (nothing was sent)"), hint })
}

/// Cut so that no part has more requests or bytes than the service takes.
fn parts(gathered: Vec<Waiting>, (most, most_bytes): (usize, usize)) -> Vec<Vec<Waiting>> {
    let mut parts: Vec<Vec<Waiting>> = Vec::new();
    let mut bytes = 0;
    for waiting in gathered {
        // A little stands between two requests, and around all of them.
        let length = waiting.line.len() + 8;
        match parts.last_mut() {
            Some(part) if part.len() < most && bytes + length <= most_bytes.saturating_sub(1024) => {
                bytes += length;
                part.push(waiting);
            }
            _ => {
                bytes = length;
                parts.push(vec![waiting]);
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    fn waiting(bytes: usize) -> Waiting {
        let listed = Listed {
            call: "c".into(),
            course: String::new(),
            phase: String::new(),
            label: String::new(),
            items: Vec::new(),
            structured: false,
            prompt: Digest::default(),
        };
        let (reply, _) = oneshot::channel();
        Waiting { listed, line: vec![0; bytes], shape: None, schema_refused: Arc::default(), reply }
    }

    #[test]
    fn a_submission_keeps_to_the_limits() {
        let sizes = |bytes: &[usize], limits| {
            let all = bytes.iter().map(|bytes| waiting(*bytes)).collect();
            parts(all, limits).iter().map(Vec::len).collect::<Vec<_>>()
        };
        assert_eq!(sizes(&[10; 7], (3, 1_000_000)), [3, 3, 1]);
        assert_eq!(sizes(&[492; 7], (100, 1024 + 1000)), [2, 2, 2, 1]);
        assert_eq!(sizes(&[5000, 10, 5000], (100, 1024 + 1000)), [1, 1, 1], "a larger one goes alone");
        assert_eq!(sizes(&[], (3, 10)), [0; 0]);
        assert_eq!(sizes(&[1; 100_001], (100_000, 256_000_000)), [100_000, 1]);
    }
}
