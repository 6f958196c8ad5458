//! What was typed: the grammar of the command line, without meaning and without I/O.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Without a command it builds: the options of `coursebuild build --help` may be given right away.

Examples:
  coursebuild                                bring everything up to date
  coursebuild plan                           what would be done, why, in how many calls
  coursebuild -j 8 -k spa_for_eng/phase3     one phase, 8 calls at once, on after failures
  coursebuild build --items S0101-S0200      only what these seeds need
  coursebuild why spa_for_eng/phase3/S0123   why an item is not fresh
  coursebuild log spa_for_eng/phase3/7       every call that asked for items of batch 7

Targets (the course may be left out when there is only one):
  spa_for_eng                                a course
  spa_for_eng/phase3                         a phase
  spa_for_eng/phase3/7                       a batch
  spa_for_eng/phase3/S0123                   an item
  S0101-S0200                                a range, from the first to the last
  courses/spa_for_eng/lego_pairs.json        a main file

Exit codes:
  0  done or fresh                           4    a budget or a confirmation stopped it
  1  something failed                        5    another build holds the workspace
  2  a mistake of caller or author           70   a bug of coursebuild
  3  work is needed (--locked, --exit-code)  130  interrupted";

/// A make-style incremental build tool for content that LLM agents write in batches
#[derive(Debug, Parser)]
#[command(name = "coursebuild", version, after_help = EXAMPLES, subcommand_required = true)]
#[command(override_usage = "coursebuild [COMMAND] [OPTIONS] [TARGET]...", max_term_width = 110)]
pub(super) struct Typed {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Everywhere")]
pub(super) struct Global {
    /// Start in this folder
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub(super) directory: Option<PathBuf>,
    /// The manifest; else `coursebuild.toml` here or in the nearest folder above
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) manifest: Option<PathBuf>,
    /// The store; else `COURSEBUILD_STORE`, else what the manifest says
    #[arg(long, value_name = "DIR", global = true)]
    pub(super) store: Option<PathBuf>,
    /// For people, or one JSON object (`build`: one event a line)
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Human, global = true)]
    pub(super) format: Format,
    /// Colours; `auto` heeds the terminal, `NO_COLOR` and `CLICOLOR_FORCE`
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = When::Auto, global = true)]
    pub(super) color: When,
    /// Tell only what goes wrong
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Tell more, and cut nothing
    #[arg(short, long, global = true)]
    pub(super) verbose: bool,
}

/// Who the output is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Human,
    Json,
}

/// When there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum When {
    Auto,
    Always,
    Never,
}

/// A kind of file that people write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SchemaOf {
    /// coursebuild.toml
    Manifest,
    /// A rule of a pack
    Rule,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Bring targets up to date (what a bare `coursebuild` does)
    #[command(after_help = "\
Examples:
  coursebuild build -n                         only say what would be done
  coursebuild build -k --max-calls 20 --yes    20 calls at most, no questions
  coursebuild build --locked                   fail if a call is needed: for a continuous build
  coursebuild build --retry-failed spa_for_eng/phase3/7")]
    Build(Build),
    /// Tell what would be done and why, and change nothing
    #[command(after_help = "\
Examples:
  coursebuild plan spa_for_eng/phase5
  coursebuild plan --exit-code                 exit 3 when calls are needed, 0 when not
  coursebuild plan --format json")]
    Plan(Plan),
    /// Tell every reason why a target is not fresh, as a diff of the parts of its key
    #[command(after_help = "Example:\n  coursebuild why spa_for_eng/phase3/S0123")]
    Why {
        /// What to explain
        #[arg(value_name = "TARGET", required = true)]
        targets: Vec<String>,
    },
    /// Show phases and batches at a glance (`-v`: every batch that is not fresh)
    Status,
    /// Print a target's output as JSON, in its phase's shape
    #[command(after_help = "Example:\n  coursebuild show spa_for_eng/phase3/S0123")]
    Show {
        /// What to show
        #[arg(value_name = "TARGET")]
        target: String,
    },
    /// Print the exact prompt that a call for a target would be sent
    #[command(after_help = "Example:\n  coursebuild prompt spa_for_eng/phase3/7 > prompt.md")]
    Prompt {
        /// What the call is for
        #[arg(value_name = "TARGET")]
        target: String,
    },
    /// List the calls that asked for a target's items, oldest first (`-v`: and the digests of what was sent)
    #[command(after_help = "Example:\n  coursebuild log -v spa_for_eng/phase3/7")]
    Log {
        /// Whose calls; everything's when none is given
        #[arg(value_name = "TARGET")]
        targets: Vec<String>,
        /// What they cost, by phase, model, reason and day
        #[arg(long)]
        cost: bool,
    },
    /// List the built-in packs of rules, copy one out, or print the schemas of manifests and rules
    #[command(after_help = "\
