//! `check`: every check over what stands in the main files. Makes no call, takes no lock, needs no store, writes nothing.

use super::finish::shown;
use super::options::Options;
use super::outside::Outside;
use super::session::state_dir;
use crate::check::{DEFINITIONS, Finding, SHAPE, Told};
use crate::course::{self, Course, Severity};
use crate::diag::{Problem, Result, escape};
use crate::graph::Graph;
use crate::link::MainFile;
use crate::plan::{
    COVERAGE, Chosen, JudgedItem, JudgedPhase, Names, Selection, Target, What, choose, judge_course,
    read_target,
};
use serde::Serialize;
use std::sync::Arc;

/// What the checks say of a workspace's main files.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checked {
    /// No check finds an error.
    pub valid: bool,
    /// The courses that are selected, in the order of the manifest.
    pub courses: Vec<CheckedCourse>,
}

/// What the checks say of a course.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckedCourse {
    /// Its code.
    pub course: String,
    /// Its phases that are selected, in order.
    pub phases: Vec<CheckedPhase>,
}

/// What the checks say of a phase.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckedPhase {
    /// Its name.
    pub phase: String,
    /// For people.
    pub title: String,
    /// Its main file's path, relative to the workspace where it is inside.
    pub main_file: String,
    /// No check finds an error.
    pub valid: bool,
    /// The errors, in source order.
    pub errors: Vec<Told>,
    /// The warnings, in source order.
    pub warnings: Vec<Told>,
    /// The items with errors, in source order.
    pub failed_items: Vec<String>,
    /// The items that the main file does not have.
    pub missing_items: Vec<String>,
    /// The checks that the course goes without, because its language has no pack.
    pub left_out: Vec<String>,
    /// Counts.
    pub stats: CheckStats,
    /// All items that were looked at, in source order.
    #[serde(skip)]
    pub items: Vec<Arc<str>>,
}

/// Counts of one phase.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CheckStats {
    /// Items that the main file has.
    pub items: usize,
    /// Items without an error.
    pub passed: usize,
    /// Items with one.
    pub failed: usize,
    /// Items that the main file does not have.
    pub missing: usize,
    /// Items that it has and should not.
    pub extra: usize,
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
    /// The same by check, in the rule's order; one that found nothing too.
    pub checks: Vec<CheckCount>,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckCount {
    /// Its label.
    pub check: Arc<str>,
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
}

/// Runs the checks over the selected targets; where `only` names checks (or types of findings), what others find is left out.
pub fn check(options: &Options, only: &[String]) -> Result<Checked> {
    let workspace = course::load(&options.manifest, &options.environment)?;
    let courses: Vec<&Course> = workspace.courses.iter().collect();
    let targets: Vec<Target> =
        options.selection.targets.iter().map(|text| read_target(text, &courses)).collect::<Result<_>>()?;
    let mut all = Vec::new();
    for (at, course) in courses.iter().enumerate() {
        let targets: Vec<&Target> = targets.iter().filter(|target| target.course == at).collect();
        if targets.is_empty() && !options.selection.targets.is_empty() {
            continue;
        }
        let mains = read_mains(course)?;
        let mut judged = judge_course(course, &mains)?;
        let chosen = Choice { courses: &courses, at, judged: &judged, mains: &mains }.of(&targets)?;
        let outside = Outside {
            state: state_dir(&options.manifest),
            environment: &options.environment,
            supervisor: &options.program,
            root: &workspace.root,
            course,
            mains: &mains,
        };
        outside.judge(&mut judged, &chosen, only)?;
        let phases = course.phases.iter().zip(&judged).zip(chosen).enumerate();
        let phases = phases.filter_map(|(at, ((phase, judged), chosen))| {
            let main = shown(&course.dir.join(&phase.rule.output.file), &workspace.root);
            let about = About { course, phase: at, main_file: main };
            chosen.map(|chosen| about.told(judged, &chosen))
        });
        all.push((course.code.clone(), phases.collect::<Vec<_>>()));
    }
    known_checks(&all, only)?;
    let courses = all.into_iter().map(|(course, phases)| CheckedCourse {
        course,
        phases: phases.into_iter().map(|phase| finished(phase, only)).collect(),
    });
    let courses: Vec<CheckedCourse> = courses.collect();
    let valid = courses.iter().flat_map(|course| &course.phases).all(|phase| phase.valid);
    Ok(Checked { valid, courses })
}

