//! What a phrasebook refuses, how it answers what it does not know, and how it errs when told to.

use super::*;
use crate::diag::Problem;
use crate::generate::Stopper;
use std::sync::Arc;

/// A call for some items, as the engine would make it.
pub(super) fn request(phase: &str, attempt: u32, items: Vec<(String, Value)>, context: &Value) -> Request {
    let listed: Vec<Value> = items.iter().map(|(id, input)| json!({ "id": id, "input": input })).collect();
    Request {
        call: "call".to_owned(),
        dir: "/".into(),
        course: "spa_for_eng".to_owned(),
        course_dir: "/".into(),
        phase: phase.to_owned(),
        batch: 1,
        label: format!("{phase}_batch_1"),
        scope: items.first().map(|(id, _)| id.clone()).unwrap_or_default(),
        attempt,
        prefix: Arc::from(""),
        body: String::new(),
        input: json!({ "phase": phase, "items": listed, "context": context }).into(),
        items: items.into_iter().map(|(id, input)| Asked { id, input }).collect(),
    }
}

/// The answer's text.
pub(super) async fn answered(book: &Phrasebook, request: Request) -> String {
    let (_stopper, stop) = Stopper::new();
    match book.ask(request, stop).await.outcome {
        Outcome::Answered(bytes) => String::from_utf8(bytes).unwrap(),
        other => panic!("{other:?}"),
    }
}

const SMALL: &str = r#"{
  "never_alone": ["no", "el"],
  "opening": [["?", "¿"]],
  "glossary": [["no", "not"], ["el", "the"], ["tren", "train"], ["leer", "to read"]],
  "sentences": [
    {"known": "I want to speak Spanish today.", "target": "Quiero hablar español hoy.", "legos": [
      {"kind": "B", "target": "quiero", "known": "I want",
       "practice": {"e": [["Quiero hablar.", "I want to speak."]], "d": [["quiero hablar hoy", "I want to speak today"]]}},
      {"kind": "F", "target": "hablar", "known": "to speak"},
      {"kind": "C", "target": "hablar español", "known": "to speak Spanish",
       "components": [["hablar", "to speak"], ["español", "Spanish"]]},
      {"kind": "B", "target": "hoy", "known": "today"}
    ]}
  ]
}"#;

fn load(text: &str, faults: Option<&str>) -> Result<Phrasebook> {
    let dir = tempfile::tempdir().unwrap();
    let (book, list) = (dir.path().join("phrasebook.json"), dir.path().join("faults.json"));
    crate::fs::write_whole(&book, text.as_bytes(), false).unwrap();
    if let Some(faults) = faults {
        crate::fs::write_whole(&list, faults.as_bytes(), false).unwrap();
    }
    Phrasebook::load(&book, faults.map(|_| list.as_path()))
}

fn refused(from: &str, to: &str) -> Problem {
    assert!(SMALL.contains(from), "{from}");
    load(&SMALL.replace(from, to), None).unwrap_err()
}

#[test]
fn a_broken_phrasebook_is_told_with_its_place() {
    for (from, to, line, what) in [
        ("\"opening\"", "\"openings\"", 3, "unknown field `openings`"),
        ("\"kind\": \"F\"", "\"kind\": \"X\"", 9, "unknown variant `X`"),
        ("[\"español\", \"Spanish\"]]", "[\"español\"]]", 11, "invalid length 1"),
        ("\"hoy\", \"known\": \"today\"", "\"ahora\", \"known\": \"today\"", 6, "do not rebuild"),
        (
            "\"known\": \"to speak Spanish\"",
            "\"known\": \"I want\"",
            10,
            "`I want` is both `quiero` and `hablar español`",
        ),
        ("[\"leer\", \"to read\"]", "[\"leer\", \"Today\"]", 4, "is both `hoy` and `leer`"),
        (
            "\"kind\": \"B\", \"target\": \"hoy\"",
            "\"kind\": \"C\", \"target\": \"hoy\"",
            12,
            "needs two `components`",
        ),
        ("\"kind\": \"C\"", "\"kind\": \"B\"", 10, "has `components`"),
        ("[\"hablar\", \"to speak\"], ", "[\"hablar\", \"speak\"], ", 6, "no component of a later LEGO"),
        ("[\"no\", \"el\"]", "[\"no\", \"hoy\"]", 12, "never_alone"),
        ("\"Quiero hablar.\"", "\"Hablar.\"", 7, "does not contain the LEGO"),
        ("\"Quiero hablar.\"", "\"Quiero leer.\"", 7, "not made of this phrasebook's LEGOs"),
        ("\"target\": \"hoy\"", "\"target\": \"¡!\"", 12, "needs words"),
    ] {
        let problem = refused(from, to);
        assert!(problem.to_string().contains(what), "{what}: {problem}");
        assert_eq!(problem.place.as_ref().unwrap().line, line, "{problem}");
    }
    let sentence = &SMALL[SMALL.find("    {\"known\"").unwrap()..SMALL.rfind("  ]").unwrap()];
    let twice = refused(sentence, &format!("{},\n{sentence}", sentence.trim_end()));
    assert!(twice.to_string().contains("twice"), "{twice}");
    assert!(
        Phrasebook::load(Path::new("/nowhere/x.json"), None).unwrap_err().to_string().contains("not there")
    );
}

