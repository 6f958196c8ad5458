//! What the commands take.

use super::words::*;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// What a new course is to be. What is left open is asked for on a terminal.
#[derive(Debug, Default, Args)]
pub(in crate::cli) struct Init {
    /// A folder of main files that were made elsewhere: recognises their format, and proposes a manifest for them
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) from: Option<PathBuf>,
    /// Adopt them right away
    #[arg(long, requires = "from")]
    pub(in crate::cli) adopt: bool,
    /// The course, as TARGET_for_KNOWN: spa_for_eng
    #[arg(long, value_name = "CODE")]
    pub(in crate::cli) course: Option<String>,
    /// The file of its seeds; unless told, seeds.json, and the example's where there is none; with `--from`, the one that holds them
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) seeds: Option<String>,
    /// Who answers; `command` where `--program` is given, else `phrasebook`, with `--from` `drop`
    #[arg(long, value_name = "KIND", value_enum)]
    pub(in crate::cli) generator: Option<Starting>,
    /// The phrasebook, the recorded outputs, or the folder that prompts are laid into
    #[arg(long, value_name = "FILE", conflicts_with = "program")]
    pub(in crate::cli) file: Option<String>,
    /// The program that answers, with its arguments in one word: "./ask.sh -x"
    #[arg(long, value_name = "WORDS")]
    pub(in crate::cli) program: Option<String>,
    /// Ask no questions
    #[arg(long)]
    pub(in crate::cli) yes: bool,
}

/// The generators that a course can start with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Starting {
    /// Embedded and offline
    Phrasebook,
    /// Recorded outputs
    Replay,
    /// Any program
    Command,
    /// Whoever takes prompts from a folder
    Drop,
}

