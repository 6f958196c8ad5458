//! All items of a course with what is decided over them: what `plan` counts and `build` moves.
//!
//! A phase has one slot for every root of its source, in source order. A slot is open as soon as everything that its items
//! are made from is settled; then its items are known and each is decided. Decisions over an item by itself look only at earlier
//! phases, so slots can be opened in any order, and all at once; items are compared with one another after that. The groups
//! of a phase are known all at once, so such a phase has one slot for all.

use super::adopt::Adopt;
use super::cohort::Siblings;
use super::context::{Entries, entries};
use super::derived::Firsts;
use super::facts::Decision;
use super::found::Found;
use super::order::Order;
use super::recall::Recall;
use super::scope::scopes;
use super::select::Chosen;
use super::verdict::Verdict;
use crate::check::Checks;
use crate::course::{Context, Course, Feed, Role, Rule, Window};
use crate::diag::{Problem, Result};
use crate::digest::{Digest, Hasher};
use crate::graph::{Batches, Graph};
use crate::json::Value;
use crate::key::{Part, Recipe};
use crate::link::MainFile;
use crate::schedule::Lane;
use crate::store::Judgements;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

/// The id of the one root of a phase of groups. No id begins with it, so none is lifted as it.
const ALL_GROUPS: &str = "";

/// The state of one course.
pub struct Board<'w> {
    /// The course.
    pub course: &'w Course,
    /// Who feeds whom.
    pub graph: Graph,
    /// Its phases, by number.
    pub phases: Vec<PhaseBoard>,
    /// What a run may do with it.
    pub wishes: Wishes,
    /// What programs have said of batches.
    pub judgements: Judgements,
}

/// What the command line asks beside bringing up to date.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// What may be bought, by phase.
    pub chosen: Vec<Chosen>,
    /// `-B`.
    pub force: bool,
    /// `--fix`.
    pub fix: bool,
    /// `--retry-failed`.
    pub retry_failed: bool,
    /// `--refresh-edited`.
    pub refresh: bool,
    /// `--with-stale-inputs`: what is not bought feeds later phases with its last linked result.
    pub with_stale_inputs: bool,
    /// `adopt`.
    pub adopt: Adopt,
    /// `--recompute-derived`: derived fields do not stand as they were found.
    pub recompute: bool,
    /// Slots of which nobody can say whether the shared store fills them: what would be bought into one is held.
    pub out_of_reach: Arc<HashSet<Digest>>,
    /// `--trial`: what is bought stands for nothing.
    pub trial: bool,
    /// Items that a trial waits for already, by phase, id and content: they are not tried again.
    pub tried: HashSet<(usize, Arc<str>, Digest)>,
}

impl Wishes {
    /// Something is asked for beyond bringing up to date.
    pub(super) fn asks_for_more(&self) -> bool {
        self.force || self.fix || self.retry_failed || self.refresh || self.adopt != Adopt::No
    }
}

/// The state of one phase.
pub struct PhaseBoard {
    /// The ids of its roots, in source order.
    pub roots: Arc<[Arc<str>]>,
    /// One slot a root.
    pub slots: Vec<Slot>,
    /// What its outputs must satisfy.
    pub checks: Checks,
    /// Its main file as it was found.
    pub main: MainFile,
    /// How its items fall into batches.
    pub batches: Batches,
    /// What is known of its cohorts.
    pub(super) siblings: Siblings,
    /// Which scoped sections each root is sent, with the shared key parts of each such group; group 0 is sent none.
    pub scopes: Vec<Scope>,
    /// The scope of each root.
    pub scope_of: Vec<u32>,
    /// The number of each root.
    pub(super) numbers: Arc<HashMap<Arc<str>, usize>>,
    /// The items that may take over a result from another id, and are not decided.
    pub(super) claiming: BTreeSet<(usize, usize)>,
    /// The results that were taken over: content and the id that they were filed under.
    pub(super) taken: HashSet<(Digest, Arc<str>)>,
    /// Where the values of derived fields that look back stand first among the leading settled roots.
    pub(super) firsts: Firsts,
    /// The same over what the main file showed when the run began: for what is not settled.
    pub(super) firsts_before: Firsts,
    /// Of which items derived fields stand as they were found.
    pub(super) found: Found,
    /// All who are known to have answered in it: the key parts that say so.
    pub(super) authors: Vec<Vec<Part>>,
    /// What the last run knew of it.
    pub recall: Recall,
    /// The digest of the way in which a result becomes items; zero where more than one result and the rule decide it.
    pub(super) splitting: Digest,
    /// The number of leading roots that are settled for good.
    pub(super) settled: usize,
    /// What the checks that compare items remember, and what waits for them.
    pub(super) order: Order,
}

/// Items that are sent the same scoped sections.
pub struct Scope {
    /// The numbers of the scoped sections in the rule.
    pub sections: Vec<usize>,
    /// The shared parts of their keys.
    pub recipe: Recipe,
    /// The recipes that count as this one, nearest first.
    pub(super) same: Vec<Recipe>,
}

