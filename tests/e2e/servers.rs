//! Sharing against a real server, which `tests/servers/run` starts and names in `COURSEBUILD_TEST_SERVER`: an address of HTTP, or
//! of a bucket, whose service `AWS_ENDPOINT_URL` names.

use crate::support::synth::change_word;
use crate::support::{Ran, Space};
use coursebuild::store::{Store, portions};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

fn url() -> String {
    std::env::var("COURSEBUILD_TEST_SERVER").unwrap_or_else(|_| panic!("tests/servers/run names the server"))
}

/// The tool with the credentials that the server wants.
fn tool(space: &Space, args: &[&str]) -> Command {
    let mut command = space.tool(args);
    command.envs(std::env::vars().filter(|(name, _)| name.starts_with("AWS_")));
    command
}

fn run(space: &Space, args: &[&str]) -> Ran {
    space.finish(tool(space, args))
}

fn build(space: &Space) -> Ran {
    run(space, &["build", "--format", "json"])
}

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
    let url = url();
    let a = with_store(&url);
    let found = run(&a, &["cache", "doctor"]).exits(0).stdout;
    println!("{found}");
    let ran = build(&a).exits(0);
    assert!(ran.calls() > 0 && ran.summary()["unpushed"] == 0, "{ran:#?}");
    let b = with_store(&url);
    let ran = build(&b).exits(0);
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
    let running = [0, 1].map(|at: usize| spaces[at].start(tool(&spaces[at], &["build", "-j", "3"])));
    running.into_iter().for_each(|running| drop(running.end().exits(0)));
    let same = spaces[0].outputs() == spaces[1].outputs();
    println!("both came to the same: {same}");
    assert!(same || found.contains("overwrites"), "a server that heeds the condition lets one of them win");
}

#[test]
#[ignore = "wants a server: tests/servers/run"]
fn a_torn_upload_on_a_real_server_is_no_result() {
    let url = url();
    // A bucket takes an object whole or not at all, and has no address that a test could write to unsigned.
    if !url.starts_with("http://") {
        return;
    }
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
    let before = build(&b);
    println!("with a torn slot: exit {:?}, {} calls", before.code, before.books.len());
    assert!(before.code == Some(6) || before.code == Some(0), "{before:#?}");
    run(&a, &["cache", "push"]).exits(0);
    let c = edited();
    assert_eq!(build(&c).exits(0).calls(), 0);
}

#[test]
#[ignore = "wants a server: tests/servers/run"]
fn a_bucket_that_is_not_there_is_no_empty_store() {
    let url = url();
    if !url.starts_with("s3://") {
        return;
    }
    let space = with_store("s3://nobody-made-this/course");
    let ran = build(&space).exits(6);
    assert!(ran.books.is_empty(), "{ran:#?}");
    assert!(ran.stdout.contains("NoSuchBucket"), "{ran:#?}");
    // A service that does not answer holds as well, and soon.
    let space = with_store(&url);
    let mut command = tool(&space, &["build"]);
    command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    let ran = space.finish(command).exits(6);
    assert!(ran.books.is_empty() && ran.stderr.contains("out of reach"), "{ran:#?}");
}
