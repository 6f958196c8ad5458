//! What a plan is expected to come to in tokens, money and time: learned from earlier calls, else guessed from lengths.

use super::options::Options;
use super::spending::{Next, Spending};
use crate::diag::Result;
use crate::money::Ratios;
use crate::plan::{Board, Expected, PhasePlan, Plan};
use crate::prompt::Prompts;

/// Items that are looked at to see how long their input is.
const SAMPLE: usize = 8;
/// Bytes of an item's input where none is known yet.
const USUAL: usize = 200;
/// A shorter prefix is kept by no provider.
const SHORTEST_SHARED: usize = 1536;

/// Writes into a plan what it is expected to come to, if every call that may be needed is made once.
pub(super) fn forecast(
    plan: &mut Plan,
    boards: &[Board<'_>],
    prompts: &[Vec<Prompts>],
    spending: &Spending,
    options: &Options,
) -> Result<()> {
    let mut sum = Expected { usd: Some(0.0), seconds: Some(0.0), learned: true, ..Expected::default() };
    for ((board, prompts), course) in boards.iter().zip(prompts).zip(&plan.courses) {
        for (phase, planned) in course.phases.iter().enumerate() {
            let free = board.rule(phase).generate.kind.is_free();
            if planned.calls.max > 0 && !free {
                add(&mut sum, &of_phase(board, phase, planned, &prompts[phase], spending)?);
            }
        }
    }
    if let Some(seconds) = &mut sum.seconds {
        #[expect(clippy::cast_precision_loss, reason = "a few calls at once")]
        let at_once = options.jobs.min(plan.calls.max.max(1)) as f64;
        *seconds /= at_once;
    }
    plan.expected = sum;
    Ok(())
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate, never negative; `as` saturates"
)]
fn of_phase(
    board: &Board<'_>,
    phase: usize,
    planned: &PhasePlan,
    prompts: &Prompts,
    spending: &Spending,
) -> Result<Expected> {
    let rule = board.rule(phase);
    let (calls, items) = (planned.calls.max, planned.buys.max);
    let (prefix, in_call) = (prompts.prefix().len(), items.div_ceil(calls));
    let course = &board.course.code;
    let name = Ratios::name(course, &rule.name, rule.generate.model.as_deref());
    let body = match spending.ratios.item_bytes(&name, prefix) {
        Some(learned) => (learned * in_call as f64) as usize,
        None => in_call * item_bytes(board, phase)?,
    };
    let shared = if rule.generate.kind.is_remote() && prefix >= SHORTEST_SHARED { prefix } else { 0 };
    let next = |leads| Next { rule, course, shared, leads, prefix, body, items: in_call };
    let one = spending.ratios.expect(&name, prefix + body, body, in_call);
    let all = |of_one: f64| of_one * calls as f64;
    let others = spending.expects(&next(false)).map(|usd| usd * (calls - 1) as f64);
    Ok(Expected {
        input: all(one.input).round() as u64,
        output: all(one.output).round() as u64,
        usd: spending.expects(&next(true)).zip(others).map(|(leader, others)| leader + others),
        seconds: one.seconds.map(all),
        learned: one.learned,
    })
}

/// How many bytes an item's input has, by the first ones that are to be bought.
fn item_bytes(board: &Board<'_>, phase: usize) -> Result<usize> {
    let wanted = board.cells(phase).filter(|(.., cell)| cell.is_wanted()).take(SAMPLE);
    let (mut bytes, mut items) = (0_usize, 0);
    for (root, at, _) in wanted {
        if let Some(detail) = board.detail_of(phase, root, at)? {
            bytes += detail.id.len() + detail.input.to_string().len();
            items += 1;
        }
    }
    Ok(bytes.checked_div(items).unwrap_or(USUAL))
}

/// A sum of which one part is not known is not known.
fn add(sum: &mut Expected, part: &Expected) {
    sum.input += part.input;
    sum.output += part.output;
    sum.usd = sum.usd.zip(part.usd).map(|(a, b)| a + b);
    sum.seconds = sum.seconds.zip(part.seconds).map(|(a, b)| a + b);
    sum.learned &= part.learned;
}
