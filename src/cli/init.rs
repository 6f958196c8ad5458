//! `coursebuild init`: asks what a course is to be, or takes it from options, and writes what a first build needs.
//!
//! Writes only files that are not there, and adds lines to the two that git reads; says of every file what became of it.

use super::args::{Global, Init, Select, Starting};
use super::surroundings::{Surroundings, current_dir};
use super::{existing, meaning, print};
use crate::course::{STARTER_DOCUMENTS, STARTER_PHRASEBOOK, STARTER_SEEDS, Starter, StarterGenerator};
use crate::diag::{Problem, Result, escape};
use crate::fs;
use crate::path::Inside;
use crate::report::{self, Look, Wrote};
use crate::run::{self, Options};
use std::path::Path;

pub(super) const MANIFEST: &str = "coursebuild.toml";
const SEEDS: &str = "seeds.json";
const PHRASEBOOK: &str = "phrasebook.json";
const INBOX: &str = "inbox";
const ATTRIBUTES: &str = ".gitattributes";

/// A file that `init` sees to.
pub(super) struct File {
    path: String,
    text: String,
    /// Lines are added to what is there, and only those that it lacks.
    by_line: bool,
}

/// What was brought about.
pub(super) struct Begun {
    /// The files, and what became of each.
    pub(super) files: Vec<Wrote>,
    /// Git knows how to merge main files from now on.
    pub(super) merge_driver: bool,
    /// What the next question needs.
    pub(super) options: Options,
}

/// Writes what is missing, says what it did, and shows the first plan; the exit code.
pub(super) fn init(typed: &Init, global: &Global, look: Look, around: &mut Surroundings) -> Result<u8> {
    let here = current_dir()?;
    if here.join(MANIFEST).symlink_metadata().is_ok() {
        return Err(Problem::author(format!("there is a `{MANIFEST}` here already"))
            .because("nothing is overwritten")
            .hint(
                "`coursebuild plan` tells what it would build; for another course add a `[[course]]` to it",
            ));
    }
    if let Some(from) = &typed.from {
        return existing::init_from(from, typed, &here, global, look, around);
    }
    let asks = asks(typed, around);
    if !asks && !typed.yes && typed.course.is_none() {
        return Err(Problem::author("there is no terminal to ask at")
            .hint("say what is wanted, as in `coursebuild init --course spa_for_eng`, or `--yes` for the example course"));
    }
    let starter = starter(typed, asks)?;
    let files = files(&starter, &here)?;
    if asks && !agreed(&files, &here, around)? {
        return Ok(130);
    }
    let begun = begin(&files, &here, global, around)?;
    print(&begun.text(false))?;
    let plan = run::plan(&begun.options)?;
    let next = "\nnext: `coursebuild` builds it; `coursebuild plan` tells beforehand what that costs\n";
    print(&format!("\n{}{next}", report::plan_text(&plan, look))).map(|()| 0)
}

/// Whether there is somebody to ask.
pub(super) fn asks(typed: &Init, around: &Surroundings) -> bool {
    !typed.yes && around.terminals.input && around.terminals.error
}

/// Shows what would be written and asks whether to go on.
pub(super) fn agreed(files: &[File], here: &Path, around: &Surroundings) -> Result<bool> {
    let mut list: String = files.iter().map(|file| format!("  {}\n", escape(&file.path))).collect();
    list += &format!("  {ATTRIBUTES}\n");
    if run::in_repository(here, &around.environment) {
        list += "  the configuration of this git repository: how main files of two branches are merged\n";
    }
    let answer = report::ask(&format!("this writes, where it is not there yet:\n{list}go on?"), "y")?;
    Ok(yes(&answer))
}

/// Whether an answer is a yes.
pub(super) fn yes(answer: &str) -> bool {
    matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes")
}

