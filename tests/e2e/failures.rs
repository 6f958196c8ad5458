//! Every failure that a user can meet, brought about: what is said, the exit code, what to do. `docs/failures.md` is made of it; with
//! `COURSEBUILD_WRITE_DOCS=1` this test writes the page, otherwise it compares.

use crate::support::batches::{Batches, Slip};
use crate::support::service::{KEY, MODEL};
use crate::support::{Ran, Space};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

const PAGE: &str = "docs/failures.md";

/// Text of a page that is made by a test: written when asked for, else compared.
pub(crate) fn page_is(path: &str, text: &str) {
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("COURSEBUILD_WRITE_DOCS").is_some() {
        std::fs::write(full, text).unwrap();
        return;
    }
    let there = std::fs::read_to_string(&full).unwrap_or_default();
    let differ = there.lines().zip(text.lines()).find(|(there, made)| there != made);
    assert!(
        there == text,
        "{path} is not what the tool says now ({differ:?}); COURSEBUILD_WRITE_DOCS=1 writes it anew:\n{text}"
    );
}

/// A failure: how it looks, and what to do beyond the hint.
struct Failure {
    title: &'static str,
    exit: i32,
    ran: Ran,
    typed: String,
    advice: &'static str,
}

/// A course like the example, made by `init`, with something broken before the command.
fn fails(
    title: &'static str,
    exit: i32,
    args: &[&str],
    advice: &'static str,
    spoil: impl FnOnce(&Space),
) -> Failure {
    let space = Space::new();
    space.run(&["init", "--yes"]).exits(0);
    spoil(&space);
    let ran = space.run(args).exits(exit);
    let typed = format!("coursebuild {}", args.join(" "));
    Failure { title, exit, ran: tamed(ran, &space), typed: typed.trim_end().to_owned(), advice }
}

/// Without what differs from run to run.
fn tamed(mut ran: Ran, space: &Space) -> Ran {
    let root = space.root().to_str().unwrap();
    for text in [&mut ran.stdout, &mut ran.stderr] {
        *text = steady(&text.replace(root, "/home/you/course"));
    }
    ran
}

