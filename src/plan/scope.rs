//! Which scoped sections each root is sent.

use super::board::Scope;
use super::small;
use crate::course::{Course, Rule, Section};
use crate::key::Recipe;
use std::collections::HashMap;
use std::sync::Arc;

/// Groups the roots by the scoped sections that they are sent.
pub(super) fn scopes(
    course: &Course,
    rule: &Rule,
    numbers: &HashMap<Arc<str>, usize>,
) -> (Vec<Scope>, Vec<u32>) {
    let mut sent: Vec<Vec<usize>> = vec![Vec::new(); numbers.len()];
    for (number, section) in rule.prompt.scoped.iter().enumerate() {
        let Some((first, last)) = &section.scope else { continue };
        let find = |id: &String| numbers.get(id.as_str()).copied();
        // A range smaller than the course leaves scopes that name nothing: they are for nobody, not an error.
        if let (Some(first), Some(last)) = (find(first), find(last)) {
            sent.iter_mut().take(last + 1).skip(first).for_each(|sections| sections.push(number));
        }
    }
    let mut groups: Vec<Vec<usize>> = vec![Vec::new()];
    let scope_of = sent
        .into_iter()
        .map(|sections| {
            let at = groups.iter().position(|group| *group == sections).unwrap_or_else(|| {
                groups.push(sections);
                groups.len() - 1
            });
            small(at)
        })
        .collect();
    let scopes = groups
        .into_iter()
        .map(|sections| {
            let texts: Vec<&Section> = sections.iter().map(|number| &rule.prompt.scoped[*number]).collect();
            Scope { recipe: Recipe::of(course, rule, &texts), sections, same: Vec::new() }
        })
        .collect();
    (scopes, scope_of)
}
