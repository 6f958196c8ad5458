//! What `init --from` recognised, and what it would write.

use super::look::Look;
use super::words::{count, flat, number};
use crate::course::{FoundFile, Proposal, Starter, StarterGenerator};
use crate::diag::{Problem, Result};
use crate::run::Adoption;
use serde::Serialize;

/// Fields around the items that are named.
const NAMED: usize = 3;

/// What became of a file: `written`, `added to` or `kept`, and its path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wrote {
    /// The word.
    pub did: String,
    /// The file, relative to the workspace.
    pub path: String,
}

/// `{"version":1,"proposal":…,"notes":[…],"manifest":"…","files":[…],"merge_driver":…,"adoption":…}`.
pub fn proposal_json(
    proposal: &Proposal,
    files: &[Wrote],
    merge_driver: bool,
    adoption: Option<&Adoption>,
) -> Result<String> {
    #[derive(Serialize)]
    struct Told<'a> {
        version: u32,
        proposal: &'a Proposal,
        notes: Vec<String>,
        manifest: String,
        files: &'a [Wrote],
        merge_driver: bool,
        adoption: Option<&'a Adoption>,
    }
    let (notes, manifest) = (proposal.notes(), proposal.starter().manifest());
    let told = Told { version: 1, proposal, notes, manifest, files, merge_driver, adoption };
    serde_json::to_string_pretty(&told)
        .map(|text| text + "\n")
        .map_err(|e| Problem::internal("could not write the answer as JSON").because(e))
}

/// What was recognised, for people.
pub fn proposal_text(proposal: &Proposal, look: Look) -> String {
    let recognised = &proposal.recognised;
    let mut out = format!(
        "{} holds main files in the format of `{}`\n",
        look.bold(&flat(&proposal.dir)),
        flat(&recognised.rules)
    );
    for file in &recognised.files {
        out += &format!("  {} {}\n", flat(&file.phase), flat(&held(file)));
    }
    let (target, known) = Starter::languages(&proposal.code).unwrap_or((&proposal.code, ""));
    let told: Vec<&str> = recognised
        .codes
        .iter()
        .filter(|(code, _)| *code == proposal.code)
        .map(|(_, by)| by.as_str())
        .collect();
    let told = if told.is_empty() { String::new() } else { format!(", by {}", told.join(" and ")) };
    let course = format!("{}: `{target}` for speakers of `{known}`{told}", proposal.code);
    out += &format!("  course {}\n", flat(&course));
    let ids = recognised.ids.len();
    let of = match (ids, proposal.source.known) {
        (0, _) => String::new(),
        (all, known) if all == known => ", among them all of the main files".to_owned(),
        (all, known) => {
            format!(", among them {} of {} of the main files", number(known as u64), number(all as u64))
        }
    };
    out += &format!("  seeds {}: {}{of}\n", flat(&proposal.seeds), count(proposal.source.items, "item"));
    for documents in &proposal.documents {
        let found = if documents.found.is_empty() {
            look.bad(&format!("nothing matches {}", flat(&documents.patterns.join(", "))))
        } else {
            flat(&documents.found.join(", "))
        };
        out += &format!("  documents of {}: {found}\n", flat(&documents.phase));
    }
    out += &format!("  answers {}\n", flat(&answers(&proposal.generator)));
    for note in proposal.notes() {
        out += &format!("  {} {}\n", look.odd("note:"), flat(&note));
    }
    out
}

fn held(file: &FoundFile) -> String {
    let Some(holds) = &file.holds else { return format!("{}: not there", file.file) };
    let around = match &holds.around[..] {
        [] => String::new(),
        names => {
            let shown: Vec<String> = names.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
            let more = names.len().saturating_sub(NAMED);
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            format!(", around them {}{more}", shown.join(", "))
        }
    };
    format!("{}: {}{around}", file.file, count(holds.items, "item"))
}

fn answers(generator: &StarterGenerator) -> String {
    match generator {
        StarterGenerator::Phrasebook(file) => format!("from the phrasebook {file}"),
        StarterGenerator::Replay(file) => format!("as recorded in {file}"),
        StarterGenerator::Command(argv) => format!("by the program `{}`", argv.join(" ")),
        StarterGenerator::Drop(folder) => {
            format!(
                "by whoever takes the prompts from {folder}/ (another one: `[generate]` in the manifest, at any time)"
            )
        }
    }
}
