//! The store as people see it: what it holds, what is damaged, what may go, where a result comes from.

use super::look::Look;
use super::words::{count, flat, moment, money, number};
use crate::diag::{Problem, Result};
use crate::run::{Blame, Collected, Examined, Pulled, Pushed, Stats};
use crate::store::{Checked, Packed, Provenance, Unpacked};
use serde::Serialize;
use serde_json::json;

/// How many lines of a list are shown unless everything is asked for.
const LISTED: usize = 10;

/// One object for programs: `{"version":1, …}`.
pub fn cache_json<T: Serialize>(told: &T) -> Result<String> {
    #[derive(Serialize)]
    struct Versioned<'a, T> {
        version: u32,
        #[serde(flatten)]
        told: &'a T,
    }
    let failed =
        |e: serde_json::Error| Problem::internal("an answer could not be written as JSON").because(e);
    serde_json::to_string_pretty(&Versioned { version: 1, told }).map(|text| text + "\n").map_err(failed)
}

/// What a packed store holds.
pub fn packed_text(packed: &Packed, file: &str, look: Look) -> String {
    let mut out =
        format!("packed {} into {} ({})\n", count(packed.pieces, "piece"), flat(file), bytes(packed.bytes));
    let left_out: Vec<String> = packed.left_out.iter().map(|problem| problem.what.clone()).collect();
    out += &listed("left out, for it could not be read", &left_out, look);
    out
}

/// The same for programs.
pub fn packed_json(packed: &Packed, file: &str) -> Result<String> {
    let left_out: Vec<&str> = packed.left_out.iter().map(|problem| problem.what.as_str()).collect();
    cache_json(&json!({"file": file, "pieces": packed.pieces, "bytes": packed.bytes, "left_out": left_out}))
}

/// What was taken in.
pub fn unpacked_text(unpacked: &Unpacked, look: Look) -> String {
    let mut out = format!(
        "took in {}, {} were there already\n",
        count(unpacked.added, "piece"),
        number(unpacked.known as u64)
    );
    out += &listed("passed over", &unpacked.bad, look);
    out
}

/// The same for programs.
pub fn unpacked_json(unpacked: &Unpacked) -> Result<String> {
    cache_json(&json!({"added": unpacked.added, "known": unpacked.known, "passed_over": unpacked.bad}))
}

/// What a look at every piece found. `moved`: the damaged ones were moved aside.
pub fn checked_text(checked: &Checked, moved: bool, look: Look) -> String {
    if checked.damaged.is_empty() {
        return format!("{} {} are whole\n", look.good("all well:"), count(checked.whole, "piece"));
    }
    let lines: Vec<String> = damaged(checked);
    let what = if moved { "damaged, and moved aside to `damaged/` in the store" } else { "damaged" };
    let next = if moved {
        "what they held is fetched from the shared store or a packed one where it is, else bought again when it is needed"
    } else {
        "`coursebuild cache repair` moves them aside"
    };
    format!("{} are whole\n{}    {next}\n", count(checked.whole, "piece"), listed(what, &lines, look))
}

/// The same for programs.
pub fn checked_json(checked: &Checked, moved: bool) -> Result<String> {
    cache_json(&json!({"whole": checked.whole, "damaged": damaged(checked), "moved": moved}))
}

fn damaged(checked: &Checked) -> Vec<String> {
    let line = |(path, problem): &(std::path::PathBuf, Problem)| {
        let why = problem.cause.as_deref().unwrap_or(&problem.what);
        format!("{}: {why}", path.display())
    };
    checked.damaged.iter().map(line).collect()
}

/// What the store holds.
pub fn stats_text(stats: &Stats, look: Look) -> String {
    let mut out = format!("{}\n", look.bold(&flat(&stats.store)));
    out += &format!("  {}, {}\n", count(stats.entries, "entry"), bytes(stats.bytes));
    if stats.damaged > 0 {
        out +=
            &format!("  {} damaged: `coursebuild cache verify`\n", look.bad(&number(stats.damaged as u64)));
    }
    if stats.open_calls > 0 {
        out += &format!("  {} under way or left by a killed build\n", count(stats.open_calls, "call"));
    }
    for phase in &stats.phases {
        let by_hand = if phase.by_hand > 0 {
            format!(", {} by hand", number(phase.by_hand as u64))
        } else {
            String::new()
        };
        out += &format!(
            "  {}: {} brought {}{by_hand}, {}\n",
            flat(&format!("{}/{}", phase.course, phase.phase)),
            count(phase.calls, "call"),
            count(phase.results, "result"),
            price(phase.money_usd, phase.unpriced)
        );
    }
    out += &listed("using it", &stats.workspaces, look);
    out
}

/// What goes, or would go.
pub fn collected_text(told: &Collected, look: Look) -> String {
    let head = if told.done { look.bold("removed:") } else { look.bold("would be removed:") };
    let mut out = format!(
        "{head} {} with {}, {}\n  they cost {}\n",
        count(told.entries, "entry"),
        count(told.results, "result"),
        bytes(told.bytes),
        price(told.money_usd, told.unpriced)
    );
    let kept: Vec<String> = [
        (told.needed, "needed by a lock, a main file, a hand edit or what would be built now"),
        (told.unpushed, "not on the shared store yet"),
        (told.young, "too young"),
        (told.spared, "spared, for the rest is small enough"),
    ]
    .iter()
    .filter(|(entries, _)| *entries > 0)
    .map(|(entries, why)| format!("{} {why}", number(*entries as u64)))
    .collect();
    let kept = if kept.is_empty() { "nothing".to_owned() } else { kept.join("; ") };
    out += &format!("  stays: {kept} ({})\n", bytes(told.bytes_left));
    out += &listed("whose needs were read", &told.workspaces, look);
    out += &listed("registered and not there", &told.missing, look);
    if !told.done && told.entries > 0 {
        out += "  nothing was removed: `coursebuild gc --yes` does it\n";
    }
    out
}

