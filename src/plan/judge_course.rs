//! A whole course judged as it stands in its main files: every check over every item, those that compare items in source order.
//!
//! Needs no lock, no store and no board: what an item is made from is read from the main file of the phase before. So it
//! says the same of a course that was made elsewhere. What stands in a main file stands, with errors or without, so later items
//! are compared with it; an answer that a build has refused is in no main file.

use crate::check::{Asked, Checks, Finding, Lexicon, LexiconSpec, Position, Subject, Told};
use crate::course::{Course, Feed, ItemDraft, Rule, Severity, Upstream, draft_group, draft_items, group_of};
use crate::diag::{Result, escape};
use crate::graph::{Batches, Graph};
use crate::json::{Ids, Value, normalize, strip};
use crate::link::{Found, MainFile};
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::small;

/// The label of what is found about which items there are.
pub const COVERAGE: &str = "coverage";
/// The type of the finding on a result that cannot be split into items.
const NO_ITEMS: &str = "no_items";
/// Results that are read at once while a vocabulary is learnt.
const AT_ONCE: usize = 4096;

/// One phase, judged.
#[derive(Debug)]
pub struct JudgedPhase {
    /// Its items in source order, those too that its main file does not have.
    pub items: Vec<JudgedItem>,
    /// What its main file has beyond them, in its order.
    pub extra: Vec<String>,
    /// What is said of items that are not in the charge of whoever says it: warnings.
    pub elsewhere: Vec<Told>,
    /// How its items fall into batches.
    pub batches: Batches,
    /// What its checks are called, in the rule's order.
    pub labels: Vec<Arc<str>>,
}

/// One item, judged.
#[derive(Debug)]
pub struct JudgedItem {
    /// Its id.
    pub id: Arc<str>,
    /// The id of its root.
    pub root_id: Arc<str>,
    /// The number of its root among the source items; 0 for a group.
    pub root: u32,
    /// Its number among the elements of the list that it was split from.
    pub index: u32,
    /// Where it stands in the main file; `None`: it is not there.
    pub found: Option<Found>,
    /// What the checks say of it.
    pub told: Vec<Told>,
}

/// An item judged alone, with what the checks that compare items need of it.
struct Alone {
    item: JudgedItem,
    compared: Option<(Value, Value, Asked)>,
}

struct Judge<'c> {
    course: &'c Course,
    mains: &'c [MainFile],
    done: Vec<JudgedPhase>,
}

/// Judges all phases of a course. `mains` are its main files, one a phase.
///
/// # Errors
/// An author's problem of a rule's checks.
pub fn judge_course(course: &Course, mains: &[MainFile]) -> Result<Vec<JudgedPhase>> {
    let mut judge = Judge { course, mains, done: Vec::new() };
    for phase in 0..course.phases.len() {
        let judged = judge.phase(phase)?;
        judge.done.push(judged);
    }
    Ok(judge.done)
}

impl<'c> Judge<'c> {
    fn phase(&mut self, phase: usize) -> Result<JudgedPhase> {
        let checks = Checks::compile(self.rule(phase))?;
        let lexicon = checks.reads().map(|spec| self.lexicon(spec));
        let units = self.units(phase);
        let this = &*self;
        let judged: Vec<(Vec<Alone>, Option<String>)> = (0..units)
            .into_par_iter()
            .map(|unit| this.unit(phase, unit, &checks, lexicon.as_ref()))
            .collect();
        let mut items = Vec::with_capacity(units);
        let mut ledger = checks.ledger();
        for (unit, (alone, unsplit)) in judged.into_iter().enumerate() {
            if let (Some(why), Feed::Phase { phase: feed, .. }) = (unsplit, &self.rule(phase).feed) {
                let item = &mut self.done[*feed].items[unit];
                item.told.push(cannot_split(&item.id, &why));
            }
            for Alone { mut item, compared } in alone {
                if let Some((input, output, asked)) = compared {
                    let subject = subject(&item, &input, &output);
                    let told = checks.told_in_order(&ledger, &subject, asked);
                    checks.admit(&mut ledger, &subject);
                    item.told.extend(told);
                }
                items.push(item);
            }
        }
        let known: HashSet<&str> = items.iter().map(|item| &*item.id).collect();
        let extra = self.mains[phase].ids().filter(|id| !known.contains(id)).map(str::to_owned).collect();
        let source = Graph::of(self.course).node(phase).source;
        let roots: Vec<&str> = self.course.phases[source].source.iter().map(|item| &*item.id).collect();
        let batches = Batches::of(self.rule(phase), &roots);
        Ok(JudgedPhase { items, extra, elsewhere: Vec::new(), batches, labels: checks.labels() })
    }

