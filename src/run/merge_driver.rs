//! What git runs to merge main files, locks and decisions of two branches.
//!
//! Git merges one file at a time, and tells of the sides only their texts. Whether an item was generated or written by hand is told by
//! the lock of its side: so the commits are looked for whose file this is, and where they are not found, every change counts as a
//! person's, and nothing is lost.

use crate::course::{PhaseFile, builtin_files, main_files};
use crate::diag::{Problem, Result, escape};
use crate::fs;
use crate::link::{Lock, Locks, Sides, lock_of_text, merge_blocks, merge_locks, merge_main_files};
use crate::path::plain;
use crate::process::capture;
use std::ffi::OsString;
use std::path::Path;

pub(super) const LOCK: &str = "coursebuild.lock";
pub(super) const DECISIONS: &str = "coursebuild.accepted.toml";
/// No lock and no list of commits is longer.
const LONGEST: usize = 1 << 30;

/// The files of a merge, as git names them.
#[derive(Debug, Clone, Copy)]
pub struct DriverFiles<'a> {
    /// What both sides come from; empty where there is nothing.
    pub base: &'a Path,
    /// Ours; the result is written there.
    pub ours: &'a Path,
    /// Theirs.
    pub theirs: &'a Path,
    /// The path of the file that they are of, from `here`.
    pub path: &'a str,
    /// Where git runs its drivers: the top of the work tree.
    pub here: &'a Path,
}

/// What came of a merge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Merging {
    /// What is left for people, in words; it stands in the file between markers.
    pub conflicts: Vec<String>,
}

/// Merges. An error means that nothing was merged and ours stands as it was.
pub fn merge_driver(
    files: &DriverFiles<'_>,
    manifest: Option<&Path>,
    env: &[(String, String)],
) -> Result<Merging> {
    let text = |path: &Path| fs::read_text(path).map(Option::unwrap_or_default);
    let (base, ours, theirs) = (text(files.base)?, text(files.ours)?, text(files.theirs)?);
    let sides = Sides { base: &base, ours: &ours, theirs: &theirs };
    let unreadable = |why: String| {
        Problem::author(format!("`{}` cannot be merged item by item", escape(files.path)))
            .because(why)
            .hint("take one side (`git checkout --ours` or `--theirs`), then build: what the other side's items were made into is in its branch")
    };
    let name = Path::new(files.path).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let (merged, conflicts) = match name {
        LOCK => (merge_locks(&base, &ours, &theirs).map_err(unreadable)?, Vec::new()),
        DECISIONS => (merge_blocks(sides), Vec::new()),
        _ => {
            let file = phase_file(files, manifest, &ours)?;
            let [base, ours, theirs] = locks(files, env);
            let of =
                |lock: &Option<Lock>| lock.as_ref().and_then(|lock| lock.phases.get(&file.phase).cloned());
            let [base, ours, theirs] = [of(&base), of(&ours), of(&theirs)];
            let locks = Locks { base: base.as_ref(), ours: ours.as_ref(), theirs: theirs.as_ref() };
            let merged = merge_main_files(&file.output, sides, locks).map_err(unreadable)?;
            let conflicts = merged.conflicts.iter().map(|(item, clashes)| {
                let fields: Vec<String> = clashes
                    .iter()
                    .filter(|clash| !clash.at.is_empty())
                    .map(|clash| format!("`{}`", clash.at))
                    .collect();
                let at = if fields.is_empty() { String::new() } else { format!(" at {}", fields.join(", ")) };
                format!("`{item}`: both sides changed it{at}")
            });
            let conflicts = conflicts.collect();
            (merged.text, conflicts)
        }
    };
    fs::write_whole(files.ours, merged.as_bytes(), false)?;
    Ok(Merging { conflicts })
}

