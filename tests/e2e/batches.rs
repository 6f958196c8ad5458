//! Courses whose generators are asked by batches: what is submitted, what is found again after a crash, and what it costs.

use crate::services::space_at;
use crate::support::batches::{Batches, Fate, Slip};
use crate::support::service::{KEY, MODEL};
use crate::support::{Ran, Running, Space};
use serde_json::Value;
use std::process::Command;

pub(crate) const KINDS: [&str; 2] = ["anthropic", "openai"];
const BATCH: &str = "mode = \"batch\"\npoll_s = 0.02";

pub(crate) fn space(service: &Batches, kind: &str, seeds: usize, more: &str) -> Space {
    space_at(&service.address, kind, seeds, &format!("{BATCH}\n{more}"))
}

pub(crate) fn tool(space: &Space, args: &[&str]) -> Command {
    let mut tool = space.tool(&[&["build", "--format", "json"], args].concat());
    tool.env("STUB_KEY", KEY);
    tool
}

fn build(space: &Space, args: &[&str]) -> Ran {
    let ran = space.finish(tool(space, args));
    nothing_is_told(space, &ran);
    ran
}

/// No secret in anything that was written or printed.
#[track_caller]
fn nothing_is_told(space: &Space, ran: &Ran) {
    assert!(!ran.stdout.contains(KEY) && !ran.stderr.contains(KEY), "{ran:#?}");
    for (path, bytes) in space.everything() {
        assert!(!bytes.windows(KEY.len()).any(|part| part == KEY.as_bytes()), "{path}");
    }
}

/// The tool's books are the service's.
#[track_caller]
fn assert_books_agree(space: &Space, service: &Batches) {
    let costs = space.run(&["log", "--cost", "--format", "json"]).exits(0).stdout;
    let costs: Value = serde_json::from_str(&costs).unwrap();
    let (logged, billed) = (costs["total"]["usd"].as_f64().unwrap(), service.bill() / 1e6);
    assert!((logged - billed).abs() < 1e-9, "{logged} {billed}");
    assert_eq!(costs["total"]["calls"], service.sold().len(), "{costs:#}");
}

/// Nothing was sold twice, and nothing is under way any more.
#[track_caller]
pub(crate) fn assert_sold_once(space: &Space, service: &Batches) {
    assert!(service.sold_items().values().all(|times| *times == 1), "{:#?}", service.sold_items());
    assert_nothing_is_open(space);
}

#[track_caller]
fn assert_nothing_is_open(space: &Space) {
    let open: Vec<String> = space
        .everything()
        .into_keys()
        .filter(|path| {
            [".coursebuild/submissions/", ".coursebuild/journal/"].iter().any(|at| path.starts_with(at))
        })
        .collect();
    assert_eq!(open, [""; 0]);
}

#[track_caller]
fn until(running: &mut Running<'_>, state: &str) {
    running.until_printed(&format!("\"state\":\"{state}\""));
}

#[test]
fn a_course_of_two_phases_is_two_submissions_at_half_the_price() {
    for kind in KINDS {
        for more in ["", "json_schema = true"] {
            let service = Batches::start();
            service.is_noisy();
            let space = space(&service, kind, 20 * 7, more);
            let ran = build(&space, &["-j", "2"]).exits(0);
            assert_eq!(service.sizes(), [7, 7], "{kind}: what is ready goes together, whatever `-j` says");
            assert_eq!(space.json("course/second.json")["S0140"]["text"], "SENTENCE NUMBER 140");
            let spent = ran.summary()["money_usd"].as_f64().unwrap();
            assert!((spent - service.bill() / 1e6).abs() < 1e-9);
            assert_books_agree(&space, &service);
            assert_sold_once(&space, &service);
            if kind == "anthropic" {
                let batches = service.batches();
                assert!(batches[0].requests[0].1.to_string().contains("cache_control"));
            }
            let calls = ran.summary()["calls"].as_u64();
            assert_eq!(calls, Some(14));
            let again = build(&space, &[]).exits(0);
            assert_eq!((again.summary()["calls"].as_u64(), service.sizes().len()), (Some(0), 2));
        }
    }
}

