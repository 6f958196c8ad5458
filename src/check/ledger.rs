//! What the checks of one phase remember of the outputs before an item, in source order.

use super::{components, concepts, determinism};

/// What was admitted so far, for every check of a phase that reads earlier outputs. Made by [`super::Checks::ledger`], grown
/// by [`super::Checks::admit`], and of use only to the checks that made it. Its size is linear in what was admitted.
#[derive(Debug, Clone, Default)]
pub struct Ledger(pub(super) Vec<State>);

/// What one check remembers.
#[derive(Debug, Clone)]
pub(super) enum State {
    /// The check reads no earlier output.
    Nothing,
    Concepts(concepts::Chosen),
    Components(components::Known),
    Determinism(determinism::Said),
}