/// How the merged file holds its items: as its manifest says, else as a built-in pack of the same file name does.
fn phase_file(files: &DriverFiles<'_>, manifest: Option<&Path>, ours: &str) -> Result<PhaseFile> {
    let path = plain(&files.here.join(files.path));
    let found =
        path.ancestors().skip(1).map(|folder| folder.join("coursebuild.toml")).find(|path| path.is_file());
    let told =
        manifest.map(|manifest| files.here.join(manifest)).or(found).map(|manifest| main_files(&manifest));
    // A manifest in the middle of a merge may not be readable; the file names of the built-in packs are.
    if let Some(Ok(all)) = &told
        && let Some(file) = all.iter().find(|file| plain(&file.dir.join(&file.output.file)) == path)
    {
        return Ok(file.clone());
    }
    let known = builtin_files()?.into_iter().map(|(_, file)| file);
    let fits = |file: &PhaseFile| {
        path.ends_with(&file.output.file)
            && crate::json::read_collection(ours, &file.output.shape)
                .is_ok_and(|read| !read.elements.is_empty())
    };
    known.into_iter().find(fits).ok_or_else(|| {
        let problem = Problem::author(format!("`{}` is no main file of a course", escape(files.path)));
        match told {
            Some(Err(why)) => problem.because(why),
            _ => problem
                .hint("the driver merges main files, `coursebuild.lock` and `coursebuild.accepted.toml`"),
        }
    })
}

/// Git, run in a folder.
pub(super) struct Git<'a> {
    here: &'a Path,
    env: Vec<(OsString, OsString)>,
}

impl<'a> Git<'a> {
    pub(super) fn new(here: &'a Path, env: &[(String, String)]) -> Self {
        Self { here, env: env.iter().map(|(name, value)| (name.into(), value.into())).collect() }
    }

    /// What it prints; a problem where it fails.
    pub(super) fn run(&self, args: &[&str]) -> Result<String> {
        let argv: Vec<String> = ["git"].iter().chain(args).map(|arg| (*arg).to_owned()).collect();
        let out = capture(&argv, self.here, &self.env, LONGEST)?;
        String::from_utf8(out).map_err(|e| Problem::environment("git printed no UTF-8 text").because(e))
    }

    /// One line that git prints; `None` if it has nothing to say.
    pub(super) fn ask(&self, args: &[&str]) -> Option<String> {
        let said = self.run(args).ok()?;
        let line = said.lines().next_back()?.trim();
        (!line.is_empty()).then(|| line.to_owned())
    }
}

/// The locks of base, ours and theirs, where the commits are found whose file is merged.
fn locks(files: &DriverFiles<'_>, env: &[(String, String)]) -> [Option<Lock>; 3] {
    let git = Git::new(files.here, env);
    let blob = |file: &Path| git.ask(&["hash-object", "--no-filters", &file.to_string_lossy()]);
    let [base, ours, theirs] = [files.base, files.ours, files.theirs].map(blob);
    let holds = |commit: &str, blob: &Option<String>| {
        let there = git.ask(&["rev-parse", "-q", "--verify", &format!("{commit}:{}", files.path)]);
        there.is_some() && there == *blob
    };
    let ours = ["HEAD".to_owned()].into_iter().find(|commit| holds(commit, &ours));
    let theirs = candidates(&git, env).into_iter().find(|commit| holds(commit, &theirs));
    let base = theirs.as_ref().and_then(|theirs| {
        let fork = git.ask(&["merge-base", "HEAD", theirs]);
        [Some(format!("{theirs}^")), fork].into_iter().flatten().find(|commit| holds(commit, &base))
    });
    let folder = Path::new(files.path).parent().unwrap_or(Path::new(""));
    let lock = folder.join(LOCK).to_string_lossy().replace('\\', "/");
    [base, ours, theirs].map(|commit| lock_of_text(&git.run(&["show", &format!("{}:{lock}", commit?)]).ok()?))
}

/// The commits that may be merged into ours now: those that git tells its children of, the one that a rebase is at, and those that
/// an operation leaves a name of.
fn candidates(git: &Git<'_>, env: &[(String, String)]) -> Vec<String> {
    let merged = env.iter().filter_map(|(name, _)| name.strip_prefix("GITHEAD_").map(str::to_owned));
    let at = ["rebase-merge/done", "rebase-merge/stopped-sha", "rebase-apply/original-commit"]
        .into_iter()
        .filter_map(|file| {
            let path = git.ask(&["rev-parse", "--git-path", file])?;
            let text = fs::read_text(&git.here.join(path)).ok()??;
            let last = text.lines().rfind(|line| !line.trim().is_empty())?;
            last.split_whitespace()
                .find(|word| word.len() >= 7 && word.bytes().all(|byte| byte.is_ascii_hexdigit()))
                .map(str::to_owned)
        });
    let named =
        ["MERGE_HEAD", "CHERRY_PICK_HEAD", "REBASE_HEAD", "REVERT_HEAD", "refs/stash"].map(str::to_owned);
    merged.chain(at).chain(named).collect()
}
