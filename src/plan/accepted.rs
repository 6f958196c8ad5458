//! Accepted edits: the recipes that count as the present one, and with them the keys that an item's results may be filed under.
//!
//! An edit of a part connects two of its digests, in both directions, and with others of the same part makes classes. A result
//! is never filed anew for it: it keeps the key that it was made under, and that key counts as long as the edit is accepted. So
//! taking an acceptance back leaves exactly what was there before.

use super::board::{Board, Cell, Detail};
use super::memory::Memory;
use crate::check::Finding;
use crate::course::{Edit, Severity};
use crate::diag::Result;
use crate::digest::Digest;
use crate::key::{Part, Recipe};
use std::collections::{BTreeSet, HashSet};

/// So many recipes count as the present one at most: nearest first.
const MOST: usize = 512;

/// The parts that say who answers.
const AUTHOR: [&str; 4] = ["model", "generator", "model parameters", "model options"];

impl Board<'_> {
    /// Finds the recipes that count as the present ones of each phase.
    pub(super) fn accept(&mut self, memory: &Memory<'_>) -> Result<()> {
        for phase in 0..self.phases.len() {
            let rule = self.rule(phase);
            let edits = self.course.accepted.edits_of(&rule.name);
            let keeps = self.course.phases[phase].keeps_models;
            let authors = memory.authors(&self.course.code, &rule.name, keeps)?;
            for scope in &mut self.phases[phase].scopes {
                scope.same = same(&scope.recipe, edits, if keeps { &authors } else { &[] });
            }
            self.phases[phase].authors = authors;
        }
        Ok(())
    }

    /// Who made the results that stand in a phase's main file, whoever answers now first: for its lock, so that a clone without a
    /// store knows them too. The others are left out as soon as nothing can be theirs.
    pub fn linked_authors(&self, phase: usize) -> Vec<Vec<Part>> {
        let now = author(self.phases[phase].recipe_of_all().parts().to_vec());
        let own = |cell: &Cell| {
            let linked = cell.decision.linked.as_ref();
            linked.is_none_or(|linked| linked.key == cell.content.short())
        };
        let mut authors = vec![now];
        if !self.cells(phase).all(|(.., cell)| own(cell)) {
            let before = self.phases[phase].authors.iter().filter(|other| **other != authors[0]);
            let before: Vec<Vec<Part>> = before.cloned().collect();
            authors.extend(before);
        }
        authors
    }

    /// The other content keys that count as an item's own, nearest first.
    pub(super) fn same_contents(&self, phase: usize, detail: &Detail) -> Vec<Digest> {
        let board = &self.phases[phase];
        let root = board.numbers.get(&detail.root).copied().unwrap_or_default();
        let scope = &board.scopes[board.scope_of[root] as usize];
        scope.same.iter().map(|recipe| recipe.content(&detail.own)).collect()
    }

    /// Whether a part of the recipe that changed so counts as unchanged.
    pub fn is_accepted(&self, phase: usize, part: &str, old: Option<Digest>, new: Option<Digest>) -> bool {
        (self.course.phases[phase].keeps_models && AUTHOR.contains(&part))
            || are_same(self.course.accepted.edits_of(&self.rule(phase).name), part, old, new)
    }

    /// Silences what is waived of an output: its errors count no more, and say why.
    pub fn waive(&self, phase: usize, id: &str, lifted: &str, findings: &mut [Finding]) {
        let waivers = self.course.accepted.waivers_of(&self.course.code, &self.rule(phase).name, id);
        if waivers.is_empty() || findings.iter().all(|finding| !finding.is_error()) {
            return;
        }
        let output = super::output_digest_of_text(lifted).short();
        for finding in findings.iter_mut().filter(|finding| finding.is_error()) {
            let found = waivers.iter().find(|own| own.output == output && own.check == finding.kind);
            if let Some(waiver) = found {
                finding.severity = Severity::Waived;
                finding.message += &format!(" (waived: {})", waiver.reason);
            }
        }
    }
}

/// Whether two digests of a part are of one class.
fn are_same(edits: &[Edit], part: &str, old: Option<Digest>, new: Option<Digest>) -> bool {
    let mut class = BTreeSet::from([old]);
    loop {
        let known = class.len();
        for edit in edits.iter().filter(|edit| edit.part == part) {
            if class.contains(&edit.old) || class.contains(&edit.new) {
                class.extend([edit.old, edit.new]);
            }
        }
        if class.contains(&new) {
            return true;
        }
        if class.len() == known {
            return false;
        }
    }
}

/// The recipes that count as one, itself apart. First those that there were, edit by edit backwards; then all that the edits
/// make of them; each by all who answered before.
fn same(recipe: &Recipe, edits: &[Edit], authors: &[Vec<Part>]) -> Vec<Recipe> {
    let mut found = Found { seen: HashSet::from([recipe.digest()]), all: vec![recipe.clone()] };
    let mut state = recipe.parts().to_vec();
    for group in edits.chunk_by(|a, b| a.number == b.number).rev() {
        // A part may have stood after one that went with it: as many passes as there are parts bring all back.
        for edit in group.iter().flat_map(|_| group) {
            if digest_of(&state, &edit.part) == edit.new {
                state = with(&state, edit, edit.old).unwrap_or(state);
            }
        }
        found.add(&state);
    }
    let mut at = 0;
    while at < found.all.len() && found.all.len() < MOST {
        let state = found.all[at].parts().to_vec();
        for edit in edits {
            let now = digest_of(&state, &edit.part);
            let other = if now == edit.new { edit.old } else { edit.new };
            if now == edit.new || now == edit.old {
                with(&state, edit, other).iter().for_each(|state| found.add(state));
            }
        }
        at += 1;
    }
    for at in 0..found.all.len().min(1 + MOST / authors.len().max(1)) {
        for author in authors {
            let kept = found.all[at].parts().iter().filter(|part| !AUTHOR.contains(&&*part.name));
            let state: Vec<Part> = kept.chain(author).cloned().collect();
            found.add(&state);
        }
    }
    found.all.split_off(1)
}

