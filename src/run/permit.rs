//! Whether a plan may be carried out: what options forbid, what has to be confirmed.

use super::options::{Confirm, Options};
use super::request::kind_name;
use crate::course::ConfirmAbove;
use crate::diag::{Kind, Problem, Result};
use crate::money::Prices;
use crate::plan::{Board, Plan};

/// Whether the plan may be carried out at all.
pub(super) fn permit(options: &mut Options, plan: &Plan, above: ConfirmAbove) -> Result<()> {
    if options.locked && plan.calls.max > 0 {
        return Err(Problem::new(
            Kind::WorkNeeded,
            format!("{} items have to be bought, and `--locked` forbids every call", plan.items.max),
        )
        .hint("`coursebuild plan` tells which and why; build without `--locked` to buy them"));
    }
    // With a canary the question comes when there is something to look at.
    if options.canary.as_ref().is_some_and(|first| plan.calls.max > first.calls) {
        return Ok(());
    }
    let Some(what) = asks(plan, above) else { return Ok(()) };
    let asked = match &mut options.confirm {
        Confirm::Yes => true,
        Confirm::Ask(ask) => ask(plan),
        Confirm::Refuse => false,
    };
    if asked {
        return Ok(());
    }
    Err(Problem::new(Kind::Budget, what)
        .hint("say `--yes`, or raise `confirm_above` in the manifest; nothing was bought"))
}

/// What wants a confirmation, if anything does: the calls or the money at most.
fn asks(plan: &Plan, above: ConfirmAbove) -> Option<String> {
    let calls = above.calls.filter(|above| plan.calls.max as u64 > *above).map(|most| {
        format!("up to {} calls are needed, and more than {most} want a confirmation", plan.calls.max)
    });
    calls.or_else(|| {
        let (most, usd) = above.usd.zip(plan.expected.usd)?;
        (usd.max > most).then(|| {
            format!("up to ${:.2} would be spent, and more than ${most:.2} wants a confirmation", usd.max)
        })
    })
}

/// Whether the services that calls are needed of may be asked: before the first call, not at it.
pub(super) fn services(options: &Options, boards: &[Board<'_>], plan: &Plan, prices: &Prices) -> Result<()> {
    for (board, course) in boards.iter().zip(&plan.courses) {
        for (phase, planned) in course.phases.iter().enumerate().filter(|(_, planned)| planned.calls.max > 0)
        {
            let generate = &board.rule(phase).generate;
            let kind = kind_name(generate.kind);
            if options.offline && generate.kind.is_remote() {
                return Err(Problem::new(
                    Kind::WorkNeeded,
                    format!(
                        "`{}` needs calls to `{kind}`, and `--offline` forbids the network",
                        planned.phase
                    ),
                )
                .hint("build without `--offline`; nothing was asked"));
            }
            let model = generate.model.as_deref().unwrap_or_default();
            if options.budget_usd.is_some() && generate.kind.is_remote() && !prices.knows(model) {
                return Err(Problem::author(format!("no price of `{model}` is known, so no budget can be kept"))
                    .hint(format!("add `[prices]` with `\"{model}\" = {{ input = 1.0, output = 5.0 }}` (US dollars for a million tokens) to the manifest, or leave `--budget` out; nothing was asked")));
            }
        }
    }
    Ok(())
}
