//! What `init --from` proposes for a folder of main files: a manifest, and in words what is not sure about it.

use super::recognise::{FoundDocuments, FoundSource, Recognised, knows_language};
use super::starter::{Starter, StarterGenerator};
use serde::Serialize;

/// A course that exists already, and the manifest that it would get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proposal {
    /// What the folder holds.
    #[serde(flatten)]
    pub recognised: Recognised,
    /// Its folder, as the manifest names it.
    pub dir: String,
    /// The course's code.
    pub code: String,
    /// The file of its source items, as the manifest names it.
    pub seeds: String,
    /// What that file holds.
    pub source: FoundSource,
    /// The documents of each phase.
    pub documents: Vec<FoundDocuments>,
    /// Who answers.
    #[serde(skip)]
    pub generator: StarterGenerator,
    /// A lock stands beside the main files.
    pub has_lock: bool,
}

impl Proposal {
    /// The manifest.
    pub fn starter(&self) -> Starter {
        Starter {
            rules: self.recognised.rules.clone(),
            dir: self.dir.clone(),
            // Who made what is there is not known: naming an author, now or later, must not make it stale.
            kept: self.recognised.files.iter().map(|file| file.phase.clone()).collect(),
            ..Starter::new(self.code.clone(), self.seeds.clone(), self.generator.clone())
        }
    }

    /// The phases that have no document.
    pub fn without_documents(&self) -> impl Iterator<Item = &FoundDocuments> {
        self.documents.iter().filter(|documents| documents.found.is_empty())
    }

    /// What is odd or not sure, in words: one line each.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for file in &self.recognised.files {
            let name = &file.file;
            let Some(holds) = &file.holds else {
                notes.push(format!(
                    "`{name}` is not there: all of {} is missing, and a build buys it",
                    file.phase
                ));
                continue;
            };
            if holds.unlike > 0 {
                notes.push(format!(
                    "{} of the items of `{name}` do not look like the others: an agent's fields among them, say; `adopt -n` names them",
                    holds.unlike
                ));
            }
            if let Some(first) = holds.twice.first() {
                let stand = match holds.twice.len() - 1 {
                    0 => " stands".to_owned(),
                    more => format!(" and {more} more stand"),
                };
                notes.push(format!(
                    "`{first}`{stand} in `{name}` more than once: where two are not the same, one has to go before they can be adopted"
                ));
            }
        }
        self.about_seeds(&mut notes);
        self.about_language(&mut notes);
        if self.has_lock {
            notes.push("a `coursebuild.lock` stands beside the main files: what it explains is fresh, and needs no adoption".to_owned());
        }
        notes
    }

    fn about_seeds(&self, notes: &mut Vec<String>) {
        let (ids, source, seeds) = (self.recognised.ids.len(), &self.source, &self.seeds);
        if ids == 0 {
            notes.push(format!("nothing in the main files tells whether the items of `{seeds}` are theirs"));
            return;
        }
        if source.known < ids {
            notes.push(format!(
                "{} of {ids} items are not in `{seeds}`: an adoption takes them out of the main files and keeps them in the store",
                ids - source.known
            ));
        }
        if source.items > source.known {
            notes.push(format!(
                "{} of the {} items of `{seeds}` have no result: a build buys it",
                source.items - source.known,
                source.items
            ));
        }
    }

    fn about_language(&self, notes: &mut Vec<String>) {
        let Some((target, _)) = Starter::languages(&self.code) else { return };
        if knows_language(target) {
            return;
        }
        notes.push(format!(
            "there is no pack of the language `{target}`: checks that need its words are left out"
        ));
        if self.source.fills {
            notes.push(format!(
                "`{{target}}` in the seeds is filled with `{target}` unless the `[[course]]` says `target_name = \"…\"`: it is sent, so say it before adopting"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::recognise::{FoundFile, Holds};
    use super::*;

    fn proposal() -> Proposal {
        let holds = |items| Some(Holds { items, ..Holds::default() });
        let file = |phase: &str, file: &str, holds| FoundFile {
            phase: phase.into(),
            title: phase.into(),
            file: file.into(),
            holds,
        };
        Proposal {
            recognised: Recognised {
                rules: "builtin:objects@1".into(),
                files: vec![
                    file("phase1", "seed_pairs.json", holds(2)),
                    file("phase3", "lego_pairs.json", holds(2)),
                ],
                codes: Vec::new(),
                ids: vec!["S1".into(), "S2".into()],
            },
            dir: "vfs/spa_for_eng".into(),
            code: "spa_for_eng".into(),
            seeds: "seeds.json".into(),
            source: FoundSource { path: "/w/seeds.json".into(), items: 2, known: 2, fills: true },
            documents: Vec::new(),
            generator: StarterGenerator::Drop("inbox".into()),
            has_lock: false,
        }
    }

    #[test]
    fn a_whole_course_leaves_nothing_to_say() {
        let proposal = proposal();
        assert_eq!(proposal.notes(), [""; 0]);
        let text = proposal.starter().manifest();
        for said in [
            "rules = \"builtin:objects@1\"",
            "dir = \"vfs/spa_for_eng\"",
            "[phase.phase3]\non_model_change = \"keep\"",
        ] {
            assert!(text.contains(said), "{said}: {text}");
        }
    }

    #[test]
    fn what_is_odd_is_said() {
        let mut odd = proposal();
        odd.code = "tlh_for_eng".into();
        odd.has_lock = true;
        odd.source = FoundSource { items: 5, known: 1, ..odd.source };
        odd.recognised.files[1].holds = None;
        odd.recognised.files[0].holds =
            Some(Holds { items: 2, unlike: 1, twice: vec!["S1".into(), "S2".into()], around: Vec::new() });
        let notes = odd.notes();
        let said = [
            "do not look like",
            "`S1` and 1 more stand",
            "`lego_pairs.json` is not there",
            "1 of 2 items are not in",
            "4 of the 5 items",
            "no pack of the language `tlh`",
            "`target_name",
            "coursebuild.lock",
        ];
        assert_eq!(notes.len(), said.len(), "{notes:#?}");
        for (note, said) in notes.iter().zip(said) {
            assert!(note.contains(said), "{said}: {note}");
        }
    }
}
