//! The programs that judge batches (checks with `use = "command"`): run over a course as it stands, their judgements remembered.
//!
//! A program is given a folder of its own with the main files up to its phase, and the batch in a file beside them. What it
//! can see is what its judgement is remembered under, so the same batch in the same course is judged once. Judgements are derived:
//! they may be deleted.

use crate::check::{Checks, Judgement, Sees, Told, Validator, read_judgement};
use crate::course::{Course, Rule};
use crate::diag::{Kind, Problem, Result, escape};
use crate::digest::{Digest, Hasher};
use crate::fs::{self, Lock};
use crate::generate::command::absolute;
use crate::json::{self, Shape};
use crate::link::{Found, MainFile};
use crate::plan::{Chosen, JudgedItem, JudgedPhase};
use crate::process::{self, Ended, How, Order};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Programs that run at once.
const AT_ONCE: usize = 4;
/// What a program may see of the environment, beside `COURSEBUILD_*` and what its check lists.
const ENVIRONMENT: [&str; 4] = ["PATH", "LANG", "LC_ALL", "TZ"];
/// A program's last words are quoted up to this length: characters.
const QUOTED: usize = 2000;

/// Runs programs over one course.
pub(super) struct Outside<'a> {
    /// The workspace's own folder.
    pub(super) state: PathBuf,
    /// The environment that programs see a part of.
    pub(super) environment: &'a [(String, String)],
    /// This program, to run the supervisor.
    pub(super) supervisor: &'a Path,
    /// The workspace's folder.
    pub(super) root: &'a Path,
    pub(super) course: &'a Course,
    /// The main files, one a phase.
    pub(super) mains: &'a [MainFile],
}

/// One batch to be judged by one program.
struct Task<'a> {
    validator: &'a Validator,
    number: usize,
    /// The items: id, root's id.
    items: Vec<(&'a str, &'a str)>,
    files: Vec<(String, Vec<u8>)>,
    batch_file: String,
    key: Digest,
}

