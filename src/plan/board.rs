//! All items of a course with what is decided over them: what `plan` counts and `build` moves.
//!
//! A phase has one slot for every root of its source, in source order. A slot is open as soon as everything that its items
//! are made from is settled; then its items are known and each is decided. Decisions look only at earlier phases, so slots can
//! be opened in any order, and all at once.

use super::claim;
use super::context::{Entries, entries};
use super::decide::{Decision, decide};
use super::memory::Memory;
use super::select::Chosen;
use super::verdict::Verdict;
use crate::check::{Checks, Finding, Subject};
use crate::course::{
    Context, Course, Feed, ItemDraft, Role, Rule, Section, SourceItem, Upstream, Window, draft_items,
};
use crate::diag::{Problem, Result};
use crate::digest::Digest;
use crate::graph::Graph;
use crate::json::{Ids, Value, lift, normalize, put_back};
use crate::key::{Part, Recipe, own_parts};
use crate::link::MainFile;
use crate::schedule::Lane;
use rayon::prelude::*;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

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
    /// `--with-stale-inputs`: what is not bought feeds later phases with its last linked result.
    pub with_stale_inputs: bool,
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
    /// The number of leading roots that are settled.
    settled: usize,
}

/// Items that are sent the same scoped sections.
pub struct Scope {
    /// The numbers of the scoped sections in the rule.
    pub sections: Vec<usize>,
    /// The shared parts of their keys.
    pub recipe: Recipe,
}

/// The items of one root in one phase.
#[derive(Debug, Default)]
pub struct Slot {
    /// How far it is.
    pub state: State,
    /// Its items, in order.
    pub cells: Vec<Cell>,
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
    /// Its number among the items split from that one.
    pub index: u32,
    /// Its content key; zero while it is pending.
    pub content: Digest,
    /// What is decided.
    pub decision: Decision,
    /// It may be bought in this run.
    pub chosen: bool,
}

impl Cell {
    /// It will be bought in this run, unless the run stops.
    pub fn is_wanted(&self) -> bool {
        self.chosen && self.decision.verdict.is_to_buy()
    }
}

impl Cell {
    /// It has no result of its own and would be bought, so one of the same content would serve.
    pub(super) fn may_claim(&self) -> bool {
        matches!(self.decision.verdict, Verdict::Missing | Verdict::Stale(_))
            && self.decision.supersedes.is_none()
    }
}

impl Slot {
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
    pub fn new(course: &'w Course, main_files: Vec<MainFile>) -> Result<Self> {
        let graph = Graph::of(course);
        let mut phases: Vec<PhaseBoard> = Vec::with_capacity(course.phases.len());
        for (at, (phase, main)) in course.phases.iter().zip(main_files).enumerate() {
            let source = graph.node(at).source;
            let roots: Arc<[Arc<str>]> = match source {
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
            let (claiming, taken) = (BTreeSet::new(), HashSet::new());
            phases.push(PhaseBoard {
                roots,
                slots,
                checks,
                main,
                scopes,
                scope_of,
                numbers,
                claiming,
                taken,
                settled: 0,
            });
        }
        Ok(Self { course, graph, phases, wishes: Wishes::default() })
    }

    /// A phase's rule.
    pub fn rule(&self, phase: usize) -> &'w Rule {
        &self.course.phases[phase].rule
    }

    /// Decides over all slots that can be opened, phase by phase, and lists for the others what the last linked results give.
    pub fn open_all(&mut self, memory: &Memory<'_>) -> Result<()> {
        for phase in 0..self.phases.len() {
            let this = &*self;
            let slots: Vec<Slot> = (0..this.phases[phase].slots.len())
                .into_par_iter()
                .map(|root| {
                    if this.can_open(phase, root) {
                        this.slot(phase, root, memory)
                    } else {
                        this.provisional(phase, root, memory)
                    }
                })
                .collect::<Result<_>>()?;
            let claims = slots.iter().enumerate().filter(|(_, slot)| slot.state == State::Claiming);
            let claiming = claims.flat_map(|(root, slot)| claim::wanting(root, slot)).collect();
            self.phases[phase].slots = slots;
            self.phases[phase].claiming = claiming;
            self.choose_batches(phase);
            claim::take_over(self, phase, memory)?;
            self.advance(phase);
        }
        Ok(())
    }

