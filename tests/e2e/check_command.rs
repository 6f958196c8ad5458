//! `check`: what it finds in main files, for whom, and that it leaves everything as it is.

use crate::support::expect::built;
use crate::support::{Ran, Space};
use serde_json::{Value, json};

/// The checks that compare items, which a manifest can switch on or off.
const ALL_ON: &str = "
[phase.phase3.check.determinism]
severity = \"error\"
[phase.phase5.check.vocabulary]
severity = \"error\"
";

/// A course that was built, with every check on from now on.
fn course(seeds: usize) -> Space {
    let space = built(Space::batching(seeds));
    let manifest = space.read("coursebuild.toml");
    space.write("coursebuild.toml", &manifest.replacen("\n[[course]]", &format!("{ALL_ON}\n[[course]]"), 1));
    space
}

/// Looks without changing anything outside of the workspace's own folder.
#[track_caller]
fn check(space: &Space, arguments: &[&str], code: i32) -> Ran {
    let before = space.files();
    let ran = space.run(&[&["check"], arguments].concat()).exits(code);
    assert!(before == space.files(), "a check changed a file");
    assert!(ran.books.is_empty(), "a check made a call: {ran:#?}");
    ran
}

fn json_of(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran:#?}"))
}

fn phase<'v>(checked: &'v Value, name: &str) -> &'v Value {
    let phases = checked["courses"][0]["phases"].as_array().unwrap();
    phases.iter().find(|phase| phase["phase"] == name).unwrap_or_else(|| panic!("{checked:#}"))
}

/// Check, type and item of each error of a phase.
fn errors(checked: &Value, name: &str) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let errors = phase(checked, name)["errors"].as_array().unwrap().iter();
    errors.map(|error| (text(&error["check"]), text(&error["type"]), text(&error["item"]))).collect()
}

fn one(check: &str, kind: &str, item: &str) -> Vec<(String, String, String)> {
    vec![(check.to_owned(), kind.to_owned(), item.to_owned())]
}

#[test]
fn what_was_built_passes_with_and_without_lock_and_store() {
    let space = course(30);
    let with = check(&space, &["--format", "json"], 0).stdout;
    space.remove(".coursebuild");
    space.remove("course/coursebuild.lock");
    let ran = check(&space, &["--format", "json"], 0);
    assert_eq!(ran.stdout, with, "the verdict is about the main files");
    let checked = json_of(&ran);
    assert_eq!((&checked["version"], &checked["valid"]), (&json!(1), &json!(true)));
    let stats = &phase(&checked, "phase1")["stats"];
    assert_eq!((&stats["items"], &stats["passed"], &stats["failed"]), (&json!(30), &json!(30), &json!(0)));
    // The made-up language has no pack.
    assert!(phase(&checked, "phase1")["left_out"].as_array().unwrap().contains(&json!("one_translation")));
    let said = check(&space, &[], 0).stdout;
    assert!(
        said.contains("phase3 LEGO decomposition: 30 items, all pass") && said.contains("every check passes")
    );
}

#[test]
fn a_fault_is_told_by_phase_check_and_item() {
    let space = course(30);
    space.edit_json("course/lego_pairs.json", |legos| {
        legos[4][2][0][0] = json!("S0005L99");
        legos[4][2][0][2] = json!("otra");
    });
    let ran = check(&space, &["phase3", "--format", "json"], 1);
    let checked = json_of(&ran);
    assert_eq!(checked["valid"], false);
    assert_eq!(errors(&checked, "phase3")[0], one("tiling", "tiling", "S0005")[0]);
    assert_eq!(phase(&checked, "phase3")["failed_items"], json!(["S0005"]));
    let counts = phase(&checked, "phase3")["stats"]["checks"].as_array().unwrap();
    assert!(counts.contains(&json!({"check": "tiling", "errors": 1, "warnings": 0})), "{counts:#?}");
    assert!(counts.contains(&json!({"check": "echo", "errors": 0, "warnings": 0})), "{counts:#?}");
    let said = check(&space, &["phase3"], 1).stdout;
    assert!(said.contains("    tiling: 1 error\n      S0005 tiling: the pieces"), "{said}");
    assert!(said.contains("        try: cut the text anew"), "{said}");
    // The baskets of its LEGOs stand there without what they were made from: a warning, for a build takes them out.
    let all = json_of(&check(&space, &["--format", "json"], 1));
    assert!(phase(&all, "phase5")["stats"]["extra"].as_u64().unwrap() > 0, "{all:#}");
    assert!(phase(&all, "phase5")["warnings"].to_string().contains("extra_item"));
}

#[test]
fn items_are_compared_in_source_order_and_the_later_one_is_blamed() {
    let space = course(40);
    let legos = space.json("course/lego_pairs.json");
    let known = legos[2][2][0][3].clone();
    let other = legos[30][2][0][2].clone();
    assert_ne!(other, legos[2][2][0][2]);
    // The later seed says what an earlier one says in other words; its text stays tiled.
    space.edit_json("course/lego_pairs.json", |legos| legos[30][2][0][3] = known);
    let checked = json_of(&check(&space, &["--check", "determinism", "--format", "json"], 1));
    assert_eq!(errors(&checked, "phase3"), one("determinism", "determinism", "S0031"));
    assert_eq!(phase(&checked, "phase5")["valid"], true, "what other checks say is not asked for");
}

