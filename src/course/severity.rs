//! `[phase.NAME.check.CHECK]`: how bad a finding is for a workspace, or for one of its courses.

use super::text::{TextFile, hint_of};
use super::types::{CheckSpec, Severity};
use crate::diag::{Result, escape};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// Checks by their labels.
pub(super) type RawSeverities = BTreeMap<Spanned<String>, RawSeverity>;

/// What is said of one check.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSeverity {
    severity: Severity,
}

/// Sets the severities of a phase's checks. A label that none of them has is a mistake.
pub(super) fn apply(
    checks: &mut [CheckSpec],
    manifest: &TextFile,
    severities: &RawSeverities,
    phase: &str,
) -> Result<()> {
    for (label, RawSeverity { severity }) in severities {
        let mut found = false;
        for check in checks.iter_mut().filter(|check| check.label == *label.get_ref()) {
            check.severity = *severity;
            found = true;
        }
        if !found {
            let what = format!("the phase `{}` has no check `{}`", escape(phase), escape(label.get_ref()));
            let known = checks.iter().map(|check| check.label.as_str());
            return Err(manifest.problem(label.span(), what).hint(hint_of(
                label.get_ref(),
                known,
                "its checks are",
            )));
        }
    }
    Ok(())
}
