//! What was typed: the grammar of the command line, without meaning and without I/O.

use super::decisions::{Accept, Pin, Waive};
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
  0  done or fresh                           5    another build holds the workspace
  1  something failed                        6    the shared store is out of reach: items are held
  2  a mistake of caller or author           7    paid work is not on the shared store yet
  3  work is needed (--locked, --exit-code)  70   a bug of coursebuild
  4  a budget or a confirmation stopped it   130  interrupted";

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
    /// Colours; `auto` heeds the terminal, `NO_COLOR`, `CLICOLOR` and `CLICOLOR_FORCE`
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

/// What is done with items when the shared store cannot be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum RemoteDown {
    /// Hold them, and exit with 6
    Hold,
    /// Buy them
    Generate,
}

/// A language of graphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Drawn {
    /// Graphviz
    Dot,
    /// Mermaid, for Markdown
    Mermaid,
}

/// Whose annotations are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Annotations {
    #[default]
    Auto,
    Github,
    Off,
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
    /// Take existing main files, made elsewhere, as results of the present inputs; buys nothing
    #[command(after_help = "\
Examples:
  coursebuild adopt -n                         only tell what would be taken, held, missing
  coursebuild adopt                            take all that nothing explains
  coursebuild adopt spa_for_eng/phase5/7       take this as it is, out of date or not")]
    Adopt(Adopt),
    /// Print who feeds whom: documents, phases, main files
    #[command(after_help = "\
Examples:
  coursebuild graph | dot -Tsvg > graph.svg
  coursebuild graph --as mermaid spa_for_eng   for a page of Markdown
  coursebuild graph --format json")]
    Graph {
        /// Courses or phases; everything when none is given
        #[arg(value_name = "TARGET")]
        targets: Vec<String>,
        /// How to write it
        #[arg(long = "as", value_name = "LANGUAGE", value_enum, default_value_t = Drawn::Dot)]
        drawn: Drawn,
    },
    /// Print a target's output as JSON, in its phase's shape
    #[command(after_help = "Example:\n  coursebuild show spa_for_eng/phase3/S0123")]
    Show {
        /// What to show
        #[arg(value_name = "TARGET")]
        target: String,
        /// The generation with this number (`log ITEM` lists them)
        #[arg(long, value_name = "N")]
        at: Option<usize>,
    },
    /// Print the exact prompt that a call for a target would be sent
    #[command(after_help = "Example:\n  coursebuild prompt spa_for_eng/phase3/7 > prompt.md")]
    Prompt {
        /// What the call is for
        #[arg(value_name = "TARGET")]
        target: String,
    },
    /// Show what changed in items: beside a trial where one waits, else against the generation before
    #[command(after_help = "\
Examples:
  coursebuild diff spa_for_eng/phase3/7
  coursebuild diff spa_for_eng/phase3/S0123 --from 1 --to 3")]
    Diff {
        /// What to compare
        #[arg(value_name = "TARGET", required = true)]
        targets: Vec<String>,
        /// The older generation, counted from 1, the oldest first; the one before, when only `--to` is given
        #[arg(long, value_name = "N")]
        from: Option<usize>,
        /// The newer generation; the present one, when only `--from` is given
        #[arg(long, value_name = "N")]
        to: Option<usize>,
    },
    /// Make the trials of items current: the next build writes them into the main files
    #[command(after_help = "\
Example:
  coursebuild build phase3/7 --trial           buy answers to look at
  coursebuild diff phase3/7                    beside those that stand
  coursebuild keep phase3/7                    or: coursebuild drop-trial phase3/7")]
    Keep {
        /// Whose trials
        #[arg(value_name = "TARGET", required = true)]
        targets: Vec<String>,
    },
    /// Forget the trials of items; they stay in the store
    DropTrial {
        /// Whose trials
        #[arg(value_name = "TARGET", required = true)]
        targets: Vec<String>,
    },
    /// List the calls that asked for a target's items, oldest first (`-v`: and the digests of what was sent); of one item, its
    /// generations
    #[command(after_help = "Example:\n  coursebuild log -v spa_for_eng/phase3/7")]
    Log {
        /// Whose calls; everything's when none is given
        #[arg(value_name = "TARGET")]
        targets: Vec<String>,
        /// What they cost, by phase, model, reason and day
        #[arg(long)]
        cost: bool,
    },
    /// Run the checks over what is there: no calls, nothing written (`-v`: warnings too)
    #[command(after_help = "\
Examples:
  coursebuild check
  coursebuild check -v phase5 --check vocabulary
  coursebuild check --format json > checked.json
  coursebuild check --junit checked.xml        for a continuous build; exit 1 when there are errors")]
    Check {
        /// What to look at; everything when none is given
        #[arg(value_name = "TARGET")]
        targets: Vec<String>,
        /// Tell only what this check, or type of finding, says (repeatable)
        #[arg(long = "check", value_name = "NAME")]
        only: Vec<String>,
        /// Write what was found as JUnit XML too
        #[arg(long, value_name = "FILE")]
        junit: Option<PathBuf>,
    },
    /// Look for what is wrong with the workspace, or odd about it; exit 1 when something is wrong
    Doctor,
    /// Decide what stands for an item: an edit, what was generated since, the two merged, or an earlier generation
    #[command(after_help = "\
