//! A model service for the tests: both dialects, a prompt cache with its rules, books of its own to the cent, and faults by order.
//!
//! Not written from the tool's client: it says what the services' documents say, keeps its own meters, and refuses what would
//! cost its users money (a prefix that is not the same for every call of a phase).

use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Prices of the one model that it sells, in US dollars for a million tokens: input, cache write, cache read, output.
pub(crate) const PRICES: [u64; 4] = [3, 5, 1, 20];
pub(crate) const MODEL: &str = "stub-1";
pub(crate) const KEY: &str = "sk-planted-0123456789";
/// Fewer tokens are not kept.
const LEAST: u64 = 512;

/// What the service does with a request, instead of answering it well. Taken in order, one a request.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// An answer with this status, these headers (a line each) and this body.
    Status(u16, &'static str, &'static str),
    /// Half an answer, then the line is cut.
    Disconnect,
    /// Half an answer that claims to be whole by its limit.
    Truncated,
    /// An answer that is no JSON.
    Malformed,
    /// An error inside the stream, after a good beginning.
    ErrorInStream,
    /// A refusal.
    Refusal,
    /// Nothing wrong.
    Good,
}

/// One request in the books.
#[derive(Debug, Clone)]
pub(crate) struct Sold {
    pub(crate) phase: String,
    pub(crate) items: Vec<String>,
    pub(crate) input: u64,
    pub(crate) write: u64,
    pub(crate) read: u64,
    pub(crate) output: u64,
    pub(crate) structured: bool,
}

#[derive(Default)]
struct Books {
    sold: Vec<Sold>,
    /// All requests, faulty ones too.
    requests: usize,
    faults: VecDeque<Fault>,
    /// Prefixes that can be read: those whose first token was sent.
    warm: HashMap<String, ()>,
    /// The prefix of each phase, which must never change.
    prefixes: BTreeMap<String, String>,
    /// Refuses schemas, as a service does with a grammar that is too large.
    no_schemas: bool,
    /// Requests that are to be here before the first token of any is sent.
    hold: usize,
    here: usize,
}

/// The service, on a port of its own. Its threads end with the test.
pub(crate) struct Service {
    pub(crate) address: String,
    books: Arc<(Mutex<Books>, Condvar)>,
}

impl Service {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let books = Arc::new((Mutex::new(Books::default()), Condvar::new()));
        let theirs = books.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let books = theirs.clone();
                std::thread::spawn(move || while serve(&stream, &books) {});
            }
        });
        Self { address, books }
    }

    pub(crate) fn faults(&self, faults: impl IntoIterator<Item = Fault>) {
        self.books.0.lock().unwrap().faults = faults.into_iter().collect();
    }

    pub(crate) fn refuse_schemas(&self) {
        self.books.0.lock().unwrap().no_schemas = true;
    }

    /// Holds back every first token until so many requests are here, or a moment has passed: so that who does not wait for a
    /// leader finds the cache cold.
    pub(crate) fn hold(&self, requests: usize) {
        self.books.0.lock().unwrap().hold = requests;
    }

    pub(crate) fn sold(&self) -> Vec<Sold> {
        self.books.0.lock().unwrap().sold.clone()
    }

    pub(crate) fn requests(&self) -> usize {
        self.books.0.lock().unwrap().requests
    }

    /// Writes and reads of a phase.
    pub(crate) fn cache(&self, phase: &str) -> (usize, usize) {
        let sold = self.sold();
        let of = |meter: fn(&Sold) -> u64| {
            sold.iter().filter(|call| call.phase == phase && meter(call) > 0).count()
        };
        (of(|call| call.write), of(|call| call.read))
    }

    /// What all that was sold costs, in millionths of a dollar.
    pub(crate) fn bill(&self) -> u64 {
        let of = |call: &Sold| {
            let meters = [call.input, call.write, call.read, call.output];
            meters.iter().zip(PRICES).map(|(tokens, price)| tokens * price).sum::<u64>()
        };
        self.sold().iter().map(of).sum()
    }
}

