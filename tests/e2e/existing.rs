//! `init --from`: a folder of main files that were made elsewhere becomes a course, on a yes; what is not recognised is told, and
//! nothing is written.

use crate::adopt::shared;
use crate::support::expect::{MAIN_FILES, PHASES, assert_fresh, built, plan_of};
use crate::support::git::{commit, git, git_in};
use crate::support::terminal::Terminal;
use crate::support::{Ran, Space, synth};
use serde_json::{Value, json};

const SEEDS: usize = 25;
const DIR: &str = "vfs/courses/qaa_for_eng";

fn in_dir(path: &str) -> String {
    format!("{DIR}/{}", path.strip_prefix("course/").unwrap())
}

/// Main files, seeds and documents as somebody else's scripts left them: no manifest, no lock, no store.
fn left(rules: &str) -> Space {
    let space = Space::batching(SEEDS);
    let mode: &[&str] = if rules.contains("objects") { &["objects"] } else { &[] };
    space.write("coursebuild.toml", &synth::manifest(rules, &space.argv(mode)));
    let space = built(space);
    for path in &MAIN_FILES[..3] {
        space.write(&in_dir(path), &space.read(path));
    }
    for gone in ["coursebuild.toml", "course", ".coursebuild"] {
        space.remove(gone);
    }
    space
}

/// `init --from` with the program that answers in this space.
fn init(space: &Space, mode: &[&str], args: &[&str]) -> Ran {
    let program = space.argv(mode).join(" ");
    let fixed = ["init", "--from", DIR, "--program", &program, "--format", "json"];
    let ran = space.run(&[&fixed[..], args].concat());
    assert_eq!(ran.books, [], "nothing is bought");
    ran
}

fn told(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran:#?}"))
}

#[test]
fn a_course_that_is_there_gets_a_manifest_and_is_adopted_without_a_call() {
    for (rules, mode) in [("builtin:batching@1", &[][..]), ("builtin:objects@1", &["objects"])] {
        let space = left(rules);
        let before = space.everything();
        let told = told(&init(&space, mode, &["--yes", "--adopt"]).exits(0));
        let proposal = &told["proposal"];
        assert_eq!((&proposal["rules"], &proposal["code"]), (&json!(rules), &json!("qaa_for_eng")));
        assert_eq!((&proposal["dir"], &proposal["seeds"]), (&json!(DIR), &json!("seeds.json")));
        assert_eq!(proposal["source"], json!({"items": SEEDS, "known": SEEDS, "fills": false}));
        let items: Vec<_> = proposal["files"]
            .as_array()
            .unwrap()
            .iter()
            .map(|file| file["holds"]["items"].as_u64().unwrap())
            .collect();
        let adopted: Vec<_> = told["adoption"]["courses"][0]["phases"]
            .as_array()
            .unwrap()
            .iter()
            .map(|phase| phase["adopted"].as_u64().unwrap())
            .collect();
        assert_eq!(items, adopted);
        assert!(told["notes"].to_string().contains("no pack of the language `qaa`"), "{told:#}");
        assert_eq!(told["merge_driver"], false);
        for path in &MAIN_FILES[..3] {
            assert!(before[&in_dir(path)] == space.files()[&in_dir(path)], "{path} stands as it stood");
        }
        assert_fresh(&space);

        // Another author is named, and nothing of what is there is made anew for it; a changed seed is.
        let manifest = space.read("coursebuild.toml");
        space.write(
            "coursebuild.toml",
            &manifest.replacen("use = \"command\"", "use = \"command\"\nmodel = \"big-model-2\"", 1),
        );
        assert_eq!(space.plan(&[])["calls"], json!({"min": 0, "max": 0}));
        let clone = space.copy();
        clone.remove(".coursebuild");
        assert_eq!(clone.plan(&[])["calls"], json!({"min": 0, "max": 0}), "the lock tells it too");
        space.edit_seeds(|seeds| synth::change_word(seeds, 3, 1));
        assert_eq!(space.build(&[]).exits(0).calls(), 3);
        assert_fresh(&space);
    }
}

