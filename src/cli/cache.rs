//! `coursebuild cache` and `coursebuild gc`: the store looked after.

use super::args::{Format, Global, Select};
use super::meaning::{self, Looks};
use super::surroundings::Surroundings;
use crate::diag::Result;
use crate::report;
use crate::run::{self, Limits};
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(super) enum Cache {
    /// Count what the store holds and what it cost
    Stats,
    /// Read every piece of the store; exit 1 if one is damaged
    Verify,
    /// Move damaged pieces of the store aside
    Repair,
    /// Fetch from the shared store what a build would buy otherwise; buys nothing
    Pull,
    /// Offer to the shared store what was bought and may not be there; exit 7 if something is left
    Push,
    /// Try the shared store out: can it be read and written, does it heed the condition on writes
    Doctor,
    /// Tell which call brought the present result of each item
    #[command(after_help = "Example:\n  coursebuild cache blame spa_for_eng/phase3/S0123")]
    Blame {
        /// What to trace
        #[arg(value_name = "TARGET", required = true)]
        targets: Vec<String>,
    },
    /// Pack the store into one file: for a CI system's cache, for mail, for a machine without a network
    #[command(after_help = "Example:\n  coursebuild cache export store.cbpack")]
    Export {
        /// The file to write
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Take in a packed store: what is here already stays, what is damaged is passed over
    #[command(after_help = "Example:\n  coursebuild cache import store.cbpack --if-present")]
    Import {
        /// The file to read
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Do nothing if there is no such file: the first run of a CI job has none
        #[arg(long)]
        if_present: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct Gc {
    /// Keep everything younger: 30d, 12h, 0d
    #[arg(long, value_name = "AGE", default_value = "30d", value_parser = age)]
    older_than: u64,
    /// Remove only as much as it takes to come down to this size, the oldest first: 500MB, 2GB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    max_size: Option<u64>,
    /// Workspaces that are registered and not there are gone for good: what they need is not kept
    #[arg(long)]
    forget_missing: bool,
    /// Do it; without this it is only told
    #[arg(long, visible_alias = "force")]
    yes: bool,
}

/// Does what `cache` asks; gives the text and the exit code.
pub(super) fn cache(
    typed: &Cache,
    global: &Global,
    looks: Looks,
    around: &mut Surroundings,
) -> Result<(String, u8)> {
    let (json, look) = (global.format == Format::Json, looks.output);
    let mut question = |targets: &[String]| {
        let select = Select { targets: targets.to_vec(), ..Select::default() };
        meaning::question(&select, global, around)
    };
    Ok(match typed {
        Cache::Stats => {
            let stats = run::stats(&question(&[])?)?;
            (if json { report::cache_json(&stats)? } else { report::stats_text(&stats, look) }, 0)
        }
        Cache::Verify => {
            let checked = run::verify(&question(&[])?)?;
            let text = if json {
                report::checked_json(&checked, false)?
            } else {
                report::checked_text(&checked, false, look)
            };
            (text, u8::from(!checked.damaged.is_empty()))
        }
        Cache::Repair => {
            let checked = run::repair(&question(&[])?)?;
            (
                if json {
                    report::checked_json(&checked, true)?
                } else {
                    report::checked_text(&checked, true, look)
                },
                0,
            )
        }
        Cache::Pull => {
            let pulled = run::pull(&question(&[])?)?;
            let code = if pulled.out_of_reach > 0 { 6 } else { 0 };
            (if json { report::cache_json(&pulled)? } else { report::pulled_text(&pulled, look) }, code)
        }
        Cache::Push => {
            let (pushed, warnings) = run::push_all(&question(&[])?)?;
            let code = if pushed.left > 0 { 7 } else { 0 };
            let text = if json {
                report::pushed_json(&pushed, &warnings)?
            } else {
                report::pushed_text(&pushed, &warnings, look)
            };
            (text, code)
        }
        Cache::Doctor => {
            let found = run::examine(&question(&[])?)?;
            let text = if json { report::cache_json(&found)? } else { report::examined_text(&found, look) };
            (text, u8::from(!found.usable))
        }
        Cache::Blame { targets } => {
            let items = run::blame(&question(targets)?)?;
            let text = if json {
                report::cache_json(&serde_json::json!({"items": items}))?
            } else {
                report::blame_text(&items, look)
            };
            (text, 0)
        }
        Cache::Export { file } => {
            let (options, shown) = (question(&[])?, file.to_string_lossy());
            let packed = run::export(&options, &meaning::absolute_here(file)?)?;
            (
                if json {
                    report::packed_json(&packed, &shown)?
                } else {
                    report::packed_text(&packed, &shown, look)
                },
                0,
            )
        }
        Cache::Import { file, if_present } => {
            let options = question(&[])?;
            let path = meaning::absolute_here(file)?;
            let unpacked = if *if_present && !path.exists() {
                Default::default()
            } else {
                run::import(&options, &path)?
            };
            (if json { report::unpacked_json(&unpacked)? } else { report::unpacked_text(&unpacked, look) }, 0)
        }
    })
}

/// Does what `gc` asks.
pub(super) fn gc(typed: &Gc, global: &Global, looks: Looks, around: &mut Surroundings) -> Result<String> {
    let limits = Limits {
        older_than_ms: typed.older_than,
        max_bytes: typed.max_size,
        forget_missing: typed.forget_missing,
        for_good: typed.yes,
    };
    let collected = run::gc(&meaning::question(&Select::default(), global, around)?, &limits)?;
    Ok(match global.format {
        Format::Json => report::cache_json(&collected)?,
        Format::Human => report::collected_text(&collected, looks.output),
    })
}

/// `30d`, `12h`, `90m` in milliseconds.
fn age(text: &str) -> Result<u64, String> {
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000)];
    scaled(text, &units).ok_or_else(|| "wants a number of days, hours or minutes, such as 30d".into())
}

/// `500MB` in bytes.
fn size(text: &str) -> Result<u64, String> {
    let units = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000), ("B", 1)];
    scaled(text, &units).ok_or_else(|| "wants a number of bytes, such as 500MB or 2GB".into())
}

fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (unit, factor) = units.iter().find(|(unit, _)| text.ends_with(unit))?;
    text.strip_suffix(unit)?.parse::<u64>().ok()?.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_sizes() {
        assert_eq!((age("30d"), age("12h"), age("0d")), (Ok(2_592_000_000), Ok(43_200_000), Ok(0)));
        assert_eq!((size("500MB"), size("2GB"), size("7B")), (Ok(500_000_000), Ok(2_000_000_000), Ok(7)));
        for bad in ["", "d", "30", "-1d", "1.5d", "99999999999999999999d", "30s"] {
            assert!(age(bad).is_err() && size(bad).is_err(), "{bad}");
        }
    }
}
