//! The log: what the store knows of the calls that asked for items, and what became of what they brought.

use super::look::{named, phases_of, targets, with_boards};
use super::options::Options;
use super::session::Session;
use super::views::{LogItem, LogLine, LogOutcome, LogSection};
use crate::course::Workspace;
use crate::diag::Result;
use crate::digest::Digest;
use crate::plan::{Board, What};
use crate::store::{AskedItem, Entry, Intent, Source};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The calls that asked for items of the selected targets, oldest first.
pub fn log(options: &Options) -> Result<Vec<LogLine>> {
    with_boards(options, |session, boards, _| {
        let targets = targets(options, boards)?;
        let mut wanted = Vec::new();
        for target in &targets {
            let board = &boards[target.course];
            for phase in phases_of(board, target) {
                let ids = match &target.what {
                    What::All => None,
                    what => {
                        Some(named(board, phase, what)?.iter().map(|(.., cell)| cell.id.clone()).collect())
                    }
                };
                wanted.push(Wanted { course: &board.course.code, phase: &board.rule(phase).name, ids });
            }
        }
        let all = targets.is_empty();
        let mut lines = lines(session, boards, &|source| {
            all || wanted.iter().any(|wanted| wanted.is_of(&source.course, &source.phase))
        })?;
        lines.retain(|line| all || wanted.iter().any(|wanted| wanted.fits(line)));
        Ok(lines)
    })
}

/// The items of a phase that were named.
struct Wanted<'b> {
    course: &'b str,
    phase: &'b str,
    /// `None`: all.
    ids: Option<HashSet<Arc<str>>>,
}

impl Wanted<'_> {
    fn is_of(&self, course: &str, phase: &str) -> bool {
        (self.course, self.phase) == (course, phase)
    }

    fn fits(&self, line: &LogLine) -> bool {
        let has = |ids: &HashSet<Arc<str>>| line.items.iter().any(|item| ids.contains(&*item.id));
        self.is_of(&line.course, &line.phase) && self.ids.as_ref().is_none_or(has)
    }
}

/// Every call and filing that the store knows, oldest first.
pub(super) fn log_of(session: &Session, boards: &[Board<'_>]) -> Result<Vec<LogLine>> {
    lines(session, boards, &|_| true)
}

fn lines(session: &Session, boards: &[Board<'_>], wanted: &dyn Fn(&Source) -> bool) -> Result<Vec<LogLine>> {
    let index = session.store.index()?;
    let sources = index.sources().iter().filter(|source| wanted(source));
    // A torn entry is one that is not there.
    let mut entries: Vec<Entry> =
        sources.filter_map(|source| session.store.entry(source.entry).ok()).collect();
    entries.sort_by(|a, b| (a.intent.asked_ms, &a.intent.call).cmp(&(b.intent.asked_ms, &b.intent.call)));
    let refused = Refused::of(&entries, boards);
    Ok(entries.into_iter().map(|entry| log_line(entry, &session.workspace, &refused)).collect())
}

/// Which results were refused: what a later call was told not to bring again, and what a board refuses now. An entry says what came
/// and never what was thought of it, for checks change.
struct Refused {
    /// By item and result: when a call last named it so, in milliseconds since 1970.
    named: HashMap<Place, u64>,
    /// By item and content key.
    now: HashMap<Place, Vec<Digest>>,
}

/// Course, phase, id, and a digest of something of the item.
type Place = (String, String, Arc<str>, Digest);

impl Refused {
    /// `entries`: the oldest first.
    fn of(entries: &[Entry], boards: &[Board<'_>]) -> Self {
        let mut refused = Self { named: HashMap::new(), now: HashMap::new() };
        for Entry { intent, .. } in entries {
            for item in &intent.items {
                for digest in &item.refused {
                    refused.named.insert(place(intent, item, *digest), intent.asked_ms);
                }
            }
        }
        for board in boards {
            for phase in 0..board.phases.len() {
                let (course, name) = (&board.course.code, &board.rule(phase).name);
                for (.., cell) in board.cells(phase).filter(|(.., cell)| !cell.decision.refused.is_empty()) {
                    for content in std::iter::once(&cell.content).chain(&cell.decision.same) {
                        let place = (course.clone(), name.clone(), cell.id.clone(), *content);
                        refused.now.insert(place, cell.decision.refused.clone());
                    }
                }
            }
        }
        refused
    }

    fn holds(&self, intent: &Intent, item: &AskedItem, digest: Digest) -> bool {
        let named = self.named.get(&place(intent, item, digest));
        let now = self.now.get(&place(intent, item, item.content));
        // What a call was told of came before it, unless it brought the same again.
        named.is_some_and(|asked| *asked >= intent.asked_ms)
            || now.is_some_and(|refused| refused.contains(&digest))
    }
}

fn place(intent: &Intent, item: &AskedItem, digest: Digest) -> Place {
    (intent.course.clone(), intent.phase.clone(), item.id.clone(), digest)
}

#[expect(clippy::cast_precision_loss, reason = "a duration in milliseconds fits a double with room to spare")]
fn log_line(entry: Entry, workspace: &Workspace, refused: &Refused) -> LogLine {
    let Entry { intent, provenance, ended, ended_ms, meters, money_usd, model, stderr, raw, results } = entry;
    // A price that became known later tells what the call had cost.
    let hour = workspace
        .courses
        .iter()
        .filter(|course| course.code == intent.course)
        .flat_map(|course| &course.phases);
    let hour =
        hour.filter(|phase| phase.rule.name == intent.phase).any(|phase| phase.rule.generate.keeps_an_hour());
    let money_usd = money_usd.or_else(|| {
        super::call::cost(&workspace.prices, [&model, &intent.model], &meters, intent.asked_ms, hour)
    });
    let items = intent.items.iter().enumerate().map(|(at, item)| {
        let digest = results.iter().find(|stored| stored.item == at).map(|stored| stored.digest);
        let outcome = match digest {
            None => LogOutcome::Nothing,
            Some(digest) if refused.holds(&intent, item, digest) => LogOutcome::Refused,
            Some(_) => LogOutcome::Stored,
        };
        LogItem { id: item.id.to_string(), outcome, digest }
    });
    LogLine {
        items: items.collect(),
        call: intent.call,
        target_label: intent.label,
        phase: intent.phase,
        course: intent.course,
        scope: intent.scope,
        attempt: intent.attempt,
        provenance,
        generator: intent.generator,
        model: model.or(intent.model),
        asked_ms: intent.asked_ms,
        seconds: ended_ms.saturating_sub(intent.asked_ms) as f64 / 1000.0,
        ended,
        usage: meters,
        money_usd,
        sections: intent
            .recipe
            .into_iter()
            .map(|part| LogSection { name: part.name.to_string(), digest: part.digest })
            .collect(),
        hints: intent.hints,
        answer: raw,
        stderr,
    }
}
