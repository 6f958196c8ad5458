//! A folder of main files that was made elsewhere: which built-in pack describes it, which course it is, and what belongs to it.
//!
//! Tells what is sure and what is not, and decides nothing that is a person's to decide. Reads files and writes none.

use super::main_files::{Described, described};
use super::pack::BUILTIN_PACKS;
use super::text::{Files, TextFile};
use super::{document, source};
use crate::diag::{Place, Problem, Result, escape};
use crate::json::{Collection, Kind, Value, read_collection};
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// A folder of main files whose format a built-in pack describes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recognised {
    /// `builtin:objects@1`.
    pub rules: String,
    /// The main files of its phases, there or not, in the order of the phases.
    pub files: Vec<FoundFile>,
    /// The codes that name the course, `spa_for_eng`, each with who tells it; the folder's name first.
    pub codes: Vec<(String, String)>,
    /// The ids of its source items, as far as the main files tell them.
    #[serde(skip)]
    pub ids: Vec<String>,
}

/// A main file of a [`Recognised`] folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundFile {
    /// The phase's name.
    pub phase: String,
    /// The phase for people.
    pub title: String,
    /// The file's name.
    pub file: String,
    /// What it holds; `None`: it is not there.
    pub holds: Option<Holds>,
}

/// What a main file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Holds {
    /// Items, each counted once.
    pub items: usize,
    /// Of these, how many do not look like the phase's: an agent's field among them, say.
    pub unlike: usize,
    /// Ids that stand in it more than once.
    pub twice: Vec<String>,
    /// The fields around the items.
    pub around: Vec<String>,
}

/// A file that can be a course's source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundSource {
    /// Where it is (absolute).
    #[serde(skip)]
    pub path: PathBuf,
    /// Its items.
    pub items: usize,
    /// How many source items of the main files are among them.
    pub known: usize,
    /// An item has `{target}` in its text, to be filled with the language's name.
    pub fills: bool,
}

/// The documents of one phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundDocuments {
    /// The phase's name.
    pub phase: String,
    /// The patterns that the rule has for them.
    pub patterns: Vec<String>,
    /// Those that are there, relative to the workspace.
    pub found: Vec<String>,
}

/// The files of a folder that are no longer looked at: bytes.
const LARGEST_SOURCE: u64 = 64 << 20;
/// How deep main files are looked for below a folder that has none, and among how many entries.
const DEEPEST: usize = 4;
/// As [`DEEPEST`].
const MOST_LOOKED_AT: usize = 10_000;
/// Names of a list in an error.
const NAMED: usize = 6;

/// The format of a folder's main files: the pack whose shapes fit all that are there.
///
/// # Errors
/// An author's problem that tells what was found and what was missing: no main file, one that cannot be read, or files that no pack
/// describes together.
pub fn recognise(dir: &Path) -> Result<Recognised> {
    let shown = escape(&dir.display().to_string());
    if !dir.is_dir() {
        let what = if dir.exists() { "is a file, not a folder" } else { "is not there" };
        return Err(
            Problem::author(format!("`{shown}` {what}")).hint("name the folder that holds the main files")
        );
    }
    let mut files = Files::new(dir.to_owned());
    let mut packs = Vec::new();
    for pack in BUILTIN_PACKS.iter().rev() {
        let name = format!("builtin:{}", pack.name);
        let phases = described(&mut files, &name, Place::file(pack.name))?;
        packs.push((name, phases));
    }
    let names: HashSet<&str> = packs.iter().flat_map(|(_, phases)| phases).map(file_of).collect();
    let mut texts = BTreeMap::new();
    for name in names {
        if let Some(text) = files.text(&dir.join(name))? {
            readable(&dir.join(name), &text)?;
            texts.insert(name, text.text);
        }
    }
    if texts.is_empty() {
        return Err(nothing_in(dir, &packs));
    }
    let (mut best, mut refused): (Option<(usize, Recognised)>, _) = (None, Vec::new());
    for (pack, phases) in &packs {
        match as_pack(dir, pack, phases, &texts) {
            Ok(found) => {
                let items = found.files.iter().filter_map(|file| Some(file.holds.as_ref()?.items)).sum();
                if best.as_ref().is_none_or(|(most, _)| items > *most) {
                    best = Some((items, found));
                }
            }
            Err(why) => refused.push(format!("as `{pack}`: {why}")),
        }
    }
    match best {
        Some((1.., found)) => Ok(found),
        Some(_) => Err(Problem::author(format!("the main files in `{shown}` hold no items"))
            .hint("without results there is nothing to adopt: `coursebuild init --course CODE` starts a course")),
        None => Err(Problem::author(format!("no built-in pack describes the main files in `{shown}`"))
            .because(refused.join("; "))
            .hint("write rules for that format: `coursebuild rules --copy objects@1 rules` gives a start, docs/rules-for-anybody.md tells how; a file that does not belong there can be moved away")),
    }
}