#[test]
fn the_way_is_in_no_key() {
    let service = Batches::start();
    let space = space(&service, "anthropic", 40, "");
    build(&space, &[]).exits(0);
    space.replace("coursebuild.toml", BATCH, "");
    let ran = build(&space, &[]).exits(0);
    assert_eq!((ran.summary()["calls"].as_u64(), service.sold().len()), (Some(0), 4));
}

#[test]
fn killed_after_submission_nothing_is_submitted_twice() {
    for kind in KINDS {
        let service = Batches::start();
        service.hold();
        let space = space(&service, kind, 60, "");
        let mut running = space.start(tool(&space, &[]));
        until(&mut running, "in_progress");
        nothing_is_told(&space, &running.kill());
        // Killed again while it waits for what the first one submitted.
        let mut again = space.start(tool(&space, &[]));
        until(&mut again, "in_progress");
        again.kill();
        assert_eq!(service.sizes(), [3]);
        let told = &space.plan(&[])["submitted"];
        assert_eq!(*told, serde_json::json!({"submissions": 1, "requests": 3, "items": 60}));
        assert!(space.run(&["plan"]).stdout.contains("3 requests for 60 items"));
        service.let_go();
        let ran = build(&space, &[]).exits(0);
        assert_eq!(space.plan(&[])["submitted"], Value::Null);
        assert_eq!(service.sizes(), [3, 3], "{kind}: the second phase only");
        let recovered = ran.events.iter().filter(|event| event["event"] == "recovered").count();
        assert_eq!((recovered, ran.summary()["calls"].as_u64()), (3, Some(3)), "{ran:#?}");
        assert_sold_once(&space, &service);
        assert_books_agree(&space, &service);
    }
}

#[test]
fn killed_before_the_answer_to_a_submission_it_is_found_again() {
    for kind in KINDS {
        let service = Batches::start();
        service.add_foreign(3, true);
        let space = space(&service, kind, 60, "");
        // The service takes it, and answers nothing; every question after that is lost too, so the build cannot find out.
        let path = if kind == "anthropic" { "/v1/messages/batches" } else { "/v1/batches" };
        service.slips("POST", path, &[Slip::CutAfter]);
        service.hold();
        let mut running = space.start(tool(&space, &[]));
        if kind == "anthropic" {
            until(&mut running, "looked_for");
        } else {
            until(&mut running, "in_progress");
        }
        running.kill();
        let state = space.everything().into_keys().any(|path| path.ends_with("/map.json"));
        assert!(state, "the map outlives the process");
        // What others submit meanwhile is not taken for ours.
        service.add_foreign(3, false);
        service.add_foreign(2, true);
        service.let_go();
        let ran = build(&space, &[]).exits(0);
        let ours: Vec<usize> = service
            .batches()
            .iter()
            .filter(|batch| !batch.requests[0].0.starts_with("theirs"))
            .map(|batch| batch.requests.len())
            .collect();
        assert_eq!(ours, [3, 3], "{kind}: {ran:#?}");
        assert_sold_once(&space, &service);
        assert_books_agree(&space, &service);
    }
}

#[test]
fn a_create_whose_answer_is_lost_is_looked_for_and_not_repeated() {
    for kind in KINDS {
        for slip in [Slip::CutAfter, Slip::LostIn502, Slip::Half] {
            let service = Batches::start();
            let path = if kind == "anthropic" { "/v1/messages/batches" } else { "/v1/batches" };
            service.slips("POST", path, &[slip]);
            let space = space(&service, kind, 60, "");
            build(&space, &[]).exits(0);
            assert_eq!(service.sizes(), [3, 3], "{kind} {slip:?}");
            assert_sold_once(&space, &service);
        }
    }
}

#[test]
fn what_was_not_taken_is_sent_again() {
    for kind in KINDS {
        let service = Batches::start();
        let path = if kind == "anthropic" { "/v1/messages/batches" } else { "/v1/batches" };
        service.slips(
            "POST",
            path,
            &[Slip::CutBefore, Slip::Status(529), Slip::Status(500), Slip::Status(429)],
        );
        service.slips("GET", path, &[Slip::Status(503), Slip::CutBefore, Slip::Half, Slip::Status(429)]);
        service.slips("POST", "/v1/files", &[Slip::CutBefore, Slip::Status(500)]);
        service.slips("GET", "/v1/files", &[Slip::Half, Slip::Status(503)]);
        let space = space(&service, kind, 60, "");
        build(&space, &[]).exits(0);
        assert_eq!(service.sizes(), [3, 3]);
        assert_sold_once(&space, &service);
    }
}

