//! What a run may buy: the items that the command line selects.
//!
//! A selection limits what is bought, never what is compared.

use crate::course::Course;
use crate::diag::{Problem, Result, did_you_mean, escape};
use crate::graph::Graph;
use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// What was selected, as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// `spa_for_eng`, `spa_for_eng/phase3`, `spa_for_eng/phase3/7`, `phase3/S0123`, `S0101-S0200`, a main file's path.
    pub targets: Vec<String>,
    /// `S0101-S0200` or `S0300`.
    pub items: Vec<String>,
    /// Names of phases.
    pub phases: Vec<String>,
}

/// What is selected of one phase of one course.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chosen {
    /// All of it.
    pub all: bool,
    /// Runs of roots, by number.
    pub roots: Vec<RangeInclusive<usize>>,
    /// Single items that are no roots.
    pub ids: HashSet<Arc<str>>,
    /// Batches, by number from 1.
    pub batches: HashSet<usize>,
    /// It is here only because a target is made from it.
    pub is_upstream: bool,
}

impl Chosen {
    /// Whether an item is selected: by its root's number, its id, and its batch.
    pub fn has(&self, root: usize, id: &str, batch: usize) -> bool {
        self.all
            || self.roots.iter().any(|run| run.contains(&root))
            || self.ids.contains(id)
            || self.batches.contains(&batch)
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.all && self.roots.is_empty() && self.ids.is_empty() && self.batches.is_empty()
    }

    fn both(self, other: Self) -> Self {
        match (self.all, other.all) {
            (true, _) => Self { is_upstream: self.is_upstream, ..other },
            (_, true) => self,
            // Two limits on one phase: runs of roots are intersected, named items and batches have to be in both to count twice,
            // so the narrower list wins.
            _ => {
                let is_upstream = self.is_upstream;
                let meet = |a: &RangeInclusive<usize>, b: &RangeInclusive<usize>| {
                    let run = *a.start().max(b.start())..=*a.end().min(b.end());
                    (!run.is_empty()).then_some(run)
                };
                let roots = self
                    .roots
                    .iter()
                    .flat_map(|a| other.roots.iter().filter_map(move |b| meet(a, b)))
                    .collect();
                let ids = self.ids.union(&other.ids).cloned().collect();
                Self {
                    all: false,
                    roots,
                    ids,
                    batches: self.batches.union(&other.batches).copied().collect(),
                    is_upstream,
                }
            }
        }
    }
}

/// One thing that a target names inside a course.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The index of the course.
    pub course: usize,
    /// The phase, unless it names the whole course or items of all phases.
    pub phase: Option<usize>,
    /// What of it.
    pub what: What,
}

/// What a target names of a phase or course.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// All of it.
    All,
    /// A batch, by its number.
    Batch(usize),
    /// One id, or a range `A-B`.
    Items(String),
}

/// Reads a target. The course part may be left out when there is one course.
pub fn read_target(text: &str, courses: &[&Course]) -> Result<Target> {
    let file = courses.iter().enumerate().find_map(|(at, course)| {
        let phase = course.phases.iter().position(|phase| {
            let path = format!("{}/{}", course.dir_text.trim_end_matches('/'), phase.rule.output.file);
            path == text
                || path == text.trim_start_matches("./")
                || std::path::Path::new(text) == course.dir.join(&phase.rule.output.file)
        })?;
        Some(Target { course: at, phase: Some(phase), what: What::All })
    });
    if let Some(target) = file {
        return Ok(target);
    }
    let mut parts: Vec<&str> = text.trim_end_matches('/').splitn(3, '/').collect();
    let course = match courses.iter().position(|course| course.code == parts[0]) {
        Some(course) => {
            parts.remove(0);
            course
        }
        None if courses.len() == 1 => 0,
        None => {
            let codes: Vec<&str> = courses.iter().map(|course| course.code.as_str()).collect();
            let hint = format!("the courses are {}", list(&codes));
            return Err(Problem::author(format!("`{}` names no course", escape(text)))
                .hint(did_you_mean(parts[0], codes, &hint)));
        }
    };
    let Some(first) = parts.first() else { return Ok(Target { course, phase: None, what: What::All }) };
    let phases = &courses[course].phases;
    let Some(phase) = phases.iter().position(|phase| phase.rule.name == *first) else {
        return if parts.len() == 1 {
            Ok(Target { course, phase: None, what: What::Items((*first).to_owned()) })
        } else {
            let names: Vec<&str> = phases.iter().map(|phase| phase.rule.name.as_str()).collect();
            let hint = format!("the phases are {}", list(&names));
            // With one course, its code may have been typed wrong as well.
            let known = names.iter().copied().chain([courses[course].code.as_str()]);
            let what = format!("`{}` names no phase of `{}`", escape(text), courses[course].code);
            Err(Problem::author(what).hint(did_you_mean(first, known, &hint)))
        };
    };
    let rest = parts[1..].join("/");
    let what = match rest.parse::<usize>() {
        _ if rest.is_empty() => What::All,
        Ok(number) if number > 0 => What::Batch(number),
        _ => What::Items(rest),
    };
    Ok(Target { course, phase: Some(phase), what })
}

