//! Whether git merges main files item by item in this clone.

use super::super::merge_setup::{Told, told};
use super::{Finds, Grade};
use crate::course::Workspace;

/// What git knows of the merge driver.
pub(super) fn look(workspace: &Workspace, env: &[(String, String)], finds: &mut Finds) {
    let (what, why) = match told(workspace, env) {
        Told::NoRepository | Told::All => return,
        Told::Nothing => (
            "git merges the main files as plain text",
            "two branches that changed neighbouring items end in conflict markers, and totals and lock lines of both sides come together as they may",
        ),
        Told::AttributesAlone => (
            "this clone's git has not been told of the merge driver",
            "`.gitattributes` names it, and its configuration does not come with a clone: main files are merged as plain text until then",
        ),
    };
    finds.add(
        Grade::Remark,
        "branches",
        what,
        why,
        "`coursebuild merge-driver --install`, once in each clone",
    );
}