/// Times become `0.1s`, names of journals and entries `…`, process numbers `1234`, moments a fixed one.
pub(crate) fn steady(text: &str) -> String {
    let mut text = text.to_owned();
    for (pattern, put) in [
        (r"\b\d+(\.\d+)?s\b", "0.1s"),
        (r"\b[0-9a-f]{16}\.cbj", "….cbj"),
        (r"coursebuild-[0-9a-f]{16}", "coursebuild-5bf6581d720f64ec"),
        (r"(process|pid) \d+", "$1 1234"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d( ?UTC|Z)", "2026-03-01 12:00:00$1"),
        (r"\(expected .*?\)", "(expected 0.1s)"),
        (r"about 0\.1s of|at least 0\.1s of", "about 0.1s of"),
    ] {
        text = regex(pattern).replace_all(&text, put).into_owned();
    }
    text
}

fn regex(pattern: &str) -> regex::Regex {
    regex::Regex::new(pattern).unwrap()
}

/// A manifest whose generator is a shell script.
fn asks(space: &Space, script: &str, more: &str) {
    space.write("ask.sh", script);
    space.replace(
        "coursebuild.toml",
        "use = \"phrasebook\"\nfile = \"phrasebook.json\"\n",
        &format!("use = \"command\"\nargv = [\"sh\", \"ask.sh\"]\nenv = [\"PATH\"]\n{more}\n[phase.phase1]\nattempts = 1\n"),
    );
}

fn mistakes_of_authors() -> Vec<Failure> {
    vec![
        fails("No manifest", 2, &["plan"], "", |space| space.remove("coursebuild.toml")),
        fails("A key that does not exist", 2, &["plan"], "", |space| {
            space.replace("coursebuild.toml", "target = ", "traget = ");
        }),
        fails("A file of seeds that is not there", 2, &["plan"], "", |space| space.remove("seeds.json")),
        fails("No document for a phase", 2, &["plan"], "", |space| {
            space.remove("docs/phase_intelligence/phase_3_lego_decomposition.md");
        }),
        fails("A target that does not exist", 2, &["why", "phsae3"], "", |_| ()),
        fails("An item that does not exist", 2, &["build", "S0123"], "", |_| ()),
        fails("An option that does not exist", 2, &["build", "--retry-fialed"], "", |_| ()),
        fails(
            "A program that is not there",
            2,
            &["build"],
            "Nothing was asked: no attempt is counted.",
            |space| {
                asks(space, "", "");
                space.replace("coursebuild.toml", "\"sh\", \"ask.sh\"", "\"clade\", \"-p\"");
            },
        ),
    ]
}

fn trouble_with_answers() -> Vec<Failure> {
    let log = "`coursebuild log TARGET -v` shows the answer as it came and what the program said beside it. What passed is kept. \
               When the cause is mended: `coursebuild build --retry-failed TARGET`.";
    vec![
        fails("No answer in time", 1, &["build"], log, |space| asks(space, "sleep 60", "timeout_s = 1")),
        fails("An answer that is no JSON", 1, &["build"], log, |space| {
            asks(space, "echo 'I cannot do that.'", "");
        }),
        fails("A program that fails", 1, &["build"], log, |space| {
            asks(space, "echo 'not logged in' >&2; exit 3", "");
        }),
        fails("An item that fails its checks three times", 1, &["build"], log, |space| {
            let always =
                json!([{"phase": "phase3", "item": "S0007", "attempts": [1, 2, 3], "kind": "wrong"}]);
            space.write("faults.json", &always.to_string());
            space.replace(
                "coursebuild.toml",
                "file = \"phrasebook.json\"",
                "file = \"phrasebook.json\"\nfaults = \"faults.json\"",
            );
        }),
    ]
}

fn limits() -> Vec<Failure> {
    let confirm = |space: &Space| {
        let manifest = space.read("coursebuild.toml");
        space.write("coursebuild.toml", &format!("confirm_above = {{ calls = 2 }}\n{manifest}"));
    };
    vec![
        fails("More calls than may be made unasked", 4, &["build"], "", confirm),
        fails("A limit is reached", 4, &["build", "--max-calls", "1"], "", |_| ()),
        fails("Work is needed and forbidden", 3, &["build", "--locked"], "", |_| ()),
    ]
}

fn main_files() -> Vec<Failure> {
    let built = |space: &Space| {
        space.run(&[]).exits(0);
    };
    vec![
        fails(
            "A lock with conflict markers, and no store",
            2,
            &["build"],
            "After a merge: take either side, and the other's results are found in the store.",
            |space| {
                built(space);
                space.remove(".coursebuild");
                let lock = space.read("courses/spa_for_eng/coursebuild.lock");
                space.write("courses/spa_for_eng/coursebuild.lock", &format!("<<<<<<< ours\n{lock}"));
            },
        ),
        fails("Main files that nobody knows", 2, &["build"], "", |space| {
            built(space);
            space.remove(".coursebuild");
            space.remove("courses/spa_for_eng/coursebuild.lock");
        }),
        fails("A main file that is no JSON", 2, &["build"], "", |space| {
            built(space);
            space.write("courses/spa_for_eng/lego_pairs.json", "[[\"S0001\", ");
        }),
    ]
}

/// Commands that the shell runs under a limit or with a redirection.
fn limited(title: &'static str, script: &str, typed: &str, advice: &'static str) -> Failure {
    let space = Space::new();
    space.run(&["init", "--yes"]).exits(0);
    let mut command = Command::new("sh");
    command
        .args(["-c", script, env!("CARGO_BIN_EXE_coursebuild")])
        .current_dir(space.root())
        .env("NO_COLOR", "1");
    let ran = space.finish(command).exits(1);
    Failure { title, exit: 1, ran: tamed(ran, &space), typed: typed.to_owned(), advice }
}

fn surroundings() -> Vec<Failure> {
    let mut all = vec![fails("The store cannot be written", 1, &["build"], "", |space| {
        space.write(".coursebuild", "");
    })];
    if cfg!(target_os = "linux") {
        all.push(limited(
            "The disk is full",
            "trap '' XFSZ; ulimit -f 24; exec \"$0\" build",
            "coursebuild build",
            "The next build goes on where this one stopped; a test fills the disk at many places and compares.",
        ));
        all.push(limited(
            "Standard output is full",
            "exec \"$0\" plan > /dev/full",
            "coursebuild plan > /dev/full",
            "",
        ));
    }
    all
}

/// A build that was killed before it knew whether its submission was taken, and nobody can tell any more.
fn in_doubt() -> Vec<Failure> {
    let service = Batches::start();
    let space = Space::new();
    space.run(&["init", "--yes"]).exits(0);
    let generate = format!(
        "use = \"anthropic\"\nmodel = \"{MODEL}\"\nbase_url = \"{}\"\napi_key_env = \"STUB_KEY\"\nmode = \"batch\"\npoll_s = 0.02\n",
        service.address
    );
    space.replace("coursebuild.toml", "use = \"phrasebook\"\nfile = \"phrasebook.json\"\n", &generate);
    let tool = |args: &[&str]| {
        let mut tool = space.tool(args);
        tool.env("STUB_KEY", KEY);
        tool
    };
    service.hold();
    service.slips("POST", "/v1/messages/batches", &[Slip::CutAfter]);
    let mut running = space.start(tool(&["build", "--format", "json", "--yes"]));
    running.until_printed("looked_for");
    running.kill();
    service.forget_results();
    let ran = space.finish(tool(&["build"])).exits(6);
    let typed = "coursebuild build".to_owned();
    let title = "A submission that may have been taken, and its results are gone";
    let advice = "It takes a month without a build to come to this: [batches](apis.md#batches) tells how a submission is found again.";
    vec![Failure { title, exit: 6, ran: tamed(ran, &space), typed, advice }]
}

fn chapter(title: &str, of: &[Failure]) -> String {
    let one = |failure: &Failure| {
        let Failure { title, exit, ran, typed, advice } = failure;
        let said = [&ran.stderr, &ran.stdout].map(|text| text.trim_end()).join("\n");
        let advice = if advice.is_empty() { String::new() } else { format!("\n{advice}\n") };
        format!("\n### {title}\n\n```console\n$ {typed}\n{}\n```\n\nExit code {exit}.\n{advice}", said.trim())
    };
    format!("\n## {title}\n{}", of.iter().map(one).collect::<String>())
}

#[test]
fn every_failure_is_on_its_page_with_its_exit_code_and_what_to_do() {
    let chapters = [
        ("Mistakes of the author or the caller", mistakes_of_authors()),
        ("Trouble with answers", trouble_with_answers()),
        ("Limits and confirmations", limits()),
        ("Batch endpoints", in_doubt()),
        ("Main files and the lock", main_files()),
        ("Disk and surroundings", surroundings()),
    ];
    for failure in chapters.iter().flat_map(|(_, of)| of) {
        let words = format!("{}{}", failure.ran.stderr, failure.ran.stdout);
        let helps = ["hint:", "tip:", "to go on:", "to buy them again:", "no space left", "No space left"];
        assert!(helps.iter().any(|help| words.contains(help)), "{}: {words}", failure.title);
        assert!(
            !words.contains("panicked") && !words.contains("bug of coursebuild"),
            "{}: {words}",
            failure.title
        );
    }
    if !cfg!(target_os = "linux") {
        eprintln!("skipped: the page shows how Linux words its errors");
        return;
    }
    let mut page = String::from(
        "# Failures, and what to do\n\n\
         What goes wrong, as the tool tells it, with its exit code. A test brings each of them about and compares this page; times, paths and ids are made alike.\n\n\
         What holds for all of them: main files are the old or the new ones, whole; what was answered is in the store and is not bought twice; after the cause is mended,\n\
         `coursebuild` goes on. Exit codes are listed in [cli.md](cli.md#exit-codes).\n",
    );
    for (title, of) in &chapters {
        page += &chapter(title, of);
    }
    page_is(PAGE, &page);
}

/// How often each item was answered, by the store's own log.
fn answered(space: &Space) -> BTreeMap<String, usize> {
    let log: Value = serde_json::from_str(&space.run(&["log", "--format", "json"]).exits(0).stdout).unwrap();
    let mut times = BTreeMap::new();
    for call in log["calls"].as_array().unwrap() {
        for item in call["items"].as_array().unwrap() {
            *times.entry(format!("{} {}", call["phase"], item["id"])).or_default() += 1;
        }
    }
    times
}

#[test]
fn a_disk_that_fills_up_anywhere_loses_nothing_and_tears_nothing() {
    if !cfg!(target_os = "linux") {
        eprintln!("skipped: `ulimit -f` with an ignored signal is tried on Linux");
        return;
    }
    let whole = Space::new();
    whole.run(&["init", "--yes"]).exits(0);
    whole.run(&[]).exits(0);
    let mut stopped = 0;
    for blocks in [2, 6, 12, 16, 24, 32, 48, 64, 96] {
        let space = Space::new();
        space.run(&["init", "--yes"]).exits(0);
        let mut command = Command::new("sh");
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" build");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_coursebuild")]).current_dir(space.root());
        let full = space.finish(command);
        if full.code != Some(0) {
            stopped += 1;
            assert_eq!(full.code, Some(1), "{blocks}: {full:#?}");
            assert!(full.stderr.contains("make room"), "{blocks}: {full:#?}");
        }
        let made = |space: &Space| {
            let files = space.files().into_iter();
            files.filter(|(path, _)| path.starts_with("courses/")).collect::<BTreeMap<_, _>>()
        };
        for (path, bytes) in made(&space) {
            let parsed = path.ends_with(".lock") || serde_json::from_slice::<Value>(&bytes).is_ok();
            assert!(parsed, "{blocks}: {path} is torn");
        }
        space.build(&[]).exits(0);
        assert!(made(&space) == made(&whole), "{blocks}: other main files than without a full disk");
        let twice: Vec<_> = answered(&space).into_iter().filter(|(_, times)| *times > 1).collect();
        assert!(twice.is_empty(), "{blocks}: bought twice: {twice:?}");
    }
    assert!(stopped > 3, "only {stopped} builds met the full disk");
}

