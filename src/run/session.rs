//! A workspace opened for a run or a question: manifest, store, locks and boards.

use super::options::Options;
use super::services::Services;
use super::sharing::Sharing;
use super::{clock, recover, standing, tables, trial};
use crate::course::{self, Course, Generate, GeneratorKind, Workspace};
use crate::diag::{Problem, Result};
use crate::digest::Digest;
use crate::generate::command::Command;
use crate::generate::drop::DropFolder;
use crate::generate::preset::Agent;
use crate::generate::{Generator, Notices, Phrasebook, Replay};
use crate::link::{LockFile, MainFile, read_lock};
use crate::plan::{Adopt, Board, Chosen, Held, Memory, Names, Recall, Selection, Verdict, Wishes, choose};
use crate::store::{self, Judgements, MAX_ANSWER, Note, Root, Store, hold_waiting, try_hold};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A workspace that has been read.
pub(super) struct Session {
    pub(super) workspace: Workspace,
    pub(super) store: Arc<Store>,
    /// Its manifest.
    manifest: PathBuf,
    /// When it was opened: milliseconds since 1970, UTC.
    pub(super) began_ms: u64,
    /// The shared store, once it is opened.
    pub(super) sharing: Option<Sharing>,
    /// The workspace's own folder.
    pub(super) state: PathBuf,
    /// One a course.
    pub(super) locks: Vec<LockFile>,
}

/// The name of a course's lock file.
pub(super) const LOCK_NAME: &str = "coursebuild.lock";

/// The name of the file of accepted edits, waived findings and pins, beside the manifest.
const ACCEPTED_NAME: &str = "coursebuild.accepted.toml";

/// The workspace's own folder: stamp, workspace lock and, unless it is shared, the store.
pub(super) fn state_dir(manifest: &Path) -> PathBuf {
    manifest.parent().unwrap_or(Path::new(".")).join(".coursebuild")
}

/// Where the store of a workspace is: as the command line or the environment says, else the manifest, else beside it.
pub(super) fn store_dir(options: &Options, workspace: &Workspace) -> PathBuf {
    let said = options.store.clone().or_else(|| workspace.store.clone());
    said.unwrap_or_else(|| state_dir(&options.manifest))
}

/// Takes the workspace, or says who has it.
pub(super) fn hold(options: &Options) -> Result<store::Held> {
    let note =
        Note { host: None, started: clock::in_words(clock::now_ms()), command: options.command.clone() };
    let dir = state_dir(&options.manifest);
    if options.wait {
        return hold_waiting(&dir, &note);
    }
    try_hold(&dir, &note)?.map_err(|holder| holder.problem())
}

impl Session {
    /// Reads a workspace. A build, which holds it, is told of what a crashed run left, and that is written; for a question it is
    /// taken into account in memory, and nothing on disk changes.
    pub(super) fn open(options: &Options, recovered: Option<&mut dyn FnMut(recover::Found)>) -> Result<Self> {
        let workspace = course::load(&options.manifest, &options.environment)?;
        let mut store = Store::open(store_dir(options, &workspace));
        match recovered {
            Some(tell) => {
                recover::recover(&mut store, tell)?;
                standing::sweep(&store, &workspace, tell)?;
            }
            None => recover::imagine(&mut store)?,
        }
        let locks = workspace
            .courses
            .iter()
            .map(|course| read_lock(&course.dir.join(LOCK_NAME)))
            .collect::<Result<_>>()?;
        let manifest = options.manifest.clone();
        Ok(Self {
            workspace,
            store: Arc::new(store),
            manifest,
            began_ms: clock::now_ms(),
            sharing: None,
            state: state_dir(&options.manifest),
            locks,
        })
    }

    /// Tells the store that this workspace uses it, and which files name what it needs.
    pub(super) fn register(&self) -> Result<()> {
        let locks = self.workspace.courses.iter().map(|course| course.dir.join(LOCK_NAME));
        let accepted = self.manifest.with_file_name(ACCEPTED_NAME);
        self.store
            .register(&Root { manifest: self.manifest.clone(), keeps: locks.chain([accepted]).collect() })
    }

