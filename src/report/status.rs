//! Phases and batches at a glance: a line a phase, a mark a batch.

use super::look::Look;
use super::words::{count, flat, moment, named, number, partition};
use crate::plan::Counts;
use crate::run::{MadeOf, ModelCount, PhaseStatus, Status};

/// Marks in a row.
const ROW: usize = 50;

/// A batch's mark and what it means, the most urgent first; a batch has the mark of its most urgent item.
const MARKS: [(char, &str); 7] = [
    ('F', "failed"),
    ('R', "rejected"),
    ('H', "held"),
    ('S', "stale"),
    ('M', "missing"),
    ('p', "pending"),
    ('.', "fresh"),
];

/// The text of a status; with `-v` a line for each batch that is not fresh.
pub fn status_text(status: &Status, look: Look) -> String {
    let mut out = String::new();
    let mut seen = Vec::new();
    for course in &status.courses {
        out += &look.bold(&flat(&course.course));
        out.push('\n');
        for phase in &course.phases {
            out += &head(phase, look);
            out += &decided(phase);
            out += &made(phase, look);
            out += &marks(phase, look, &mut seen);
            if look.verbose() {
                out += &batches(phase);
            }
        }
    }
    let legend: Vec<String> = MARKS
        .iter()
        .filter(|(mark, _)| seen.contains(mark))
        .map(|(mark, word)| format!("{mark} {word}"))
        .collect();
    if !legend.is_empty() {
        out += &format!("a mark is a batch: {}\n", legend.join(", "));
    }
    out
}

fn head(phase: &PhaseStatus, look: Look) -> String {
    let title = if phase.title.is_empty() { String::new() } else { format!(" {}", flat(&phase.title)) };
    let state = match () {
        () if phase.items == 0 => "nothing known yet".to_owned(),
        () if phase.counts.fresh == phase.items => look.good("all fresh"),
        () => look.odd(&partition(&phase.counts)),
    };
    format!(
        "  {}{title}: {} in {}, {state} -> {}\n",
        look.bold(&flat(&phase.phase)),
        count(phase.items, "item"),
        count(phase.batches.len(), "batch"),
        flat(&phase.main_file)
    )
}

/// What people decided about it, and who made its results where several did.
fn decided(phase: &PhaseStatus) -> String {
    let mut told: Vec<String> = Vec::new();
    let mut tell = |items: usize, what: &str| {
        if items > 0 {
            told.push(format!("{} {what}", number(items as u64)));
        }
    };
    tell(phase.waived, "waived");
    tell(phase.pinned, "pinned");
    for ModelCount { model, items } in &phase.models {
        let by = model.as_deref().map_or("an unknown model".to_owned(), |model| format!("`{}`", flat(model)));
        tell(*items, &format!("by {by}"));
    }
    if told.is_empty() { String::new() } else { format!("    {}\n", told.join(", ")) }
}

/// From which versions of its recipe its results were made, where there are several or not the present one. Without `-v` the first
/// few changes are named.
fn made(phase: &PhaseStatus, look: Look) -> String {
    const NAMED: usize = 3;
    if phase.made.iter().all(|made| made.present) {
        return String::new();
    }
    let told = phase.made.iter().map(|MadeOf { items, present, changed, since_ms }| {
        let items = number(*items as u64);
        let Some(changed) = changed.as_ref().filter(|_| !present) else {
            let what = if *present { "from the present recipe" } else { "from what nobody here knows" };
            return format!("    {items} made {what}\n");
        };
        let day = since_ms.map(|ms| moment(ms)[..10].to_owned());
        let as_of = day.map_or(String::new(), |day| format!(" as of {day}"));
        let shown = if look.verbose() { changed.len() } else { NAMED };
        let mut named: Vec<String> = changed.iter().take(shown).map(|part| flat(part)).collect();
        if changed.len() > shown {
            named.push(format!("{} more (`-v`)", number((changed.len() - shown) as u64)));
        }
        format!("    {items} made from an older recipe{as_of}; changed since: {}\n", named.join(", "))
    });
    told.collect()
}

