//! Submissions to batch endpoints, in words.

use super::words::{count, flat, number};
use crate::generate::batch::{Counts, Progress};

/// `submission msgbatch_01: 500 requests: 320 at work, 180 answered`, with its newline; nothing once its results are taken in.
pub(super) fn line(progress: &Progress) -> String {
    if progress.state == "taken_in" {
        return String::new();
    }
    let name = flat(progress.batch.as_deref().unwrap_or(&progress.name));
    let requests = count(progress.requests, "request");
    let text = match progress.state {
        "submitted" => format!("{requests} submitted; answers come within 24 hours, most within one"),
        "resumed" => format!("{requests} of an earlier build, gone on with"),
        "looked_for" => {
            format!(
                "{requests}; whether the service took them shows once its batches of that size have ended"
            )
        }
        "left" => format!("{requests} stay at the service: build again to go on with them"),
        "ended" => format!("ended: {}", counts(&progress.counts)),
        _ => format!("{requests}: {}", counts(&progress.counts)),
    };
    format!("submission {name}: {text}\n")
}

fn counts(counts: &Counts) -> String {
    let Counts { processing, succeeded, errored, canceled, expired } = *counts;
    let named = [
        (processing, "at work"),
        (succeeded, "answered"),
        (errored, "errored"),
        (canceled, "canceled"),
        (expired, "expired"),
    ];
    let some = named.into_iter().filter(|(many, _)| *many > 0);
    let words: Vec<String> = some.map(|(many, word)| format!("{} {word}", number(many as u64))).collect();
    if words.is_empty() { "nothing is known of them yet".to_owned() } else { words.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::course::GeneratorKind;

    #[test]
    fn a_submission_is_told() {
        let mut progress = Progress {
            name: "coursebuild-1".into(),
            service: GeneratorKind::Anthropic,
            batch: None,
            state: "looked_for",
            requests: 1500,
            counts: Counts::default(),
        };
        assert!(line(&progress).starts_with("submission coursebuild-1: 1,500 requests; whether"));
        progress.batch = Some("msgbatch_1".into());
        progress.state = "ended";
        progress.counts = Counts { succeeded: 1498, expired: 2, ..Counts::default() };
        assert_eq!(line(&progress), "submission msgbatch_1: ended: 1,498 answered, 2 expired\n");
    }
}
