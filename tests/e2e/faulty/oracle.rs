//! What has to become of each item, worked out from the mistakes that were made and the prompts that were received; the tool's
//! word counts only for time: a machine may be too busy to answer in time.

use crate::support::{Call, Ran};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// More of an answer is not read.
const LONGEST_ANSWER: u64 = 16 << 20;

/// What a call brought for an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Passed,
    /// A result that is refused.
    Refused,
    /// No result.
    Nothing,
    /// The answer was cut off before it: no attempt.
    Unreached,
}

/// A call, with the fate of each of its items.
pub(super) struct Judged<'b> {
    pub(super) call: &'b Call,
    pub(super) fates: Vec<Fate>,
    pub(super) timed_out: bool,
}

impl Judged<'_> {
    /// The items that have to be asked for again as a further attempt.
    pub(super) fn failed(&self) -> BTreeSet<&str> {
        self.of(|fate| matches!(fate, Fate::Refused | Fate::Nothing))
    }

    fn of(&self, wanted: impl Fn(Fate) -> bool) -> BTreeSet<&str> {
        let items = self.call.items.iter().zip(&self.fates);
        items.filter(|(_, fate)| wanted(**fate)).map(|(item, _)| item.as_str()).collect()
    }
}

/// The calls of a run, in the order in which they were asked. `late`: calls that were too late on a busy machine.
pub(super) fn judge<'r>(ran: &'r Ran, late: &BTreeSet<String>) -> Vec<Judged<'r>> {
    let answered: BTreeSet<&str> =
        ran.books.iter().filter(|call| call.state == "answered").map(|call| call.call.as_str()).collect();
    ran.asked()
        .map(|call| {
            let timed_out = !answered.contains(call.call.as_str()) || late.contains(&call.call);
            Judged { call, fates: fates(call, timed_out), timed_out }
        })
        .collect()
}

fn fates(call: &Call, timed_out: bool) -> Vec<Fate> {
    let unreadable = call.made.iter().any(|fault| match fault["fault"].as_str().unwrap() {
        "empty" | "not_json" | "utf16" | "latin1" | "exit" => true,
        "pad" => fault["bytes"].as_u64().unwrap() > LONGEST_ANSWER,
        _ => false,
    });
    if timed_out || unreadable {
        return vec![Fate::Nothing; call.items.len()];
    }
    let cut = call.made.iter().find(|fault| fault["fault"] == "cut");
    let reached = cut.map_or(call.items.len(), |fault| {
        1 + call.items.iter().position(|item| fault["item"] == item.as_str()).unwrap()
    });
    let fate = |(at, item): (usize, &String)| {
        let own = call.made.iter().filter(|fault| fault["item"] == item.as_str());
        let own: Vec<&str> = own.map(|fault| fault["fault"].as_str().unwrap()).collect();
        let has = |names: &[&str]| own.iter().any(|fault| names.contains(fault));
        match () {
            () if at >= reached => Fate::Unreached,
            // Of a cut answer nobody can tell what would have come.
            () if has(&["missing"]) && cut.is_some() => Fate::Unreached,
            () if has(&["missing", "twice_otherwise"]) => Fate::Nothing,
            () if has(&["wrong", "shape", "set", "known"]) => Fate::Refused,
            () => Fate::Passed,
        }
    };
    call.items.iter().enumerate().map(fate).collect()
}

/// Every item is asked for until it passes and never again; what failed in a call is asked for together, and nothing else with it.
pub(super) fn assert_asked_as_needed(calls: &[Judged<'_>]) {
    let mut of_item: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (number, judged) in calls.iter().enumerate() {
        for item in &judged.call.items {
            of_item.entry((&judged.call.phase, item)).or_default().push(number);
        }
    }
    let fate = |number: usize, item: &str| {
        let judged: &Judged<'_> = &calls[number];
        judged.fates[judged.call.items.iter().position(|found| found == item).unwrap()]
    };
    for ((phase, item), numbers) in &of_item {
        let mut attempts = 0;
        for (at, number) in numbers.iter().enumerate() {
            let (call, last) = (calls[*number].call, at + 1 == numbers.len());
            let told = || format!("{phase} {item}, asked {} times, in {call:?}", numbers.len());
            assert_eq!(fate(*number, item) == Fate::Passed, last, "{}", told());
            assert!(call.attempt > attempts, "an attempt counts once: {}", told());
            attempts += u32::from(fate(*number, item) != Fate::Unreached);
        }
        assert!(attempts <= 3, "{phase} {item}: {attempts} attempts");
    }
    for (number, judged) in calls.iter().enumerate() {
        let next =
            |item: &str| of_item[&(&*judged.call.phase, item)].iter().copied().find(|later| *later > number);
        let retries: BTreeSet<usize> = judged.failed().into_iter().map(|item| next(item).unwrap()).collect();
        assert!(
            retries.len() <= 1,
            "what failed together is asked for together: {:?} {retries:?}",
            judged.call
        );
        // With it goes only what failed in a call that shares its place: the rest of one that was cut off.
        for retry in &retries {
            let asked: BTreeSet<&str> = calls[*retry].call.items.iter().map(String::as_str).collect();
            assert!(asked.is_superset(&judged.failed()), "{asked:?} after {:?}", judged.call);
            let shares = |other: &Judged<'_>| {
                let failed = other.failed();
                asked.is_superset(&failed) && !failed.is_empty() && of_one_batch(other.call, judged.call)
            };
            let together = calls[..*retry].iter().filter(|other| shares(other));
            let failed: BTreeSet<&str> = together.flat_map(Judged::failed).collect();
            assert_eq!(asked, failed, "after {:?}", judged.call);
        }
    }
}

