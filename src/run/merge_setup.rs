//! Tells git to merge main files, locks and decisions with `coursebuild merge-driver`, and whether it knows.
//!
//! Two halves: `.gitattributes` beside the manifest goes with the repository; the configuration that says what the driver is stays in
//! each clone, so everybody runs the installation once.

use super::merge_driver::{DECISIONS, Git, LOCK};
use super::options::Options;
use crate::course::{Workspace, load};
use crate::diag::{Problem, Result};
use crate::fs;
use std::path::Path;

const ATTRIBUTES: &str = ".gitattributes";
const DRIVER: &str = "merge.coursebuild.driver";

/// What was installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The command line that git runs; `None` where there is no repository to tell.
    pub driver: Option<String>,
    /// The file of attributes.
    pub attributes: String,
    /// Lines added to it.
    pub added: usize,
    /// It was not there before.
    pub created: bool,
    /// Folders that it cannot name.
    pub outside: Vec<String>,
}

/// What a clone is told of the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// There is no repository, or no git.
    NoRepository,
    /// No attribute names the driver.
    Nothing,
    /// The attributes name it, and this clone's configuration does not say what it is.
    AttributesAlone,
    /// Both are there.
    All,
}

/// True inside a work tree of git.
pub fn in_repository(folder: &Path, env: &[(String, String)]) -> bool {
    Git::new(folder, env).ask(&["rev-parse", "--is-inside-work-tree"]).as_deref() == Some("true")
}

/// Tells git about the driver: in the repository's configuration, and in `.gitattributes` beside the manifest.
pub fn install_merge_driver(options: &Options) -> Result<Installed> {
    let workspace = load(&options.manifest, &options.environment)?;
    let git = Git::new(&workspace.root, &options.environment);
    git.run(&["rev-parse", "--git-dir"]).map_err(|problem| {
        Problem::environment(format!("`{}` is not in a git repository", workspace.root.display()))
            .because(problem)
            .hint("`git init`, then once more")
    })?;
    let program = options.program.to_string_lossy().replace('\'', "'\\''");
    let driver = format!("'{program}' merge-driver %O %A %B %P");
    git.run(&["config", "merge.coursebuild.name", "coursebuild: item by item"])?;
    git.run(&["config", DRIVER, &driver])?;
    Ok(Installed { driver: Some(driver), ..attributes(&workspace)? })
}

/// Writes `.gitattributes` alone, for a folder that is no repository yet.
pub fn write_attributes(options: &Options) -> Result<Installed> {
    attributes(&load(&options.manifest, &options.environment)?)
}

fn attributes(workspace: &Workspace) -> Result<Installed> {
    let (mut wanted, mut outside) = (vec![line(DECISIONS)], Vec::new());
    for course in &workspace.courses {
        let Ok(folder) = course.dir.strip_prefix(&workspace.root) else {
            outside.push(course.dir_text.clone());
            continue;
        };
        let files = course.phases.iter().map(|phase| phase.rule.output.file.as_str());
        wanted.extend(files.chain([LOCK]).map(|file| line(&folder.join(file).to_string_lossy())));
    }
    let path = workspace.root.join(ATTRIBUTES);
    let old = fs::read_text(&path)?;
    let created = old.is_none();
    let mut text = old.unwrap_or_default();
    wanted.retain(|line| !text.lines().any(|there| there.trim() == line));
    if !wanted.is_empty() {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        wanted.iter().for_each(|line| text.push_str(&format!("{line}\n")));
        fs::write_whole(&path, text.as_bytes(), true)?;
    }
    let attributes = ATTRIBUTES.to_owned();
    Ok(Installed { driver: None, attributes, added: wanted.len(), created, outside })
}

/// A line of attributes: the path alone, anchored at the file's folder.
fn line(path: &str) -> String {
    let path = path.replace('\\', "/");
    let plain = path.chars().all(|c| c.is_alphanumeric() || "/._-+@".contains(c));
    if plain {
        format!("/{path} merge=coursebuild")
    } else {
        format!("\"/{}\" merge=coursebuild", path.replace('"', "\\\""))
    }
}

/// What git knows of the driver for a course's main files, here and now.
pub(super) fn told(workspace: &Workspace, env: &[(String, String)]) -> Told {
    let git = Git::new(&workspace.root, env);
    if !in_repository(&workspace.root, env) {
        return Told::NoRepository;
    }
    let mut folders = workspace.courses.iter().filter(|course| course.dir.starts_with(&workspace.root));
    let Some(course) = folders.next() else { return Told::NoRepository };
    let lock = course.dir.join(LOCK);
    // `PATH: merge: VALUE`
    let told = git.ask(&["check-attr", "merge", "--", &lock.to_string_lossy()]);
    if !told.is_some_and(|told| told.ends_with(": coursebuild")) {
        return Told::Nothing;
    }
    match git.ask(&["config", "--get", DRIVER]) {
        Some(_) => Told::All,
        None => Told::AttributesAlone,
    }
}
