//! What was typed: the grammar of the command line, without meaning and without I/O.

mod arguments;
mod words;

pub(super) use arguments::*;
pub(super) use words::*;

use super::decisions::{Accept, Pin, Waive};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// The commands by what they are for; a test compares them with the grammar.
const TEMPLATE: &str = "\
{about-with-newline}
{usage-heading} {usage}

Build:
  build         Bring targets up to date (what a bare `coursebuild` does)
  plan          Tell what would be done and why, and change nothing
  status        Show phases and batches at a glance
  why           Tell every reason why a target is not fresh, down to the edit
  check         Run the checks over what is there; no calls

Look:
  show          Print a target's output as JSON, in its phase's shape
  prompt        Print the exact prompt that a call for a target would be sent
  diff          Show what changed in items, against a trial or another generation
  log           List the calls that asked for items, with time and cost
  graph         Print who feeds whom: documents, phases, main files
  report        Print a page of how everything stands, what it took and cost

Decide:
  accept        Declare an edit of a document, template, schema or model to be without effect
  resolve       Decide what stands for an item: an edit, a newer result, the two merged
  waive         Silence the errors that an output is refused or held for
  pin, unpin    Keep a result whatever changes; let it go
  keep          Make the trials of items current
  drop-trial    Forget the trials of items
  adopt         Take existing main files, made elsewhere, as results

Set up and look after:
  init          Start a course here
  rules         List the built-in packs of rules, copy one out, print the schemas
  doctor        Look for what is wrong with the workspace, or odd about it
  cache         Look after the store: count, pack, share, look over, trace
  gc            Remove from the store what nobody needs
  merge-driver  Merge main files, locks and decisions of two branches, for git
  completions   Print a script that completes commands and options in a shell
  help          Print this message or the help of the given command

Everywhere:
{options}{after-help}";

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
  1  something failed                        6    what was paid for is out of reach: items are held
  2  a mistake of caller or author           7    paid work is not on the shared store yet
  3  work is needed (--locked, --exit-code)  70   a bug of coursebuild
  4  a budget or a confirmation stopped it   130  interrupted";

/// A make-style incremental build tool for content that LLM agents write in batches
#[derive(Debug, Parser)]
#[command(name = "coursebuild", version, after_help = EXAMPLES, subcommand_required = true)]
#[command(help_template = TEMPLATE, override_usage = "coursebuild [COMMAND] [OPTIONS] [TARGET]...", max_term_width = 110)]
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

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Bring targets up to date (what a bare `coursebuild` does)
    #[command(after_help = "\
Examples:
  coursebuild build -n                         only say what would be done
  coursebuild build -k --max-calls 20 --yes    20 calls at most, no questions
  coursebuild build --canary 3                 three calls first, then ask
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
  coursebuild init --course ita_for_eng --seeds canonical_seeds.json --program ./ask.sh
  coursebuild init --from courses/spa_for_eng  for main files that are there already")]
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_grammar_holds_together() {
        Typed::command().debug_assert();
    }

    #[test]
    fn the_help_lists_every_command_once() {
        let lines = TEMPLATE.lines().filter_map(|line| line.strip_prefix("  "));
        let mut listed: Vec<&str> =
            lines.flat_map(|line| line[..12.min(line.len())].split(", ")).map(str::trim).collect();
        let grammar = Typed::command();
        let mut there: Vec<&str> = grammar
            .get_subcommands()
            .filter(|command| !command.is_hide_set())
            .map(clap::Command::get_name)
            .chain(["help"])
            .collect();
        listed.sort_unstable();
        there.sort_unstable();
        assert_eq!(listed, there);
    }
}