fn file_of(phase: &Described) -> &str {
    &phase.output.file
}

/// Whether a main file is whole JSON; what is not is told with its place.
fn readable(path: &Path, file: &TextFile) -> Result<()> {
    let shown = escape(&path.display().to_string());
    let marked = |line: &str| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ");
    if file.text.lines().any(marked) {
        return Err(Problem::author(format!("`{shown}` holds the conflict markers of an unfinished merge"))
            .hint("decide by hand what stands between them, or take one side (`git checkout --ours` or `--theirs`)"));
    }
    serde_json::from_str::<serde::de::IgnoredAny>(&file.text).map(drop).map_err(|error| {
        let text = error.to_string();
        let at = file.offset(error.line(), error.column());
        Problem::author(format!("`{shown}` cannot be read as JSON"))
            .at(Place::span(path, &file.text, at..at + 1))
            .because(text.split(" at line ").next().unwrap_or(&text))
            .hint("restore it (git has the last whole one), or move it away: then its items are missing, and a build buys them")
    })
}

fn nothing_in(dir: &Path, packs: &[(String, Vec<Described>)]) -> Problem {
    let mut wanted: Vec<String> =
        packs.iter().flat_map(|(_, phases)| phases).map(|phase| format!("`{}`", file_of(phase))).collect();
    wanted.sort();
    wanted.dedup();
    let there: Vec<String> = listed(dir)
        .iter()
        .map(|path| format!("`{}`", escape(&path.file_name().unwrap_or_default().to_string_lossy())))
        .collect();
    let mut folders: Vec<String> = below(dir)
        .filter(|path| packs.iter().any(|(_, all)| all.iter().any(|phase| path.ends_with(file_of(phase)))))
        .filter_map(|path| Some(format!("`{}`", escape(&path.parent()?.display().to_string()))))
        .collect();
    folders.sort();
    folders.dedup();
    let found = if there.is_empty() { "it is empty".to_owned() } else { format!("found {}", some(&there)) };
    let shown = escape(&dir.display().to_string());
    let problem = Problem::author(format!("`{shown}` holds no main file of a course"))
        .because(format!("looked for {}; {found}", wanted.join(", ")));
    if folders.is_empty() {
        problem.hint("name the folder that holds them; main files of other names want rules of your own (docs/rules-for-anybody.md)")
    } else {
        problem.hint(format!("there are some in {}: name one of these", some(&folders)))
    }
}

