//! Main files, locks, and the disk that they are on.

use super::super::session::LOCK_NAME;
use super::{Finds, Grade};
use crate::course::Course;
use crate::fs;
use crate::json::{Value, read_collection};
use crate::link::{LockFile, MainFile, read_lock};
use crate::plan::judge_course;
use std::collections::HashSet;
use std::path::Path;

/// Free space below this is told: bytes.
const LITTLE_SPACE: u64 = 200 << 20;

/// The main files and the lock of a course.
pub(super) fn look(course: &Course, root: &Path, finds: &mut Finds) {
    lock(course, root, finds);
    writable(&course.dir, finds);
    let mut mains = Vec::new();
    for phase in &course.phases {
        match MainFile::read(&course.dir.join(&phase.rule.output.file), &phase.rule.output, None) {
            Ok(main) => {
                doubled(course, mains.len(), &main, finds);
                mains.push(main);
            }
            Err(problem) => finds.problem("main files", &problem),
        }
    }
    if mains.len() < course.phases.len() {
        return;
    }
    // What cannot be compiled is told with the rules.
    let Ok(judged) = judge_course(course, &mains) else { return };
    for ((phase, judged), main) in course.phases.iter().zip(&judged).zip(&mains) {
        if let Some(first) = judged.extra.first() {
            finds.add(
                Grade::Remark,
                "main files",
                format!("`{}` has {} items that nothing gives (`{first}`, …)", phase.rule.output.file, judged.extra.len()),
                "what they were made from is gone, or they were written there by hand or by another program",
                "a build takes them out and keeps them in the store; bring back what they are made from, or let it",
            );
        }
        let names: HashSet<&str> = judged.items.iter().map(|item| &*item.id).collect();
        if !phase.rule.output.shape.at.is_root() {
            strays(&phase.rule.output.file, main, &names, finds);
        }
    }
}

fn lock(course: &Course, root: &Path, finds: &mut Finds) {
    let path = course.dir.join(LOCK_NAME);
    let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
    let (what, why) = match read_lock(&path) {
        Ok(LockFile::Absent | LockFile::Readable(..)) => return,
        Ok(LockFile::Conflict) => {
            (format!("`{shown}` holds conflict markers"), "a merge was not finished".to_owned())
        }
        Ok(LockFile::Broken(why)) => (format!("`{shown}` cannot be read"), why),
        Err(problem) => return finds.problem("main files", &problem),
    };
    let todo = "take either side (git has both), or delete it: a build writes it anew from the store";
    finds.add(Grade::Problem, "main files", what, why, todo);
}

/// Items that stand in a file more than once, and the same: a file that was merged into twice.
fn doubled(course: &Course, phase: usize, main: &MainFile, finds: &mut Finds) {
    let output = &course.phases[phase].rule.output;
    let Ok(read) = read_collection(main.text().trim_start_matches('\u{feff}'), &output.shape) else { return };
    let more = read.elements.len().saturating_sub(main.len());
    if more > 0 {
        finds.add(
            Grade::Remark,
            "main files",
            format!("`{}` has {more} items twice", output.file),
            "they are the same, so nothing is lost; something wrote into the file without reading it",
            "a build writes each once",
        );
    }
}

/// Items beside the collection that they belong in.
fn strays(file: &str, main: &MainFile, names: &HashSet<&str>, finds: &mut Finds) {
    let Ok(Value::Object(fields)) = serde_json::from_str(main.text().trim_start_matches('\u{feff}')) else {
        return;
    };
    let strays: Vec<&String> = fields.keys().filter(|key| names.contains(key.as_str())).collect();
    if let Some(first) = strays.first() {
        finds.add(
            Grade::Remark,
            "main files",
            format!("`{file}` has {} items beside its collection (`{first}`, …)", strays.len()),
            "they are taken for fields of the envelope, which are kept as found: nobody checks them or builds on them",
            "take them out, or move them into the collection where one is missing",
        );
    }
}

fn writable(dir: &Path, finds: &mut Finds) {
    if !fs::is_writable(dir) {
        finds.add(
            Grade::Problem,
            "disk",
            format!("this user may not write in `{}`", dir.display()),
            "a build writes main files and lock there",
            "change its owner or mode, or name another folder",
        );
    }
}

/// The disk that the workspace's own folder is on.
pub(super) fn disk(state: &Path, finds: &mut Finds) {
    writable(state, finds);
    if let Some(free) = fs::free_bytes(state).filter(|free| *free < LITTLE_SPACE) {
        finds.add(
            Grade::Problem,
            "disk",
            format!("only {} MB are free on the disk of `{}`", free >> 20, state.display()),
            "an answer that cannot be written down is not asked for, so a build stops",
            "make room, or put the store elsewhere: `store` in the manifest",
        );
    }
}
