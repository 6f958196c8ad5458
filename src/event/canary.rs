//! What the first calls of a build brought, for somebody to judge before the rest is bought.

use crate::check::Finding;
use crate::course::Severity;
use crate::generate::Meters;
use crate::json::Change;
use crate::plan::{Bounds, Expected};
use serde::Serialize;

/// The calls of a canary, what they changed, and what the rest would take.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Canary {
    /// The calls, by phase and in source order.
    pub calls: Vec<CanaryCall>,
    /// Items asked for.
    pub items: usize,
    /// Items whose answer passed at once: the checks that compare items with others have their say later.
    pub passed: usize,
    /// Items that had an output before.
    pub had_before: usize,
    /// Those of them whose new output is the same.
    pub same: usize,
    /// Findings by type, of the outputs before and of the answers, by the checks of now.
    pub checks: Vec<FindingCount>,
    /// Items whose answer is not what they had, and those that brought none.
    pub changed: Vec<CanaryItem>,
    /// What the calls cost in tokens, as far as they told it.
    pub usage: Meters,
    /// What they cost in US dollars, as far as it is known.
    pub money_usd: Option<f64>,
    /// What is still to be bought.
    pub rest: CanaryRest,
}

/// A call of a canary.
#[derive(Debug, Clone, Serialize)]
pub struct CanaryCall {
    /// The course's code.
    pub course: String,
    /// The phase.
    pub phase: String,
    /// The items' range.
    pub scope: String,
    /// The third of the course that its first item is in: `early`, `middle` or `late`.
    pub third: &'static str,
    /// Items asked for.
    pub items: usize,
    /// Those among them of which an earlier answer had been refused.
    pub failed_before: usize,
    /// Items whose answer passed.
    pub passed: usize,
}

/// An item that came out otherwise.
#[derive(Debug, Clone, Serialize)]
pub struct CanaryItem {
    /// The item as a target.
    pub target: String,
    /// It had an output before.
    pub had_before: bool,
    /// Its answer passed.
    pub passed: bool,
    /// Every place that differs; of an item without an output before, the whole.
    pub changes: Vec<Change>,
    /// What its answer is refused for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

/// How often something was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FindingCount {
    /// The type of the finding.
    #[serde(rename = "type")]
    pub kind: String,
    /// Error, warning or waived.
    pub severity: Severity,
    /// In what the items had before.
    pub before: usize,
    /// In their answers.
    pub after: usize,
}

/// What a canary leaves to be bought.
#[derive(Debug, Clone, Default, Serialize)]
pub struct CanaryRest {
    /// Calls.
    pub calls: Bounds,
    /// Items.
    pub items: Bounds,
    /// Tokens, money and time, by what the canary and earlier calls taught.
    pub expected: Expected,
}
