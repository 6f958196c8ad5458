//! Why an item is stale, from the key that it had down to the part that changed; and the words for it.

use super::board::Board;
use super::memory::Memory;
use super::texts::MadeFrom;
use super::verdict::{Held, Reason, Verdict};
use crate::diag::Result;
use crate::digest::Short;
use crate::key::{COHORT, difference};

/// The reasons of an item's verdict, each moved key told as the parts that differ, where the store still knows them.
pub fn explain(
    board: &Board<'_>,
    phase: usize,
    root: usize,
    at: usize,
    memory: &Memory<'_>,
) -> Result<Vec<Reason>> {
    let cell = &board.phases[phase].slots[root].cells[at];
    let (Verdict::Stale(reasons) | Verdict::Held(Held::Moved(reasons))) = &cell.decision.verdict else {
        return Ok(Vec::new());
    };
    let mut told = Vec::new();
    for reason in reasons {
        match reason {
            Reason::KeyMoved(old) => told.extend(parts(board, phase, root, at, *old, memory)?),
            // That is why it is held, not what changed.
            Reason::Pinned => {}
            other => told.push(other.clone()),
        }
    }
    Ok(told)
}

fn parts(
    board: &Board<'_>,
    phase: usize,
    root: usize,
    at: usize,
    old: Short,
    memory: &Memory<'_>,
) -> Result<Vec<Reason>> {
    let (Some(MadeFrom { parts: old, .. }), Some(detail)) =
        (memory.made_under(old)?, board.detail_of(phase, root, at)?)
    else {
        return Ok(vec![Reason::KeyChanged]);
    };
    let new: Vec<_> = board.phases[phase].recipe(root).parts().iter().chain(&detail.own).cloned().collect();
    let told: Vec<Reason> = difference(&old, &new)
        .into_iter()
        .filter(|(name, old, new)| !board.is_accepted(phase, name, *old, *new))
        .map(|(name, old, new)| Reason::Part { name: name.to_owned(), old, new })
        .collect();
    Ok(if told.is_empty() { vec![Reason::KeyChanged] } else { told })
}

/// A reason in words.
pub fn words(reason: &Reason) -> String {
    match reason {
        Reason::Part { name, old, new } => {
            let did = match (old, new) {
                (None, _) => "was added",
                (_, None) => "was removed",
                _ => "changed",
            };
            format!("{} {did}", part_words(name))
        }
        Reason::KeyMoved(_) | Reason::KeyChanged => {
            "what it is made from changed (which part is not known here)".to_owned()
        }
        Reason::OutputLost => "its output is lost: neither main file nor store has it".to_owned(),
        Reason::Forced => "forced".to_owned(),
        Reason::Pinned => "its result is pinned".to_owned(),
    }
}

/// A key part's name in words.
pub fn part_words(name: &str) -> String {
    let after = |prefix: &str| name.strip_prefix(prefix);
    if let Some(rest) = after("document/") {
        // Documents are files of text; what follows the first suffix is the path of headings.
        let cut = [".md/", ".markdown/", ".txt/"]
            .iter()
            .find_map(|suffix| rest.find(suffix).map(|at| at + suffix.len()));
        let (document, section) = cut.map_or((rest, ""), |at| (&rest[..at - 1], &rest[at..]));
        let section =
            if section.is_empty() { "the beginning".to_owned() } else { format!("section `{section}`") };
        format!("{section} of `{document}`")
    } else if let Some(template) = after("template/") {
        format!("the {template} template")
    } else if let Some(field) = after("input/") {
        format!("input `{field}`")
    } else if let Some(context) = after("context/") {
        format!("context `{context}`")
    } else {
        match name {
            COHORT => "another item of its cohort".to_owned(),
            "schema" => "the output schema".to_owned(),
            "answer" => "the shape of an answer".to_owned(),
            "model" => "the model".to_owned(),
            "model parameters" => "the model's parameters".to_owned(),
            "model options" => "how the model is asked".to_owned(),
            "generator" => "the generator's program".to_owned(),
            "course" => "the course's names".to_owned(),
            "phase" => "the phase's name or title".to_owned(),
            other => format!("`{other}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_named_for_people() {
        assert_eq!(
            part_words("document/docs/a.b/phase_3.md/Tiling / Exceptions"),
            "section `Tiling / Exceptions` of `docs/a.b/phase_3.md`"
        );
        assert_eq!(part_words("document/docs/x.md/"), "the beginning of `docs/x.md`");
        assert_eq!(part_words("input/target"), "input `target`");
        assert_eq!(
            words(&Reason::Part { name: "template/batch".into(), old: None, new: None }),
            "the batch template was added"
        );
    }
}
