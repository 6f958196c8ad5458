//! Pinned results, and results under keys that count as an item's own: what memory has of them.

use super::accepted::author;
use super::board::Board;
use super::facts::{Candidate, Current};
use super::memory::Memory;
use crate::course::Pin;
use crate::diag::{Problem, Result};
use crate::digest::Digest;
use crate::key::Part;
use crate::store::{EntryId, Provenance};
use rayon::prelude::*;
use std::sync::Arc;

impl Memory<'_> {
    /// The result that is pinned for an item: from its main file, else from the store.
    ///
    /// # Errors
    /// An author's problem if neither has it: to buy another one unasked would be against what the pin says.
    pub(super) fn pinned(
        &self,
        board: &Board<'_>,
        phase: usize,
        id: &str,
        standing: Option<&(Digest, Arc<str>)>,
    ) -> Result<Option<Candidate>> {
        let (course, rule) = (board.course, board.rule(phase));
        let Some(pin) = course.accepted.pin_of(&course.code, &rule.name, id) else { return Ok(None) };
        let Pin { output, key, .. } = pin;
        let line = self.line(&rule.name, id).filter(|line| line.digest == *output);
        let known = self.store().index()?.by_short(output);
        let provenance = line.map(|line| line.provenance).or(known.as_ref().map(|known| known.provenance));
        let found = match standing {
            Some((digest, text)) if digest.short() == *output => Some((*digest, text.clone())),
            _ => match known {
                Some(known) => self.text_of(Some(&known))?.map(|text| (known.digest, text)),
                None => None,
            },
        };
        let Some((digest, text)) = found else {
            let target = format!("{}/{}/{id}", course.code, rule.name);
            return Err(Problem::author(format!("the pinned result of `{target}` is lost"))
                .because(format!("neither its main file nor the store has the output `{output}`"))
                .hint(format!("bring one of them back, or let it go: `coursebuild unpin {target}`")));
        };
        let provenance = provenance.unwrap_or(Provenance::Generated);
        Ok(Some(Candidate { digest, provenance, content: *key, text }))
    }

    /// The common case after an accepted edit, told at once: the lock's line is under a key that counts, no result is under the
    /// present one, and nothing else changed.
    pub(super) fn plainly_counts(
        &self,
        board: &Board<'_>,
        phase: usize,
        (id, root): (&str, &str),
        contents: &[Digest],
        chosen: bool,
    ) -> Result<Option<Current>> {
        let [own, same @ ..] = contents else { return Ok(None) };
        let line = self.line(&board.rule(phase).name, id);
        let Some(content) = line.and_then(|line| same.iter().find(|same| same.short() == line.key)) else {
            return Ok(None);
        };
        let index = self.store().index()?;
        if index.results(own).any(|known| *known.id == *id) || !index.superseded(own, id).is_empty() {
            return Ok(None);
        }
        self.plainly_fresh(board, phase, id, root, *content, chosen)
    }

    /// The last result that was refused for an item under the present key or one that counts as it, and its text.
    pub fn last_refused(
        &self,
        board: &Board<'_>,
        phase: usize,
        root: usize,
        at: usize,
    ) -> Result<Option<(Digest, Arc<str>)>> {
        let cell = &board.phases[phase].slots[root].cells[at];
        let Some(detail) = board.detail_of(phase, root, at)? else { return Ok(None) };
        let contents: Vec<Digest> =
            std::iter::once(cell.content).chain(board.same_contents(phase, &detail)).collect();
        let refused = |digest: &Digest| cell.decision.refused.contains(digest);
        for content in &contents {
            let bought = self.store().index()?.results(content);
            let bought: Vec<_> =
                bought.filter(|known| *known.id == *cell.id && refused(&known.digest)).collect();
            for known in bought.iter().rev() {
                if let Some(text) = self.text_of(Some(known))? {
                    return Ok(Some((known.digest, text)));
                }
            }
        }
        // A clone has it in its main file alone.
        let linked = cell.decision.linked.as_ref().filter(|linked| refused(&linked.digest));
        linked
            .map(|linked| Ok((linked.digest, board.lifted(phase, &detail.id, &detail.root, &linked.text)?)))
            .transpose()
    }

    /// Who answered in a phase, by its lock and, if `all` are wanted, by the store: the parts of their recipes that say so.
    pub(super) fn authors(&self, course: &str, phase: &str, all: bool) -> Result<Vec<Vec<Part>>> {
        let mut authors = self.locked_authors(phase).to_vec();
        if !all {
            return Ok(authors);
        }
        let sources = self.store().index()?.sources();
        let bought: Vec<EntryId> = sources
            .iter()
            .filter(|source| {
                *source.course == *course
                    && *source.phase == *phase
                    && source.provenance == Provenance::Generated
                    && source.results > 0
            })
            .map(|source| source.entry)
            .collect();
        // A torn entry loses itself only.
        let recipes = bought.par_iter().filter_map(|entry| self.store().recipe(*entry).ok());
        authors.par_extend(recipes.map(author));
        authors.sort_by_cached_key(|parts| parts.iter().map(|part| part.digest).collect::<Vec<_>>());
        authors.dedup();
        Ok(authors)
    }

    /// What the store knows under these contents for an item, those under the first one first.
    pub(super) fn results(&self, contents: &[Digest], id: &str) -> Result<Vec<Candidate>> {
        let index = self.store().index()?;
        let mut results = Vec::new();
        for content in contents {
            for known in index.results(content).filter(|known| *known.id == *id) {
                results.extend(self.candidate(&known)?);
            }
        }
        Ok(results)
    }
}