/// The main files of a course, one a phase.
pub(super) fn read_mains(course: &Course) -> Result<Vec<MainFile>> {
    let read = |phase: &course::Phase| {
        MainFile::read(&course.dir.join(&phase.rule.output.file), &phase.rule.output, None)
    };
    course.phases.iter().map(read).collect()
}

/// What targets are chosen from.
struct Choice<'a> {
    courses: &'a [&'a Course],
    at: usize,
    judged: &'a [JudgedPhase],
    mains: &'a [MainFile],
}

impl Choice<'_> {
    /// What is selected of each phase. A target stands for itself, not for what it is made from.
    fn of(&self, targets: &[&Target]) -> Result<Vec<Option<Chosen>>> {
        let phases = &self.courses[self.at].phases;
        if targets.is_empty() {
            return Ok(phases.iter().map(|_| Some(Chosen { all: true, ..Chosen::default() })).collect());
        }
        let mut all: Vec<Option<Chosen>> = phases.iter().map(|_| None).collect();
        for target in targets {
            let of_target = self.of_target(&target.what)?;
            for (phase, more) in of_target.into_iter().enumerate() {
                if target.phase.is_none_or(|named| named == phase) {
                    let chosen = all[phase].get_or_insert_default();
                    chosen.all |= more.all;
                    chosen.roots.extend(more.roots);
                    chosen.ids.extend(more.ids);
                    chosen.batches.extend(more.batches);
                }
            }
        }
        Ok(all)
    }

    fn of_target(&self, what: &What) -> Result<Vec<Chosen>> {
        let course = self.courses[self.at];
        let each = |chosen: Chosen| vec![chosen; course.phases.len()];
        let range = match what {
            What::All => return Ok(each(Chosen { all: true, ..Chosen::default() })),
            What::Batch(number) => {
                return Ok(each(Chosen { batches: [*number].into(), ..Chosen::default() }));
            }
            What::Items(range) => range,
        };
        let graph = Graph::of(course);
        let ids = |phase: &course::Phase| phase.source.iter().map(|item| item.id.clone()).collect();
        let sources: Vec<Vec<Arc<str>>> = course.phases.iter().map(ids).collect();
        let roots = |phase: usize| &*sources[graph.node(phase).source];
        let has_item = |phase: usize, id: &str| {
            self.mains[phase].find(id).is_some()
                || self.judged[phase].items.iter().any(|item| *item.id == *id)
        };
        let selection = Selection { items: vec![range.clone()], ..Selection::default() };
        choose(&selection, self.courses, self.at, &graph, &Names { roots: &roots, has_item: &has_item })
    }
}

/// What is to be said of one phase beside its findings.
struct About<'a> {
    course: &'a Course,
    phase: usize,
    main_file: String,
}

impl About<'_> {
    fn told(self, judged: &JudgedPhase, chosen: &Chosen) -> CheckedPhase {
        let phase = &self.course.phases[self.phase];
        let mut told = CheckedPhase {
            phase: phase.rule.name.clone(),
            title: phase.rule.title.clone(),
            main_file: self.main_file,
            valid: true,
            errors: Vec::new(),
            warnings: Vec::new(),
            failed_items: Vec::new(),
            missing_items: Vec::new(),
            left_out: phase.left_out.clone(),
            stats: CheckStats::default(),
            items: Vec::new(),
        };
        judged.labels.iter().for_each(|label| {
            told.stats.of(label);
        });
        let selected = |(position, item): &(usize, &JudgedItem)| {
            let root = item.root as usize;
            chosen.has(root, &item.id, judged.batches.batch_of(root, *position))
        };
        for (_, item) in judged.items.iter().enumerate().filter(selected) {
            if item.found.is_none() {
                told.missing_items.push(item.id.to_string());
                continue;
            }
            told.items.push(item.id.clone());
            told.take(&item.told);
        }
        told.take(&judged.elsewhere);
        if chosen.all {
            told.stats.extra = judged.extra.len();
            let extra: Vec<Told> = judged.extra.iter().map(|id| extra_item(id)).collect();
            told.take(&extra);
        }
        told
    }
}

