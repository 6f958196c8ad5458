//! The decision over one item: its verdict, its current result, and what its main file shows.
//!
//! Pure: everything that it looks at is in [`Facts`], so `plan` and `build` cannot disagree, and a table of all states of lock,
//! store and main file is its test.

use super::adopt::adopted;
use super::facts::{Candidate, Current, Decision, Facts, Standing};
use super::refresh::met;
use super::verdict::{Held, Reason, Verdict};
use crate::check::Finding;
use crate::course::Severity;
use crate::digest::{Digest, Short};
use crate::link::{Line, Text};
use crate::store::Provenance;
use std::sync::Arc;

/// Decides. `judge` gives the findings of an output in lifted form; it is asked only where it matters.
pub fn decide(facts: &Facts, judge: &dyn Fn(&str) -> Vec<Finding>) -> Decision {
    if let Some(pin) = &facts.pin {
        return pinned(facts, pin, judge);
    }
    let decision = standing_or_known(facts, judge);
    let mut decision = adopted(facts, &decision, judge).unwrap_or(decision);
    let to_fix = facts.fix && matches!(decision.verdict, Verdict::Held(Held::Findings(_)));
    if matches!(decision.verdict, Verdict::Held(Held::Moved(_)))
        && let Some(met) = met(facts, &decision, judge)
    {
        return met;
    }
    if facts.force && !matches!(decision.verdict, Verdict::Held(_)) {
        decision.supersedes = decision.current.take().map(|current| current.digest);
        decision.verdict = Verdict::Stale(vec![Reason::Forced]);
        decision.attempts = 0;
        decision.findings.clear();
    } else if to_fix && let Verdict::Held(Held::Findings(findings)) = decision.verdict {
        decision.supersedes = decision.current.take().map(|current| current.digest);
        decision.findings = findings.clone();
        decision.verdict = Verdict::Rejected(findings);
    } else if facts.refresh
        && let Verdict::Held(Held::Moved(reasons)) = decision.verdict
    {
        decision.current = None;
        decision.verdict = Verdict::Stale(reasons);
    }
    decision
}

/// A pinned result stands whatever changes and whatever is asked for. What somebody wrote over it is kept in the store.
fn pinned(facts: &Facts, pin: &Candidate, judge: &dyn Fn(&str) -> Vec<Finding>) -> Decision {
    let over = facts.standing.as_ref().filter(|standing| {
        standing.known.is_none()
            && standing.digest != pin.digest
            && facts.line.is_none_or(|line| line.digest != standing.digest.short())
    });
    let file = over.map(|standing| Current {
        digest: standing.digest,
        text: Text::Lifted(standing.text.clone()),
        provenance: Provenance::Edited,
        key: facts.line.map_or(facts.content.short(), |line| line.key),
        unchecked: false,
    });
    let decision = if facts.counts(pin.content) {
        let judged = Judged::of(judge(&pin.text));
        judged
            .stands(as_current(pin))
            .unwrap_or_else(|findings| held(as_current(pin), Held::Findings(findings)))
    } else {
        held(as_current(pin), Held::Moved(vec![Reason::Pinned, Reason::KeyMoved(pin.content)]))
    };
    Decision { file, ..decision }
}

/// What was found about an output.
struct Judged {
    errors: Vec<Finding>,
    waived: bool,
}

impl Judged {
    fn of(findings: Vec<Finding>) -> Self {
        let waived = findings.iter().any(|finding| finding.severity == Severity::Waived);
        Self { errors: findings.into_iter().filter(Finding::is_error).collect(), waived }
    }

    /// Fresh, if it passes. What passes only because something is waived is marked, so that it is judged again every time.
    fn stands(self, current: Current) -> Result<Decision, Vec<Finding>> {
        match self.errors.is_empty() {
            true => Ok(fresh(Current { unchecked: self.waived, ..current })),
            false => Err(self.errors),
        }
    }
}

