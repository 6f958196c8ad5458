//! What a plan is expected to come to in tokens, money and time: learned from earlier calls, else guessed from lengths.

use super::past::Known;
use super::spending::{Next, Spending, terms};
use crate::diag::Result;
use crate::money::Ratios;
use crate::plan::{Board, Dollars, Expected, PhasePlan, Plan};
use crate::prompt::Prompts;

/// Items that are looked at to see how long their input is.
const SAMPLE: usize = 8;
/// Bytes of an item's input where none is known yet.
const USUAL: usize = 200;
/// A shorter prefix is kept by no provider.
const SHORTEST_SHARED: usize = 1536;

/// What a plan is expected to come to. `known`: of each phase of each course.
pub(super) fn forecast(
    plan: &Plan,
    boards: &[Board<'_>],
    prompts: &[Vec<Prompts>],
    known: &[Vec<Known>],
    spending: &Spending,
    jobs: usize,
) -> Result<Expected> {
    if plan.calls.max == 0 {
        return Ok(Expected::default());
    }
    let mut sum =
        Expected { usd: Some(Dollars { min: 0.0, max: 0.0 }), learned: true, ..Expected::default() };
    for (((board, prompts), known), course) in boards.iter().zip(prompts).zip(known).zip(&plan.courses) {
        for (phase, planned) in course.phases.iter().enumerate().filter(|(_, planned)| planned.calls.max > 0)
        {
            if board.rule(phase).generate.kind.is_free() {
                continue;
            }
            let calls = Calls::of(board, phase, planned, &prompts[phase], spending)?;
            calls.add_tokens(&mut sum, planned, spending);
            let usd = calls.usd(planned, known[phase].past.usd_per_item, spending);
            sum.usd = sum.usd.zip(usd).map(|(a, b)| Dollars { min: a.min + b.min, max: a.max + b.max });
        }
    }
    sum.seconds = seconds(plan, known, jobs);
    sum.at_least = plan.calls.min != plan.calls.max;
    Ok(sum)
}

/// Seconds that the calls that are certain take, and at least those of one call a phase after another.
#[expect(clippy::cast_precision_loss, reason = "numbers of calls are far below 2^52")]
fn seconds(plan: &Plan, known: &[Vec<Known>], jobs: usize) -> Option<f64> {
    let (mut work, mut chain) = (Some(0.0), 0.0);
    for (course, known) in plan.courses.iter().zip(known) {
        let mut of_course = 0.0;
        for (phase, known) in course.phases.iter().zip(known).filter(|(phase, _)| phase.calls.max > 0) {
            work = work.zip(known.past.seconds).map(|(sum, one)| sum + one * phase.calls.min as f64);
            of_course += known.past.seconds.unwrap_or_default();
        }
        chain = f64::max(chain, of_course);
    }
    work.map(|work| (work / jobs.max(1) as f64).max(chain))
}

/// A phase's calls, as they are expected to be.
struct Calls<'b> {
    board: &'b Board<'b>,
    phase: usize,
    /// The name under which the phase is known.
    name: String,
    /// Bytes of the prefix, and of an item behind it.
    prefix: usize,
    item: f64,
}

impl<'b> Calls<'b> {
    #[expect(clippy::cast_precision_loss, reason = "no item has 2^53 bytes")]
    fn of(
        board: &'b Board<'b>,
        phase: usize,
        planned: &PhasePlan,
        prompts: &Prompts,
        spending: &Spending,
    ) -> Result<Self> {
        let rule = board.rule(phase);
        let prefix = prompts.prefix().len();
        let name = Ratios::name(&board.course.code, &rule.name, rule.generate.model.as_deref());
        let item = match spending.ratios.item_bytes(&name, prefix) {
            Some(learned) => learned,
            None if planned.buys.max == 0 => USUAL as f64,
            None => item_bytes(board, phase)? as f64,
        };
        Ok(Self { board, phase, name, prefix, item })
    }

    /// Bytes of so many items.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate, never negative; `as` saturates"
    )]
    fn body(&self, items: usize) -> usize {
        (self.item * items as f64) as usize
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate, never negative; `as` saturates"
    )]
    fn add_tokens(&self, sum: &mut Expected, planned: &PhasePlan, spending: &Spending) {
        let calls = planned.calls.max;
        let items = planned.buys.max.div_ceil(calls);
        let body = self.body(items);
        let one = spending.ratios.expect(&self.name, self.prefix + body, body, items);
        sum.input += (one.input * calls as f64).round() as u64;
        sum.output += (one.output * calls as f64).round() as u64;
        sum.learned &= one.learned;
    }

    /// US dollars at least and at most. A service has its prices; a program may have told what its calls cost.
    #[expect(clippy::cast_precision_loss, reason = "numbers of items are far below 2^52")]
    fn usd(&self, planned: &PhasePlan, usd_per_item: Option<f64>, spending: &Spending) -> Option<Dollars> {
        let told = usd_per_item
            .map(|one| Dollars { min: one * planned.buys.min as f64, max: one * planned.buys.max as f64 });
        let priced = || {
            let min = self.priced(planned.calls.min, planned.buys.min, spending)?;
            Some(Dollars { min, max: self.priced(planned.calls.max, planned.buys.max, spending)? })
        };
        if self.board.rule(self.phase).generate.kind.is_remote() {
            priced().or(told)
        } else {
            told.or_else(priced)
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers of calls are far below 2^52")]
    fn priced(&self, calls: usize, items: usize, spending: &Spending) -> Option<f64> {
        if calls == 0 {
            return Some(0.0);
        }
        let (rule, prefix) = (self.board.rule(self.phase), self.prefix);
        let batches = rule.generate.batches().is_some();
        let cached = rule.generate.kind.is_remote() && !batches && prefix >= SHORTEST_SHARED;
        let shared = if cached { prefix } else { 0 };
        let terms = terms(&rule.generate, batches);
        let items = items.div_ceil(calls);
        let (course, body) = (&self.board.course.code, self.body(items));
        let next = |leads| Next { rule, course, shared, leads, prefix, body, items, terms };
        let others = spending.expects(&next(false))? * (calls - 1) as f64;
        Some(spending.expects(&next(true))? + others)
    }
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