Examples:
  coursebuild resolve --list                         what waits for a decision
  coursebuild resolve phase5/S0012L03 --mine         the edit stands, for the present inputs too
  coursebuild resolve phase5 --theirs                everywhere in phase5 what was generated since
  coursebuild resolve phase5/S0012L03 --merged x.json
  coursebuild resolve phase5/S0012L03 --generation 2 back to an earlier result")]
    Resolve(Resolve),
    /// Print a page of how everything stands, what it took and cost: HTML that needs nothing beside itself
    #[command(after_help = "Example:\n  coursebuild report > report.html")]
    Report,
    /// Merge main files, locks and decisions of two branches item by item: what git runs, once it is installed
    #[command(after_help = "\
Examples:
  coursebuild merge-driver --install      tell git about it, here and in `.gitattributes`
Git runs `coursebuild merge-driver %O %A %B %P`: exit 0 when all is merged, 1 with the conflicts between markers.")]
    MergeDriver {
        /// What both come from, ours (the result is written there), theirs, and the path that they are of
        #[arg(value_names = ["BASE", "OURS", "THEIRS", "PATH"], num_args = 4, required_unless_present = "install")]
        files: Vec<PathBuf>,
        /// Put the driver into git's configuration of this repository, and its files into `.gitattributes`
        #[arg(long, conflicts_with = "files")]
        install: bool,
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
    /// Look after the store: count, pack, take in, look over, trace
    #[command(subcommand)]
    Cache(super::cache::Cache),
    /// Remove from the store what nobody needs; only tells what would go, and what that cost, until `--yes`
    #[command(after_help = "\
Examples:
  coursebuild gc                               what could go, and what it cost
  coursebuild gc --older-than 90d --max-size 2GB --yes")]
    Gc(super::cache::Gc),
    /// Declare an edit of a document, template, schema or model to be without effect
    #[command(after_help = "\
Examples:
  coursebuild accept                                              which edits hold up how many items
  coursebuild accept docs/x.md --reason 'typos'                   0 calls for them
  coursebuild accept model --phase phase3 --reason 'same model, new name'
  coursebuild accept --list
  coursebuild accept --revoke docs/x.md                           as if it had never been accepted")]
    Accept(Accept),
    /// Silence the errors that an output is refused or held for
    #[command(after_help = "\
Examples:
  coursebuild waive phase3/S0041 --check tiling --reason 'an idiom: it cannot be cut'
  coursebuild waive --revoke phase3/S0041")]
    Waive(Waive),
    /// Keep a result whatever changes
    #[command(after_help = "\
Examples:
  coursebuild pin phase5/S0041L02 --reason 'recorded already'
  coursebuild pin --list")]
    Pin(Pin),
    /// Let pinned results go
    #[command(after_help = "Example:\n  coursebuild unpin phase5/S0041L02")]
    Unpin {
        /// Whose results
        #[arg(value_name = "TARGET", required = true)]
        targets: Vec<String>,
    },
    /// Start a course here: a manifest, what a first build needs, and the lines that git wants
    #[command(after_help = "\
Examples:
  coursebuild init                             asks; nothing is overwritten
  coursebuild init --yes                       the example course: 20 sentences, offline
  coursebuild init --course ita_for_eng --seeds canonical_seeds.json --program ./ask.sh")]
    Init(Init),
    /// Print a script that completes commands and options in a shell
    #[command(after_help = "\
Examples:
  coursebuild completions bash > ~/.local/share/bash-completion/completions/coursebuild
  coursebuild completions zsh > ~/.zfunc/_coursebuild")]
    Completions {
        /// The shell
        #[arg(value_name = "SHELL", value_enum)]
        shell: clap_complete::Shell,
    },
    /// Run one call's program (started by a build, never by hand)
    #[command(hide = true)]
    Supervise {
        /// The call's folder
        directory: PathBuf,
    },
}

/// What a new course is to be. What is left open is asked for on a terminal.
#[derive(Debug, Default, Args)]
pub(super) struct Init {
    /// The course, as TARGET_for_KNOWN: spa_for_eng
    #[arg(long, value_name = "CODE")]
    pub(super) course: Option<String>,
    /// The file of its seeds; unless told, seeds.json, and the example's where there is none
    #[arg(long, value_name = "FILE")]
    pub(super) seeds: Option<String>,
    /// Who answers; `command` where `--program` is given, else `phrasebook`
    #[arg(long, value_name = "KIND", value_enum)]
    pub(super) generator: Option<Starting>,
    /// The phrasebook, or the recorded outputs
    #[arg(long, value_name = "FILE", conflicts_with = "program")]
    pub(super) file: Option<String>,
    /// The program that answers, with its arguments in one word: "./ask.sh -x"
    #[arg(long, value_name = "WORDS")]
    pub(super) program: Option<String>,
    /// Ask no questions
    #[arg(long)]
    pub(super) yes: bool,
}

