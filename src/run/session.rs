//! A workspace opened for a run or a question: manifest, store, locks and boards.

use super::options::Options;
use super::services::Services;
use super::{recover, tables};
use crate::course::{self, Course, Generate, GeneratorKind, Workspace};
use crate::diag::{Problem, Result};
use crate::generate::command::Command;
use crate::generate::{Generator, Phrasebook, Replay};
use crate::graph::batches;
use crate::link::{LockFile, MainFile, read_lock};
use crate::plan::{Board, Held, Memory, Names, Recall, Selection, Verdict, Wishes, choose};
use crate::store::Store;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A workspace that has been read.
pub(super) struct Session {
    pub(super) workspace: Workspace,
    pub(super) store: Arc<Store>,
    /// The workspace's own folder.
    pub(super) state: PathBuf,
    /// One a course.
    pub(super) locks: Vec<LockFile>,
}

/// The name of a course's lock file.
pub(super) const LOCK_NAME: &str = "coursebuild.lock";

/// The workspace's own folder: stamp, workspace lock and, unless it is shared, the store.
pub(super) fn state_dir(manifest: &Path) -> PathBuf {
    manifest.parent().unwrap_or(Path::new(".")).join(".coursebuild")
}

impl Session {
    /// Reads a workspace. A build, which holds it, is told of what a crashed run left, and that is written; for a question it is
    /// taken into account in memory, and nothing on disk changes.
    pub(super) fn open(options: &Options, recovered: Option<&mut dyn FnMut(recover::Found)>) -> Result<Self> {
        let workspace = course::load(&options.manifest, &options.environment)?;
        let dir = options
            .store
            .clone()
            .or_else(|| workspace.store.clone())
            .unwrap_or_else(|| state_dir(&options.manifest));
        let mut store = Store::open(&dir);
        match recovered {
            Some(tell) => recover::recover(&mut store, tell)?,
            None => recover::imagine(&mut store)?,
        }
        let locks = workspace
            .courses
            .iter()
            .map(|course| read_lock(&course.dir.join(LOCK_NAME)))
            .collect::<Result<_>>()?;
        Ok(Self { workspace, store: Arc::new(store), state: state_dir(&options.manifest), locks })
    }

