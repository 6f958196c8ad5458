//! The account of a workspace: how everything stands, what its calls took and cost, how first answers did, what is in trouble.

use super::finish::held_words;
use super::log::log_of;
use super::look::{status_of, with_boards};
use super::options::Options;
use super::views::{Account, BatchShare, LogLine, LogOutcome, PhaseAccount, Troubled};
use crate::diag::Result;
use crate::event::Share;
use crate::plan::{Board, Verdict};
use crate::store::{Ended, Provenance};
use std::collections::{BTreeMap, HashMap};

/// How many items in trouble are told.
const MOST: usize = 500;

/// The account of everything. Changes nothing.
pub fn account(options: &Options) -> Result<Account> {
    with_boards(options, |session, boards, _| {
        let calls = log_of(session, boards)?;
        let mut phases = Vec::new();
        let mut troubled = Vec::new();
        for board in boards {
            for phase in 0..board.phases.len() {
                phases.push(of_phase(board, phase, &calls));
                troubled.extend(in_trouble(board, phase));
            }
        }
        troubled.truncate(MOST);
        Ok(Account { status: status_of(session, boards)?, phases, troubled })
    })
}

fn of_phase(board: &Board<'_>, phase: usize, calls: &[LogLine]) -> PhaseAccount {
    let (course, name) = (&board.course.code, &board.rule(phase).name);
    let bought = |call: &&LogLine| matches!(call.provenance, Provenance::Generated | Provenance::Trial);
    let own: Vec<&LogLine> = calls
        .iter()
        .filter(|call| call.course == *course && call.phase == *name && !call.call.is_empty())
        .filter(bought)
        .collect();
    let paid: Vec<f64> = own.iter().filter_map(|call| call.money_usd).collect();
    PhaseAccount {
        course: course.clone(),
        phase: name.clone(),
        calls: own.len(),
        without_answer: own.iter().filter(|call| call.ended != Ended::Answered).count(),
        seconds: own.iter().map(|call| call.seconds).sum(),
        money_usd: (!paid.is_empty()).then(|| paid.iter().sum()),
        first_answers: first_answers(board, phase, &own),
    }
}

/// By batch, how many items passed at their first attempt: those that brought something and were not asked for again.
fn first_answers(board: &Board<'_>, phase: usize, calls: &[&LogLine]) -> Vec<BatchShare> {
    let cut = &board.phases[phase].batches;
    let batches: HashMap<&str, usize> = board
        .cells(phase)
        .enumerate()
        .map(|(position, (root, _, cell))| (&*cell.id, cut.batch_of(root, position)))
        .collect();
    let mut passed: HashMap<&str, bool> = HashMap::new();
    for call in calls.iter().filter(|call| call.provenance == Provenance::Generated) {
        for item in &call.items {
            if call.attempt == 1 {
                passed.insert(&item.id, item.outcome == LogOutcome::Stored);
            } else {
                passed.insert(&item.id, false);
            }
        }
    }
    let mut shares: BTreeMap<usize, Share> = BTreeMap::new();
    for (id, passed) in passed {
        let Some(batch) = batches.get(id) else { continue };
        let share = shares.entry(*batch).or_default();
        share.asked += 1;
        share.passed += usize::from(passed);
    }
    shares.into_iter().map(|(batch, share)| BatchShare { batch, share }).collect()
}

fn in_trouble(board: &Board<'_>, phase: usize) -> Vec<Troubled> {
    let words = |verdict: &Verdict| match verdict {
        Verdict::Failed(findings) | Verdict::Rejected(findings) => Some(
            findings
                .iter()
                .map(|one| format!("{}: {}", one.kind, one.message))
                .collect::<Vec<_>>()
                .join("; "),
        ),
        Verdict::Held(held) => Some(held_words(held)),
        _ => None,
    };
    board
        .cells(phase)
        .filter_map(|(.., cell)| {
            let verdict = &cell.decision.verdict;
            Some(Troubled {
                target: format!("{}/{}/{}", board.course.code, board.rule(phase).name, cell.id),
                verdict: verdict.name().to_owned(),
                why: words(verdict)?,
            })
        })
        .take(MOST)
        .collect()
}
