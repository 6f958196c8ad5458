//! Which words the program answers with: by the course's code. A made-up language for all courses but two, in which a small
//! lexicon makes sentences of Spanish or Italian look enough like themselves for the language's checks to bite. Word by word, so
//! that it is no translation, and one known text has one target text; words that the lexicon lacks are made up.

/// A language to answer in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tongue {
    MadeUp,
    Spanish,
    Italian,
}

/// Known, Spanish, Italian. Neither articles beside prepositions nor what else would contract or change with its neighbour.
const WORDS: [[&str; 3]; 26] = [
    ["a", "un", "un"],
    ["not", "no", "non"],
    ["me", "me", "mi"],
    ["i", "yo", "io"],
    ["you", "tú", "tu"],
    ["want", "quiero", "voglio"],
    ["speak", "hablar", "parlare"],
    ["speaking", "hablando", "parlando"],
    ["try", "intentar", "provare"],
    ["learn", "aprender", "imparare"],
    ["remember", "recordar", "ricordare"],
    ["understand", "comprender", "capire"],
    ["start", "comenzar", "cominciare"],
    ["finish", "terminar", "finire"],
    ["often", "frecuentemente", "frequentemente"],
    ["quickly", "rápidamente", "rapidamente"],
    ["can", "puedo", "posso"],
    ["with", "con", "insieme"],
    ["word", "palabra", "parola"],
    ["words", "palabras", "parole"],
    ["sentence", "frase", "frase"],
    ["something", "algo", "qualcosa"],
    ["more", "más", "più"],
    ["now", "ahora", "adesso"],
    ["today", "hoy", "oggi"],
    ["tomorrow", "mañana", "domani"],
];

/// No piece of a sentence consists of one of these alone, in either language.
const CLINGING: [&str; 3] = ["a", "not", "me"];

impl Tongue {
    /// The language of a course's code.
    pub(crate) fn of(course: &str) -> Self {
        match course.split('_').next() {
            Some("spa") => Self::Spanish,
            Some("ita") => Self::Italian,
            _ => Self::MadeUp,
        }
    }

    /// A word of the known language, without what stands around it, in small letters.
    pub(crate) fn word(self, core: &str) -> String {
        let known = WORDS.iter().find(|[known, ..]| *known == core);
        match (self, known) {
            (Self::Spanish, Some([_, spanish, _])) => (*spanish).to_owned(),
            (Self::Italian, Some([.., italian])) => (*italian).to_owned(),
            _ => format!("{core}o"),
        }
    }

    /// Whether a word goes with its neighbour.
    pub(crate) fn clings(self, core: &str) -> bool {
        self != Self::MadeUp && CLINGING.contains(&core)
    }
}