Examples:
  coursebuild rules
  coursebuild rules --copy objects@1 rules       a copy to change; name it in the manifest: rules = \"rules\"
  coursebuild rules --schema rule > rule.json    for an editor that completes and checks")]
    Rules {
        /// Copy a pack into a folder; nothing is overwritten
        #[arg(long, num_args = 2, value_names = ["NAME", "DIR"], conflicts_with = "schema")]
        copy: Option<Vec<String>>,
        /// Print the JSON Schema of a kind of file
        #[arg(long, value_name = "FILE", value_enum)]
        schema: Option<SchemaOf>,
    },
    /// Run one call's program (started by a build, never by hand)
    #[command(hide = true)]
    Supervise {
        /// The call's folder
        directory: PathBuf,
    },
}

#[derive(Debug, Default, Args)]
pub(super) struct Build {
    #[command(flatten)]
    pub(super) select: Select,
    #[command(flatten)]
    pub(super) buy: Buy,
    /// Calls in flight at once
    #[arg(short = 'j', long = "jobs", value_name = "N", default_value = "4", value_parser = at_least_one)]
    #[arg(help_heading = "How")]
    pub(super) jobs: usize,
    /// Go on with everything that does not depend on a failure
    #[arg(short = 'k', long, help_heading = "How")]
    pub(super) keep_going: bool,
    /// Only tell what would be done (as `plan`)
    #[arg(short = 'n', long, help_heading = "How")]
    pub(super) dry_run: bool,
    /// Wait when another build holds the workspace, instead of failing
    #[arg(long, help_heading = "How")]
    pub(super) wait: bool,
    /// Ask no questions
    #[arg(long, help_heading = "Limits")]
    pub(super) yes: bool,
    /// Fail if any call is needed
    #[arg(long, help_heading = "Limits")]
    pub(super) locked: bool,
    /// Use no generator that needs the network
    #[arg(long, help_heading = "Limits")]
    pub(super) offline: bool,
    /// Make at most so many calls
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub(super) max_calls: Option<usize>,
    /// Start no call once so many US dollars are spent
    #[arg(long, value_name = "USD", value_parser = dollars, help_heading = "Limits")]
    pub(super) budget: Option<f64>,
}

#[derive(Debug, Args)]
pub(super) struct Plan {
    #[command(flatten)]
    pub(super) select: Select,
    #[command(flatten)]
    pub(super) buy: Buy,
    /// Exit with 3 when calls are needed
    #[arg(long, help_heading = "How")]
    pub(super) exit_code: bool,
}

/// What may be bought.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "What")]
pub(super) struct Select {
    /// What to bring up to date; everything when none is given
    #[arg(value_name = "TARGET", help_heading = None)]
    pub(super) targets: Vec<String>,
    /// Only what comes of these source items: S0101-S0200,S0300
    #[arg(long, visible_alias = "seeds", value_name = "RANGE,…", value_delimiter = ',')]
    pub(super) items: Vec<String>,
    /// Only this phase (repeatable)
    #[arg(long = "phase", value_name = "NAME")]
    pub(super) phases: Vec<String>,
}

/// What is bought although it would be left alone.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Also buy")]
pub(super) struct Buy {
    /// Everything selected, as if it were stale
    #[arg(short = 'B', long)]
    pub(super) always_make: bool,
    /// Hand edits that fail a check
    #[arg(long)]
    pub(super) fix: bool,
    /// Items whose attempts are exhausted
    #[arg(long)]
    pub(super) retry_failed: bool,
    /// Hand edits whose inputs or instructions changed
    #[arg(long)]
    pub(super) refresh_edited: bool,
    /// What depends on stale items that are not selected
    #[arg(long)]
    pub(super) with_stale_inputs: bool,
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
    use clap::CommandFactory;

    #[test]
    fn the_grammar_holds_together() {
        Typed::command().debug_assert();
    }

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