/// Writes the files, and tells git how to merge what will be built.
pub(super) fn begin(
    files: &[File],
    here: &Path,
    global: &Global,
    around: &mut Surroundings,
) -> Result<Begun> {
    let mut wrote = Vec::new();
    for file in files {
        wrote.push(Wrote { did: file.bring_about(here)?.to_owned(), path: file.path.clone() });
    }
    let merge_driver = run::in_repository(here, &around.environment);
    let options = meaning::question(&Select::default(), global, around)?;
    let installed =
        if merge_driver { run::install_merge_driver(&options)? } else { run::write_attributes(&options)? };
    let did = match installed {
        run::Installed { created: true, .. } => "written",
        run::Installed { added: 0, .. } => "kept",
        _ => "added to",
    };
    wrote.push(Wrote { did: did.to_owned(), path: installed.attributes });
    Ok(Begun { files: wrote, merge_driver, options })
}

impl Begun {
    /// What was done, for people.
    pub(super) fn text(&self, existing: bool) -> String {
        let mut said: String =
            self.files.iter().map(|wrote| format!("{:<7} {}\n", wrote.did, escape(&wrote.path))).collect();
        if self.merge_driver {
            said += "git merges main files item by item in this repository; a clone is told by `coursebuild merge-driver --install`, once\n";
        } else if existing {
            said += "there is no git repository here: once there is, `coursebuild merge-driver --install` lets it merge main files item by item\n";
        }
        said
    }
}

/// What an option says, or whoever is asked, or what is usual.
fn open(given: Option<&str>, asks: bool, question: &str, otherwise: &str) -> Result<String> {
    match given {
        Some(given) => Ok(given.to_owned()),
        None if asks => report::ask(question, otherwise),
        None => Ok(otherwise.to_owned()),
    }
}

/// What the course is to be: from the options, and what they leave open is asked for, or as in the example.
fn starter(typed: &Init, asks: bool) -> Result<Starter> {
    let code = open(typed.course.as_deref(), asks, "the course, as TARGET_for_KNOWN", "spa_for_eng")?;
    let code = course_code(code)?;
    let seeds = open(typed.seeds.as_deref(), asks, "the file of its seeds", SEEDS)?;
    Ok(Starter::new(code, seeds, generator(typed, asks, Starting::Phrasebook)?))
}

/// A code that names two languages, and is a folder's name.
pub(super) fn course_code(code: String) -> Result<String> {
    if Starter::languages(&code).is_none() || crate::path::file_name(&code) != code {
        return Err(Problem::author(format!("`{}` is no pair of languages", escape(&code))).hint(
            "write it as `spa_for_eng`: the language taught, `_for_`, the language that learners speak",
        ));
    }
    Ok(code)
}

/// Who answers.
pub(super) fn generator(typed: &Init, asks: bool, usual: Starting) -> Result<StarterGenerator> {
    let kind = match typed.generator {
        Some(kind) => kind,
        None if typed.program.is_some() => Starting::Command,
        None if asks => {
            let usual = clap::ValueEnum::to_possible_value(&usual);
            let usual = usual.map_or_else(String::new, |value| value.get_name().to_owned());
            kind_of(&report::ask("who answers: phrasebook, replay, command or drop", &usual)?)?
        }
        None => usual,
    };
    let file = |question: &str, usual: &str| open(typed.file.as_deref(), asks, question, usual);
    Ok(match kind {
        Starting::Phrasebook => StarterGenerator::Phrasebook(file("its phrasebook", PHRASEBOOK)?),
        Starting::Replay => StarterGenerator::Replay(file("the recorded outputs", "answers.json")?),
        Starting::Drop => StarterGenerator::Drop(file("the folder that prompts are laid into", INBOX)?),
        Starting::Command => {
            let line = open(typed.program.as_deref(), asks, "the program and its arguments", "")?;
            let argv: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            if argv.is_empty() {
                return Err(Problem::author("no program was named")
                    .hint("name the program that answers, as in `--program \"./ask.sh --fast\"`"));
            }
            StarterGenerator::Command(argv)
        }
    })
}

