//! What is in the store: damage, what a killed build left, and which sections were bought for again and again.

use super::{Finds, Grade};
use crate::course::Workspace;
use crate::digest::Digest;
use crate::store::{Provenance, Store};
use rayon::prelude::*;
use std::collections::BTreeMap;
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

/// What was asked for with one version of a section.
#[derive(Default)]
struct Version {
    /// When it was first sent: milliseconds since 1970.
    since_ms: u64,
    calls: usize,
    items: usize,
}

/// By phase and key part: what was asked for with each version.
type Versions = BTreeMap<(String, String), BTreeMap<Digest, Version>>;

/// Sections that are sent to every item of a phase and were changed often, by the entries of the store; most often first.
pub(super) fn often_changed(dir: &Path, workspace: &Workspace, finds: &mut Finds) {
    let versions = versions(&Store::open(dir));
    let Some(course) = workspace.courses.first() else { return };
    let mut told = Vec::new();
    for phase in &course.phases {
        for section in &phase.rule.prompt.sections {
            let name = format!("document/{}/{}", section.document, section.name);
            let place = (phase.rule.name.clone(), name.trim_end_matches('/').to_owned());
            if let Some(versions) = versions.get(&place).filter(|versions| versions.len() >= OFTEN) {
                told.push((versions, &phase.rule.name, section));
            }
        }
    }
    told.sort_by_key(|(versions, ..)| std::cmp::Reverse(versions.len()));
    for (versions, phase, section) in told {
        let first = versions.values().map(|version| version.since_ms).min();
        let later = versions.values().filter(|version| Some(version.since_ms) != first);
        let (calls, items) = later.fold((0, 0), |(calls, items), it| (calls + it.calls, items + it.items));
        let what = match section.name.as_str() {
            "" => format!("what stands before the first heading of `{}`", section.document),
            name => format!("the section `{name}` of `{}`", section.document),
        };
        finds.add(
            Grade::Remark,
            "documents",
            format!("{what} was sent in {} versions", versions.len()),
            format!("it is in the key of every item of `{phase}`, so each edit of it made all of them stale: {calls} calls asked for {items} items after the first one"),
            "put what you often edit into a section of its own, scoped to the items that it is for; list under `without` what is for people; accept edits without effect",
        );
    }
}

fn versions(store: &Store) -> Versions {
    let Ok(ids) = store.entries().list() else { return Versions::new() };
    // Damage is told elsewhere.
    let entries = ids.par_iter().filter_map(|id| store.entries().read(*id).ok());
    let intents: Vec<_> = entries
        .filter(|entry| entry.provenance == Provenance::Generated)
        .map(|entry| {
            let intent = entry.intent;
            let parts = intent.recipe.into_iter().filter(|part| part.name.starts_with("document/"));
            let parts: Vec<_> = parts.map(|part| (part.name.to_string(), part.digest)).collect();
            (intent.phase, intent.asked_ms, intent.items.len(), parts)
        })
        .collect();
    let mut versions = Versions::new();
    for (phase, asked_ms, items, parts) in intents {
        for (name, digest) in parts {
            let version = versions.entry((phase.clone(), name)).or_default().entry(digest);
            let version = version.or_insert(Version { since_ms: asked_ms, ..Version::default() });
            version.since_ms = version.since_ms.min(asked_ms);
            version.calls += 1;
            version.items += items;
        }
    }
    versions
}
