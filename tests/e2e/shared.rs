//! Stores that a team shares: nobody pays twice, nobody gets what is not whole, and nothing is spent in silence.

use crate::support::expect::{assert_fresh, built};
use crate::support::server::{Fault, Server};
use crate::support::synth::change_word;
use crate::support::{Ran, Space};
use serde_json::json;
use std::path::Path;
use std::process::Command;

const SEEDS: usize = 25;
const ALWAYS: usize = usize::MAX;

/// Has a workspace use a shared store.
fn shares(space: &Space, url: &str, more: &str) {
    let manifest = space.read("coursebuild.toml");
    space.write(
        "coursebuild.toml",
        &format!("{manifest}\n[shared]\nurl = \"{url}\"\ntimeout_s = 2\n{more}\n"),
    );
}

/// A new workspace of the same course, which uses a shared store.
fn with_store(url: &str) -> Space {
    of_seeds(SEEDS, url)
}

fn of_seeds(seeds: usize, url: &str) -> Space {
    let space = Space::batching(seeds);
    shares(&space, url, "");
    space
}

fn folder_of(space: &Space) -> String {
    let folder = space.around().join("team");
    std::fs::create_dir_all(&folder).unwrap();
    format!("file://{}", folder.display())
}

fn number(ran: &Ran, field: &str) -> u64 {
    ran.summary()[field].as_u64().unwrap_or_else(|| panic!("{field}: {ran:#?}"))
}

/// What a clone of the same inputs gets for nothing.
#[track_caller]
fn gets_all(from: &Space, url: &str) {
    let other = of_seeds(from.seeds().len(), url);
    let plan = other.plan(&[]);
    assert_eq!(plan["calls"], json!({"min": 0, "max": 0}), "{plan:#}");
    let ran = other.build(&[]).exits(0);
    assert_eq!(ran.calls(), 0, "{ran:#?}");
    assert!(number(&ran, "items_fetched") > 2 * from.seeds().len() as u64, "{ran:#?}");
    assert!(other.outputs() == from.outputs(), "other main files");
    assert_fresh(&other);
}

