//! `coursebuild.accepted.toml`: edits that were declared to be without effect, findings that were waived, results that were pinned.
//!
//! Plain data that people decided: what follows from it is for `plan` to say. The tool writes the file sorted, so that two
//! branches merge by their lines, and two files by [`Accepted::union`]. It holds no time and no name of anybody.

use super::text::{Files, TextFile};
use crate::diag::{Problem, Result};
use crate::digest::{Digest, Short};
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use toml::Spanned;

/// The file's name, beside the manifest.
const NAME: &str = "coursebuild.accepted.toml";
const HEADER: &str = "# coursebuild.accepted.toml: what people decided. Written by `coursebuild accept`, `waive` and `pin`; commit it.\n";

/// What people decided about a workspace; each list sorted, nothing in it twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accepted {
    edits: Vec<Edit>,
    waivers: Vec<Waiver>,
    pins: Vec<Pin>,
}

/// An edit of a part of the recipe that is without effect: results made before it serve after it, and the other way round.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The phase, in all courses.
    pub phase: String,
    /// Counts up with every `accept` in a phase; what was accepted at once has the same number.
    pub number: u32,
    /// The key part: `document/docs/x.md/Tiling`, `template/batch`, `model`.
    pub part: String,
    /// Its digest before; `None`: it was not there.
    pub old: Option<Digest>,
    /// Its digest after; `None`: it is gone.
    pub new: Option<Digest>,
    /// For a part that came or went: the part before it, where there is one.
    pub after: Option<String>,
    /// Why.
    pub reason: String,
}

/// The errors of one check about one output, silenced.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The course's code.
    pub course: String,
    /// The phase.
    pub phase: String,
    /// The item.
    pub item: String,
    /// The source item that it descends from, if that is another one.
    pub root: Option<String>,
    /// The type of the findings: `tiling`.
    pub check: String,
    /// The output that they are about, in lifted form: any other one is judged anew.
    pub output: Short,
    /// Why.
    pub reason: String,
}

/// A result that stands whatever changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// The course's code.
    pub course: String,
    /// The phase.
    pub phase: String,
    /// The item.
    pub item: String,
    /// The source item that it descends from, if that is another one.
    pub root: Option<String>,
    /// The output, in lifted form.
    pub output: Short,
    /// The content key that it was made under.
    pub key: Short,
    /// Why, if somebody said so.
    pub reason: Option<String>,
}

/// The file as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    accept: Vec<Spanned<Edit>>,
    #[serde(default)]
    waive: Vec<Waiver>,
    #[serde(default)]
    pin: Vec<Spanned<Pin>>,
}

impl Accepted {
    /// Of these decisions.
    pub fn new(edits: Vec<Edit>, waivers: Vec<Waiver>, pins: Vec<Pin>) -> Self {
        let mut this = Self { edits, waivers, pins };
        this.tidy();
        this
    }

    /// What was decided about a workspace; nothing, if there is no such file. Tells where it is.
    ///
    /// # Errors
    /// An author's problem at its place: conflict markers, an unknown key, an item that is pinned twice.
    pub(super) fn load(files: &mut Files) -> Result<(Self, PathBuf)> {
        let path = files.path(NAME);
        let found = files.text(&path)?;
        Ok((found.as_ref().map(read).transpose()?.unwrap_or_default(), path))
    }

    /// The accepted edits of a phase, by number.
    pub fn edits_of(&self, phase: &str) -> &[Edit] {
        of(&self.edits, |edit| edit.phase.as_str().cmp(phase))
    }

    /// What is waived of an item's outputs.
    pub fn waivers_of(&self, course: &str, phase: &str, item: &str) -> &[Waiver] {
        let key = |waiver: &Waiver| {
            (waiver.course.as_str(), waiver.phase.as_str(), waiver.item.as_str()).cmp(&(course, phase, item))
        };
        of(&self.waivers, key)
    }

    /// The result that is pinned for an item.
    pub fn pin_of(&self, course: &str, phase: &str, item: &str) -> Option<&Pin> {
        let key = |pin: &Pin| {
            (pin.course.as_str(), pin.phase.as_str(), pin.item.as_str()).cmp(&(course, phase, item))
        };
        of(&self.pins, key).first()
    }

    /// All accepted edits, by phase and number.
    pub fn edits(&self) -> &[Edit] {
        &self.edits
    }

    /// All waived findings, by item.
    pub fn waivers(&self) -> &[Waiver] {
        &self.waivers
    }

