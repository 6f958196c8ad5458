//! What the tree promises about itself: who may import whom, how long a file may be, what the documents say of the code.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const LONGEST_FILE: usize = 400;
/// A room with such a name holds whatever had no place.
const NAMES_OF_NOTHING: [&str; 6] = ["util", "utils", "common", "helpers", "core", "errors"];
/// Left over from work that was not finished. Written in halves, so that this file does not name them.
const LEFT_OVERS: [&str; 6] = [
    concat!("to", "do!("),
    concat!("unimpl", "emented!("),
    concat!("db", "g!("),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("#[ig", "nore]"),
];

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(top().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The files under a folder, by their path from the top, sorted; none if the folder is not there.
fn files(folder: &str) -> Vec<String> {
    let skipped = |entry: &walkdir::DirEntry| {
        matches!(entry.file_name().to_str(), Some("target" | ".git" | ".coursebuild" | "out"))
    };
    let mut files: Vec<String> = walkdir::WalkDir::new(top().join(folder))
        .into_iter()
        .filter_entry(|entry| !skipped(entry))
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| entry.path().strip_prefix(top()).unwrap().to_str().unwrap().replace('\\', "/"))
        .collect();
    files.sort();
    files
}

/// The Rust files under a folder, but those that are compiled for tests only.
fn rust_files(folder: &str) -> Vec<String> {
    let mut files = files(folder);
    files.retain(|path| path.ends_with(".rs"));
    let tests: BTreeSet<String> = files.iter().flat_map(|path| test_files(path, &read(path))).collect();
    files.retain(|path| !tests.contains(path));
    files
}

/// The files of the modules that a file declares for tests: `#[cfg(test)] mod tests;`.
fn test_files(path: &str, text: &str) -> Vec<String> {
    let stem = path.trim_end_matches(".rs");
    let folder = ["/mod", "/lib", "/main"].iter().find_map(|name| stem.strip_suffix(name)).unwrap_or(stem);
    text.split("#[cfg(test)]\nmod ")
        .skip(1)
        .filter_map(|rest| rest.lines().next()?.strip_suffix(';'))
        .flat_map(|name| [format!("{folder}/{name}.rs"), format!("{folder}/{name}/mod.rs")])
        .collect()
}

/// The text before the tests of a file.
fn without_tests(text: &str) -> &str {
    let inline = |at: &usize| text[*at..].lines().nth(1).is_some_and(|line| line.ends_with('{'));
    let tests = text.match_indices("#[cfg(test)]\nmod ").map(|(at, _)| at).find(inline);
    &text[..tests.unwrap_or(text.len())]
}

/// The text without its tests, comments and string literals: what the compiler takes paths from.
fn code(text: &str) -> String {
    let mut code = String::new();
    for line in without_tests(text).lines() {
        let mut parts = line.split('"');
        // Even parts stand outside of quotes, as long as no literal goes on to the next line; those hold no paths.
        while let Some(outside) = parts.next() {
            if let Some((before, _)) = outside.split_once("//") {
                code.push_str(before);
                break;
            }
            code.push_str(outside);
            parts.next();
        }
        code.push('\n');
    }
    code
}

/// The room that a file of `src` belongs to: `src/store/entry.rs` and `src/key.rs` to `store` and `key`.
fn room_of(path: &str) -> &str {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs")
}

/// The rooms, in the order of their list in `src/lib.rs`.
fn rooms() -> Vec<String> {
    let text = read("src/lib.rs");
    text.lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .map(str::to_owned)
        .collect()
}

/// The rooms that a text names: `crate::room`, each of `crate::{…}`, and `super::…` as far up as the crate.
fn imports(path: &str, code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut take = |rest: &str| match rest.strip_prefix('{') {
        Some(list) => found.extend(first_names(list)),
        None => found.extend(leading_name(rest)),
    };
    for (at, _) in code.match_indices("crate::") {
        if !code[..at].ends_with(is_name) {
            take(&code[at + "crate::".len()..]);
        }
    }
    // How many `super::` lead from this file to the crate.
    let folders = path.matches('/').count();
    let depth = if path.ends_with("/mod.rs") { folders - 1 } else { folders };
    let chain = "super::".repeat(depth);
    for (at, _) in code.match_indices(&chain) {
        if depth > 0 && !code[..at].ends_with(|c| is_name(c) || c == ':') {
            take(&code[at + chain.len()..]);
        }
    }
    found
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn leading_name(text: &str) -> Option<String> {
    let name: String = text.chars().take_while(|&c| is_name(c)).collect();
    (!name.is_empty()).then_some(name)
}

/// The first names of `a::b, c::{d, e}, f}`: `a`, `c`, `f`.
fn first_names(list: &str) -> Vec<String> {
    let mut depth = 0;
    let mut names = Vec::new();
    let mut start = true;
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = true,
            c if start && is_name(c) => {
                names.extend(leading_name(&list[at..]));
                start = false;
            }
            _ => {}
        }
    }
    names
}

