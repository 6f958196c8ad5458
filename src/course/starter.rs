//! What a new course starts from: a manifest, and files to be replaced by one's own.

use crate::json::Value;

/// Files that a course under `builtin:batching@1` cannot do without, by their paths in the workspace: one document a phase. They are
/// those of the example, and a start for one's own.
pub const STARTER_DOCUMENTS: &[(&str, &str)] = &[
    (
        "docs/phase_intelligence/phase_1_translation.md",
        include_str!("../../examples/spa_for_eng_20seeds/docs/phase_intelligence/phase_1_translation.md"),
    ),
    (
        "docs/phase_intelligence/phase_3_lego_decomposition.md",
        include_str!(
            "../../examples/spa_for_eng_20seeds/docs/phase_intelligence/phase_3_lego_decomposition.md"
        ),
    ),
    (
        "docs/phase_intelligence/phase_5_baskets.md",
        include_str!("../../examples/spa_for_eng_20seeds/docs/phase_intelligence/phase_5_baskets.md"),
    ),
];

/// Twenty sentences.
pub const STARTER_SEEDS: &str = include_str!("../../examples/spa_for_eng_20seeds/seeds.json");

/// The answers to them, in Spanish: what the generator `phrasebook` composes from.
pub const STARTER_PHRASEBOOK: &str = include_str!("../../examples/spa_for_eng_20seeds/phrasebook.json");

/// What a new manifest is to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Starter {
    /// The course's code, `TARGET_for_KNOWN`.
    pub code: String,
    /// The file of its source items, relative to the manifest.
    pub seeds: String,
    /// Who answers.
    pub generator: StarterGenerator,
}

/// Who answers the calls of a new course.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StarterGenerator {
    /// The embedded generator, from this file.
    Phrasebook(String),
    /// Recorded outputs, from this file.
    Replay(String),
    /// A program with its arguments.
    Command(Vec<String>),
}

impl Starter {
    /// The target and the known language of a code `spa_for_eng`.
    pub fn languages(code: &str) -> Option<(&str, &str)> {
        let (target, known) = code.split_once("_for_")?;
        (!target.is_empty() && !known.is_empty()).then_some((target, known))
    }

    /// The folder that its main files go to.
    pub fn dir(&self) -> String {
        format!("courses/{}", self.code)
    }

    /// The text of its manifest.
    pub fn manifest(&self) -> String {
        let (target, known) = Self::languages(&self.code).unwrap_or((&self.code, "eng"));
        let (calls, generate) = match &self.generator {
            StarterGenerator::Phrasebook(file) => {
                (None, format!("use = \"phrasebook\"\nfile = {}", quoted(file)))
            }
            StarterGenerator::Replay(file) => (None, format!("use = \"replay\"\nfile = {}", quoted(file))),
            StarterGenerator::Command(argv) => {
                let argv: Vec<String> = argv.iter().map(|word| quoted(word)).collect();
                let text = format!("use = \"command\"\nargv = [{}]\ntimeout_s = 600", argv.join(", "));
                (Some(50), text)
            }
        };
        let confirm = calls.map_or(String::new(), |calls| {
            format!("confirm_above = {{ calls = {calls} }}   # ask before a build that makes more calls\n")
        });
        format!(
            "\
# What coursebuild makes here, and how. `coursebuild plan` tells what a build would do.
rules = \"builtin:batching@1\"
{confirm}
[generate]
{generate}

[[course]]
code = {}
target = {}
known = {}
dir = {}
seeds = {}
",
            quoted(&self.code),
            quoted(target),
            quoted(known),
            quoted(&self.dir()),
            quoted(&self.seeds),
        )
    }
}

/// A TOML string: JSON's escapes are among those of TOML's basic strings, and DEL, which JSON leaves as it is, is escaped too.
fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string().replace('\u{7f}', "\\u007F")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_says_what_was_asked_for_whatever_the_names_hold() {
        let starter = Starter {
            code: "ita_for_eng".into(),
            seeds: "my \"seeds\"\\\u{7f}\t.json".into(),
            generator: StarterGenerator::Command(vec!["./ask me.sh".into(), "--x=\"1\"".into()]),
        };
        let text = starter.manifest();
        let read: toml::Table = text.parse().unwrap();
        let course = &read["course"][0];
        assert_eq!(course["seeds"].as_str().unwrap(), starter.seeds);
        assert_eq!(course["target"].as_str(), Some("ita"));
        assert_eq!(read["generate"]["argv"][1].as_str(), Some("--x=\"1\""));
        assert_eq!(read["confirm_above"]["calls"].as_integer(), Some(50));
    }

    #[test]
    fn a_code_is_a_pair_of_languages() {
        assert_eq!(Starter::languages("spa_for_eng"), Some(("spa", "eng")));
        for none in ["spa", "_for_eng", "spa_for_", ""] {
            assert_eq!(Starter::languages(none), None, "{none}");
        }
    }
}