/// The items of one root in one phase.
#[derive(Debug, Default)]
pub struct Slot {
    /// How far it is.
    pub state: State,
    /// Its items, in order.
    pub cells: Vec<Cell>,
    /// The members of each item that is a group: root and number in the phase that feeds it. Else empty.
    pub(super) members: Vec<Vec<(u32, u32)>>,
    /// While it waits only for what stands before it: how many items to be bought it has at most.
    pub(super) possible: Option<u32>,
    /// Its items were compared with all that they are ever compared with in this run, vocabulary alone.
    pub(super) compared: bool,
}

/// How far a slot is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum State {
    /// What its items are made from is not settled; its cells are those that the last linked results would give.
    #[default]
    Pending,
    /// Its items are known; whether one of them may take over a result from another id is not.
    Claiming,
    /// Its items are known; some are to be bought in this run.
    Open,
    /// Nothing of it will be bought in this run any more.
    Settled,
}

/// One item.
#[derive(Debug, Clone)]
pub struct Cell {
    /// Its id.
    pub id: Arc<str>,
    /// Which of the upstream slot's items it comes from.
    pub from: u32,
    /// Its number among the elements of that one's list; of a group, its number among the groups.
    pub index: u32,
    /// It is the last element of that list.
    pub last: bool,
    /// Its content key; zero while it is pending.
    pub content: Digest,
    /// What is decided.
    pub decision: Decision,
    /// It may be bought in this run.
    pub chosen: bool,
    /// The item is blamed beside others, and a purchase before it could undo that: what is decided over it by itself.
    pub(super) doubt: Option<Box<Decision>>,
}

impl Cell {
    /// It will be bought in this run, unless the run stops.
    pub fn is_wanted(&self) -> bool {
        self.chosen && self.decision.verdict.is_to_buy()
    }
}

impl Cell {
    /// The content keys that its results may be under: its own first.
    pub fn contents(&self) -> impl Iterator<Item = Digest> + '_ {
        std::iter::once(self.content).chain(self.decision.same.iter().copied())
    }

    /// It has no result of its own and would be bought, so one of the same content would serve.
    pub(super) fn may_claim(&self) -> bool {
        matches!(self.decision.verdict, Verdict::Missing | Verdict::Stale(_))
            && self.decision.supersedes.is_none()
    }
}

impl Slot {
    /// Its items are known, and each is decided over.
    pub(super) fn is_decided(&self) -> bool {
        matches!(self.state, State::Open | State::Settled)
    }

    /// Open if something of it is to be bought, settled if not.
    pub(super) fn find_state(&mut self) {
        self.state = if self.cells.iter().any(Cell::is_wanted) { State::Open } else { State::Settled };
    }
}

/// One item with everything that a generator, a check or an explanation wants to know of it.
pub struct Detail {
    /// Its id and its root's.
    pub id: Arc<str>,
    /// The root's id.
    pub root: Arc<str>,
    /// Its input, ids in it.
    pub input: Value,
    /// The key parts of its own.
    pub own: Vec<Part>,
}

impl<'w> Board<'w> {
    /// Reads the main files and compiles the checks of a course. Nothing is decided yet.
    pub fn new(course: &'w Course, found: Vec<(MainFile, Recall)>) -> Result<Self> {
        let graph = Graph::of(course);
        let mut phases: Vec<PhaseBoard> = Vec::with_capacity(course.phases.len());
        for (at, (phase, (main, recall))) in course.phases.iter().zip(found).enumerate() {
            let source = graph.node(at).source;
            let roots: Arc<[Arc<str>]> = match source {
                _ if matches!(phase.rule.feed, Feed::Groups { .. }) => [ALL_GROUPS.into()].into(),
                own if own == at => phase.source.iter().map(|item| item.id.clone()).collect(),
                other => phases[other].roots.clone(),
            };
            let numbers = match source {
                own if own == at => Arc::new(roots.iter().cloned().zip(0..).collect()),
                other => phases[other].numbers.clone(),
            };
            let (scopes, scope_of) = scopes(course, &phase.rule, &numbers);
            let slots = roots.iter().map(|_| Slot::default()).collect();
            let checks = Checks::compile(&phase.rule)?;
            let order = Order::new(&checks);
            let (claiming, taken) = (BTreeSet::new(), HashSet::new());
            let batches = Batches::of(&phase.rule, &roots);
            if let Some(program) = checks.outside().next().filter(|_| batches.cohorts().is_some()) {
                let what =
                    format!("`{}` has cohorts, which no program can judge by its batches", phase.rule.name);
                return Err(Problem::author(what)
                    .because(format!("the check `{}` runs one", program.label))
                    .hint("leave the check out, or `cohort`"));
            }
            phases.push(PhaseBoard {
                batches,
                roots,
                slots,
                checks,
                main,
                siblings: Siblings::default(),
                scopes,
                scope_of,
                numbers,
                claiming,
                taken,
                firsts: Firsts::default(),
                firsts_before: Firsts::default(),
                found: Found::default(),
                authors: Vec::new(),
                recall,
                splitting: splitting(course, at),
                settled: 0,
                order,
            });
        }
        Ok(Self { course, graph, phases, wishes: Wishes::default(), judgements: Judgements::default() })
    }

