//! What calls took and cost in earlier runs.

use super::request::kind_name;
use crate::course::GeneratorKind;
use crate::diag::Result;
use crate::plan::{Board, State};
use crate::store::{Provenance, Source, Store};

/// How many calls of a phase are looked at, the newest ones: what they take changes with model and prompt.
const LOOKED_AT: usize = 50;

/// What one call of a phase took and cost.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Past {
    /// Seconds (the median); `None`: no call is known.
    pub(super) seconds: Option<f64>,
    /// US dollars for each item asked for; `None`: no call said.
    pub(super) usd_per_item: Option<f64>,
}

/// What is known of a phase before a run: earlier calls, and what of it is to be bought.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Known {
    pub(super) past: Past,
    /// Items that one call asks for at most.
    pub(super) batch_size: usize,
    /// Items to be bought, as far as they are known.
    pub(super) to_buy: usize,
    /// Source items that it waits for.
    pub(super) pending: usize,
}

/// What is known of each phase of each course.
pub(super) fn known(boards: &[Board<'_>], store: &Store) -> Result<Vec<Vec<Known>>> {
    let sources = store.index()?.sources();
    let of_phase = |board: &Board<'_>, phase: usize| {
        let slots = &board.phases[phase].slots;
        let rule = board.rule(phase);
        Known {
            past: past(sources, &board.course.code, &rule.name, rule.generate.kind),
            // A cohort has as many items as its roots give: calls are not to be told from items.
            batch_size: if rule.batch.cohort { 0 } else { rule.batch.size },
            to_buy: slots.iter().flat_map(|slot| &slot.cells).filter(|cell| cell.is_wanted()).count(),
            pending: slots.iter().filter(|slot| matches!(slot.state, State::Pending)).count(),
        }
    };
    Ok(boards
        .iter()
        .map(|board| (0..board.phases.len()).map(|phase| of_phase(board, phase)).collect())
        .collect())
}

/// From the calls of this course if there are any, else from those of any other.
fn past(sources: &[Source], course: &str, phase: &str, kind: GeneratorKind) -> Past {
    let fits = |source: &&Source| {
        source.provenance == Provenance::Generated
            && source.results > 0
            && *source.phase == *phase
            && *source.generator == *kind_name(kind)
    };
    let mut found: Vec<&Source> = sources.iter().filter(fits).collect();
    if found.iter().any(|source| *source.course == *course) {
        found.retain(|source| *source.course == *course);
    }
    found.sort_unstable_by_key(|source| std::cmp::Reverse(source.ended_ms));
    found.truncate(LOOKED_AT);
    let paid = found.iter().filter_map(|source| Some((source.money_usd?, source.items)));
    let (usd, items) = paid.fold((0.0, 0), |(usd, items), (more, of)| (usd + more, items + of));
    Past {
        seconds: median(found.iter().map(|source| took(source)).collect()),
        usd_per_item: (items > 0).then(|| usd / f64::from(items)),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a duration in milliseconds fits a double with room to spare")]
fn took(source: &Source) -> f64 {
    source.ended_ms.saturating_sub(source.asked_ms) as f64 / 1000.0
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::EntryId;

    fn call(phase: &str, course: &str, seconds: u64, usd: Option<f64>) -> Source {
        Source {
            entry: EntryId::from_digest(crate::digest::Digest::default()),
            call: "c".into(),
            course: course.into(),
            phase: phase.into(),
            label: "l".into(),
            generator: "command".into(),
            provenance: Provenance::Generated,
            attempt: 1,
            asked_ms: 1000,
            ended_ms: 1000 + seconds * 1000,
            checks: crate::digest::Digest::default(),
            meters: crate::generate::Meters::default(),
            money_usd: usd,
            items: 20,
            results: 20,
        }
    }

    #[test]
    fn a_call_is_expected_to_take_what_most_took() {
        let mut sources = vec![
            call("phase3", "a", 60, Some(0.5)),
            call("phase3", "a", 90, None),
            call("phase3", "a", 600, Some(0.7)),
            call("phase3", "b", 1, None),
            call("phase5", "a", 2, None),
        ];
        sources.push(Source { results: 0, ..call("phase3", "a", 9999, None) });
        sources.push(Source { generator: "phrasebook".into(), ..call("phase3", "a", 0, None) });
        let past = |course, phase| past(&sources, course, phase, GeneratorKind::Command);
        assert_eq!(past("a", "phase3"), Past { seconds: Some(90.0), usd_per_item: Some(0.03) });
        assert_eq!(past("new", "phase3").seconds, Some(90.0));
        assert_eq!(past("b", "phase3"), Past { seconds: Some(1.0), usd_per_item: None });
        assert_eq!(past("a", "phase1"), Past::default());
    }
}