#[test]
fn a_clone_of_a_real_repository_buys_nothing_without_any_store() {
    let space = built(Space::batching(SEEDS));
    space.write(".gitignore", ".coursebuild/\n");
    let git = |at: &Path, args: &[&str]| {
        let mut command = Command::new("git");
        command.current_dir(at).args(["-c", "user.name=t", "-c", "user.email=t@example.org"]).args(args);
        let out = command.output().unwrap();
        assert!(out.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    };
    git(space.root(), &["init", "-q", "-b", "main"]);
    git(space.root(), &["add", "-A"]);
    git(space.root(), &["commit", "-q", "-m", "a course"]);
    let clone = Space::new();
    std::fs::remove_dir(clone.root()).unwrap();
    git(clone.around(), &["clone", "-q", space.root().to_str().unwrap(), clone.root().to_str().unwrap()]);
    assert!(!clone.path(".coursebuild").exists());
    assert_eq!(clone.build(&["--locked"]).exits(0).calls(), 0);
    assert!(clone.outputs() == space.outputs());
    clone.run(&["plan", "--exit-code", "--offline"]).exits(0);
}

#[test]
fn what_one_work_tree_bought_another_one_gets_from_a_folder() {
    let a = Space::batching(SEEDS);
    let url = folder_of(&a);
    shares(&a, &url, "");
    let ran = a.build(&[]).exits(0);
    assert!(ran.calls() > 0 && number(&ran, "unpushed") == 0, "{ran:#?}");
    gets_all(&a, &url);
}

#[test]
fn what_one_work_tree_bought_another_one_gets_from_a_server() {
    let server = Server::start();
    let a = with_store(&server.url());
    let ran = a.build(&[]).exits(0);
    assert!(ran.calls() > 0 && number(&ran, "unpushed") == 0, "{ran:#?}");
    gets_all(&a, &server.url());
    // What is bought after an edit is there too, and only that is pushed.
    server.requests();
    a.edit_seeds(|seeds| change_word(seeds, 2, 1));
    assert!(a.build(&[]).exits(0).calls() > 0);
    assert!(server.requests().iter().filter(|(method, _)| method == "PUT").count() < 16);
    let other = with_store(&server.url());
    other.edit_seeds(|seeds| change_word(seeds, 2, 1));
    assert_eq!(other.build(&[]).exits(0).calls(), 0);
    assert!(other.outputs() == a.outputs());
}

#[test]
fn a_clone_makes_few_requests_and_does_without_what_makes_them_few() {
    let server = Server::start();
    let a = of_seeds(60, &server.url());
    a.build(&[]).exits(0);
    let items = server.slots().len();
    server.requests();
    let other = of_seeds(60, &server.url());
    assert_eq!(other.build(&[]).exits(0).calls(), 0);
    let asked = server.requests().len();
    println!("{items} results by {asked} requests");
    assert!(asked * 4 < items, "{items} results by {asked} requests");
    assert!(other.outputs() == a.outputs());
    // Nothing depends on them.
    let slots = server.slots();
    server.edit(|all| *all = slots);
    let other = of_seeds(60, &server.url());
    assert_eq!(other.build(&[]).exits(0).calls(), 0);
    assert!(other.outputs() == a.outputs());
}

#[test]
fn a_damaged_chunk_costs_requests_once_and_is_mended() {
    let server = Server::start();
    built(of_seeds(60, &server.url()));
    let chunks: Vec<String> = server.others().into_keys().collect();
    let damaged = |at: &str, bytes: &[u8]| {
        let name = at.rsplit('/').next().unwrap().parse().unwrap();
        coursebuild::store::decode_chunk(&name, bytes).is_err()
    };
    let all_damaged = |server: &Server| {
        let others = server.others();
        chunks.iter().filter(|at| damaged(at, &others[*at])).count()
    };
    let probes = all_damaged(&server);
    server.edit(|slots| {
        for at in &chunks {
            slots.get_mut(at).unwrap().iter_mut().skip(40).take(1).for_each(|byte| *byte ^= 1);
        }
    });
    assert!(all_damaged(&server) >= probes + 3, "{} chunks", chunks.len());
    let other = of_seeds(60, &server.url());
    assert_eq!(other.build(&[]).exits(0).calls(), 0, "what it lacks is asked for one by one");
    assert_eq!(all_damaged(&server), probes, "and it is mended by who may write");
    server.requests();
    let third = of_seeds(60, &server.url());
    assert_eq!(third.build(&[]).exits(0).calls(), 0);
    assert!(server.count("GET") * 4 < server.slots().len() && third.outputs() == other.outputs());
}

#[test]
fn refused_answers_are_shared_with_those_that_followed_them() {
    let server = Server::start();
    let a = with_store(&server.url());
    a.faults(&json!([{"fault": "wrong", "phase": "phase3", "item": "S0003", "attempts": [1]}]));
    let ran = a.build(&[]).exits(0);
    assert_eq!(number(&ran, "items_rejected"), 1, "{ran:#?}");
    gets_all(&a, &server.url());
}

#[test]
fn what_was_bought_before_the_store_was_shared_is_pushed_later() {
    let a = built(Space::batching(SEEDS));
    let server = Server::start();
    shares(&a, &server.url(), "");
    let told = a.run(&["cache", "push"]).exits(0);
    assert!(told.stdout.starts_with("pushed ") && !server.slots().is_empty(), "{told:#?}");
    assert_eq!(a.build(&[]).exits(0).calls(), 0);
    gets_all(&a, &server.url());
    let other = with_store(&server.url());
    assert!(other.run(&["cache", "pull"]).exits(0).stdout.starts_with("fetched "));
    server.fails("GET", Fault::Reset, ALWAYS);
    assert_eq!(other.build(&["--cache", "shared:off"]).exits(0).calls(), 0, "what was pulled is here");
}

#[test]
fn nothing_that_was_not_found_is_remembered() {
    let server = Server::start();
    let b = with_store(&server.url());
    assert!(b.plan(&[])["calls"]["min"].as_u64().unwrap() > 0, "nobody has bought anything yet");
    assert!(b.run(&["cache", "pull"]).exits(0).stdout.starts_with("fetched 0"));
    let a = built(with_store(&server.url()));
    assert_eq!(b.build(&[]).exits(0).calls(), 0);
    assert!(b.outputs() == a.outputs());
}

#[test]
fn an_address_of_a_bucket_wants_the_feature_for_it() {
    let space = with_store("s3://team/course");
    // Nobody is there, and nobody says who we are.
    let mut command = space.tool(&["build"]);
    command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:1").env("AWS_SKIP_SIGNATURE", "true");
    let ran = space.finish(command);
    assert!(ran.books.is_empty(), "{ran:#?}");
    if cfg!(feature = "s3") {
        assert!(ran.exits(6).stderr.contains("out of reach"));
    } else {
        assert!(ran.exits(2).stderr.contains("without the feature `s3`"));
        assert!(space.build(&["--cache", "shared:off"]).exits(0).calls() > 0);
    }
}

/// The table of docs/sharing.md.
#[test]
fn every_promise_of_the_page_names_a_test_that_is_here() {
    let page = include_str!("../../docs/sharing.md");
    let table = page.split("| what happens | test |").nth(1).unwrap();
    let named: Vec<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").nth(1))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    assert!(named.len() > 18, "{named:?}");
    for name in named {
        assert!(include_str!("shared.rs").contains(&format!("#[test]\nfn {name}() {{")), "{name}");
    }
}

/// Two workspaces whose generators never answer the same, at the same moment, from nothing.
#[test]
fn two_at_once_from_cold_end_with_the_same_course() {
    let server = Server::start();
    let spaces = [0, 1].map(|number| {
        let space = Space::digests(SEEDS);
        shares(&space, &server.url(), "");
        // The answers of the two differ, and nothing that is in a key does.
        space.faults(&json!([{"fault": "salt", "text": format!("{number}")}]));
        space
    });
    let running =
        [0, 1].map(|at: usize| spaces[at].start(spaces[at].tool(&["build", "--format", "json", "-j", "3"])));
    for running in running {
        running.end().exits(0);
    }
    let [a, b] = &spaces;
    assert!(a.outputs() == b.outputs(), "main files or lock differ");
    assert_fresh(a);
    assert_fresh(b);
    // Even without its lock each of them comes to the same again.
    for space in [a, b] {
        let before = space.outputs();
        for path in before.keys() {
            space.remove(path);
        }
        assert_eq!(space.build(&[]).exits(0).calls(), 0);
        assert!(space.outputs() == before);
    }
}

#[test]
fn a_store_out_of_reach_holds_what_it_may_have() {
    let server = Server::start();
    let a = built(with_store(&server.url()));
    let url = server.url();
    drop(server);
    // What is fresh stays so, and nothing has to be asked.
    assert_fresh(&a);
    let b = with_store(&url);
    let plan = b.run(&["plan", "--exit-code", "--format", "json"]).exits(6);
    let told: serde_json::Value = serde_json::from_str(&plan.stdout).unwrap();
    assert_eq!(told["out_of_reach"]["items"], SEEDS, "{told:#}");
    let ran = b.build(&[]).exits(6);
    assert_eq!((ran.calls(), number(&ran, "items_out_of_reach")), (0, SEEDS as u64), "{ran:#?}");
    let text = b.run(&["build"]).exits(6);
    assert!(
        text.stderr.contains("out of reach") && text.stderr.contains("--on-remote-down generate"),
        "{text:#?}"
    );
    assert!(text.stdout.contains("25 items held"), "{text:#?}");
    let ran = b.build(&["--offline"]).exits(6);
    assert_eq!(ran.calls(), 0, "{ran:#?}");
    // Asked for, it is bought, and stays to be pushed.
    let ran = b.build(&["--on-remote-down", "generate"]).exits(0);
    assert!(ran.calls() > 0 && number(&ran, "unpushed") > 0, "{ran:#?}");
    let mut command = b.tool(&[
        "build",
        "--format",
        "json",
        "-B",
        "--items",
        "S0001",
        "--yes",
        "--on-remote-down",
        "generate",
    ]);
    command.env("CI", "true");
    assert!(number(&b.finish(command).exits(7), "unpushed") > 0);
}

#[test]
fn faults_that_pass_cost_nothing_and_hold_nothing() {
    for (method, fault) in [
        ("GET", Fault::Reset),
        ("GET", Fault::Torn),
        ("GET", Fault::Status(500, None)),
        ("GET", Fault::Status(503, Some(0))),
        ("GET", Fault::Status(429, Some(1))),
        ("GET", Fault::Status(423, None)),
        ("PUT", Fault::Reset),
        ("PUT", Fault::ResetAfter),
        ("PUT", Fault::Status(409, None)),
        ("PUT", Fault::Status(423, None)),
        ("PUT", Fault::Status(429, Some(0))),
        ("PUT", Fault::Status(500, None)),
    ] {
        let server = Server::start();
        let a = of_seeds(5, &server.url());
        server.fails(method, fault, 2);
        let ran = a.build(&[]).exits(0);
        assert!(ran.calls() > 0 && number(&ran, "unpushed") == 0, "{method} {fault:?}: {ran:#?}");
        server.recovers();
        server.fails(method, fault, 2);
        gets_all(&a, &server.url());
    }
}

#[test]
fn a_body_that_is_not_whole_is_never_taken_and_never_bought_over() {
    for fault in [Fault::Torn, Fault::Wrong, Fault::Halved, Fault::Huge, Fault::Endless, Fault::Silent] {
        let server = Server::start();
        built(of_seeds(5, &server.url()));
        server.fails("GET", fault, ALWAYS);
        let b = of_seeds(5, &server.url());
        let ran = b.build(&[]).exits(6);
        assert_eq!((ran.calls(), number(&ran, "items_fetched")), (0, 0), "{fault:?}: {ran:#?}");
    }
}

#[test]
fn damage_in_the_store_is_told_and_mended_by_who_has_the_whole() {
    let server = Server::start();
    let a = built(with_store(&server.url()));
    let whole = server.slots();
    server.edit(|slots| slots.values_mut().for_each(|bytes| bytes.truncate(bytes.len() / 3)));
    let b = with_store(&server.url());
    let ran = b.build(&[]).exits(6);
    assert!(ran.calls() == 0 && ran.stdout.contains("damaged"), "{ran:#?}");
    // Its notes of what it pushed are a hint, and may be deleted.
    a.remove(".coursebuild/shared");
    a.run(&["cache", "push"]).exits(0);
    assert!(server.slots() == whole, "it holds what it held");
    gets_all(&a, &server.url());
}

#[test]
fn a_server_that_overwrites_is_found_out_and_used_with_care() {
    let server = Server::start();
    server.fails("PUT", Fault::Overwrites, ALWAYS);
    let a = with_store(&server.url());
    let told = a.run(&["cache", "doctor"]).exits(0);
    assert!(told.stdout.contains("overwrites what is there"), "{told:#?}");
    let ran = built(a);
    gets_all(&ran, &server.url());
    // Who comes second takes what is there, although the server would let him write.
    let b = with_store(&server.url());
    let before = server.slots();
    b.build(&["--cache", "shared:off"]).exits(0);
    b.run(&["cache", "push"]).exits(0);
    assert!(server.slots() == before);
}

#[test]
fn half_an_upload_is_noticed() {
    let server = Server::start();
    let a = with_store(&server.url());
    a.run(&["cache", "doctor"]).exits(0);
    server.fails("PUT", Fault::Status(500, None), ALWAYS);
    let ran = a.build(&[]).exits(0);
    assert!(number(&ran, "unpushed") > 0, "{ran:#?}");
    assert!(a.run(&["cache", "push"]).exits(7).stdout.contains("are left"));
    server.recovers();
    server.fails("PUT", Fault::KeepsHalf, 3);
    a.run(&["cache", "push"]).exits(0);
    // A strict server that says yes and keeps half is found out by who reads.
    let b = with_store(&server.url());
    b.build(&[]).exits(6);
    a.remove(".coursebuild/shared");
    a.run(&["cache", "push"]).exits(0);
    gets_all(&a, &server.url());
}

#[test]
fn who_may_not_write_reads_and_who_may_not_read_is_told() {
    let server = Server::start();
    server.wants_token("open-sesame");
    let with_token = |space: &Space, args: &[&str], token: &str| {
        let mut command = space.tool(args);
        command.env("COURSEBUILD_SHARED_TOKEN", token);
        space.finish(command)
    };
    let a = with_store(&server.url());
    with_token(&a, &["build"], "open-sesame").exits(0);
    server.forbids_writing();
    let b = with_store(&server.url());
    let ran = with_token(&b, &["build", "--format", "json"], "open-sesame").exits(0);
    assert_eq!(ran.calls(), 0, "{ran:#?}");
    b.edit_seeds(|seeds| change_word(seeds, 2, 1));
    let ran = with_token(&b, &["build", "--format", "json"], "open-sesame").exits(0);
    assert!(
        ran.calls() > 0 && number(&ran, "unpushed") > 0 && ran.stdout.contains("only read now"),
        "{ran:#?}"
    );
    let c = with_store(&server.url());
    let ran = with_token(&c, &["build"], "wrong-token").exits(6);
    assert!(ran.stderr.contains("401") && ran.books.is_empty(), "{ran:#?}");
    for space in [&a, &b, &c] {
        for (path, bytes) in space.everything() {
            assert!(!bytes.windows(11).any(|window| window == b"open-sesame"), "{path} holds the token");
        }
    }
}

#[test]
fn a_killed_upload_loses_nothing_that_was_paid() {
    let server = Server::start();
    for turn in 0..3 {
        let a = with_store(&server.url());
        a.edit_seeds(|seeds| change_word(seeds, 2, turn));
        server.fails("PUT", Fault::Silent, ALWAYS);
        let mut running = a.start(a.tool(&["build", "-j", "3"]));
        let lines = 3 + turn as usize;
        running.until(|books| books.len() >= lines.min(4));
        running.kill();
        server.recovers();
        let ran = a.build(&[]).exits(0);
        assert_eq!(number(&ran, "unpushed"), 0, "{ran:#?}");
        for ((phase, item), count) in a.answered() {
            assert_eq!(count, 1, "turn {turn}: {phase} {item} was bought again");
        }
    }
}

#[test]
fn killed_between_two_uploads_everything_paid_is_pushed_later_and_once() {
    for uploads in [1, 4, 11, 23, 40] {
        let server = Server::start();
        let a = with_store(&server.url());
        let mut running = a.start(a.tool(&["build", "-j", "3"]));
        running.until(|_| server.count("PUT") >= uploads);
        running.kill();
        let ran = a.build(&[]).exits(0);
        assert_eq!(number(&ran, "unpushed"), 0, "{ran:#?}");
        assert!(a.answered().values().all(|count| *count == 1), "{uploads}: something was bought again");
        let other = with_store(&server.url());
        assert_eq!(other.build(&[]).exits(0).calls(), 0, "after {uploads} uploads");
        assert!(other.outputs() == a.outputs());
    }
}

#[test]
fn a_folder_that_is_not_mounted_is_out_of_reach_and_not_empty() {
    let a = Space::batching(SEEDS);
    let url = folder_of(&a);
    shares(&a, &url, "");
    a.build(&[]).exits(0);
    std::fs::rename(a.around().join("team/v1"), a.around().join("away")).unwrap();
    a.edit_seeds(|seeds| change_word(seeds, 2, 1));
    let ran = a.build(&[]).exits(6);
    assert_eq!(ran.calls(), 0, "{ran:#?}");
    assert!(!a.around().join("team/v1").exists(), "it is not set up anew over a share that is away");
    std::fs::rename(a.around().join("away"), a.around().join("team/v1")).unwrap();
    assert!(a.build(&[]).exits(0).calls() > 0);
}

#[test]
fn an_address_with_a_secret_or_of_no_kind_is_refused() {
    for (url, told) in [
        ("https://user:pass@example.org/x", "committed with the manifest"),
        ("https://example.org/x?key=1", "committed with the manifest"),
        ("ftp://example.org", "`ftp` is no kind"),
        ("file://relative", "three slashes"),
    ] {
        let space = with_store(url);
        let ran = space.run(&["plan"]).exits(2);
        assert!(ran.stderr.contains(told), "{url}: {ran:#?}");
    }
    let space = Space::batching(3);
    assert!(
        space.run(&["build", "--cache", "shared:r"]).exits(2).stderr.contains("no shared store is declared")
    );
    space.run(&["build", "--cache", "local:r,shared:r"]).exits(2);
}

#[test]
fn a_canary_asks_the_shared_store_first() {
    let first = with_store("file:///unused");
    let url = folder_of(&first);
    first.replace("coursebuild.toml", "file:///unused", &url);
    first.build(&["phase1"]).exits(0);
    // Everything of phase 1 is there, so the calls that are chosen are the first ones of phase 3.
    let other = of_seeds(SEEDS, &url);
    let ran = other.build(&["--canary", "1"]).exits(4);
    assert_eq!((ran.calls(), &*ran.books[0].phase), (1, "phase3"), "{ran:#?}");
    assert_eq!(first.build(&["phase3"]).exits(0).calls(), 1, "what a canary bought is everybody's");
}