#[test]
fn without_a_yes_it_is_shown_and_nothing_is_written() {
    let space = left("builtin:batching@1");
    let before = space.everything();
    let ran = space.run(&["init", "--from", DIR]).exits(4);
    for said in [
        "holds main files in the format of `builtin:batching@1`",
        "phase1 seed_pairs.json: 25 items\n",
        "course qaa_for_eng: `qaa` for speakers of `eng`, by the folder's name\n",
        "seeds seeds.json: 25 items, among them all of the main files\n",
        "documents of phase3: docs/phase_intelligence/phase_3_",
        "answers by whoever takes the prompts from inbox/",
        "on_model_change = \"keep\"",
    ] {
        assert!(ran.stdout.contains(said), "{said}: {ran:#?}");
    }
    assert!(ran.stderr.contains("nothing was written") && ran.stderr.contains("`--yes`"), "{ran:#?}");
    assert!(before == space.everything());
}

#[test]
fn at_a_terminal_it_asks_and_then_adopts() {
    let space = left("builtin:batching@1");
    git(&space, &["init", "-q", "-b", "main"]);
    let mut terminal = Terminal::start(&space, &["init", "--from", DIR]);
    terminal.until("who answers: phrasebook, replay, command or drop [drop]");
    terminal.types("\n");
    terminal.until("the folder that prompts are laid into [inbox]");
    terminal.types("\n");
    let shown = terminal.until("go on? [y]");
    assert!(shown.contains("the configuration of this git repository"), "{shown}");
    terminal.types("y\n");
    terminal.until("adopt what is there now? no call is made [y]");
    terminal.types("n\n");
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(0), "{shown}");
    assert!(
        shown.contains("would adopt") && shown.contains("next: `coursebuild adopt` takes this"),
        "{shown}"
    );
    assert!(!space.path(&in_dir(MAIN_FILES[3])).exists());
    assert!(space.read(".gitignore").contains("inbox/"));
    assert!(
        git(&space, &["config", "--get", "merge.coursebuild.driver"]).contains("merge-driver %O %A %B %P")
    );
    space.run(&["adopt"]).exits(0);
    assert_eq!(space.plan(&[])["calls"], json!({"min": 0, "max": 0}));
    // A no writes nothing.
    let other = left("builtin:batching@1");
    let before = other.everything();
    let mut terminal =
        Terminal::start(&other, &["init", "--from", DIR, "--generator", "drop", "--file", "in"]);
    terminal.until("go on? [y]");
    terminal.types("n\n");
    assert_eq!(terminal.end().0, Some(130));
    assert!(before == other.everything());
}