impl Outside<'_> {
    /// Adds what the programs of all phases say of the chosen batches. Where `only` names checks, others are not run.
    pub(super) fn judge(
        &self,
        judged: &mut [JudgedPhase],
        chosen: &[Option<Chosen>],
        only: &[String],
    ) -> Result<()> {
        for phase in 0..self.course.phases.len() {
            let Some(chosen) = chosen.get(phase).and_then(Option::as_ref) else { continue };
            let checks = Checks::compile(&self.course.phases[phase].rule)?;
            for validator in checks.outside() {
                if only.is_empty() || only.iter().any(|name| **name == *validator.label) {
                    let judgements = self.judgements(phase, judged, chosen, &validator)?;
                    take_in(&mut judged[phase], &validator, judgements);
                }
            }
        }
        Ok(())
    }

    fn judgements(
        &self,
        phase: usize,
        judged: &[JudgedPhase],
        chosen: &Chosen,
        validator: &Validator,
    ) -> Result<Vec<Judgement>> {
        let JudgedPhase { items, batches: cut, .. } = &judged[phase];
        let mut batches: BTreeMap<usize, Vec<&JudgedItem>> = BTreeMap::new();
        for (position, item) in items.iter().enumerate() {
            batches.entry(cut.batch_of(item.root as usize, position)).or_default().push(item);
        }
        batches.retain(|batch, items| {
            let mut there = items.iter().filter(|item| item.found.is_some());
            there.any(|item| chosen.has(item.root as usize, &item.id, *batch))
        });
        let batches: Vec<(usize, Vec<&JudgedItem>)> = batches.into_iter().collect();
        let (next, done) = (AtomicUsize::new(0), Mutex::new(vec![None; batches.len()]));
        let scratch = Scratch::new(&self.state)?;
        let work = || {
            while let at = next.fetch_add(1, Ordering::Relaxed)
                && let Some(batch) = batches.get(at)
            {
                let judgement = self
                    .task(phase, judged, batch, validator)
                    .and_then(|task| self.judgement(phase, &task, &scratch));
                let failed = judgement.is_err();
                done.lock().unwrap_or_else(PoisonError::into_inner)[at] = Some(judgement);
                if failed {
                    // The others would most likely fail in the same way.
                    next.store(batches.len(), Ordering::Relaxed);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE.min(batches.len()) {
                scope.spawn(work);
            }
        });
        done.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().flatten().collect()
    }

    /// What a program is to be given for a batch: its number, and its items.
    fn task<'j>(
        &self,
        phase: usize,
        judged: &'j [JudgedPhase],
        (number, items): &(usize, Vec<&'j JudgedItem>),
        validator: &'j Validator,
    ) -> Result<Task<'j>> {
        let rule = &self.course.phases[phase].rule;
        let there: Vec<_> = items.iter().filter_map(|item| Some((*item, item.found?))).collect();
        let mut files = Vec::new();
        let roots: BTreeSet<&str> = there.iter().map(|(item, _)| &*item.root_id).collect();
        for (earlier, judged) in judged.iter().enumerate().take(phase + 1) {
            let output = &self.course.phases[earlier].rule.output;
            let bytes = match validator.sees {
                Sees::Course if self.mains[earlier].is_absent() => continue,
                Sees::Course => self.mains[earlier].text().as_bytes().to_vec(),
                Sees::Batch if earlier == phase => {
                    self.collection(phase, &output.shape, &there_of(&there))?
                }
                Sees::Batch => {
                    let same = judged.items.iter().filter(|item| roots.contains(&*item.root_id));
                    let same: Vec<_> = same.filter_map(|item| Some((&*item.id, item.found?))).collect();
                    self.collection(earlier, &output.shape, &same)?
                }
            };
            files.push((output.file.clone(), bytes));
        }
        let batch_file = format!("{}_batch_{number}.json", rule.name);
        let bare = Shape { at: json::Pointer::default(), ..rule.output.shape.clone() };
        files.push((batch_file.clone(), self.collection(phase, &bare, &there_of(&there))?));
        let mut hasher = Hasher::new("coursebuild judgement 1");
        hasher.field("check", validator.key.as_bytes());
        hasher.field("course", self.course.code.as_bytes()).field("phase", rule.name.as_bytes());
        hasher.field("batch", number.to_string().as_bytes());
        for (name, bytes) in &files {
            hasher.field("file", name.as_bytes()).field("bytes", Digest::of(bytes).as_bytes());
        }
        let items = there.iter().map(|(item, _)| (&*item.id, &*item.root_id)).collect();
        Ok(Task { validator, number: *number, items, files, batch_file, key: hasher.finish() })
    }

    /// Items as they stand in a main file, in a collection of this shape and nothing else.
    fn collection(&self, phase: usize, shape: &Shape, items: &[(&str, Found)]) -> Result<Vec<u8>> {
        let name = |name: &str| {
            serde_json::to_string(name).map_err(|e| Problem::internal("a name cannot be written").because(e))
        };
        let (open, close) = if shape.kind == json::Kind::Array { ("[", "]") } else { ("{", "}") };
        let (mut text, mut end) = (String::new(), format!("{close}\n"));
        for step in shape.at.names().unwrap_or_default() {
            text += &format!("{{{}: ", name(step)?);
            end.insert(close.len(), '}');
        }
        text += open;
        for (at, (id, found)) in items.iter().enumerate() {
            text += if at == 0 { "\n" } else { ",\n" };
            if shape.kind == json::Kind::Object {
                text += &format!("{}: ", name(id)?);
            }
            text += self.mains[phase].raw(*found);
        }
        text += &end;
        Ok(text.into_bytes())
    }

    /// The judgement on a batch: as remembered, else as the program gives it now.
    fn judgement(&self, phase: usize, task: &Task<'_>, scratch: &Scratch) -> Result<Judgement> {
        let key = task.key.to_string();
        let remembered = self.state.join("judgements").join(&key[..2]).join(format!("{key}.json"));
        if let Some(bytes) = fs::read(&remembered)?
            && let Ok(judgement) = serde_json::from_slice(&bytes)
        {
            return Ok(judgement);
        }
        let dir = scratch.dir.join(task.number.to_string());
        let course = dir.join("course");
        for (name, bytes) in &task.files {
            fs::write_whole(&course.join(name), bytes, false)?;
        }
        let rule = &self.course.phases[phase].rule;
        let order = self.order(rule, task, &dir, &course)?;
        let ended = process_end(&order, self.supervisor)?;
        fs::remove_dir(&dir)?;
        let judgement = self.read(rule, task, &ended)?;
        let text = serde_json::to_vec(&judgement)
            .map_err(|e| Problem::internal("a judgement cannot be written").because(e))?;
        fs::write_whole(&remembered, &text, false)?;
        Ok(judgement)
    }

    fn order(&self, rule: &Rule, task: &Task<'_>, dir: &Path, course: &Path) -> Result<Order> {
        let text = |path: PathBuf| {
            path.into_os_string().into_string().map_err(|_| {
                Problem::environment("the workspace's path is not UTF-8, so no program can be told of it")
            })
        };
        let (course_dir, batch_file) = (text(course.to_owned())?, text(course.join(&task.batch_file))?);
        let number = task.number.to_string();
        let filled = |argument: String| {
            argument
                .replace("{course_dir}", &course_dir)
                .replace("{batch_file}", &batch_file)
                .replace("{batch}", &number)
                .replace("{phase}", &rule.name)
        };
        let argv = task.validator.argv.iter().enumerate();
        let argv = argv.map(|(at, argument)| filled(absolute(self.root, argument, at == 0))).collect();
        let allowed =
            |name: &str| ENVIRONMENT.contains(&name) || task.validator.env.iter().any(|own| own == name);
        let seen = self.environment.iter().filter(|(name, _)| allowed(name));
        let mut env: Vec<(OsString, OsString)> =
            seen.map(|(name, value)| (name.into(), value.into())).collect();
        for (name, value) in [
            ("COURSE", self.course.code.as_str()),
            ("COURSE_DIR", &course_dir),
            ("PHASE", &rule.name),
            ("BATCH", &number),
            ("BATCH_FILE", &batch_file),
        ] {
            env.push((format!("COURSEBUILD_{name}").into(), value.into()));
        }
        Ok(Order {
            dir: dir.to_owned(),
            argv,
            env,
            timeout: Duration::from_secs(task.validator.timeout_s),
            prompt: String::new(),
            prompt_on_stdin: false,
            input: b"{}".to_vec(),
            files: Vec::new(),
            stdin: None,
        })
    }

    /// What a program printed, as its judgement. An exit status other than 0 is normal for one that found errors.
    fn read(&self, rule: &Rule, task: &Task<'_>, ended: &Ended) -> Result<Judgement> {
        let label = &task.validator.label;
        let at = format!("{}/{}/{}", self.course.code, rule.name, task.number);
        let failed = |how: String| {
            let said = ended.stderr.trim();
            let start = said.char_indices().rev().nth(QUOTED).map_or(0, |(at, _)| at);
            let said = &said[start..];
            let problem =
                Problem::environment(format!("the check `{label}` gave no judgement on `{at}`: {how}"));
            if said.is_empty() { problem } else { problem.because(escape(said)) }
        };
        let hint = "a check's program prints `{\"valid\", \"errors\", \"warnings\"}`: docs/checks.md; `severity = \"off\"` does without it";
        match &ended.how {
            How::Exited(status) => read_judgement(&ended.stdout, &task.items, task.validator.severity)
                .map_err(|why| {
                    let status =
                        if *status == 0 { String::new() } else { format!(" (exit status {status})") };
                    failed(format!("{}{status}", escape(&why))).hint(hint)
                }),
            How::TimedOut(_) => Err(failed(format!("it took more than {} s", task.validator.timeout_s))
                .hint("give it more with `timeout_s`, or mend it")),
            How::Signalled(signal) => Err(failed(format!("signal {signal} ended it")).hint(hint)),
            How::Interrupted => Err(Problem::new(Kind::Interrupted, "interrupted: no judgement was lost")),
            How::Unusable { what, hint } => Err(failed(escape(what)).hint(hint.clone())),
            How::Unknown { .. } => Err(failed("nobody saw its end".to_owned()).hint("run the command again")),
        }
    }
}