    fn rule(&self, phase: usize) -> &'c Rule {
        &self.course.phases[phase].rule
    }

    /// How many things a phase's items are made from.
    fn units(&self, phase: usize) -> usize {
        match &self.rule(phase).feed {
            Feed::Source => self.course.phases[phase].source.len(),
            Feed::Phase { phase: feed, .. } => self.done[*feed].items.len(),
            Feed::Groups { .. } => 1,
        }
    }

    /// The items that one of those things gives, judged; and why it gives none.
    fn unit(
        &self,
        phase: usize,
        unit: usize,
        checks: &Checks,
        lexicon: Option<&Lexicon>,
    ) -> (Vec<Alone>, Option<String>) {
        let (root, drafts) = match self.drafts(phase, unit) {
            Ok(found) => found,
            Err(why) => return (Vec::new(), Some(why)),
        };
        let judged = drafts.into_iter().map(|draft| self.alone(phase, root, draft, checks, lexicon));
        (judged.collect(), None)
    }

    fn drafts(&self, phase: usize, unit: usize) -> std::result::Result<(u32, Vec<ItemDraft>), String> {
        let (rule, names) = (self.rule(phase), self.course.into());
        let drafts = |root, upstream: &Upstream<'_>| {
            draft_items(rule, names, upstream).map(|drafts| (root, drafts)).map_err(|why| why.to_string())
        };
        match &rule.feed {
            Feed::Source => {
                let item = &self.course.phases[phase].source[unit];
                drafts(small(unit), &Upstream { id: &item.id, root: &item.id, value: &item.value })
            }
            Feed::Phase { phase: feed, .. } => {
                let item = &self.done[*feed].items[unit];
                let Some(value) = item.found.map(|found| self.whole(*feed, found)) else {
                    return Ok((item.root, Vec::new()));
                };
                drafts(item.root, &Upstream { id: &item.id, root: &item.root_id, value: &value })
            }
            Feed::Groups { phase: feed, by } => {
                let members: Vec<(&JudgedItem, Value)> = self.done[*feed]
                    .items
                    .iter()
                    .filter_map(|item| Some((item, self.whole(*feed, item.found?))))
                    .collect();
                let mut groups: Vec<(Arc<str>, Vec<Upstream<'_>>)> = Vec::new();
                let mut numbers: HashMap<String, usize> = HashMap::new();
                for (item, value) in &members {
                    let upstream = Upstream { id: &item.id, root: &item.root_id, value };
                    let Ok(name) = group_of(by, &upstream) else { continue };
                    let number = *numbers.entry(name.to_owned()).or_insert_with(|| {
                        groups.push((name.into(), Vec::new()));
                        groups.len() - 1
                    });
                    groups[number].1.push(upstream);
                }
                let groups = groups.into_iter().enumerate().map(|(index, (id, members))| {
                    let plain = ItemDraft { id, root: "".into(), index, of: usize::MAX, input: Value::Null };
                    draft_group(rule, names, &plain, &members)
                });
                Ok((0, groups.collect()))
            }
        }
    }

    fn alone(
        &self,
        phase: usize,
        root: u32,
        draft: ItemDraft,
        checks: &Checks,
        lexicon: Option<&Lexicon>,
    ) -> Alone {
        let ItemDraft { id, root: root_id, index, mut input, .. } = draft;
        let found = self.mains[phase].find(&id);
        let mut item = JudgedItem { id, root_id, root, index: small(index), found, told: Vec::new() };
        let Some(found) = found else { return Alone { item, compared: None } };
        let mut output = self.whole(phase, found);
        strip(&mut output, &self.rule(phase).output.derived_fields());
        normalize(&mut input);
        let subject = subject(&item, &input, &output);
        let (mut told, asked) = checks.told_alone(&subject);
        if let Some(lexicon) = lexicon {
            told.extend(checks.told_with_lexicon(lexicon, (root, small(index)), &subject, asked));
        }
        item.told = told;
        Alone { item, compared: checks.reads_course().then_some((input, output, asked)) }
    }

    /// A result as its readers see it, derived fields and all.
    fn whole(&self, phase: usize, found: Found) -> Value {
        // Reading the main file has parsed every item's text, so this one cannot fail.
        let mut value = serde_json::from_str(self.mains[phase].raw(found)).unwrap_or_default();
        normalize(&mut value);
        value
    }

    fn lexicon(&self, spec: &LexiconSpec) -> Lexicon {
        let mut lexicon = Lexicon::default();
        let there = self.done[spec.phase].items.iter().filter_map(|item| Some((item.root, item.found?)));
        let there: Vec<(u32, Found)> = there.collect();
        for some in there.chunks(AT_ONCE) {
            let read: Vec<(u32, Value)> =
                some.par_iter().map(|(root, found)| (*root, self.whole(spec.phase, *found))).collect();
            read.iter().for_each(|(root, value)| spec.teach(&mut lexicon, *root, value));
        }
        lexicon
    }
}

fn subject<'a>(item: &'a JudgedItem, input: &'a Value, output: &'a Value) -> Subject<'a> {
    let own: Position = (item.root, item.index);
    let ids = Ids { id: &item.id, root: &item.root_id };
    Subject { ids, position: own.0 as usize, input, output }
}

fn cannot_split(id: &Arc<str>, why: &str) -> Told {
    let finding = Finding {
        kind: NO_ITEMS.to_owned(),
        item: id.to_string(),
        severity: Severity::Error,
        message: format!("no items of the next phase can be made of it: {}", escape(why)),
        suggestion: None,
    };
    Told { check: COVERAGE.into(), finding }
}