#[test]
fn a_basket_with_words_of_a_later_lego_is_caught() {
    let space = course(25);
    let legos = space.json("course/lego_pairs.json");
    let word = |seed: usize| legos[seed][2][0][2].as_str().unwrap().to_owned();
    let text = |seed: usize| legos[seed][1][0].as_str().unwrap();
    let earlier: Vec<&str> = (0..24).flat_map(|seed| text(seed).split(' ')).collect();
    let last = text(24).split(' ').find(|word| !earlier.contains(word)).expect("a word that comes late");
    let id = legos[1][2][0][0].as_str().unwrap().to_owned();
    space.edit_json("course/lego_baskets.json", |baskets| {
        baskets[&id]["e"] =
            json!([[format!("{} {}", word(1), word(0)), "k"], [format!("{} {last}", word(1)), "k"]]);
    });
    let checked = json_of(&check(&space, &["--check", "vocabulary", "--format", "json"], 1));
    let errors = phase(&checked, "phase5")["errors"].as_array().unwrap();
    assert!(errors.iter().all(|error| error["item"] == *id && error["check"] == "vocabulary"), "{errors:#?}");
    assert!(errors[0]["message"].as_str().unwrap().contains("taught later, by `S0025L"), "{errors:#?}");
    assert!(errors[0]["message"].as_str().unwrap().contains("/e/1/0"), "{errors:#?}");
}

#[test]
fn what_is_not_there_is_counted_and_no_error() {
    let space = course(25);
    space.edit_json("course/seed_pairs.json", |pairs| {
        pairs.as_object_mut().unwrap().shift_remove("S0007");
        pairs["S9999"] = json!(["a", "b"]);
    });
    space.remove("course/lego_baskets.json");
    let checked = json_of(&check(&space, &["--format", "json"], 0));
    let first = phase(&checked, "phase1");
    assert_eq!(first["missing_items"], json!(["S0007"]));
    assert_eq!(
        (&first["stats"]["items"], &first["stats"]["missing"], &first["stats"]["extra"]),
        (&json!(24), &json!(1), &json!(1))
    );
    assert_eq!(phase(&checked, "phase5")["stats"]["items"], 0);
    let said = check(&space, &[], 0).stdout;
    assert!(said.contains("nothing is there"), "{said}");
    space.write("course/lego_baskets.json", "[1, 2");
    assert!(check(&space, &[], 2).stderr.contains("lego_baskets.json"));
}

#[test]
fn targets_and_names_of_checks_limit_what_is_told() {
    let space = course(45);
    space.edit_json("course/lego_pairs.json", |legos| {
        for seed in [3, 24, 44] {
            legos[seed][2][0][2] = json!("otra");
        }
    });
    let failed = |arguments: &[&str]| {
        let ran = space.run(&[&["check", "--format", "json"], arguments].concat());
        let checked = json_of(&ran);
        assert_eq!(ran.code == Some(1), checked["valid"] == false);
        let phases = checked["courses"][0]["phases"].as_array().unwrap().clone();
        phases.iter().flat_map(|phase| phase["failed_items"].as_array().unwrap().clone()).collect::<Vec<_>>()
    };
    assert_eq!(failed(&["phase3"]), ["S0004", "S0025", "S0045"]);
    assert_eq!(failed(&["phase3/2"]), ["S0025"]);
    assert_eq!(failed(&["phase3/S0004"]), ["S0004"]);
    assert_eq!(failed(&["S0020-S0030"]), ["S0025"]);
    assert_eq!(failed(&["course/lego_pairs.json"]), ["S0004", "S0025", "S0045"]);
    assert_eq!(failed(&["phase1", "phase5"]), [Value::Null; 0]);
    assert_eq!(failed(&["--check", "echo"]), [Value::Null; 0]);
    assert_eq!(failed(&["--check", "echo", "--check", "tiling", "phase3/1"]), ["S0004"]);
    let unknown = check(&space, &["--check", "tilling"], 2).stderr;
    assert!(unknown.contains("no phase has a check `tilling`") && unknown.contains("`tiling`"), "{unknown}");
    assert_eq!(check(&space, &["phase4"], 2).code, Some(2));
}

/// An element of an XML document: name, attributes, children, text.
#[derive(Debug, Default)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Element>,
    text: String,
}

impl Element {
    fn get(&self, name: &str) -> &str {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map_or_else(|| panic!("no `{name}` in {self:?}"), |(_, value)| value)
    }

    fn number(&self, name: &str) -> usize {
        self.get(name).parse().unwrap()
    }

    fn count(&self, name: &str) -> usize {
        self.children.iter().filter(|child| child.children.iter().any(|inner| inner.name == name)).count()
    }
}

