//! A submission of an earlier run is gone on with: found again, waited for, its results handed over as replies.

use super::super::exchange::Trouble;
use super::{Part, Record, Seen, Service, Standing, Stuck, refused_as_a_whole, unreached};
use crate::generate::{Outcome, Reply, Stop};
use crate::json::Shape;
use std::collections::HashMap;

/// What came of going on with a submission.
#[derive(Debug)]
pub enum Resumed {
    /// The service never took it: nothing was asked.
    NeverTaken,
    /// It is over: every one of the calls that were asked about has its reply.
    Over,
    /// It goes on without us. `None`: the run was interrupted.
    Left(Option<Stuck>),
}

/// Goes on with a submission. `open`: its calls that have no reply yet, each with the phase's shape where one was asked for by
/// schema; `give` is handed theirs.
pub async fn resume(
    service: &Service,
    record: &mut Record,
    open: HashMap<String, Option<Shape>>,
    stop: &mut Stop,
    give: &mut (dyn FnMut(&str, Reply) + Send),
) -> Resumed {
    if record.state.batch.is_none() {
        match service.settle(record, stop).await {
            Ok(true) => {}
            Ok(false) => return Resumed::NeverTaken,
            Err(stuck) => return Resumed::Left(stuck),
        }
    }
    service.tell(record, "resumed", super::Counts::default());
    let seen = match service.wait(record, stop).await {
        Ok(seen) => seen,
        Err(trouble) => return Resumed::Left(service.stuck(record, trouble)),
    };
    match service.hand_out(&seen, open, stop, &mut |call, _, reply| give(call, reply)).await {
        Ok(()) => Resumed::Over,
        Err(trouble) => Resumed::Left(service.stuck(record, trouble)),
    }
}

impl Service {
    /// Hands out the replies to calls of a submission that has ended: answers as they are read, the others at the end. With each:
    /// whether the service refused the request for its schema.
    pub(super) async fn hand_out(
        &self,
        seen: &Seen,
        mut open: HashMap<String, Option<Shape>>,
        stop: &mut Stop,
        give: &mut (dyn FnMut(&str, bool, Reply) + Send),
    ) -> Result<(), Trouble> {
        match &seen.standing {
            Standing::Failed(why) => {
                let why = self.endpoint.key.as_ref().map_or_else(|| why.clone(), |key| key.taken_out_of(why));
                for call in open.keys() {
                    give(call, false, Reply::of(refused_as_a_whole(&why)));
                }
                return Ok(());
            }
            Standing::Gone => {
                let what = "its results are not kept any more";
                return Err(Trouble::Unusable(what.to_owned(), "results are kept for about a month"));
            }
            Standing::Ended | Standing::Working => {}
        }
        let mut rest: HashMap<String, Part> = HashMap::new();
        let mut brought = 0;
        let mut hear = |call: String, part: Part| {
            let Some(shape) = open.get(&call) else { return };
            if matches!(part, Part::Answer(_)) {
                let (reply, refused) = self.reply(part, shape.as_ref());
                if matches!(reply.outcome, Outcome::Unreached(_)) {
                    return;
                }
                brought += 1;
                give(&call, refused, reply);
                open.remove(&call);
                rest.remove(&call);
            } else {
                rest.entry(call).or_insert(part);
            }
        };
        self.results(seen, stop, &mut hear).await?;
        let replies: Vec<(String, Reply, bool)> = open
            .into_iter()
            .map(|(call, shape)| match rest.remove(&call) {
                Some(part) => {
                    let (reply, refused) = self.reply(part, shape.as_ref());
                    (call, reply, refused)
                }
                None => (call, unreached("the service says nothing of it"), false),
            })
            .collect();
        // Where not a single request came to anything, asking on would bring no more.
        let in_vain = brought == 0
            && replies
                .iter()
                .all(|(_, reply, refused)| matches!(reply.outcome, Outcome::Unreached(_)) && !refused);
        for (call, reply, refused) in replies {
            let reply = match reply.outcome {
                Outcome::Unreached(why) if in_vain => Reply::of(Outcome::Transport(format!(
                    "a submission ended and brought nothing at all: {why}; nothing of it is charged"
                ))),
                _ => reply,
            };
            give(&call, refused, reply);
        }
        Ok(())
    }
}
