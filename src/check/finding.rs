//! What a check says of an output.

use crate::course::Severity;
use serde::{Deserialize, Serialize};

/// One finding, with the item to blame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The kind of finding, from the closed set: `tiling`, `missing_item`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// The item to blame.
    pub item: String,
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong, for the agent that is to mend it and for people.
    pub message: String,
    /// What would be right.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub suggestion: Option<String>,
}

impl Finding {
    /// True when the output does not pass because of it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
