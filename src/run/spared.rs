//! What reused results had cost when they were bought: the money that a build did not spend again.

use crate::diag::Result;
use crate::plan::{Board, Verdict};
use crate::store::{Provenance, Store};

/// The price in US dollars of the results that stand and were known before this run's calls: an item's part of what its call
/// cost. `None` if no price of theirs is known, as in a fresh clone without a store.
pub(super) fn not_spent(boards: &[Board<'_>], store: &Store) -> Result<Option<f64>> {
    let index = store.index()?;
    let mut sum = None;
    let phases = boards.iter().flat_map(|board| (0..board.phases.len()).map(move |phase| (board, phase)));
    for (.., cell) in phases.flat_map(|(board, phase)| board.cells(phase)) {
        let standing = cell.decision.current.as_ref().filter(|_| cell.decision.verdict == Verdict::Fresh);
        let Some(current) = standing.filter(|current| current.provenance == Provenance::Generated) else {
            continue;
        };
        let known = index.results(&cell.content).find(|known| known.digest == current.digest);
        let source = known.and_then(|known| index.source_of(known.entry));
        if let Some((source, usd)) = source.and_then(|source| Some((source, source.money_usd?))) {
            *sum.get_or_insert(0.0) += usd / f64::from(source.items.max(1));
        }
    }
    Ok(sum)
}
