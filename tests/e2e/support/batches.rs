//! The batch endpoints of both services, for the tests: Anthropic's Message Batches, OpenAI's files and batches, and beside them
//! their direct endpoints, answered in one piece.
//!
//! Written from the services' documentation, not from the tool's client. It keeps its own books to the half-millionth of a dollar,
//! refuses what the services refuse, and does with each request what the test says. Time does not pass in it: a batch ends after so
//! many looks, or when the test lets it.

use super::service::{KEY, MODEL, PRICES};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What becomes of a request in a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Good,
    /// An answer with nothing in it for its last item.
    LacksLast,
    /// An answer that is no JSON.
    Malformed,
    /// Cut off at the limit.
    Truncated,
    Expired,
    Canceled,
    /// 400.
    Invalid,
    /// 500.
    ServerError,
    /// The service says nothing of it.
    Lost,
}

/// What goes wrong on the way, once.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Slip {
    /// This status, and nothing is done.
    Status(u16),
    /// It is done, and the line is cut before the answer.
    CutAfter,
    /// The line is cut, and nothing is done.
    CutBefore,
    /// It is done, and the answer is 502.
    LostIn502,
    /// Half of the answer, then the line is cut.
    Half,
    /// It is done, and nothing is answered until the client goes.
    Silent,
}

/// A batch in the books.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub(crate) id: String,
    /// By `custom_id`, in the order of submission.
    pub(crate) requests: Vec<(String, Value)>,
    /// Looks at it that are still to come before it has ended.
    looks: usize,
    ended: bool,
    /// Its results are not kept any more.
    gone: bool,
    metadata: Value,
    file: String,
    fates: Vec<Fate>,
}

/// One answer in the books.
#[derive(Debug, Clone)]
pub(crate) struct Sold {
    pub(crate) phase: String,
    pub(crate) items: Vec<String>,
    /// Input, cache write, cache read, output.
    pub(crate) meters: [u64; 4],
    pub(crate) batch: bool,
}

type Judge = Box<dyn Fn(usize, usize) -> Fate + Send>;

#[derive(Default)]
struct Books {
    batches: Vec<Batch>,
    files: BTreeMap<String, Vec<u8>>,
    sold: Vec<Sold>,
    /// Method and path of every request.
    requests: Vec<(String, String)>,
    /// By method and beginning of the path.
    slips: Vec<(&'static str, &'static str, VecDeque<Slip>)>,
    judge: Option<Judge>,
    /// Looks that a batch takes.
    looks: usize,
    held: bool,
    /// Lines that nobody asked for, and lines twice.
    noisy: bool,
    no_schemas: bool,
    /// What is answered for items of the built-in pack: the main files of its phases.
    recorded: BTreeMap<String, Value>,
    /// OpenAI: the batch is refused as a whole, for this.
    fails: Option<&'static str>,
}

/// The service, on a port of its own. Its threads end with the test.
pub(crate) struct Batches {
    pub(crate) address: String,
    books: Arc<Mutex<Books>>,
}

