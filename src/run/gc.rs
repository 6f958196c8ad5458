//! What of the store nobody needs, and its removal: by reachability first, then by age and size.
//!
//! Needed is what a registered workspace's lock, accepted edits or pins name, what this workspace's items would be made from
//! now, what is not yet pushed, and everything that people wrote. Only this command deletes; no build ever does.

use super::cache::is_unpriced;
use super::clock::now_ms;
use super::options::Options;
use super::session::{Session, hold};
use crate::diag::{Kind, Problem, Result, escape};
use crate::digest::Short;
use crate::plan::Selection;
use crate::store::{EntryId, Provenance, Root, Source};
use serde::Serialize;
use std::collections::HashSet;

/// What may be collected.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Nothing younger than so many milliseconds.
    pub older_than_ms: u64,
    /// Only as much as it takes to bring the entries down to so many bytes, the oldest first; everything that may go without it.
    pub max_bytes: Option<u64>,
    /// Workspaces that are registered and not there are taken to be gone for good.
    pub forget_missing: bool,
    /// Do it.
    pub for_good: bool,
}

/// What went, or would go.
#[derive(Debug, Default, Serialize)]
pub struct Collected {
    /// It is done; else it is what would be done.
    pub done: bool,
    /// Entries that go.
    pub entries: usize,
    /// Their length in bytes.
    pub bytes: u64,
    /// Results in them.
    pub results: usize,
    /// What they cost in US dollars, as far as it is known.
    pub money_usd: f64,
    /// Calls among them of which no price is known.
    pub unpriced: usize,
    /// Entries that stay because something needs them.
    pub needed: usize,
    /// Entries that stay because they are not on the shared store yet.
    pub unpushed: usize,
    /// Entries that stay because they are too young.
    pub young: usize,
    /// Entries that could go, and stay because the store is small enough without.
    pub spared: usize,
    /// Length of all entries that stay, in bytes.
    pub bytes_left: u64,
    /// Workspaces whose needs were read.
    pub workspaces: Vec<String>,
    /// Workspaces that are registered and not there.
    pub missing: Vec<String>,
}

/// Finds out what may go, and removes it if that was asked for.
pub fn gc(options: &Options, limits: &Limits) -> Result<Collected> {
    let _held = hold(options)?;
    let session = Session::open(options, None)?;
    let store = &session.store;
    session.register()?;
    let roots = store.roots()?;
    let (there, missing): (Vec<&Root>, Vec<&Root>) = roots.iter().partition(|root| root.is_there());
    let shown =
        |roots: &[&Root]| roots.iter().map(|root| root.manifest.display().to_string()).collect::<Vec<_>>();
    if limits.for_good {
        refuse_while_others_build(&session)?;
        if !missing.is_empty() && !limits.forget_missing {
            return Err(Problem::environment(format!(
                "the workspace of `{}` uses this store and is not there",
                escape(&missing[0].manifest.display().to_string())
            ))
            .because("what its lock needs cannot be told; a disk that is not mounted looks like this too")
            .hint("mount it, or say `--forget-missing` if it is gone for good"));
        }
    }
    let mut needs = present_needs(&session, options)?;
    for root in &there {
        needs.extend(root.needs()?);
    }
    let mut told = Collected { workspaces: shown(&there), missing: shown(&missing), ..Collected::default() };
    let unpushed = session.unpushed()?;
    let mut going = candidates(&session, &needs, &unpushed, limits, &mut told)?;
    if let Some(most) = limits.max_bytes {
        spare(&session, &mut going, most, &mut told);
    }
    for source in &going {
        let bytes = store.size(source.entry);
        told.entries += 1;
        told.bytes += bytes;
        told.bytes_left -= bytes;
        told.results += source.results as usize;
        told.money_usd += source.money_usd.unwrap_or_default();
        told.unpriced += usize::from(is_unpriced(source));
    }
    if limits.for_good {
        let names: Vec<EntryId> = going.iter().map(|source| source.entry).collect();
        store.discard(&names)?;
        if limits.forget_missing {
            missing.iter().try_for_each(|root| store.forget_root(root))?;
        }
        told.done = true;
    }
    Ok(told)
}

/// Calls of other builds that use the store are answered into it at any moment.
fn refuse_while_others_build(session: &Session) -> Result<()> {
    if session.store.open_calls()?.is_empty() {
        return Ok(());
    }
    Err(Problem::new(Kind::Busy, "calls are under way in this store, or a build that made some was killed")
        .hint("wait for the other build; after a killed one, `coursebuild build` takes in what was answered"))
}

/// What the items of this workspace would be made from now, and what stands for them.
fn present_needs(session: &Session, options: &Options) -> Result<HashSet<Short>> {
    let memories = session.memories();
    let boards = session.boards(options, &Selection::default(), &memories)?;
    let mut needs = HashSet::new();
    for board in &boards {
        for phase in 0..board.phases.len() {
            for (.., cell) in board.cells(phase) {
                needs.insert(cell.content.short());
                let stand = [&cell.decision.current, &cell.decision.linked];
                needs.extend(stand.into_iter().flatten().map(|current| current.digest.short()));
            }
        }
    }
    Ok(needs)
}

fn candidates<'s>(
    session: &'s Session,
    needs: &HashSet<Short>,
    unpushed: &HashSet<EntryId>,
    limits: &Limits,
    told: &mut Collected,
) -> Result<Vec<&'s Source>> {
    let index = session.store.index()?;
    let now = now_ms();
    let mut going = Vec::new();
    for source in index.sources() {
        told.bytes_left += session.store.size(source.entry);
        let needed = source.provenance != Provenance::Generated
            || index.asked_by(source.entry).any(|(content, _, result)| {
                needs.contains(&content.short())
                    || result.is_some_and(|digest| needs.contains(&digest.short()))
            });
        if needed {
            told.needed += 1;
        } else if unpushed.contains(&source.entry) {
            told.unpushed += 1;
        } else if now.saturating_sub(source.ended_ms) < limits.older_than_ms {
            told.young += 1;
        } else {
            going.push(source);
        }
    }
    going.sort_by_key(|source| (source.ended_ms, source.entry));
    Ok(going)
}

/// Keeps the youngest of what could go, as far as there is room.
fn spare(session: &Session, going: &mut Vec<&Source>, most: u64, told: &mut Collected) {
    let mut left = told.bytes_left;
    let mut needed = 0;
    for source in going.iter() {
        if left <= most {
            break;
        }
        left -= session.store.size(source.entry);
        needed += 1;
    }
    told.spared = going.len() - needed;
    going.truncate(needed);
}