impl CheckStats {
    /// The count of one check.
    fn of(&mut self, check: &Arc<str>) -> &mut CheckCount {
        let known = self.checks.iter().position(|count| count.check == *check);
        let at = known.unwrap_or_else(|| {
            self.checks.push(CheckCount { check: check.clone(), errors: 0, warnings: 0 });
            self.checks.len() - 1
        });
        &mut self.checks[at]
    }
}

impl CheckedPhase {
    fn take(&mut self, told: &[Told]) {
        let (errors, warnings): (Vec<Told>, Vec<Told>) =
            told.iter().cloned().partition(|told| told.finding.is_error());
        self.errors.extend(errors);
        self.warnings.extend(warnings);
    }
}

fn extra_item(id: &str) -> Told {
    let finding = Finding {
        kind: "extra_item".to_owned(),
        item: escape(id),
        severity: Severity::Warning,
        message: "it is in the main file, and nothing that it could be made from is there".to_owned(),
        suggestion: Some("a build takes it out; keep a copy of what you need".to_owned()),
    };
    Told { check: COVERAGE.into(), finding }
}

/// Counts, once it is known what is to be told.
fn finished(mut phase: CheckedPhase, only: &[String]) -> CheckedPhase {
    let wanted = |told: &Told| {
        only.is_empty() || only.iter().any(|name| **name == *told.check || *name == told.finding.kind)
    };
    phase.errors.retain(wanted);
    phase.warnings.retain(wanted);
    let stats = &mut phase.stats;
    phase.errors.iter().for_each(|told| stats.of(&told.check).errors += 1);
    phase.warnings.iter().for_each(|told| stats.of(&told.check).warnings += 1);
    if !only.is_empty() {
        let named = |label: &str| only.iter().any(|name| **name == *label);
        stats.checks.retain(|count| named(&count.check) || count.errors + count.warnings > 0);
    }
    phase.failed_items = phase.errors.iter().map(|told| told.finding.item.clone()).collect();
    phase.failed_items.dedup();
    stats.items = phase.items.len();
    stats.failed = phase.failed_items.len();
    stats.passed = stats.items.saturating_sub(stats.failed);
    stats.missing = phase.missing_items.len();
    stats.errors = phase.errors.len();
    stats.warnings = phase.warnings.len();
    phase.valid = phase.errors.is_empty();
    phase
}

/// A name that is neither a check of a selected phase nor a type of finding is a mistake.
fn known_checks(courses: &[(String, Vec<CheckedPhase>)], only: &[String]) -> Result<()> {
    let phases = || courses.iter().flat_map(|(_, phases)| phases);
    let mut known: Vec<&str> =
        phases().flat_map(|phase| &phase.stats.checks).map(|count| &*count.check).collect();
    known.extend([SHAPE, COVERAGE]);
    known.sort_unstable();
    known.dedup();
    for name in only {
        let is_type = DEFINITIONS.iter().any(|definition| definition.finds.contains(&name.as_str()));
        let left_out = phases().any(|phase| phase.left_out.contains(name));
        if !is_type && !left_out && !known.contains(&name.as_str()) {
            return Err(Problem::author(format!("no phase has a check `{}`", escape(name))).hint(format!(
                "the checks are {}",
                known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            )));
        }
    }
    Ok(())
}