    /// Opens the shared store, if there is one.
    pub(super) fn share(&mut self, options: &Options) -> Result<()> {
        self.sharing = Sharing::open(self.workspace.shared.as_ref(), options, &self.store)?;
        Ok(())
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
            board.judgements = Judgements::of(&self.state);
            let names = Names {
                roots: &|phase| &board.phases[phase].roots,
                has_item: &|phase, id| board.phases[phase].main.get(id).is_some(),
            };
            let mut chosen = choose(selection, &courses, at, &board.graph, &names)?;
            if options.trial {
                // What a target is made from is not tried: it counts as it stands.
                chosen.iter_mut().filter(|one| one.is_upstream).for_each(|one| *one = Chosen::default());
            }
            let more = options.force
                || options.trial
                || options.fix
                || options.retry_failed
                || options.refresh_edited
                || options.adopt;
            chosen = board.widened(chosen, more);
            let tried = if options.trial { self.tried(course)? } else { HashSet::new() };
            board.wishes = Wishes {
                chosen,
                tried,
                trial: options.trial,
                force: options.force || options.trial,
                fix: options.fix,
                retry_failed: options.retry_failed,
                refresh: options.refresh_edited,
                with_stale_inputs: options.with_stale_inputs,
                adopt: match (options.adopt, *selection == Selection::default()) {
                    (false, _) => Adopt::No,
                    (true, true) => Adopt::Unexplained,
                    (true, false) => Adopt::Named,
                },
                recompute: options.recompute_derived,
                out_of_reach: self
                    .sharing
                    .as_ref()
                    .map(|sharing| sharing.out_of_reach.clone())
                    .unwrap_or_default(),
            };
            board.recall_found(memory)?;
            board.open_all(memory)?;
            if let Some((phase, batch)) = board.missing_batch() {
                let name = &board.rule(phase).name;
                let batches = board.phases[phase].batches.count(board.cells(phase).count());
                return Err(Problem::author(format!("there is no batch {batch} of `{name}`"))
                    .hint(format!("`{name}` has {batches} batches: `coursebuild status` lists them")));
            }
            if !options.adopt {
                refuse_the_unknown(&board, &self.locks[at])?;
            }
            boards.push(board);
        }
        Ok(boards)
    }

    /// The items that a trial waits for, for a decision.
    fn tried(&self, course: &Course) -> Result<HashSet<(usize, Arc<str>, Digest)>> {
        let waiting = trial::waiting(&self.store, &self.state, &course.code)?;
        let number = |name: &str| course.phases.iter().position(|phase| phase.rule.name == name);
        Ok(waiting
            .into_iter()
            .filter_map(|((phase, id), trial)| Some((number(&phase)?, id, trial.content)))
            .collect())
    }

    /// The generator of each phase of each course; equal ones are made once.
    pub(super) fn generators(
        &self,
        options: &Options,
        notices: &Notices,
    ) -> Result<Vec<Vec<Arc<dyn Generator>>>> {
        let mut made: Vec<(&Generate, Arc<dyn Generator>)> = Vec::new();
        let mut services = Services::new(&self.workspace.root, &self.store, options, notices);
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
                        let generator = self.generator(declared, course, options, notices)?;
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
        notices: &Notices,
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
                let program = options.program.clone();
                let command = Command::new(&declared.argv, declared.timeout_s, env, root, program);
                Arc::new(match declared.preset {
                    None => command,
                    Some(preset) => {
                        let (model, args) = (declared.model.clone(), declared.args.clone());
                        command.as_agent(Agent { preset, model, args }, notices.clone())
                    }
                })
            }
            GeneratorKind::Drop => {
                let folder = declared.folder.clone().unwrap_or_else(|| self.workspace.root.join("drop"));
                Arc::new(DropFolder::new(
                    folder,
                    self.workspace.courses.len() > 1,
                    declared.timeout_s,
                    MAX_ANSWER,
                    self.workspace.root.clone(),
                    notices.clone(),
                ))
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
        .hint("`coursebuild adopt` takes them as they are (`-n` only tells), or bring the lock back (git has it); nothing was changed"))
}
