//! The account of a workspace as one HTML page that needs nothing beside itself: no script, no font, no network.

use super::words::{count, duration, money, named, number};
use crate::diag::escape;
use crate::run::{Account, BatchStatus, PhaseAccount, PhaseStatus};

const STYLE: &str = "\
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#222;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse}
th,td{padding:.2rem .8rem .2rem 0;text-align:left;vertical-align:top}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.batches{display:flex;flex-wrap:wrap;gap:2px;max-width:48rem}.b{width:14px;height:14px;border-radius:2px}
.fresh{background:#2e8b57}.stale{background:#e0a800}.missing{background:#bbb}.rejected{background:#e07020}
.held{background:#6a5acd}.failed{background:#c62828}.pending{background:#ddd}
svg text{font-size:11px;fill:currentColor}code{font-size:.9em}
@media (prefers-color-scheme:dark){body{color:#ddd;background:#181818}.pending{background:#444}.missing{background:#777}}
";

/// The most urgent first: a batch has the colour of its most urgent item.
const URGENCY: [&str; 7] = ["failed", "rejected", "held", "stale", "missing", "pending", "fresh"];

/// The page.
pub fn account_html(account: &Account) -> String {
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>coursebuild report</title>\n<style>\n{STYLE}</style>\n\
         <h1>coursebuild report</h1>\n"
    );
    for course in &account.status.courses {
        out += &format!("<h2>{}</h2>\n<table>\n", safe(&course.course));
        out += "<tr><th>phase<th class=n>items<th>how they stand<th>batches</tr>\n";
        out += &course.phases.iter().map(phase_row).collect::<String>();
        out += "</table>\n";
    }
    out += &legend();
    out += &money_table(&account.phases);
    out +=
        &account.phases.iter().filter(|phase| phase.first_answers.len() > 1).map(chart).collect::<String>();
    out += &troubles(account);
    out + "</html>\n"
}

/// Foreign text inside an element or an attribute.
fn safe(text: &str) -> String {
    let text = escape(text);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            c => out.push(c),
        }
    }
    out
}

fn phase_row(phase: &PhaseStatus) -> String {
    let cells: String = phase.batches.iter().map(|batch| batch_cell(phase, batch)).collect();
    format!(
        "<tr><td>{} <small>{}</small><td class=n>{}<td>{}<td><div class=batches>{cells}</div></tr>\n",
        safe(&phase.phase),
        safe(&phase.title),
        number(phase.items as u64),
        super::words::partition(&phase.counts),
    )
}

fn batch_cell(phase: &PhaseStatus, batch: &BatchStatus) -> String {
    let counts = named(&batch.counts);
    let has = |name: &&&str| counts.iter().any(|(known, n)| known == *name && *n > 0);
    let class = URGENCY.iter().find(has).unwrap_or(&"pending");
    let title = format!(
        "{}/{} {}-{}: {}",
        phase.phase,
        batch.batch,
        batch.first,
        batch.last,
        super::words::partition(&batch.counts)
    );
    format!("<div class=\"b {class}\" title=\"{}\"></div>", safe(&title))
}

fn legend() -> String {
    let one = |name: &&str| format!("<td><div class=\"b {name}\"></div><td>{name}");
    format!("<table><tr>{}</tr></table>\n", URGENCY.iter().rev().map(one).collect::<String>())
}

fn money_table(phases: &[PhaseAccount]) -> String {
    let mut out = String::from(
        "<h2>Calls</h2>\n<table>\n<tr><th>phase<th class=n>calls<th class=n>without answer<th class=n>time<th class=n>money</tr>\n",
    );
    for phase in phases {
        out += &format!(
            "<tr><td>{}/{}<td class=n>{}<td class=n>{}<td class=n>{}<td class=n>{}</tr>\n",
            safe(&phase.course),
            safe(&phase.phase),
            number(phase.calls as u64),
            number(phase.without_answer as u64),
            duration(phase.seconds),
            phase.money_usd.map_or_else(|| "unknown".to_owned(), money),
        );
    }
    out + "</table>\n"
}

/// How many first answers passed, by batch: a line that falls is drift.
fn chart(phase: &PhaseAccount) -> String {
    const WIDTH: usize = 720;
    const HEIGHT: usize = 120;
    let last = phase.first_answers.iter().map(|one| one.batch).max().unwrap_or(1).max(2);
    let x = |batch: usize| 40 + (batch - 1) * (WIDTH - 60) / (last - 1);
    let y = |passed: usize, asked: usize| 10 + HEIGHT - passed * HEIGHT / asked.max(1);
    let points: Vec<String> = phase
        .first_answers
        .iter()
        .map(|one| format!("{},{}", x(one.batch), y(one.share.passed, one.share.asked)))
        .collect();
    let dots: String = phase
        .first_answers
        .iter()
        .map(|one| {
            let (x, y) = (x(one.batch), y(one.share.passed, one.share.asked));
            let title = format!("batch {}: {} of {}", one.batch, one.share.passed, one.share.asked);
            format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"3\" fill=\"#2e8b57\"><title>{title}</title></circle>")
        })
        .collect();
    let name = safe(&format!("{}/{}", phase.course, phase.phase));
    format!(
        "<h2>First answers of {name} that passed, by batch</h2>\n\
         <svg width=\"{WIDTH}\" height=\"150\" role=\"img\" aria-label=\"share of first answers that passed\">\
         <text x=\"0\" y=\"14\">100%</text><text x=\"0\" y=\"134\">0%</text>\
         <line x1=\"40\" y1=\"10\" x2=\"700\" y2=\"10\" stroke=\"#8884\"/><line x1=\"40\" y1=\"130\" x2=\"700\" y2=\"130\" stroke=\"#8884\"/>\
         <polyline points=\"{}\" fill=\"none\" stroke=\"#2e8b57\"/>{dots}\
         <text x=\"40\" y=\"148\">1</text><text x=\"690\" y=\"148\">{last}</text></svg>\n",
        points.join(" ")
    )
}

