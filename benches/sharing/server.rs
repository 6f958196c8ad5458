//! An HTTP server that keeps what is PUT, with connections that stay open, and counts.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Requests, and the bytes of their bodies.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) gets: usize,
    pub(crate) puts: usize,
    /// Bytes of answers to GET.
    pub(crate) sent: usize,
    /// Bytes that were PUT.
    pub(crate) taken: usize,
}

#[derive(Default)]
struct State {
    slots: HashMap<String, Vec<u8>>,
    counts: Counts,
}

/// It lives as long as the process.
pub(crate) struct Server {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = shared.clone();
                std::thread::spawn(move || serve(&stream, &shared));
            }
        });
        Self { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/team", self.address)
    }

    /// The counts since this was asked last.
    pub(crate) fn counts(&self) -> Counts {
        std::mem::take(&mut self.state.lock().unwrap().counts)
    }
}

/// Answers one request after the other until the client goes.
fn serve(stream: &TcpStream, state: &Mutex<State>) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let (mut reader, mut out) = (BufReader::new(stream), stream);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let mut words = line.split(' ').map(str::to_owned);
        let (method, path) = (words.next()?, words.next()?);
        let (mut length, mut conditional) = (0, false);
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            let Some((name, value)) = header.trim_end().split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().ok()?,
                "if-none-match" => conditional = true,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let (status, answer) = carry_out(state, &method, path, body, conditional);
        let mut bytes =
            format!("HTTP/1.1 {status} As It Is\r\nContent-Length: {}\r\n\r\n", answer.len()).into_bytes();
        bytes.extend(answer);
        out.write_all(&bytes).ok()?;
    }
}

fn carry_out(
    state: &Mutex<State>,
    method: &str,
    path: String,
    body: Vec<u8>,
    conditional: bool,
) -> (u16, Vec<u8>) {
    let mut state = state.lock().unwrap();
    match method {
        "GET" => {
            state.counts.gets += 1;
            let Some(bytes) = state.slots.get(&path).cloned() else { return (404, Vec::new()) };
            state.counts.sent += bytes.len();
            (200, bytes)
        }
        "PUT" => {
            state.counts.puts += 1;
            state.counts.taken += body.len();
            if conditional && state.slots.contains_key(&path) {
                return (412, Vec::new());
            }
            state.slots.insert(path, body);
            (201, Vec::new())
        }
        _ => (405, Vec::new()),
    }
}
