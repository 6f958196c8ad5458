//! What was typed, and what it means: the command line on one side, options, exit codes and the choice of a reporter on the other.

mod args;
mod cache;
mod ci;
mod command;
mod decisions;
mod existing;
mod init;
mod meaning;
mod packs;
mod surroundings;

use crate::diag::{Kind, Problem, Result, escape};
use crate::plan::Plan;
use crate::report::{self, Detail, Live, Out, Plain, Reporter};
use crate::run::{self, Options};
use args::{Command, Drawn, Format, Global, Select, Typed, When};
use clap::{ColorChoice, CommandFactory, FromArgMatches};
use decisions::Asked;
use meaning::Looks;
use std::process::ExitCode;
use surroundings::Surroundings;

/// Runs the command that was typed, and gives its exit code.
pub fn main() -> ExitCode {
    let mut around = Surroundings::read();
    arm_crash(&around);
    let count_to = around.variable("COURSEBUILD_CRASH_COUNT").map(str::to_owned);
    let code = match parse(&around) {
        Ok(typed) => run_typed(&typed, &mut around),
        Err(code) => code,
    };
    write_crash_count(count_to.as_deref());
    ExitCode::from(code)
}

/// Parses the arguments. What clap or this module has to say about them is printed; the error is the exit code.
fn parse(around: &Surroundings) -> std::result::Result<Typed, u8> {
    let mut grammar = Typed::command().color(usage_color(around));
    let arguments = match command::with_command(around.arguments.clone(), &grammar) {
        Ok(arguments) => std::iter::once("coursebuild".into()).chain(arguments),
        Err(slip) => return Err(refuse_slip(&slip, around)),
    };
    grammar.try_get_matches_from_mut(arguments).and_then(|matches| Typed::from_arg_matches(&matches)).map_err(
        |error| {
            // A reader of the help who has gone is no error.
            let _ = error.print();
            if error.use_stderr() { 2 } else { 0 }
        },
    )
}

fn refuse_slip(slip: &command::Slip, around: &Surroundings) -> u8 {
    let typed = escape(&slip.typed);
    let problem = Problem::author(format!("`{typed}` is no command"))
        .hint(format!("did you mean `{}`? A target of that name: `coursebuild build {typed}`", slip.meant));
    let color = meaning::color(typed_color(around), around, around.terminals.error);
    report::print_problem(&problem, report::Look { color, detail: Detail::Normal });
    exit_code(problem.kind)
}

/// The colours of help and usage errors: clap has to know before it has parsed.
fn usage_color(around: &Surroundings) -> ColorChoice {
    match typed_color(around) {
        When::Always => ColorChoice::Always,
        When::Never => ColorChoice::Never,
        When::Auto if around.variable("TERM") == Some("dumb") => ColorChoice::Never,
        When::Auto => ColorChoice::Auto,
    }
}

fn typed_color(around: &Surroundings) -> When {
    let mut arguments = around.arguments.iter().filter_map(|argument| argument.to_str());
    let mut when = When::Auto;
    while let Some(argument) = arguments.next() {
        let value = if argument == "--color" { arguments.next() } else { argument.strip_prefix("--color=") };
        match value {
            Some("always") => when = When::Always,
            Some("never") => when = When::Never,
            _ => {}
        }
    }
    when
}

fn run_typed(typed: &Typed, around: &mut Surroundings) -> u8 {
    if let Command::Supervise { directory } = &typed.command {
        return crate::process::supervise(directory);
    }
    let looks = meaning::looks(&typed.global, around);
    let done = start(&typed.global).and_then(|()| answer(typed, looks, around));
    done.unwrap_or_else(|problem| {
        let exit = exit_code(problem.kind);
        report::print_problem(&problem, looks.error);
        if typed.global.format == Format::Json
            && let Ok(line) = report::problem_json(&problem, exit)
        {
            // The exit code tells the problem already; there is no one left to tell that this could not be printed.
            let _ = print(&line);
        }
        exit
    })
}

fn start(global: &Global) -> Result<()> {
    global.directory.as_deref().map_or(Ok(()), surroundings::change_dir)
}

