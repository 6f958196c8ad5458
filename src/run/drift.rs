//! How first answers did, early and late in a phase: the drift that batches are there to prevent shows here.

use crate::event::{Drift, Share};
use std::collections::BTreeMap;

/// Asked and passed, by the position of the source item.
#[derive(Debug, Default)]
pub(super) struct FirstAnswers(BTreeMap<usize, Share>);

impl FirstAnswers {
    /// One more answer for an item of the source item at a position.
    pub(super) fn note(&mut self, root: usize, passed: bool) {
        let share = self.0.entry(root).or_default();
        share.asked += 1;
        share.passed += usize::from(passed);
    }

    /// By thirds of the source items, of which there are so many.
    pub(super) fn drift(&self, course: &str, phase: &str, roots: usize) -> Drift {
        let mut thirds = [Share::default(); 3];
        for (root, share) in &self.0 {
            let third = &mut thirds[(root * 3 / roots.max(1)).min(2)];
            third.asked += share.asked;
            third.passed += share.passed;
        }
        let [early, middle, late] = thirds;
        Drift { course: course.into(), phase: phase.into(), early, middle, late }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_where_their_source_items_stand() {
        let mut answers = FirstAnswers::default();
        for root in 0..10 {
            answers.note(root, root < 7);
            answers.note(root, true);
        }
        let drift = answers.drift("c", "p", 10);
        let share = |asked, passed| Share { asked, passed };
        assert_eq!((drift.early, drift.middle, drift.late), (share(8, 8), share(6, 6), share(6, 3)));
        assert_eq!(FirstAnswers::default().drift("c", "p", 0).late, share(0, 0));
    }
}
