//! The build that has nothing to do, told by the stamp of the last complete one without opening a document, input or output.

use super::clock::now_ns;
use super::options::Options;
use super::session::{LOCK_NAME, Session, state_dir};
use crate::diag::{Problem, Result};
use crate::digest::{Digest, Hasher};
use crate::event::Summary;
use crate::generate::Meters;
use crate::store::Stamp;
use std::path::{Path, PathBuf};

fn stamp_path(manifest: &Path) -> PathBuf {
    state_dir(manifest).join("stamp")
}

/// The summary of a build that has nothing to do, if the stamp says so. Options that ask for purchases are never answered by it.
pub(super) fn nothing_to_do(options: &Options) -> Option<Summary> {
    if options.force || options.fix || options.retry_failed || options.refresh_edited {
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
/// no harm.
pub(super) fn remember(options: &Options, session: &Session, summary: &Summary) -> Result<()> {
    let complete = summary.exit == 0 && summary.items_left == 0;
    if !complete || session.workspace.has_program_source {
        return Ok(());
    }
    let mut paths = session.workspace.read.clone();
    paths.push(options.manifest.clone());
    paths.push(options.program.clone());
    for course in &session.workspace.courses {
        paths.push(course.dir.join(LOCK_NAME));
        paths.extend(course.phases.iter().map(|phase| course.dir.join(&phase.rule.output.file)));
    }
    paths.sort();
    paths.dedup();
    // What the next build says if nothing changes: no call, nothing written.
    let mut next = Summary {
        items_reused: summary.items_reused + summary.items_generated,
        items_held: summary.items_held,
        held: summary.held.clone(),
        main_files: summary.main_files.clone(),
        usage: Meters::default(),
        ..Summary::default()
    };
    next.main_files.iter_mut().for_each(|file| file.written = false);
    let text = serde_json::to_string(&next)
        .map_err(|e| Problem::internal("a summary could not be written").because(e))?;
    Stamp::take(tool(), digest(options), paths, text, now_ns()).write(&stamp_path(&options.manifest))
}

/// The tool itself: its version and everything that is built into it. Its own file is among the stamp's paths, so that a new
/// build of the same version counts too.
fn tool() -> Digest {
    Digest::of(concat!("coursebuild ", env!("CARGO_PKG_VERSION")).as_bytes())
}

/// The options that decide what a build would do.
fn digest(options: &Options) -> Digest {
    let mut hasher = Hasher::new("options");
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
