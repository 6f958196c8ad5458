//! Sharing against a real server, which `tests/servers/run` starts and names in `COURSEBUILD_TEST_SERVER`.

use crate::support::Space;
use crate::support::synth::change_word;
use coursebuild::store::{Store, portions};
use std::io::{Read, Write};
use std::net::TcpStream;

fn with_store(url: &str) -> Space {
    let space = Space::batching(25);
    let manifest = space.read("coursebuild.toml");
    space.write("coursebuild.toml", &format!("{manifest}\n[shared]\nurl = \"{url}\"\n"));
    space
}

/// Begins to upload a slot and goes away in the middle: servers that write in place keep a torn one.
fn torn_upload(url: &str, path: &str, bytes: &[u8]) {
    let host = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "PUT {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n\r\n", bytes.len()).unwrap();
    stream.write_all(&bytes[..bytes.len() / 2]).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let _ = stream.read(&mut [0; 256]);
}

#[test]
#[ignore = "wants a server: tests/servers/run"]
fn a_real_server_serves_a_team() {
    let url = std::env::var("COURSEBUILD_TEST_SERVER").expect("tests/servers/run names the server");
    let a = with_store(&url);
    let found = a.run(&["cache", "doctor"]).exits(0).stdout;
    println!("{found}");
    let ran = a.build(&[]).exits(0);
    assert!(ran.calls() > 0 && ran.summary()["unpushed"] == 0, "{ran:#?}");
    let b = with_store(&url);
    let ran = b.build(&[]).exits(0);
    assert_eq!(ran.calls(), 0, "{ran:#?}");
    assert!(a.outputs() == b.outputs());
    // Two at once, from cold, whose generators never answer the same.
    let spaces = ["0", "1"].map(|salt| {
        let space = Space::digests(25);
        let manifest = space.read("coursebuild.toml");
        space.write("coursebuild.toml", &format!("{manifest}\n[shared]\nurl = \"{url}\"\n"));
        space.faults(&serde_json::json!([{"fault": "salt", "text": salt}]));
        space
    });
    let running = [0, 1].map(|at: usize| spaces[at].start(spaces[at].tool(&["build", "-j", "3"])));
    running.into_iter().for_each(|running| drop(running.end().exits(0)));
    let same = spaces[0].outputs() == spaces[1].outputs();
    println!("both came to the same: {same}");
    assert!(same || found.contains("overwrites"), "a server that heeds the condition lets one of them win");
}

#[test]
#[ignore = "wants a server: tests/servers/run"]
fn a_torn_upload_on_a_real_server_is_no_result() {
    let url = std::env::var("COURSEBUILD_TEST_SERVER").expect("tests/servers/run names the server");
    let edited = || {
        let space = with_store(&url);
        space.edit_seeds(|seeds| {
            seeds.truncate(3);
            change_word(seeds, 1, 77);
        });
        space
    };
    let a = edited();
    a.build(&["--cache", "shared:off"]).exits(0);
    // A slot that nobody has filled yet, torn.
    let store = Store::open(a.path(".coursebuild"));
    let index = store.index().unwrap();
    let source = index.sources().iter().find(|source| &*source.phase == "phase1").unwrap();
    let entry = store.entry(source.entry).unwrap();
    let (_, slot, _) = portions(&entry).pop().unwrap();
    torn_upload(&url, &format!("/ac/{slot}"), &[7; 100_000]);
    let b = edited();
    let before = b.build(&[]);
    println!("with a torn slot: exit {:?}, {} calls", before.code, before.books.len());
    assert!(before.code == Some(6) || before.code == Some(0), "{before:#?}");
    a.run(&["cache", "push"]).exits(0);
    let c = edited();
    assert_eq!(c.build(&[]).exits(0).calls(), 0);
}