struct Found {
    seen: HashSet<Digest>,
    all: Vec<Recipe>,
}

impl Found {
    fn add(&mut self, parts: &[Part]) {
        let recipe = Recipe::of_parts(parts.to_vec());
        if self.seen.insert(recipe.digest()) {
            self.all.push(recipe);
        }
    }
}

fn digest_of(parts: &[Part], name: &str) -> Option<Digest> {
    parts.iter().find(|part| &*part.name == name).map(|part| part.digest)
}

/// The parts with another digest for an edit's part; `None` where its place is not known.
fn with(parts: &[Part], edit: &Edit, digest: Option<Digest>) -> Option<Vec<Part>> {
    let mut parts = parts.to_vec();
    match (parts.iter().position(|part| *part.name == *edit.part), digest) {
        (Some(at), Some(digest)) => parts[at].digest = digest,
        (Some(at), None) => {
            parts.remove(at);
        }
        (None, Some(digest)) => {
            let at = match &edit.after {
                Some(after) => parts.iter().position(|part| *part.name == **after)? + 1,
                None => 0,
            };
            parts.insert(at, Part { name: edit.part.as_str().into(), digest });
        }
        (None, None) => {}
    }
    Some(parts)
}

/// The parts of a recipe that say who answered.
pub(super) fn author(recipe: Vec<Part>) -> Vec<Part> {
    recipe.into_iter().filter(|part| AUTHOR.contains(&&*part.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(of: &str) -> Digest {
        Digest::of(of.as_bytes())
    }

    fn edit(number: u32, part: &str, old: &str, new: &str) -> Edit {
        let of = |text: &str| (!text.is_empty()).then(|| digest(text));
        Edit {
            phase: "p".into(),
            number,
            part: part.into(),
            old: of(old),
            new: of(new),
            after: Some("a".into()),
            reason: String::new(),
        }
    }

    /// `a1 b2`: the part `a` with the digest of `1`, and so on.
    fn recipe(text: &str) -> Recipe {
        let part = |word: &str| Part { name: word[..1].into(), digest: digest(&word[1..]) };
        Recipe::of_parts(text.split(' ').map(part).collect())
    }

    fn names(all: &[Recipe], known: &[&str]) -> Vec<String> {
        let name =
            |one: &Recipe| known.iter().find(|text| recipe(text) == *one).map(|text| (*text).to_owned());
        all.iter().filter_map(name).collect()
    }

    #[test]
    fn edits_make_classes_in_both_directions() {
        let edits = [edit(1, "b", "1", "2"), edit(2, "b", "2", "3"), edit(3, "c", "1", "2")];
        let known = ["a1 b1 c1", "a1 b2 c1", "a1 b3 c1", "a1 b1 c2", "a1 b2 c2", "a1 b3 c2"];
        for present in known {
            let found = names(&same(&recipe(present), &edits, &[]), &known);
            assert_eq!(found.len(), 5, "{present}: {found:?}");
        }
        let latest = names(&same(&recipe("a1 b3 c2"), &edits, &[]), &known);
        assert_eq!(latest[..3], ["a1 b3 c1", "a1 b2 c1", "a1 b1 c1"], "as it was, backwards");
        assert!(same(&recipe("a1 b4 c3"), &edits, &[]).is_empty());
        assert!(are_same(&edits, "b", Some(digest("3")), Some(digest("1"))));
        assert!(!are_same(&edits, "b", Some(digest("3")), Some(digest("4"))));
        assert!(!are_same(&edits, "d", Some(digest("1")), Some(digest("2"))));
    }

    #[test]
    fn parts_come_and_go_where_they_stood() {
        let edits = [edit(1, "b", "1", ""), edit(1, "d", "", "1")];
        let found = same(&recipe("a1 d1 c1"), &edits, &[]);
        assert_eq!(names(&found, &["a1 b1 c1"]), ["a1 b1 c1"]);
        assert_eq!(found[0], recipe("a1 b1 c1"), "what was accepted at once goes at once");
    }

    #[test]
    fn a_long_history_is_followed_however_long_it_is() {
        let part = |at: u32| char::from(b'a' + u8::try_from(at).unwrap()).to_string();
        let edits: Vec<Edit> = (1..26).map(|at| edit(at, &part(at), "1", "2")).collect();
        let text = |digest: &str| {
            (0..26).map(|at| part(at) + if at == 0 { "1" } else { digest }).collect::<Vec<_>>()
        };
        let (old, new) = (text("1").join(" "), text("2").join(" "));
        let found = same(&recipe(&new), &edits, &[]);
        assert!(found.contains(&recipe(&old)) && found.len() <= 2 * MOST, "{}", found.len());
    }

    #[test]
    fn who_answered_may_be_anybody_who_did() {
        let model = |of: &str| vec![Part { name: "model".into(), digest: digest(of) }];
        let with_model = |of: &str| {
            let parts: Vec<Part> = recipe("a1 b2").parts().iter().cloned().chain(model(of)).collect();
            Recipe::of_parts(parts)
        };
        let found = same(&with_model("new"), &[], &[model("new"), model("old")]);
        assert_eq!(found, [with_model("old")]);
    }
}
