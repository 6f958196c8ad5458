//! Course workspaces of any size, the same for the same number: seeds over a vocabulary in which few words do most of the
//! work, three documents of 15 to 37 KB, a manifest. Tests and benches share it; it knows nothing of coursebuild's code.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::{BufWriter, Write as _};
use std::path::Path;

/// The code of a synthetic course: a language that is nobody's (`qaa` is free for private use), so no language pack applies.
pub(crate) const COURSE: &str = "qaa_for_eng";
/// Different words in all seeds together; 668 seeds use about 1,300 of them.
const VOCABULARY: f64 = 4000.0;

/// What a course is made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Synth {
    /// How many seeds: up to 100,000 and beyond.
    pub(crate) seeds: usize,
    /// Another number gives another course.
    pub(crate) number: u64,
    /// Adds to each document a section for these seeds only: numbers of the first and the last, from 1.
    pub(crate) scoped: Option<(usize, usize)>,
}

/// A seed as `seeds.json` holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seed {
    pub(crate) id: String,
    pub(crate) source: String,
}

impl Synth {
    /// A course of so many seeds.
    pub(crate) fn new(seeds: usize) -> Self {
        Self { seeds, number: 1, scoped: None }
    }

    /// The seeds: no sentence twice, so that each edit makes a known number of items stale.
    pub(crate) fn seeds(&self) -> Vec<Seed> {
        let mut dice = Dice::new(self.number);
        let mut known = HashSet::with_capacity(self.seeds);
        let width = self.seeds.to_string().len().max(4);
        (1..=self.seeds)
            .map(|at| {
                let source = loop {
                    let source = dice.sentence();
                    if known.insert(source.clone()) {
                        break source;
                    }
                };
                Seed { id: format!("S{at:0width$}"), source }
            })
            .collect()
    }

