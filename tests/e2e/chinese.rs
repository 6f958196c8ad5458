//! A course in a script without spaces, from seeds to baskets, and what the vocabulary gate says of it.

use crate::support::Space;
use serde_json::{Value, json};
use std::path::Path;

/// The checks that compare items, switched on whatever the pack says.
const ALL_ON: &str = "
[phase.phase1.check.one_translation]
severity = \"error\"
[phase.phase3.check.determinism]
severity = \"error\"
[phase.phase5.check.vocabulary]
severity = \"error\"
";

fn built() -> Space {
    let space = Space::new();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cmn_for_eng_20seeds");
    for entry in
        walkdir::WalkDir::new(&data).into_iter().map(Result::unwrap).filter(|e| e.file_type().is_file())
    {
        let inside = entry.path().strip_prefix(&data).unwrap().to_str().unwrap();
        space.write(inside, &std::fs::read_to_string(entry.path()).unwrap());
    }
    let ran = space.build(&[]).exits(0);
    let summary = ran.summary();
    assert_eq!((&summary["items_rejected"], &summary["items_failed"]), (&json!(0), &json!(0)), "{ran:#?}");
    let manifest = space.read("coursebuild.toml");
    space.write("coursebuild.toml", &manifest.replacen("\n[[course]]", &format!("{ALL_ON}\n[[course]]"), 1));
    space
}

fn check(space: &Space, code: i32) -> Value {
    let ran = space.run(&["check", "--format", "json"]).exits(code);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran:#?}"))
}

/// Check, item and message of each error.
fn errors(checked: &Value) -> Vec<(&str, &str, &str)> {
    let phases = checked["courses"][0]["phases"].as_array().unwrap().iter();
    let errors = phases.flat_map(|phase| phase["errors"].as_array().unwrap());
    errors
        .map(|error| {
            let [check, item, message] =
                ["check", "item", "message"].map(|name| error[name].as_str().unwrap());
            (check, item, message)
        })
        .collect()
}

#[test]
fn a_chinese_course_is_built_and_passes_every_check() {
    let space = built();
    let legos = space.json("out/cmn_for_eng/lego_pairs.json");
    assert_eq!(legos[0][1], json!(["我想说中文。", "I want to speak Chinese."]));
    let checked = check(&space, 0);
    let phases = checked["courses"][0]["phases"].as_array().unwrap();
    for (phase, items) in phases.iter().zip([20, 20, 85]) {
        assert_eq!((&phase["stats"]["items"], &phase["stats"]["missing"]), (&json!(items), &json!(0)));
        assert_eq!(phase["left_out"], json!([]), "there is a pack of the language");
    }
    let names = |phase: usize| phases[phase]["stats"]["checks"].to_string();
    assert!(
        names(0).contains("one_translation")
            && names(1).contains("determinism")
            && names(2).contains("vocabulary")
    );
}

#[test]
fn the_gate_covers_text_without_spaces_by_what_was_taught() {
    let space = built();
    let basket = |id: &str, phrases: &[&str]| {
        let phrases: Vec<Value> = phrases.iter().map(|phrase| json!([phrase, "k"])).collect();
        space.edit_json("out/cmn_for_eng/lego_baskets.json", |baskets| baskets[id]["e"] = json!(phrases));
    };
    // Only words of the first seeds, and 吗, which is a component of 说中文吗: fine.
    basket("S0004L01", &["我想说中文吗？", "你想学习吗？"]);
    assert_eq!(errors(&check(&space, 0)), []);
    // 学习 is taught by the second seed, 时间 by nobody.
    basket("S0001L02", &["我想", "我想学习", "我想说"]);
    basket("S0006L01", &["你想说时间吗？"]);
    let checked = check(&space, 1);
    let errors = errors(&checked);
    let of = |id: &str| errors.iter().filter(|error| error.1 == id).map(|error| error.2).collect::<Vec<_>>();
    assert!(errors.iter().all(|error| error.0 == "vocabulary"), "{errors:#?}");
    assert_eq!(of("S0001L02").len(), 2, "{errors:#?}");
    assert!(
        of("S0001L02")[0].contains("`学习`") && of("S0001L02")[0].contains("taught later, by `S0002L03`")
    );
    assert!(of("S0001L02")[1].contains("`说`") && of("S0001L02")[1].contains("taught later, by `S0001L03`"));
    assert_eq!(of("S0006L01").len(), 1, "{errors:#?}");
    assert!(of("S0006L01")[0].contains("`时间`") && of("S0006L01")[0].contains("nowhere"), "{errors:#?}");
}

#[test]
fn a_known_text_with_two_chinese_ones_blames_the_later_seed() {
    let space = built();
    space.edit_json("out/cmn_for_eng/lego_pairs.json", |legos| {
        assert_eq!(legos[16][2][0][2], "我们");
        legos[16][2][0][3] = json!("I");
    });
    let checked = check(&space, 1);
    let errors = errors(&checked);
    let told: Vec<_> = errors.iter().map(|error| (error.0, error.1)).collect();
    assert_eq!(told, [("determinism", "S0017")], "{errors:#?}");
    assert!(errors[0].2.contains("`我们`") && errors[0].2.contains("`S0001L01`"), "{errors:#?}");
}