/// The names of a course's items, as a selection needs them.
pub struct Names<'a> {
    /// The ids of the roots of each phase's source, in order.
    pub roots: &'a dyn Fn(usize) -> &'a [Arc<str>],
    /// Whether a phase has an item of this id; where it is known only from what was linked before, that counts.
    pub has_item: &'a dyn Fn(usize, &str) -> bool,
}

/// What is selected of each phase of a course.
pub fn choose(
    selection: &Selection,
    courses: &[&Course],
    at: usize,
    graph: &Graph,
    names: &Names<'_>,
) -> Result<Vec<Chosen>> {
    let course = courses[at];
    let everything = || vec![Chosen { all: true, ..Chosen::default() }; course.phases.len()];
    let mut chosen = everything();
    if !selection.targets.is_empty() {
        let mut named = vec![Chosen { is_upstream: true, ..Chosen::default() }; course.phases.len()];
        for text in &selection.targets {
            let target = read_target(text, courses)?;
            if target.course == at {
                add_target(&mut named, &target, text, course, graph, names)?;
            }
        }
        chosen = named;
    }
    if !selection.items.is_empty() {
        for (limit, runs) in chosen.iter_mut().zip(listed(&selection.items, course, names)?) {
            *limit = std::mem::take(limit).both(runs);
        }
    }
    if !selection.phases.is_empty() {
        for name in &selection.phases {
            if !courses.iter().any(|course| course.phases.iter().any(|phase| phase.rule.name == *name)) {
                let all: Vec<&str> = course.phases.iter().map(|phase| phase.rule.name.as_str()).collect();
                let hint = format!("the phases are {}", list(&all));
                return Err(Problem::author(format!("there is no phase `{}`", escape(name)))
                    .hint(did_you_mean(name, all, &hint)));
            }
        }
        for (phase, limit) in course.phases.iter().zip(&mut chosen) {
            if !selection.phases.contains(&phase.rule.name) {
                *limit = Chosen::default();
            }
        }
    }
    Ok(chosen)
}

/// What a list of items names of each phase. Every name has to be one of some phase, not of all: a course can have sources
/// that know nothing of each other.
fn listed(texts: &[String], course: &Course, names: &Names<'_>) -> Result<Vec<Chosen>> {
    let mut runs = vec![Chosen::default(); course.phases.len()];
    for text in texts {
        let found: Vec<Result<Chosen>> = (0..runs.len()).map(|phase| items(text, phase, names)).collect();
        let known = |phase: usize| found[phase].is_ok() && !is_grouped(phase, names);
        if !(0..runs.len()).any(known) && !(0..runs.len()).any(|phase| (names.has_item)(phase, text)) {
            let unknown = found.into_iter().find_map(Result::err);
            unknown.map_or(Ok(()), |problem| Err(unknown_target(text, text, false, course, problem)))?;
            continue;
        }
        for (run, found) in runs.iter_mut().zip(found.into_iter().map(Result::unwrap_or_default)) {
            run.roots.extend(found.roots);
            if run.is_empty() {
                run.ids.extend(found.ids);
            }
        }
    }
    Ok(runs)
}

