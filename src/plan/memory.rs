//! What is remembered of an item: by its lock line, its main file's entry, and the store.

use super::board::{Board, Cell, Detail};
use super::facts::{Candidate, Current, Facts, Standing};
use super::once::Once;
use crate::diag::Result;
use crate::digest::{Digest, Short};
use crate::key::Part;
use crate::link::{Line, LockFile, PhaseLock, Text};
use crate::store::{Known, Provenance, Store};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// By phase and content key.
type IdsByContent = HashMap<(String, Short), Vec<Arc<str>>>;

/// The memory of one course.
pub struct Memory<'s> {
    store: &'s Store,
    lock: &'s LockFile,
    /// The ids under which a phase's lock lines have a content key; made when first asked for.
    by_content: OnceLock<IdsByContent>,
    /// What the boards of several wishes share.
    pub(super) once: Option<Once>,
}

/// What is told of an item: the common case at once, all facts otherwise.
pub(super) enum Told {
    /// Lock line, main file, key and checks agree: nothing else has to be looked at.
    Fresh(Current),
    /// Everything that a decision looks at.
    Facts(Box<Facts>),
}

/// A result of the same content under another id.
pub(super) struct Other {
    /// The id that it is filed under.
    pub(super) id: Arc<str>,
    /// The id of that item's root.
    pub(super) root: Arc<str>,
    /// The result.
    pub(super) candidate: Candidate,
}

impl<'s> Memory<'s> {
    /// The memory of a course: the store and its lock.
    pub fn new(store: &'s Store, lock: &'s LockFile) -> Self {
        Self { store, lock, by_content: OnceLock::new(), once: None }
    }

