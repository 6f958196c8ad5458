//! The Batch API: a file of requests, a batch made from it, files of results.
//!
//! Facts: the types of OpenAI's SDK of November 2026 and its documentation. A file has 50,000 requests or 200 MB at most, all to
//! one endpoint and model; `metadata` and `input_file_id` are listed with a batch; an expired or cancelled batch keeps what it
//! had answered.

use super::seen::{Counts, Part, Seen, Standing, count, id_of};
use crate::json::Value;
use serde_json::json;

pub(super) const PATH: &str = "/v1/batches";
pub(super) const FILES: &str = "/v1/files";
pub(super) const MOST_REQUESTS: usize = 50_000;
pub(super) const MOST_BYTES: usize = 200_000_000;
/// The key of a batch's metadata that holds a submission's name.
const NAME: &str = "coursebuild_submission";

/// One line of the file of requests.
pub(super) fn line(call: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "{{\"custom_id\":{},\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":",
        json!(call)
    );
    [head.as_bytes(), body, b"}\n"].concat()
}

/// The file of requests as a form, with its type. `name`: the submission's, which stands in none of its texts.
pub(super) fn form(name: &str, lines: &[u8]) -> (String, Vec<u8>) {
    let head = format!(
        "--{name}\r\ncontent-disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n\
         --{name}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}.jsonl\"\r\ncontent-type: application/jsonl\r\n\r\n"
    );
    let tail = format!("\r\n--{name}--\r\n");
    (format!("multipart/form-data; boundary={name}"), [head.as_bytes(), lines, tail.as_bytes()].concat())
}

/// What makes a batch of a file.
pub(super) fn creation(name: &str, file: &str) -> Vec<u8> {
    let body = json!({
        "input_file_id": file,
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
        "metadata": {NAME: name},
    });
    body.to_string().into_bytes()
}

/// Whether a batch is the submission of that name, or was made of that file.
pub(super) fn is_ours(value: &Value, name: &str, file: Option<&str>) -> bool {
    value["metadata"][NAME] == name || file.is_some_and(|file| value["input_file_id"] == file)
}

/// A batch; `None` for what is none.
pub(super) fn batch(value: &Value) -> Option<Seen> {
    let id = id_of(&value["id"])?;
    let of = |name: &str| count(&value["request_counts"][name]);
    let (all, succeeded, errored) = (of("total"), of("completed"), of("failed"));
    let left = all.saturating_sub(succeeded + errored);
    let mut counts = Counts { processing: left, succeeded, errored, ..Counts::default() };
    let standing = match value["status"].as_str()? {
        "completed" => Standing::Ended,
        "expired" => {
            (counts.processing, counts.expired) = (0, left);
            Standing::Ended
        }
        "cancelled" => {
            (counts.processing, counts.canceled) = (0, left);
            Standing::Ended
        }
        "failed" => Standing::Failed(why(value)),
        _ => Standing::Working,
    };
    let files = [&value["output_file_id"], &value["error_file_id"]];
    let results = files.into_iter().filter_map(id_of).map(|file| format!("{FILES}/{file}/content")).collect();
    let created = value["created_at"].to_string();
    Some(Seen { id, created, standing, counts, results })
}

fn why(value: &Value) -> String {
    let errors = value.pointer("/errors/data").and_then(Value::as_array);
    let messages = errors.into_iter().flatten().filter_map(|error| error["message"].as_str());
    let words: Vec<&str> = messages.take(3).collect();
    if words.is_empty() { "it does not say why".to_owned() } else { words.join("; ") }
}

/// One line of results, of the output or of the errors.
pub(super) fn result(value: &mut Value) -> Option<(String, Part)> {
    let call = value["custom_id"].as_str()?.to_owned();
    let code = value["error"]["code"].as_str().unwrap_or_default();
    match code {
        "batch_expired" => return Some((call, Part::Expired)),
        "batch_cancelled" => return Some((call, Part::Canceled)),
        _ => {}
    }
    let status = value["response"]["status_code"].as_u64().and_then(|status| u16::try_from(status).ok());
    let part = match status {
        Some(200) => Part::Answer(value["response"]["body"].take()),
        Some(status) => Part::Error(status, value["response"]["body"].take()),
        None if value["error"].is_object() => Part::Error(500, json!({"error": value["error"].take()})),
        None => return None,
    };
    Some((call, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_and_results_are_read() {
        let mut shown = json!({
            "id": "batch_1", "status": "in_progress", "created_at": 1_711_471_533, "input_file_id": "file-1",
            "request_counts": {"total": 10, "completed": 6, "failed": 1}, "metadata": {NAME: "n"},
            "output_file_id": null, "error_file_id": null,
        });
        let seen = batch(&shown).unwrap();
        assert_eq!((seen.standing, seen.counts.processing, seen.results.len()), (Standing::Working, 3, 0));
        assert!(is_ours(&shown, "n", None) && is_ours(&shown, "x", Some("file-1")));
        assert!(!is_ours(&shown, "x", Some("file-2")) && !is_ours(&json!({}), "n", None));
        shown["status"] = json!("expired");
        shown["output_file_id"] = json!("file-2");
        shown["error_file_id"] = json!("../3");
        let seen = batch(&shown).unwrap();
        assert_eq!((seen.standing, seen.counts.expired), (Standing::Ended, 3));
        assert_eq!(seen.results, ["/v1/files/file-2/content"]);
        shown["status"] = json!("failed");
        shown["errors"] = json!({"data": [{"code": "x", "message": "line 3 is bad"}]});
        assert_eq!(batch(&shown).unwrap().standing, Standing::Failed("line 3 is bad".into()));
        let read = |mut value: Value| result(&mut value).map(|(_, part)| part);
        assert_eq!(
            read(
                json!({"custom_id": "c", "response": {"status_code": 200, "body": {"x": 1}}, "error": null})
            ),
            Some(Part::Answer(json!({"x": 1})))
        );
        let refused = json!({"error": {"message": "m"}});
        assert_eq!(
            read(json!({"custom_id": "c", "response": {"status_code": 400, "body": refused}})),
            Some(Part::Error(400, refused))
        );
        assert_eq!(
            read(
                json!({"custom_id": "c", "response": null, "error": {"code": "batch_expired", "message": "m"}})
            ),
            Some(Part::Expired)
        );
        assert!(matches!(
            read(json!({"custom_id": "c", "response": null, "error": {"code": "odd"}})),
            Some(Part::Error(500, _))
        ));
        assert_eq!(read(json!({"custom_id": "c"})), None);
    }
}