/// Does what was typed, and gives the exit code.
fn answer(typed: &Typed, looks: Looks, around: &mut Surroundings) -> Result<u8> {
    let global = &typed.global;
    let json = global.format == Format::Json;
    let look = looks.output;
    let target = |targets: &[String]| Select { targets: targets.to_vec(), ..Select::default() };
    let text = match &typed.command {
        Command::Build(typed) => {
            let ci = ci::Ci::of(typed, global, around)?;
            let mut options = meaning::build(typed, global, around)?;
            options.price_reused = ci.sums_up();
            return if typed.dry_run {
                print_plan(&options, json, look).map(|plan| needed(&plan, typed.locked))
            } else {
                build(&mut options, &ci, global, looks, around)
            };
        }
        Command::Plan(typed) => {
            let plan = print_plan(&meaning::plan(typed, global, around)?, json, look)?;
            return Ok(needed(&plan, typed.exit_code));
        }
        Command::Adopt(typed) => {
            let mut options = meaning::question(&target(&typed.targets), global, around)?;
            options.recompute_derived = typed.recompute_derived;
            let adoption = run::adopt(&mut options, typed.dry_run)?;
            if json { report::adoption_json(&adoption)? } else { report::adoption_text(&adoption, look) }
        }
        Command::Why { targets } => {
            let whys = run::why(&meaning::question(&target(targets), global, around)?)?;
            if json { report::why_json(&whys)? } else { report::why_text(&whys, look) }
        }
        Command::Status => {
            let status = run::status(&meaning::question(&Select::default(), global, around)?)?;
            if json { report::status_json(&status)? } else { report::status_text(&status, look) }
        }
        Command::Graph { targets, drawn } => {
            let graph = run::graph(&meaning::question(&target(targets), global, around)?)?;
            match drawn {
                _ if json => report::graph_json(&graph)?,
                Drawn::Dot => report::graph_dot(&graph),
                Drawn::Mermaid => report::graph_mermaid(&graph),
            }
        }
        Command::Show { target: one, at } => {
            let select = target(std::slice::from_ref(one));
            let value = run::show(&meaning::question(&select, global, around)?, *at)?;
            for_terminal(report::value_json(&value)?, around)
        }
        Command::Prompt { target: one } => {
            let prompt =
                run::prompt(&meaning::question(&target(std::slice::from_ref(one)), global, around)?)?;
            if json { report::prompt_json(&prompt)? } else { for_terminal(prompt, around) }
        }
        Command::Diff { targets, from, to } => {
            let diffs = run::diff(&meaning::question(&target(targets), global, around)?, *from, *to)?;
            if json { report::diff_json(&diffs)? } else { report::diff_text(&diffs, look) }
        }
        Command::Keep { targets } => {
            let kept = run::keep(&meaning::question(&target(targets), global, around)?)?;
            print(&if json { report::kept_json(&kept)? } else { report::kept_text(&kept, look) })?;
            return Ok(u8::from(!kept.refused.is_empty()));
        }
        Command::DropTrial { targets } => {
            let gone = run::drop_trial(&meaning::question(&target(targets), global, around)?)?;
            if json { report::dropped_json(&gone)? } else { report::dropped_text(&gone) }
        }
        Command::Log { targets, cost: true } => {
            let costs = run::cost(&meaning::question(&target(targets), global, around)?)?;
            if json { report::costs_json(&costs)? } else { report::costs_text(&costs, look) }
        }
        Command::Log { targets, cost: false } => {
            let options = meaning::question(&target(targets), global, around)?;
            let (calls, items) = (run::log(&options)?, run::generations(&options)?);
            if json {
                report::log_json(&calls, &items)?
            } else {
                report::log_text(&calls, look) + &report::generations_text(&items, look)
            }
        }
        Command::MergeDriver { files, .. } => match &files[..] {
            [base, ours, theirs, path] => return merge(&[base, ours, theirs, path], global, around),
            _ => report::installed_text(&run::install_merge_driver(&meaning::question(
                &Select::default(),
                global,
                around,
            )?)?),
        },
        Command::Resolve(typed) if typed.choice.list => {
            let items = run::decidable(&meaning::question(&target(&[]), global, around)?)?;
            if json { report::decidable_json(&items)? } else { report::decidable_text(&items, look) }
        }
        Command::Resolve(typed) => {
            let choice = meaning::choice(&typed.choice)?;
            let items = run::resolve(&meaning::question(&target(&typed.targets), global, around)?, &choice)?;
            if json { report::resolved_json(&items)? } else { report::resolved_text(&items, look) }
        }
        Command::Check { targets, only, junit } => {
            let checked = run::check(&meaning::question(&target(targets), global, around)?, only)?;
            if let Some(file) = junit {
                crate::fs::write_whole(file, report::check_junit(&checked).as_bytes(), false)?;
            }
            print(&if json { report::check_json(&checked)? } else { report::check_text(&checked, look) })?;
            return Ok(if checked.valid { 0 } else { 1 });
        }
        Command::Doctor => {
            let diagnosis = run::doctor(&meaning::question(&Select::default(), global, around)?)?;
            print(&if json {
                report::doctor_json(&diagnosis)?
            } else {
                report::doctor_text(&diagnosis, look)
            })?;
            return Ok(if diagnosis.well { 0 } else { 1 });
        }
        Command::Report => {
            let account = run::account(&meaning::question(&Select::default(), global, around)?)?;
            if json { report::account_json(&account)? } else { report::account_html(&account) }
        }
        Command::Rules { schema: Some(of), .. } => packs::schema(*of),
        Command::Rules { copy: Some(named), .. } => match named.as_slice() {
            [name, folder] => packs::copy(name, folder.as_ref())?,
            _ => return Err(Problem::internal("`--copy` without its two values")),
        },
        Command::Rules { .. } => {
            let packs = packs::all()?;
            if json { report::packs_json(&packs)? } else { report::packs_text(&packs) }
        }
        Command::Cache(typed) => {
            let (text, code) = cache::cache(typed, global, looks, around)?;
            return print(&text).map(|()| code);
        }
        Command::Gc(typed) => cache::gc(typed, global, looks, around)?,
        Command::Accept(typed) => decisions::accept(typed, Asked { global, look, around })?,
        Command::Waive(typed) => decisions::waive(typed, Asked { global, look, around })?,
        Command::Pin(typed) => decisions::pin(typed, Asked { global, look, around })?,
        Command::Unpin { targets } => decisions::unpin(targets, Asked { global, look, around })?,
        Command::Init(typed) => return init::init(typed, global, look, around),
        Command::Completions { shell } => completions(*shell),
        Command::Supervise { .. } => return Err(Problem::internal("a supervisor was asked a question")),
    };
    print(&text).map(|()| 0)
}