impl Batches {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let books = Arc::new(Mutex::new(Books { looks: 2, ..Books::default() }));
        let theirs = books.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let books = theirs.clone();
                std::thread::spawn(move || serve(&stream, &books));
            }
        });
        Self { address, books }
    }

    /// From now on, this becomes of the request of a number in the batch of a number.
    pub(crate) fn judge(&self, judge: impl Fn(usize, usize) -> Fate + Send + 'static) {
        self.books.lock().unwrap().judge = Some(Box::new(judge));
    }

    /// What goes wrong with the next requests of a method whose path begins so.
    pub(crate) fn slips(&self, method: &'static str, path: &'static str, slips: &[Slip]) {
        self.books.lock().unwrap().slips.push((method, path, slips.iter().copied().collect()));
    }

    /// No batch ends before [`Self::let_go`].
    pub(crate) fn hold(&self) {
        self.books.lock().unwrap().held = true;
    }

    /// Nothing goes wrong on the way any more.
    pub(crate) fn clear_slips(&self) {
        self.books.lock().unwrap().slips.clear();
    }

    pub(crate) fn let_go(&self) {
        self.books.lock().unwrap().held = false;
    }

    pub(crate) fn is_noisy(&self) {
        self.books.lock().unwrap().noisy = true;
    }

    pub(crate) fn refuse_schemas(&self) {
        self.books.lock().unwrap().no_schemas = true;
    }

    pub(crate) fn fails(&self, why: Option<&'static str>) {
        self.books.lock().unwrap().fails = why;
    }

    /// Items of the built-in pack's phases are answered from their main files.
    pub(crate) fn answers_from(&self, main_files: [(&str, Value); 3]) {
        let named = main_files.into_iter().map(|(phase, file)| (phase.to_owned(), file));
        self.books.lock().unwrap().recorded = named.collect();
    }

    /// Somebody else's batch of so many requests, which has ended or works.
    pub(crate) fn add_foreign(&self, requests: usize, ended: bool) {
        let mut books = self.books.lock().unwrap();
        let requests = (0..requests).map(|at| (format!("theirs-{at}"), Value::Null)).collect::<Vec<_>>();
        let fates = vec![Fate::Expired; requests.len()];
        let looks = if ended { 0 } else { 3 };
        books.add(requests, looks, ended, fates, Value::Null, String::new());
    }

    /// The results of all batches that have ended are not kept any more.
    pub(crate) fn forget_results(&self) {
        self.books.lock().unwrap().batches.iter_mut().for_each(|batch| {
            (batch.ended, batch.gone) = (true, true);
        });
    }

    pub(crate) fn batches(&self) -> Vec<Batch> {
        self.books.lock().unwrap().batches.clone()
    }

    /// How many requests each batch had.
    pub(crate) fn sizes(&self) -> Vec<usize> {
        self.batches().iter().map(|batch| batch.requests.len()).collect()
    }

    pub(crate) fn sold(&self) -> Vec<Sold> {
        self.books.lock().unwrap().sold.clone()
    }

    /// How many requests there were of a method whose path begins so.
    pub(crate) fn count(&self, method: &str, path: &str) -> usize {
        let books = self.books.lock().unwrap();
        books.requests.iter().filter(|(m, p)| m == method && p.starts_with(path)).count()
    }

    /// What all that was sold costs, in millionths of a dollar.
    pub(crate) fn bill(&self) -> f64 {
        let of = |sold: &Sold| {
            let whole: u64 = sold.meters.iter().zip(PRICES).map(|(tokens, price)| tokens * price).sum();
            whole as f64 * if sold.batch { 0.5 } else { 1.0 }
        };
        self.sold().iter().map(of).sum()
    }

    /// How often each item of each phase was sold.
    pub(crate) fn sold_items(&self) -> BTreeMap<(String, String), usize> {
        let mut counts = BTreeMap::new();
        for sold in self.sold() {
            for item in sold.items {
                *counts.entry((sold.phase.clone(), item)).or_default() += 1;
            }
        }
        counts
    }
}

impl Batch {
    /// What passes between two looks.
    fn work(&mut self, held: bool) {
        if !held {
            self.looks = self.looks.saturating_sub(1);
            self.ended |= self.looks == 0;
        }
    }
}

impl Books {
    fn add(
        &mut self,
        requests: Vec<(String, Value)>,
        looks: usize,
        ended: bool,
        fates: Vec<Fate>,
        metadata: Value,
        file: String,
    ) -> Batch {
        let id = format!("batch_{:03}", self.batches.len() + 1);
        let batch = Batch { id, requests, looks, ended, gone: false, metadata, file, fates };
        self.batches.push(batch.clone());
        batch
    }

