//! The canary of a run: its calls leave first and alone; then somebody is told what they brought and asks for the rest, or does not.

use super::Loop;
use crate::check::Finding;
use crate::course::Severity;
use crate::diag::{Problem, Result};
use crate::event::{Canary as Report, CanaryCall, CanaryItem, CanaryRest, Event, FindingCount};
use crate::json::{Value, changes};
use crate::link::Text;
use crate::plan::outline;
use crate::run::canary::{Candidate, Chosen, Member, choose};
use crate::run::options::{GoOn, Question};
use crate::run::signals::Signals;
use crate::run::{forecast, past};
use crate::schedule::Ready;
use crate::store::Entry;

impl Loop<'_, '_, '_> {
    /// Chooses the canary as soon as all calls are known that can leave first; false until then.
    pub(super) fn canary_is_chosen(&mut self) -> Result<bool> {
        if self.run.canary.as_ref().is_none_or(|canary| canary.calls.is_some()) {
            return Ok(true);
        }
        self.start_programs()?;
        if !self.looks.is_empty() || !self.run.judging.is_idle() {
            return Ok(false);
        }
        let most = self.run.options.max_calls.unwrap_or(usize::MAX);
        let wanted = self.run.canary.as_ref().map_or(0, |canary| canary.wanted.min(most));
        let ready = self.schedule.take_ready();
        let candidates: Vec<Candidate> =
            ready.iter().map(|ready| self.candidate(ready)).collect::<Result<_>>()?;
        let numbers = choose(&candidates, wanted);
        let calls = numbers.iter().map(|at| self.chosen(&ready[*at], &candidates[*at])).collect();
        if let Some(canary) = &mut self.run.canary {
            canary.calls = Some(calls);
        }
        let (mut first, mut others) = (Vec::new(), Vec::new());
        for (at, ready) in ready.into_iter().enumerate() {
            if numbers.contains(&at) { first.push(ready) } else { others.push(ready) }
        }
        self.schedule.hold(first, others);
        Ok(true)
    }

    fn candidate(&self, ready: &Ready) -> Result<Candidate> {
        let Some(&(course, phase)) = self.places.get(&ready.phase) else {
            return Err(Problem::internal("a call of an unknown phase"));
        };
        let board = &self.run.boards[course];
        let index = self.run.store.index()?;
        let failed = |(root, at): &&(u32, u32)| {
            let cell = &board.phases[phase].slots[*root as usize].cells[*at as usize];
            let history = index.history(&board.course.code, &board.rule(phase).name, &cell.id);
            cell.decision.attempts > 0
                || history
                    .iter()
                    .any(|asked| index.source_of(asked.entry).is_some_and(|source| source.attempt > 1))
        };
        Ok(Candidate { group: (course, phase), failed_before: ready.items.iter().filter(failed).count() })
    }

    fn chosen(&self, ready: &Ready, candidate: &Candidate) -> Chosen {
        let (course, phase) = candidate.group;
        let slots = &self.run.boards[course].phases[phase].slots;
        let member = |(root, at): &(u32, u32)| {
            let place = (*root as usize, *at as usize);
            let linked = &slots[place.0].cells[place.1].decision.linked;
            Member { place, before: linked.as_ref().map(|linked| linked.text.clone()), after: None }
        };
        let members = ready.items.iter().map(member).collect();
        Chosen { course, phase, failed_before: candidate.failed_before, members }
    }

    /// Notes what a call of the canary was answered.
    pub(super) fn note_canary(
        &mut self,
        (course, phase): (usize, usize),
        members: &[(usize, usize)],
        entry: &Entry,
    ) {
        let calls = self.run.canary.as_mut().and_then(|canary| canary.calls.as_mut());
        let of_phase =
            calls.into_iter().flatten().filter(|call| (call.course, call.phase) == (course, phase));
        for member in of_phase.flat_map(|call| &mut call.members) {
            let number = members.iter().position(|place| *place == member.place);
            let answer = entry.results.iter().find(|stored| Some(stored.item) == number);
            if let Some(answer) = answer {
                member.after = Some(answer.output.clone());
            }
        }
    }

    /// When nothing is under way any more: tells what the canary brought, and whether the run goes on.
    pub(super) async fn goes_on(&mut self, signals: &mut Signals) -> Result<bool> {
        let Some(canary) = self.run.canary.take() else { return Ok(false) };
        let calls = canary.calls.unwrap_or_default();
        if calls.is_empty() {
            self.schedule.release();
            return Ok(true);
        }
        let stopped = self.schedule.is_stopped();
        let mut members = calls.iter().flat_map(|call| &call.members);
        let mut more = true;
        let mut told = Report::default();
        if !stopped || members.any(|member| member.after.is_some()) {
            told = self.report(&calls)?;
            more = told.rest.calls.max > 0;
            (self.run.emit)(&Event::Canary(Box::new(told.clone())));
        }
        let yes = match canary.go_on {
            GoOn::Yes => true,
            _ if stopped => false,
            _ if !more => true,
            GoOn::Refuse => false,
            GoOn::Ask(ask) => self.is_wanted(ask, told, signals).await,
        };
        if yes {
            self.schedule.release();
        } else {
            self.end.put_off = true;
            self.end.declined = !stopped && !self.end.interrupted;
        }
        Ok(yes)
    }

    /// Whether the rest is wanted. Whoever is asked has time; an interrupt is an answer, too.
    async fn is_wanted(&mut self, ask: Question, report: Report, signals: &mut Signals) -> bool {
        let (tell, told) = tokio::sync::oneshot::channel();
        let asking = std::thread::Builder::new().name("question".into()).spawn(move || {
            // Nobody listens any more after an interrupt.
            let _ = tell.send(ask(&report));
        });
        tokio::select! {
            answer = told => asking.is_ok() && answer.unwrap_or(false),
            () = signals.next() => {
                self.end.interrupted = true;
                self.schedule.stop();
                (self.run.emit)(&Event::Interrupted { in_flight: 0 });
                false
            }
        }
    }

    fn report(&mut self, calls: &[Chosen]) -> Result<Report> {
        let mut report = Report {
            usage: self.run.tally.usage,
            money_usd: self.run.tally.money_usd,
            rest: self.rest()?,
            ..Report::default()
        };
        for call in calls {
            let before = report.passed;
            for member in &call.members {
                self.report_member(call, member, &mut report)?;
            }
            report.calls.push(self.report_call(call, report.passed - before));
        }
        report.checks.sort_by_key(|one| (one.severity != Severity::Error, one.kind.clone()));
        Ok(report)
    }

    fn report_call(&self, call: &Chosen, passed: usize) -> CanaryCall {
        let board = &self.run.boards[call.course];
        let phase = &board.phases[call.phase];
        let id = |member: Option<&Member>| {
            member.map_or("", |member| &*phase.slots[member.place.0].cells[member.place.1].id)
        };
        let (first, last) = (id(call.members.first()), id(call.members.last()));
        let root = call.members.first().map_or(0, |member| member.place.0);
        CanaryCall {
            course: board.course.code.clone(),
            phase: board.rule(call.phase).name.clone(),
            scope: if first == last { first.to_owned() } else { format!("{first}-{last}") },
            third: ["early", "middle", "late"][(root * 3 / phase.roots.len().max(1)).min(2)],
            items: call.members.len(),
            failed_before: call.failed_before,
            passed,
        }
    }

    fn report_member(&mut self, call: &Chosen, member: &Member, report: &mut Report) -> Result<()> {
        let (phase, (root, at)) = (call.phase, member.place);
        let board = &mut self.run.boards[call.course];
        let Some(detail) = board.detail_of(phase, root, at)? else {
            return Err(Problem::internal("an item that waits was bought"));
        };
        let before = member
            .before
            .as_ref()
            .map(|text| board.lifted(phase, &detail.id, &detail.root, text))
            .transpose()?;
        let found = match &before {
            Some(before) => board.judge_answer(phase, member.place, &detail, before)?,
            None => Vec::new(),
        };
        count(&mut report.checks, &found, |count| &mut count.before);
        let found = match &member.after {
            Some(after) => board.judge_answer(phase, member.place, &detail, after)?,
            None => crate::check::missing_output(&[&detail.id], "the call brought nothing for it"),
        };
        count(&mut report.checks, &found, |count| &mut count.after);
        let errors: Vec<Finding> = found.into_iter().filter(Finding::is_error).collect();
        report.items += 1;
        report.passed += usize::from(errors.is_empty());
        report.had_before += usize::from(before.is_some());
        let shown = |text: Option<&str>| {
            let text = text.map(|text| Text::Lifted(text.into()));
            text.map_or(Ok(Value::Null), |text| board.output(phase, &detail.id, &detail.root, &text))
        };
        let changes = match &member.after {
            Some(after) => changes(&shown(before.as_deref())?, &shown(Some(after))?),
            None => Vec::new(),
        };
        if errors.is_empty() && changes.is_empty() {
            report.same += 1;
            return Ok(());
        }
        report.changed.push(CanaryItem {
            target: format!("{}/{}/{}", board.course.code, board.rule(phase).name, detail.id),
            had_before: before.is_some(),
            passed: errors.is_empty(),
            changes,
            findings: errors,
        });
        Ok(())
    }

    /// What is left to be bought, and what that is expected to come to.
    fn rest(&self) -> Result<CanaryRest> {
        let run = &self.run;
        let mut plan = outline(&run.boards.iter().zip(run.memories).collect::<Vec<_>>())?;
        let known = past::known(run.boards, &run.store)?;
        plan.expected =
            forecast::forecast(&plan, run.boards, &run.prompts, &known, &run.spending, run.options.jobs)?;
        // Items that failed in different calls are asked for by as many; the plan packs them together.
        plan.calls.max += self.schedule.waiting_again().saturating_sub(1);
        Ok(CanaryRest { calls: plan.calls, items: plan.items, expected: plan.expected })
    }
}

fn count(counts: &mut Vec<FindingCount>, found: &[Finding], side: impl Fn(&mut FindingCount) -> &mut usize) {
    for finding in found {
        let known =
            counts.iter().position(|one| one.kind == finding.kind && one.severity == finding.severity);
        let at = known.unwrap_or_else(|| {
            let (kind, severity) = (finding.kind.clone(), finding.severity);
            counts.push(FindingCount { kind, severity, before: 0, after: 0 });
            counts.len() - 1
        });
        *side(&mut counts[at]) += 1;
    }
}
