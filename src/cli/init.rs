//! `coursebuild init`: asks what a course is to be, or takes it from options, and writes what a first build needs.
//!
//! Writes only files that are not there, and adds lines to the two that git reads; says of every file what became of it.

use super::args::{Init, Starting};
use super::surroundings::{Surroundings, current_dir};
use crate::course::{STARTER_DOCUMENTS, STARTER_PHRASEBOOK, STARTER_SEEDS, Starter, StarterGenerator};
use crate::diag::{Problem, Result, escape};
use crate::fs;
use crate::path::Inside;
use crate::report;
use std::path::Path;

const MANIFEST: &str = "coursebuild.toml";
const SEEDS: &str = "seeds.json";
const PHRASEBOOK: &str = "phrasebook.json";

/// A file that `init` sees to.
struct File {
    path: String,
    text: String,
    /// Lines are added to what is there, and only those that it lacks.
    by_line: bool,
}

/// Writes what is missing and says what it did; `None` when the user would rather not.
pub(super) fn init(typed: &Init, around: &Surroundings) -> Result<Option<String>> {
    let here = current_dir()?;
    if here.join(MANIFEST).symlink_metadata().is_ok() {
        return Err(Problem::author(format!("there is a `{MANIFEST}` here already"))
            .because("nothing is overwritten")
            .hint(
                "`coursebuild plan` tells what it would build; for another course add a `[[course]]` to it",
            ));
    }
    let asks = !typed.yes && around.terminals.input && around.terminals.error;
    if !asks && !typed.yes && typed.course.is_none() {
        return Err(Problem::author("there is no terminal to ask at")
            .hint("say what is wanted, as in `coursebuild init --course spa_for_eng`, or `--yes` for the example course"));
    }
    let starter = starter(typed, asks)?;
    let files = files(&starter, &here)?;
    if asks {
        let list: String = files.iter().map(|file| format!("  {}\n", escape(&file.path))).collect();
        let answer = report::ask(&format!("this writes, where it is not there yet:\n{list}go on?"), "y")?;
        if !matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes") {
            return Ok(None);
        }
    }
    let mut said = String::new();
    for file in &files {
        said += &format!("{} {}\n", file.bring_about(&here)?, escape(&file.path));
    }
    Ok(Some(said))
}

/// What the course is to be: from the options, and what they leave open is asked for, or as in the example.
fn starter(typed: &Init, asks: bool) -> Result<Starter> {
    let open = |given: Option<&str>, question: &str, otherwise: &str| match given {
        Some(given) => Ok(given.to_owned()),
        None if asks => report::ask(question, otherwise),
        None => Ok(otherwise.to_owned()),
    };
    let code = open(typed.course.as_deref(), "the course, as TARGET_for_KNOWN", "spa_for_eng")?;
    if Starter::languages(&code).is_none() || crate::path::file_name(&code) != code {
        return Err(Problem::author(format!("`{}` is no pair of languages", escape(&code))).hint(
            "write it as `spa_for_eng`: the language taught, `_for_`, the language that learners speak",
        ));
    }
    let seeds = open(typed.seeds.as_deref(), "the file of its seeds", SEEDS)?;
    let kind = match typed.generator {
        Some(kind) => kind,
        None if asks => generator(&report::ask("who answers: phrasebook, replay or command", "phrasebook")?)?,
        None if typed.program.is_some() => Starting::Command,
        None => Starting::Phrasebook,
    };
    let generator = match kind {
        Starting::Phrasebook => {
            StarterGenerator::Phrasebook(open(typed.file.as_deref(), "its phrasebook", PHRASEBOOK)?)
        }
        Starting::Replay => {
            StarterGenerator::Replay(open(typed.file.as_deref(), "the recorded outputs", "answers.json")?)
        }
        Starting::Command => {
            let line = open(typed.program.as_deref(), "the program and its arguments", "")?;
            let argv: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            if argv.is_empty() {
                return Err(Problem::author("no program was named")
                    .hint("name the program that answers, as in `--program \"./ask.sh --fast\"`"));
            }
            StarterGenerator::Command(argv)
        }
    };
    Ok(Starter { code, seeds, generator })
}

fn generator(answer: &str) -> Result<Starting> {
    <Starting as clap::ValueEnum>::from_str(answer, true).map_err(|_| {
        Problem::author(format!("`{}` is no generator", escape(answer)))
            .hint("it is `phrasebook`, `replay` or `command`")
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
    match &starter.generator {
        StarterGenerator::Phrasebook(file) if file == PHRASEBOOK => {
            files.push(File::new(PHRASEBOOK, STARTER_PHRASEBOOK));
        }
        StarterGenerator::Phrasebook(file) | StarterGenerator::Replay(file) => {
            is_there(file, here, "answers")?;
        }
        StarterGenerator::Command(_) => {}
    }
    files.extend(
        STARTER_DOCUMENTS
            .iter()
            .filter(|(path, _)| !has_document(here, path))
            .map(|(path, text)| File::new(path, text)),
    );
    let dir = starter.dir();
    files.push(File::lines(".gitignore", ".coursebuild/\n"));
    files.push(File::lines(
        ".gitattributes",
        &format!("{dir}/*.json merge=coursebuild\n{dir}/coursebuild.lock merge=coursebuild\n"),
    ));
    Ok(files)
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
    fn new(path: &str, text: &str) -> Self {
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
            Ok(_) if !self.by_line => return Ok("kept   "),
            Ok(_) => fs::read_text(&path)?,
        };
        let Some(old) = old else {
            fs::write_whole(&path, self.text.as_bytes(), true)?;
            return Ok("written");
        };
        let missing: Vec<&str> =
            self.text.lines().filter(|line| !old.lines().any(|known| known.trim() == *line)).collect();
        if missing.is_empty() {
            return Ok("kept   ");
        }
        let gap = if old.is_empty() || old.ends_with('\n') { "" } else { "\n" };
        fs::write_whole(&path, format!("{old}{gap}{}\n", missing.join("\n")).as_bytes(), true)?;
        Ok("added to")
    }
}