/// Serves one request of a connection; false when there is no other.
fn serve(mut stream: &TcpStream, books: &(Mutex<Books>, Condvar)) -> bool {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return false;
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let anthropic = path == "/v1/messages";
    let key =
        if anthropic { headers.get("x-api-key").cloned() } else { headers.get("authorization").cloned() };
    let key = key.unwrap_or_default();
    let fault = {
        let mut books = books.0.lock().unwrap();
        books.requests += 1;
        books.faults.pop_front().unwrap_or(Fault::Good)
    };
    let refuse = |status: u16, extra: &str, text: &str| {
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{extra}\r\n",
            text.len()
        );
        (&*stream).write_all(format!("{head}{text}").as_bytes()).is_ok()
    };
    if key.trim_start_matches("Bearer ") != KEY {
        let text =
            json!({"error": {"type": "authentication_error", "message": format!("invalid key: {key}")}});
        return refuse(401, "", &text.to_string());
    }
    if anthropic && !headers.contains_key("anthropic-version") {
        return refuse(
            400,
            "",
            r#"{"error":{"type":"invalid_request_error","message":"anthropic-version is missing"}}"#,
        );
    }
    if body["model"] != MODEL {
        return refuse(404, "", r#"{"error":{"type":"not_found_error","message":"no such model"}}"#);
    }
    if let Fault::Status(status, extra, text) = fault {
        return refuse(status, extra, text);
    }
    let asked = match Asked::read(&body, anthropic, books) {
        Ok(asked) => asked,
        Err(why) => {
            return refuse(
                400,
                "",
                &json!({"error": {"type": "invalid_request_error", "message": why}}).to_string(),
            );
        }
    };
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let mut say = |text: &str| stream.write_all(text.as_bytes()).and_then(|()| stream.flush()).is_ok();
    answer(&asked, &fault, anthropic, books, &mut say);
    false
}

struct Asked {
    phase: String,
    prefix: String,
    marked: bool,
    message: String,
    items: Vec<(String, Value)>,
    structured: bool,
}

impl Asked {
    fn read(body: &Value, anthropic: bool, books: &(Mutex<Books>, Condvar)) -> Result<Self, String> {
        let (system, message, marked, format) = if anthropic {
            let system = body["system"].as_array().ok_or("no system text")?;
            let marks = body.to_string().matches("cache_control").count();
            if marks > 1 {
                return Err("a marker where every call pays for it".into());
            }
            let format = body.pointer("/output_config/format/schema").cloned();
            (&system[0]["text"], &body["messages"][0]["content"][0]["text"], marks == 1, format)
        } else {
            let format = body.pointer("/response_format/json_schema/schema").cloned();
            (&body["messages"][0]["content"], &body["messages"][1]["content"], true, format)
        };
        let (prefix, message) = (system.as_str().ok_or("no prefix")?, message.as_str().ok_or("no message")?);
        let phase = prefix.lines().next().unwrap_or_default().to_owned();
        let mut books = books.0.lock().unwrap();
        if format.is_some() && books.no_schemas {
            return Err("compiled grammar is too large".into());
        }
        // The form of the answer is part of the prefix; one phase has one of each.
        let known = books
            .prefixes
            .entry(format!("{phase}/{}", format.is_some()))
            .or_insert_with(|| prefix.to_owned());
        if known != prefix {
            return Err(format!("the prefix of {phase} has changed"));
        }
        let items = message.lines().filter_map(|line| line.strip_prefix("item ")?.split_once(' '));
        let items = items
            .map(|(id, input)| (id.to_owned(), serde_json::from_str(input).unwrap_or_default()))
            .collect();
        let structured = format.is_some();
        Ok(Self { phase, prefix: prefix.to_owned(), marked, message: message.to_owned(), items, structured })
    }

    fn text(&self) -> String {
        let shout =
            |input: &Value| json!({"text": input["text"].as_str().unwrap_or_default().to_uppercase()});
        if self.structured {
            let items: Vec<Value> =
                self.items.iter().map(|(id, input)| json!({"id": id, "result": shout(input)})).collect();
            return json!({"items": items}).to_string();
        }
        Value::Object(self.items.iter().map(|(id, input)| (id.clone(), shout(input))).collect()).to_string()
    }
}

fn tokens(text: &str) -> u64 {
    (text.len() as u64).div_ceil(4)
}