/// What was fetched.
pub fn pulled_text(pulled: &Pulled, look: Look) -> String {
    let mut out = format!("fetched {}\n", count(pulled.fetched, "result"));
    pulled
        .warnings
        .iter()
        .for_each(|warning| out += &format!("{} {}\n", look.odd("warning:"), flat(warning)));
    out
}

/// What was offered.
pub fn pushed_text(pushed: &Pushed, warnings: &[String], look: Look) -> String {
    let mut out = format!("pushed {}", count(pushed.stored, "result"));
    if pushed.lost > 0 {
        out += &format!("; for {} others came first, and theirs were fetched", count(pushed.lost, "result"));
    }
    out.push('\n');
    if pushed.left > 0 {
        let why = pushed.why.as_ref().map(|why| format!(": {}", flat(why))).unwrap_or_default();
        out += &format!("{} are left{why}\n", look.bad(&count(pushed.left, "result")));
    }
    warnings.iter().for_each(|warning| out += &format!("{} {}\n", look.odd("warning:"), flat(warning)));
    out
}

/// The same for programs.
pub fn pushed_json(pushed: &Pushed, warnings: &[String]) -> Result<String> {
    let Pushed { stored, lost, left, why } = pushed;
    cache_json(&json!({"stored": stored, "lost": lost, "left": left, "why": why, "warnings": warnings}))
}

/// How a shared store behaves.
pub fn examined_text(found: &Examined, look: Look) -> String {
    let Some(shared) = &found.shared else { return format!("{}\n", flat(&found.found)) };
    let word = if found.usable { look.good("usable:") } else { look.bad("not usable:") };
    let unpushed = match found.unpushed {
        0 => String::new(),
        n => format!("  {} may not be there yet: `coursebuild cache push`\n", count(n, "entry")),
    };
    format!("{word} `{}` {}\n{unpushed}", flat(shared), flat(&found.found))
}

/// Where results come from.
pub fn blame_text(blames: &[Blame], look: Look) -> String {
    blames.iter().map(|blame| blame_line(blame, look)).collect()
}

fn blame_line(blame: &Blame, look: Look) -> String {
    let mut out = format!("{} {}", look.bold(&flat(&blame.target)), blame.verdict);
    let Some(digest) = blame.digest else { return out + ": no result\n" };
    out += &format!(", {}", &digest.to_string()[..12]);
    let by = match blame.provenance {
        Some(Provenance::Edited) => "written by hand",
        Some(Provenance::Adopted) => "adopted",
        Some(Provenance::Accepted) => "accepted",
        _ => "generated",
    };
    out += &format!(" {by}");
    let Some(entry) = &blame.entry else {
        return out + ": it stands in the main file, and the store has no entry of it\n";
    };
    out += &format!(" {}", moment(blame.ended_ms));
    if !blame.call.is_empty() {
        let from = if blame.shared { ", from the shared store" } else { "" };
        let model = blame.model.as_ref().map(|model| format!(" ({})", flat(model))).unwrap_or_default();
        let cost = blame.money_usd.map(|usd| format!(", {} for {}", money(usd), count(blame.items, "item")));
        out += &format!(
            "\n    by {}{model}, attempt {}, call {} for {}{}{from}",
            flat(&blame.generator),
            blame.attempt,
            flat(&blame.call),
            flat(&blame.label),
            cost.unwrap_or_default(),
        );
    }
    out + &format!("\n    entry {entry}\n")
}

fn listed(what: &str, lines: &[String], look: Look) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let mut out = format!("  {} {what}:\n", number(lines.len() as u64));
    let most = look.most(LISTED);
    lines.iter().take(most).for_each(|line| out += &format!("    {}\n", flat(line)));
    if lines.len() > most {
        out += &format!("    and {} more (`-v` lists them)\n", lines.len() - most);
    }
    out
}

/// `$1.20`, `$1.20 and 3 calls of unknown price`.
fn price(usd: f64, unpriced: usize) -> String {
    match unpriced {
        0 => money(usd),
        n => format!("{} and {} of unknown price", money(usd), count(n, "call")),
    }
}

/// A length for people: `1.4 MB`.
#[expect(clippy::cast_precision_loss, reason = "one digit behind the point is shown")]
fn bytes(length: u64) -> String {
    let mut size = length as f64;
    for unit in ["bytes", "kB", "MB", "GB"] {
        if size < 1000.0 || unit == "GB" {
            return if unit == "bytes" {
                count(usize::try_from(length).unwrap_or(usize::MAX), "byte")
            } else {
                format!("{size:.1} {unit}")
            };
        }
        size /= 1000.0;
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_is_told_with_its_price() {
        let told = Collected {
            entries: 3,
            bytes: 1_234_567,
            results: 40,
            money_usd: 1.2,
            unpriced: 1,
            needed: 7,
            young: 2,
            bytes_left: 999,
            workspaces: vec!["/a/coursebuild.toml".into()],
            ..Collected::default()
        };
        assert_eq!(
            collected_text(&told, Look::default()),
            "\
would be removed: 3 entries with 40 results, 1.2 MB
  they cost $1.20 and 1 call of unknown price
  stays: 7 needed by a lock, a main file, a hand edit or what would be built now; 2 too young (999 bytes)
  1 whose needs were read:
    /a/coursebuild.toml
  nothing was removed: `coursebuild gc --yes` does it
"
        );
    }
}
