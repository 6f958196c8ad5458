//! `doctor`: looks for what is wrong with a workspace, or odd about it. Changes nothing, makes no call, runs no program but git.
//!
//! Each thing found says what, why, and what to do. A *problem* stops a build or loses something; a *remark* costs money or
//! time, or is probably not what its author meant.

mod branches;
mod files;
mod rules;
mod store;

use super::options::Options;
use super::session::state_dir;
use crate::course::{self, Workspace};
use crate::diag::{Problem, Result, escape};
use serde::Serialize;

/// How bad a thing is that a doctor found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// It stops a build, or loses something.
    Problem,
    /// It costs, or is probably not what was meant.
    Remark,
}

/// One thing that a doctor found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Symptom {
    /// How bad it is.
    pub grade: Grade,
    /// What it is about: `workspace`, `documents`, `prompts`, `checks`, `generators`, `main files`, `branches`, `store`
    /// or `disk`.
    pub about: &'static str,
    /// What is wrong or odd.
    pub what: String,
    /// Why that matters.
    pub why: String,
    /// What to do.
    pub todo: String,
}

/// What a doctor says of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// Nothing was found that stops a build or loses something.
    pub well: bool,
    /// What was found, the worst first.
    pub symptoms: Vec<Symptom>,
}

/// What is found, gathered.
#[derive(Default)]
struct Finds(Vec<Symptom>);

impl Finds {
    fn add(
        &mut self,
        grade: Grade,
        about: &'static str,
        what: impl Into<String>,
        why: impl Into<String>,
        todo: impl Into<String>,
    ) {
        self.0.push(Symptom {
            grade,
            about,
            what: escape(&what.into()),
            why: escape(&why.into()),
            todo: escape(&todo.into()),
        });
    }

    /// A problem that a build would end with.
    fn problem(&mut self, about: &'static str, problem: &Problem) {
        let place = problem.place.as_ref().map_or_else(String::new, |place| match place.line {
            0 => format!(" ({})", place.file.display()),
            line => format!(" ({}:{line}:{})", place.file.display(), place.column),
        });
        let why = problem.cause.clone().unwrap_or_else(|| "a build ends with this".to_owned());
        let todo = problem.hint.clone().unwrap_or_else(|| "mend it, and look again".to_owned());
        self.add(Grade::Problem, about, format!("{}{place}", problem.what), why, todo);
    }
}

/// Looks at a workspace. An error means that nothing could be looked at at all.
pub fn doctor(options: &Options) -> Result<Diagnosis> {
    let mut finds = Finds::default();
    let state = state_dir(&options.manifest);
    let mut store = options.store.clone();
    match course::load(&options.manifest, &options.environment) {
        Ok(workspace) => {
            store = store.or_else(|| workspace.store.clone());
            whole(&workspace, options, &mut finds);
        }
        Err(problem) => finds.problem("workspace", &problem),
    }
    store::look(&store.unwrap_or_else(|| state.clone()), &mut finds);
    files::disk(&state, &mut finds);
    let Finds(mut symptoms) = finds;
    symptoms.sort_by_key(|symptom| symptom.grade);
    let well = symptoms.iter().all(|symptom| symptom.grade != Grade::Problem);
    Ok(Diagnosis { well, symptoms })
}

fn whole(workspace: &Workspace, options: &Options, finds: &mut Finds) {
    for (at, course) in workspace.courses.iter().enumerate() {
        // What is said of a rule is said once, however many courses follow it.
        if at == 0 {
            rules::look(course, finds);
            rules::programs(workspace, course, &options.environment, finds);
        }
        rules::left_out(course, finds);
        files::look(course, &workspace.root, finds);
    }
    branches::look(workspace, &options.environment, finds);
    let dir = options.store.clone().or_else(|| workspace.store.clone());
    let dir = dir.unwrap_or_else(|| state_dir(&options.manifest));
    store::often_changed(&dir, workspace, finds);
}
