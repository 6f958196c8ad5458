//! Events as plain lines: what a log file or a pipe sees, and what scrolls above the status line of a terminal.

use super::canary::canary_text;
use super::findings::{FEW, findings};
use super::look::{Detail, Look};
use super::submissions;
use super::words::{between, count, count_between, duration, flat, money, tokens};
use crate::event::{Event, PhaseStart};
use crate::plan::Bounds;
use std::collections::HashMap;

/// Turns events into lines. Remembers which call is which, for an event names it by its id only.
#[derive(Default)]
pub struct Lines {
    look: Look,
    several_courses: bool,
    phases: HashMap<(String, String), Phase>,
    calls: HashMap<String, Call>,
    /// An interrupt was told: the next one ends what is in flight.
    interrupted: bool,
    /// Items given up one after another: of many, the first ones are told and the rest counted.
    given_up: usize,
}

/// A phase's calls: how many were expected, how many have left, and which number each batch's call had.
#[derive(Default)]
struct Phase {
    expected: Bounds,
    left: usize,
    numbers: HashMap<String, usize>,
}

/// A call in flight, as it is named on screen.
struct Call {
    name: String,
}

impl Lines {
    /// Lines that look so.
    pub fn new(look: Look) -> Self {
        Self { look, ..Self::default() }
    }

    /// The lines for one event, each with its newline; empty when there is nothing to say.
    pub fn render(&mut self, event: &Event) -> String {
        let most = self.look.most(FEW);
        let mut before = String::new();
        if matches!(event, Event::ItemFailed { .. }) {
            self.given_up += 1;
            if self.given_up > most {
                return before;
            }
        } else {
            let more = std::mem::take(&mut self.given_up).saturating_sub(most);
            if more > 0 {
                before =
                    format!("{}\n", self.look.bad(&format!("and {} given up", count(more, "more item"))));
            }
        }
        before + &self.one(event)
    }

    fn one(&mut self, event: &Event) -> String {
        let text = self.all(event);
        let wanted = match self.look.detail {
            Detail::Quiet => {
                matches!(event, Event::Warning { .. } | Event::ItemFailed { .. } | Event::Canary(_))
            }
            Detail::Normal => !matches!(event, Event::Batch { .. }),
            Detail::Verbose => true,
        };
        if wanted { text } else { String::new() }
    }

    fn all(&mut self, event: &Event) -> String {
        let look = self.look;
        match event {
            Event::Started { calls_min, calls_max, items_min, items_max, phases, .. } => {
                self.expect(phases);
                if *calls_max == 0 {
                    return String::new();
                }
                let calls = Bounds { min: *calls_min, max: *calls_max };
                let items = Bounds { min: *items_min, max: *items_max };
                format!("{} for {}\n", count_between(calls, "call"), count_between(items, "item"))
            }
            Event::Recovered { label, items, .. } => {
                format!("recovered {}: {} of an earlier build\n", flat(label), count(*items, "result"))
            }
            Event::CallStarted { call, course, phase, label, scope, items, attempt } => {
                let name = self.name(course, phase, label, scope, *attempt);
                let again = if *attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
                let line = format!("{name}: {}{again}\n", count(*items, "item"));
                self.calls.insert(call.clone(), Call { name });
                line
            }
            Event::Waiting { call, what } => {
                let name = self.calls.get(call).map_or_else(|| flat(call), |call| call.name.clone());
                format!("{name}: {}\n", flat(what))
            }
            Event::Submission(progress) => submissions::line(progress),
            Event::CallEnded { .. } => self.ended(event),
            Event::Judging { course, phase, batches } => {
                format!(
                    "{}: programs judge {}\n",
                    flat(&format!("{course}/{phase}")),
                    count(*batches, "batch")
                )
            }
            Event::Compared { course, phase, refused, findings: found } => {
                let head = format!(
                    "{}: refused beside what stands before: {}",
                    flat(&format!("{course}/{phase}")),
                    count(*refused, "result")
                );
                format!("{head}\n{}", findings(found, look.most(FEW), "    ", look))
            }
            Event::ItemFailed { course, phase, item, attempts, findings: found } => {
                let target = flat(&format!("{course}/{phase}/{item}"));
                let head =
                    format!("failed: {target}, given up after {}", count(*attempts as usize, "attempt"));
                format!("{}\n{}", look.bad(&head), findings(found, look.most(FEW), "    ", look))
            }
            Event::Warning { message } => format!("{} {}\n", look.odd("warning:"), flat(message)),
            Event::Canary(canary) => canary_text(canary, look),
            Event::Interrupted { in_flight } => self.interrupted(*in_flight),
            Event::Batch { course, phase, batch, items, passed, failed, attempts } => format!(
                "{}: {}, {passed} passed, {failed} failed, {}\n",
                flat(&format!("{course}/{phase}/{batch}")),
                count(*items, "item"),
                count(*attempts, "call")
            ),
            Event::Phase { .. } | Event::Summary(_) => String::new(),
        }
    }

