//! What a decision over one item looks at, and what it says.

use super::adopt::Adopt;
use super::verdict::{Held, Verdict};
use crate::check::Finding;
use crate::digest::{Digest, Short};
use crate::link::{Failed, Line, Text};
use crate::store::{Provenance, slot};
use std::collections::HashSet;
use std::sync::Arc;

/// A result that could stand for an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The digest of its output.
    pub digest: Digest,
    /// Where it comes from.
    pub provenance: Provenance,
    /// The content key that it is filed under.
    pub content: Short,
    /// Its output in lifted form.
    pub text: Arc<str>,
}

/// An item's entry in its main file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The digest of the output that stands there.
    pub digest: Digest,
    /// The output in lifted form.
    pub text: Arc<str>,
    /// Under what the store knows this very output as a result of this item; `None`: it does not.
    pub known: Option<(Provenance, Short)>,
}

/// Asked attempts under the present key and checks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attempts {
    /// How many there were.
    pub made: u32,
    /// How many there may be.
    pub limit: u32,
    /// The last two answers were the same: asking again is idle.
    pub repeated: bool,
    /// What the last one was refused for, when it brought nothing that could be checked.
    pub trouble: Vec<Finding>,
}

/// All that a decision looks at.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The item's content key.
    pub content: Digest,
    /// The other content keys that count as it, because an edit was accepted: nearest first.
    pub same: Vec<Digest>,
    /// The result that is pinned.
    pub pin: Option<Candidate>,
    /// True when there is a lock that could be read.
    pub lock_readable: bool,
    /// The item's line in it.
    pub line: Option<Line>,
    /// The output that the line names, if its bytes were found in the main file or the store.
    pub locked: Option<Arc<str>>,
    /// The lock says that its attempts are exhausted.
    pub failed: Option<Failed>,
    /// What stands in the main file.
    pub standing: Option<Standing>,
    /// The results filed under this id and this content, earliest first, then those under a content that counts as it.
    pub results: Vec<Candidate>,
    /// The results of the same content that nobody claims, in the order in which they may be taken.
    pub claimable: Vec<Candidate>,
    /// The newest hand edit of this item, under whatever key.
    pub edit: Option<Candidate>,
    /// What the standing hand edit was made from, where a newer generated result is known too.
    pub base: Option<Arc<str>>,
    /// Results that a later purchase replaced although they were valid.
    pub superseded: Vec<Digest>,
    /// Attempts under this key and these checks.
    pub attempts: Attempts,
    /// The digest of the checks.
    pub checks: Short,
    /// The key under which the store knows the item otherwise.
    pub earlier: Option<Short>,
    /// `-B`: buy it as if it were stale.
    pub force: bool,
    /// `--retry-failed`: exhausted attempts count as none.
    pub retry_failed: bool,
    /// `--fix`: buy what is held for its findings.
    pub fix: bool,
    /// `--refresh-edited`: buy what is held because its key moved under a hand edit.
    pub refresh: bool,
    /// `adopt`: take what stands in the main file as a result of the present inputs.
    pub adopt: Adopt,
}

impl Facts {
    /// True when a result made under this key counts as made under the present one.
    pub fn counts(&self, key: Short) -> bool {
        key == self.content.short() || self.same.iter().any(|same| same.short() == key)
    }

    /// True when the lock's line or an edit under this key goes before what the store knows: a result under the present key
    /// itself wins over one under a key that merely counts as it.
    pub fn leads(&self, key: Short) -> bool {
        let own = self.content.short();
        key == own || (self.counts(key) && self.results.iter().all(|result| result.content != own))
    }
}

/// A result that stands for an item, with what its lock line says.
#[derive(Debug, Clone, PartialEq)]
pub struct Current {
    /// The digest of its output.
    pub digest: Digest,
    /// Its output.
    pub text: Text,
    /// Where it comes from.
    pub provenance: Provenance,
    /// The content key it was made under; zero where nobody knows.
    pub key: Short,
    /// It is not known to pass the checks of now, or only because a finding is waived.
    pub unchecked: bool,
}

/// What is decided over an item.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What is to be done.
    pub verdict: Verdict,
    /// The result that stands for the item: what later phases are fed. `None` unless fresh or held.
    pub current: Option<Current>,
    /// What the main file shows.
    pub linked: Option<Current>,
    /// What is to be kept in the store before anything else: a hand edit that it does not know.
    pub file: Option<Current>,
    /// The other content keys that count as the item's own, where something is to be bought or was taken over.
    pub same: Vec<Digest>,
    /// It was taken over from another id and is to be filed under this one.
    pub claimed: bool,
    /// The digests of the results refused under the present key, sorted.
    pub refused: Vec<Digest>,
    /// The result that a purchase replaces although it was not refused.
    pub supersedes: Option<Digest>,
    /// Attempts made so far; the next is one more.
    pub attempts: u32,
    /// What a purchase is told of the last answer.
    pub findings: Vec<Finding>,
}

impl Decision {
    /// Of an item whose result stands.
    pub fn fresh(current: Current) -> Self {
        Self { linked: Some(current.clone()), current: Some(current), ..Self::pending(Verdict::Fresh, None) }
    }

    /// Holds what would be bought into a slot of which nobody can say whether the shared store fills it.
    pub fn hold_out_of_reach(&mut self, content: Digest, id: &str, slots: &HashSet<Digest>) {
        let would_go = || slot(content, id, &self.refused, self.supersedes);
        if !slots.is_empty() && self.verdict.is_to_buy() && slots.contains(&would_go()) {
            self.verdict = Verdict::Held(Held::OutOfReach);
            self.current = None;
        }
    }

    /// Of an item that waits; its main file goes on showing what it shows.
    pub fn pending(verdict: Verdict, linked: Option<Current>) -> Self {
        Self {
            verdict,
            current: None,
            linked,
            file: None,
            same: Vec::new(),
            claimed: false,
            refused: Vec::new(),
            supersedes: None,
            attempts: 0,
            findings: Vec::new(),
        }
    }
}