/// Whether two calls were made for the same batch: a further open call of a batch has a further number behind its label.
fn of_one_batch(one: &Call, other: &Call) -> bool {
    let batch = |call: &Call| call.label.split('_').take(3).collect::<Vec<_>>().join("_");
    one.phase == other.phase && batch(one) == batch(other)
}

/// What a prompt asks for, and what it tells of the attempt before.
pub(super) struct Prompt<'p> {
    /// The part that is the same for every call of the phase.
    pub(super) prefix: &'p str,
    /// The ids of its input.
    items: Vec<String>,
    /// Which attempt it says it is, which items it says to do again, and which it blames.
    again: Option<(u32, Vec<&'p str>, BTreeSet<&'p str>)>,
}

impl<'p> Prompt<'p> {
    pub(super) fn read(text: &'p str) -> Self {
        let (prefix, _) = text.split_once("\n# The batch ").unwrap();
        let (_, input) = text.split_once("\n## Input\n").unwrap();
        let (_, input) = input.split_once("```json\n").unwrap();
        let (input, _) = input.split_once("\n```\n").unwrap();
        let input: Value = serde_json::from_str(input).unwrap();
        let items = input["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["id"].as_str().unwrap().to_owned())
            .collect();
        let again = text.split_once("\n# This is attempt ").map(|(_, retry)| {
            let (attempt, rest) = retry.split_once(':').unwrap();
            let (findings, rest) = rest.split_once("Do these items again, and only these: ").unwrap();
            let (named, _) = rest.split_once(".\n").unwrap();
            let blamed = findings.lines().filter_map(|line| line.strip_prefix("- `")?.split('`').next());
            let named = named.split(", ").map(|item| item.trim_matches('`')).collect();
            (attempt.parse().unwrap(), named, blamed.collect())
        });
        Self { prefix, items, again }
    }

    /// It asks for the items of the call and no others, and tells of what failed, if something did.
    pub(super) fn assert_asks(&self, call: &Call) {
        assert_eq!(self.items, call.items, "{call:?}");
        match &self.again {
            None => assert_eq!(call.attempt, 1, "{call:?}"),
            Some((attempt, named, blamed)) => {
                let items: Vec<&str> = call.items.iter().map(String::as_str).collect();
                assert_eq!((*attempt, named), (call.attempt, &items));
                assert_eq!(*blamed, items.into_iter().collect(), "{call:?}");
            }
        }
    }
}

/// The sections of a document with the digests of their texts, by the name that a log gives them: cut here a second time, by a
/// rule of thumb that is enough for the documents of these tests.
pub(super) fn sections(path: &str, text: &str) -> BTreeMap<String, String> {
    let mut sections: BTreeMap<String, String> = BTreeMap::new();
    let (mut above, mut fenced): (Vec<(usize, &str)>, bool) = (Vec::new(), false);
    for line in text.split_inclusive('\n') {
        fenced ^= line.starts_with("```");
        if line.starts_with('#') && !fenced {
            let level = line.find(' ').unwrap();
            above.retain(|(higher, _)| *higher < level);
            above.push((level, line[level..].trim()));
        }
        if above.iter().all(|(_, heading)| *heading != "Version History") {
            let headings: Vec<&str> = above.iter().map(|(_, heading)| *heading).collect();
            *sections.entry(format!("document/{path}/{}", headings.join(" / "))).or_default() += line;
        }
    }
    sections
}
