//! The checks over a real course, where there is one beside the project: what is counted there by other means is counted here.

use super::tests::rule;
use super::text::Fold;
use super::{Answer, Checks, Lexicon, Subject};
use crate::json::{Ids, Value};
use serde_json::json;
use std::collections::{HashMap, HashSet};

/// The real course's seeds, LEGOs and baskets, in the shape of the built-in rules.
struct Course {
    seeds: Vec<(String, Value)>,
    legos: Vec<(String, Value)>,
    baskets: HashMap<String, Value>,
}

fn course() -> Option<Course> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/spa_for_eng");
    let read = |name: &str| -> Option<Value> {
        serde_json::from_str(&std::fs::read_to_string(format!("{folder}/{name}")).ok()?).ok()
    };
    let (Some(seeds), Some(legos), Some(baskets)) =
        (read("seed_pairs.json"), read("lego_pairs.json"), read("lego_baskets.json"))
    else {
        eprintln!("skipped: there is no real course at {folder}");
        return None;
    };
    let pair = |value: &Value| json!([value["target"], value["known"]]);
    let seeds =
        seeds["translations"].as_object().unwrap().iter().map(|(id, value)| (id.clone(), pair(value)));
    let legos = legos["seeds"].as_array().unwrap().iter().map(|seed| {
        let list = seed["legos"].as_array().unwrap().iter().map(|lego| {
            let components = lego["components"].as_array().map_or(&[][..], Vec::as_slice);
            let components: Vec<Value> = components.iter().map(&pair).collect();
            let kind = if lego["type"] == "A" { "B" } else { "C" };
            json!([lego["id"], kind, lego["lego"]["target"], lego["lego"]["known"], components])
        });
        let id = seed["seed_id"].as_str().unwrap().to_owned();
        let value = json!([seed["seed_id"], pair(&seed["seed_pair"]), list.collect::<Vec<_>>()]);
        (id, value)
    });
    let baskets = baskets["baskets"].as_object().unwrap().iter().map(|(id, basket)| {
        let phrases: Vec<Value> = basket["practice_phrases"].as_array().unwrap().iter().map(&pair).collect();
        (id.clone(), json!({"e": phrases, "d": {}}))
    });
    Some(Course { seeds: seeds.collect(), legos: legos.collect(), baskets: baskets.collect() })
}

fn compile(check: Value) -> Checks {
    Checks::compile(&rule(&[check])).unwrap()
}

fn language(list: &str) -> Value {
    let text = include_str!("../../rules/languages/spa.toml");
    let table: Value =
        toml::from_str::<toml::Table>(text).map(|table| serde_json::to_value(table).unwrap()).unwrap();
    table[list].clone()
}

/// The findings of every item, by itself and in order.
fn over(checks: &Checks, outputs: &[(String, Value)]) -> Vec<(String, Vec<String>)> {
    let mut ledger = checks.ledger();
    let each = outputs.iter().enumerate().map(|(position, (id, output))| {
        let subject = Subject { ids: Ids { id, root: id }, position, input: &Value::Null, output };
        let mut findings = checks.item(&subject);
        findings.extend(checks.in_order(&ledger, &subject));
        checks.admit(&mut ledger, &subject);
        (id.clone(), findings.into_iter().map(|finding| finding.message).collect())
    });
    each.filter(|(_, findings): &(_, Vec<String>)| !findings.is_empty()).collect()
}

#[test]
fn determinism_finds_the_known_texts_with_two_targets() {
    let Some(course) = course() else { return };
    let count = |fold: Value| {
        let check = json!({"use": "determinism", "pieces": "/2", "piece_id": "/0", "known": "/3", "target": "/2", "fold": fold});
        let findings = over(&compile(check), &course.legos);
        let findings: Vec<&String> = findings.iter().flat_map(|(_, messages)| messages).collect();
        let known = |message: &&String| Fold::ALL.form(message.split('`').nth(3).unwrap());
        (findings.iter().map(known).collect::<HashSet<_>>().len(), findings.len())
    };
    // Case does not count; nor does punctuation, which nobody hears.
    let (of_case, of_all) = (count(json!(["space", "case"])), count(json!(["space", "case", "punctuation"])));
    println!("known texts with two targets, and LEGOs: {of_case:?} by case, {of_all:?} by what is heard");
    assert_eq!((of_case, of_all), ((26, 32), (27, 34)));
}