/// Reads a document strictly: what no XML reader takes panics here.
fn read_xml(text: &str) -> Element {
    assert!(
        text.chars().all(|c| c == '\n' || c >= ' ') && !text.contains('\u{ffff}'),
        "a forbidden character"
    );
    let body = text.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").unwrap();
    let mut open = vec![Element::default()];
    let mut rest = body;
    while let Some(at) = rest.find('<') {
        open.last_mut().unwrap().text += &unescaped(&rest[..at]);
        let (tag, after) = rest[at + 1..].split_once('>').unwrap();
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            let done = open.pop().unwrap();
            assert_eq!(done.name, name);
            open.last_mut().unwrap().children.push(done);
            continue;
        }
        let (tag, alone) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, mut attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let mut element = Element { name: name.to_owned(), ..Element::default() };
        while let Some((name, after)) = attributes.split_once("=\"") {
            let (value, after) = after.split_once('"').unwrap();
            let name = name.trim().to_owned();
            assert!(element.attributes.iter().all(|(known, _)| *known != name), "{tag}");
            element.attributes.push((name, unescaped(value)));
            attributes = after;
        }
        assert!(attributes.trim().is_empty(), "{tag}");
        if alone { open.last_mut().unwrap().children.push(element) } else { open.push(element) }
    }
    assert!(open.len() == 1 && rest.trim().is_empty());
    open.remove(0).children.remove(0)
}

fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut parts = text.split('&');
    out += parts.next().unwrap();
    for part in parts {
        let (name, rest) = part.split_once(';').unwrap_or_else(|| panic!("a bare `&` in {text}"));
        out.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            number => char::from_u32(number.strip_prefix('#').unwrap().parse().unwrap()).unwrap(),
        });
        out += rest;
    }
    out
}

/// What the schema of Jenkins' JUnit reader lets stand in an element: attributes that have to be there, others, children.
fn allowed(name: &str) -> (&'static [&'static str], &'static [&'static str], &'static [&'static str]) {
    match name {
        "testsuites" => (&[], &["name", "time", "tests", "failures", "disabled", "errors"], &["testsuite"]),
        "testsuite" => (
            &["name", "tests"],
            &["failures", "errors", "time", "disabled", "skipped", "timestamp", "hostname", "id", "package"],
            &["properties", "testcase", "system-out", "system-err"],
        ),
        "testcase" => (
            &["name"],
            &["classname", "assertions", "time", "status", "class", "file", "line"],
            &["skipped", "error", "failure", "system-out", "system-err"],
        ),
        "failure" => (&[], &["type", "message"], &[]),
        "skipped" => (&[], &["type", "message"], &[]),
        "system-out" => (&[], &[], &[]),
        _ => panic!("the schema has no element `{name}`"),
    }
}

fn assert_valid(element: &Element) {
    let (needed, optional, children) = allowed(&element.name);
    for name in needed {
        element.get(name);
    }
    for (name, _) in &element.attributes {
        assert!(
            needed.contains(&name.as_str()) || optional.contains(&name.as_str()),
            "{name} in {element:?}"
        );
    }
    for child in &element.children {
        assert!(children.contains(&child.name.as_str()), "{} in {}", child.name, element.name);
        assert_valid(child);
    }
}

#[test]
fn junit_is_what_its_schema_says_whatever_the_texts() {
    let space = course(25);
    space.edit_json("course/lego_pairs.json", |legos| {
        legos[1][2][0][2] = json!("<&>\"' \u{1b}[31m]]> \u{0}\u{ffff} 我");
        legos[3][2].as_array_mut().unwrap().truncate(0);
    });
    space.edit_json("course/seed_pairs.json", |pairs| {
        pairs.as_object_mut().unwrap().shift_remove("S0007");
    });
    let checked = json_of(&check(&space, &["--format", "json"], 1));
    let file = space.around().join("checked.xml");
    check(&space, &["--junit", file.to_str().unwrap()], 1);
    let root = read_xml(&std::fs::read_to_string(file).unwrap());
    assert_eq!(root.name, "testsuites");
    assert_valid(&root);
    assert_eq!(root.children.len(), 3);
    for (suite, name) in root.children.iter().zip(["phase1", "phase3", "phase5"]) {
        let phase = phase(&checked, name);
        assert_eq!(suite.get("name"), format!("qaa_for_eng/{name}"));
        assert_eq!(suite.number("tests"), suite.children.len());
        assert_eq!(suite.number("failures"), suite.count("failure"));
        assert_eq!(suite.number("skipped"), suite.count("skipped"));
        assert_eq!(json!(suite.count("failure")), phase["stats"]["failed"]);
        assert_eq!(json!(suite.count("skipped")), phase["stats"]["missing"]);
    }
    let sum = |name: &str| root.children.iter().map(|suite| suite.number(name)).sum::<usize>();
    assert_eq!((root.number("tests"), root.number("failures")), (sum("tests"), sum("failures")));
    let seed = root.children[1].children.iter().find(|case| case.get("name") == "S0002").unwrap();
    assert_eq!(seed.get("classname"), "qaa_for_eng.phase3");
    assert!(seed.children[0].get("message").contains("<&>\"' \\u{1b}[31m]]> \\u{0}"), "{seed:?}");
    assert!(seed.children[0].text.contains("try: "), "{seed:?}");
}
