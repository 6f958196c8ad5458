//! Why items stand as they do: every reason, and the part of the key that it is about with its digests.

use super::findings::findings;
use super::look::Look;
use super::text_diff::diff;
use super::words::{count, digest, flat};
use crate::run::{Why, WhyReason};

/// How many items are shown one by one unless everything is asked for.
const ITEMS: usize = 20;
/// How many lines of a diff.
const LINES: usize = 20;

/// The text of the answers; items that stand for the same reasons and have no findings are shown together.
pub fn why_text(whys: &[Why], look: Look) -> String {
    let groups = groups(whys);
    let most = look.most(ITEMS);
    let mut out = String::new();
    for (first, targets) in groups.iter().take(most) {
        out += &group(first, targets, look);
    }
    if groups.len() > most {
        let rest: usize = groups[most..].iter().map(|(_, targets)| targets.len()).sum();
        out += &format!("and {} more (`-v` shows them)\n", count(rest, "item"));
    }
    if whys.is_empty() {
        out += "no item or batch of that name is known (`coursebuild status` lists them)\n";
    }
    out
}

/// Neighbours with the same verdict and reasons, together.
fn groups(whys: &[Why]) -> Vec<(&Why, Vec<&str>)> {
    let mut groups: Vec<(&Why, Vec<&str>)> = Vec::new();
    for why in whys {
        match groups.last_mut() {
            Some((first, targets)) if same(first, why) => targets.push(&why.target),
            _ => groups.push((why, vec![&why.target])),
        }
    }
    groups
}

fn same(a: &Why, b: &Why) -> bool {
    let alone = |why: &Why| why.findings.is_empty() && why.upstream.is_empty();
    a.verdict == b.verdict && a.reasons == b.reasons && alone(a) && alone(b)
}

fn group(why: &Why, targets: &[&str], look: Look) -> String {
    let name = match targets {
        [one] => flat(one),
        [first, .., last] => {
            format!("{} to {} ({})", flat(first), flat(last), count(targets.len(), "item"))
        }
        [] => String::new(),
    };
    let verdict = match why.verdict.as_str() {
        "fresh" => look.good("fresh"),
        other @ ("failed" | "rejected") => look.bad(other),
        other => look.odd(&flat(other)),
    };
    let mut out = format!("{}: {verdict}\n", look.bold(&name));
    out.extend(why.reasons.iter().map(|why| reason(why, look)));
    out += &findings(&why.findings, usize::MAX, "  ", look);
    for upstream in &why.upstream {
        let told = group(upstream, &[&upstream.target], look);
        out.extend(told.lines().enumerate().map(|(at, line)| {
            let before = if at == 0 { "  from " } else { "    " };
            format!("{before}{line}\n")
        }));
    }
    out
}

fn reason(reason: &WhyReason, look: Look) -> String {
    let mut out = format!("  {}\n", flat(&reason.text));
    let Some(part) = &reason.part else { return out };
    let digest = |text: &Option<String>| {
        text.as_deref().map_or_else(|| "(none)".into(), |text| flat(digest(text, look.verbose())))
    };
    let (before, now) = (reason.before.as_deref(), reason.now.as_deref());
    // Where one of the two is not known, the digests are all that can be said.
    let known = (before.is_some() || reason.old.is_none()) && (now.is_some() || reason.new.is_none());
    if known && !look.verbose() {
        return out + &diff(before.unwrap_or_default(), now.unwrap_or_default(), LINES, "    ", look);
    }
    out += &format!(
        "    {}: {} -> {}\n",
        look.dim(&flat(part)),
        look.bad(&digest(&reason.old)),
        look.good(&digest(&reason.new))
    );
    if known {
        out += &diff(before.unwrap_or_default(), now.unwrap_or_default(), usize::MAX, "    ", look);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::findings::example;
    use super::*;

    fn why(target: &str, verdict: &str, reasons: Vec<WhyReason>) -> Why {
        let (target, verdict) = (target.into(), verdict.into());
        Why { target, verdict, reasons, findings: Vec::new(), upstream: Vec::new() }
    }

    fn changed() -> WhyReason {
        WhyReason {
            text: "section `Tiling` of docs/x.md changed".into(),
            part: Some("document/docs/x.md/Tiling".into()),
            old: Some("0123456789abcdef".into()),
            ..WhyReason::default()
        }
    }

    #[test]
    fn a_reason_names_its_part_and_both_digests() {
        let mut refused = why("c/phase3/S0004", "rejected", Vec::new());
        refused.findings.push(example("S0004", "missing `x`"));
        let whys = [
            why("c/phase3/S0001", "stale", vec![changed()]),
            why("c/phase3/S0002", "stale", vec![changed()]),
            why("c/phase3/S0003", "fresh", Vec::new()),
            refused,
        ];
        assert_eq!(
            why_text(&whys, Look::default()),
            "\
c/phase3/S0001 to c/phase3/S0002 (2 items): stale
  section `Tiling` of docs/x.md changed
    document/docs/x.md/Tiling: 0123456789ab -> (none)
c/phase3/S0003: fresh
c/phase3/S0004: rejected
  S0004 tiling: missing `x`
"
        );
        assert_eq!(
            why_text(&[], Look::default()),
            "no item or batch of that name is known (`coursebuild status` lists them)\n"
        );
    }

    #[test]
    fn many_items_are_cut() {
        let whys: Vec<Why> = (0..25)
            .map(|at| why(&format!("c/p/{at}"), if at % 2 == 0 { "fresh" } else { "missing" }, Vec::new()))
            .collect();
        let text = why_text(&whys, Look::default());
        assert!(text.ends_with("c/p/19: missing\nand 5 items more (`-v` shows them)\n"), "{text}");
    }
}