    /// All pinned results, by item.
    pub fn pins(&self) -> &[Pin] {
        &self.pins
    }

    /// What either of two files holds.
    #[must_use]
    pub fn union(mut self, other: Self) -> Self {
        self.edits.extend(other.edits);
        self.waivers.extend(other.waivers);
        self.pins.extend(other.pins);
        self.tidy();
        self
    }

    /// Sorts, and keeps each decision once: with the reason that comes first, if it was given several.
    fn tidy(&mut self) {
        self.edits.sort_unstable();
        let same = |a: &mut Edit, b: &mut Edit| {
            (&a.phase, &a.part, a.old, a.new) == (&b.phase, &b.part, b.old, b.new)
        };
        // The same edit under two numbers, as two branches may bring it: the lower one stays.
        let mut kept: Vec<Edit> = Vec::with_capacity(self.edits.len());
        for mut edit in self.edits.drain(..) {
            if !kept.iter_mut().any(|other| same(other, &mut edit)) {
                kept.push(edit);
            }
        }
        self.edits = kept;
        self.waivers.sort_unstable();
        self.waivers.dedup_by(|a, b| {
            (&a.course, &a.phase, &a.item, &a.check, a.output)
                == (&b.course, &b.phase, &b.item, &b.check, b.output)
        });
        self.pins.sort_unstable();
        self.pins.dedup_by(|a, b| {
            (&a.course, &a.phase, &a.item, a.output) == (&b.course, &b.phase, &b.item, b.output)
        });
    }

    /// The file's text; the same for the same decisions.
    pub fn text(&self) -> Result<String> {
        let mut out = HEADER.to_owned();
        add(&mut out, "accept", &self.edits)?;
        add(&mut out, "waive", &self.waivers)?;
        add(&mut out, "pin", &self.pins)?;
        Ok(out)
    }

    /// Writes the file; one that holds nothing any more is removed.
    pub fn write(&self, path: &Path) -> Result<()> {
        if *self == Self::default() {
            return crate::fs::remove_file(path);
        }
        crate::fs::write_whole(path, self.text()?.as_bytes(), true)
    }
}

/// The run of a sorted list that compares as equal.
fn of<T>(sorted: &[T], compare: impl Fn(&T) -> std::cmp::Ordering) -> &[T] {
    let from = sorted.partition_point(|one| compare(one).is_lt());
    let to = from + sorted[from..].partition_point(|one| compare(one).is_eq());
    &sorted[from..to]
}

fn add<T: Serialize>(out: &mut String, table: &str, all: &[T]) -> Result<()> {
    let broken = |e: &dyn std::fmt::Display| Problem::internal("a decision could not be written").because(e);
    for one in all {
        // Through JSON, for that keeps the order of the fields.
        let fields = serde_json::to_value(one).map_err(|e| broken(&e))?;
        write!(out, "\n[[{table}]]\n").map_err(|e| broken(&e))?;
        for (name, value) in fields.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
            let value = toml::Value::try_from(value).map_err(|e| broken(&e))?;
            writeln!(out, "{name} = {value}").map_err(|e| broken(&e))?;
        }
    }
    Ok(())
}