/// The files in the folders of a folder, not too deep, sorted.
fn below(dir: &Path) -> impl Iterator<Item = PathBuf> {
    let walk = WalkDir::new(dir).min_depth(1).max_depth(DEEPEST).sort_by_file_name().into_iter();
    let walk = walk.filter_entry(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."));
    walk.flatten()
        .take(MOST_LOOKED_AT)
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
}

fn some(names: &[String]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let shown = names[..names.len() - more].join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

/// What is in a folder, sorted; nothing where it cannot be listed.
fn listed(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// The folder by one pack; in words what does not fit, and what does.
fn as_pack(
    dir: &Path,
    pack: &str,
    phases: &[Described],
    texts: &BTreeMap<&str, String>,
) -> std::result::Result<Recognised, String> {
    let (mut files, mut codes, mut ids, mut fits, mut told) =
        (Vec::new(), Vec::new(), Vec::new(), true, Vec::new());
    if let Some(name) = dir.file_name().map(|name| name.to_string_lossy().into_owned())
        && super::Starter::languages(&name).is_some()
    {
        codes.push((name, "the folder's name".to_owned()));
    }
    for phase in phases {
        let name = &phase.output.file;
        let mut found = FoundFile {
            phase: phase.phase.clone(),
            title: phase.title.clone(),
            file: name.clone(),
            holds: None,
        };
        if let Some(text) = texts.get(name.as_str()) {
            match held(text, phase) {
                Ok((holds, own, code)) => {
                    let s = if holds.items == 1 { "" } else { "s" };
                    told.push(format!("`{name}` holds {} item{s}", holds.items));
                    found.holds = Some(holds);
                    if !phase.explodes && ids.is_empty() {
                        ids = own;
                    }
                    if let Some(code) = code.filter(|code| codes.iter().all(|(known, _)| known != code)) {
                        codes.push((code, format!("`course` of {name}")));
                    }
                }
                Err(why) => {
                    fits = false;
                    told.push(format!("`{name}` {why}"));
                }
            }
        }
        files.push(found);
    }
    if !fits {
        return Err(told.join(", "));
    }
    Ok(Recognised { rules: pack.to_owned(), files, codes, ids })
}

/// What a text holds by a phase's shape, the ids of its items, and the course that it says to be of; in words why it holds nothing.
type Read = std::result::Result<(Holds, Vec<String>, Option<String>), String>;

fn held(text: &str, phase: &Described) -> Read {
    let output = &phase.output;
    let read = read_collection(text, &output.shape).map_err(|error| error.to_string())?;
    let wanted = output.schema.as_ref().and_then(|schema| schema.get("type")).and_then(Value::as_str);
    let looks = |raw: &str| match raw.trim_start().as_bytes().first() {
        Some(b'{') => wanted.is_none_or(|wanted| wanted == "object"),
        Some(b'[') => wanted.is_none_or(|wanted| wanted == "array"),
        _ => false,
    };
    let (mut holds, mut ids, mut seen) = (Holds::default(), Vec::new(), HashSet::new());
    for element in &read.elements {
        let id = match &element.key {
            Some(key) => Some(key.to_string()),
            None => serde_json::from_str::<Value>(element.raw)
                .ok()
                .and_then(|value| output.shape.id.get(&value).and_then(Value::as_str).map(str::to_owned)),
        };
        let fits = looks(element.raw) && id.is_some();
        holds.unlike += usize::from(!fits);
        match id {
            Some(id) if !seen.insert(id.clone()) => {
                if !holds.twice.contains(&id) {
                    holds.twice.push(id);
                }
            }
            id => {
                holds.items += 1;
                ids.extend(id.filter(|_| fits));
            }
        }
    }
    // A stray field or two beside the items is seen often; a file of them is another format.
    if holds.unlike * 10 > read.elements.len() {
        let kind = match output.shape.kind {
            Kind::Array => "array",
            Kind::Object => "object",
        };
        return Err(format!(
            "holds {} elements that are no items of that format, of {} (an {kind} of {}s was looked for)",
            holds.unlike,
            read.elements.len(),
            wanted.unwrap_or("value"),
        ));
    }
    let (around, code) = around(&read);
    holds.around = around;
    Ok((holds, ids, code))
}

/// The fields around the items, and the course that one of them names.
fn around(read: &Collection<'_>) -> (Vec<String>, Option<String>) {
    let fields = || read.envelope.0.iter().flatten().filter_map(|(name, raw)| Some((name, raw.as_ref()?)));
    let names = fields().map(|(name, _)| name.clone()).collect();
    let code = fields()
        .filter(|(name, _)| *name == "course")
        .filter_map(|(_, raw)| serde_json::from_str::<String>(raw).ok())
        .find(|code| super::Starter::languages(code).is_some());
    (names, code)
}

/// The files in these folders that can be the source of the course, those that know most of its items first; of equals in the order
/// of the folders and their names.
pub fn sources(folders: &[PathBuf], recognised: &Recognised) -> Vec<FoundSource> {
    let mut found = Vec::new();
    for folder in folders {
        for path in listed(folder) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let json = path.extension().is_some_and(|ending| ending == "json");
            let main = recognised.files.iter().any(|file| file.file == name);
            let small = || path.metadata().is_ok_and(|meta| meta.is_file() && meta.len() <= LARGEST_SOURCE);
            if json && !main && small() {
                found.extend(source_of(&path, recognised).ok());
            }
        }
    }
    found.sort_by_key(|source| std::cmp::Reverse(source.known));
    found
}

/// A file as the source of the course.
///
/// # Errors
/// An author's problem that says why it is none.
pub fn source_of(path: &Path, recognised: &Recognised) -> Result<FoundSource> {
    let shown = escape(&path.display().to_string());
    let mut files = Files::new(path.parent().unwrap_or(Path::new("")).to_owned());
    let file = files.text(path)?.ok_or_else(|| {
        Problem::author(format!("there is no file `{shown}` of seeds"))
            .hint("name a file that is there; nothing was written")
    })?;
    let items = source::read(&file, None)?;
    let text = |item: &super::SourceItem| item.value.get("source").and_then(Value::as_str).map(str::to_owned);
    let Some(texts) = items.iter().map(text).collect::<Option<Vec<String>>>() else {
        return Err(Problem::author(format!("`{shown}` holds items without a text"))
            .hint("each item of a source has one in `source`, or is one"));
    };
    let ids: HashSet<&str> = items.iter().map(|item| &*item.id).collect();
    Ok(FoundSource {
        path: path.to_owned(),
        items: items.len(),
        known: recognised.ids.iter().filter(|id| ids.contains(id.as_str())).count(),
        fills: texts.iter().any(|text| text.contains("{target}")),
    })
}

/// The documents that the phases of a built-in pack send from a workspace.
pub fn documents(rules: &str, root: &Path) -> Result<Vec<FoundDocuments>> {
    let mut files = Files::new(root.to_owned());
    let phases = described(&mut files, rules, Place::file(rules))?;
    let of_phase = |phase: Described| {
        let mut found = Vec::new();
        for pattern in &phase.documents {
            // A pattern that nothing matches is an error there, and what is asked for here.
            let names = document::find(&mut files, pattern, &Place::file(rules)).unwrap_or_default();
            found.extend(names.into_iter().map(|(name, _)| name));
        }
        FoundDocuments { phase: phase.phase, patterns: phase.documents, found }
    };
    Ok(phases.into_iter().map(of_phase).collect())
}

/// True when the program has the words of a language: its name, and lists for its checks.
pub(super) fn knows_language(code: &str) -> bool {
    super::language::is_builtin(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }
        fn course(&self) -> PathBuf {
            self.0.path().join("spa_for_eng")
        }
        fn put(&self, name: &str, text: &str) {
            crate::fs::write_whole(&self.course().join(name), text.as_bytes(), false).unwrap();
        }
        fn error(&self) -> String {
            recognise(&self.course()).unwrap_err().to_string()
        }
    }

    const OBJECTS: &str = r#"{"version": "7", "course": "spa_for_eng", "translations": {"S0001": {"known": "a", "target": "b"}}}"#;

    #[test]
    fn formats_are_told_by_their_shapes() {
        let folder = Folder::new();
        folder.put("seed_pairs.json", "\u{feff}{\"S0001\": [\"a\", \"b\"], \"S0002\": [\"c\", \"d\"]}");
        let found = recognise(&folder.course()).unwrap();
        assert_eq!(found.rules, "builtin:batching@1");
        assert_eq!(found.codes, [("spa_for_eng".to_owned(), "the folder's name".to_owned())]);
        assert_eq!((found.ids.len(), found.files[0].holds.as_ref().unwrap().items), (2, 2));
        assert_eq!(found.files[1].holds, None);
        folder.put("seed_pairs.json", OBJECTS);
        let found = recognise(&folder.course()).unwrap();
        assert_eq!(found.rules, "builtin:objects@1");
        assert_eq!(found.files[0].holds.as_ref().unwrap().around, ["version", "course"]);
        folder.put("seed_pairs.json", &OBJECTS.replace("spa_for_eng", "ita_for_eng"));
        let told = recognise(&folder.course()).unwrap().codes;
        assert_eq!(told[1], ("ita_for_eng".to_owned(), "`course` of seed_pairs.json".to_owned()));
    }

    #[test]
    fn what_is_odd_is_counted_and_what_is_another_format_is_none() {
        let folder = Folder::new();
        let many: String = (2..30).map(|n| format!("\"S{n:04}\": [\"a\", \"b\"], ")).collect();
        folder.put("seed_pairs.json", &format!("{{{many} \"agentId\": 7, \"S0002\": [\"x\", \"y\"]}}"));
        let found = recognise(&folder.course()).unwrap();
        let holds = found.files[0].holds.as_ref().unwrap();
        assert_eq!((holds.items, holds.unlike, &holds.twice[..]), (29, 1, &["S0002".to_owned()][..]));
        assert_eq!(found.ids.len(), 28);
        folder.put("lego_pairs.json", r#"{"seeds": []}"#);
        let error = folder.error();
        for said in [
            "as `builtin:objects@1`: `seed_pairs.json` has no field `translations`",
            "as `builtin:batching@1`: `seed_pairs.json` holds 29 items, `lego_pairs.json`",
            "rules --copy",
        ] {
            assert!(error.contains(said), "{said}: {error}");
        }
    }

    #[test]
    fn what_cannot_be_recognised_is_told_with_what_was_found() {
        let folder = Folder::new();
        assert!(folder.error().contains("is not there"));
        folder.put("notes.txt", "");
        let error = folder.error();
        assert!(
            error.contains(
                "looked for `lego_baskets.json`, `lego_pairs.json`, `seed_pairs.json`; found `notes.txt`"
            ),
            "{error}"
        );
        folder.put("inner/seed_pairs.json", OBJECTS);
        assert!(folder.error().contains("there are some in `"), "{}", folder.error());
        folder.put("seed_pairs.json", &OBJECTS[..60]);
        assert!(folder.error().contains("cannot be read as JSON"), "{}", folder.error());
        folder.put("seed_pairs.json", &format!("<<<<<<< HEAD\n{OBJECTS}\n=======\n>>>>>>> b\n"));
        assert!(folder.error().contains("conflict markers"), "{}", folder.error());
        folder.put("seed_pairs.json", "{\"translations\": {}}");
        assert!(folder.error().contains("hold no items"), "{}", folder.error());
    }

    #[test]
    fn a_source_is_what_knows_the_items() {
        let folder = Folder::new();
        folder.put("seed_pairs.json", OBJECTS);
        let found = recognise(&folder.course()).unwrap();
        folder.put("a.json", r#"[{"id": "x1", "source": "a"}]"#);
        folder.put("b.json", r#"{"S0001": "I speak {target}.", "S0002": "b"}"#);
        folder.put("c.json", r#"{"S0001": {"text": "a"}}"#);
        folder.put("d.json", "[");
        let sources = sources(&[folder.course()], &found);
        let told: Vec<_> = sources.iter().map(|one| (one.items, one.known, one.fills)).collect();
        assert_eq!(told, [(2, 1, true), (1, 0, false)]);
        let error = source_of(&folder.course().join("c.json"), &found).unwrap_err().to_string();
        assert!(error.contains("items without a text"), "{error}");
    }

    #[test]
    fn documents_are_those_of_the_pack() {
        let folder = Folder::new();
        folder.put("docs/phase_intelligence/phase_3_x.md", "# X\n");
        let found = documents("builtin:objects@1", &folder.course()).unwrap();
        let told: Vec<_> = found.iter().map(|one| one.found.len()).collect();
        assert_eq!(told, [0, 1, 0]);
        assert_eq!(found[0].patterns, ["docs/phase_intelligence/phase_1_*.md"]);
    }
}