async fn translated(book: &Phrasebook, source: &str) -> (String, String) {
    let call = request("phase1", 1, vec![("S9".to_owned(), json!({ "source": source }))], &json!({}));
    let mut answer: Value = serde_json::from_str(&answered(book, call).await).unwrap();
    serde_json::from_value(answer["S9"].take()).unwrap()
}

async fn legos(book: &Phrasebook, target: &str, known: &str) -> Value {
    let input = json!({ "target": target, "known": known });
    let call = request("phase3", 1, vec![("S9".to_owned(), input)], &json!({}));
    let answer: Value = serde_json::from_str(&answered(book, call).await).unwrap();
    assert_eq!(answer[0][1], json!([target, known]));
    answer[0][2].clone()
}

#[tokio::test]
async fn an_unknown_sentence_is_pieced_together() {
    let book = load(SMALL, None).unwrap();
    let texts = |source: &str, target: &str| (target.to_owned(), source.to_owned());
    for (source, target) in [
        ("I want  to speak spanish today", "Quiero hablar español hoy."),
        ("Today, I want to read the train?", "¿Hoy, quiero leer el tren?"),
        ("I want to dance slowly, not today.", "Quiero to dance slowly, no hoy."),
        ("Zzz", "Zzz"),
        ("", ""),
    ] {
        let (found, known) = translated(&book, source).await;
        assert_eq!(found, target);
        if !found.starts_with("Quiero hablar español hoy") {
            assert_eq!((found, known), texts(source, target));
        }
    }
}

#[tokio::test]
async fn an_unknown_pair_is_cut_so_that_it_tiles() {
    let book = load(SMALL, None).unwrap();
    let pieces = legos(&book, "Quiero to dance slowly, no hoy.", "I want to dance slowly, not today.").await;
    assert_eq!(
        pieces,
        json!([
            ["S9L01", "B", "quiero", "I want"],
            ["S9L02", "B", "to dance slowly", "to dance slowly"],
            ["S9L03", "C", "no hoy", "not today", [["no", "not"], ["hoy", "today"]]]
        ])
    );
    // Edited by hand at the end: `today` must not get a second target text, so the chunk grows over its neighbour.
    let pieces = legos(&book, "Quiero hablar español ahora.", "I want to speak Spanish today.").await;
    assert_eq!(
        pieces,
        json!([
            ["S9L01", "B", "quiero", "I want"],
            ["S9L02", "B", "hablar español ahora", "to speak Spanish today"]
        ])
    );
    // Edited in the middle: both ends are still known.
    let pieces = legos(&book, "Quiero beber agua hoy.", "I want to drink water today.").await;
    assert_eq!(
        pieces,
        json!([
            ["S9L01", "B", "quiero", "I want"],
            ["S9L02", "B", "beber agua", "to drink water"],
            ["S9L03", "B", "hoy", "today"]
        ])
    );
    assert_eq!(legos(&book, "", "").await, json!([]));
    assert_eq!(legos(&book, "No.", "Not.").await, json!([["S9L01", "B", "no", "not"]]));
}

#[tokio::test]
async fn a_feeder_is_referred_to_and_stands_in_windows() {
    let book = load(SMALL, None).unwrap();
    let pair = ("Quiero hablar español hoy.", "I want to speak Spanish today.");
    let cut = legos(&book, pair.0, pair.1).await;
    assert_eq!(cut[2][4], json!([["hablar", "to speak", "S9L02"], ["español", "Spanish"]]));
    let input = |target: &str, known: &str, culminating: bool| {
        json!({ "lego": { "id": "x", "kind": "B", "target": target, "known": known },
                "seed": { "id": "S9", "target": pair.0, "known": pair.1 }, "culminating": culminating })
    };
    let call = request(
        "phase5",
        1,
        vec![
            ("a".to_owned(), input("quiero", "I want", false)),
            ("b".to_owned(), input("hablar", "to speak", false)),
            ("c".to_owned(), input("hoy", "today", true)),
        ],
        &json!({}),
    );
    let answer: Value = serde_json::from_str(&answered(&book, call).await).unwrap();
    assert_eq!(answer["a"], json!({ "e": [], "d": { "2": [], "3": [], "4": [], "5": [] } }));
    assert_eq!(answer["b"]["d"]["2"], json!([["quiero hablar", "I want to speak"]]));
    assert_eq!(answer["b"]["e"], json!([["Quiero hablar.", "I want to speak."]]));
    assert_eq!(answer["c"]["e"][0], json!([pair.0, pair.1]));
    assert_eq!(
        answer["c"]["d"]["3"],
        json!([["quiero hablar español hoy", "I want to speak Spanish today"]]),
        "windows read as the texts side by side"
    );
    // Taught before in the course, the later LEGOs may stand in the earlier ones' baskets.
    let known = json!({ "vocabulary": [{ "id": "z", "target": "hablar", "known": "" }, { "id": "y", "target": "hoy", "known": "" }] });
    let call = request("phase5", 1, vec![("a".to_owned(), input("quiero", "I want", false))], &known);
    let answer: Value = serde_json::from_str(&answered(&book, call).await).unwrap();
    assert_eq!(answer["a"]["d"]["3"], json!([["quiero hablar hoy", "I want to speak today"]]));
}