/// A script that completes what can be typed: at its beginning also the options of `build`, which may do without their command.
fn completions(shell: clap_complete::Shell) -> String {
    let grammar = Typed::command();
    let early: Vec<clap::Arg> = grammar
        .find_subcommand("build")
        .into_iter()
        .flat_map(|build| build.get_arguments().filter(|argument| !argument.is_positional()).cloned())
        .collect();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut grammar.args(early), "coursebuild", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Merges as git asks; 1 where something is left for people.
fn merge(files: &[&std::path::PathBuf; 4], global: &Global, around: &mut Surroundings) -> Result<u8> {
    let [base, ours, theirs, path] = files;
    let here = surroundings::current_dir()?;
    let [base, ours, theirs] = [base, ours, theirs].map(|file| here.join(file));
    let path = path.to_string_lossy();
    let files = run::DriverFiles { base: &base, ours: &ours, theirs: &theirs, path: &path, here: &here };
    let merging = run::merge_driver(&files, global.manifest.as_deref(), &around.environment)?;
    print(&report::merging_text(&merging, &path))?;
    Ok(u8::from(!merging.conflicts.is_empty()))
}

/// Byte for byte for a file or a pipe; without escapes for a terminal.
fn for_terminal(text: String, around: &Surroundings) -> String {
    if around.terminals.output { escape(&text) } else { text }
}

fn print_plan(options: &Options, json: bool, look: report::Look) -> Result<Plan> {
    let plan = run::plan(options)?;
    print(&if json { report::plan_json(&plan)? } else { report::plan_text(&plan, look) })?;
    Ok(plan)
}

/// The exit code of a plan: 3 when calls may be needed and that is to be told.
fn needed(plan: &Plan, tell: bool) -> u8 {
    if tell && plan.out_of_reach.items > 0 {
        6
    } else if tell && plan.calls.max > 0 {
        exit_code(Kind::WorkNeeded)
    } else {
        0
    }
}

fn build(
    options: &mut Options,
    ci: &ci::Ci,
    global: &Global,
    looks: Looks,
    around: &Surroundings,
) -> Result<u8> {
    let mut reporter = reporter(global, looks, around);
    let mut notable = report::Notable::default();
    let outcome = run::build(options, &mut |event| {
        notable.note(event);
        reporter.event(event);
    });
    let told = reporter.finish();
    if let Err(problem) = &outcome {
        notable.note_problem(problem);
    }
    ci.tell(&notable, &options.manifest)?;
    let summary = outcome?;
    told?;
    if global.format == Format::Human {
        print(&report::summary_text(&summary, looks.output))?;
    }
    Ok(summary.exit)
}

fn reporter(global: &Global, looks: Looks, around: &Surroundings) -> Reporter {
    let watched = around.terminals.error && around.variable("TERM") != Some("dumb");
    match global.format {
        Format::Json => Reporter::Json(Out::stdout()),
        Format::Human if watched && !global.quiet => {
            Reporter::Live(Live::new(console::Term::buffered_stderr(), looks.error))
        }
        Format::Human => Reporter::Lines(Box::new(Plain::new(looks.error))),
    }
}

fn print(text: &str) -> Result<()> {
    let mut out = Out::stdout();
    out.text(text);
    out.finish()
}

/// The exit code of a problem: a promise.
fn exit_code(kind: Kind) -> u8 {
    match kind {
        Kind::Environment => 1,
        Kind::Author => 2,
        Kind::WorkNeeded => 3,
        Kind::Budget => 4,
        Kind::Busy => 5,
        Kind::OutOfReach => 6,
        Kind::Internal => 70,
        Kind::Interrupted => 130,
    }
}

/// For the tests that end the process at every write in turn; does nothing in a release.
fn arm_crash(around: &Surroundings) {
    if cfg!(feature = "crash-points")
        && let Some(at) = around.variable("COURSEBUILD_CRASH_AT").and_then(|at| at.parse().ok())
    {
        crate::fs::crash_at(at);
    }
}

/// Tells those tests how many writes there are.
fn write_crash_count(to: Option<&str>) {
    if cfg!(feature = "crash-points")
        && let Some(to) = to
    {
        let points = crate::fs::points_passed().to_string();
        // A test that finds no number fails; there is nobody else to tell.
        let _ = crate::fs::write_whole(to.as_ref(), points.as_bytes(), false);
    }
}