    /// The store.
    pub fn store(&self) -> &'s Store {
        self.store
    }

    /// An item's line in the lock.
    pub(super) fn line(&self, phase: &str, id: &str) -> Option<Line> {
        self.phase_lock(phase).and_then(|lock| lock.lines.get(id)).copied()
    }

    /// Who answered in a phase, by its lock.
    pub(super) fn locked_authors(&self, phase: &str) -> &'s [Vec<Part>] {
        self.phase_lock(phase).map_or(&[], |lock| &lock.authors)
    }

    /// True when there is a lock that could be read.
    pub(super) fn has_lock(&self) -> bool {
        self.lock.lock().is_some()
    }

    pub(super) fn phase_lock(&self, phase: &str) -> Option<&'s PhaseLock> {
        self.lock.lock().and_then(|lock| lock.phases.get(phase))
    }

    /// The common case, told at once: lock line, main file, key and checks agree.
    pub(super) fn plainly_fresh(
        &self,
        board: &Board<'_>,
        phase: usize,
        id: &str,
        root: &str,
        content: Digest,
        chosen: bool,
    ) -> Result<Option<Current>> {
        let Some(lock) = self.phase_lock(&board.rule(phase).name) else { return Ok(None) };
        let Some(line) = lock.lines.get(id) else { return Ok(None) };
        let plain = matches!(line.provenance, Provenance::Generated | Provenance::Adopted);
        let stands = line.key == content.short() && plain && !line.unchecked;
        let passed = lock.checks == Some(board.phases[phase].checks.digest().short());
        let course = board.course;
        let pinned = course.accepted.pin_of(&course.code, &board.rule(phase).name, id).is_some();
        if !stands || !passed || pinned || board.forces(phase, id, content, chosen) {
            return Ok(None);
        }
        if self.store.index()?.has_superseded() && !self.store.index()?.superseded(&content, id).is_empty() {
            return Ok(None);
        }
        let standing =
            self.standing(board, phase, id, root)?.filter(|(digest, _)| digest.short() == line.digest);
        Ok(standing.map(|(digest, text)| Current {
            digest,
            text,
            provenance: line.provenance,
            key: line.key,
            unchecked: false,
        }))
    }

    pub(super) fn facts(
        &self,
        board: &Board<'_>,
        phase: usize,
        detail: &Detail,
        content: Digest,
        chosen: bool,
    ) -> Result<Told> {
        let (id, root) = (&detail.id, &*detail.root);
        if let Some(current) = self.plainly_fresh(board, phase, id, root, content, chosen)? {
            return Ok(Told::Fresh(current));
        }
        let same = board.same_contents(phase, detail);
        let contents: Vec<Digest> = std::iter::once(content).chain(same.iter().copied()).collect();
        if let Some(current) = self.plainly_counts(board, phase, (id, root), &contents, chosen)? {
            return Ok(Told::Fresh(current));
        }
        Ok(Told::Facts(Box::new(self.all_facts(board, phase, detail, content, chosen)?)))
    }

    /// Everything that a decision over an item looks at, also where its lock line alone would do.
    pub(super) fn all_facts(
        &self,
        board: &Board<'_>,
        phase: usize,
        detail: &Detail,
        content: Digest,
        chosen: bool,
    ) -> Result<Facts> {
        let (id, root) = (&detail.id, &*detail.root);
        let same = board.same_contents(phase, detail);
        let contents: Vec<Digest> = std::iter::once(content).chain(same.iter().copied()).collect();
        let rule = board.rule(phase);
        let lock = self.phase_lock(&rule.name);
        let line = lock.and_then(|lock| lock.lines.get(id)).copied();
        let standing = match self.standing(board, phase, id, root)? {
            Some((digest, text)) => Some((digest, board.lifted(phase, id, root, &text)?)),
            None => None,
        };
        let checks = board.phases[phase].checks.digest();
        let force = board.forces(phase, id, content, chosen);
        let index = self.store.index()?;
        let locked = match (line, &standing) {
            (Some(line), Some((digest, text))) if line.digest == digest.short() => Some(text.clone()),
            (Some(line), _) => self.text_of(index.by_short(&line.digest).as_ref())?,
            (None, _) => None,
        };
        let history = index.history(&board.course.code, &rule.name, id);
        let known = |digest: Digest| {
            let of_item =
                history.iter().filter_map(|asked| asked.result.clone()).chain(index.results(&content));
            of_item
                .filter(|known| known.digest == digest)
                .last()
                .map(|known| (known.provenance, known.content.short()))
        };
        let edit = match index.edit(&board.course.code, &rule.name, id) {
            Some(known) => self.candidate(&known)?,
            None => None,
        };
        let results = self.results(&contents, id)?;
        let stands = standing.as_ref().map(|(digest, _)| *digest);
        let base = match results.is_empty() {
            true => None,
            false => self.base_of_standing(board, phase, id, &contents, stands, line, edit.as_ref())?,
        };
        Ok(Facts {
            content,
            pin: self.pinned(board, phase, id, standing.as_ref())?,
            lock_readable: self.lock.lock().is_some(),
            line,
            locked,
            failed: lock.and_then(|lock| lock.failed.get(id)).copied(),
            standing: standing.map(|(digest, text)| Standing { digest, text, known: known(digest) }),
            results,
            claimable: Vec::new(),
            edit,
            base,
            superseded: contents.iter().flat_map(|content| index.superseded(content, id)).collect(),
            attempts: self.attempts(id, &contents, checks, rule.attempts)?,
            same,
            checks: checks.short(),
            earlier: history
                .iter()
                .rev()
                .find_map(|asked| asked.result.as_ref())
                .map(|known| known.content.short()),
            force,
            retry_failed: board.wishes.retry_failed && chosen,
            fix: board.wishes.fix && chosen,
            refresh: board.wishes.refresh && chosen,
            adopt: board.adopts(phase, chosen),
        })
    }

    pub(super) fn candidate(&self, known: &Known) -> Result<Option<Candidate>> {
        let text = self.text_of(Some(known))?;
        Ok(text.map(|text| Candidate {
            digest: known.digest,
            provenance: known.provenance,
            content: known.content.short(),
            text,
        }))
    }

    /// A result's text; a torn or vanished entry is a result that is not there.
    pub(super) fn text_of(&self, known: Option<&Known>) -> Result<Option<Arc<str>>> {
        Ok(known.and_then(|known| self.store.output(known).ok()).map(Into::into))
    }

    /// What the main file goes on showing for an item whose key is not known yet.
    pub(super) fn last_linked(
        &self,
        board: &Board<'_>,
        phase: usize,
        id: &str,
        root: &str,
    ) -> Result<Option<Current>> {
        let line = self.phase_lock(&board.rule(phase).name).and_then(|lock| lock.lines.get(id)).copied();
        let standing = self.standing(board, phase, id, root)?;
        if let Some((digest, text)) = standing {
            let current = |provenance, key| {
                Some(Current { digest, text: text.clone(), provenance, key, unchecked: true })
            };
            return Ok(match line {
                Some(line) if line.digest == digest.short() => current(line.provenance, line.key),
                // Whatever else stands there is kept as it is until its key is known and it can be decided over.
                Some(line) => current(Provenance::Edited, line.key),
                None => {
                    let index = self.store.index()?;
                    let history = index.history(&board.course.code, &board.rule(phase).name, id);
                    let known = history
                        .iter()
                        .filter_map(|asked| asked.result.as_ref())
                        .find(|known| known.digest == digest);
                    known.map_or_else(
                        || current(Provenance::Edited, Short::default()),
                        |known| current(known.provenance, known.content.short()),
                    )
                }
            });
        }
        let Some(line) = line else { return Ok(None) };
        let text = self.text_of(self.store.index()?.by_short(&line.digest).as_ref())?;
        Ok(text.map(|text| Current {
            digest: super::output_digest_of_text(&text),
            text: Text::Lifted(text),
            provenance: line.provenance,
            key: line.key,
            unchecked: true,
        }))
    }

    /// True when a result of this content is filed under another id.
    pub(super) fn has_others(&self, board: &Board<'_>, phase: usize, cell: &Cell) -> bool {
        let id = &*cell.id;
        cell.contents().any(|content| {
            let in_store =
                self.store.index().is_ok_and(|index| index.results(&content).any(|known| *known.id != *id));
            in_store || self.locked_ids(&board.rule(phase).name, content).iter().any(|other| **other != *id)
        })
    }

    /// The results of a content under other ids, by (id, digest); but of one id first what stands for it: what its lock line
    /// names, then its newest hand edit. What a later purchase replaced is not among them.
    pub(super) fn others(
        &self,
        board: &Board<'_>,
        phase: usize,
        content: Digest,
        id: &str,
    ) -> Result<Vec<Other>> {
        let index = self.store.index()?;
        let mut others = Vec::new();
        let replaced = |known: &Known| index.superseded(&content, &known.id).contains(&known.digest);
        for known in index.results(&content).filter(|known| *known.id != *id && !replaced(known)) {
            if let Some(candidate) = self.candidate(&known)? {
                others.push(Other { id: known.id.clone(), root: known.root.clone(), candidate });
            }
        }
        for other in self.locked_ids(&board.rule(phase).name, content).iter().filter(|other| ***other != *id)
        {
            // The root of an item that is in the lock alone is not written there: the longest root that it begins with.
            let roots = board.phases[phase]
                .roots
                .iter()
                .filter(|root| other.starts_with(&***root))
                .max_by_key(|root| root.len());
            let root = roots.cloned().unwrap_or_else(|| other.clone());
            if let Some(current) = self.last_linked(board, phase, other, &root)? {
                let candidate = Candidate {
                    digest: current.digest,
                    provenance: current.provenance,
                    content: content.short(),
                    text: board.lifted(phase, other, &root, &current.text)?,
                };
                others.push(Other { id: other.clone(), root, candidate });
            }
        }
        let lock = self.phase_lock(&board.rule(phase).name);
        let locked = |other: &Other| {
            let line = lock.and_then(|lock| lock.lines.get(&other.id));
            line.is_some_and(|line| {
                line.key == content.short() && line.digest == other.candidate.digest.short()
            })
        };
        let edited = |other: &Other| {
            let edit = index.edit(&board.course.code, &board.rule(phase).name, &other.id);
            edit.is_some_and(|edit| edit.digest == other.candidate.digest)
        };
        others.sort_by_cached_key(|other| {
            (other.id.clone(), !locked(other), !edited(other), other.candidate.digest)
        });
        others.dedup_by(|a, b| a.id == b.id && a.candidate.digest == b.candidate.digest);
        Ok(others)
    }

    /// True when the store has this very output as a result of this item.
    pub fn knows(&self, board: &Board<'_>, phase: usize, id: &str, digest: Digest) -> Result<bool> {
        let history = self.store.index()?.history(&board.course.code, &board.rule(phase).name, id);
        Ok(history.iter().filter_map(|asked| asked.result.as_ref()).any(|known| known.digest == digest))
    }

    /// True when neither lock nor store has any result of a phase.
    pub(super) fn knows_nothing_of(&self, course: &str, phase: &str) -> Result<bool> {
        Ok(self.phase_lock(phase).is_none_or(|lock| lock.lines.is_empty())
            && !self
                .store
                .index()?
                .sources()
                .iter()
                .any(|source| *source.course == *course && *source.phase == *phase))
    }

    /// How many stored outputs of a phase passed other checks than those of now.
    pub(super) fn rechecks(&self, board: &Board<'_>, phase: usize) -> usize {
        let lock = self.phase_lock(&board.rule(phase).name);
        let same = lock.and_then(|lock| lock.checks) == Some(board.phases[phase].checks.digest().short());
        if same { 0 } else { board.cells(phase).filter(|(.., cell)| cell.decision.linked.is_some()).count() }
    }

    fn locked_ids(&self, phase: &str, content: Digest) -> &[Arc<str>] {
        let all = self.by_content.get_or_init(|| {
            let mut all = IdsByContent::new();
            for (phase, lock) in self.lock.lock().into_iter().flat_map(|lock| &lock.phases) {
                for (id, line) in &lock.lines {
                    all.entry((phase.clone(), line.key)).or_default().push(id.clone());
                }
            }
            all
        });
        all.get(&(phase.to_owned(), content.short())).map_or(&[], Vec::as_slice)
    }
}
