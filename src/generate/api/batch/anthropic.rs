//! The Message Batches API: `POST /v1/messages/batches` and what it is asked.
//!
//! Facts: the types of Anthropic's SDKs of November 2026 and its documentation. A batch has 100,000 requests or 256 MB at most; it
//! is listed newest first, with its counts and nothing that its creator chose; `custom_id`s show only in its results.

use super::super::anthropic::status_of;
use super::seen::{Counts, Part, Seen, Standing, count, id_of};
use crate::json::Value;
use serde_json::json;

pub(super) const PATH: &str = "/v1/messages/batches";
pub(super) const MOST_REQUESTS: usize = 100_000;
pub(super) const MOST_BYTES: usize = 256_000_000;

/// What stands around the requests of a submission.
pub(super) const HEAD: &[u8] = b"{\"requests\":[";
pub(super) const BETWEEN: &[u8] = b",\n";
pub(super) const TAIL: &[u8] = b"]}";

/// One request.
pub(super) fn line(call: &str, body: &[u8]) -> Vec<u8> {
    [format!("{{\"custom_id\":{},\"params\":", json!(call)).as_bytes(), body, b"}"].concat()
}

/// A batch; `None` for what is none.
pub(super) fn batch(value: &Value) -> Option<Seen> {
    let id = id_of(&value["id"])?;
    let of = |name: &str| count(&value["request_counts"][name]);
    let counts = Counts {
        processing: of("processing"),
        succeeded: of("succeeded"),
        errored: of("errored"),
        canceled: of("canceled"),
        expired: of("expired"),
    };
    let standing = match value["processing_status"].as_str()? {
        "ended" if !value["archived_at"].is_null() => Standing::Gone,
        "ended" => Standing::Ended,
        _ => Standing::Working,
    };
    // Not the address that the service gives: the key goes nowhere but to where it was meant to go.
    let results = vec![format!("{PATH}/{id}/results")];
    let created = value["created_at"].as_str().unwrap_or_default().to_owned();
    Some(Seen { id, created, standing, counts, results })
}

/// One line of results.
pub(super) fn result(value: &mut Value) -> Option<(String, Part)> {
    let call = value["custom_id"].as_str()?.to_owned();
    let result = &mut value["result"];
    let part = match result["type"].as_str()? {
        "succeeded" => Part::Answer(result["message"].take()),
        "errored" => {
            let error = result["error"].take();
            Part::Error(status_of(&error), error)
        }
        "expired" => Part::Expired,
        "canceled" => Part::Canceled,
        _ => return None,
    };
    Some((call, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_and_results_are_read() {
        let mut shown = json!({
            "id": "msgbatch_1", "processing_status": "in_progress", "created_at": "2026-11-22T10:00:00Z",
            "request_counts": {"processing": 3, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0},
            "results_url": null, "archived_at": null,
        });
        let seen = batch(&shown).unwrap();
        assert_eq!((seen.standing, seen.counts.all()), (Standing::Working, 3));
        shown["processing_status"] = json!("ended");
        shown["results_url"] = json!("https://elsewhere.example.org/x");
        assert_eq!(batch(&shown).unwrap().results, ["/v1/messages/batches/msgbatch_1/results"]);
        shown["archived_at"] = json!("2026-12-30T10:00:00Z");
        assert_eq!(batch(&shown).unwrap().standing, Standing::Gone);
        shown["id"] = json!("../../v1/models");
        assert_eq!(batch(&shown), None);
        let read = |result: Value| result_of(&json!({"custom_id": "c1", "result": result}));
        fn result_of(value: &Value) -> Option<Part> {
            result(&mut value.clone()).map(|(_, part)| part)
        }
        assert_eq!(read(json!({"type": "expired"})), Some(Part::Expired));
        assert_eq!(read(json!({"type": "canceled"})), Some(Part::Canceled));
        let error = json!({"type": "error", "error": {"type": "invalid_request_error", "message": "m"}});
        assert_eq!(read(json!({"type": "errored", "error": error})), Some(Part::Error(400, error)));
        assert_eq!(
            read(json!({"type": "succeeded", "message": {"x": 1}})),
            Some(Part::Answer(json!({"x": 1})))
        );
        assert_eq!(read(json!({"type": "new"})), None);
    }

    #[test]
    fn a_submission_is_json() {
        let one = line("c1", b"{\"model\":\"m\"}");
        let whole = [HEAD, &one, BETWEEN, &line("c2", b"{}"), TAIL].concat();
        let read: Value = serde_json::from_slice(&whole).unwrap();
        assert_eq!(read["requests"][0], json!({"custom_id": "c1", "params": {"model": "m"}}));
        assert_eq!(read["requests"][1]["custom_id"], "c2");
    }
}