fn answer(
    asked: &Asked,
    fault: &Fault,
    anthropic: bool,
    books: &(Mutex<Books>, Condvar),
    say: &mut dyn FnMut(&str) -> bool,
) {
    let whole = match fault {
        Fault::Malformed => "I am sorry, the items are { \"A\": ".to_owned(),
        _ => asked.text(),
    };
    let text = match fault {
        Fault::Disconnect | Fault::Truncated | Fault::ErrorInStream => &whole[..whole.len() * 2 / 3],
        _ => &whole[..],
    };
    let kept = asked.marked && tokens(&asked.prefix) >= LEAST;
    let readable = books.0.lock().unwrap().warm.contains_key(&asked.prefix);
    let (prefix, plain) = (tokens(&asked.prefix), tokens(&asked.message));
    let (input, write, read) = match (kept, readable) {
        (false, _) => (prefix + plain, 0, 0),
        (true, false) => (plain, prefix, 0),
        (true, true) => (plain, 0, prefix),
    };
    hold(books);
    let output = tokens(text);
    let billed = Sold {
        phase: asked.phase.clone(),
        items: asked.items.iter().map(|(id, _)| id.clone()).collect(),
        input,
        write,
        read,
        output,
        structured: asked.structured,
    };
    let mut event = |name: &str, data: Value| {
        let name = if anthropic { format!("event: {name}\n") } else { String::new() };
        say(&format!("{name}data: {data}\n\n"))
    };
    let usage = json!({"input_tokens": input, "cache_creation_input_tokens": write, "cache_read_input_tokens": read, "output_tokens": 1});
    if anthropic {
        // A gateway's zeros: the truth comes at the end.
        event(
            "message_start",
            json!({"type": "message_start", "message": {"model": MODEL, "usage": {"input_tokens": 0}}}),
        );
        event("ping", json!({"type": "ping"}));
        event(
            "content_block_start",
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        );
    }
    let middle = (text.len() / 2..).find(|at| text.is_char_boundary(*at)).unwrap();
    for (number, piece) in [&text[..middle], &text[middle..]].into_iter().enumerate() {
        if number == 0 {
            // Readable before the first token can be seen, so that who waits for it finds it.
            books.0.lock().unwrap().warm.insert(asked.prefix.clone(), ());
        }
        if anthropic {
            event(
                "content_block_delta",
                json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}),
            );
        } else {
            event("", json!({"model": MODEL, "choices": [{"index": 0, "delta": {"content": piece}}]}));
        }
    }
    match fault {
        // Nobody pays for what broke off.
        Fault::Disconnect => return,
        Fault::ErrorInStream => {
            event(
                "error",
                json!({"type": "error", "error": {"type": "overloaded_error", "code": 529, "message": "busy"}}),
            );
            return;
        }
        _ => {}
    }
    books.0.lock().unwrap().sold.push(billed);
    let reason = match (fault, anthropic) {
        (Fault::Truncated, true) => "max_tokens",
        (Fault::Truncated, false) => "length",
        (Fault::Refusal, true) => "refusal",
        (Fault::Refusal, false) => "content_filter",
        (_, true) => "end_turn",
        (_, false) => "stop",
    };
    if anthropic {
        let mut usage = usage;
        usage["output_tokens"] = json!(output);
        event(
            "message_delta",
            json!({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}),
        );
        event("message_stop", json!({"type": "message_stop"}));
    } else {
        event("", json!({"model": MODEL, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}));
        let details = json!({"cached_tokens": read, "cache_write_tokens": write});
        event(
            "",
            json!({"choices": [], "usage": {"prompt_tokens": input + write + read, "completion_tokens": output, "prompt_tokens_details": details}}),
        );
        say("data: [DONE]\n\n");
    }
}

fn hold((books, changed): &(Mutex<Books>, Condvar)) {
    let mut books = books.lock().unwrap();
    books.here += 1;
    changed.notify_all();
    let cold = |books: &mut Books| books.here < books.hold && books.warm.len() < books.prefixes.len();
    drop(changed.wait_timeout_while(books, Duration::from_millis(150), cold).unwrap());
}
