//! What a doctor found, for people and for programs.

use super::json::pretty;
use super::look::Look;
use super::words::{count, flat};
use crate::diag::Result;
use crate::run::{Diagnosis, Grade};
use serde::Serialize;

/// `{"version":1,"well":…,"symptoms":[{"grade","about","what","why","todo"}]}`.
pub fn doctor_json(diagnosis: &Diagnosis) -> Result<String> {
    #[derive(Serialize)]
    struct Versioned<'a> {
        version: u32,
        #[serde(flatten)]
        diagnosis: &'a Diagnosis,
    }
    pretty(&Versioned { version: 1, diagnosis })
}

/// What was found, one after the other: what, why, what to do.
pub fn doctor_text(diagnosis: &Diagnosis, look: Look) -> String {
    let mut out = String::new();
    for symptom in &diagnosis.symptoms {
        let grade = match symptom.grade {
            Grade::Problem => look.bad("problem:"),
            Grade::Remark => look.odd("remark:"),
        };
        out += &format!("{grade} {}\n", look.bold(&flat(&symptom.what)));
        out += &format!("  because: {}\n", flat(&symptom.why));
        out += &format!("  {} {}\n", look.good("hint:"), flat(&symptom.todo));
    }
    let number = |grade: Grade| diagnosis.symptoms.iter().filter(|symptom| symptom.grade == grade).count();
    let (problems, remarks) = (number(Grade::Problem), number(Grade::Remark));
    out += &match (problems, remarks) {
        (0, 0) => look.good("nothing is wrong\n"),
        (0, _) => format!("{}; {}\n", look.good("nothing is wrong"), count(remarks, "remark")),
        _ => format!("{}, {}\n", look.bad(&count(problems, "problem")), count(remarks, "remark")),
    };
    out
}