fn read(file: &TextFile) -> Result<Accepted> {
    let mut at = 0;
    for line in file.text.split_inclusive('\n') {
        if line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ") || line.trim_end() == "=======" {
            return Err(file
                .problem(at..at + line.trim_end().len(), "this file holds the conflict markers of a merge")
                .hint("keep what stands on both sides: delete the lines with the markers, and no other"));
        }
        at += line.len();
    }
    let raw: Raw = file.toml()?;
    let mut pinned: Vec<(&str, &str, &str, Short)> = Vec::new();
    for pin in &raw.pin {
        let Pin { course, phase, item, output, .. } = pin.get_ref();
        if pinned.iter().any(|(c, p, i, o)| (*c, *p, *i) == (course, phase, item) && o != output) {
            let what = format!("two results are pinned for `{course}/{phase}/{item}`");
            return Err(file.problem(pin.span(), what).hint("delete one of the two"));
        }
        pinned.push((course, phase, item, *output));
    }
    for edit in &raw.accept {
        let Edit { part, old, new, .. } = edit.get_ref();
        if old == new {
            let what = format!("the edit of `{part}` changes nothing");
            return Err(file
                .problem(edit.span(), what)
                .hint("`old` and `new` are its digests before and after"));
        }
    }
    let edits = raw.accept.into_iter().map(Spanned::into_inner).collect();
    Ok(Accepted::new(edits, raw.waive, raw.pin.into_iter().map(Spanned::into_inner).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(of: &str) -> Digest {
        Digest::of(of.as_bytes())
    }

    fn edit(number: u32, part: &str, old: &str, new: &str) -> Edit {
        let (old, new) = (Some(digest(old)), Some(digest(new)));
        let (phase, reason) = ("phase3".into(), "a \"typo\"".into());
        Edit { phase, number, part: part.into(), old, new, after: None, reason }
    }

    fn waiver(item: &str, output: &str) -> Waiver {
        Waiver {
            course: "c".into(),
            phase: "phase3".into(),
            item: item.into(),
            root: None,
            check: "tiling".into(),
            output: digest(output).short(),
            reason: "idiom".into(),
        }
    }

    fn pin(item: &str, output: &str) -> Pin {
        let (output, key) = (digest(output).short(), digest("key").short());
        Pin {
            course: "c".into(),
            phase: "phase3".into(),
            item: item.into(),
            root: Some("S".into()),
            output,
            key,
            reason: None,
        }
    }

    fn parse(text: &str) -> Result<Accepted> {
        read(&TextFile { name: NAME.into(), text: text.to_owned() })
    }

    #[test]
    fn what_is_written_is_read_back_and_always_the_same() {
        let gone = Edit { new: None, after: Some("phase".into()), ..edit(2, "document/a.md/X", "1", "2") };
        let edits = vec![edit(2, "b", "1", "2"), gone, edit(1, "c", "1", "2")];
        let accepted = Accepted::new(edits, vec![waiver("S2", "x"), waiver("S1", "x")], vec![pin("S1", "y")]);
        let text = accepted.text().unwrap();
        assert_eq!(parse(&text).unwrap(), accepted, "{text}");
        assert_eq!(parse(&text).unwrap().text().unwrap(), text);
        assert_eq!(accepted.edits_of("phase3").len(), 3);
        assert_eq!(accepted.edits_of("phase1"), []);
        assert_eq!(accepted.waivers_of("c", "phase3", "S2"), [waiver("S2", "x")]);
        assert_eq!(accepted.pin_of("c", "phase3", "S1"), Some(&pin("S1", "y")));
        assert_eq!(accepted.pin_of("c", "phase3", "S2"), None);
    }

    #[test]
    fn merging_two_is_their_union() {
        let a = Accepted::new(
            vec![edit(1, "a", "1", "2"), edit(2, "b", "1", "2")],
            vec![waiver("S1", "x")],
            vec![],
        );
        let b = Accepted::new(
            vec![edit(1, "b", "1", "2"), edit(1, "c", "1", "2")],
            vec![waiver("S1", "x"), waiver("S1", "y")],
            vec![pin("S1", "y")],
        );
        let both = a.clone().union(b.clone());
        assert_eq!(both, b.clone().union(a.clone()));
        assert_eq!(both, both.clone().union(a.clone()).union(b));
        assert_eq!((both.edits().len(), both.waivers().len(), both.pins().len()), (3, 2, 1));
        assert_eq!(both.edits().iter().map(|edit| edit.number).collect::<Vec<_>>(), [1, 1, 1]);
        assert_eq!(a.clone().union(Accepted::default()), a);
    }

    #[test]
    fn mistakes_are_told_at_their_place() {
        for (text, what) in [
            ("[[accept]]\nphase = \"p\"\nwho = \"me\"\n", "unknown key `who`"),
            ("[[wave]]\n", "unknown key `wave`"),
            ("[[waive]]\ncourse = \"c\"\n", "missing"),
            ("<<<<<<< ours\n", "conflict markers"),
            ("# x\n=======\n", "conflict markers"),
        ] {
            let problem = parse(text).unwrap_err();
            assert!(problem.what.contains(what), "{problem}");
            assert!(problem.place.is_some_and(|place| place.line > 0), "{text}");
        }
        let mut two = Accepted::new(vec![], vec![], vec![pin("S1", "x"), pin("S1", "y")]);
        let problem = parse(&two.text().unwrap()).unwrap_err();
        assert!(problem.what.contains("two results are pinned for `c/phase3/S1`"), "{problem}");
        two.pins.pop();
        assert!(parse(&two.text().unwrap()).is_ok());
        let same = Accepted::new(vec![edit(1, "a", "1", "1")], vec![], vec![]);
        assert!(parse(&same.text().unwrap()).unwrap_err().what.contains("changes nothing"));
    }
}
