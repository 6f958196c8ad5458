//! `accept`, `waive`, `pin` and `unpin`: what people decide.

use super::args::{Format, Global, Select};
use super::meaning;
use super::surroundings::Surroundings;
use crate::diag::{Problem, Result};
use crate::report::{self, Look};
use crate::run::{self, AcceptOptions, Effect};
use clap::Args;

#[derive(Debug, Args)]
pub(super) struct Accept {
    /// Key parts, as `accept` alone lists them; a document for all its sections
    #[arg(value_name = "PART")]
    parts: Vec<String>,
    /// Only in this phase (repeatable)
    #[arg(long = "phase", value_name = "NAME")]
    phases: Vec<String>,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
pub(super) struct Waive {
    /// Whose findings
    #[arg(value_name = "TARGET", required_unless_present = "list")]
    targets: Vec<String>,
    /// Only findings of this type
    #[arg(long, value_name = "NAME")]
    check: Option<String>,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
pub(super) struct Pin {
    /// Whose results
    #[arg(value_name = "TARGET", required_unless_present = "list")]
    targets: Vec<String>,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
struct How {
    /// Why; kept with the decision
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// List what was decided so far
    #[arg(long, conflicts_with_all = ["revoke", "reason"])]
    list: bool,
    /// Take it back
    #[arg(long, conflicts_with = "reason")]
    revoke: bool,
}

impl How {
    /// The reason on one line.
    fn told(&self) -> Option<String> {
        let words: Vec<&str> = self.reason.as_deref()?.split_whitespace().collect();
        Some(words.join(" ")).filter(|text| !text.is_empty())
    }

    fn wanted(&self, command: &str) -> Result<String> {
        self.told().ok_or_else(|| {
            Problem::author(format!("`{command}` wants a reason"))
                .hint("add `--reason TEXT`: it is kept in coursebuild.accepted.toml, for whoever asks later")
        })
    }
}

/// What a decision needs to know of the command line.
pub(super) struct Asked<'a> {
    pub(super) global: &'a Global,
    pub(super) look: Look,
    pub(super) around: &'a mut Surroundings,
}

impl Asked<'_> {
    fn options(&mut self, targets: &[String]) -> Result<run::Options> {
        let select = Select { targets: targets.to_vec(), ..Select::default() };
        meaning::question(&select, self.global, self.around)
    }

    fn json(&self) -> bool {
        self.global.format == Format::Json
    }

    fn effect(&self, effect: &Effect, verb: &str) -> Result<String> {
        if self.json() {
            report::effect_json(effect)
        } else {
            Ok(report::effect_text(effect, verb, self.look))
        }
    }
}

/// `accept`.
pub(super) fn accept(typed: &Accept, mut asked: Asked<'_>) -> Result<String> {
    let options = asked.options(&[])?;
    let (parts, phases) = (typed.parts.clone(), typed.phases.clone());
    let wanted = |reason| AcceptOptions { parts, phases, reason };
    if typed.how.list {
        let all = run::accepted(&options)?;
        return if asked.json() {
            report::decisions_json(all.edits())
        } else {
            Ok(report::edits_text(all.edits()))
        };
    }
    if typed.how.revoke {
        return asked.effect(&run::revoke_accepted(&options, &wanted(String::new()))?, "no longer accepted");
    }
    if typed.parts.is_empty() {
        let told = run::outstanding_edits(&options)?;
        return if asked.json() {
            report::outstanding_json(&told)
        } else {
            Ok(report::outstanding_text(&told, asked.look))
        };
    }
    let reason = typed.how.wanted("accept")?;
    asked.effect(&run::accept(&options, &wanted(reason))?, "accepted")
}

/// `waive`.
pub(super) fn waive(typed: &Waive, mut asked: Asked<'_>) -> Result<String> {
    let options = asked.options(&typed.targets)?;
    let check = typed.check.as_deref();
    if typed.how.list {
        let all = run::accepted(&options)?;
        return if asked.json() {
            report::decisions_json(all.waivers())
        } else {
            Ok(report::waivers_text(all.waivers()))
        };
    }
    if typed.how.revoke {
        let effect = run::revoke_waived(&options, &typed.targets, check)?;
        return asked.effect(&effect, "no longer waived");
    }
    let reason = typed.how.wanted("waive")?;
    asked.effect(&run::waive(&options, check, &reason)?, "waived")
}

/// `pin`, and with `--revoke` `unpin`.
pub(super) fn pin(typed: &Pin, mut asked: Asked<'_>) -> Result<String> {
    if typed.how.revoke {
        return unpin(&typed.targets, asked);
    }
    let options = asked.options(&typed.targets)?;
    if typed.how.list {
        let all = run::accepted(&options)?;
        return if asked.json() {
            report::decisions_json(all.pins())
        } else {
            Ok(report::pins_text(all.pins()))
        };
    }
    asked.effect(&run::pin(&options, typed.how.told().as_deref())?, "pinned")
}

/// `unpin`.
pub(super) fn unpin(targets: &[String], mut asked: Asked<'_>) -> Result<String> {
    let options = asked.options(targets)?;
    asked.effect(&run::unpin(&options, targets)?, "no longer pinned")
}
