//! The programs that judge batches, over a course as it stands in its main files: for `check`.
//!
//! What a program is given, and what its judgement is remembered under, is the same as in a build that has linked these files.

use super::programs::{Programs, Task};
use crate::check::{Checks, Judgement, Sees, Told, Validator};
use crate::course::{Course, Output};
use crate::diag::{Problem, Result};
use crate::digest::Digest;
use crate::graph::{Graph, batch_of};
use crate::json::{Ids, Value, strip};
use crate::link::{Item, MainFile, Text, bare_excerpt, excerpt, surroundings};
use crate::plan::{
    Chain, Chosen, JudgedItem, JudgedPhase, Material, batch_file, judgement_key, output_digest,
};
use crate::store::Judgements;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Runs programs over one course.
pub(super) struct Outside<'a> {
    /// The workspace's own folder.
    pub(super) state: PathBuf,
    /// The environment that programs see a part of.
    pub(super) environment: &'a [(String, String)],
    /// This program, to run the supervisor.
    pub(super) supervisor: &'a Path,
    /// The workspace's folder.
    pub(super) root: &'a Path,
    pub(super) course: &'a Course,
    /// The main files, one a phase.
    pub(super) mains: &'a [MainFile],
}

/// A batch: its number and, by phase, the items that a program is given.
struct Batch<'j> {
    number: usize,
    members: Vec<&'j JudgedItem>,
    given: Vec<Vec<&'j JudgedItem>>,
}

