//! The build that has nothing to do, told by the stamp of the last complete one without opening a document, input or output.

use super::clock::now_ns;
use super::options::Options;
use super::session::{LOCK_NAME, Session, state_dir};
use crate::diag::{Problem, Result};
use crate::digest::{Digest, Hasher};
use crate::event::Summary;
use crate::generate::Meters;
use crate::store::{RACY_NS, Stamp, Stat};
use std::path::{Path, PathBuf};

fn stamp_path(manifest: &Path) -> PathBuf {
    state_dir(manifest).join("stamp")
}

/// Takes the stamp away: what stands has been decided anew, which no file of the workspace shows.
pub(super) fn forget(manifest: &Path) -> Result<()> {
    crate::fs::remove_file(&stamp_path(manifest))
}

/// The summary of a build that has nothing to do, if the stamp says so. Options that ask for purchases are never answered by it.
pub(super) fn nothing_to_do(options: &Options) -> Option<Summary> {
    if options.force
        || options.trial
        || options.fix
        || options.retry_failed
        || options.refresh_edited
        || options.recompute_derived
    {
        return None;
    }
    let stamp = Stamp::read(&stamp_path(&options.manifest))?;
    if stamp.tool != tool() || stamp.options != digest(options) || !stamp.holds() {
        return None;
    }
    let mut summary: Summary = serde_json::from_str(&stamp.summary).ok()?;
    summary.by_stamp = true;
    Some(summary)
}

/// Leaves a stamp after a build that left nothing to be bought; removes nothing otherwise, for a stamp that does not hold does
/// no harm. `began_ns` is when the build began to read: an input that changed since then was perhaps read before it did, so it
/// looks unsafe in the stamp and the next build compares digests.
pub(super) fn remember(options: &Options, session: &Session, summary: &Summary, began_ns: i64) -> Result<()> {
    let complete = summary.exit == 0 && summary.items_left == 0 && summary.unpushed == 0;
    if !complete || session.workspace.has_program_source {
        return Ok(());
    }
    let mut inputs = session.workspace.read.clone();
    inputs.push(options.manifest.clone());
    inputs.push(options.program.clone());
    inputs.sort();
    inputs.dedup();
    let outputs: Vec<PathBuf> = session
        .workspace
        .courses
        .iter()
        .flat_map(|course| {
            let files = course.phases.iter().map(|phase| course.dir.join(&phase.rule.output.file));
            files.chain([course.dir.join(LOCK_NAME)])
        })
        .collect();
    // What the next build says if nothing changes: no call, nothing written.
    let mut next = Summary {
        items_reused: summary.items_reused + summary.items_generated,
        not_spent_usd: options.price_reused.then(|| priced(summary)).flatten(),
        items_held: summary.items_held,
        held: summary.held.clone(),
        main_files: summary.main_files.clone(),
        usage: Meters::default(),
        ..Summary::default()
    };
    next.main_files.iter_mut().for_each(|file| file.written = false);
    let text = serde_json::to_string(&next)
        .map_err(|e| Problem::internal("a summary could not be written").because(e))?;
    let mut stamp = Stamp::take(tool(), digest(options), inputs, text, began_ns);
    let Some(settled) = settled(&outputs, summary, began_ns) else { return Ok(()) };
    stamp.files.extend(settled);
    stamp.write(&stamp_path(&options.manifest))
}

/// What everything that stands had cost, as far as it is known.
fn priced(summary: &Summary) -> Option<f64> {
    let prices = [summary.not_spent_usd, summary.money_usd];
    prices.into_iter().flatten().reduce(|sum, usd| sum + usd)
}

/// The outputs as they look now. Those that were just written are looked at twice, as far apart as a clock may err: whoever
/// changed one in between would be seen, and then there is no stamp.
fn settled(outputs: &[PathBuf], summary: &Summary, began_ns: i64) -> Option<Vec<Stat>> {
    let wrote = summary.calls > 0 || summary.main_files.iter().any(|file| file.written);
    let first: Vec<Stat> = outputs.iter().map(|path| Stat::take(path.clone(), began_ns)).collect();
    if !wrote && first.iter().all(|stat| !stat.is_racy()) {
        return Some(first);
    }
    std::thread::sleep(std::time::Duration::from_nanos(RACY_NS.unsigned_abs()));
    let now = now_ns();
    let second: Vec<Stat> = outputs.iter().map(|path| Stat::take(path.clone(), now)).collect();
    let same = first.iter().zip(&second).all(|(a, b)| a.shape == b.shape);
    same.then_some(second)
}

/// The tool itself: its version and everything that is built into it. Its own file is among the stamp's paths, so that a new
/// build of the same version counts too.
fn tool() -> Digest {
    Digest::of(concat!("coursebuild ", env!("CARGO_PKG_VERSION")).as_bytes())
}

/// The options that decide what a build would do, and where: the paths of a stamp are absolute, so a copied workspace holds a
/// stamp of the one that it was copied from.
fn digest(options: &Options) -> Digest {
    let mut hasher = Hasher::new("options");
    hasher.field("manifest", options.manifest.as_os_str().as_encoded_bytes());
    // The stamp watches the program that left it; another one may be another build of the same version.
    hasher.field("program", options.program.as_os_str().as_encoded_bytes());
    hasher.field("with_stale_inputs", &[u8::from(options.with_stale_inputs)]);
    for (label, list) in [
        ("target", &options.selection.targets),
        ("items", &options.selection.items),
        ("phase", &options.selection.phases),
    ] {
        list.iter().for_each(|text| {
            hasher.field(label, text.as_bytes());
        });
    }
    if let Some(store) = &options.store {
        hasher.field("store", store.as_os_str().as_encoded_bytes());
    }
    hasher.finish()
}
