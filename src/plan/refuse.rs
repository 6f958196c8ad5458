//! What follows for an item from an answer that is refused.

use super::board::Cell;
use super::verdict::Verdict;
use crate::check::Finding;
use crate::digest::Digest;

impl Cell {
    /// Notes a refusal; true if the item is to be asked for again. `answer` is the digest of what was answered, if anything was:
    /// one identical to an earlier one ends the attempts.
    pub fn refuse(&mut self, findings: Vec<Finding>, answer: Option<Digest>, limit: u32) -> bool {
        let decision = &mut self.decision;
        decision.attempts += 1;
        let repeated = answer.is_some_and(|digest| decision.refused.contains(&digest));
        if let Some(digest) = answer.filter(|_| !repeated) {
            decision.refused.push(digest);
            decision.refused.sort_unstable();
        }
        decision.findings = findings.clone();
        let again = decision.attempts < limit && !repeated;
        decision.verdict = if again { Verdict::Rejected(findings) } else { Verdict::Failed(findings) };
        again
    }
}