#[test]
fn a_folder_that_vanishes_in_the_middle_stops_nothing_that_can_go_on() {
    let space = Space::new();
    space.run(&["init", "--yes"]).exits(0);
    let root = space.root().display().to_string();
    asks(
        &space,
        &format!(
            "rm -rf {root}/docs {root}/courses\n\
             echo '{{\"S0001\": [\"Quiero hablar español contigo ahora.\", \"I want to speak Spanish with you now.\"]}}'\n"
        ),
        "",
    );
    let ran = space.build(&["phase1/S0001"]);
    assert_eq!(ran.summary()["items_generated"], 1, "{ran:#?}");
    assert!(space.path("courses/spa_for_eng/seed_pairs.json").exists());
    // The documents are gone too, and that is told.
    let next = space.run(&["plan"]).exits(2);
    assert!(next.stderr.contains("docs/phase_intelligence"), "{next:#?}");

    // Its own store, taken away under it: told, or made anew; never a torn main file.
    let space = Space::new();
    space.run(&["init", "--yes"]).exits(0);
    asks(&space, &format!("rm -rf {}/.coursebuild\necho '{{}}'\n", space.root().display()), "");
    let ran = space.run(&["build"]).exits(1);
    assert!(!ran.stderr.contains("panicked") && !ran.stderr.contains("a bug of"), "{ran:#?}");
}

#[test]
fn a_folder_without_permission_is_told_with_what_to_do() {
    use std::os::unix::fs::PermissionsExt;
    if rustix::process::geteuid().is_root() {
        eprintln!("skipped: nothing is forbidden to root");
        return;
    }
    let space = Space::new();
    space.run(&["init", "--yes"]).exits(0);
    std::fs::create_dir_all(space.path("courses/spa_for_eng")).unwrap();
    let mode = |mode| {
        std::fs::set_permissions(space.path("courses/spa_for_eng"), std::fs::Permissions::from_mode(mode))
            .unwrap();
    };
    mode(0o555);
    let ran = space.run(&[]).exits(1);
    mode(0o755);
    assert!(ran.stderr.contains("give your user the right to it"), "{ran:#?}");
    assert_eq!(space.build(&[]).exits(0).summary()["calls"], 0);
}
