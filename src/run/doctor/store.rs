//! What is in the store: damage, what a killed build left, and which sections were bought for again and again.

use super::{Finds, Grade};
use crate::course::Workspace;
use crate::digest::Digest;
use crate::store::{Provenance, Store};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A section that was sent in so many versions is told.
const OFTEN: usize = 4;
/// Damaged files that are named.
const NAMED: usize = 3;

/// Damage, and calls that nobody ended.
pub(super) fn look(dir: &Path, finds: &mut Finds) {
    let store = Store::open(dir);
    let ids = match store.entries().list() {
        Ok(ids) => ids,
        Err(problem) => return finds.problem("store", &problem),
    };
    let bad: Vec<String> = ids
        .par_iter()
        .filter_map(|id| {
            let problem = store.entries().read(*id).err()?;
            Some(format!(
                "{}{}",
                problem.what,
                problem.cause.map(|why| format!(": {why}")).unwrap_or_default()
            ))
        })
        .collect();
    if !bad.is_empty() {
        finds.add(
            Grade::Problem,
            "store",
            format!("{} of {} entries of `{}` are damaged", bad.len(), ids.len(), dir.display()),
            bad.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join("; "),
            "copy these files from a backup or a colleague's store; without them what they hold is bought again when needed",
        );
    }
    match store.open_calls() {
        Ok(calls) if !calls.is_empty() => finds.add(
            Grade::Remark,
            "store",
            format!("{} calls are open (`{}`, …)", calls.len(), calls[0].intent.label),
            "a build is running, or one was killed before they were back",
            "nothing is lost: the next `coursebuild build` waits for them or takes in what they brought",
        ),
        Ok(_) => {}
        Err(problem) => finds.problem("store", &problem),
    }
}

/// Sections that are sent to every item of a phase and were changed often, by the entries of the store.
pub(super) fn often_changed(dir: &Path, workspace: &Workspace, finds: &mut Finds) {
    let store = Store::open(dir);
    let Ok(ids) = store.entries().list() else { return };
    // Damage is told elsewhere.
    let recipes: Vec<(String, Vec<(String, Digest)>)> = ids
        .par_iter()
        .filter_map(|id| store.entries().read(*id).ok())
        .filter(|entry| entry.provenance == Provenance::Generated)
        .map(|entry| {
            let parts = entry.intent.recipe.into_iter().map(|part| (part.name.to_string(), part.digest));
            (entry.intent.phase, parts.filter(|(name, _)| name.starts_with("document/")).collect())
        })
        .collect();
    let mut versions: BTreeMap<(&str, &str), BTreeSet<Digest>> = BTreeMap::new();
    for (phase, parts) in &recipes {
        for (name, digest) in parts {
            versions.entry((phase, name)).or_default().insert(*digest);
        }
    }
    let Some(course) = workspace.courses.first() else { return };
    for phase in &course.phases {
        for section in &phase.rule.prompt.sections {
            let name = format!("document/{}/{}", section.document, section.name);
            let name = name.trim_end_matches('/');
            let number = versions.get(&(phase.rule.name.as_str(), name)).map_or(0, BTreeSet::len);
            if number >= OFTEN {
                finds.add(
                    Grade::Remark,
                    "documents",
                    format!("the section `{}` of `{}` was sent in {number} versions", section.name, section.document),
                    format!("it is in the key of every item of `{}`, so each change of it made all of them stale", phase.rule.name),
                    "divide it, so that a change is in a part of its own; scope what is for some items; list under `without` what is for people",
                );
            }
        }
    }
}