fn standing_or_known(facts: &Facts, judge: &dyn Fn(&str) -> Vec<Finding>) -> Decision {
    let key = facts.content.short();
    let line = facts.line.filter(|_| facts.lock_readable);
    if let Some((edit, standing)) = standing_edit(facts, line) {
        let file = standing.known.is_none().then(|| edit.clone());
        return Decision { file, ..kept_by_hand(facts, edit, &standing.text, judge) };
    }
    // Somebody put a result back that the tool had made, over an edit: the edit is taken back.
    let taken_back = facts.standing.as_ref().is_some_and(|standing| {
        let edited =
            |line: Line| line.provenance == Provenance::Edited && line.digest != standing.digest.short();
        line.is_some_and(edited) && standing.known.is_some()
    });
    let line = line.filter(|_| !taken_back);
    if let Some(line) = line
        && let Some(text) = &facts.locked
        && (facts.leads(line.key) || line.provenance == Provenance::Edited)
    {
        let current = Current {
            digest: full(facts, line.digest, text),
            text: Text::Lifted(text.clone()),
            provenance: line.provenance,
            key: line.key,
            unchecked: false,
        };
        if line.provenance == Provenance::Edited {
            let unknown = facts.standing.as_ref().is_some_and(|standing| standing.known.is_none());
            let file = unknown.then(|| current.clone());
            return Decision { file, ..kept_by_hand(facts, current, text, judge) };
        }
        if !facts.superseded.contains(&current.digest) {
            match Judged::of(judge(text)).stands(current.clone()) {
                Ok(decision) => return decision,
                Err(findings) if line.provenance != Provenance::Generated => {
                    return held(current, Held::Findings(findings));
                }
                Err(_) => {}
            }
        }
    }
    if let Some(edit) =
        facts.edit.as_ref().filter(|edit| !taken_back && (facts.leads(edit.content) || line.is_none()))
    {
        return kept_by_hand(facts, as_current(edit), &edit.text, judge);
    }
    if taken_back
        && let Some(standing) = facts
            .standing
            .as_ref()
            .filter(|standing| standing.known.is_some_and(|(_, own)| facts.counts(own)))
    {
        let (provenance, key) = standing.known.unwrap_or((Provenance::Generated, key));
        let text = Text::Lifted(standing.text.clone());
        let current = Current { digest: standing.digest, text, provenance, key, unchecked: false };
        if let Ok(decision) = Judged::of(judge(&standing.text)).stands(current) {
            return decision;
        }
    }
    if let Some(found) = unexplained(facts) {
        return held(found, Held::Unexplained);
    }
    from_store(facts, line, judge)
}

/// The hand edit that stands in the main file now, if one does.
fn standing_edit(facts: &Facts, line: Option<Line>) -> Option<(Current, &Standing)> {
    let standing = facts.standing.as_ref().filter(|_| facts.lock_readable)?;
    if line.is_some_and(|line| line.digest == standing.digest.short()) {
        return None;
    }
    let key = match standing.known {
        Some((Provenance::Edited, key)) => key,
        Some(_) => return None,
        None => line.map_or(facts.content.short(), |line| line.key),
    };
    let edit = Current {
        digest: standing.digest,
        text: Text::Lifted(standing.text.clone()),
        provenance: Provenance::Edited,
        key,
        unchecked: false,
    };
    Some((edit, standing))
}

/// Without a readable lock nothing is called an edit: what stands there and nobody knows is kept, and said to be unexplained.
fn unexplained(facts: &Facts) -> Option<Current> {
    let standing =
        facts.standing.as_ref().filter(|standing| !facts.lock_readable && standing.known.is_none())?;
    Some(Current {
        digest: standing.digest,
        text: Text::Lifted(standing.text.clone()),
        provenance: Provenance::Edited,
        key: Short::default(),
        unchecked: false,
    })
}