/// The checks of a course that only `check` runs, in words.
pub(super) fn not_run(course: &Course) -> Result<Option<String>> {
    let mut named = Vec::new();
    for phase in &course.phases {
        let checks = Checks::compile(&phase.rule)?;
        named.extend(
            checks.outside().map(|validator| format!("`{}` of {}", validator.label, phase.rule.name)),
        );
    }
    Ok((!named.is_empty()).then(|| {
        format!(
            "`{}`: a build runs no programs that judge: `coursebuild check` runs {}",
            course.code,
            named.join(", ")
        )
    }))
}

fn there_of<'j>(there: &[(&'j JudgedItem, Found)]) -> Vec<(&'j str, Found)> {
    there.iter().map(|(item, found)| (&*item.id, *found)).collect()
}

/// Runs a program under a supervisor, or ends it when the user interrupts.
fn process_end(order: &Order, supervisor: &Path) -> Result<Ended> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Problem::environment("could not start the machinery for programs").because(e))?;
    runtime.block_on(process::run(order, supervisor, async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }))
}

/// What the programs said goes to the items that they named.
fn take_in(judged: &mut JudgedPhase, validator: &Validator, judgements: Vec<Judgement>) {
    let told = |finding| Told { check: validator.label.clone(), finding };
    let numbers: std::collections::HashMap<_, _> =
        judged.items.iter().enumerate().map(|(at, item)| (item.id.clone(), at)).collect();
    for judgement in judgements {
        for finding in judgement.findings {
            if let Some(at) = numbers.get(finding.item.as_str()) {
                judged.items[*at].told.push(told(finding));
            }
        }
        judged.elsewhere.extend(judgement.elsewhere.into_iter().map(told));
    }
}

/// A folder for programs, which goes when it is dropped.
struct Scratch {
    dir: PathBuf,
    held: PathBuf,
    _lock: Lock,
}

impl Scratch {
    /// A new one. What a killed run left is taken away.
    fn new(state: &Path) -> Result<Self> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let all = state.join("scratch");
        fs::create_dir(&all)?;
        for entry in std::fs::read_dir(&all).into_iter().flatten().flatten() {
            let held = entry.path();
            if held.extension().is_some_and(|extension| extension == "held")
                && let Ok(Some(_free)) = Lock::try_take(&held)
            {
                // Somebody else may be taking it away at the same time.
                let _ = fs::remove_dir(&held.with_extension(""));
                let _ = fs::remove_file(&held);
            }
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let dir = all.join(format!("{}-{number}", std::process::id()));
        let held = dir.with_extension("held");
        let lock = Lock::take(&held)?;
        fs::create_dir(&dir)?;
        Ok(Self { dir, held, _lock: lock })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is taken away by the next one.
        let _ = fs::remove_dir(&self.dir);
        let _ = fs::remove_file(&self.held);
    }
}