    /// Opens the slots that have become ready since `root` of `phase` was settled. Gives each, with its phase, in an order that
    /// does not matter. `waiting` holds, by phase, the roots that were not open before.
    pub fn open_after(
        &mut self,
        phase: usize,
        root: usize,
        waiting: &mut [BTreeSet<usize>],
        memory: &Memory<'_>,
    ) -> Result<Vec<(usize, usize)>> {
        let mut opened = Vec::new();
        let mut settled = vec![(phase, root)];
        while let Some((phase, root)) = settled.pop() {
            self.advance(phase);
            for reader in self.graph.node(phase).readers.clone() {
                let mut ready = Vec::new();
                for root in self.candidates(reader, phase, root, &waiting[reader]) {
                    if self.can_open(reader, root) {
                        waiting[reader].remove(&root);
                        let slot = self.slot(reader, root, memory)?;
                        let board = &mut self.phases[reader];
                        match slot.state {
                            State::Claiming => board.claiming.extend(claim::wanting(root, &slot)),
                            _ => ready.push(root),
                        }
                        board.slots[root] = slot;
                    }
                }
                if !ready.is_empty() {
                    self.choose_batches(reader);
                }
                ready.extend(claim::take_over(self, reader, memory)?);
                for root in ready {
                    opened.push((reader, root));
                    if self.phases[reader].slots[root].state == State::Settled {
                        settled.push((reader, root));
                    }
                }
            }
        }
        Ok(opened)
    }

    /// The waiting roots of `reader` that may have become ready when `root` of `phase` was settled.
    fn candidates(&self, reader: usize, phase: usize, root: usize, waiting: &BTreeSet<usize>) -> Vec<usize> {
        let windowed = self.rule(reader).contexts.iter().any(|context| context.role != Role::Hint);
        if windowed {
            waiting.iter().copied().take_while(|root| *root <= self.settled(phase)).collect()
        } else if self.graph.node(reader).feed == Some(phase) {
            waiting.get(&root).copied().into_iter().collect()
        } else {
            Vec::new()
        }
    }

    /// Says that a slot has nothing left to be bought in this run.
    pub fn settle(&mut self, phase: usize, root: usize) {
        self.phases[phase].slots[root].state = State::Settled;
        self.advance(phase);
    }

    /// The number of leading roots of a phase that are settled.
    pub fn settled(&self, phase: usize) -> usize {
        self.phases[phase].settled
    }