/// What a new user of a repository expects: after `init`, branches come together.
#[test]
fn after_it_the_branches_of_a_repository_merge_item_by_item() {
    let space = left("builtin:batching@1");
    git(&space, &["init", "-q", "-b", "main"]);
    let made = told(&init(&space, &[], &["--yes", "--adopt"]).exits(0));
    assert_eq!(made["merge_driver"], true);
    commit(&space);
    let baskets = in_dir(MAIN_FILES[2]);
    let ids: Vec<String> = space.json(&baskets).as_object().unwrap().keys().take(2).cloned().collect();
    let edit = |id: &str| {
        space.edit_json(&baskets, |all| all[id]["e"] = json!([["by hand", "by hand"]]));
        space.build(&[]).exits(0);
        commit(&space);
    };
    // Neighbours, so that git alone could not tell their lines apart.
    git(&space, &["checkout", "-q", "-b", "other"]);
    edit(&ids[1]);
    git(&space, &["checkout", "-q", "main"]);
    edit(&ids[0]);
    let output = git_in(&space, space.root(), &["merge", "-q", "--no-edit", "other"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(space.build(&[]).exits(0).calls(), 0);
    for id in &ids {
        assert_eq!(space.json(&baskets)[id]["e"][0][0], "by hand", "{id}");
    }
    assert_fresh(&space);
}

#[test]
fn what_is_not_recognised_is_told_and_nothing_is_written() {
    type Spoil = fn(&Space);
    let cases: [(&str, Spoil, &[&str], &str, &str); 14] = [
        ("no folder", |space| space.remove(DIR), &[], "is not there", "name the folder"),
        (
            "an empty folder",
            |space| {
                for path in &MAIN_FILES[..3] {
                    space.remove(&in_dir(path));
                }
            },
            &[],
            "looked for `lego_baskets.json`, `lego_pairs.json`, `seed_pairs.json`; it is empty",
            "rules of your own",
        ),
        (
            "half a file",
            |space| {
                let text = space.read(&in_dir(MAIN_FILES[1]));
                space.write(&in_dir(MAIN_FILES[1]), &text[..text.len() / 2]);
            },
            &[],
            "lego_pairs.json` cannot be read as JSON",
            "restore it",
        ),
        (
            "conflict markers",
            |space| {
                let text = space.read(&in_dir(MAIN_FILES[0]));
                space.write(
                    &in_dir(MAIN_FILES[0]),
                    &format!("<<<<<<< HEAD\n{text}=======\n{{}}\n>>>>>>> other\n"),
                );
            },
            &[],
            "seed_pairs.json` holds the conflict markers",
            "git checkout --ours",
        ),
        (
            "bytes that are no text",
            |space| space.write_bytes(&in_dir(MAIN_FILES[0]), &[b'{', 0xff, b'}']),
            &[],
            "is not UTF-8",
            "save it",
        ),
        (
            "two formats",
            |space| {
                space.write(
                    &in_dir(MAIN_FILES[0]),
                    "{\"translations\": {\"S0001\": {\"known\": \"a\", \"target\": \"b\"}}}",
                );
            },
            &[],
            "as `builtin:objects@1`: `seed_pairs.json` holds 1 item, `lego_pairs.json`",
            "rules --copy",
        ),
        (
            "another format",
            |space| {
                for path in &MAIN_FILES[..3] {
                    space.write(&in_dir(path), "[1, 2, 3]");
                }
            },
            &[],
            "no built-in pack describes",
            "rules --copy",
        ),
        (
            "no items",
            |space| {
                for path in [MAIN_FILES[0], MAIN_FILES[2]] {
                    space.write(&in_dir(path), "{}");
                }
                space.write(&in_dir(MAIN_FILES[1]), "[]");
            },
            &[],
            "hold no items",
            "nothing to adopt",
        ),
        ("no seeds", |space| space.remove("seeds.json"), &[], "no file of seeds was found", "`--seeds FILE`"),
        (
            "other seeds",
            |space| space.write("seeds.json", "{\"X1\": \"a\"}"),
            &[],
            "these hold others: `seeds.json` (0 of its 1 items)",
            "`--seeds FILE`",
        ),
        (
            "two files of seeds",
            |space| space.write("again.json", &space.read("seeds.json")),
            &[],
            "`again.json` (25 of its 25 items), `seeds.json` (25 of its 25 items)",
            "`--seeds FILE`",
        ),
        (
            "no documents",
            |space| space.remove("docs"),
            &[],
            "nothing matches `docs/phase_intelligence/phase_1_*.md` of phase1",
            "put them there first",
        ),
        ("a course of no name", |_| (), &["--course", "spanish"], "is no pair of languages", "spa_for_eng"),
        ("no such seeds", |_| (), &["--seeds", "x.json"], "there is no file", "name a file that is there"),
    ];
    let left = left("builtin:batching@1");
    for (what, spoil, args, says, way_on) in cases {
        let space = left.copy_of_files();
        spoil(&space);
        let before = space.everything();
        let ran = init(&space, &[], &[&["--yes"], args].concat()).exits(2);
        assert!(ran.stderr.contains(says) && ran.stderr.contains(way_on), "{what}: {}", ran.stderr);
        assert!(before == space.everything(), "{what}: nothing is written");
    }
    // A folder of folders names those that fit, and documents that lie elsewhere are named too.
    for above in ["vfs/courses", "vfs", "."] {
        let ran = left.run(&["init", "--from", above, "--yes"]).exits(2);
        let named = format!("there are some in `{}`: name one", left.path(DIR).display());
        assert!(ran.stderr.contains(&named), "{above}: {ran:#?}");
    }
    let deeper = left.copy_of_files();
    std::fs::rename(deeper.path("docs"), deeper.path("vfs/docs")).unwrap();
    let ran = deeper.run(&["init", "--from", DIR, "--yes"]).exits(2);
    assert!(ran.stderr.contains("`coursebuild -C vfs init --from courses/qaa_for_eng`"), "{ran:#?}");
    std::fs::rename(deeper.path("seeds.json"), deeper.path("vfs/seeds.json")).unwrap();
    deeper.run(&["-C", "vfs", "init", "--from", "courses/qaa_for_eng", "--yes", "--adopt"]).exits(0);
    // What names the course in two ways names it in none.
    let renamed = left.copy_of_files();
    std::fs::rename(renamed.path(DIR), renamed.path("mine")).unwrap();
    let ran = renamed.run(&["init", "--from", "mine", "--yes"]).exits(2);
    assert!(
        ran.stderr.contains("nothing tells which languages") && ran.stderr.contains("--course"),
        "{ran:#?}"
    );
    renamed.run(&["init", "--from", "mine", "--yes", "--course", "qaa_for_eng"]).exits(0);
    assert!(
        renamed
            .run(&["init", "--from", "mine"])
            .exits(2)
            .stderr
            .contains("there is a `coursebuild.toml` here already")
    );
}

/// What is odd is said, and adopted as far as it is whole.
#[test]
fn what_is_odd_about_main_files_is_said_before_anything_is_written() {
    let space = left("builtin:batching@1");
    space.edit_json(&in_dir(MAIN_FILES[0]), |pairs| {
        pairs["agentId"] = json!(7);
        pairs["S0777"] = json!(["x", "y"]);
        pairs.as_object_mut().unwrap().shift_remove("S0009");
    });
    space.remove(&in_dir(MAIN_FILES[2]));
    let made = told(&init(&space, &[], &["--yes"]).exits(0));
    let notes = made["notes"].to_string();
    for said in [
        "1 of the items of `seed_pairs.json` do not look like the others",
        "`lego_baskets.json` is not there: all of phase5 is missing",
        "1 of 25 items are not in `seeds.json`",
        "1 of the 25 items of `seeds.json` have no result",
    ] {
        assert!(notes.contains(said), "{said}: {notes}");
    }
    assert_eq!(made["adoption"]["dry_run"], true);
    assert_eq!(made["adoption"]["courses"][0]["phases"][0]["orphaned"], json!(["agentId", "S0777"]));
    assert!(!space.path(&in_dir(MAIN_FILES[3])).exists(), "without `--adopt` nothing is taken");
    // An item twice, and not the same: the manifest is there, and the adoption says what to mend.
    let twice = left("builtin:batching@1");
    let pairs = in_dir(MAIN_FILES[0]);
    twice.write(&pairs, &twice.read(&pairs).replacen('{', "{\n  \"S0002\": [\"x\", \"y\"],", 1));
    let ran = twice.run(&["init", "--from", DIR, "--yes", "--adopt"]).exits(2);
    assert!(ran.stdout.contains("`S0002` stands in `seed_pairs.json` more than once"), "{ran:#?}");
    assert!(ran.stderr.contains("keep one of the two"), "{ran:#?}");
}

#[test]
fn a_real_course_is_recognised_and_adopted_as_it_is() {
    let Some(data) = shared() else { return };
    let space = Space::new();
    for name in ["seed_pairs.json", "lego_pairs.json", "lego_baskets.json"] {
        let text = std::fs::read_to_string(data.join("spa_for_eng").join(name)).unwrap();
        space.write(&format!("vfs/courses/spa_for_eng/{name}"), &text);
    }
    space.write(
        "vfs/canonical_seeds.json",
        &std::fs::read_to_string(data.join("canonical_seeds.json")).unwrap(),
    );
    for phase in [1, 3, 5] {
        space.write(&format!("docs/phase_intelligence/phase_{phase}_x.md"), "# What to do\n");
    }
    let ran = space
        .run(&["init", "--from", "vfs/courses/spa_for_eng", "--yes", "--adopt", "--format", "json"])
        .exits(0);
    let told = told(&ran);
    assert_eq!(told["notes"], json!([]), "nothing is odd");
    assert_eq!(
        (&told["proposal"]["rules"], &told["proposal"]["seeds"]),
        (&json!("builtin:objects@1"), &json!("vfs/canonical_seeds.json"))
    );
    let phases = told["adoption"]["courses"][0]["phases"].as_array().unwrap();
    let adopted: Vec<_> = phases.iter().map(|phase| phase["adopted"].as_u64().unwrap()).collect();
    assert_eq!(adopted, [668, 668, 2392]);
    let plan = space.plan(&[]);
    assert_eq!(plan["calls"], json!({"min": 0, "max": 0}));
    assert_eq!(PHASES.map(|name| plan_of(&plan, name)["missing"].as_u64().unwrap()), [0, 0, 0]);
    assert_fresh(&space);
}
