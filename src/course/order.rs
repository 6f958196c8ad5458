//! Which phase reads which, and an order in which each stands after all that it reads.

use super::raw_rule::RawRule;
use super::text::{TextFile, hint_of};
use super::types::Role;
use crate::diag::{Problem, Result, escape};
use std::collections::HashMap;
use toml::Spanned;

/// A rule file and what it says.
pub(super) type Written = (TextFile, RawRule);

/// The positions of the rules in an order in which each stands after all that it reads; else as the files are sorted.
/// Checks names: none twice, none unknown, no cycle.
pub(super) fn order(rules: &[Written]) -> Result<Vec<usize>> {
    let names = names(rules)?;
    let mut reads = Vec::with_capacity(rules.len());
    for (at, (file, rule)) in rules.iter().enumerate() {
        reads.push(upstream(file, rule, at, &names)?);
    }
    let (mut order, mut placed) = (Vec::with_capacity(rules.len()), vec![false; rules.len()]);
    while order.len() < rules.len() {
        let next = (0..rules.len()).find(|&at| !placed[at] && reads[at].iter().all(|(up, _)| placed[*up]));
        let Some(next) = next else { return Err(cycle(rules, &reads, &placed)) };
        placed[next] = true;
        order.push(next);
    }
    Ok(order)
}

fn names(rules: &[Written]) -> Result<HashMap<&str, usize>> {
    let mut names = HashMap::new();
    for (at, (file, rule)) in rules.iter().enumerate() {
        let name = rule.name.get_ref().as_str();
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')) {
            return Err(file
                .problem(rule.name.span(), format!("`{}` is not a name for a phase", escape(name)))
                .hint("use letters, digits, `_` and `-`, as in `phase3`"));
        }
        if let Some(first) = names.insert(name, at) {
            return Err(file
                .problem(rule.name.span(), format!("two phases are called `{name}`"))
                .because(format!("`{}` has that name too", rules[first].0.name.display())));
        }
    }
    Ok(names)
}

/// The other phases that a rule reads, each with the place where it says so.
fn upstream<'r>(
    file: &TextFile,
    rule: &'r RawRule,
    at: usize,
    names: &HashMap<&str, usize>,
) -> Result<Vec<(usize, &'r Spanned<String>)>> {
    let find = |name: &Spanned<String>| {
        names.get(name.get_ref().as_str()).copied().ok_or_else(|| {
            let mut known: Vec<&str> = names.keys().copied().collect();
            known.sort_unstable();
            file.problem(name.span(), format!("there is no phase `{}`", escape(name.get_ref())))
                .hint(hint_of(name.get_ref(), known.into_iter(), "the phases are"))
        })
    };
    let mut reads = Vec::new();
    if let Some(after) = &rule.after {
        reads.push((find(after)?, after));
    }
    for context in rule.context.iter().map(Spanned::get_ref) {
        // A registry is the rule's own.
        let Some(from) = context.from.as_ref().filter(|_| context.registry.is_none()) else { continue };
        let up = find(from)?;
        if up != at {
            reads.push((up, from));
        } else if *context.role.get_ref() == Role::Key {
            return Err(file
                .problem(
                    context.role.span(),
                    format!(
                        "the context `{}` reads its own phase with the role `key`",
                        context.name.get_ref()
                    ),
                )
                .because(
                    "every result would make its neighbours stale, and the phase would never come to rest",
                )
                .hint("use `role = \"hint\"` for what a prompt shows"));
        } else if *context.role.get_ref() == Role::Check {
            return Err(file
                .problem(
                    context.role.span(),
                    format!(
                        "the context `{}` reads its own phase with the role `check`",
                        context.name.get_ref()
                    ),
                )
                .because(
                    "an item would wait for itself; checks that look over their own phase need no context",
                )
                .hint("use `role = \"hint\"` for what a prompt shows"));
        }
    }
    for from in rule.check.iter().filter_map(|check| check.get_ref().from.as_ref()) {
        reads.push((find(from)?, from));
    }
    Ok(reads)
}

/// Follows the phases that cannot be placed until one comes again.
fn cycle(rules: &[Written], reads: &[Vec<(usize, &Spanned<String>)>], placed: &[bool]) -> Problem {
    let name = |at: usize| rules[at].1.name.get_ref().as_str();
    let mut path = vec![placed.iter().position(|placed| !placed).unwrap_or_default()];
    loop {
        let at = path[path.len() - 1];
        // A phase that is not placed reads another one that is not.
        let Some((up, place)) = reads[at].iter().find(|(up, _)| !placed[*up]) else {
            return Problem::internal("phases could not be brought into an order");
        };
        if *up == at {
            return rules[at]
                .0
                .problem(place.span(), format!("the phase `{}` is fed by itself", name(at)))
                .hint("name another phase, or `source = \"seeds\"` instead of `after`");
        }
        if let Some(start) = path.iter().position(|seen| seen == up) {
            let round: Vec<&str> = path[start..].iter().chain([up]).map(|&at| name(at)).collect();
            return rules[at]
                .0
                .problem(place.span(), format!("the phases wait for each other: `{}`", round.join("` → `")))
                .because("each of them reads the next one")
                .hint("let one of them read something else");
        }
        path.push(*up);
    }
}