    /// What is remembered, by course.
    pub(super) fn memories(&self) -> Vec<Memory<'_>> {
        self.locks.iter().map(|lock| Memory::new(&self.store, lock)).collect()
    }

    /// The boards of all courses, decided.
    pub(super) fn boards<'w>(
        &'w self,
        options: &Options,
        selection: &Selection,
        memories: &[Memory<'_>],
    ) -> Result<Vec<Board<'w>>> {
        let courses: Vec<&Course> = self.workspace.courses.iter().collect();
        let mut boards = Vec::with_capacity(courses.len());
        for (at, (course, memory)) in courses.iter().zip(memories).enumerate() {
            let found: Vec<(MainFile, Recall)> = (0..course.phases.len())
                .map(|phase| {
                    let output = &course.phases[phase].rule.output;
                    let table = tables::read(&self.state, course, phase);
                    let of_main = table.as_ref().filter(|_| tables::relies_on_main(output));
                    let main = MainFile::read(&course.dir.join(&output.file), output, of_main)?;
                    Ok((main, Recall::new(table)))
                })
                .collect::<Result<_>>()?;
            let mut board = Board::new(course, found)?;
            let names = Names {
                roots: &|phase| &board.phases[phase].roots,
                has_item: &|phase, id| board.phases[phase].main.get(id).is_some(),
            };
            let chosen = choose(selection, &courses, at, &board.graph, &names)?;
            board.wishes = Wishes {
                chosen,
                force: options.force,
                fix: options.fix,
                retry_failed: options.retry_failed,
                refresh: options.refresh_edited,
                with_stale_inputs: options.with_stale_inputs,
            };
            board.open_all(memory)?;
            if let Some((phase, batch)) = board.missing_batch() {
                let name = &board.rule(phase).name;
                let batches = batches(board.cells(phase).count(), board.rule(phase).batch.size);
                return Err(Problem::author(format!("there is no batch {batch} of `{name}`"))
                    .hint(format!("`{name}` has {batches} batches: `coursebuild status` lists them")));
            }
            refuse_the_unknown(&board, &self.locks[at])?;
            boards.push(board);
        }
        Ok(boards)
    }

    /// The generator of each phase of each course; equal ones are made once.
    pub(super) fn generators(&self, options: &Options) -> Result<Vec<Vec<Arc<dyn Generator>>>> {
        let mut made: Vec<(&Generate, Arc<dyn Generator>)> = Vec::new();
        let mut services = Services::new(&self.workspace.root, options);
        let mut all = Vec::new();
        for course in &self.workspace.courses {
            let mut of_course = Vec::new();
            for phase in &course.phases {
                let declared = &phase.rule.generate;
                if declared.kind.is_remote() {
                    of_course.push(services.remote(declared, &phase.rule.output)?);
                    continue;
                }
                let known =
                    made.iter().find(|(other, _)| *other == declared).map(|(_, generator)| generator.clone());
                let generator = match known {
                    Some(generator) => generator,
                    None => {
                        let generator = self.generator(declared, course, options)?;
                        made.push((declared, generator.clone()));
                        generator
                    }
                };
                of_course.push(generator);
            }
            all.push(of_course);
        }
        Ok(all)
    }

    fn generator(
        &self,
        declared: &Generate,
        course: &Course,
        options: &Options,
    ) -> Result<Arc<dyn Generator>> {
        let file = || {
            declared.file.as_deref().ok_or_else(|| {
                Problem::author(
                    format!("the generator `{:?}` has no `file` to answer from", declared.kind)
                        .to_lowercase(),
                )
                .hint("write `file = \"…\"` beside `use`")
            })
        };
        Ok(match declared.kind {
            GeneratorKind::Phrasebook => Arc::new(Phrasebook::load(file()?, declared.faults.as_deref())?),
            GeneratorKind::Replay => {
                let shapes = course
                    .phases
                    .iter()
                    .map(|phase| (phase.rule.name.clone(), phase.rule.output.shape.clone()))
                    .collect();
                Arc::new(Replay::load(file()?, shapes)?)
            }
            GeneratorKind::Anthropic | GeneratorKind::Openai => {
                return Err(Problem::internal("a service was taken for a generator of one's own"));
            }
            GeneratorKind::Command => {
                let env = options.environment.iter().filter(|(name, _)| declared.env.contains(name));
                let env = env.map(|(name, value)| (name.into(), value.into())).collect();
                let root = self.workspace.root.clone();
                Arc::new(Command::new(&declared.argv, declared.timeout_s, env, root, options.program.clone()))
            }
        })
    }
}

/// Main files of which neither a lock nor the store knows anything are somebody's work: no build goes over them.
fn refuse_the_unknown(board: &Board<'_>, lock: &LockFile) -> Result<()> {
    let (mut unexplained, mut explained) = (Vec::new(), false);
    for phase in 0..board.phases.len() {
        for (.., cell) in board.cells(phase) {
            match &cell.decision.verdict {
                Verdict::Held(Held::Unexplained) => unexplained.push(&*cell.id),
                Verdict::Fresh => explained = true,
                _ => {}
            }
        }
    }
    let Some(first) = unexplained.first().filter(|_| !explained) else { return Ok(()) };
    let dir = board.course.dir.join(LOCK_NAME);
    let what = format!(
        "the main files of `{}` hold {} items (`{first}`, …) and nothing tells where they come from",
        board.course.code,
        unexplained.len()
    );
    let why = match lock {
        LockFile::Conflict => format!(
            "`{}` holds the conflict markers of an unfinished merge, and the store knows none of them",
            dir.display()
        ),
        LockFile::Broken(why) => {
            format!("`{}` cannot be read ({why}), and the store knows none of them", dir.display())
        }
        LockFile::Absent | LockFile::Readable(..) => {
            format!("there is no `{}`, and the store knows none of them", dir.display())
        }
    };
    Err(Problem::author(what)
        .because(why)
        .hint("bring the lock back (git has it), or move the main files away to build them anew; nothing was changed"))
}
