//! Where the program `answer` is: cargo builds it as an example, beside the tests and benches that use it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// The path of the program. Built here when cargo was asked for one test only and has left it missing or old.
pub(crate) fn answer() -> &'static Path {
    static ANSWER: OnceLock<PathBuf> = OnceLock::new();
    ANSWER.get_or_init(|| {
        let exe = std::env::current_exe().unwrap();
        // target/debug/deps/e2e-… → target/debug
        let profile = exe.parent().and_then(Path::parent).unwrap();
        let program = profile.join("examples").join(format!("answer{}", std::env::consts::EXE_SUFFIX));
        if modified(&program) < newest_source() {
            build(profile);
        }
        assert!(
            program.is_file(),
            "{} is not there: run `cargo build --example answer` with the options that you gave to `cargo test`",
            program.display()
        );
        program
    })
}

fn build(profile: &Path) {
    let name = profile.file_name().unwrap().to_str().unwrap();
    let name = if name == "debug" { "dev" } else { name };
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--example", "answer", "--profile", name]);
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).env("CARGO_TARGET_DIR", profile.parent().unwrap());
    assert!(cargo.status().unwrap().success(), "the program `answer` does not compile");
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|data| data.modified()).ok()
}

fn newest_source() -> Option<SystemTime> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/answer");
    std::fs::read_dir(folder).unwrap().map(|entry| modified(&entry.unwrap().path())).max().flatten()
}
