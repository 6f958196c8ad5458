//! The example course, made by hand phase after phase and judged by code that shares nothing with the generator.

use super::tests::{answered, request};
use super::*;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/spa_for_eng_20seeds")
}

fn text_of(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap()
}

fn plain(value: &Value) -> String {
    let text: String = value.as_str().unwrap().to_lowercase();
    let letters: String = text.chars().filter(|c| c.is_alphanumeric() || *c == ' ' || *c == '\'').collect();
    letters.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

/// The course's three outputs, made in batches of the domain's sizes or of one item.
struct Made {
    pairs: Vec<(String, Value)>,
    seeds: Vec<Value>,
    /// LEGO, its seed's pair, culminating, basket.
    legos: Vec<(Value, Value, bool, Value)>,
}

async fn make(book: &Phrasebook, seeds: Vec<(String, Value)>, batches: [usize; 3]) -> Made {
    let mut pairs = Vec::new();
    for batch in seeds.chunks(batches[0]) {
        let answer = answered(book, request("phase1", 1, batch.to_vec(), &json!({}))).await;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let ids: Vec<&String> = answer.as_object().unwrap().keys().collect();
        assert_eq!(ids, batch.iter().map(|(id, _)| id).collect::<Vec<_>>());
        pairs.extend(batch.iter().map(|(id, _)| (id.clone(), answer[id].clone())));
    }
    let mut cut = Vec::new();
    for batch in pairs.chunks(batches[1]) {
        let asked =
            |(id, pair): &(String, Value)| (id.clone(), json!({ "target": pair[0], "known": pair[1] }));
        let answer =
            answered(book, request("phase3", 1, batch.iter().map(asked).collect(), &json!({}))).await;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let ids: Vec<&Value> = list(&answer).iter().map(|seed| &seed[0]).collect();
        assert_eq!(ids, batch.iter().map(|(id, _)| id).collect::<Vec<_>>());
        cut.extend(list(&answer).iter().cloned());
    }
    let mut asked = Vec::new();
    for seed in &cut {
        let legos = list(&seed[2]);
        for (at, lego) in legos.iter().enumerate() {
            let input = json!({
                "lego": { "id": lego[0], "kind": lego[1], "target": lego[2], "known": lego[3] },
                "seed": { "id": seed[0], "target": seed[1][0], "known": seed[1][1] },
                "culminating": at + 1 == legos.len(),
            });
            asked.push((lego[0].as_str().unwrap().to_owned(), input));
        }
    }
    let mut legos = Vec::new();
    for (number, batch) in asked.chunks(batches[2]).enumerate() {
        let earlier: Vec<Value> =
            asked[..number * batches[2]].iter().map(|(_, input)| input["lego"].clone()).collect();
        let call = request("phase5", 1, batch.to_vec(), &json!({ "vocabulary": earlier }));
        let answer: Value = serde_json::from_str(&answered(book, call).await).unwrap();
        assert_eq!(answer.as_object().unwrap().len(), batch.len());
        legos.extend(batch.iter().map(|(id, input)| {
            let basket = answer[id].clone();
            (input["lego"].clone(), input["seed"].clone(), input["culminating"] == true, basket)
        }));
    }
    Made { pairs, seeds: cut, legos }
}

fn seeds() -> Vec<(String, Value)> {
    let seeds: Value = serde_json::from_str(&text_of("seeds.json")).unwrap();
    let filled = |seed: &Value| seed["source"].as_str().unwrap().replace("{target}", "Spanish");
    list(&seeds)
        .iter()
        .map(|seed| (seed["seed_id"].as_str().unwrap().to_owned(), json!({ "source": filled(seed) })))
        .collect()
}

fn book() -> Phrasebook {
    Phrasebook::load(&folder().join("phrasebook.json"), Some(&folder().join("faults.json"))).unwrap()
}

/// The book without its mistakes.
fn good() -> Phrasebook {
    Phrasebook::load(&folder().join("phrasebook.json"), None).unwrap()
}

fn judge_legos(made: &Made) {
    let mut ids = HashSet::new();
    let mut one_target: HashMap<String, String> = HashMap::new();
    for (seed, (id, pair)) in made.seeds.iter().zip(&made.pairs) {
        assert_eq!((&seed[0], &seed[1]), (&json!(id), pair), "the pair is echoed");
        let tiling: Vec<String> =
            list(&seed[2]).iter().filter(|lego| lego[1] != "F").map(|lego| plain(&lego[2])).collect();
        assert_eq!(tiling.join(" "), plain(&pair[0]), "{id}");
        for (at, lego) in list(&seed[2]).iter().enumerate() {
            assert_eq!(lego[0], format!("{id}L{:02}", at + 1));
            assert!(ids.insert(lego[0].to_string()));
            let there = one_target.entry(plain(&lego[3])).or_insert_with(|| plain(&lego[2]));
            assert_eq!(*there, plain(&lego[2]), "`{}` has two targets", lego[3]);
            assert_eq!(lego[1] == "C", lego.get(4).is_some_and(|parts| list(parts).len() > 1), "{lego}");
            let lone = [
                "el", "la", "los", "las", "un", "una", "no", "me", "te", "se", "lo", "he", "ha", "está",
                "que", "de",
            ];
            assert!(!lone.contains(&plain(&lego[2]).as_str()), "{lego}");
            for part in lego.get(4).map(list).unwrap_or_default() {
                if let Some(feeder) = part.get(2) {
                    let fed = list(&seed[2]).iter().find(|other| other[0] == *feeder).unwrap();
                    assert_eq!((&fed[1], &fed[2], &fed[3]), (&json!("F"), &part[0], &part[1]));
                }
            }
        }
    }
}

/// True when the words can be made of the pieces, `count` of them.
fn made_of(words: &[&str], pieces: &HashSet<String>, count: usize) -> bool {
    match count {
        0 => words.is_empty(),
        _ => (1..=words.len())
            .any(|len| pieces.contains(&words[..len].join(" ")) && made_of(&words[len..], pieces, count - 1)),
    }
}

fn judge_baskets(made: &Made) {
    let mut taught = HashSet::new();
    for (lego, seed, culminating, basket) in &made.legos {
        let operative = plain(&lego["target"]);
        taught.insert(operative.clone());
        let keys: Vec<&String> = basket["d"].as_object().unwrap().keys().collect();
        assert_eq!(keys, ["2", "3", "4", "5"]);
        for phrase in list(&basket["e"]) {
            let text = plain(&phrase[0]);
            let words: Vec<&str> = text.split(' ').collect();
            assert!((1..=words.len()).any(|count| made_of(&words, &taught, count)), "{lego}: {text}");
            assert!(words.len() <= 15 && !plain(&phrase[1]).is_empty());
        }
        for count in 2..=5 {
            for phrase in list(&basket["d"][count.to_string()]) {
                let text = plain(&phrase[0]);
                let words: Vec<&str> = text.split(' ').collect();
                assert!(made_of(&words, &taught, count), "{lego}: `{text}` is not {count} LEGOs");
                assert!(format!(" {text} ").contains(&format!(" {operative} ")), "{lego}: {text}");
                assert!(!plain(&phrase[1]).is_empty());
            }
        }
        if *culminating {
            assert_eq!(basket["e"][0], json!([seed["target"], seed["known"]]));
        }
    }
}

#[tokio::test]
async fn the_example_satisfies_every_check_of_the_domain() {
    let made = make(&good(), seeds(), [20, 20, 60]).await;
    assert_eq!(made.pairs.len(), 20);
    judge_legos(&made);
    judge_baskets(&made);
    let kinds = |kind: &str| made.legos.iter().filter(|(lego, ..)| lego["kind"] == kind).count();
    assert!(kinds("C") >= 2 && kinds("F") >= 1 && kinds("B") >= 20);
    let first = &made.legos[0].3;
    assert_eq!(*first, json!({ "e": [], "d": { "2": [], "3": [], "4": [], "5": [] } }));
    let filled = made.legos.iter().filter(|(.., basket)| !list(&basket["e"]).is_empty()).count();
    assert!(filled * 10 >= made.legos.len() * 9, "{filled} of {} baskets have sentences", made.legos.len());
    for count in 2..=5 {
        let some =
            |(.., basket): &&(Value, Value, bool, Value)| !list(&basket["d"][count.to_string()]).is_empty();
        assert!(made.legos.iter().filter(some).count() > 3, "windows of {count}");
    }
}

#[tokio::test]
async fn batches_do_not_change_what_is_made() {
    let [whole, single] =
        [[20, 20, 60], [1, 1, 1]].map(async |batches| make(&good(), seeds(), batches).await);
    let (whole, single) = (whole.await, single.await);
    assert_eq!((whole.pairs, whole.seeds, whole.legos), (single.pairs, single.seeds, single.legos));
}

#[tokio::test]
async fn edited_inserted_and_moved_seeds_still_pass() {
    let mut edited = seeds();
    edited.reverse();
    for (at, source) in [
        (3, "I need to write a letter this afternoon."),
        (9, "Do you want to speak French with my brother?"),
        (12, "My neighbour never sings."),
        (20, "I don't want to visit the museum tomorrow."),
    ] {
        edited.insert(at, (format!("S9{at:03}"), json!({ "source": source })));
    }
    let made = make(&good(), edited, [7, 5, 11]).await;
    judge_legos(&made);
    judge_baskets(&made);
    let pair = |id: &str| made.pairs.iter().find(|(other, _)| other == id).unwrap().1[0].clone();
    assert_eq!(pair("S9003"), "Necesito escribir una carta esta tarde.");
    assert_eq!(pair("S9009"), "¿Quieres hablar francés con mi hermano?");
    assert_eq!(pair("S9012"), "Mi vecina never sings.");
}

#[test]
fn every_cut_tiles_whatever_the_pair() {
    let book = good().book;
    let texts =
        |at: usize| book.sentences.iter().map(move |one| if at == 0 { &one.pair.0 } else { &one.pair.1 });
    for target in texts(0) {
        for known in texts(1) {
            let cut = book.cut(target, known);
            let tiling: Vec<&str> = cut
                .iter()
                .filter(|lego| lego.kind != book::Kind::F)
                .map(|lego| lego.target.as_str())
                .collect();
            assert_eq!(plain(&json!(tiling.join(" "))), plain(&json!(target)), "{known}");
        }
    }
}

#[tokio::test]
async fn the_examples_mistakes_are_mistakes() {
    let seed = seeds().remove(6);
    let pair = good().book.translate(seed.1["source"].as_str().unwrap());
    let asked = vec![(seed.0, json!({ "target": pair.0, "known": pair.1 }))];
    let first = answered(&book(), request("phase3", 1, asked.clone(), &json!({}))).await;
    let second = answered(&book(), request("phase3", 2, asked.clone(), &json!({}))).await;
    assert_ne!(first, second);
    assert_eq!(second, answered(&good(), request("phase3", 1, asked, &json!({}))).await);
}

#[test]
fn the_documents_are_of_real_length() {
    for name in ["phase_1_translation", "phase_3_lego_decomposition", "phase_5_baskets"] {
        let text = text_of(&format!("docs/phase_intelligence/{name}.md"));
        assert!(text.len() >= 15_000, "{name} has {} bytes", text.len());
        assert!(text.contains("\n## Version History\n"), "{name}");
        let headings: Vec<&str> = text.lines().filter(|line| line.starts_with("##")).collect();
        assert!(headings.len() >= 15, "{name}");
        let lines: Vec<&str> = text.lines().filter(|line| line.len() > 60).collect();
        assert_eq!(lines.iter().collect::<HashSet<_>>().len(), lines.len(), "{name} repeats a line");
    }
}