    fn interrupted(&mut self, in_flight: usize) -> String {
        let again = std::mem::replace(&mut self.interrupted, true);
        let calls = count(in_flight, "call");
        match (in_flight, again) {
            (0, _) => "interrupted: no new calls\n".into(),
            (_, false) => format!(
                "interrupted: no new calls; waiting for {calls} in flight (interrupt again to end it all now)\n"
            ),
            (_, true) => format!("interrupted again: ending {calls} in flight\n"),
        }
    }

    fn expect(&mut self, phases: &[PhaseStart]) {
        self.several_courses = phases.iter().any(|phase| phase.course != phases[0].course);
        for phase in phases {
            let expected = Bounds { min: phase.calls_min, max: phase.calls_max };
            let key = (phase.course.clone(), phase.phase.clone());
            self.phases.insert(key, Phase { expected, ..Phase::default() });
        }
    }

    /// `[phase3 3/34] S0041-S0060`. A retry has the number of the call that it repeats.
    fn name(&mut self, course: &str, phase: &str, label: &str, scope: &str, attempt: u32) -> String {
        let calls = self.phases.entry((course.into(), phase.into())).or_default();
        let known = calls.numbers.get(label).copied().filter(|_| attempt > 1);
        let number = known.unwrap_or_else(|| {
            calls.left += 1;
            calls.numbers.insert(label.into(), calls.left);
            calls.left
        });
        let of = if calls.expected.max >= number {
            let least = calls.expected.min.max(number);
            format!("{number}/{}", between(Bounds { min: least, max: calls.expected.max }))
        } else {
            format!("{number}/{number}")
        };
        let phase = if self.several_courses { format!("{course}/{phase}") } else { phase.to_owned() };
        flat(&format!("[{phase} {of}] {scope}"))
    }

    fn ended(&mut self, event: &Event) -> String {
        let Event::CallEnded {
            call,
            label,
            passed,
            failed,
            seconds,
            usage,
            money_usd,
            trouble,
            findings: found,
            ..
        } = event
        else {
            return String::new();
        };
        let look = self.look;
        let name = self.calls.remove(call).map_or_else(|| flat(label), |call| call.name);
        let mut parts = Vec::new();
        if *passed > 0 || *failed == 0 {
            parts.push(look.good(&format!("{passed} passed")));
        }
        if *failed > 0 {
            parts.push(look.bad(&format!("{failed} failed")));
        }
        let mut line = format!("{name}: {} in {}", parts.join(", "), duration(*seconds));
        if let Some(usd) = money_usd {
            line += &format!(", {}", money(*usd));
        }
        if let Some(tokens) = tokens(usage).filter(|_| look.verbose()) {
            line += &format!(", {tokens}");
        }
        line.push('\n');
        if let Some(trouble) = trouble {
            let label = if *passed == 0 { look.bad("no answer:") } else { look.odd("in part:") };
            line += &format!("    {label} {}\n", flat(trouble));
        }
        line + &findings(found, look.most(FEW), "    ", look)
    }
}

#[cfg(test)]
pub(super) mod samples {
    use super::*;
    use crate::generate::Meters;
    use crate::report::findings::example;

    pub(in super::super) fn started() -> Event {
        let phase = |name: &str, calls_min, calls_max| PhaseStart {
            course: "spa_for_eng".into(),
            phase: name.into(),
            batches: 34,
            items: 668,
            calls_min,
            calls_max,
            batch_size: 20,
            to_buy: 20 * calls_min,
            pending: if calls_min < calls_max { 668 } else { 0 },
            seconds_per_call: None,
        };
        Event::Started {
            jobs: 4,
            calls_min: 34,
            calls_max: 174,
            items_min: 668,
            items_max: 3000,
            phases: vec![phase("phase3", 34, 34), phase("phase5", 0, 140)],
        }
    }

    pub(in super::super) fn call(
        call: &str,
        phase: &str,
        label: &str,
        scope: &str,
        items: usize,
        attempt: u32,
    ) -> Event {
        Event::CallStarted {
            call: call.into(),
            course: "spa_for_eng".into(),
            phase: phase.into(),
            label: label.into(),
            scope: scope.into(),
            items,
            attempt,
        }
    }

