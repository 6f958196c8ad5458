//! The names of open calls: `phase3_batch_7`, and no two share one.

use super::standing::{self, Standing, Wanted};
use crate::course::GeneratorKind;
use crate::diag::Result;
use crate::plan::Board;
use crate::store::Store;
use std::collections::HashSet;

/// The names that are taken. Drops of different courses lie in different folders and may have the same ones.
#[derive(Debug, Default)]
pub(super) struct Labels(HashSet<Label>);

/// A name that is taken: by whom, where that matters, and its text.
pub(super) type Label = (Option<usize>, String);

impl Labels {
    /// Takes a name for a call of some members. A drop that stands for the very same items lends its own; the prompts of drops that ask
    /// for some of them in another way are taken back.
    pub(super) fn take(
        &mut self,
        store: &Store,
        (course, board): (usize, &Board<'_>),
        (phase, batch): (usize, usize),
        members: &[(usize, usize)],
    ) -> Result<Label> {
        let plain = format!("{}_batch_{batch}", board.rule(phase).name);
        let drop = board.rule(phase).generate.kind == GeneratorKind::Drop;
        let owner = drop.then_some(course);
        let mut standing: Vec<Standing> = Vec::new();
        let cells = members.iter().map(|(root, at)| &board.phases[phase].slots[*root].cells[*at]);
        let wanted = Wanted {
            course: &board.course.code,
            phase: &board.rule(phase).name,
            items: cells.map(|cell| (&*cell.id, cell.content)).collect(),
        };
        if drop {
            standing = standing::load(store)?;
            standing.iter().try_for_each(|one| one.withdraw_if_asked_anew(&wanted))?;
        }
        let free = |label: &String| {
            !self.0.contains(&(owner, label.clone())) && standing.iter().all(|one| !one.holds(label, &wanted))
        };
        let lent = standing.iter().find(|one| one.asks(&wanted)).map(|one| one.intent.label.clone());
        let others = (2..).map(|number| format!("{plain}_{number}"));
        let mut candidates = lent.into_iter().chain([plain.clone()]).chain(others);
        let label = (owner, candidates.find(free).unwrap_or(plain));
        self.0.insert(label.clone());
        Ok(label)
    }

    /// Gives a name back.
    pub(super) fn give_back(&mut self, label: &Label) {
        self.0.remove(label);
    }
}