#[test]
fn what_cannot_be_found_out_is_held() {
    let service = Batches::start();
    let space = space(&service, "anthropic", 60, "");
    service.slips("POST", "/v1/messages/batches", &[Slip::CutAfter]);
    service.hold();
    let mut running = space.start(tool(&space, &[]));
    until(&mut running, "looked_for");
    running.kill();
    service.forget_results();
    for _ in 0..2 {
        let ran = build(&space, &[]).exits(6);
        assert!(ran.stdout.contains("may be it") && ran.stdout.contains("to give it up, delete"), "{ran:#?}");
    }
    assert_eq!(service.sizes(), [3], "nothing is bought before that is decided");
    service.let_go();
    space.remove(".coursebuild/submissions");
    build(&space, &[]).exits(0);
    assert_eq!(service.sizes(), [3, 3, 3], "given up, it is asked again");
}

#[test]
fn a_submission_that_was_never_sent_is_no_obstacle() {
    for kind in KINDS {
        let service = Batches::start();
        let space = space(&service, kind, 60, "");
        let path = if kind == "anthropic" { "/v1/messages/batches" } else { "/v1/batches" };
        // Nothing arrives, and the questions that follow are not answered either.
        service.slips("POST", path, &[Slip::CutBefore]);
        service.slips(
            "GET",
            if kind == "anthropic" { "/v1/messages/batches?limit=1000" } else { path },
            &[Slip::Status(503); 100],
        );
        let mut running = space.start(tool(&space, &[]));
        let begun = std::time::Instant::now();
        while service.count("GET", path) < 4 {
            assert!(begun.elapsed().as_secs() < 120);
            std::thread::yield_now();
        }
        running.until_printed("call_started");
        running.kill();
        service.clear_slips();
        let ran = build(&space, &[]).exits(0);
        assert_eq!(service.sizes(), [3, 3], "{ran:#?}");
        assert!(ran.stdout.contains("was never taken by the service"), "{ran:#?}");
        assert_sold_once(&space, &service);
    }
}

#[test]
fn an_interrupt_leaves_the_submission_at_the_service() {
    for kind in KINDS {
        let service = Batches::start();
        service.hold();
        let space = space(&service, kind, 60, "");
        let mut running = space.start(tool(&space, &[]));
        until(&mut running, "in_progress");
        running.interrupt();
        let ran = running.end().exits(130);
        assert!(ran.stdout.contains("\"state\":\"left\""), "{ran:#?}");
        let mut running = space.start(tool(&space, &[]));
        until(&mut running, "resumed");
        running.interrupt();
        running.end().exits(130);
        service.let_go();
        build(&space, &[]).exits(0);
        assert_eq!(service.sizes(), [3, 3]);
        assert_sold_once(&space, &service);
    }
}

#[test]
fn interrupted_twice_while_it_submits_it_ends_at_once_and_the_submission_is_found() {
    for kind in KINDS {
        let service = Batches::start();
        let space = space(&service, kind, 60, "");
        let path = if kind == "anthropic" { "/v1/messages/batches" } else { "/v1/batches" };
        service.slips("POST", path, &[Slip::Silent]);
        let mut running = space.start(tool(&space, &[]));
        let begun = std::time::Instant::now();
        while service.sizes().is_empty() {
            assert!(begun.elapsed().as_secs() < 120);
            std::thread::yield_now();
        }
        running.interrupt();
        running.until_printed("\"interrupted\"");
        running.interrupt();
        let ran = running.end().exits(130);
        nothing_is_told(&space, &ran);
        build(&space, &[]).exits(0);
        assert_eq!(service.sizes(), [3, 3], "{kind}");
        assert_sold_once(&space, &service);
    }
}