#[derive(Debug, Default, Args)]
pub(in crate::cli) struct Build {
    #[command(flatten)]
    pub(in crate::cli) select: Select,
    #[command(flatten)]
    pub(in crate::cli) buy: Buy,
    /// Calls in flight at once
    #[arg(short = 'j', long = "jobs", value_name = "N", default_value = "4", value_parser = at_least_one)]
    #[arg(help_heading = "How")]
    pub(in crate::cli) jobs: usize,
    /// Go on with everything that does not depend on a failure
    #[arg(short = 'k', long, help_heading = "How")]
    pub(in crate::cli) keep_going: bool,
    /// Only tell what would be done (as `plan`)
    #[arg(short = 'n', long, help_heading = "How")]
    pub(in crate::cli) dry_run: bool,
    /// Buy what is named to be looked at: nothing becomes current (`diff`, `keep`, `drop-trial`)
    #[arg(long, help_heading = "How", conflicts_with_all = ["always_make", "fix", "refresh_edited"])]
    pub(in crate::cli) trial: bool,
    /// Make N calls of the plan first, show what they change, and ask before the rest (no terminal: exit 4)
    #[arg(long, value_name = "N", value_parser = at_least_one, help_heading = "How")]
    #[arg(conflicts_with_all = ["trial", "always_make", "fix"])]
    pub(in crate::cli) canary: Option<usize>,
    /// Wait when another build holds the workspace, instead of failing
    #[arg(long, help_heading = "How")]
    pub(in crate::cli) wait: bool,
    /// Ask no questions
    #[arg(long, help_heading = "Limits")]
    pub(in crate::cli) yes: bool,
    /// Fail if any call is needed
    #[arg(long, help_heading = "Limits")]
    pub(in crate::cli) locked: bool,
    /// Ask nothing over the network: no shared store on a server, no generator that needs one
    #[arg(long, help_heading = "Limits")]
    pub(in crate::cli) offline: bool,
    /// What is done with the store and the shared store: local:rw,shared:r (rw, r or off)
    #[arg(long, value_name = "USE", value_parser = crate::cli::meaning::cache_use, help_heading = "Shared store")]
    pub(in crate::cli) cache: Option<crate::course::SharedMode>,
    /// What is done with items when the shared store cannot be asked
    #[arg(long, value_name = "WHAT", value_enum, help_heading = "Shared store")]
    pub(in crate::cli) on_remote_down: Option<RemoteDown>,
    /// Do not fail in a CI job when something that was bought could not be pushed
    #[arg(long, help_heading = "Shared store")]
    pub(in crate::cli) allow_unpushed: bool,
    /// Tell GitHub what went wrong, as annotations; `auto`: in a GitHub job
    #[arg(long, value_name = "FOR", value_enum, default_value_t = Annotations::Auto, help_heading = "In CI")]
    pub(in crate::cli) annotations: Annotations,
    /// Add a summary in Markdown to this file; in a GitHub job also to the job's own
    #[arg(long, value_name = "FILE", help_heading = "In CI")]
    pub(in crate::cli) summary_file: Option<PathBuf>,
    /// Write what failed or is held as JUnit XML to this file
    #[arg(long, value_name = "FILE", help_heading = "In CI")]
    pub(in crate::cli) junit: Option<PathBuf>,
    /// Write a code quality report to this file, as GitLab reads it
    #[arg(long, value_name = "FILE", help_heading = "In CI")]
    pub(in crate::cli) code_quality: Option<PathBuf>,
    /// Make at most so many calls
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub(in crate::cli) max_calls: Option<usize>,
    /// Start no call once so many US dollars are spent
    #[arg(long, value_name = "USD", value_parser = dollars, help_heading = "Limits")]
    pub(in crate::cli) budget: Option<f64>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Adopt {
    /// What to take, out of date or not; everything that nothing explains when none is given
    #[arg(value_name = "TARGET")]
    pub(in crate::cli) targets: Vec<String>,
    /// Only tell what would be taken
    #[arg(short = 'n', long)]
    pub(in crate::cli) dry_run: bool,
    /// Compute derived fields instead of keeping what was found
    #[arg(long)]
    pub(in crate::cli) recompute_derived: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Resolve {
    /// What to decide about: of several items those that wait for a decision
    #[arg(value_name = "TARGET", required_unless_present = "list")]
    pub(in crate::cli) targets: Vec<String>,
    #[command(flatten)]
    pub(in crate::cli) choice: Chosen,
}

/// What is to stand: one of these.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
#[command(next_help_heading = "What is to stand")]
pub(in crate::cli) struct Chosen {
    /// What stands now
    #[arg(long)]
    pub(in crate::cli) mine: bool,
    /// What was generated from the present inputs
    #[arg(long)]
    pub(in crate::cli) theirs: bool,
    /// The item as JSON in a file
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) merged: Option<PathBuf>,
    /// The result with this number in the item's history
    #[arg(long, value_name = "N")]
    pub(in crate::cli) generation: Option<usize>,
    /// What stood before the last decision
    #[arg(long)]
    pub(in crate::cli) revoke: bool,
    /// Only list what waits for a decision, and what was decided
    #[arg(long)]
    pub(in crate::cli) list: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Plan {
    #[command(flatten)]
    pub(in crate::cli) select: Select,
    #[command(flatten)]
    pub(in crate::cli) buy: Buy,
    /// Ask nothing over the network
    #[arg(long, help_heading = "How")]
    pub(in crate::cli) offline: bool,
    /// What is done with the store and the shared store: local:rw,shared:r (rw, r or off)
    #[arg(long, value_name = "USE", value_parser = crate::cli::meaning::cache_use, help_heading = "How")]
    pub(in crate::cli) cache: Option<crate::course::SharedMode>,
    /// Exit with 3 when calls are needed
    #[arg(long, help_heading = "How")]
    pub(in crate::cli) exit_code: bool,
}

/// What may be bought.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "What")]
pub(in crate::cli) struct Select {
    /// What to bring up to date; everything when none is given
    #[arg(value_name = "TARGET", help_heading = None)]
    pub(in crate::cli) targets: Vec<String>,
    /// Only what comes of these source items: S0101-S0200,S0300
    #[arg(long, visible_alias = "seeds", value_name = "RANGE,…", value_delimiter = ',')]
    pub(in crate::cli) items: Vec<String>,
    /// Only this phase (repeatable)
    #[arg(long = "phase", value_name = "NAME")]
    pub(in crate::cli) phases: Vec<String>,
}

/// What is bought although it would be left alone.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Also buy")]
pub(in crate::cli) struct Buy {
    /// Everything selected, as if it were stale
    #[arg(short = 'B', long)]
    pub(in crate::cli) always_make: bool,
    /// Hand edits that fail a check
    #[arg(long)]
    pub(in crate::cli) fix: bool,
    /// Items whose attempts are exhausted
    #[arg(long)]
    pub(in crate::cli) retry_failed: bool,
    /// Hand edits whose inputs or instructions changed
    #[arg(long)]
    pub(in crate::cli) refresh_edited: bool,
    /// What comes of derived fields that stand as they were found, once they are computed
    #[arg(long)]
    pub(in crate::cli) recompute_derived: bool,
    /// What depends on stale items that are not selected
    #[arg(long)]
    pub(in crate::cli) with_stale_inputs: bool,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| *n > 0).ok_or_else(|| "wants a whole number from 1".into())
}

fn dollars(text: &str) -> Result<f64, String> {
    let number = text.strip_prefix('$').unwrap_or(text).parse::<f64>().ok();
    number
        .filter(|usd| usd.is_finite() && *usd >= 0.0)
        .ok_or_else(|| "wants an amount of US dollars, such as 2.50".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_amounts() {
        assert_eq!(dollars("2.50"), Ok(2.5));
        assert_eq!(dollars("$3"), Ok(3.0));
        for bad in ["-1", "nan", "inf", "", "x"] {
            assert!(dollars(bad).is_err(), "{bad}");
        }
        assert_eq!(at_least_one("1"), Ok(1));
        assert!(at_least_one("0").is_err());
    }
}
