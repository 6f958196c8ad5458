//! How often an item was asked for, as the store knows it: under its content key and those that count as it.

use super::facts::Attempts;
use super::memory::Memory;
use super::trouble::trouble;
use crate::diag::Result;
use crate::digest::Digest;
use crate::store::{Known, Provenance};

impl Memory<'_> {
    /// Those under all of the contents; what the last ones brought is told of the first content under which there were any.
    pub(super) fn attempts(
        &self,
        id: &str,
        contents: &[Digest],
        checks: Digest,
        limit: u32,
    ) -> Result<Attempts> {
        let index = self.store().index()?;
        let made: Vec<u32> = contents.iter().map(|content| index.attempts(content, id, &checks)).collect();
        let Some(content) = made.iter().position(|made| *made > 0).map(|first| contents[first]) else {
            return Ok(Attempts { limit, ..Attempts::default() });
        };
        let made = made.iter().sum();
        let mut answers: Vec<Known> = index
            .results(&content)
            .filter(|known| {
                *known.id == *id && known.checks == checks && known.provenance == Provenance::Generated
            })
            .collect();
        answers.sort_by_key(|known| known.ended_ms);
        let repeated = matches!(&answers[..], [.., a, b] if a.digest == b.digest && a.entry != b.entry);
        let trouble = match index.last_attempt(&content, id, &checks) {
            Some(asked) if asked.result.is_none() => trouble(&self.store().entry(asked.entry)?, id),
            _ => Vec::new(),
        };
        Ok(Attempts { made, limit, repeated, trouble })
    }
}