/// What a file imports from rooms that stand below its own, or in no list.
fn wrong_imports(path: &str, text: &str, rooms: &[String]) -> Vec<String> {
    let own = room_of(path);
    let Some(place) = rooms.iter().position(|room| room == own) else {
        return vec![format!("{path}: `{own}` is not in the list of src/lib.rs")];
    };
    imports(path, &code(text))
        .into_iter()
        .filter(|found| found != own && !rooms[..place].contains(found))
        .map(|found| format!("{path}: `{own}` imports from `{found}`, which does not stand above it"))
        .collect()
}

#[test]
fn a_room_imports_only_from_rooms_above_it() {
    let rooms = rooms();
    assert!(rooms.len() > 10, "{rooms:?}");
    let wrong: Vec<String> = rust_files("src")
        .iter()
        .filter(|path| !matches!(path.as_str(), "src/lib.rs" | "src/main.rs"))
        .flat_map(|path| wrong_imports(path, &read(path), &rooms))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_law_of_imports_sees_what_it_should() {
    let rooms = ["diag", "json", "store", "plan"].map(str::to_owned);
    let wrong = |path: &str, text: &str| wrong_imports(path, text, &rooms).len();
    assert_eq!(
        wrong("src/store/entry.rs", "use crate::diag::Result;\nuse crate::store::x;\nuse super::y;"),
        0
    );
    assert_eq!(wrong("src/store/entry.rs", "use crate::plan::Plan;"), 1);
    assert_eq!(wrong("src/store/entry.rs", "use crate::{json::{Value, plan}, plan as p, diag};"), 1);
    assert_eq!(wrong("src/store/entry.rs", "fn f() -> super::super::plan::Plan {}"), 1);
    assert_eq!(wrong("src/store/mod.rs", "use super::plan;\nmod a;\nuse a::plan;"), 1);
    assert_eq!(wrong("src/store.rs", "use super::{diag, plan::x};"), 1);
    assert_eq!(
        wrong("src/store/entry.rs", "// crate::plan\n/// [`crate::plan::Plan`]\nlet x = \"crate::plan\";"),
        0
    );
    assert_eq!(
        wrong("src/store/entry.rs", "fn f() {}\n#[cfg(test)]\nmod tests {\n    use crate::plan::Plan;\n}"),
        0
    );
    assert_eq!(wrong("src/store/mod.rs", "#[cfg(test)]\nmod samples;\nuse crate::plan::Plan;"), 1);
    assert_eq!(wrong("src/other.rs", ""), 1);
    assert_eq!(test_files("src/store/mod.rs", "#[cfg(test)]\nmod a;\nmod b;")[0], "src/store/a.rs");
    assert_eq!(test_files("src/key.rs", "#[cfg(test)]\nmod tests;\n")[0], "src/key/tests.rs");
}

#[test]
fn no_file_is_too_long() {
    let long: Vec<String> = ["src", "tests/programs/answer", "benches"]
        .iter()
        .flat_map(|folder| rust_files(folder))
        .map(|path| (without_tests(&read(&path)).lines().count(), path))
        .filter(|(lines, _)| *lines > LONGEST_FILE)
        .map(|(lines, path)| format!("{path}: {lines} lines without its tests"))
        .collect();
    assert!(long.is_empty(), "more than {LONGEST_FILE} lines, look whether they hold two things: {long:#?}");
}

#[test]
fn every_file_is_named_for_what_it_holds() {
    let nothing =
        |path: &String| path.trim_end_matches(".rs").split('/').any(|part| NAMES_OF_NOTHING.contains(&part));
    let found: Vec<String> =
        ["src", "tests", "benches"].iter().flat_map(|folder| rust_files(folder)).filter(nothing).collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn nothing_is_left_over() {
    let mut found = Vec::new();
    for path in files("") {
        let Ok(text) = std::fs::read_to_string(top().join(&path)) else { continue };
        for word in LEFT_OVERS {
            found.extend(text.contains(word).then(|| format!("{path}: `{word}`")));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// A row of the table in `docs/dependencies.md`.
struct Row {
    name: String,
    /// The rooms through which it enters; empty: any.
    rooms: BTreeSet<String>,
    reason: String,
}

fn dependency_rows() -> Vec<Row> {
    let text = read("docs/dependencies.md");
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, rooms, reason] = cells[..] else { panic!("three cells: {line}") };
        let quoted =
            |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<BTreeSet<_>>();
        let rooms = if rooms == "every room" { BTreeSet::new() } else { quoted(rooms) };
        Row { name: name.trim_matches('`').to_owned(), rooms, reason: reason.to_owned() }
    })
    .collect()
}

/// Whether the code names the crate: `name::…`, `use name;`.
fn uses(code: &str, name: &str) -> bool {
    let name = name.replace('-', "_");
    code.match_indices(&name).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = &code[at + name.len()..];
        before.is_none_or(|c| !is_name(c) && !matches!(c, ':' | '.'))
            && (after.starts_with("::") || (code[..at].ends_with("use ") && after.starts_with(';')))
    })
}