#[test]
fn a_seed_edited_while_a_submission_is_under_way() {
    let service = Batches::start();
    service.hold();
    let space = space(&service, "openai", 60, "");
    let mut running = space.start(tool(&space, &[]));
    until(&mut running, "in_progress");
    running.kill();
    space.replace("seeds.json", "\"sentence number 7\"", "\"another sentence\"");
    service.let_go();
    let ran = build(&space, &[]).exits(0);
    // The other 59 are used; the edited one is asked anew; then the second phase.
    assert_eq!(service.sizes(), [3, 1, 3], "{ran:#?}");
    assert_eq!(service.batches()[1].requests[0].1.to_string().matches("item S").count(), 1);
    let edited = space.json("course/second.json")["S0007"]["text"].clone();
    assert_eq!(edited, "ANOTHER SENTENCE");
    space.replace("seeds.json", "\"another sentence\"", "\"sentence number 7\"");
    let ran = build(&space, &[]).exits(0);
    // What the submission brought for the earlier text was kept.
    assert_eq!(ran.summary()["items_generated"], 1, "{ran:#?}");
    assert_eq!(service.sizes(), [3, 1, 3, 1]);
    assert_nothing_is_open(&space);
}

#[test]
fn what_was_not_come_to_goes_with_the_next_submission() {
    for kind in KINDS {
        let service = Batches::start();
        service.judge(|batch, at| match (batch, at) {
            (0, 0) => Fate::Expired,
            (0, 1) => Fate::Canceled,
            (0, 2) => Fate::ServerError,
            (0, 3) => Fate::Lost,
            (1, 0) => Fate::Expired,
            _ => Fate::Good,
        });
        let space = space(&service, kind, 120, "");
        let ran = build(&space, &[]).exits(0);
        let sizes = service.sizes();
        // What the second phase has ready by then goes with the third.
        assert_eq!((&sizes[..2], sizes.len(), sizes.iter().sum()), (&[6, 4][..], 4, 17), "{kind}: {ran:#?}");
        let attempts = ran.events.iter().filter(|event| event["event"] == "call_started");
        assert!(attempts.into_iter().all(|event| event["attempt"] == 1), "none of it was an attempt");
        assert_sold_once(&space, &service);
        assert_books_agree(&space, &service);
    }
}

#[test]
fn a_submission_that_brings_nothing_at_all_stops_the_build() {
    for kind in KINDS {
        let service = Batches::start();
        service.judge(|_, _| Fate::Expired);
        let space = space(&service, kind, 60, "");
        let ran = build(&space, &[]).exits(1);
        assert!(ran.stdout.contains("brought nothing at all"), "{ran:#?}");
        assert_eq!(service.sizes(), [3]);
        assert_nothing_is_open(&space);
        service.judge(|_, _| Fate::Good);
        build(&space, &[]).exits(0);
    }
}

#[test]
fn a_request_that_is_refused_stops_the_build_and_keeps_the_others() {
    for kind in KINDS {
        let service = Batches::start();
        service.judge(|batch, at| if batch == 0 && at == 1 { Fate::Invalid } else { Fate::Good });
        let space = space(&service, kind, 60, "");
        let ran = build(&space, &[]).exits(2);
        assert!(ran.stdout.contains("the service does not take this request"), "{ran:#?}");
        assert_eq!(space.json("course/first.json").as_object().unwrap().len(), 40);
        assert_nothing_is_open(&space);
        build(&space, &[]).exits(0);
        assert_sold_once(&space, &service);
    }
}

#[test]
fn a_submission_that_is_refused_as_a_whole_costs_nothing() {
    let service = Batches::start();
    service.fails(Some("line 2: the model is not available for batches"));
    let space = space(&service, "openai", 60, "");
    let ran = build(&space, &[]).exits(2);
    assert!(ran.stdout.contains("line 2: the model is not available"), "{ran:#?}");
    assert_nothing_is_open(&space);
    service.fails(None);
    build(&space, &[]).exits(0);
    assert_sold_once(&space, &service);
}

