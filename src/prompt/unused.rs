//! What a phase has to send and no template shows.

use super::{Part, Prompts};
use crate::course::Rule;
use std::collections::HashSet;

/// What no template of a phase shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unused {
    /// The names of contexts that are sent and that the batch template does not mention.
    pub contexts: Vec<String>,
    /// There are documents, and the system template does not mention `intelligence`.
    pub intelligence: bool,
    /// The batch template mentions neither `items` nor `input`.
    pub items: bool,
}

impl Prompts {
    /// What the templates of this rule, which they were made from, do not show.
    pub fn unused(&self, rule: &Rule) -> Unused {
        let used = |part: Part| -> HashSet<String> {
            let template = self.environment.get_template(part.name());
            template.map_or_else(|_| HashSet::new(), |template| template.undeclared_variables(true))
        };
        let root = |used: &HashSet<String>, name: &str| {
            used.iter().any(|path| path.split('.').next().is_some_and(|root| root == name))
        };
        let (system, batch) = (used(Part::System), used(Part::Batch));
        let all = batch.contains("context");
        let shown = |name: &&String| !all && !batch.contains(&format!("context.{name}"));
        Unused {
            contexts: self.contexts.iter().filter(shown).cloned().collect(),
            intelligence: !rule.prompt.sections.is_empty() && !root(&system, "intelligence"),
            items: !root(&batch, "items") && !root(&batch, "input"),
        }
    }
}