    /// A batch is made. What it will be charged for is sold at once.
    fn submit(
        &mut self,
        requests: Vec<(String, Value)>,
        metadata: Value,
        file: String,
        openai: bool,
    ) -> Batch {
        let number = self.batches.len();
        let fates: Vec<Fate> = (0..requests.len())
            .map(|at| self.judge.as_ref().map_or(Fate::Good, |judge| judge(number, at)))
            .collect();
        let failed = openai && self.fails.is_some();
        for (at, ((_, body), fate)) in requests.iter().zip(&fates).enumerate() {
            let asked = Asked::read(body, &self.recorded);
            let answered = matches!(fate, Fate::Good | Fate::LacksLast | Fate::Malformed | Fate::Truncated);
            if answered && !failed && !(self.no_schemas && asked.structured) {
                self.sold.push(asked.sold(*fate, at, true));
            }
        }
        let looks = self.looks;
        self.add(requests, looks, false, fates, metadata, file)
    }
}

struct Request {
    method: String,
    path: String,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { method, path, headers, body })
}

fn serve(mut stream: &TcpStream, books: &Mutex<Books>) {
    let Some(request) = read(stream) else { return };
    let mut books = books.lock().unwrap();
    books.requests.push((request.method.clone(), request.path.clone()));
    let slip = books.slips.iter_mut().find(|(method, path, slips)| {
        *method == request.method && request.path.starts_with(path) && !slips.is_empty()
    });
    let slip = slip.and_then(|(.., slips)| slips.pop_front());
    let (status, text) = match slip {
        Some(Slip::CutBefore) => return,
        Some(Slip::Status(status)) => {
            (status, json!({"error": {"type": "x", "message": "a slip"}}).to_string())
        }
        _ => answer(&request, &mut books),
    };
    drop(books);
    let status = if matches!(slip, Some(Slip::LostIn502)) { 502 } else { status };
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nretry-after-ms: 1\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        text.len()
    );
    match slip {
        Some(Slip::CutAfter) => {}
        Some(Slip::Silent) => {
            let _ = stream.read(&mut [0; 16]);
        }
        Some(Slip::Half) => {
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.write_all(&text.as_bytes()[..text.len() / 2]);
        }
        _ => {
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.write_all(text.as_bytes());
        }
    }
}

fn error(status: u16, kind: &str, message: &str) -> (u16, String) {
    (status, json!({"type": "error", "error": {"type": kind, "message": message}}).to_string())
}

fn answer(request: &Request, books: &mut Books) -> (u16, String) {
    let header = |name: &str| request.headers.get(name).map(String::as_str).unwrap_or_default();
    let anthropic = request.path.starts_with("/v1/messages");
    let key =
        if anthropic { header("x-api-key") } else { header("authorization").trim_start_matches("Bearer ") };
    if key != KEY {
        return error(401, "authentication_error", &format!("invalid key: {key}"));
    }
    if anthropic && header("anthropic-version").is_empty() {
        return error(400, "invalid_request_error", "anthropic-version is missing");
    }
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
    match (request.method.as_str(), &parts[..]) {
        ("POST", ["messages"] | ["chat", "completions"]) => direct(request, books, anthropic),
        ("POST", ["messages", "batches"]) => create_messages(request, books),
        ("GET", ["messages", "batches"]) => list(query, "after_id", books, true),
        ("GET", ["messages", "batches", id]) => look(id, books, true),
        ("GET", ["messages", "batches", id, "results"]) => results(id, books),
        ("POST", ["files"]) => upload(request, books),
        ("POST", ["batches"]) => create_batch(request, books),
        ("GET", ["batches"]) => list(query, "after", books, false),
        ("GET", ["batches", id]) => look(id, books, false),
        ("GET", ["files", id, "content"]) => file(id, books),
        _ => error(404, "not_found_error", "no such thing"),
    }
}