#[test]
fn repairs_go_in_further_submissions_or_directly() {
    for kind in KINDS {
        for direct in [false, true] {
            let service = Batches::start();
            service.judge(|batch, at| match (batch, at) {
                (0, 0) => Fate::LacksLast,
                (0, 1) => Fate::Malformed,
                _ => Fate::Good,
            });
            let space = space(&service, kind, 60, if direct { "repairs = \"direct\"" } else { "" });
            let ran = build(&space, &["-j", "1"]).exits(0);
            let (sizes, sold) = (service.sizes(), service.sold());
            let directly = sold.iter().filter(|sold| !sold.batch).count();
            if direct {
                assert_eq!((sizes, directly), (vec![3, 3], 2), "{ran:#?}");
            } else {
                assert_eq!((sizes, directly), (vec![3, 2, 3], 0), "{ran:#?}");
            }
            let repaired: usize = sold[3..5].iter().map(|sold| sold.items.len()).sum();
            assert_eq!(repaired, 21, "the failed items only");
            assert_books_agree(&space, &service);
            assert_nothing_is_open(&space);
        }
    }
}

#[test]
fn a_cut_off_answer_is_split_and_a_refused_schema_left_out() {
    for kind in KINDS {
        let service = Batches::start();
        service.judge(|batch, at| if (batch, at) == (0, 1) { Fate::Truncated } else { Fate::Good });
        let cut = space(&service, kind, 40, "");
        build(&cut, &[]).exits(0);
        let sizes = service.sizes();
        assert_eq!((sizes[0], sizes.iter().sum::<usize>()), (2, 5), "{sizes:?}");
        let sold = service.sold();
        let asked: Vec<usize> =
            sold.iter().filter(|sold| sold.phase == "first").map(|sold| sold.items.len()).collect();
        assert!(asked[..2] == [20, 20] && asked[2..].iter().all(|rest| *rest <= 10), "{asked:?}");
        assert_books_agree(&cut, &service);
        let service = Batches::start();
        service.refuse_schemas();
        let space = space(&service, kind, 40, "json_schema = true");
        build(&space, &[]).exits(0);
        assert_eq!(service.sizes(), [2, 2, 2, 2], "each phase is refused once and remembers it");
        assert_sold_once(&space, &service);
    }
}

#[test]
fn a_budget_and_a_bound_hold_before_a_submission() {
    for kind in KINDS {
        let service = Batches::start();
        let space = space(&service, kind, 400, "");
        build(&space, &["--max-calls", "3"]).exits(4);
        assert_eq!(service.sizes(), [3]);
        let taught = service.bill() / 1e6;
        build(&space, &["--budget", "0"]).exits(4);
        assert_eq!(service.sizes(), [3], "nothing leaves without money");
        let budget = taught * 2.0;
        let ran = build(&space, &["--budget", &budget.to_string()]).exits(4);
        let spent = service.bill() / 1e6 - taught;
        assert!(service.sizes().len() == 2 && service.sizes()[1] < 17, "{:?}", service.sizes());
        assert!(spent > 0.0 && spent <= budget * 1.2, "{spent} of {budget}: {ran:#?}");
    }
}

#[test]
fn a_plan_tells_half_the_price() {
    let service = Batches::start();
    let space = space(&service, "anthropic", 100, "");
    let usd = |space: &Space| space.plan(&["--phase", "first"])["expected"]["usd"]["max"].as_f64().unwrap();
    let batch = usd(&space);
    space.replace("coursebuild.toml", BATCH, "cache_markers = false");
    // Without a cache, for nobody knows what it will serve in a batch.
    space.replace(
        "coursebuild.toml",
        "cache_write = 5.0, cache_read = 1.0",
        "cache_write = 3.0, cache_read = 3.0",
    );
    let direct = usd(&space);
    assert!((batch * 2.0 / direct - 1.0).abs() < 0.01, "{batch} {direct}");
}

