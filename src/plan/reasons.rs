//! Why items of a phase are to be bought, what each reason costs, and what would be left if an edit were accepted.

use super::board::Board;
use super::explain::{explain, words};
use super::memory::Memory;
use super::outline::place;
use super::outstanding::could_be_accepted;
use super::report::{Bounds, IfAccepted, ReasonCount};
use super::verdict::{Reason, Verdict};
use crate::diag::Result;
use crate::schedule::Place;
use rayon::prelude::*;
use std::collections::{BTreeSet, HashMap, HashSet};

/// The calls of a phase, each with its items, without those that are left out: at least, and at most.
pub(super) type Buy<'f> = &'f dyn Fn(&dyn Fn(Place) -> bool) -> [Vec<Vec<Place>>; 2];

/// Why the items of a phase are to be bought.
#[derive(Default)]
pub(super) struct Reasons {
    /// Most frequent first.
    pub(super) counted: Vec<ReasonCount>,
    /// How many items are to be bought only for edits that could be accepted.
    pub(super) acceptable: usize,
    /// What would be bought if all of them were; `None`: there is none.
    pub(super) if_accepted: Option<IfAccepted>,
}

/// What is to be bought, by how many calls.
pub(super) fn sums([least, most]: &[Vec<Vec<Place>>; 2]) -> (Bounds, Bounds) {
    let items = |calls: &[Vec<Place>]| calls.iter().map(Vec::len).sum();
    (Bounds { min: least.len(), max: most.len() }, Bounds { min: items(least), max: items(most) })
}

/// Why an item is to be bought.
struct Told {
    place: Place,
    /// Each reason in words, with the part that could be accepted.
    reasons: Vec<(String, Option<String>)>,
}

impl Told {
    /// All that holds it up could be accepted.
    fn is_acceptable(&self) -> bool {
        !self.reasons.is_empty() && self.reasons.iter().all(|(_, part)| part.is_some())
    }

    /// The one part that alone holds it up.
    fn only_part(&self) -> Option<&str> {
        match &self.reasons[..] {
            [(_, part)] => part.as_deref(),
            _ => None,
        }
    }
}

/// Finds them for a phase that buys with these calls.
pub(super) fn reasons(
    board: &Board<'_>,
    phase: usize,
    memory: &Memory<'_>,
    buys: &[Vec<Vec<Place>>; 2],
    buy: Buy<'_>,
) -> Result<Reasons> {
    let wanted: Vec<(usize, usize)> =
        board.cells(phase).filter(|(.., cell)| cell.is_wanted()).map(|(root, at, _)| (root, at)).collect();
    let told: Vec<Told> =
        wanted.par_iter().map(|&(root, at)| tell(board, phase, (root, at), memory)).collect::<Result<_>>()?;
    let acceptable: HashSet<Place> =
        told.iter().filter(|told| told.is_acceptable()).map(|told| told.place).collect();
    let left = |part: Option<&str>, out: &HashSet<Place>| {
        let (calls, items) =
            if out.is_empty() { sums(buys) } else { sums(&buy(&|place| out.contains(&place))) };
        IfAccepted { part: part.map(str::to_owned), calls, items }
    };
    Ok(Reasons {
        counted: counted(&told, buys, &left),
        acceptable: acceptable.len(),
        if_accepted: (!acceptable.is_empty()).then(|| left(None, &acceptable)),
    })
}

fn tell(board: &Board<'_>, phase: usize, (root, at): (usize, usize), memory: &Memory<'_>) -> Result<Told> {
    let plain = |text: String| (text, None);
    let reasons = match &board.phases[phase].slots[root].cells[at].decision.verdict {
        Verdict::Missing => vec![plain("never built".to_owned())],
        Verdict::Rejected(findings) => {
            let kinds: BTreeSet<String> =
                findings.iter().map(|finding| format!("refused: `{}`", finding.kind)).collect();
            kinds.into_iter().map(plain).collect()
        }
        _ => {
            let part = |reason: &Reason| match reason {
                Reason::Part { name, .. } if could_be_accepted(reason) => Some(name.clone()),
                _ => None,
            };
            let why = explain(board, phase, root, at, memory)?;
            why.iter().map(|reason| (words(reason), part(reason))).collect()
        }
    };
    Ok(Told { place: place(root, at), reasons })
}

/// Each reason once, with its items and calls.
fn counted(
    told: &[Told],
    buys: &[Vec<Vec<Place>>; 2],
    left: &dyn Fn(Option<&str>, &HashSet<Place>) -> IfAccepted,
) -> Vec<ReasonCount> {
    let mut found: HashMap<&str, (HashSet<Place>, Option<&str>)> = HashMap::new();
    let mut alone: HashMap<&str, HashSet<Place>> = HashMap::new();
    for one in told {
        for (reason, part) in &one.reasons {
            found.entry(reason).or_insert_with(|| (HashSet::new(), part.as_deref())).0.insert(one.place);
        }
        if let Some(part) = one.only_part() {
            alone.entry(part).or_default().insert(one.place);
        }
    }
    let none = HashSet::new();
    let count = |(reason, (places, part)): (&str, (HashSet<Place>, Option<&str>))| {
        let with = |calls: &[Vec<Place>]| {
            calls.iter().filter(|items| items.iter().any(|place| places.contains(place))).count()
        };
        ReasonCount {
            reason: reason.to_owned(),
            items: places.len(),
            calls: Bounds { min: with(&buys[0]), max: with(&buys[1]) },
            if_accepted: part.map(|part| left(Some(part), alone.get(part).unwrap_or(&none))),
        }
    };
    let mut counted: Vec<ReasonCount> = found.into_iter().map(count).collect();
    counted.sort_by(|a, b| b.items.cmp(&a.items).then_with(|| a.reason.cmp(&b.reason)));
    counted
}