fn from_store(facts: &Facts, line: Option<Line>, judge: &dyn Fn(&str) -> Vec<Finding>) -> Decision {
    let mut refused = Vec::new();
    let mut last = Vec::new();
    let locked = line.filter(|line| facts.counts(line.key)).and_then(|line| {
        let text = facts.locked.as_ref()?;
        Some(Candidate {
            digest: full(facts, line.digest, text),
            provenance: line.provenance,
            content: line.key,
            text: text.clone(),
        })
    });
    // First what was made under the present key itself, then what the lock names, then what merely counts as made under it.
    let own = facts.results.partition_point(|result| result.content == facts.content.short());
    let (own, counted) = facts.results.split_at(own);
    let locked = locked.iter().filter(|line| own.iter().all(|other| other.digest != line.digest));
    for candidate in own.iter().chain(locked).chain(counted) {
        if facts.superseded.contains(&candidate.digest) || refused.contains(&candidate.digest) {
            continue;
        }
        match Judged::of(judge(&candidate.text)).stands(as_current(candidate)) {
            Ok(decision) => return Decision { refused: sorted(refused), ..decision },
            Err(findings) if candidate.provenance != Provenance::Generated => {
                return held(as_current(candidate), Held::Findings(findings));
            }
            Err(findings) => last = findings,
        }
        refused.push(candidate.digest);
    }
    let claim = |candidate: &Candidate| Judged::of(judge(&candidate.text)).stands(as_current(candidate)).ok();
    if let Some(decision) = facts.claimable.iter().find_map(claim) {
        return Decision { claimed: true, refused: sorted(refused), ..decision };
    }
    let repeated =
        facts.attempts.repeated || (facts.attempts.made > 0 && facts.attempts.made >= facts.attempts.limit);
    let locked_out = facts.failed.is_some_and(|f| facts.counts(f.key) && f.checks == facts.checks);
    let findings = if last.is_empty() { facts.attempts.trouble.clone() } else { last };
    let verdict = if (repeated || locked_out) && !facts.retry_failed {
        Verdict::Failed(findings.clone())
    } else if !refused.is_empty() {
        Verdict::Rejected(findings.clone())
    } else {
        stale_or_missing(facts, line)
    };
    Decision {
        verdict,
        current: None,
        linked: last_linked(facts, line),
        file: None,
        same: Vec::new(),
        claimed: false,
        refused: sorted(refused),
        supersedes: None,
        attempts: if facts.retry_failed { 0 } else { facts.attempts.made },
        findings,
    }
}

fn stale_or_missing(facts: &Facts, line: Option<Line>) -> Verdict {
    match line {
        Some(line) if facts.counts(line.key) => Verdict::Stale(vec![Reason::OutputLost]),
        Some(line) => Verdict::Stale(vec![Reason::KeyMoved(line.key)]),
        None => match (facts.earlier, &facts.standing) {
            (Some(earlier), _) if !facts.counts(earlier) => Verdict::Stale(vec![Reason::KeyMoved(earlier)]),
            (_, Some(standing)) => Verdict::Stale(vec![
                standing.known.map_or(Reason::KeyChanged, |(_, key)| Reason::KeyMoved(key)),
            ]),
            _ => Verdict::Missing,
        },
    }
}

/// What the main file goes on showing while a better result is wanted.
fn last_linked(facts: &Facts, line: Option<Line>) -> Option<Current> {
    let current = |digest: Digest, text: &Arc<str>, provenance, made_under| Current {
        digest,
        text: Text::Lifted(text.clone()),
        provenance,
        key: made_under,
        unchecked: true,
    };
    if let Some(line) = line
        && let Some(text) = &facts.locked
    {
        return Some(current(full(facts, line.digest, text), text, line.provenance, line.key));
    }
    let standing = facts.standing.as_ref()?;
    let (provenance, made_under) = standing.known?;
    // A generated result that failed never enters as if it had passed: without a lock nothing says that it ever stood.
    (!facts.counts(made_under)).then(|| current(standing.digest, &standing.text, provenance, made_under))
}

fn kept_by_hand(
    facts: &Facts,
    current: Current,
    text: &str,
    judge: &dyn Fn(&str) -> Vec<Finding>,
) -> Decision {
    if current.key == Short::default() {
        return held(current, Held::Unexplained);
    }
    if !facts.counts(current.key) {
        let reason = Reason::KeyMoved(current.key);
        return held(current, Held::Moved(vec![reason]));
    }
    let judged = Judged::of(judge(text));
    judged.stands(current.clone()).unwrap_or_else(|findings| held(current, Held::Findings(findings)))
}

fn as_current(candidate: &Candidate) -> Current {
    let Candidate { digest, provenance, content, text } = candidate.clone();
    Current { digest, text: Text::Lifted(text), provenance, key: content, unchecked: false }
}