#[test]
fn the_course_of_twenty_seeds_by_both_services() {
    let by_phrasebook = Space::new();
    by_phrasebook.run(&["init", "--yes"]).exits(0);
    by_phrasebook.build(&[]).exits(0);
    let dir = |name: &str| {
        let found = by_phrasebook.files().into_keys().find(|path| path.ends_with(name));
        found.unwrap_or_else(|| panic!("{name}"))
    };
    let files = ["seed_pairs.json", "lego_pairs.json", "lego_baskets.json"].map(dir);
    let [pairs, legos, baskets] = files.each_ref().map(|path| by_phrasebook.json(path));
    for kind in KINDS {
        let service = Batches::start();
        service.answers_from([
            ("phase1", pairs.clone()),
            ("phase3", legos.clone()),
            ("phase5", baskets.clone()),
        ]);
        let space = Space::new();
        space.run(&["init", "--yes"]).exits(0);
        let manifest = space.read("coursebuild.toml");
        let generate = format!(
            "use = \"{kind}\"\nmodel = \"{MODEL}\"\nbase_url = \"{}\"\napi_key_env = \"STUB_KEY\"\n{BATCH}\n",
            service.address
        );
        space.write(
            "coursebuild.toml",
            &manifest.replace("use = \"phrasebook\"\nfile = \"phrasebook.json\"\n", &generate),
        );
        let mut tool = space.tool(&["build"]);
        tool.env("STUB_KEY", KEY);
        let ran = space.finish(tool).exits(0);
        let told = format!("{}{}", ran.stdout, ran.stderr);
        assert!(told.contains("submission batch_003: 2 requests submitted"), "{told}");
        assert!(told.contains("submission batch_003: ended: 2 answered"), "{told}");
        assert_eq!(service.sizes(), [1, 1, 2], "one submission a phase");
        for path in &files {
            assert_eq!(space.read(path), by_phrasebook.read(path), "{kind}: {path}: {ran:#?}");
        }
        assert_sold_once(&space, &service);
    }
}

#[test]
fn a_key_that_is_refused_is_not_shown() {
    for kind in KINDS {
        let service = Batches::start();
        let space = space(&service, kind, 20, "");
        let mut tool = tool(&space, &[]);
        tool.env("STUB_KEY", "sk-planted-wrong-key");
        let ran = space.finish(tool).exits(2);
        assert!(ran.stdout.contains("[hidden]") && !ran.stdout.contains("planted"), "{ran:#?}");
        assert_eq!(service.sizes(), [0; 0]);
        assert_nothing_is_open(&space);
    }
}

#[test]
fn ten_thousand_items_are_one_submission() {
    let service = Batches::start();
    let space = space(&service, "anthropic", 10_000, "");
    let ran = build(&space, &["--phase", "first"]).exits(0);
    assert_eq!((service.sizes(), ran.summary()["items_generated"].as_u64()), (vec![500], Some(10_000)));
    assert_sold_once(&space, &service);
}

#[test]
#[ignore = "takes long: `.ci/full batches` runs it"]
fn ten_thousand_requests_are_one_submission() {
    for kind in KINDS {
        let service = Batches::start();
        let space = space(&service, kind, 10_000, "");
        space.replace("rules/first.toml", "size = 20", "size = 1");
        build(&space, &["--phase", "first"]).exits(0);
        assert_eq!(service.sizes(), [10_000]);
        assert_sold_once(&space, &service);
    }
}

#[test]
fn a_submission_for_a_service_that_nobody_asks_any_more_is_held() {
    let service = Batches::start();
    service.hold();
    let space = space(&service, "anthropic", 40, "");
    let mut running = space.start(tool(&space, &[]));
    until(&mut running, "in_progress");
    running.kill();
    let manifest = space.read("coursebuild.toml");
    space.write("coursebuild.toml", &manifest.replace(&service.address, "http://127.0.0.1:9"));
    let ran = build(&space, &[]).exits(6);
    assert!(ran.stdout.contains("no phase is asked there any more"), "{ran:#?}");
    space.write("coursebuild.toml", &manifest);
    let ran = build(&space, &["--offline"]).exits(6);
    assert!(ran.stdout.contains("forbids asking there"), "{ran:#?}");
    // Asked call by call from now on: what is under way is waited for all the same.
    space.write("coursebuild.toml", &manifest.replace("mode = \"batch\"\npoll_s = 0.02", ""));
    service.let_go();
    build(&space, &[]).exits(0);
    assert_eq!(service.sizes(), [2]);
    assert_sold_once(&space, &service);
}