fn two_sources() -> Vec<(String, Value)> {
    let source = json!({ "source": "I want to speak Spanish today." });
    vec![("S1".to_owned(), source.clone()), ("S2".to_owned(), source)]
}

#[tokio::test]
async fn planned_mistakes_are_made_at_their_attempts_only() {
    let good = r#"["Quiero hablar español hoy.","I want to speak Spanish today."]"#;
    let both = format!("{{\n\"S1\": {good},\n\"S2\": {good}\n}}");
    for (kind, wrong) in [
        ("missing", format!("{{\n\"S2\": {good}\n}}")),
        ("doubled", format!("{{\n\"S1\": {good},\n\"S1\": {good},\n\"S2\": {good}\n}}")),
        ("extra", format!("{{\n\"S1\": {good},\n\"S1-extra\": {good},\n\"S2\": {good}\n}}")),
        ("wrong", format!("{{\n\"S1\": [\"I want to speak Spanish today.\"],\n\"S2\": {good}\n}}")),
        ("empty", String::new()),
        ("not_json", both.replace('"', "'")),
        ("prose", "I have completed phase1_batch_1 (S1) and saved the result.\n".to_owned()),
    ] {
        let list = format!(r#"[{{"phase": "phase1", "item": "S1", "attempts": [2], "kind": "{kind}"}}]"#);
        let book = load(SMALL, Some(&list)).unwrap();
        assert_eq!(answered(&book, request("phase1", 1, two_sources(), &json!({}))).await, both, "{kind}");
        assert_eq!(answered(&book, request("phase1", 2, two_sources(), &json!({}))).await, wrong, "{kind}");
        assert_eq!(answered(&book, request("other", 2, two_sources(), &json!({}))).await, both, "{kind}");
        let other = vec![two_sources().remove(1)];
        let alone = answered(&book, request("phase1", 2, other, &json!({}))).await;
        assert_eq!(alone, format!("{{\n\"S2\": {good}\n}}"), "{kind}");
    }
}

#[tokio::test]
async fn calls_can_be_made_to_fail_as_a_whole() {
    let list = r#"[
      {"phase": "phase1", "attempts": [1], "kind": "timeout"},
      {"phase": "phase1", "attempts": [2], "kind": "exit"},
      {"phase": "phase1", "item": "S2", "attempts": [3], "kind": "truncated"},
      {"phase": "phase1", "item": "S2", "attempts": [4], "kind": "wrong", "answer": ["x", "y"]}
    ]"#;
    let book = load(SMALL, Some(list)).unwrap();
    let outcome = async |attempt| {
        let (_stopper, stop) = Stopper::new();
        book.ask(request("phase1", attempt, two_sources(), &json!({})), stop).await.outcome
    };
    assert_eq!(outcome(1).await, Outcome::TimedOut(600));
    assert_eq!(outcome(2).await, Outcome::Failed("exit status 1".to_owned()));
    let torn = answered(&book, request("phase1", 3, two_sources(), &json!({}))).await;
    assert!(
        torn.contains("\"S1\": [\"Quiero hablar español hoy.\",\"I want") && torn.contains("\"S2\": [\"Qu")
    );
    assert!(serde_json::from_str::<Value>(&torn).is_err() && !torn.trim_end().ends_with(']'));
    let given = answered(&book, request("phase1", 4, two_sources(), &json!({}))).await;
    assert!(given.contains("\"S2\": [\"x\",\"y\"]"));
    let strange = request("phase9", 1, vec![("a".to_owned(), json!({ "text": 1 }))], &json!({}));
    let (_stopper, stop) = Stopper::new();
    assert!(matches!(book.ask(strange, stop).await.outcome, Outcome::Unusable { .. }));
}

#[test]
fn a_broken_fault_list_is_told_with_its_place() {
    for (list, what) in [
        ("[\n{\"phase\": \"p\", \"attempts\": [], \"kind\": \"wrong\"}]", "needs one attempt"),
        ("[\n{\"phase\": \"p\", \"attempts\": [1], \"kind\": \"wrang\"}]", "unknown variant `wrang`"),
        (
            "[\n{\"phase\": \"p\", \"attempts\": [1], \"kind\": \"empty\", \"answer\": 1}]",
            "the kind `wrong` only",
        ),
        ("[\n{\"phase\": \"p\", \"atempts\": [1], \"kind\": \"wrong\"}]", "unknown field `atempts`"),
    ] {
        let problem = load(SMALL, Some(list)).unwrap_err();
        assert!(problem.to_string().contains(what), "{problem}");
        assert_eq!(problem.place.unwrap().line, 2);
    }
}