pub(super) fn fresh(current: Current) -> Decision {
    decided(Verdict::Fresh, current)
}

pub(super) fn held(current: Current, why: Held) -> Decision {
    decided(Verdict::Held(why), current)
}

fn decided(verdict: Verdict, current: Current) -> Decision {
    Decision {
        verdict,
        linked: Some(current.clone()),
        current: Some(current),
        file: None,
        same: Vec::new(),
        claimed: false,
        refused: Vec::new(),
        supersedes: None,
        attempts: 0,
        findings: Vec::new(),
    }
}

/// The whole digest of the output that a lock line names by its first half.
fn full(facts: &Facts, short: Short, text: &Arc<str>) -> Digest {
    let standing = facts.standing.as_ref().map(|standing| standing.digest);
    let known = facts.results.iter().map(|candidate| candidate.digest);
    standing
        .into_iter()
        .chain(known)
        .find(|digest| digest.short() == short)
        .unwrap_or_else(|| super::output_digest_of_text(text))
}

pub(super) fn errors(findings: Vec<Finding>) -> Vec<Finding> {
    findings.into_iter().filter(Finding::is_error).collect()
}

fn sorted(mut digests: Vec<Digest>) -> Vec<Digest> {
    digests.sort_unstable();
    digests.dedup();
    digests
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Failed;
    use crate::plan::Adopt;
    use crate::plan::Attempts;

    const OURS: &str = r#""ours""#;
    const OTHER: &str = r#""other""#;
    const OLD: &str = r#""old""#;

    fn text(of: &str) -> Arc<str> {
        of.into()
    }

    fn lifted(text: &Text) -> String {
        match text {
            Text::Lifted(text) => text.to_string(),
            Text::InMain(_) => panic!("decisions are over texts"),
        }
    }

    fn digest(of: &str) -> Digest {
        super::super::output_digest_of_text(of)
    }

    fn key() -> Digest {
        Digest::of(b"key")
    }

    fn old_key() -> Short {
        Digest::of(b"old key").short()
    }

    fn nothing_known() -> Facts {
        Facts {
            content: key(),
            same: vec![],
            pin: None,
            lock_readable: false,
            line: None,
            locked: None,
            failed: None,
            standing: None,
            results: vec![],
            claimable: vec![],
            edit: None,
            base: None,
            superseded: vec![],
            attempts: Attempts { limit: 3, ..Attempts::default() },
            checks: Short::default(),
            earlier: None,
            force: false,
            retry_failed: false,
            fix: false,
            refresh: false,
            adopt: Adopt::No,
        }
    }

    fn candidate(output: &str) -> Candidate {
        Candidate {
            digest: digest(output),
            provenance: Provenance::Generated,
            content: key().short(),
            text: text(output),
        }
    }

    fn refuse(what: &'static str) -> impl Fn(&str) -> Vec<Finding> {
        move |output| {
            let finding = Finding {
                kind: "test".into(),
                item: "x".into(),
                severity: Severity::Error,
                message: "no".into(),
                suggestion: None,
            };
            if output == what { vec![finding] } else { vec![] }
        }
    }

    #[derive(Clone, Copy, PartialEq, Debug)]
    enum L {
        Absent,
        Match,
        OldKey,
        Conflict,
    }
    #[derive(Clone, Copy, PartialEq, Debug)]
    enum M {
        Same,
        Other,
        Absent,
    }

    type Row = (L, bool, M, &'static str, Option<&'static str>, Option<&'static str>);

    /// (lock, does the store know a result under the key, main file) → verdict, current, linked.
    /// "Same" is the result that the lock names, or, where no lock can be read, the one that the store knows.
    /// Where nothing is known at all the build as a whole refuses; the row says what the item by itself is.
    #[rustfmt::skip]
    const TABLE: &[Row] = &[
        (L::Absent,   false, M::Same,   "held",    Some(OURS),  Some(OURS)),   // unexplained: nobody knows where it comes from
        (L::Absent,   false, M::Other,  "held",    Some(OTHER), Some(OTHER)),
        (L::Absent,   false, M::Absent, "missing", None,        None),
        (L::Absent,   true,  M::Same,   "fresh",   Some(OURS),  Some(OURS)),
        (L::Absent,   true,  M::Other,  "held",    Some(OTHER), Some(OTHER)),
        (L::Absent,   true,  M::Absent, "fresh",   Some(OURS),  Some(OURS)),
        (L::Match,    false, M::Same,   "fresh",   Some(OURS),  Some(OURS)),   // a clone without any store
        (L::Match,    false, M::Other,  "fresh",   Some(OTHER), Some(OTHER)),  // a hand edit that passes its checks
        (L::Match,    false, M::Absent, "stale",   None,        None),         // the bytes are lost
        (L::Match,    true,  M::Same,   "fresh",   Some(OURS),  Some(OURS)),
        (L::Match,    true,  M::Other,  "fresh",   Some(OTHER), Some(OTHER)),
        (L::Match,    true,  M::Absent, "fresh",   Some(OURS),  Some(OURS)),   // relinked
        (L::OldKey,   false, M::Same,   "stale",   None,        Some(OLD)),    // the old one stands until a new one is there
        (L::OldKey,   false, M::Other,  "held",    Some(OTHER), Some(OTHER)),  // an edit whose key moved is never bought over
        (L::OldKey,   false, M::Absent, "stale",   None,        None),
        (L::OldKey,   true,  M::Same,   "fresh",   Some(OURS),  Some(OURS)),   // an edit was undone: the store knows
        (L::OldKey,   true,  M::Other,  "held",    Some(OTHER), Some(OTHER)),
        (L::OldKey,   true,  M::Absent, "fresh",   Some(OURS),  Some(OURS)),
        (L::Conflict, false, M::Same,   "held",    Some(OURS),  Some(OURS)),   // markers are never read: as if absent
        (L::Conflict, false, M::Other,  "held",    Some(OTHER), Some(OTHER)),
        (L::Conflict, false, M::Absent, "missing", None,        None),
        (L::Conflict, true,  M::Same,   "fresh",   Some(OURS),  Some(OURS)),
        (L::Conflict, true,  M::Other,  "held",    Some(OTHER), Some(OTHER)),
        (L::Conflict, true,  M::Absent, "fresh",   Some(OURS),  Some(OURS)),
    ];

    fn facts_of(lock: L, knows: bool, main: M) -> Facts {
        let locked = if lock == L::OldKey { OLD } else { OURS };
        let standing = match main {
            M::Same => Some(locked),
            M::Other => Some(OTHER),
            M::Absent => None,
        };
        let line = match lock {
            L::Match => Some(Line {
                key: key().short(),
                digest: digest(OURS).short(),
                provenance: Provenance::Generated,
                unchecked: false,
                as_found: false,
            }),
            L::OldKey => Some(Line {
                key: old_key(),
                digest: digest(OLD).short(),
                provenance: Provenance::Generated,
                unchecked: false,
                as_found: false,
            }),
            L::Absent | L::Conflict => None,
        };
        let found = line.is_some() && (main == M::Same || (knows && lock == L::Match));
        Facts {
            lock_readable: line.is_some(),
            line,
            locked: found.then(|| text(locked)),
            standing: standing.map(|output| Standing {
                digest: digest(output),
                text: text(output),
                known: (knows && output == OURS).then(|| (Provenance::Generated, key().short())),
            }),
            results: if knows { vec![candidate(OURS)] } else { vec![] },
            ..nothing_known()
        }
    }

    #[test]
    fn every_state_of_lock_store_and_main_file() {
        assert_eq!(TABLE.len(), 4 * 2 * 3);
        for (at, &(lock, knows, main, verdict, current, linked)) in TABLE.iter().enumerate() {
            assert!(
                TABLE[..at].iter().all(|row| (row.0, row.1, row.2) != (lock, knows, main)),
                "each row once"
            );
            let decision = decide(&facts_of(lock, knows, main), &|_| vec![]);
            let of = |current: &Option<Current>| current.as_ref().map(|current| lifted(&current.text));
            let got = (decision.verdict.name(), of(&decision.current), of(&decision.linked));
            let expected = (verdict, current.map(str::to_owned), linked.map(str::to_owned));
            assert_eq!(got, expected, "{lock:?}, store knows: {knows}, main file {main:?}");
        }
    }

    #[test]
    fn a_refused_answer_opens_the_next_slot_and_never_enters() {
        let facts = Facts {
            results: vec![candidate(OURS)],
            attempts: Attempts { made: 1, limit: 3, ..Attempts::default() },
            ..nothing_known()
        };
        let decision = decide(&facts, &refuse(OURS));
        assert_eq!((decision.verdict.name(), &decision.linked, decision.attempts), ("rejected", &None, 1));
        assert_eq!((decision.refused, decision.findings.len()), (vec![digest(OURS)], 1));
        let more = Facts { results: vec![candidate(OURS), candidate(OTHER)], ..facts };
        let decision = decide(&more, &refuse(OURS));
        assert_eq!(
            (decision.verdict.name(), lifted(&decision.current.unwrap().text)),
            ("fresh", OTHER.to_owned())
        );
    }

    #[test]
    fn exhausted_attempts_are_not_bought_again_until_asked() {
        let made = |made, repeated| Facts {
            results: vec![candidate(OURS)],
            attempts: Attempts { made, limit: 3, repeated, ..Attempts::default() },
            ..nothing_known()
        };
        assert_eq!(decide(&made(3, false), &refuse(OURS)).verdict.name(), "failed");
        assert_eq!(decide(&made(2, true), &refuse(OURS)).verdict.name(), "failed", "the same answer twice");
        assert_eq!(decide(&made(2, false), &refuse(OURS)).verdict.name(), "rejected");
        let asked = Facts { retry_failed: true, ..made(3, false) };
        assert_eq!(decide(&asked, &refuse(OURS)).verdict.name(), "rejected");
        let elsewhere = Facts {
            lock_readable: true,
            failed: Some(Failed { key: key().short(), checks: Short::default() }),
            ..nothing_known()
        };
        assert_eq!(decide(&elsewhere, &refuse(OURS)).verdict.name(), "failed", "a clone does not buy it");
    }

    #[test]
    fn a_stricter_check_rejects_what_was_generated_and_holds_what_was_edited() {
        let locked = facts_of(L::Match, true, M::Same);
        let decision = decide(&locked, &refuse(OURS));
        let linked = decision.linked.unwrap();
        assert_eq!(
            (decision.verdict.name(), lifted(&linked.text), linked.unchecked),
            ("rejected", OURS.to_owned(), true)
        );
        let mut edited = facts_of(L::Match, false, M::Same);
        edited.line.as_mut().unwrap().provenance = Provenance::Edited;
        assert_eq!(decide(&edited, &refuse(OURS)).verdict.name(), "held");
        let fixed = decide(&Facts { fix: true, ..edited }, &refuse(OURS));
        assert_eq!((fixed.verdict.name(), fixed.supersedes), ("rejected", Some(digest(OURS))));
    }

    #[test]
    fn force_buys_into_another_slot() {
        let decision = decide(&Facts { force: true, ..facts_of(L::Match, true, M::Same) }, &|_| vec![]);
        assert_eq!(
            (decision.verdict, decision.supersedes),
            (Verdict::Stale(vec![Reason::Forced]), Some(digest(OURS)))
        );
        assert_eq!(
            lifted(&decision.linked.unwrap().text),
            OURS,
            "the old one stands until the new one is there"
        );
        let bought = Facts {
            superseded: vec![digest(OURS)],
            results: vec![candidate(OURS), candidate(OTHER)],
            ..facts_of(L::Match, true, M::Same)
        };
        assert_eq!(lifted(&decide(&bought, &|_| vec![]).current.unwrap().text), OTHER);
    }

    #[test]
    fn a_result_follows_its_content_to_another_id() {
        let facts = Facts { claimable: vec![candidate(OTHER), candidate(OURS)], ..nothing_known() };
        let decision = decide(&facts, &refuse(OTHER));
        assert!(decision.claimed && decision.verdict == Verdict::Fresh);
        assert_eq!(lifted(&decision.current.unwrap().text), OURS);
    }

    #[test]
    fn an_edit_that_is_taken_back_stays_back() {
        let mut facts = facts_of(L::Match, true, M::Same);
        facts.line.as_mut().unwrap().provenance = Provenance::Edited;
        facts.line.as_mut().unwrap().digest = digest(OTHER).short();
        facts.locked = Some(text(OTHER));
        facts.edit = Some(Candidate { provenance: Provenance::Edited, ..candidate(OTHER) });
        let decision = decide(&facts, &|_| vec![]);
        let current = decision.current.unwrap();
        assert_eq!((lifted(&current.text), current.provenance), (OURS.to_owned(), Provenance::Generated));
    }

    #[test]
    fn a_moved_edit_is_bought_over_only_when_asked() {
        let moved = facts_of(L::OldKey, false, M::Other);
        assert_eq!(decide(&moved, &|_| vec![]).verdict.name(), "held");
        let decision = decide(&Facts { refresh: true, ..moved }, &|_| vec![]);
        assert_eq!(decision.verdict.name(), "stale");
        assert_eq!(lifted(&decision.linked.unwrap().text), OTHER, "it stands until the new one is there");
        assert!(decision.file.is_some(), "and is kept in the store");
    }

    #[test]
    fn a_key_that_counts_serves_unless_there_is_a_result_under_the_present_one() {
        let mut facts = Facts { same: vec![Digest::of(b"old key")], ..facts_of(L::OldKey, false, M::Same) };
        let decision = decide(&facts, &|_| vec![]);
        let current = decision.current.unwrap();
        assert_eq!((decision.verdict, lifted(&current.text)), (Verdict::Fresh, OLD.to_owned()));
        assert_eq!(current.key, old_key(), "it keeps the key that it was made under");
        facts.results = vec![candidate(OURS)];
        assert_eq!(lifted(&decide(&facts, &|_| vec![]).current.unwrap().text), OURS);
        let refused = decide(&facts, &refuse(OURS));
        assert_eq!(lifted(&refused.current.unwrap().text), OLD, "unless that one is refused");
        facts.line.as_mut().unwrap().provenance = Provenance::Edited;
        assert_eq!(decide(&facts, &|_| vec![]).verdict, Verdict::Fresh, "an edit is not held for it");
    }

    #[test]
    fn a_pinned_result_goes_before_everything() {
        let pin = Candidate { content: old_key(), ..candidate(OLD) };
        for (lock, main) in [(L::Match, M::Same), (L::Match, M::Other), (L::OldKey, M::Absent)] {
            let facts = Facts {
                pin: Some(pin.clone()),
                force: true,
                refresh: true,
                fix: true,
                ..facts_of(lock, true, main)
            };
            let decision = decide(&facts, &|_| vec![]);
            assert_eq!(
                (decision.verdict.name(), lifted(&decision.linked.unwrap().text)),
                ("held", OLD.to_owned())
            );
            assert_eq!(decision.file.is_some(), main == M::Other, "what was written over it is kept");
            let moved_back = Facts { content: Digest::of(b"old key"), ..facts };
            assert_eq!(decide(&moved_back, &|_| vec![]).verdict, Verdict::Fresh);
            assert_eq!(decide(&moved_back, &refuse(OLD)).verdict.name(), "held");
        }
    }

    #[test]
    fn what_passes_by_a_waiver_is_marked() {
        let waived = |output: &str| {
            let mut findings = refuse(OURS)(output);
            findings.iter_mut().for_each(|finding| finding.severity = Severity::Waived);
            findings
        };
        let decision = decide(&facts_of(L::Match, true, M::Same), &waived);
        assert_eq!(
            (decision.verdict, decision.current.map(|current| current.unchecked)),
            (Verdict::Fresh, Some(true))
        );
    }

    #[test]
    fn a_hand_edit_is_filed_once_and_stands_against_an_older_lock() {
        let new = facts_of(L::Match, true, M::Other);
        assert!(decide(&new, &|_| vec![]).file.is_some());
        let mut known = new;
        known.standing.as_mut().unwrap().known = Some((Provenance::Edited, key().short()));
        let decision = decide(&known, &|_| vec![]);
        assert!(decision.file.is_none() && lifted(&decision.current.unwrap().text) == OTHER);
    }
}