fn kind_of(answer: &str) -> Result<Starting> {
    <Starting as clap::ValueEnum>::from_str(answer, true).map_err(|_| {
        Problem::author(format!("`{}` is no generator", escape(answer)))
            .hint("it is `phrasebook`, `replay`, `command` or `drop`")
    })
}

/// The files of a new course. Seeds and phrasebook are the example's, where none are there; other seeds than the usual have to be.
fn files(starter: &Starter, here: &Path) -> Result<Vec<File>> {
    let mut files = vec![File::new(MANIFEST, &starter.manifest())];
    if starter.seeds == SEEDS {
        files.push(File::new(SEEDS, STARTER_SEEDS));
    } else {
        is_there(&starter.seeds, here, "seeds")?;
    }
    files.extend(answers(&starter.generator, here)?);
    files.extend(
        STARTER_DOCUMENTS
            .iter()
            .filter(|(path, _)| !has_document(here, path))
            .map(|(path, text)| File::new(path, text)),
    );
    files.push(ignored(&starter.generator));
    Ok(files)
}

/// The file that a generator answers from: the example's phrasebook, where none is there; anything else has to be.
pub(super) fn answers(generator: &StarterGenerator, here: &Path) -> Result<Option<File>> {
    match generator {
        StarterGenerator::Phrasebook(file) if file == PHRASEBOOK => {
            return Ok(Some(File::new(PHRASEBOOK, STARTER_PHRASEBOOK)));
        }
        StarterGenerator::Phrasebook(file) | StarterGenerator::Replay(file) => {
            is_there(file, here, "answers")?;
        }
        StarterGenerator::Command(_) | StarterGenerator::Drop(_) => {}
    }
    Ok(None)
}

/// What git is to leave alone.
pub(super) fn ignored(generator: &StarterGenerator) -> File {
    match generator {
        StarterGenerator::Drop(folder) if Inside::new(folder).is_ok() => {
            File::lines(".gitignore", &format!(".coursebuild/\n{}/\n", folder.trim_end_matches('/')))
        }
        _ => File::lines(".gitignore", ".coursebuild/\n"),
    }
}

/// Whether the pack finds a document of that phase already, whatever it is called.
fn has_document(here: &Path, path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let phase: String = name.split_inclusive('_').take(2).collect();
    let Ok(entries) = std::fs::read_dir(here.join(folder)) else { return false };
    entries.filter_map(std::result::Result::ok).filter_map(|entry| entry.file_name().into_string().ok()).any(
        |other| {
            other.starts_with(&phase) && Path::new(&other).extension().is_some_and(|ending| ending == "md")
        },
    )
}

fn is_there(file: &str, here: &Path, what: &str) -> Result<()> {
    if here.join(file).is_file() {
        return Ok(());
    }
    Err(Problem::author(format!("there is no file `{}` of {what}", escape(file)))
        .hint("name a file that is there, relative to this folder; nothing was written"))
}

impl File {
    pub(super) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), by_line: false }
    }

    fn lines(path: &str, text: &str) -> Self {
        Self { by_line: true, ..Self::new(path, text) }
    }

    /// Writes what is missing, and says in a word what it did.
    fn bring_about(&self, here: &Path) -> Result<&'static str> {
        let path = Inside::new(&self.path)?.under(here);
        let old = match path.symlink_metadata() {
            Err(_) => None,
            Ok(_) if !self.by_line => return Ok("kept"),
            Ok(_) => fs::read_text(&path)?,
        };
        let Some(old) = old else {
            fs::write_whole(&path, self.text.as_bytes(), true)?;
            return Ok("written");
        };
        let missing: Vec<&str> =
            self.text.lines().filter(|line| !old.lines().any(|known| known.trim() == *line)).collect();
        if missing.is_empty() {
            return Ok("kept");
        }
        let gap = if old.is_empty() || old.ends_with('\n') { "" } else { "\n" };
        fs::write_whole(&path, format!("{old}{gap}{}\n", missing.join("\n")).as_bytes(), true)?;
        Ok("added to")
    }
}
