//! The calls that asked for items: when, whom, how they ended, what they brought and what they cost.

use super::look::Look;
use super::words::{count, digest, duration, flat, moment, money, tokens};
use crate::diag::escape;
use crate::run::{LogItem, LogLine, LogOutcome};
use crate::store::{Ended, Provenance};

/// The text of a log, oldest call first; with `-v` also each item's digest, and what was sent.
pub fn log_text(calls: &[LogLine], look: Look) -> String {
    if calls.is_empty() {
        return "no call is known\n".into();
    }
    calls.iter().map(|call| one(call, look)).collect()
}

fn one(call: &LogLine, look: Look) -> String {
    let name = flat(&format!("{} {} {}", call.course, call.target_label, call.scope));
    let mut out = format!("{} {}, {}\n", moment(call.asked_ms), look.bold(&name), origin(call));
    out += &format!("  {}{}\n", ended(call, look), cost(call));
    for (outcome, words) in [(LogOutcome::Refused, "refused:"), (LogOutcome::Nothing, "nothing for:")] {
        let items: Vec<&str> =
            call.items.iter().filter(|item| item.outcome == outcome).map(|item| item.id.as_str()).collect();
        if !items.is_empty() && (outcome == LogOutcome::Refused || items.len() < call.items.len()) {
            out += &format!("  {} {}\n", look.odd(words), flat(&items.join(", ")));
        }
    }
    if look.verbose() {
        out += &details(call, look);
    }
    out
}

fn origin(call: &LogLine) -> String {
    let model = call.model.as_deref().map_or_else(String::new, |model| format!(" ({})", flat(model)));
    match call.provenance {
        Provenance::Generated if call.call.is_empty() => "kept from a trial".into(),
        Provenance::Trial => {
            format!("on trial, attempt {}, {}{model}", call.attempt, flat(&call.generator))
        }
        Provenance::Generated => {
            format!("attempt {}, {}{model}", call.attempt, flat(&call.generator))
        }
        Provenance::Adopted => "adopted".into(),
        Provenance::Edited => "edited by hand".into(),
        Provenance::Accepted => "accepted".into(),
    }
}

fn ended(call: &LogLine, look: Look) -> String {
    let brought = call.items.iter().filter(|item| item.outcome == LogOutcome::Stored).count();
    match &call.ended {
        Ended::Answered => {
            let text = format!("{} of {}", brought, count(call.items.len(), "item"));
            if brought == call.items.len() { look.good(&text) } else { look.odd(&text) }
        }
        Ended::Unreadable(why) => format!("{} {}", look.bad("unreadable answer:"), flat(why)),
        Ended::Truncated(why) => {
            let text = format!("{brought} of {}:", count(call.items.len(), "item"));
            format!("{} {}", look.odd(&text), flat(why))
        }
        Ended::TimedOut(seconds) => look.bad(&format!("no answer within {seconds} s")),
        Ended::Failed(why) => format!("{} {}", look.bad("no answer:"), flat(why)),
        Ended::Filed => count(call.items.len(), "item"),
    }
}

fn cost(call: &LogLine) -> String {
    let mut out = String::new();
    if call.provenance == Provenance::Generated {
        out += &format!(" in {}", duration(call.seconds));
    }
    if let Some(tokens) = tokens(&call.usage) {
        out += &format!(", {tokens}");
    }
    if let Some(usd) = call.money_usd {
        out += &format!(", {}", money(usd));
    }
    out
}

fn details(call: &LogLine, look: Look) -> String {
    let mut out = format!("  call {}\n", flat(&call.call));
    for LogItem { id, digest: of, .. } in &call.items {
        let of = of.map_or_else(|| "nothing".into(), |of| of.to_string());
        out += &format!("  item {} {}\n", flat(id), digest(&of, look.verbose()));
    }
    for section in &call.sections {
        out += &format!("  sent {} {}\n", flat(&section.name), section.digest);
    }
    for hint in &call.hints {
        let range = hint.range.as_ref().map_or_else(
            || "empty".into(),
            |(first, last)| {
                if first == last { flat(first) } else { flat(&format!("{first} to {last}")) }
            },
        );
        out += &format!("  hint {} ({range}) {}\n", flat(&hint.name), hint.digest);
    }
    for (name, text) in [("answer", call.answer.as_deref().unwrap_or_default()), ("beside it", &call.stderr)]
    {
        for line in escape(text).lines() {
            out += &format!("  {name}: {line}\n");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::look::Detail;
    use super::*;
    use crate::digest::Digest;
    use crate::generate::Meters;
    use crate::run::LogSection;
    use crate::store::Hint;

    fn call(ended: Ended, stored: usize) -> LogLine {
        let item = |at: usize| LogItem {
            id: format!("S000{at}"),
            outcome: if at < stored { LogOutcome::Stored } else { LogOutcome::Nothing },
            digest: (at < stored).then(|| Digest::from_bytes([17; 32])),
        };
        LogLine {
            call: "c1".into(),
            target_label: "phase3_batch_1".into(),
            phase: "phase3".into(),
            course: "spa_for_eng".into(),
            scope: "S0000-S0002".into(),
            attempt: 2,
            provenance: Provenance::Generated,
            generator: "command".into(),
            model: Some("some-model".into()),
            asked_ms: 1_763_846_053_000,
            seconds: 62.0,
            ended,
            items: (0..3).map(item).collect(),
            usage: Meters { input: Some(10), ..Meters::default() },
            money_usd: Some(0.5),
            sections: vec![LogSection {
                name: "template/system".into(),
                digest: Digest::from_bytes([18; 32]),
            }],
            hints: vec![Hint { name: "concepts".into(), digest: Digest::from_bytes([19; 32]), range: None }],
            answer: Some("[1,\u{1b}[31m\n2]".into()),
            stderr: "tired\n".into(),
        }
    }

    #[test]
    fn a_call_is_two_lines_and_what_it_did_not_bring() {
        let mut calls = [call(Ended::Answered, 2), call(Ended::TimedOut(600), 0)];
        calls[0].items[1].outcome = LogOutcome::Refused;
        assert_eq!(
            log_text(&calls, Look::default()),
            "\
2025-11-22 21:14:13Z spa_for_eng phase3_batch_1 S0000-S0002, attempt 2, command (some-model)
  1 of 3 items in 1m 02s, 10 tokens in, $0.50
  refused: S0001
  nothing for: S0002
2025-11-22 21:14:13Z spa_for_eng phase3_batch_1 S0000-S0002, attempt 2, command (some-model)
  no answer within 600 s in 1m 02s, 10 tokens in, $0.50
"
        );
        assert_eq!(log_text(&[], Look::default()), "no call is known\n");
    }

    #[test]
    fn verbose_tells_what_was_sent() {
        let text = log_text(&[call(Ended::Answered, 3)], Look { detail: Detail::Verbose, ..Look::default() });
        let (one, two, three) = ("11".repeat(32), "12".repeat(32), "13".repeat(32));
        assert!(text.contains(&format!("  call c1\n  item S0000 {one}\n")), "{text}");
        assert!(text.contains(&format!("  sent template/system {two}\n")), "{text}");
        assert!(text.contains(&format!("  hint concepts (empty) {three}\n")), "{text}");
        assert!(text.ends_with("  answer: [1,\\u{1b}[31m\n  answer: 2]\n  beside it: tired\n"), "{text}");
    }
}