    /// `-B` for an item that is selected: of what a target names, not of what that is made from.
    pub(super) fn forces(&self, phase: usize, id: &str, content: Digest, chosen: bool) -> bool {
        let tried = !self.wishes.tried.is_empty() && self.wishes.tried.contains(&(phase, id.into(), content));
        self.wishes.force
            && !tried
            && chosen
            && self.wishes.chosen.get(phase).is_none_or(|chosen| !chosen.is_upstream)
    }

    /// What of a selected item's main file entry is to be adopted: of what a target names, not of what that is made from.
    pub(super) fn adopts(&self, phase: usize, chosen: bool) -> Adopt {
        let named = self.wishes.chosen.get(phase).is_none_or(|chosen| !chosen.is_upstream);
        if chosen && named { self.wishes.adopt } else { Adopt::No }
    }

    /// A phase's rule.
    pub fn rule(&self, phase: usize) -> &'w Rule {
        &self.course.phases[phase].rule
    }

    /// What was to be kept in the store has been: nothing is filed twice.
    pub fn forget_filed(&mut self) {
        let slots = self.phases.iter_mut().flat_map(|phase| &mut phase.slots);
        for cell in slots.flat_map(|slot| &mut slot.cells) {
            cell.decision.file = None;
            cell.decision.claimed = false;
        }
    }

    /// The number of leading roots of a phase that are settled for good: nothing of them will be bought any more in this run,
    /// and neither will anything that they are made from or compared with.
    pub fn settled(&self, phase: usize) -> usize {
        self.phases[phase].settled
    }

    /// The first root of a phase whose calls may not leave yet, because a hint's window is not settled.
    pub fn gate(&self, phase: usize) -> u32 {
        let open = |context: &Context| {
            let (settled, all) = (self.settled(context.phase), self.phases[context.phase].roots.len());
            match context.window {
                _ if settled == all => usize::MAX,
                Window::WholePhase => 0,
                _ if self.graph.node(context.phase).source != self.graph.node(phase).source => 0,
                Window::AllEarlier | Window::Before(_) => settled,
            }
        };
        let contexts = self
            .rule(phase)
            .contexts
            .iter()
            .filter(|context| context.role == Role::Hint && context.phase != phase);
        contexts.map(open).min().map_or(u32::MAX, |root| u32::try_from(root).unwrap_or(u32::MAX))
    }

    /// What a context shows to the item with this number in this root.
    pub fn context(&self, phase: usize, context: &Context, root: usize, index: usize) -> Result<Entries> {
        entries(self, phase, context, root, index)
    }

    /// All items of a phase in source order, with their root's number and their own.
    pub fn cells(&self, phase: usize) -> impl Iterator<Item = (usize, usize, &Cell)> {
        self.phases[phase]
            .slots
            .iter()
            .enumerate()
            .flat_map(|(root, slot)| slot.cells.iter().enumerate().map(move |(at, cell)| (root, at, cell)))
    }

    /// The path of a phase's main file.
    pub fn main_path(&self, phase: usize) -> PathBuf {
        self.course.dir.join(&self.rule(phase).output.file)
    }
}

impl PhaseBoard {
    /// The key parts that all items share.
    pub(super) fn recipe_of_all(&self) -> &Recipe {
        &self.scopes[0].recipe
    }

    /// The shared key parts of a root's items.
    pub fn recipe(&self, root: usize) -> &Recipe {
        &self.scopes[self.scope_of[root] as usize].recipe
    }

    /// The lane of an item: items of different scopes, key contexts or cohorts never share a call, and neither do first requests
    /// and retries.
    pub fn lane(&self, root: usize, retry: bool, contexts: Option<Digest>) -> Lane {
        let cohort = self.batches.cohorts().map_or(0, |cohorts| cohorts.of(root));
        ((u64::from(cohort) << 32) | u64::from(self.scope_of[root]), retry, contexts.unwrap_or_default())
    }
}

/// What of the rules decides which items a result gives and what is shown of them, the recipe apart; zero where other results
/// decide it too: a key context shows them, a derived field looks at them, a group is made of them.
fn splitting(course: &Course, phase: usize) -> Digest {
    let rule = &course.phases[phase].rule;
    let Feed::Phase { phase: feed, explode } = &rule.feed else { return Digest::default() };
    let (fed, chooses) =
        (&course.phases[*feed].rule.output, explode.as_ref().is_some_and(|explode| explode.only.is_some()));
    if chooses || !fed.derived.is_empty() || rule.contexts.iter().any(|context| context.role == Role::Key) {
        return Digest::default();
    }
    let mut hasher = Hasher::new("splitting");
    hasher.field("feed", format!("{:?}", rule.feed).as_bytes());
    hasher.field("input", format!("{:?} {:?}", rule.input, rule.input_ids).as_bytes());
    hasher.field("ids", format!("{:?}", fed.ids).as_bytes());
    hasher.finish()
}
