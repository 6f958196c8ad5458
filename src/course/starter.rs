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
    /// The pack, as `builtin:batching@1`.
    pub rules: String,
    /// The course's code, `TARGET_for_KNOWN`.
    pub code: String,
    /// The folder of its main files, relative to the manifest.
    pub dir: String,
    /// The file of its source items, relative to the manifest.
    pub seeds: String,
    /// Who answers.
    pub generator: StarterGenerator,
    /// The phases whose results were made by somebody else, and stay when another author is named.
    pub kept: Vec<String>,
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
    /// Whoever takes the prompts that are laid into this folder.
    Drop(String),
}

impl Starter {
    /// The target and the known language of a code `spa_for_eng`.
    pub fn languages(code: &str) -> Option<(&str, &str)> {
        let (target, known) = code.split_once("_for_")?;
        (!target.is_empty() && !known.is_empty()).then_some((target, known))
    }

    /// A course that is made here.
    pub fn new(code: String, seeds: String, generator: StarterGenerator) -> Self {
        let dir = format!("courses/{code}");
        Self { rules: "builtin:batching@1".to_owned(), code, dir, seeds, generator, kept: Vec::new() }
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
            StarterGenerator::Drop(folder) => {
                let text = format!(
                    "use = \"drop\"          # lays prompts into a folder, for agents in windows and for people; others: docs/manifest.md\nfolder = {}\ntimeout_s = 3600",
                    quoted(folder)
                );
                (Some(50), text)
            }
        };
        let confirm = calls.map_or(String::new(), |calls| {
            format!("confirm_above = {{ calls = {calls} }}   # ask before a build that makes more calls\n")
        });
        let note = "# What is there was made by whoever made it, and stays when `[generate]` names another author. `regenerate`: it is made anew.\n";
        let kept: String = self
            .kept
            .iter()
            .enumerate()
            .map(|(at, phase)| {
                let note = if at == 0 { note } else { "" };
                format!("\n{note}[phase.{}]\non_model_change = \"keep\"\n", key(phase))
            })
            .collect();
        format!(
            "\
# What coursebuild makes here, and how. `coursebuild plan` tells what a build would do.
rules = {}
{confirm}
[generate]
{generate}
{kept}
[[course]]
code = {}
target = {}
known = {}
dir = {}
seeds = {}
",
            quoted(&self.rules),
            quoted(&self.code),
            quoted(target),
            quoted(known),
            quoted(&self.dir),
            quoted(&self.seeds),
        )
    }
}

/// A TOML string: JSON's escapes are among those of TOML's basic strings, and DEL, which JSON leaves as it is, is escaped too.
fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string().replace('\u{7f}', "\\u007F")
}

/// A TOML key: bare where it can be.
fn key(name: &str) -> String {
    let bare =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if bare { name.to_owned() } else { quoted(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_says_what_was_asked_for_whatever_the_names_hold() {
        let argv = vec!["./ask me.sh".into(), "--x=\"1\"".into()];
        let seeds = "my \"seeds\"\\\u{7f}\t.json".to_owned();
        let starter = Starter::new("ita_for_eng".into(), seeds, StarterGenerator::Command(argv));
        let text = starter.manifest();
        let read: toml::Table = text.parse().unwrap();
        let course = &read["course"][0];
        assert_eq!(course["seeds"].as_str().unwrap(), starter.seeds);
        assert_eq!(course["target"].as_str(), Some("ita"));
        assert_eq!(read["generate"]["argv"][1].as_str(), Some("--x=\"1\""));
        assert_eq!(read["confirm_above"]["calls"].as_integer(), Some(50));
        assert!(!read.contains_key("phase"));
    }

    #[test]
    fn what_was_made_elsewhere_stays_when_another_author_is_named() {
        let generator = StarterGenerator::Drop("inbox".into());
        let mut starter = Starter::new("ita_for_eng".into(), "seeds.json".into(), generator);
        starter.kept = vec!["phase1".into(), "a b".into()];
        starter.dir = "..".into();
        let read: toml::Table = starter.manifest().parse().unwrap();
        assert_eq!(read["generate"]["folder"].as_str(), Some("inbox"));
        assert_eq!(read["course"][0]["dir"].as_str(), Some(".."));
        for phase in ["phase1", "a b"] {
            assert_eq!(read["phase"][phase]["on_model_change"].as_str(), Some("keep"));
        }
    }

    #[test]
    fn a_code_is_a_pair_of_languages() {
        assert_eq!(Starter::languages("spa_for_eng"), Some(("spa", "eng")));
        for none in ["spa", "_for_eng", "spa_for_", ""] {
            assert_eq!(Starter::languages(none), None, "{none}");
        }
    }
}
