//! A strict HTTP server that keeps what is PUT, in this process, with switches for everything that goes wrong out there.
//! Written from RFC 9110 and 9112, not from the client: one request a connection, a thread each.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The condition of a PUT is not heeded.
    Overwrites,
    /// The answer is this status, with `Retry-After` in seconds if there is a second number.
    Status(u16, Option<u32>),
    /// The connection is closed without an answer; a PUT is not carried out.
    Reset,
    /// A PUT is carried out, and the connection closed without an answer.
    ResetAfter,
    /// Half of the body, then the connection is closed.
    Torn,
    /// Another body of the same length.
    Wrong,
    /// The body is cut in half, and the stated length fits the half.
    Halved,
    /// A stated length that no store would have; no body.
    Huge,
    /// An endless body without a stated length.
    Endless,
    /// Half of what is PUT is kept, and the answer says that all is well.
    KeepsHalf,
    /// Nothing is answered until the client goes.
    Silent,
}

/// A fault, in which requests, and how often.
struct Switch {
    method: &'static str,
    fault: Fault,
    left: usize,
}

#[derive(Default)]
struct State {
    slots: BTreeMap<String, Vec<u8>>,
    switches: Vec<Switch>,
    requests: Vec<(String, String)>,
    token: Option<String>,
    may_write: bool,
}

/// A server. It stops when it is dropped.
pub(crate) struct Server {
    address: std::net::SocketAddr,
    state: Arc<Mutex<State>>,
    stopped: Arc<AtomicBool>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { may_write: true, ..State::default() }));
        let stopped = Arc::new(AtomicBool::new(false));
        let (shared, stop) = (state.clone(), stopped.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(stream), shared) = (stream, shared.clone()) else { continue };
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { address, state, stopped }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/team", self.address)
    }

    /// From now on this goes wrong with so many requests of a method.
    pub(crate) fn fails(&self, method: &'static str, fault: Fault, times: usize) {
        self.state.lock().unwrap().switches.push(Switch { method, fault, left: times });
    }

    /// Nothing goes wrong any more.
    pub(crate) fn recovers(&self) {
        self.state.lock().unwrap().switches.clear();
    }

    /// Only who brings this token is let in.
    pub(crate) fn wants_token(&self, token: &str) {
        self.state.lock().unwrap().token = Some(token.to_owned());
    }

    pub(crate) fn forbids_writing(&self) {
        self.state.lock().unwrap().may_write = false;
    }

    /// The requests since this was asked last: method and path.
    pub(crate) fn requests(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.state.lock().unwrap().requests)
    }

    /// The results that it holds, by path.
    pub(crate) fn slots(&self) -> BTreeMap<String, Vec<u8>> {
        let mut slots = self.state.lock().unwrap().slots.clone();
        let slot = |path: &str| path.rsplit('/').next().and_then(|name| name.parse().ok());
        slots.retain(|path, bytes| {
            slot(path).is_some_and(|slot| coursebuild::store::decode_portion(&slot, bytes).is_ok())
        });
        slots
    }

    /// Everything that it holds that is no result by itself: chunks.
    pub(crate) fn others(&self) -> BTreeMap<String, Vec<u8>> {
        let slots = self.slots();
        let mut all = self.state.lock().unwrap().slots.clone();
        all.retain(|path, _| !slots.contains_key(path));
        all
    }

    /// How many requests of a method there were since [`Server::requests`] was asked.
    pub(crate) fn count(&self, method: &str) -> usize {
        self.state.lock().unwrap().requests.iter().filter(|(known, _)| known == method).count()
    }

    /// Changes what it holds.
    pub(crate) fn edit(&self, edit: impl FnOnce(&mut BTreeMap<String, Vec<u8>>)) {
        edit(&mut self.state.lock().unwrap().slots);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

struct Asked {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked { method, path, headers, body })
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) {
    let Some(asked) = read(&stream) else { return };
    let (fault, forbidden) = {
        let mut state = state.lock().unwrap();
        state.requests.push((asked.method.clone(), asked.path.clone()));
        let wanted = state.token.as_ref().map(|token| format!("Bearer {token}"));
        let unknown = wanted.is_some() && asked.headers.get("authorization") != wanted.as_ref();
        let forbidden =
            if unknown { Some(401) } else { (asked.method == "PUT" && !state.may_write).then_some(403) };
        let switch =
            state.switches.iter_mut().find(|switch| switch.method == asked.method && switch.left > 0);
        (
            switch.map(|switch| {
                switch.left -= 1;
                switch.fault
            }),
            forbidden,
        )
    };
    if let Some(status) = forbidden {
        return answer(&mut stream, status, &[], b"");
    }
    match fault {
        Some(Fault::Status(status, wait)) => {
            let wait = wait.map(|seconds| ("Retry-After", seconds.to_string()));
            answer(&mut stream, status, wait.as_slice(), b"busy");
        }
        Some(Fault::Reset) => {}
        Some(Fault::Silent) => {
            let _ = stream.read(&mut [0; 16]);
        }
        Some(Fault::Huge) => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nx");
        }
        Some(Fault::Endless) => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
            while stream.write_all(&[b'x'; 65536]).is_ok() {}
        }
        fault => carry_out(&mut stream, state, asked, fault),
    }
}

fn carry_out(stream: &mut TcpStream, state: &Mutex<State>, asked: Asked, fault: Option<Fault>) {
    let mut held = state.lock().unwrap();
    match asked.method.as_str() {
        "GET" => {
            let Some(bytes) = held.slots.get(&asked.path).cloned() else {
                drop(held);
                return answer(stream, 404, &[], b"");
            };
            drop(held);
            let half = bytes.len() / 2;
            match fault {
                Some(Fault::Torn) => {
                    let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len());
                    let _ = stream.write_all(&bytes[..half]);
                }
                Some(Fault::Wrong) => answer(stream, 200, &[], &vec![b'w'; bytes.len()]),
                Some(Fault::Halved) => answer(stream, 200, &[], &bytes[..half]),
                _ => answer(stream, 200, &[], &bytes),
            }
        }
        "PUT" => {
            let conditional = asked.headers.get("if-none-match").is_some_and(|value| value == "*");
            let there = held.slots.contains_key(&asked.path);
            if conditional && there && fault != Some(Fault::Overwrites) {
                drop(held);
                return answer(stream, 412, &[], b"");
            }
            let kept = if fault == Some(Fault::KeepsHalf) { asked.body.len() / 2 } else { asked.body.len() };
            held.slots.insert(asked.path, asked.body[..kept].to_vec());
            drop(held);
            if fault != Some(Fault::ResetAfter) {
                answer(stream, if there { 204 } else { 201 }, &[], b"");
            }
        }
        _ => {
            drop(held);
            answer(stream, 405, &[], b"");
        }
    }
}

fn answer(stream: &mut TcpStream, status: u16, headers: &[(&str, String)], body: &[u8]) {
    let mut head = format!("HTTP/1.1 {status} As It Is\r\nConnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    if status != 204 {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    let _ = stream.write_all(format!("{head}\r\n").as_bytes());
    let _ = stream.write_all(body);
}