fn create_messages(request: &Request, books: &mut Books) -> (u16, String) {
    let Ok(body) = serde_json::from_slice::<Value>(&request.body) else {
        return error(400, "invalid_request_error", "not JSON");
    };
    let requests = body["requests"].as_array().cloned().unwrap_or_default();
    if requests.is_empty() || requests.len() > 100_000 || request.body.len() > 256 << 20 {
        return error(413, "request_too_large", "1 to 100,000 requests");
    }
    let mut seen = HashSet::new();
    let mut all = Vec::new();
    for one in requests {
        let id = one["custom_id"].as_str().unwrap_or_default().to_owned();
        let safe = id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
        if id.is_empty() || id.len() > 64 || !safe || !seen.insert(id.clone()) {
            return error(400, "invalid_request_error", "a custom_id is not unique or not well formed");
        }
        if one["params"].get("stream").is_some() || one["params"]["model"] != MODEL {
            return error(400, "invalid_request_error", "not the params of a batch");
        }
        all.push((id, one["params"].clone()));
    }
    let batch = books.submit(all, Value::Null, String::new(), false);
    (200, shown(&batch, true).to_string())
}

/// A form's parts: name and content.
fn form(request: &Request) -> Vec<(String, Vec<u8>)> {
    let kind = &request.headers["content-type"];
    let boundary = kind.split_once("boundary=").unwrap().1;
    let delimiter = format!("--{boundary}").into_bytes();
    let find = |from: usize, what: &[u8]| {
        request.body[from..].windows(what.len()).position(|part| part == what).map(|at| from + at)
    };
    let mut parts = Vec::new();
    let mut at = find(0, &delimiter).unwrap() + delimiter.len();
    while let Some(next) = find(at, &[b"\r\n", &delimiter[..]].concat()) {
        let head_end = find(at, b"\r\n\r\n").unwrap();
        let head = String::from_utf8_lossy(&request.body[at..head_end]).into_owned();
        let name = head.split("name=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        parts.push((name, request.body[head_end + 4..next].to_vec()));
        at = next + 2 + delimiter.len();
    }
    parts
}

fn upload(request: &Request, books: &mut Books) -> (u16, String) {
    let parts: HashMap<String, Vec<u8>> = form(request).into_iter().collect();
    if parts.get("purpose").map(Vec::as_slice) != Some(b"batch") || !parts.contains_key("file") {
        return error(400, "invalid_request_error", "a file for batches has the purpose `batch`");
    }
    let id = format!("file-{:03}", books.files.len() + 1);
    books.files.insert(id.clone(), parts["file"].clone());
    (200, json!({"id": id, "object": "file", "purpose": "batch"}).to_string())
}

fn create_batch(request: &Request, books: &mut Books) -> (u16, String) {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let file = body["input_file_id"].as_str().unwrap_or_default().to_owned();
    let Some(text) = books.files.get(&file) else {
        return error(400, "invalid_request_error", "no such file");
    };
    if body["endpoint"] != "/v1/chat/completions" || body["completion_window"] != "24h" {
        return error(400, "invalid_request_error", "no such endpoint or window");
    }
    let text = String::from_utf8(text.clone()).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut seen = HashSet::new();
    for line in &lines {
        let good = line["method"] == "POST"
            && line["url"] == body["endpoint"]
            && line["body"]["model"] == MODEL
            && line["body"].get("stream").is_none()
            && seen.insert(line["custom_id"].to_string());
        if !good {
            return error(400, "invalid_request_error", "a line is not as it should be");
        }
    }
    let requests = lines
        .into_iter()
        .map(|line| (line["custom_id"].as_str().unwrap().to_owned(), line["body"].clone()))
        .collect();
    let batch = books.submit(requests, body["metadata"].clone(), file, true);
    (200, shown(&batch, false).to_string())
}

fn list(query: &str, cursor: &str, books: &mut Books, anthropic: bool) -> (u16, String) {
    let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
    let held = books.held;
    books.batches.iter_mut().for_each(|batch| batch.work(held));
    // Small pages, so that whoever does not turn them misses something.
    let limit = value("limit").map_or(20, |limit| limit.parse().unwrap()).min(2);
    let newest_first: Vec<&Batch> = books.batches.iter().rev().collect();
    let start =
        value(cursor).map_or(0, |id| newest_first.iter().position(|batch| batch.id == id).unwrap() + 1);
    let page: Vec<Value> =
        newest_first[start..].iter().take(limit).map(|batch| shown(batch, anthropic)).collect();
    let more = newest_first.len() > start + page.len();
    (200, json!({"data": page, "has_more": more}).to_string())
}

fn look(id: &str, books: &mut Books, anthropic: bool) -> (u16, String) {
    let held = books.held;
    let fails = books.fails;
    let Some(batch) = books.batches.iter_mut().find(|batch| batch.id == id) else {
        return error(404, "not_found_error", "no such batch");
    };
    batch.work(held);
    let mut shown = shown(batch, anthropic);
    if let Some(why) = fails.filter(|_| batch.ended && !anthropic) {
        shown["status"] = json!("failed");
        shown["errors"] = json!({"object": "list", "data": [{"code": "invalid", "message": why}]});
        shown["output_file_id"] = Value::Null;
        shown["error_file_id"] = Value::Null;
    }
    (200, shown.to_string())
}

fn shown(batch: &Batch, anthropic: bool) -> Value {
    let all = batch.requests.len();
    let of = |fates: &[Fate]| batch.fates.iter().filter(|fate| fates.contains(fate)).count();
    let succeeded = of(&[Fate::Good, Fate::LacksLast, Fate::Malformed, Fate::Truncated]);
    let (errored, expired, canceled) =
        (of(&[Fate::Invalid, Fate::ServerError, Fate::Lost]), of(&[Fate::Expired]), of(&[Fate::Canceled]));
    // Created one second after another.
    let second: usize = batch.id.trim_start_matches("batch_").parse().unwrap();
    if anthropic {
        let counts = if batch.ended {
            json!({"processing": 0, "succeeded": succeeded, "errored": errored, "canceled": canceled, "expired": expired})
        } else {
            // The others stay 0 until the end.
            json!({"processing": all, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0})
        };
        return json!({
            "id": batch.id, "type": "message_batch",
            "processing_status": if batch.ended { "ended" } else { "in_progress" },
            "request_counts": counts,
            "created_at": format!("2026-11-22T10:{:02}:{:02}Z", second / 60, second % 60),
            "results_url": if batch.ended && !batch.gone { json!("https://elsewhere.example.org/results") } else { Value::Null },
            "archived_at": if batch.gone { json!("2026-12-22T10:00:00Z") } else { Value::Null },
        });
    }
    let status = match (batch.ended, expired > 0) {
        (false, _) => "in_progress",
        (true, true) => "expired",
        (true, false) => "completed",
    };
    let has = |any: bool, kind: &str| {
        if batch.ended && any { json!(format!("file-{kind}-{}", batch.id)) } else { Value::Null }
    };
    json!({
        "id": batch.id, "object": "batch", "endpoint": "/v1/chat/completions", "status": status,
        "input_file_id": batch.file, "metadata": batch.metadata, "created_at": 1_700_000_000 + second,
        "output_file_id": has(succeeded > 0, "output"), "error_file_id": has(errored + expired + canceled > 0, "error"),
        "request_counts": {"total": all, "completed": if batch.ended { succeeded } else { 0 }, "failed": if batch.ended { errored } else { 0 }},
    })
}

/// The lines of a batch's results, last request first. `wanted`: of which fates.
fn lines(
    batch: &Batch,
    books: &Books,
    wanted: impl Fn(Fate) -> bool,
    line: impl Fn(&str, &Value, Fate, usize) -> Value,
) -> String {
    let mut text = String::new();
    if books.noisy {
        text += &format!("{}\n", line("never-asked", &batch.requests[0].1, Fate::Good, 0));
    }
    for (at, ((id, body), fate)) in batch.requests.iter().zip(&batch.fates).enumerate().rev() {
        if *fate == Fate::Lost || !wanted(*fate) {
            continue;
        }
        let one = line(id, body, *fate, at).to_string();
        text += &format!("{one}\n");
        if books.noisy {
            text += &format!("{one}\n");
        }
    }
    text
}

fn results(id: &str, books: &Books) -> (u16, String) {
    let Some(batch) = books.batches.iter().find(|batch| batch.id == id && batch.ended && !batch.gone) else {
        return error(404, "not_found_error", "no results of that");
    };
    let line = |id: &str, body: &Value, fate: Fate, at: usize| {
        let refused = books.no_schemas && body.pointer("/output_config/format").is_some();
        let error = |kind: &str| json!({"type": "errored", "error": {"type": "error", "error": {"type": kind, "message": "as ordered"}}});
        let result = match fate {
            _ if refused => error("invalid_request_error"),
            Fate::Expired => json!({"type": "expired"}),
            Fate::Canceled => json!({"type": "canceled"}),
            Fate::Invalid => error("invalid_request_error"),
            Fate::ServerError => error("api_error"),
            _ => {
                json!({"type": "succeeded", "message": Asked::read(body, &books.recorded).message(fate, at, true)})
            }
        };
        json!({"custom_id": id, "result": result})
    };
    (200, lines(batch, books, |_| true, line))
}

fn file(id: &str, books: &Books) -> (u16, String) {
    let output = id.starts_with("file-output-");
    let batch = books.batches.iter().find(|batch| id.ends_with(&batch.id) && batch.ended && !batch.gone);
    let Some(batch) = batch else { return error(404, "not_found_error", "no such file") };
    let good = |fate: Fate| matches!(fate, Fate::Good | Fate::LacksLast | Fate::Malformed | Fate::Truncated);
    let line = |id: &str, body: &Value, fate: Fate, at: usize| {
        let refused = books.no_schemas && body.get("response_format").is_some();
        let (response, error) = match fate {
            Fate::Expired => (
                Value::Null,
                json!({"code": "batch_expired", "message": "This request could not be executed before the completion window expired."}),
            ),
            Fate::Canceled => (Value::Null, json!({"code": "batch_cancelled", "message": "cancelled"})),
            Fate::Invalid | Fate::ServerError => {
                let status = if fate == Fate::Invalid { 400 } else { 500 };
                (
                    json!({"status_code": status, "request_id": "r", "body": {"error": {"message": "as ordered"}}}),
                    Value::Null,
                )
            }
            _ if refused => (
                json!({"status_code": 400, "request_id": "r", "body": {"error": {"message": "no schemas"}}}),
                Value::Null,
            ),
            _ => {
                let body = Asked::read(body, &books.recorded).message(fate, at, false);
                (json!({"status_code": 200, "request_id": "r", "body": body}), Value::Null)
            }
        };
        json!({"id": format!("batch_req_{at}"), "custom_id": id, "response": response, "error": error})
    };
    (200, lines(batch, books, |fate| good(fate) == output, line))
}

/// A call of the direct endpoint, answered well.
fn direct(request: &Request, books: &mut Books, anthropic: bool) -> (u16, String) {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let asked = Asked::read(&body, &books.recorded);
    books.sold.push(asked.sold(Fate::Good, 0, false));
    (200, asked.message(Fate::Good, 0, anthropic).to_string())
}

struct Asked {
    phase: String,
    prefix: String,
    message: String,
    items: Vec<(String, Value)>,
    structured: bool,
    /// The answer, where it is recorded.
    recorded: Option<String>,
}

impl Asked {
    fn read(body: &Value, recorded: &BTreeMap<String, Value>) -> Self {
        let text = |at: &str| body.pointer(at).and_then(Value::as_str).map(str::to_owned);
        let prefix = text("/system/0/text").or_else(|| text("/messages/0/content")).unwrap_or_default();
        let message =
            text("/messages/0/content/0/text").or_else(|| text("/messages/1/content")).unwrap_or_default();
        let items = message.lines().filter_map(|line| line.strip_prefix("item ")?.split_once(' '));
        let items = items
            .map(|(id, input)| (id.to_owned(), serde_json::from_str(input).unwrap_or_default()))
            .collect();
        let structured =
            body.pointer("/output_config/format").or_else(|| body.pointer("/response_format")).is_some();
        let phase = prefix.lines().next().unwrap_or_default().to_owned();
        let mut asked = Self { phase, prefix, message, items, structured, recorded: None };
        if !recorded.is_empty() {
            asked.look_up(recorded);
        }
        asked
    }

    /// Reads a prompt of the built-in pack, and finds its answer.
    fn look_up(&mut self, recorded: &BTreeMap<String, Value>) {
        let title = self.message.split("# The batch ").nth(1).unwrap_or_else(|| panic!("{}", self.message));
        title.split("_batch_").next().unwrap().clone_into(&mut self.phase);
        let input = self.message.split("## Input").nth(1).unwrap();
        let input: Value =
            serde_json::from_str(input.split("```json").nth(1).unwrap().split("```").next().unwrap())
                .unwrap();
        let ids: Vec<String> = input["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["id"].as_str().unwrap().to_owned())
            .collect();
        let answer = match &recorded[&self.phase] {
            Value::Object(all) => Value::Object(ids.iter().map(|id| (id.clone(), all[id].clone())).collect()),
            all => ids
                .iter()
                .map(|id| all.as_array().unwrap().iter().find(|one| one[0] == **id).unwrap().clone())
                .collect(),
        };
        self.recorded = Some(answer.to_string());
        self.items = ids.into_iter().map(|id| (id, Value::Null)).collect();
    }

    fn text(&self, fate: Fate) -> String {
        if let Some(recorded) = &self.recorded {
            return recorded.clone();
        }
        let kept = if fate == Fate::LacksLast { self.items.len() - 1 } else { self.items.len() };
        let items = &self.items[..kept];
        let shout =
            |input: &Value| json!({"text": input["text"].as_str().unwrap_or_default().to_uppercase()});
        let whole = if self.structured {
            let items: Vec<Value> =
                items.iter().map(|(id, input)| json!({"id": id, "result": shout(input)})).collect();
            json!({"items": items}).to_string()
        } else {
            Value::Object(items.iter().map(|(id, input)| (id.clone(), shout(input))).collect()).to_string()
        };
        match fate {
            Fate::Malformed => "I am sorry, the items are { \"A\": ".to_owned(),
            Fate::Truncated => whole[..whole.len() * 2 / 3].to_owned(),
            _ => whole,
        }
    }

    /// The cache is served as it comes: every second request of a batch reads, the others write.
    fn meters(&self, fate: Fate, at: usize) -> [u64; 4] {
        let tokens = |text: &str| (text.len() as u64).div_ceil(4);
        let (prefix, plain, output) = (tokens(&self.prefix), tokens(&self.message), tokens(&self.text(fate)));
        if at.is_multiple_of(2) { [plain, prefix, 0, output] } else { [plain, 0, prefix, output] }
    }

    fn sold(&self, fate: Fate, at: usize, batch: bool) -> Sold {
        let items = self.items.iter().map(|(id, _)| id.clone()).collect();
        Sold { phase: self.phase.clone(), items, meters: self.meters(fate, at), batch }
    }

    fn message(&self, fate: Fate, at: usize, anthropic: bool) -> Value {
        let [input, write, read, output] = self.meters(fate, at);
        let cut = fate == Fate::Truncated;
        if anthropic {
            return json!({
                "id": "msg_1", "type": "message", "role": "assistant", "model": MODEL,
                "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": self.text(fate)}],
                "stop_reason": if cut { "max_tokens" } else { "end_turn" },
                "usage": {"input_tokens": input, "cache_creation_input_tokens": write, "cache_read_input_tokens": read, "output_tokens": output},
            });
        }
        json!({
            "id": "c", "object": "chat.completion", "model": MODEL,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": self.text(fate)}, "finish_reason": if cut { "length" } else { "stop" }}],
            "usage": {
                "prompt_tokens": input + write + read, "completion_tokens": output,
                "prompt_tokens_details": {"cached_tokens": read, "cache_write_tokens": write},
            },
        })
    }
}