#[test]
fn dependencies_enter_where_their_document_says() {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let mut declared = BTreeSet::new();
    for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
        declared.extend(
            manifest.get(table).and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::keys),
        );
    }
    let rows = dependency_rows();
    let told: BTreeSet<&String> = rows.iter().map(|row| &row.name).collect();
    assert_eq!(declared, told, "Cargo.toml and docs/dependencies.md differ");

    let mut by_room: BTreeMap<String, String> = BTreeMap::new();
    for path in rust_files("src") {
        by_room.entry(room_of(&path).to_owned()).or_default().push_str(&code(&read(&path)));
    }
    let mut wrong = Vec::new();
    for row in &rows {
        assert!(row.reason.len() > 10, "{} has no reason", row.name);
        let used: BTreeSet<String> =
            by_room.iter().filter(|(_, code)| uses(code, &row.name)).map(|(room, _)| room.clone()).collect();
        let only_tests = row.rooms.len() == 1 && row.rooms.contains("tests");
        let as_told = match (only_tests, row.rooms.is_empty()) {
            (true, _) => used.is_empty(),
            (_, true) => !used.is_empty(),
            _ => used == row.rooms,
        };
        if !as_told {
            wrong.push(format!("{}: the document says {:?}, the code {used:?}", row.name, row.rooms));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The commands of the fenced `sh` blocks of a text, block by block.
fn sh_blocks(text: &str) -> Vec<Vec<&str>> {
    let mut blocks = Vec::new();
    let mut open: Option<Vec<&str>> = None;
    for line in text.lines() {
        match (&mut open, line.trim()) {
            (None, "```sh") => open = Some(Vec::new()),
            (Some(_), "```") => blocks.extend(open.take()),
            (Some(block), command) if !command.is_empty() && !command.starts_with('#') => block.push(command),
            _ => {}
        }
    }
    blocks
}

#[test]
fn what_the_readme_tells_to_run_is_what_is_run() {
    let (readme, ci) = (read("README.md"), read(".ci/run"));
    let blocks = sh_blocks(&readme);
    assert!(blocks.len() >= 2, "README.md has two `sh` blocks: the example build, and the tests");
    let commands: Vec<&str> = blocks[..2].concat();
    assert!(
        commands.iter().any(|command| command.starts_with("cargo run --release -- -C examples/")),
        "{commands:?}"
    );
    assert!(commands.iter().any(|command| command.starts_with("cargo test")), "{commands:?}");
    for command in commands {
        assert!(
            ci.lines().any(|line| line.trim() == command),
            ".ci/run does not run `{command}` of README.md"
        );
    }
}

#[test]
fn the_reader_of_the_readme_takes_commands_only() {
    let text = "a\n```sh\n# first\ncargo run\n\ncargo test\n```\n```toml\nx = 1\n```\n```sh\nls\n```\n";
    assert_eq!(sh_blocks(text), [vec!["cargo run", "cargo test"], vec!["ls"]]);
}

#[cfg(unix)]
#[test]
fn the_scripts_can_be_run() {
    use std::os::unix::fs::PermissionsExt;
    let scripts: Vec<PathBuf> = files(".ci").into_iter().map(|path| top().join(path)).collect();
    assert!(scripts.iter().any(|path| path.ends_with(".ci/run")), "{scripts:?}");
    for script in scripts {
        let mode = script.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{} has no run bit", script.display());
    }
}
