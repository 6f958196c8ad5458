//! The store looked after: packed, taken in, counted, looked over, traced. None of it buys anything.

use super::look::{named, phases_of, targets, with_boards};
use super::options::Options;
use super::recover;
use super::session::{Session, hold, store_dir};
use crate::course;
use crate::diag::Result;
use crate::digest::Digest;
use crate::store::{Checked, Ended, Packed, Provenance, Source, Store, Unpacked};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// The store of a workspace.
pub(super) fn store_of(options: &Options) -> Result<Store> {
    let workspace = course::load(&options.manifest, &options.environment)?;
    Ok(Store::open(store_dir(options, &workspace)))
}

/// Packs the store into one file, answers of a killed build included. Changes nothing else.
pub fn export(options: &Options, file: &Path) -> Result<Packed> {
    let mut store = store_of(options)?;
    recover::imagine(&mut store)?;
    store.export(file)
}

/// Takes in a packed store.
pub fn import(options: &Options, file: &Path) -> Result<Unpacked> {
    store_of(options)?.import(file)
}

/// Looks at every piece of the store.
pub fn verify(options: &Options) -> Result<Checked> {
    store_of(options)?.verify()
}

/// Moves damaged pieces aside.
pub fn repair(options: &Options) -> Result<Checked> {
    let store = store_of(options)?;
    let _held = hold(options)?;
    store.repair()
}

/// What a store holds, in numbers.
#[derive(Debug, Default, Serialize)]
pub struct Stats {
    /// Where it is.
    pub store: String,
    /// Files of entries.
    pub entries: usize,
    /// Their length in bytes.
    pub bytes: u64,
    /// Entries that cannot be read.
    pub damaged: usize,
    /// Calls that have not come to their end.
    pub open_calls: usize,
    /// What was bought, by course and phase.
    pub phases: Vec<PhaseStats>,
    /// The manifests of the workspaces that use it.
    pub workspaces: Vec<String>,
}

/// What was bought for a phase.
#[derive(Debug, Default, Serialize)]
pub struct PhaseStats {
    /// The course's code.
    pub course: String,
    /// The phase.
    pub phase: String,
    /// Calls that were answered or failed.
    pub calls: usize,
    /// Results that were bought.
    pub results: usize,
    /// Results that people wrote or took over.
    pub by_hand: usize,
    /// Their price in US dollars, as far as it is known.
    pub money_usd: f64,
    /// Calls of which no price is known.
    pub unpriced: usize,
}

/// Counts what the store holds.
pub fn stats(options: &Options) -> Result<Stats> {
    let store = store_of(options)?;
    let index = store.index()?;
    let mut stats = Stats {
        store: store.dir().display().to_string(),
        entries: index.sources().len(),
        damaged: index.damaged().len(),
        open_calls: store.open_calls()?.len(),
        workspaces: store.roots()?.iter().map(|root| root.manifest.display().to_string()).collect(),
        ..Stats::default()
    };
    let mut phases: BTreeMap<(String, String), PhaseStats> = BTreeMap::new();
    for source in index.sources() {
        stats.bytes += store.size(source.entry);
        let phase = phases.entry((source.course.to_string(), source.phase.to_string())).or_default();
        if source.provenance == Provenance::Generated {
            phase.calls += 1;
            phase.results += source.results as usize;
            phase.money_usd += source.money_usd.unwrap_or_default();
            phase.unpriced += usize::from(is_unpriced(source));
        } else {
            phase.by_hand += source.results as usize;
        }
    }
    stats.phases =
        phases.into_iter().map(|((course, phase), stats)| PhaseStats { course, phase, ..stats }).collect();
    Ok(stats)
}

/// What was paid for, and nobody knows how much. Generators that are free of charge say nothing either.
pub(super) fn is_unpriced(source: &Source) -> bool {
    source.provenance == Provenance::Generated
        && source.money_usd.is_none()
        && !matches!(&*source.generator, "phrasebook" | "replay" | "")
}

/// Where an item's present result comes from.
#[derive(Debug, Serialize)]
pub struct Blame {
    /// The item, as a target.
    pub target: String,
    /// How it stands.
    pub verdict: String,
    /// The digest of its result.
    pub digest: Option<Digest>,
    /// The entry that holds it; `None`: the store has none, it stands in the main file alone.
    pub entry: Option<String>,
    /// The call that brought it.
    pub call: String,
    /// It came from a shared store.
    pub shared: bool,
    /// The call's batch label.
    pub label: String,
    /// Where it comes from.
    pub provenance: Option<Provenance>,
    /// The generator's kind.
    pub generator: String,
    /// The model that answered.
    pub model: Option<String>,
    /// Which attempt it was.
    pub attempt: u32,
    /// When it came: milliseconds since 1970, UTC.
    pub ended_ms: u64,
    /// What the whole call cost, in US dollars.
    pub money_usd: Option<f64>,
    /// How many items the call was asked for.
    pub items: usize,
}

/// Traces the present results of the selected targets to the calls that brought them.
pub fn blame(options: &Options) -> Result<Vec<Blame>> {
    with_boards(options, |session, boards, _| {
        let mut all = Vec::new();
        for target in targets(options, boards)? {
            let board = &boards[target.course];
            for phase in phases_of(board, &target) {
                for (_, _, cell) in named(board, phase, &target.what)? {
                    let current = cell.decision.current.as_ref().or(cell.decision.linked.as_ref());
                    let mut told = Blame {
                        target: format!("{}/{}/{}", board.course.code, board.rule(phase).name, cell.id),
                        verdict: cell.decision.verdict.name().to_owned(),
                        digest: current.map(|current| current.digest),
                        provenance: current.map(|current| current.provenance),
                        entry: None,
                        call: String::new(),
                        shared: false,
                        label: String::new(),
                        generator: String::new(),
                        model: None,
                        attempt: 0,
                        ended_ms: 0,
                        money_usd: None,
                        items: 0,
                    };
                    if let Some(digest) = told.digest {
                        trace(
                            session,
                            (&board.course.code, &board.rule(phase).name, &cell.id),
                            digest,
                            &mut told,
                        )?;
                    }
                    all.push(told);
                }
            }
        }
        Ok(all)
    })
}

fn trace(
    session: &Session,
    (course, phase, id): (&str, &str, &str),
    digest: Digest,
    told: &mut Blame,
) -> Result<()> {
    let history = session.store.index()?.history(course, phase, id);
    let found = history.iter().filter_map(|asked| asked.result.as_ref()).find(|known| known.digest == digest);
    let Some(entry) = found.and_then(|known| Some((known.entry, session.store.entry(known.entry).ok()?)))
    else {
        return Ok(());
    };
    let (name, entry) = entry;
    told.entry = Some(name.to_string());
    told.provenance = Some(entry.provenance);
    told.items = entry.intent.items.len();
    told.shared = entry.intent.is_shared();
    told.call = entry.intent.call;
    told.label = entry.intent.label;
    told.generator = entry.intent.generator;
    told.model = entry.model.or(entry.intent.model);
    told.attempt = entry.intent.attempt;
    told.ended_ms = entry.ended_ms;
    told.money_usd = entry.money_usd;
    if entry.ended == Ended::Filed {
        told.call = String::new();
    }
    Ok(())
}