/// The generators that a course can start with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Starting {
    /// Embedded and offline
    Phrasebook,
    /// Recorded outputs
    Replay,
    /// Any program
    Command,
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
    /// Buy what is named to be looked at: nothing becomes current (`diff`, `keep`, `drop-trial`)
    #[arg(long, help_heading = "How", conflicts_with_all = ["always_make", "fix", "refresh_edited"])]
    pub(super) trial: bool,
    /// Wait when another build holds the workspace, instead of failing
    #[arg(long, help_heading = "How")]
    pub(super) wait: bool,
    /// Ask no questions
    #[arg(long, help_heading = "Limits")]
    pub(super) yes: bool,
    /// Fail if any call is needed
    #[arg(long, help_heading = "Limits")]
    pub(super) locked: bool,
    /// Ask nothing over the network: no shared store on a server, no generator that needs one
    #[arg(long, help_heading = "Limits")]
    pub(super) offline: bool,
    /// What is done with the store and the shared store: local:rw,shared:r (rw, r or off)
    #[arg(long, value_name = "USE", value_parser = super::meaning::cache_use, help_heading = "Shared store")]
    pub(super) cache: Option<crate::course::SharedMode>,
    /// What is done with items when the shared store cannot be asked
    #[arg(long, value_name = "WHAT", value_enum, help_heading = "Shared store")]
    pub(super) on_remote_down: Option<RemoteDown>,
    /// Do not fail in a CI job when something that was bought could not be pushed
    #[arg(long, help_heading = "Shared store")]
    pub(super) allow_unpushed: bool,
    /// Tell GitHub what went wrong, as annotations; `auto`: in a GitHub job
    #[arg(long, value_name = "FOR", value_enum, default_value_t = Annotations::Auto, help_heading = "In CI")]
    pub(super) annotations: Annotations,
    /// Add a summary in Markdown to this file; in a GitHub job also to the job's own
    #[arg(long, value_name = "FILE", help_heading = "In CI")]
    pub(super) summary_file: Option<PathBuf>,
    /// Write what failed or is held as JUnit XML to this file
    #[arg(long, value_name = "FILE", help_heading = "In CI")]
    pub(super) junit: Option<PathBuf>,
    /// Write a code quality report to this file, as GitLab reads it
    #[arg(long, value_name = "FILE", help_heading = "In CI")]
    pub(super) code_quality: Option<PathBuf>,
    /// Make at most so many calls
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub(super) max_calls: Option<usize>,
    /// Start no call once so many US dollars are spent
    #[arg(long, value_name = "USD", value_parser = dollars, help_heading = "Limits")]
    pub(super) budget: Option<f64>,
}

#[derive(Debug, Args)]
pub(super) struct Adopt {
    /// What to take, out of date or not; everything that nothing explains when none is given
    #[arg(value_name = "TARGET")]
    pub(super) targets: Vec<String>,
    /// Only tell what would be taken
    #[arg(short = 'n', long)]
    pub(super) dry_run: bool,
    /// Compute derived fields instead of keeping what was found
    #[arg(long)]
    pub(super) recompute_derived: bool,
}

#[derive(Debug, Args)]
pub(super) struct Resolve {
    /// What to decide about: of several items those that wait for a decision
    #[arg(value_name = "TARGET", required_unless_present = "list")]
    pub(super) targets: Vec<String>,
    #[command(flatten)]
    pub(super) choice: Chosen,
}

/// What is to stand: one of these.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
#[command(next_help_heading = "What is to stand")]
pub(super) struct Chosen {
    /// What stands now
    #[arg(long)]
    pub(super) mine: bool,
    /// What was generated from the present inputs
    #[arg(long)]
    pub(super) theirs: bool,
    /// The item as JSON in a file
    #[arg(long, value_name = "FILE")]
    pub(super) merged: Option<PathBuf>,
    /// The result with this number in the item's history
    #[arg(long, value_name = "N")]
    pub(super) generation: Option<usize>,
    /// What stood before the last decision
    #[arg(long)]
    pub(super) revoke: bool,
    /// Only list what waits for a decision, and what was decided
    #[arg(long)]
    pub(super) list: bool,
}

#[derive(Debug, Args)]
pub(super) struct Plan {
    #[command(flatten)]
    pub(super) select: Select,
    #[command(flatten)]
    pub(super) buy: Buy,
    /// Ask nothing over the network
    #[arg(long, help_heading = "How")]
    pub(super) offline: bool,
    /// What is done with the store and the shared store: local:rw,shared:r (rw, r or off)
    #[arg(long, value_name = "USE", value_parser = super::meaning::cache_use, help_heading = "How")]
    pub(super) cache: Option<crate::course::SharedMode>,
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
    /// What comes of derived fields that stand as they were found, once they are computed
    #[arg(long)]
    pub(super) recompute_derived: bool,
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