#[test]
fn the_gate_finds_the_baskets_with_words_not_taught() {
    let Some(course) = course() else { return };
    let checks = compile(json!({"use": "vocabulary", "from": 0, "each": "/2", "id": "/0", "text": "/2",
        "components": "/4/*/0", "phrases": ["/e/*/0"]}));
    let (mut lexicon, mut bare, mut places) = (Lexicon::default(), Lexicon::default(), Vec::new());
    for ((_, result), root) in course.legos.iter().zip(0..) {
        checks.reads().unwrap().teach(&mut lexicon, root, result);
        for (lego, index) in result[2].as_array().unwrap().iter().zip(0..) {
            let text = |at: usize| lego[at].as_str().unwrap();
            bare.add((root, index), text(0), text(2), &[]);
            places.push((text(0).to_owned(), (root, index)));
        }
    }
    let (mut failing, mut failing_bare, mut later, mut nowhere) = (0, 0, 0, 0);
    for (id, own) in &places {
        let Some(output) = course.baskets.get(id) else { continue };
        let subject = Subject { ids: Ids { id, root: id }, position: 0, input: &Value::Null, output };
        failing_bare += usize::from(!checks.with_lexicon(&bare, *own, &subject).is_empty());
        let findings = checks.with_lexicon(&lexicon, *own, &subject);
        failing += usize::from(!findings.is_empty());
        for (_, answer) in checks.lookups(&lexicon, *own, &subject) {
            later += usize::from(matches!(answer, Answer::Later(_)));
            nowhere += usize::from(answer == Answer::Nowhere);
        }
    }
    println!(
        "baskets beyond the gate: {failing} of {}, {failing_bare} without components; words taught later: {later}, nowhere: {nowhere}",
        course.baskets.len()
    );
    assert_eq!((failing_bare, failing), (124, 124));
}

#[test]
fn patterns_find_the_subjunctives_of_the_first_seeds() {
    let Some(course) = course() else { return };
    let check = |list: &str, first: usize, beside: bool| {
        let mut check = json!({"use": "patterns", "text": "/0", "first": first, "patterns": language(list)});
        if beside {
            check["beside"] = json!("/1");
        }
        over(&compile(check), &course.seeds)
    };
    assert_eq!(check("drift", 668, true), []);
    assert_eq!(check("slips", 668, false), []);
    let seeds: Vec<String> = check("subjunctive", 50, false).into_iter().map(|(id, _)| id).collect();
    assert_eq!(seeds, ["S0007", "S0011", "S0015", "S0025", "S0026", "S0028", "S0029"]);
}

#[test]
fn other_checks_of_a_language_find_little_and_that_is_true() {
    let Some(course) = course() else { return };
    let concepts = json!({"use": "one_translation", "target": "/0", "known": "/1", "first": 100, "concepts": language("concepts")});
    let found = over(&compile(concepts), &course.seeds);
    let said = "`rápido` for `quickly`, but `S0020` before it says `rápidamente`".to_owned();
    assert_eq!(found, [("S0091".to_owned(), vec![said])]);
    let cognates = json!({"use": "cognates", "text": "/0", "first": 100, "cognates": language("cognates")});
    assert_eq!(over(&compile(cognates), &course.seeds), []);
    let hard = json!({"use": "hard_rules", "pieces": "/2", "piece_id": "/0", "piece_text": "/2", "kind": "/1", "kinds": ["B"],
        "articles": language("articles"), "auxiliaries": language("auxiliaries"), "negations": language("negations"),
        "pronouns": language("clitics")});
    let hard = over(&compile(hard), &course.legos);
    let negations =
        hard.iter().filter(|(_, messages)| messages.iter().all(|message| message.ends_with("a negation")));
    println!("seeds with a lone word: {}, of which only `no`: {}", hard.len(), negations.clone().count());
    assert_eq!((hard.len(), negations.count()), (24, 24));
    let empty = course.legos.iter().filter(|(_, seed)| seed[2].as_array().unwrap().is_empty()).count();
    println!("seeds without LEGOs: {empty}");
    assert_eq!(empty, 11);
}
