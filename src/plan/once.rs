//! What several boards over the same files need not work out again each: what stands in a main file, and how an output is judged
//! by itself.
//!
//! For those who ask the same question several times with other wishes, as an adoption that tells what each way on would cost.
//! Neither answer depends on a wish: the one on the main file alone, the other on all that the key tells of the item.

use super::board::{Board, Detail};
use super::memory::Memory;
use crate::check::Finding;
use crate::diag::Result;
use crate::digest::{Digest, Hasher};
use crate::json::Ids;
use crate::link::Text;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What stood for an item: the digest of its output, and the text.
type Standing = Option<(Digest, Text)>;
/// By phase, id and root.
type Standings = HashMap<(usize, Box<str>, Box<str>), Standing>;

impl Memory<'_> {
    /// The same for boards that differ in nothing but their wishes: what stands in main files and how outputs are judged by
    /// themselves is worked out once. The files must not change meanwhile.
    pub fn for_several_boards(mut self) -> Self {
        self.once = Some(Once::default());
        self
    }

    /// What stands in the main file for an item: its digest, and its text as far as it had to be read for that.
    pub(super) fn standing(&self, board: &Board<'_>, phase: usize, id: &str, root: &str) -> Result<Standing> {
        match &self.once {
            Some(once) => once.standing((phase, id, root), || Self::in_main(board, phase, id, root)),
            None => Self::in_main(board, phase, id, root),
        }
    }

    fn in_main(board: &Board<'_>, phase: usize, id: &str, root: &str) -> Result<Standing> {
        let main = &board.phases[phase].main;
        let Some(found) = main.find(id) else { return Ok(None) };
        if let Some(digest) = found.digest {
            return Ok(Some((digest, Text::InMain(found))));
        }
        let mut value = board.output(phase, id, root, &Text::InMain(found))?;
        board.rule(phase).output.take_in(&mut value, Ids { id, root });
        Ok(Some((super::output_digest(&value), Text::Lifted(value.to_string().into()))))
    }

    /// The findings of an output by itself.
    pub(super) fn judged(
        &self,
        board: &Board<'_>,
        phase: usize,
        detail: &Detail,
        content: &Digest,
        lifted: &str,
    ) -> Vec<Finding> {
        let judge = || board.judge(phase, detail, lifted);
        match &self.once {
            Some(once) => once.judged(phase, detail, content, lifted, judge),
            None => judge(),
        }
    }
}

/// Answers that hold for every board over these files.
#[derive(Default)]
pub(super) struct Once {
    standing: Mutex<Standings>,
    judged: Mutex<HashMap<Digest, Arc<[Finding]>>>,
}

impl Once {
    /// What stands in the main file for an item.
    fn standing(
        &self,
        (phase, id, root): (usize, &str, &str),
        look: impl FnOnce() -> Result<Standing>,
    ) -> Result<Standing> {
        let key = (phase, id.into(), root.into());
        let known = self.standing.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let found = look()?;
        // A place in a file is told by whoever reads the file, for it may be another one by then.
        if !matches!(found, Some((_, Text::InMain(_)))) {
            self.standing.lock().unwrap_or_else(PoisonError::into_inner).insert(key, found.clone());
        }
        Ok(found)
    }

    /// The findings of an output by itself: of an item with this content, its ids beside it.
    fn judged(
        &self,
        phase: usize,
        detail: &Detail,
        content: &Digest,
        lifted: &str,
        judge: impl FnOnce() -> Vec<Finding>,
    ) -> Vec<Finding> {
        let mut hasher = Hasher::new("judged by itself");
        hasher.field("phase", phase.to_string().as_bytes());
        hasher.field("id", detail.id.as_bytes());
        hasher.field("root", detail.root.as_bytes());
        hasher.field("content", content.as_bytes());
        hasher.field("output", lifted.as_bytes());
        let key = hasher.finish();
        let known = self.judged.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(known) = known {
            return known.to_vec();
        }
        let findings = judge();
        let kept = findings.clone().into();
        self.judged.lock().unwrap_or_else(PoisonError::into_inner).insert(key, kept);
        findings
    }
}