impl Outside<'_> {
    /// Adds what the programs of all phases say of the chosen batches. Where `only` names checks, others are not run.
    pub(super) fn judge(
        &self,
        judged: &mut [JudgedPhase],
        chosen: &[Option<Chosen>],
        only: &[String],
    ) -> Result<()> {
        for phase in 0..self.course.phases.len() {
            let Some(chosen) = chosen.get(phase).and_then(Option::as_ref) else { continue };
            let checks = Checks::compile(&self.course.phases[phase].rule)?;
            for validator in checks.outside() {
                if only.is_empty() || only.iter().any(|name| **name == *validator.label) {
                    let judgements = self.judgements(phase, judged, chosen, &validator)?;
                    take_in(&mut judged[phase], &validator, judgements);
                }
            }
        }
        Ok(())
    }

    fn judgements(
        &self,
        phase: usize,
        judged: &[JudgedPhase],
        chosen: &Chosen,
        validator: &Validator,
    ) -> Result<Vec<Judgement>> {
        let size = self.course.phases[phase].rule.batch.size.max(1);
        let selected = |first: usize| {
            let mut items = judged[phase].items.iter().skip(first).take(size);
            let number = batch_of(first, size);
            items.any(|item| item.found.is_some() && chosen.has(item.root as usize, &item.id, number))
        };
        let firsts = (0..judged[phase].items.len()).step_by(size).filter(|first| selected(*first));
        let batches: Vec<Batch<'_>> =
            firsts.map(|first| self.batch(phase, judged, first, validator.sees)).collect();
        let digests = self.digests(judged, phase);
        let keys: Vec<Digest> =
            batches.iter().map(|batch| self.key(phase, batch, validator, &digests)).collect();
        let remembered = Judgements::of(&self.state);
        let mut unknown = Vec::new();
        for (batch, key) in batches.iter().zip(&keys) {
            if remembered.get(*key)?.is_none() {
                unknown.push((batch, *key));
            }
        }
        if !unknown.is_empty() {
            let programs = Programs::new(&self.state, self.environment, self.supervisor, self.root)?;
            programs.run_all(
                &mut unknown.into_iter().map(|(batch, key)| self.task(phase, batch, validator, key)),
            )?;
        }
        let known = |key: &Digest| {
            remembered.get(*key)?.ok_or_else(|| Problem::environment("a judgement was taken away meanwhile"))
        };
        keys.iter().map(known).collect()
    }

    /// The batch that begins at a position, with what a program is given beside it.
    fn batch<'j>(&self, phase: usize, judged: &'j [JudgedPhase], first: usize, sees: Sees) -> Batch<'j> {
        let graph = Graph::of(self.course);
        let size = self.course.phases[phase].rule.batch.size.max(1);
        let all = &judged[phase].items;
        let end = (first + size).min(all.len());
        let roots: HashSet<u32> = all[first..end].iter().map(|item| item.root).collect();
        let last = all[first..end].iter().map(|item| item.root).max().unwrap_or_default();
        let there = |items: &'j [JudgedItem]| items.iter().filter(|item| item.found.is_some());
        let earlier = judged.iter().enumerate().take(phase).map(|(other, judged)| {
            let same = graph.node(other).source == graph.node(phase).source;
            let within = |item: &&JudgedItem| match sees {
                _ if !same => true,
                Sees::Batch => roots.contains(&item.root),
                Sees::Course => item.root <= last,
            };
            there(&judged.items).filter(within).collect()
        });
        let own = match sees {
            Sees::Batch => &all[first..end],
            Sees::Course => &all[..end],
        };
        let given = earlier.chain([there(own).collect()]).collect();
        Batch { number: batch_of(first, size), members: there(&all[first..end]).collect(), given }
    }

    /// The digests of all results up to a phase, by phase and id.
    fn digests(&self, judged: &[JudgedPhase], phase: usize) -> Vec<HashMap<String, Digest>> {
        let of = |(phase, judged): (usize, &JudgedPhase)| {
            let output = &self.course.phases[phase].rule.output;
            let there = judged.items.iter().filter(|item| item.found.is_some());
            there.map(|item| (item.id.to_string(), self.digest(phase, output, item))).collect()
        };
        judged.iter().enumerate().take(phase + 1).map(of).collect()
    }

    fn digest(&self, phase: usize, output: &Output, item: &JudgedItem) -> Digest {
        let mut value = self.value(phase, item);
        strip(&mut value, &output.derived_fields());
        output.take_in(&mut value, Ids { id: &item.id, root: &item.root_id });
        output_digest(&value)
    }

    /// A result as it stands.
    fn value(&self, phase: usize, item: &JudgedItem) -> Value {
        // Reading the main file has parsed every item's text, so this one cannot fail.
        let raw = item.found.map(|found| self.mains[phase].raw(found));
        raw.and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default()
    }

    fn key(
        &self,
        phase: usize,
        batch: &Batch<'_>,
        validator: &Validator,
        digests: &[HashMap<String, Digest>],
    ) -> Digest {
        let files: Vec<(Digest, Chain)> = batch
            .given
            .iter()
            .enumerate()
            .map(|(of, items)| {
                let mut chain = Chain::default();
                for item in items {
                    chain.add(&item.id, digests[of].get(&*item.id).copied().unwrap_or_default());
                }
                (surroundings(&self.mains[of], &self.course.phases[of].rule.output), chain)
            })
            .collect();
        let name = (self.course.code.as_str(), self.course.phases[phase].rule.name.as_str(), batch.number);
        judgement_key(validator, name, &files)
    }

    /// What a program is to be given for a batch.
    fn task(&self, phase: usize, batch: &Batch<'_>, validator: &Validator, key: Digest) -> Result<Task> {
        let rule = &self.course.phases[phase].rule;
        let mut files = Vec::new();
        for (of, items) in batch.given.iter().enumerate() {
            let output = &self.course.phases[of].rule.output;
            let as_found = |number: usize, value: &mut Value| *value = self.value(of, items[number]);
            files.push((output.file.clone(), excerpt(&self.mains[of], output, &listed(items), &as_found)?));
        }
        let as_found = |number: usize, value: &mut Value| *value = self.value(phase, batch.members[number]);
        let batch_file = batch_file(&rule.name, batch.number);
        let members = listed(&batch.members);
        files
            .push((batch_file.clone(), bare_excerpt(&self.mains[phase], &rule.output, &members, &as_found)?));
        let items = members.into_iter().map(|item| (item.id, item.root)).collect();
        Ok(Task {
            validator: validator.clone(),
            course: self.course.code.clone(),
            phase: rule.name.clone(),
            number: batch.number,
            material: Material { items, files, batch_file },
            key,
        })
    }
}

fn listed(items: &[&JudgedItem]) -> Vec<Item> {
    let listed = items.iter().filter_map(|item| {
        let text = Text::InMain(item.found?);
        Some(Item { id: item.id.clone(), root: item.root_id.clone(), text })
    });
    listed.collect()
}

/// What the programs said goes to the items that they named.
fn take_in(judged: &mut JudgedPhase, validator: &Validator, judgements: Vec<Judgement>) {
    let told = |finding| Told { check: validator.label.clone(), finding };
    let numbers: HashMap<_, _> =
        judged.items.iter().enumerate().map(|(at, item)| (item.id.clone(), at)).collect();
    for judgement in judgements {
        for finding in judgement.findings {
            if let Some(at) = numbers.get(finding.item.as_str()) {
                judged.items[*at].told.push(told(finding));
            }
        }
        judged.elsewhere.extend(judgement.elsewhere.into_iter().map(told));
    }
}
