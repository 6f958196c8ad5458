//! Programs that judge batches, in a build: what stands already before anything is planned, what is answered as soon as its
//! group is. Judgements cost time and no money, so nobody is asked.

use super::conduct::Loop;
use super::options::Options;
use super::programs::{AT_ONCE, Programs, Task};
use super::session::Session;
use crate::check::{Finding, Judgement};
use crate::diag::{Kind, Problem, Result};
use crate::digest::Digest;
use crate::event::Event;
use crate::generate::{Stop, Stopper};
use crate::plan::{Board, Case, Memory};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use tokio::task::JoinSet;

/// The boards of all courses, decided, once programs have judged all that no purchase of this run could change: so what they
/// refuse is planned, and asked for, like everything else.
pub(super) fn judged_boards<'w>(
    session: &'w Session,
    options: &Options,
    memories: &[Memory<'_>],
    emit: &mut dyn FnMut(&Event),
) -> Result<Vec<Board<'w>>> {
    let mut programs = None;
    loop {
        let boards = session.boards(options, &options.selection, memories)?;
        let mut cases: Vec<(&Board<'_>, &Case)> = Vec::new();
        for board in &boards {
            for phase in 0..board.phases.len() {
                let firm = board.unjudged(phase).iter().filter(|case| case.firm);
                let before = cases.len();
                cases.extend(firm.map(|case| (board, case)));
                tell(board, phase, cases.len() - before, emit);
            }
        }
        if cases.is_empty() {
            return Ok(boards);
        }
        let programs = match &programs {
            Some(programs) => programs,
            None => programs.insert(of(session, options)?),
        };
        programs.run_all(&mut cases.into_iter().map(|(board, case)| task(board, case)))?;
    }
}

fn of(session: &Session, options: &Options) -> Result<Arc<Programs>> {
    Programs::new(&session.state, &options.environment, &options.program, &session.workspace.root)
}

fn tell(board: &Board<'_>, phase: usize, batches: usize, emit: &mut dyn FnMut(&Event)) {
    if batches > 0 {
        emit(&Event::Judging {
            course: board.course.code.clone(),
            phase: board.rule(phase).name.clone(),
            batches,
        });
    }
}

fn task(board: &Board<'_>, case: &Case) -> Result<Task> {
    Ok(Task {
        validator: case.validator.clone(),
        course: board.course.code.clone(),
        phase: board.rule(case.phase).name.clone(),
        number: case.number,
        material: board.material(case)?,
        key: case.key,
    })
}

/// What is to be judged while calls are under way.
pub(super) struct Judging<'s> {
    session: &'s Session,
    programs: Option<Arc<Programs>>,
    /// By course and phase: what has to be judged before it goes on.
    queue: BTreeMap<(usize, usize), Vec<Case>>,
    pub(super) running: JoinSet<Judged>,
    /// What is under way, with its course and phase.
    under_way: HashSet<((usize, usize), Digest)>,
    stopper: Stopper,
    stop: Stop,
    /// Nothing is judged any more in this run.
    ended: bool,
}

/// What a program said.
pub(super) struct Judged {
    at: (usize, usize),
    key: Digest,
    judgement: Result<Judgement>,
}

impl<'s> Judging<'s> {
    pub(super) fn new(session: &'s Session) -> Self {
        let (stopper, stop) = Stopper::new();
        Self {
            session,
            programs: None,
            queue: BTreeMap::new(),
            running: JoinSet::new(),
            under_way: HashSet::new(),
            stopper,
            stop,
            ended: false,
        }
    }

    /// True when no program is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// Ends the programs that run; none is started any more.
    pub(super) fn end(&mut self) {
        self.ended = true;
        self.queue.clear();
        self.stopper.stop();
    }

    fn is_busy_with(&self, at: (usize, usize)) -> bool {
        self.queue.get(&at).is_some_and(|cases| !cases.is_empty())
            || self.under_way.iter().any(|(other, _)| *other == at)
    }
}

impl Loop<'_, '_, '_> {
    /// Notes what a phase needs judged now; what it needed before and was not begun is needed no more.
    pub(super) fn wants_judged(&mut self, course: usize, phase: usize, cases: Vec<Case>) {
        let at = (course, phase);
        let judging = &mut self.run.judging;
        let new = |case: &Case| !judging.under_way.contains(&(at, case.key));
        let mut cases: Vec<Case> = cases.into_iter().filter(new).collect();
        cases.reverse();
        if !judging.ended && !judging.is_busy_with(at) {
            tell(&self.run.boards[course], phase, cases.len(), self.run.emit);
        }
        if !judging.ended {
            self.run.judging.queue.insert(at, cases);
        }
    }

    /// Starts programs, some at once.
    pub(super) fn start_programs(&mut self) -> Result<()> {
        while self.run.judging.running.len() < AT_ONCE {
            let queue = &mut self.run.judging.queue;
            let next = queue.iter_mut().find_map(|(at, cases)| Some((*at, cases.pop()?)));
            let Some((at, case)) = next else { return Ok(()) };
            let key = case.key;
            let task = task(&self.run.boards[at.0], &case)?;
            let judging = &mut self.run.judging;
            let programs = match &judging.programs {
                Some(programs) => programs.clone(),
                None => judging.programs.insert(of(judging.session, self.run.options)?).clone(),
            };
            let stop = judging.stop.clone();
            judging.under_way.insert((at, key));
            judging
                .running
                .spawn(async move { Judged { at, key, judgement: programs.judge(task, stop).await } });
        }
        Ok(())
    }

    /// Goes on with what a program said. A program that gives no judgement stops the run as any problem does: what is in flight is
    /// waited for and kept, and what was to be judged counts as not judged.
    pub(super) fn judged(&mut self, judged: Judged) -> Result<()> {
        let Judged { at, key, judgement } = judged;
        self.run.judging.under_way.remove(&(at, key));
        match judgement {
            Ok(judgement) => {
                // What is blamed is absent for the batches after it, so they are not worth going on with.
                let blames = judgement.findings.iter().any(Finding::is_error);
                if blames || !self.run.judging.is_busy_with(at) { self.progress(at.0, at.1) } else { Ok(()) }
            }
            Err(problem) if problem.kind == Kind::Interrupted => Ok(()),
            Err(problem) => {
                self.run.judging.end();
                self.stop_for(problem);
                Ok(())
            }
        }
    }
}

/// The task of a program that ended badly.
pub(super) fn badly(error: tokio::task::JoinError) -> Problem {
    Problem::internal("a program's task ended badly").because(error)
}