fn troubles(account: &Account) -> String {
    if account.troubled.is_empty() {
        return "<h2>Trouble</h2>\n<p>None.</p>\n".into();
    }
    let row = |one: &crate::run::Troubled| {
        format!(
            "<tr><td><code>{}</code><td>{}<td>{}</tr>\n",
            safe(&one.target),
            safe(&one.verdict),
            safe(&one.why)
        )
    };
    format!(
        "<h2>Trouble</h2>\n<p>{}; <code>coursebuild why TARGET</code> tells more.</p>\n<table>\n{}</table>\n",
        count(account.troubled.len(), "item"),
        account.troubled.iter().map(row).collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Share;
    use crate::run::{BatchShare, Status, Troubled};

    #[test]
    fn what_comes_from_outside_stays_text() {
        let share = |asked, passed| Share { asked, passed };
        let account = Account {
            status: Status { courses: Vec::new() },
            phases: vec![PhaseAccount {
                course: "<c>".into(),
                phase: "p".into(),
                calls: 3,
                without_answer: 1,
                seconds: 62.0,
                money_usd: Some(1.5),
                first_answers: vec![
                    BatchShare { batch: 1, share: share(20, 20) },
                    BatchShare { batch: 3, share: share(20, 10) },
                ],
            }],
            troubled: vec![Troubled {
                target: "c/p/<script>alert('x')</script>".into(),
                verdict: "failed".into(),
                why: "a \"b\" & \u{1b}[2J".into(),
            }],
        };
        let page = account_html(&account);
        assert!(
            !page.contains("<script") && !page.contains('\u{1b}') && page.contains("&lt;c&gt;/p"),
            "{page}"
        );
        assert!(page.contains("a &quot;b&quot; &amp; \\u{1b}[2J"), "{page}");
        assert!(page.contains("points=\"40,10 700,70\""), "{page}");
        assert!(page.contains("1m 02s") && page.contains("$1.50"), "{page}");
    }
}