    pub(in super::super) fn ended(call: &str, passed: usize, failed: usize, trouble: Option<&str>) -> Event {
        Event::CallEnded {
            call: call.into(),
            course: "spa_for_eng".into(),
            phase: "phase3".into(),
            label: "phase3_batch_3".into(),
            items: passed + failed,
            passed,
            failed,
            attempt: 1,
            seconds: 62.0,
            usage: Meters { output: Some(1200), ..Meters::default() },
            money_usd: Some(0.25),
            trouble: trouble.map(Into::into),
            findings: (0..failed.min(4)).map(|at| example(&format!("S004{at}"), "missing `x`")).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::findings::example;
    use super::samples::{call, ended, started};
    use super::*;

    #[test]
    fn a_call_is_told_when_it_leaves_and_when_it_is_back() {
        let mut lines = Lines::new(Look::default());
        let mut text = lines.render(&started());
        text += &lines.render(&call("a", "phase3", "phase3_batch_3", "S0041-S0060", 20, 1));
        text += &lines.render(&call("b", "phase5", "phase5_batch_1", "S0001L01-S0020L04", 60, 1));
        text += &lines.render(&ended("a", 19, 1, None));
        text += &lines.render(&call("c", "phase3", "phase3_batch_3", "S0040", 1, 2));
        text += &lines.render(&ended("c", 0, 1, Some("timed out after 600 s")));
        assert_eq!(
            text,
            "\
34..174 calls for 668..3,000 items
[phase3 1/34] S0041-S0060: 20 items
[phase5 1/1..140] S0001L01-S0020L04: 60 items
[phase3 1/34] S0041-S0060: 19 passed, 1 failed in 1m 02s, $0.25
    S0040 tiling: missing `x`
[phase3 1/34] S0040: 1 item, attempt 2
[phase3 1/34] S0040: 1 failed in 1m 02s, $0.25
    no answer: timed out after 600 s
    S0040 tiling: missing `x`
"
        );
    }

    #[test]
    fn quiet_keeps_failures_and_warnings_and_verbose_cuts_nothing() {
        let failed = Event::ItemFailed {
            course: "c".into(),
            phase: "p".into(),
            item: "i".into(),
            attempts: 3,
            findings: vec![example("i", "bad")],
        };
        let mut quiet = Lines::new(Look { detail: Detail::Quiet, ..Look::default() });
        assert_eq!(quiet.render(&started()), "");
        assert_eq!(quiet.render(&call("a", "phase3", "l", "s", 4, 1)), "");
        assert_eq!(quiet.render(&ended("a", 0, 4, None)), "");
        assert_eq!(quiet.render(&failed), "failed: c/p/i, given up after 3 attempts\n    i tiling: bad\n");
        assert_eq!(quiet.render(&Event::Warning { message: "x\u{7}".into() }), "warning: x\\u{7}\n");

        let mut normal = Lines::new(Look::default());
        normal.render(&call("a", "phase3", "l", "s", 4, 1));
        let text = normal.render(&ended("a", 0, 4, None));
        assert!(text.ends_with("    S0042 tiling: missing `x`\n    and 1 more\n"), "{text}");
        let mut verbose = Lines::new(Look { detail: Detail::Verbose, ..Look::default() });
        verbose.render(&call("a", "phase3", "l", "s", 4, 1));
        let text = verbose.render(&ended("a", 0, 4, None));
        assert!(text.contains("1,200 tokens out") && text.ends_with("S0043 tiling: missing `x`\n"), "{text}");
    }

    #[test]
    fn of_many_items_given_up_the_first_are_told_and_the_rest_counted() {
        let failed = |number: usize| Event::ItemFailed {
            course: "c".into(),
            phase: "p".into(),
            item: format!("i{number}"),
            attempts: 3,
            findings: Vec::new(),
        };
        let mut lines = Lines::new(Look { detail: Detail::Quiet, ..Look::default() });
        let text: String = (0..FEW + 17).map(|number| lines.render(&failed(number))).collect();
        assert_eq!(text.lines().count(), FEW);
        assert_eq!(lines.render(&Event::Summary(Default::default())), "and 17 more items given up\n");
        assert_eq!(lines.render(&Event::Summary(Default::default())), "");
    }

    #[test]
    fn a_second_interrupt_says_that_it_ends_what_the_first_waits_for() {
        let mut lines = Lines::new(Look::default());
        let first = lines.render(&Event::Interrupted { in_flight: 2 });
        assert!(first.contains("waiting for 2 calls in flight"), "{first}");
        let second = lines.render(&Event::Interrupted { in_flight: 2 });
        assert_eq!(second, "interrupted again: ending 2 calls in flight\n");
    }

    #[test]
    fn several_courses_are_told_apart() {
        let mut lines = Lines::new(Look::default());
        let Event::Started { mut phases, .. } = started() else { unreachable!() };
        phases[1].course = "cmn_for_eng".into();
        lines.render(&Event::Started {
            jobs: 4,
            calls_min: 0,
            calls_max: 0,
            items_min: 0,
            items_max: 0,
            phases,
        });
        assert_eq!(
            lines.render(&call("a", "phase3", "l", "S0001", 1, 1)),
            "[spa_for_eng/phase3 1/34] S0001: 1 item\n"
        );
    }
}