    /// The documents: path and text.
    pub(crate) fn documents(&self) -> [(&'static str, String); 3] {
        [("phase_1_translation", 15), ("phase_3_legos", 24), ("phase_5_baskets", 37)].map(
            |(name, kilobytes)| {
                let path = match name {
                    "phase_1_translation" => "docs/phase_intelligence/phase_1_translation.md",
                    "phase_3_legos" => "docs/phase_intelligence/phase_3_legos.md",
                    _ => "docs/phase_intelligence/phase_5_baskets.md",
                };
                let mut dice = Dice::new(self.number ^ kilobytes);
                (path, document(&mut dice, name, kilobytes as usize * 1024 - 512, self.scope().as_deref()))
            },
        )
    }

    /// The range of the scoped sections, if there are any.
    fn scope(&self) -> Option<String> {
        let width = self.seeds.to_string().len().max(4);
        self.scoped.map(|(first, last)| format!("S{first:0width$}-S{last:0width$}"))
    }

    /// Writes the workspace: seeds, documents and a manifest whose generator is `argv`.
    pub(crate) fn write(&self, root: &Path, argv: &[String]) -> std::io::Result<()> {
        std::fs::create_dir_all(root.join("docs/phase_intelligence"))?;
        for (path, text) in self.documents() {
            std::fs::write(root.join(path), text)?;
        }
        std::fs::write(root.join("coursebuild.toml"), manifest("builtin:batching@1", argv))?;
        write_seeds(&root.join("seeds.json"), &self.seeds())
    }
}

/// A manifest with one course; its main files go to `course/`.
pub(crate) fn manifest(rules: &str, argv: &[String]) -> String {
    let argv = serde_json::json!(argv);
    format!(
        r#"rules = "{rules}"

[generate]
use = "command"
argv = {argv}

[[course]]
code = "{COURSE}"
target = "qaa"
known = "eng"
dir = "course"
seeds = "seeds.json"
"#
    )
}

/// Writes `seeds.json`, a seed a line.
pub(crate) fn write_seeds(path: &Path, seeds: &[Seed]) -> std::io::Result<()> {
    let mut out = BufWriter::new(std::fs::File::create(path)?);
    for (at, seed) in seeds.iter().enumerate() {
        let line = serde_json::json!({"seed_id": seed.id, "source": seed.source});
        write!(out, "{}{line}", if at == 0 { "[\n" } else { ",\n" })?;
    }
    out.write_all(if seeds.is_empty() { b"[]\n" } else { b"\n]\n" })?;
    out.flush()
}

/// Changes one word of a seed: another word, not the same again. `turn` tells one edit from the next.
pub(crate) fn change_word(seeds: &mut [Seed], at: usize, turn: u64) {
    let mut words: Vec<String> = seeds[at].source.split(' ').map(str::to_owned).collect();
    let middle = words.len() / 2;
    words[middle] = format!("{}{}", spell(VOCABULARY as u64 + turn), spell(at as u64));
    seeds[at].source = words.join(" ");
}

/// Inserts a new seed before position `at`, with an id that no other has.
pub(crate) fn insert(seeds: &mut Vec<Seed>, at: usize) {
    let taken: HashSet<&str> = seeds.iter().map(|seed| seed.id.as_str()).collect();
    let (number, id) = (seeds.len() + 1..)
        .map(|number| (number, format!("S{number:04}")))
        .find(|(_, id)| !taken.contains(id.as_str()))
        .unwrap();
    // Not its id: a text that looks like an id is one to the generator of digests, and to nobody else.
    let source = format!("this is the new {} {}", spell(seeds.len() as u64), spell(number as u64));
    seeds.insert(at, Seed { id, source });
}

/// Takes a seed out.
pub(crate) fn delete(seeds: &mut Vec<Seed>, at: usize) {
    seeds.remove(at);
}

/// Moves a seed to another position.
pub(crate) fn shift(seeds: &mut Vec<Seed>, from: usize, to: usize) {
    let seed = seeds.remove(from);
    seeds.insert(to, seed);
}

/// A document of about so many bytes: headings of two levels, prose, lists, an example in each part, a history.
fn document(dice: &mut Dice, name: &str, bytes: usize, scope: Option<&str>) -> String {
    let mut text = format!("# {}\n\n{}\n", name.replace('_', " "), dice.paragraph());
    if let Some(range) = scope {
        let _ =
            write!(text, "\n## Only later\n<!-- coursebuild: items={range} -->\n\n{}\n", dice.paragraph());
    }
    let mut section = 0;
    while text.len() < bytes {
        section += 1;
        let _ = write!(text, "\n## Part {section}: {}\n\n{}\n", dice.word(), dice.paragraph());
        for rule in 1..=3 {
            let _ = write!(text, "\n### Rule {section}.{rule}\n\n{}\n\n", dice.paragraph());
            for _ in 0..4 {
                let _ = writeln!(text, "- {}", dice.sentence());
            }
        }
        let _ = write!(text, "\n```json\n[\"{}\", \"{}\"]\n```\n", dice.sentence(), dice.sentence());
    }
    let _ = write!(text, "\n## Version History\n\n- v1.1: {}\n- v1.0: begun\n", dice.sentence());
    text
}

/// SplitMix64: small, and the same everywhere.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(number: u64) -> Self {
        Self(number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A word; the one of rank r comes about 1/r as often as the first.
    fn word(&mut self) -> String {
        let part = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        spell(VOCABULARY.powf(part) as u64)
    }

    /// 4 to 14 words, as a sentence.
    fn sentence(&mut self) -> String {
        let words: Vec<String> = (0..4 + self.next() % 11).map(|_| self.word()).collect();
        let mut sentence = words.join(" ");
        sentence[..1].make_ascii_uppercase();
        sentence.push('.');
        sentence
    }

    fn paragraph(&mut self) -> String {
        (0..3).map(|_| self.sentence()).collect::<Vec<_>>().join(" ")
    }
}

/// The word of a rank, from 1: frequent words are short, no two are the same.
fn spell(rank: u64) -> String {
    const SYLLABLES: u64 = 60;
    let mut word = String::new();
    let mut rest = rank;
    loop {
        let syllable = (rest % SYLLABLES) as usize;
        word.push(char::from(b"bdfgklmnprst"[syllable % 12]));
        word.push(char::from(b"aeiou"[syllable / 12]));
        rest /= SYLLABLES;
        if rest == 0 {
            return word;
        }
        rest -= 1;
    }
}
