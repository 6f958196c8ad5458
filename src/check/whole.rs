//! The same judgements, each finding with the label of the check that made it: for looking over a course that is there.
//!
//! A build wants to know whether an output passes; whoever looks a course over wants to know which check says what, of
//! outputs that fail another check too. So a check that compares items is asked here of outputs with errors as well, unless
//! a check with `stop` has ended theirs.

use super::finding::Finding;
use super::found::Found;
use super::set::Check;
use super::{Checks, Ledger, Lexicon, Position, Subject};
use serde::Serialize;
use std::sync::Arc;

/// The label of what a schema finds.
pub const SHAPE: &str = "shape";

/// A finding with the check that made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// The check's label: what a manifest calls it.
    pub check: Arc<str>,
    /// What it found.
    #[serde(flatten)]
    pub finding: Finding,
}

/// How many checks of a phase are still to be asked of an output: those before the first one that ended the asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked(usize);

impl Checks {
    /// The labels of the checks that are enabled, in the rule's order; what the schema finds stands first.
    pub fn labels(&self) -> Vec<Arc<str>> {
        let shape = self.shape.iter().map(|_| SHAPE.into());
        shape.chain(self.enabled.iter().map(|one| one.label.clone())).collect()
    }

    /// As [`Checks::item`].
    pub fn told_alone(&self, subject: &Subject<'_>) -> (Vec<Told>, Asked) {
        let shape = self.shape.as_ref().map_or_else(Vec::new, |shape| shape.judge(subject));
        if shape.is_empty() {
            return self.told(subject, Asked(usize::MAX), |_, check, found| check.judge(subject, found));
        }
        let told = shape.into_iter().map(|finding| Told { check: SHAPE.into(), finding });
        (told.collect(), Asked(0))
    }

    /// As [`Checks::in_order`], of an output of which [`Checks::told_alone`] says how far it is to be asked about.
    pub fn told_in_order(&self, ledger: &Ledger, subject: &Subject<'_>, asked: Asked) -> Vec<Told> {
        let ask = |number: usize, check: &Check, found: &mut Found<'_>| {
            if let Some(state) = ledger.0.get(number) {
                check.in_order(state, subject, found);
            }
        };
        self.told(subject, asked, ask).0
    }

    /// As [`Checks::with_lexicon`], of an output of which [`Checks::told_alone`] says how far it is to be asked about.
    pub fn told_with_lexicon(
        &self,
        lexicon: &Lexicon,
        own: Position,
        subject: &Subject<'_>,
        asked: Asked,
    ) -> Vec<Told> {
        self.told(subject, asked, |_, check, found| check.with_lexicon(lexicon, own, subject, found)).0
    }

    fn told(
        &self,
        subject: &Subject<'_>,
        asked: Asked,
        mut ask: impl FnMut(usize, &Check, &mut Found<'_>),
    ) -> (Vec<Told>, Asked) {
        let mut all = Vec::new();
        for (number, one) in self.enabled.iter().enumerate().take(asked.0) {
            let mut found = Found::new(subject.ids.id, one.severity);
            ask(number, &one.check, &mut found);
            let new = found.finish();
            let ends = one.stop && new.iter().any(Finding::is_error);
            all.extend(new.into_iter().map(|finding| Told { check: one.label.clone(), finding }));
            if ends {
                return (all, Asked(number + 1));
            }
        }
        (all, asked)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::rule;
    use super::*;
    use crate::json::{Ids, Value};
    use serde_json::json;

    #[test]
    fn a_finding_knows_its_check_and_a_stop_holds_for_what_compares_items() {
        let tiling = |stop: bool| json!({"use": "tiling", "stop": stop, "text": "/0", "pieces": "/1", "piece_text": "/0"});
        let determinism =
            json!({"use": "determinism", "pieces": "/1", "piece_id": "/2", "known": "/1", "target": "/0"});
        let output = json!(["a b", [["a", "x", "S1L1"], ["c", "x", "S1L2"]]]);
        let ids = Ids { id: "S1", root: "S1" };
        let subject = Subject { ids, position: 0, input: &Value::Null, output: &output };
        for stop in [false, true] {
            let checks = Checks::compile(&rule(&[tiling(stop), determinism.clone()])).unwrap();
            let (alone, asked) = checks.told_alone(&subject);
            let plain: Vec<Finding> = alone.iter().map(|told| told.finding.clone()).collect();
            assert_eq!(plain, checks.item(&subject));
            assert_eq!(&*alone[0].check, "tiling");
            let told = checks.told_in_order(&checks.ledger(), &subject, asked);
            assert_eq!(told.is_empty(), stop, "{told:?}");
            assert!(told.iter().all(|told| &*told.check == "determinism"));
        }
    }
}