/// True for a phase of groups, or one that is fed by it: which items it has is known only when it is built.
fn is_grouped(phase: usize, names: &Names<'_>) -> bool {
    (names.roots)(phase).iter().all(|root| root.is_empty())
}

/// A target stands for itself and for what it is made from: the same roots in the phases before it.
fn add_target(
    named: &mut [Chosen],
    target: &Target,
    text: &str,
    course: &Course,
    graph: &Graph,
    names: &Names<'_>,
) -> Result<()> {
    let phases: Vec<usize> = match target.phase {
        None => (0..course.phases.len()).collect(),
        Some(phase) => {
            let mut up = vec![phase];
            while let Some(feed) = graph.node(up[up.len() - 1]).feed {
                up.push(feed);
            }
            up
        }
    };
    let own = target.phase;
    let below_groups =
        |phase: usize| own.is_some_and(|own| graph.node(own).source != graph.node(phase).source);
    for phase in phases {
        let limit = &mut named[phase];
        limit.is_upstream &= own.is_some_and(|own| own != phase);
        match &target.what {
            What::All => limit.all = true,
            // A group is made of all that feeds it, for anything may turn out to belong to it.
            _ if below_groups(phase) => limit.all = true,
            // Which roots a batch has is known only when it is planned; what it is made from is not limited.
            What::Batch(number) if Some(phase) == own => {
                limit.batches.insert(*number);
            }
            What::Batch(_) => limit.all = true,
            What::Items(range) => {
                let found = items(range, phase, names)
                    .map_err(|problem| unknown_target(text, range, own.is_some(), course, problem))?;
                limit.roots.extend(found.roots);
                limit.ids.extend(found.ids);
            }
        }
    }
    Ok(())
}

/// A word alone that names no item may have been meant for a phase or the course.
fn unknown_target(text: &str, range: &str, in_phase: bool, course: &Course, problem: Problem) -> Problem {
    let names = course.phases.iter().map(|phase| phase.rule.name.as_str()).chain([course.code.as_str()]);
    let hint = problem.hint.as_deref().unwrap_or_default();
    let hint = if in_phase { hint.to_owned() } else { did_you_mean(range, names, hint) };
    let what = if text == range { problem.what } else { format!("`{}`: {}", escape(text), problem.what) };
    Problem { what, ..problem }.hint(hint)
}

/// One id or a range, from the position of the first to that of the last; ids are data, so every `-` is tried.
fn items(text: &str, phase: usize, names: &Names<'_>) -> Result<Chosen> {
    let roots = (names.roots)(phase);
    if is_grouped(phase, names) {
        return Ok(Chosen { ids: [text.into()].into(), ..Chosen::default() });
    }
    let number = |id: &str| roots.iter().position(|root| **root == *id);
    if let Some(root) = number(text) {
        return Ok(Chosen { roots: vec![root..=root], ..Chosen::default() });
    }
    for (at, _) in text.match_indices('-') {
        if let (Some(first), Some(last)) = (number(&text[..at]), number(&text[at + 1..])) {
            if first > last {
                return Err(Problem::author(format!("the range `{text}` runs backwards"))
                    .hint("the first id stands before the last in source order"));
            }
            return Ok(Chosen { roots: vec![first..=last], ..Chosen::default() });
        }
    }
    // An item that was split from a root: it and what it is made from.
    let longest = roots
        .iter()
        .enumerate()
        .filter(|(_, root)| text.starts_with(&***root))
        .max_by_key(|(_, root)| root.len());
    let split = longest.map(|(number, _)| number);
    if (names.has_item)(phase, text) {
        return Ok(Chosen { ids: [text.into()].into(), ..Chosen::default() });
    }
    if let Some(root) = split {
        return Ok(Chosen { roots: vec![root..=root], ..Chosen::default() });
    }
    let hint = roots.first().zip(roots.last()).map_or_else(
        || "the source is empty".to_owned(),
        |(first, last)| format!("the ids run from `{first}` to `{last}`"),
    );
    // Ids differ by a digit, so a mistyped one is near many: only one that is unlike an id by its form is worth a guess.
    let known = roots.iter().map(|root| &**root).filter(|root| root.len() != text.len());
    Err(Problem::author(format!("there is no item `{}`", escape(text)))
        .hint(did_you_mean(text, known, &hint)))
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