/// Rows of marks, each with the number of its first batch.
fn marks(phase: &PhaseStatus, look: Look, seen: &mut Vec<char>) -> String {
    let width = number(phase.batches.len() as u64).len();
    let mut out = String::new();
    for row in phase.batches.chunks(ROW) {
        out += &format!("    {:>width$} ", row[0].batch);
        for batch in row {
            let mark = mark(&batch.counts);
            if !seen.contains(&mark) {
                seen.push(mark);
            }
            out += &match mark {
                '.' => ".".to_owned(),
                'F' | 'R' => look.bad(mark.encode_utf8(&mut [0; 4])),
                _ => look.odd(mark.encode_utf8(&mut [0; 4])),
            };
        }
        out.push('\n');
    }
    out
}

fn mark(counts: &Counts) -> char {
    let of = |word: &str| named(counts).iter().any(|(name, n)| *name == word && *n > 0);
    MARKS.iter().find(|(_, word)| of(word)).map_or('.', |(mark, _)| *mark)
}

fn batches(phase: &PhaseStatus) -> String {
    phase
        .batches
        .iter()
        .filter(|batch| batch.counts.fresh < batch.items)
        .map(|batch| {
            let range = flat(&format!("{}/{} {}-{}", phase.phase, batch.batch, batch.first, batch.last));
            format!("    {range}: {}\n", partition(&batch.counts))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::look::Detail;
    use super::*;
    use crate::run::{BatchStatus, CourseStatus};

    fn status() -> Status {
        let phase = |name: &str, counts: Counts, batches: Vec<BatchStatus>| PhaseStatus {
            phase: name.into(),
            title: "translation".into(),
            main_file: "courses/x.json".into(),
            items: counts.items(),
            counts,
            waived: 0,
            pinned: 0,
            models: Vec::new(),
            made: Vec::new(),
            batches,
        };
        let batch = |batch: usize, counts: Counts| BatchStatus {
            batch,
            first: format!("S{:04}", batch * 20 - 19),
            last: format!("S{:04}", batch * 20),
            items: counts.items(),
            counts,
        };
        let fresh = Counts { fresh: 20, ..Counts::default() };
        let mixed = Counts { fresh: 17, stale: 2, failed: 1, ..Counts::default() };
        Status {
            courses: vec![CourseStatus {
                course: "spa_for_eng".into(),
                phases: vec![
                    phase(
                        "phase1",
                        Counts { fresh: 1040, ..Counts::default() },
                        (1..=52).map(|at| batch(at, fresh)).collect(),
                    ),
                    phase(
                        "phase3",
                        Counts { fresh: 37, stale: 2, failed: 1, ..Counts::default() },
                        vec![batch(1, fresh), batch(2, mixed)],
                    ),
                    phase("phase5", Counts::default(), Vec::new()),
                ],
            }],
        }
    }

    #[test]
    fn every_batch_has_its_mark() {
        assert_eq!(
            status_text(&status(), Look::default()),
            "\
spa_for_eng
  phase1 translation: 1,040 items in 52 batches, all fresh -> courses/x.json
     1 ..................................................
    51 ..
  phase3 translation: 40 items in 2 batches, 37 fresh, 2 stale, 1 failed -> courses/x.json
    1 .F
  phase5 translation: 0 items in 0 batches, nothing known yet -> courses/x.json
a mark is a batch: F failed, . fresh
"
        );
        let verbose = status_text(&status(), Look { detail: Detail::Verbose, ..Look::default() });
        assert!(
            verbose.contains("    phase3/2 S0021-S0040: 17 fresh, 2 stale, 1 failed\n")
                && !verbose.contains("phase3/1 "),
            "{verbose}"
        );
    }
}
