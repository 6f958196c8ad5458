//! Which phases may have cohorts: those whose items have roots, and are all sent the same beside themselves.

use super::raw_rule::RawRule;
use super::text::TextFile;
use super::types::{Context, Role, Window};
use crate::diag::Result;

/// Cohorts are cut by the ids of roots, and the items of one are asked for in one call.
pub(super) fn allowed(file: &TextFile, raw: &RawRule, contexts: &[Context], grouped: bool) -> Result<()> {
    if !raw.batch.get_ref().cohort {
        return Ok(());
    }
    if grouped {
        return Err(file
            .problem(raw.batch.span(), "groups have no cohorts")
            .because("cohorts are cut by the ids of source items, and a group is made of many of them")
            .hint("leave `cohort` out"));
    }
    let differs = |context: &Context| context.role == Role::Key && context.window != Window::WholePhase;
    match contexts.iter().zip(&raw.context).find(|(context, _)| differs(context)) {
        Some((context, raw)) => Err(file
            .problem(
                raw.get_ref().role.span(),
                format!("the key context `{}` differs between the items of a cohort", context.name),
            )
            .because("they are asked for in one call, and each is sent what it is keyed by, and no more")
            .hint("use `window = \"whole phase\"`, or `role = \"hint\"`")),
        None => Ok(()),
    }
}