    fn advance(&mut self, phase: usize) {
        let board = &mut self.phases[phase];
        while board.slots.get(board.settled).is_some_and(|slot| slot.state == State::Settled) {
            board.settled += 1;
        }
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

    fn can_open(&self, phase: usize, root: usize) -> bool {
        let feed = self.graph.node(phase).feed;
        let fed = feed.is_none_or(|feed| self.phases[feed].slots[root].state == State::Settled);
        fed && self.rule(phase).contexts.iter().filter(|context| context.role != Role::Hint).all(|context| {
            let (settled, all) = (self.settled(context.phase), self.phases[context.phase].roots.len());
            match context.window {
                _ if settled == all => true,
                Window::WholePhase => false,
                _ if self.graph.node(context.phase).source != self.graph.node(phase).source => false,
                Window::AllEarlier | Window::Before(_) => {
                    settled > root || (Some(context.phase) != feed && settled == root)
                }
            }
        })
    }

    /// The items of a slot, decided. Items of upstream results that are not to be had in this run stay pending.
    fn slot(&self, phase: usize, root: usize, memory: &Memory<'_>) -> Result<Slot> {
        let mut cells = Vec::new();
        match self.graph.node(phase).feed {
            None => {
                let item = &self.course.phases[phase].source[root];
                for draft in self.source_drafts(phase, item)? {
                    cells.push(self.decided(phase, root, 0, &draft, memory)?);
                }
            }
            Some(feed) => {
                for (from, upstream) in self.phases[feed].slots[root].cells.iter().enumerate() {
                    let stale_input =
                        upstream.decision.linked.as_ref().filter(|_| self.wishes.with_stale_inputs);
                    match upstream.decision.current.as_ref().or(stale_input) {
                        Some(current) => {
                            for draft in self.drafts(phase, root, &upstream.id, &current.text)? {
                                cells.push(self.decided(phase, root, from, &draft, memory)?);
                            }
                        }
                        None => self.add_provisional(phase, root, from, upstream, memory, &mut cells)?,
                    }
                }
            }
        }
        let mut slot = Slot { state: State::Settled, cells };
        slot.find_state();
        let may_claim =
            |cell: &Cell| cell.may_claim() && memory.has_others(self, phase, cell.content, &cell.id);
        if slot.cells.iter().any(may_claim) {
            slot.state = State::Claiming;
        }
        Ok(slot)
    }

    fn provisional(&self, phase: usize, root: usize, memory: &Memory<'_>) -> Result<Slot> {
        let mut cells = Vec::new();
        if let Some(feed) = self.graph.node(phase).feed {
            for (from, upstream) in self.phases[feed].slots[root].cells.iter().enumerate() {
                self.add_provisional(phase, root, from, upstream, memory, &mut cells)?;
            }
        }
        Ok(Slot { state: State::Pending, cells })
    }

    /// The items that the last linked result of an upstream item gives; without one, the upstream item stands for its own.
    fn add_provisional(
        &self,
        phase: usize,
        root: usize,
        from: usize,
        upstream: &Cell,
        memory: &Memory<'_>,
        cells: &mut Vec<Cell>,
    ) -> Result<()> {
        let pending = |id: &Arc<str>, index| -> Result<Cell> {
            let linked = memory.last_linked(self, phase, id, &self.phases[phase].roots[root])?;
            let decision = Decision::pending(Verdict::Pending(vec![upstream.id.to_string()]), linked);
            Ok(Cell {
                id: id.clone(),
                from: small(from),
                index,
                content: Digest::default(),
                decision,
                chosen: false,
            })
        };
        match (&upstream.decision.linked, &self.rule(phase).feed) {
            (Some(linked), _) => {
                for draft in self.drafts(phase, root, &upstream.id, &linked.text)? {
                    cells.push(pending(&draft.id, small(draft.index))?);
                }
            }
            (None, Feed::Phase { explode: Some(_), .. }) => {}
            (None, _) => cells.push(pending(&upstream.id, 0)?),
        }
        Ok(())
    }

    fn drafts(&self, phase: usize, root: usize, id: &Arc<str>, lifted: &str) -> Result<Vec<ItemDraft>> {
        let Some(feed) = self.graph.node(phase).feed else { return Ok(Vec::new()) };
        let output = self.full_output(feed, id, &self.phases[phase].roots[root], lifted)?;
        let upstream = Upstream { id, root: &self.phases[phase].roots[root], value: &output };
        draft_items(self.rule(phase), self.course.into(), &upstream).map_err(|why| {
            Problem::author(format!("`{}` of `{}` cannot be split into items of `{}`", id, self.rule(feed).name, self.rule(phase).name))
                .because(why)
                .hint("mend that item in its main file, or add a check to the phase that makes it, so that it is asked for again")
        })
    }

    fn source_drafts(&self, phase: usize, item: &SourceItem) -> Result<Vec<ItemDraft>> {
        let upstream = Upstream { id: &item.id, root: &item.id, value: &item.value };
        draft_items(self.rule(phase), self.course.into(), &upstream).map_err(|why| {
            Problem::author(format!("the source item `{}` cannot be used", item.id)).because(why)
        })
    }

    /// An output with the item's ids put back.
    pub fn full_output(&self, phase: usize, id: &str, root: &str, lifted: &str) -> Result<Value> {
        let mut value: Value = serde_json::from_str(lifted)
            .map_err(|e| Problem::internal(format!("the result of `{id}` is not JSON")).because(e))?;
        put_back(&mut value, &self.rule(phase).output.ids, Ids { id, root });
        Ok(value)
    }

    fn decided(
        &self,
        phase: usize,
        root: usize,
        from: usize,
        draft: &ItemDraft,
        memory: &Memory<'_>,
    ) -> Result<Cell> {
        let detail = self.detail(phase, root, draft)?;
        let content = self.phases[phase].recipe(root).content(&detail.own);
        let chosen = self.wishes.chosen.get(phase).is_none_or(|chosen| chosen.has(root, &draft.id, 0));
        let decision = self.decide(phase, &detail, content, chosen, Vec::new(), memory)?;
        Ok(Cell {
            id: draft.id.clone(),
            from: small(from),
            index: small(draft.index),
            content,
            decision,
            chosen,
        })
    }

    /// Decides over one item, with the results that it may take over from other ids.
    pub(super) fn decide(
        &self,
        phase: usize,
        detail: &Detail,
        content: Digest,
        chosen: bool,
        claimable: Vec<super::Candidate>,
        memory: &Memory<'_>,
    ) -> Result<Decision> {
        let mut facts = match memory.facts(self, phase, &detail.id, &detail.root, content, chosen)? {
            super::memory::Told::Fresh(current) => return Ok(Decision::fresh(current)),
            super::memory::Told::Facts(facts) => *facts,
        };
        facts.claimable = claimable;
        Ok(decide(&facts, &|lifted| self.judge(phase, detail, lifted)))
    }

    /// The findings of an output in lifted form.
    pub fn judge(&self, phase: usize, detail: &Detail, lifted: &str) -> Vec<Finding> {
        let ids = Ids { id: &detail.id, root: &detail.root };
        match self.full_output(phase, ids.id, ids.root, lifted) {
            Ok(mut output) => {
                normalize(&mut output);
                self.phases[phase].checks.item(&Subject { ids, input: &detail.input, output: &output })
            }
            Err(problem) => crate::check::missing_output(&[ids.id], &problem.what),
        }
    }

    fn detail(&self, phase: usize, root: usize, draft: &ItemDraft) -> Result<Detail> {
        let root_id = &self.phases[phase].roots[root];
        let mut lifted = draft.input.clone();
        lift(&mut lifted, &self.rule(phase).input_ids, Ids { id: &draft.id, root: root_id });
        let keyed: Vec<(&str, Value)> = self
            .rule(phase)
            .contexts
            .iter()
            .filter(|context| context.role == Role::Key)
            .map(|context| {
                Ok((context.name.as_str(), self.context(phase, context, root, draft.index)?.value()))
            })
            .collect::<Result<_>>()?;
        let own = own_parts(&lifted, keyed.iter().map(|(name, value)| (*name, value)));
        Ok(Detail { id: draft.id.clone(), root: root_id.clone(), input: draft.input.clone(), own })
    }

    /// An item's input and key parts, made again from what feeds it. `None` for one that is pending.
    pub fn detail_of(&self, phase: usize, root: usize, cell: usize) -> Result<Option<Detail>> {
        let cell = &self.phases[phase].slots[root].cells[cell];
        if matches!(cell.decision.verdict, Verdict::Pending(_)) {
            return Ok(None);
        }
        let draft = match self.graph.node(phase).feed {
            None => self
                .source_drafts(phase, &self.course.phases[phase].source[root])?
                .into_iter()
                .nth(cell.index as usize),
            Some(feed) => {
                let upstream = &self.phases[feed].slots[root].cells[cell.from as usize];
                let text = upstream
                    .decision
                    .current
                    .as_ref()
                    .or(upstream.decision.linked.as_ref())
                    .map(|current| current.text.clone());
                let drafts = text.map(|text| self.drafts(phase, root, &upstream.id, &text)).transpose()?;
                drafts.and_then(|drafts| drafts.into_iter().nth(cell.index as usize))
            }
        };
        draft.map(|draft| self.detail(phase, root, &draft)).transpose()
    }

    /// What a context shows to the item with this number in this root.
    pub fn context(&self, phase: usize, context: &Context, root: usize, index: usize) -> Result<Entries> {
        entries(self, phase, context, root, index)
    }

    fn choose_batches(&mut self, phase: usize) {
        let size = self.rule(phase).batch.size;
        let Some(chosen) = self.wishes.chosen.get(phase).filter(|chosen| !chosen.batches.is_empty()) else {
            return;
        };
        let mut position = 0;
        for (root, slot) in self.phases[phase].slots.iter_mut().enumerate() {
            for cell in &mut slot.cells {
                cell.chosen = chosen.has(root, &cell.id, crate::graph::batch_of(position, size));
                position += 1;
            }
            if matches!(slot.state, State::Open | State::Settled) {
                slot.find_state();
            }
        }
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
    /// The shared key parts of a root's items.
    pub fn recipe(&self, root: usize) -> &Recipe {
        &self.scopes[self.scope_of[root] as usize].recipe
    }

    /// The lane of a root's items: those of different scopes never share a call, and neither do first requests and retries.
    pub fn lane(&self, root: usize, retry: bool) -> Lane {
        self.scope_of[root] * 2 + u32::from(retry)
    }
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Groups the roots by the scoped sections that they are sent.
fn scopes(course: &Course, rule: &Rule, numbers: &HashMap<Arc<str>, usize>) -> (Vec<Scope>, Vec<u32>) {
    let mut sent: Vec<Vec<usize>> = vec![Vec::new(); numbers.len()];
    for (number, section) in rule.prompt.scoped.iter().enumerate() {
        let Some((first, last)) = &section.scope else { continue };
        let find = |id: &String| numbers.get(id.as_str()).copied();
        // A range smaller than the course leaves scopes that name nothing: they are for nobody, not an error.
        if let (Some(first), Some(last)) = (find(first), find(last)) {
            sent.iter_mut().take(last + 1).skip(first).for_each(|sections| sections.push(number));
        }
    }
    let mut groups: Vec<Vec<usize>> = vec![Vec::new()];
    let scope_of = sent
        .into_iter()
        .map(|sections| {
            let at = groups.iter().position(|group| *group == sections).unwrap_or_else(|| {
                groups.push(sections);
                groups.len() - 1
            });
            small(at)
        })
        .collect();
    let scopes = groups
        .into_iter()
        .map(|sections| {
            let texts: Vec<&Section> = sections.iter().map(|number| &rule.prompt.scoped[*number]).collect();
            Scope { recipe: Recipe::of(course, rule, &texts), sections }
        })
        .collect();
    (scopes, scope_of)
}
