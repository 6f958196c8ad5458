//! From a manifest to a workspace.

use super::accepted::Accepted;
use super::document::RawSection;
use super::gather::{gather, not_empty};
use super::generate::Generate;
use super::generator::{self, RawGenerate};
use super::language::{self, Language};
use super::manifest::{OnModelChange, RawCourse, RawManifest};
use super::order::{Written, order};
use super::pack::{DEFAULT_PACK, Pack};
use super::rule::{LoadedRule, OwnSource, Reading, for_course, outputs_differ};
use super::severity;
use super::source::{self, BadRange, Positions};
use super::text::{Files, TextFile, TextOr, hint_of};
use super::types::{CheckSpec, Course, Feed, Phase, Rule, Section, SourceItem, Workspace};
use crate::diag::{Place, Problem, Result, escape};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use toml::Spanned;

/// The most that a source program may print: far above 100,000 seeds, below what would fill a machine.
const SOURCE_LIMIT: usize = 1 << 30;

/// Reads a manifest and everything that it names. `manifest` is its absolute path; `env` is what a program that prints a
/// source may see of the environment. Every mistake in a file is a [`Problem`] at its place.
pub fn load(manifest: &Path, env: &[(String, String)]) -> Result<Workspace> {
    let root = manifest.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut files = Files::new(root.to_owned());
    let Some(file) = files.text(manifest)? else {
        return Err(Problem::author(format!("there is no `{}`", files.name(manifest).display()))
            .because(format!("looked in `{}`", root.display()))
            .hint("run `coursebuild init` to start a course"));
    };
    let raw: RawManifest = file.toml()?;
    let confirm_above = raw.confirm_above(&file)?;
    let prices = raw.prices(&file)?;
    let shared = raw.shared.as_ref().map(|shared| shared.validate(&files, &file)).transpose()?;
    raw.courses_differ(&files, &file)?;
    let (accepted, accepted_path) = Accepted::load(&mut files)?;
    let accepted = Arc::new(accepted);
    let (pack, rules) = rules(&mut files, &file, &raw)?;
    let mut loading = Loading {
        files,
        manifest: &file,
        pack: &pack,
        rules: &rules,
        env,
        scopes: HashMap::new(),
        runs_program: false,
    };
    let mut courses = Vec::new();
    for course in &raw.course {
        courses.push(Course { accepted: accepted.clone(), ..loading.course(course)? });
    }
    loading.scopes_are_known()?;
    let Loading { files, runs_program, .. } = loading;
    Ok(Workspace {
        root: root.to_owned(),
        store: raw.store.as_deref().map(|store| files.path(store)),
        shared,
        confirm_above,
        prices,
        courses,
        accepted,
        accepted_path,
        read: files.into_read(),
        has_program_source: runs_program,
    })
}

/// A loaded rule, of which every course makes its own.
struct Ready {
    rule: Rule,
    scoped: Vec<RawSection>,
    source: Option<OwnSource>,
    keeps_models: bool,
}

/// The rules of the manifest's pack, each after those that it reads.
fn rules(files: &mut Files, manifest: &TextFile, raw: &RawManifest) -> Result<(Pack, Vec<Ready>)> {
    let (name, at) = match &raw.rules {
        Some(rules) => (rules.get_ref().as_str(), manifest.place(rules.span())),
        None => (DEFAULT_PACK, Place::file(&manifest.name)),
    };
    let pack = Pack::open(files, name, at)?;
    let written: Vec<Written> = pack
        .rules(files)?
        .into_iter()
        .map(|file| file.toml().map(|raw| (file, raw)))
        .collect::<Result<_>>()?;
    let order = order(&written)?;
    let name_at = |at: usize| written[at].1.name.get_ref().as_str();
    let positions: HashMap<&str, usize> =
        order.iter().enumerate().map(|(position, &at)| (name_at(at), position)).collect();
    if let Some(unknown) = raw.phase.keys().find(|name| !positions.contains_key(name.get_ref().as_str())) {
        return Err(manifest
            .problem(unknown.span(), format!("there is no phase `{}`", escape(unknown.get_ref())))
            .hint(hint_of(unknown.get_ref(), order.iter().map(|&at| name_at(at)), "the phases are")));
    }
    let mut generators = Vec::new();
    for &at in &order {
        generators.push(generator(files, manifest, raw, name_at(at))?);
    }
    let mut reading = Reading { files, pack: &pack, positions: &positions };
    let mut loaded = Vec::new();
    for (&at, generate) in order.iter().zip(generators) {
        let overrides = raw.phase.get(name_at(at)).map(|phase| (manifest, phase));
        loaded.push(reading.rule(&written[at], overrides, generate)?);
    }
    let pairs: Vec<_> = order.iter().map(|&at| &written[at]).zip(&loaded).collect();
    outputs_differ(&pairs)?;
    let ready = |LoadedRule { rule, scoped, source }| {
        let own = raw.phase.get(rule.name.as_str());
        let keeps_models = own.is_some_and(|phase| phase.on_model_change == Some(OnModelChange::Keep));
        Ready { rule, scoped, source, keeps_models }
    };
    let rules = loaded.into_iter().map(ready).collect();
    Ok((pack, rules))
}

fn generator(files: &mut Files, manifest: &TextFile, raw: &RawManifest, phase: &str) -> Result<Generate> {
    let own: Option<&RawGenerate> = raw.phase.get(phase).and_then(|phase| phase.generate.as_ref());
    match own.or(raw.generate.as_ref()) {
        Some(generate) => generate.validate(files, manifest),
        None => Err(generator::none_declared(manifest, phase)),
    }
}

struct Loading<'a> {
    files: Files,
    manifest: &'a TextFile,
    pack: &'a Pack,
    rules: &'a [Ready],
    env: &'a [(String, String)],
    /// What became of a section's scope, by its place: known in some course, or not.
    scopes: HashMap<(std::path::PathBuf, usize), Option<Problem>>,
    runs_program: bool,
}

impl Loading<'_> {
    fn course(&mut self, spanned: &Spanned<RawCourse>) -> Result<Course> {
        let raw = spanned.get_ref();
        let mut sources = Vec::<Vec<SourceItem>>::new();
        let mut scoped = Vec::<Vec<Section>>::new();
        for ready in self.rules {
            let mut own = Vec::new();
            if let Some(source) = &ready.source {
                own = self.source(spanned, source)?;
            }
            sources.push(own);
        }
        let ranges = self.ranges(raw, &sources)?;
        for at in 0..self.rules.len() {
            let of = self.source_of(at);
            scoped.push(self.sections(at, &sources[of], ranges[of].clone()));
        }
        for (source, range) in sources.iter_mut().zip(ranges) {
            if range.len() < source.len() {
                *source = source.drain(range).collect();
            }
        }
        let language = match &raw.target {
            Some(target) => Language::load(&mut self.files, self.pack, target.get_ref())?,
            None => None,
        };
        let mut phases = Vec::new();
        for ((ready, source), scoped) in self.rules.iter().zip(sources).zip(scoped) {
            let (checks, left_out) = self.checks(raw, &ready.rule, language.as_ref())?;
            let rule = for_course(&ready.rule, scoped, checks);
            phases.push(Phase { rule, source, left_out, keeps_models: ready.keeps_models });
        }
        raw.validate(&self.files, self.manifest, language.as_ref(), phases)
    }

    /// A rule's checks for a course, and the labels of those that need a language pack that there is not.
    fn checks(
        &self,
        course: &RawCourse,
        rule: &Rule,
        language: Option<&Language>,
    ) -> Result<(Vec<CheckSpec>, Vec<String>)> {
        let mut checks = rule.checks.clone();
        let known = || self.rules.iter().map(|ready| ready.rule.name.as_str());
        if let Some(unknown) = course.phase.keys().find(|name| known().all(|known| known != name.get_ref())) {
            let what = format!("there is no phase `{}`", escape(unknown.get_ref()));
            let problem = self.manifest.problem(unknown.span(), what);
            return Err(problem.hint(hint_of(unknown.get_ref(), known(), "the phases are")));
        }
        if let Some(phase) = course.phase.get(rule.name.as_str()) {
            severity::apply(&mut checks, self.manifest, &phase.check, &rule.name)?;
        }
        language::fill_in(checks, language)
    }

    /// The phase whose source a phase's items descend from; one of groups starts anew.
    fn source_of(&self, mut at: usize) -> usize {
        while let Feed::Phase { phase, .. } = self.rules[at].rule.feed {
            at = phase;
        }
        at
    }

    fn source(&mut self, course: &Spanned<RawCourse>, own: &OwnSource) -> Result<Vec<SourceItem>> {
        match (&own.file, &course.get_ref().seeds) {
            (Some((path, place)), _) => gather(&mut self.files, path, place, own),
            (None, Some(seeds)) => {
                let place = self.manifest.place(seeds.span());
                match seeds.get_ref() {
                    TextOr::Text(path) => gather(&mut self.files, path, &place, own),
                    TextOr::Table(program) => {
                        let file = self.program(&program.argv, place)?;
                        not_empty(source::read(&file, own.shape.as_ref())?, &file.name)
                    }
                }
            }
            (None, None) => Err(self
                .manifest
                .problem(course.span(), "this course has no `seeds`")
                .because("its rules start from them")
                .hint("add `seeds = \"FILE.json\"` or `seeds = { argv = [\"PROGRAM\"] }`")),
        }
    }

    fn program(&mut self, argv: &[String], place: Place) -> Result<TextFile> {
        self.runs_program = true;
        let Some(program) = argv.first().filter(|program| !program.trim().is_empty()) else {
            return Err(Problem::author("`argv` names no program")
                .at(place)
                .hint("write the program and its arguments: `seeds = { argv = [\"./seeds.sh\"] }`"));
        };
        let env: Vec<_> = self.env.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let bytes = crate::process::capture(argv, &self.files.root, &env, SOURCE_LIMIT)
            .map_err(|problem| if problem.place.is_none() { problem.at(place.clone()) } else { problem })?;
        let name = format!("the output of {program}");
        let text = String::from_utf8(bytes).map_err(|error| {
            Problem::author(format!("{} is not UTF-8 text", escape(&name)))
                .at(place)
                .because(error.utf8_error())
        })?;
        Ok(TextFile { name: name.into(), text: text.trim_start_matches('\u{feff}').to_owned() })
    }

    /// The positions of the items that a course's `range` leaves of each source: all of one that does not know its ids.
    fn ranges(&self, course: &RawCourse, sources: &[Vec<SourceItem>]) -> Result<Vec<std::ops::Range<usize>>> {
        let mut ranges: Vec<_> = sources.iter().map(|source| 0..source.len()).collect();
        let Some(range) = &course.range else { return Ok(ranges) };
        let (mut known, mut bad) = (false, None);
        for (source, positions) in sources.iter().zip(&mut ranges).filter(|(source, _)| !source.is_empty()) {
            match Positions::new(source).range(range.get_ref()) {
                Ok(found) => (known, *positions) = (true, found),
                Err(BadRange::Reversed) => bad = Some(BadRange::Reversed),
                Err(unknown) => bad = bad.or(Some(unknown)),
            }
        }
        match bad.filter(|bad| !known || *bad == BadRange::Reversed) {
            Some(bad) => Err(bad.problem(range.get_ref()).at(self.manifest.place(range.span()))),
            None => Ok(ranges),
        }
    }

    /// The sections of a phase that are for some of the items in `range` only, their scopes cut to it.
    fn sections(&mut self, at: usize, source: &[SourceItem], range: std::ops::Range<usize>) -> Vec<Section> {
        let raw = &self.rules[at].scoped;
        if raw.is_empty() {
            return Vec::new();
        }
        let positions = Positions::new(source);
        let mut sections = Vec::new();
        for section in raw {
            let Some(scope) = &section.scope else { continue };
            let key = (scope.place.file.clone(), scope.place.line);
            match positions.range(&scope.range) {
                Ok(found) => {
                    self.scopes.insert(key, None);
                    let (first, end) = (found.start.max(range.start), found.end.min(range.end));
                    if first < end {
                        sections.push(Section {
                            document: section.document.clone(),
                            name: section.name.clone(),
                            text: section.text.as_str().into(),
                            scope: Some((source[first].id.to_string(), source[end - 1].id.to_string())),
                        });
                    }
                }
                Err(bad) => {
                    let problem = BadRange::problem(bad, &scope.range).at(scope.place.clone());
                    self.scopes.entry(key).or_insert(Some(problem));
                }
            }
        }
        sections
    }

    /// A scope that fits no course's source is a slip of the pen.
    fn scopes_are_known(&mut self) -> Result<()> {
        let mut problems: Vec<_> = self.scopes.drain().collect();
        problems.sort_by(|a, b| a.0.cmp(&b.0));
        problems.into_iter().find_map(|(_, problem)| problem).map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{GeneratorKind, Names, Upstream, Window, draft_items};
    use super::*;
    use serde_json::json;
    use std::path::PathBuf;

    const MANIFEST: &str = "[generate]\nuse = \"command\"\nargv = [\"agent\"]\n\n[[course]]\ncode = \"spa_for_eng\"\ntarget = \"spa\"\ntarget_name = \"Spanish\"\nknown = \"eng\"\ndir = \"out/spa\"\nseeds = \"seeds.json\"\n";
    const SEEDS: &str = r#"[{"seed_id": "S1", "source": "I speak {target}."}, {"seed_id": "S2", "source": "b"}, {"seed_id": "S3", "source": "c"}]"#;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new(manifest: &str) -> Self {
            let folder = Self(tempfile::tempdir().unwrap());
            folder.put("coursebuild.toml", manifest);
            folder.put("seeds.json", SEEDS);
            for phase in [1, 3, 5] {
                folder.put(
                    &format!("docs/phase_intelligence/phase_{phase}_x.md"),
                    "# Guide\n\nText.\n\n## Version History\n\nold\n\n## Late\n<!-- coursebuild: items=S2-S3 -->\nlate\n",
                );
            }
            folder
        }
        fn put(&self, name: &str, text: &str) {
            crate::fs::write_whole(&self.0.path().join(name), text.as_bytes(), false).unwrap();
        }
        fn load(&self) -> Result<Workspace> {
            load(&self.0.path().join("coursebuild.toml"), &[])
        }
        fn error(&self) -> String {
            self.load().unwrap_err().to_string()
        }
    }

    fn error_of(manifest: &str) -> String {
        Folder::new(manifest).error()
    }

    /// A pack of one own rule.
    fn rule_error(rule: &str) -> String {
        let folder = Folder::new(&format!("rules = \"rules\"\n{MANIFEST}"));
        folder.put("rules/one.toml", rule);
        folder.put("rules/t.j2", "x\n");
        folder.error()
    }

    const RULE: &str = "name = \"one\"\nsource = \"seeds\"\nbatch = { size = 2 }\n[prompt]\nsystem = \"t.j2\"\nbatch = \"t.j2\"\nretry = \"t.j2\"\n[output]\nfile = \"one.json\"\nshape = { collection = \"object\" }\n";

    #[test]
    fn the_builtin_pack_loads() {
        let folder = Folder::new(MANIFEST);
        let workspace = folder.load().unwrap();
        let course = &workspace.courses[0];
        assert_eq!((course.target_name.as_str(), course.dir_text.as_str()), ("Spanish", "out/spa"));
        assert_eq!(course.dir, folder.0.path().join("out/spa"));
        let rules: Vec<&Rule> = course.phases.iter().map(|phase| &*phase.rule).collect();
        assert_eq!(
            rules.iter().map(|rule| rule.name.as_str()).collect::<Vec<_>>(),
            ["phase1", "phase3", "phase5"]
        );
        assert_eq!(rules.iter().map(|rule| rule.batch.size).collect::<Vec<_>>(), [20, 20, 60]);
        assert_eq!(rules[0].attempts, 3);
        assert_eq!(rules[0].generate.kind, GeneratorKind::Command);
        assert_eq!(rules[0].generate.timeout_s, 600);
        assert_eq!(rules[2].contexts[0].window, Window::AllEarlier);
        assert_eq!(rules[2].contexts[0].phase, 1);
        assert_eq!(
            rules[1].checks.iter().map(|check| check.name.as_str()).collect::<Vec<_>>(),
            ["tiling", "hard_rules", "determinism", "ambiguous", "components", "echo", "unique"]
        );
        let text: String = rules[0].prompt.sections.iter().map(|section| &*section.text).collect();
        assert_eq!(text, "# Guide\n\nText.\n\n");
        assert_eq!(rules[2].prompt.scoped[0].scope, Some(("S2".to_owned(), "S3".to_owned())));
        assert_eq!(rules[2].prompt.scoped[0].name, "Guide / Late");
        for read in [
            "coursebuild.toml",
            "seeds.json",
            "docs/phase_intelligence",
            "docs/phase_intelligence/phase_1_x.md",
        ] {
            assert!(workspace.read.contains(&folder.0.path().join(read)), "{read}");
        }
        assert!(!workspace.has_program_source);
    }

    #[test]
    fn items_are_drafted_from_seeds_and_from_results() {
        let workspace = Folder::new(MANIFEST).load().unwrap();
        let course = &workspace.courses[0];
        let drafts = |phase: usize, id: &str, value: &crate::json::Value| {
            let id = id.into();
            draft_items(
                &course.phases[phase].rule,
                Names::from(course),
                &Upstream { id: &id, root: &id, value },
            )
        };
        let seed = &course.phases[0].source[0];
        assert_eq!(drafts(0, &seed.id, &seed.value).unwrap()[0].input, json!({"source": "I speak Spanish."}));
        assert_eq!(
            drafts(1, "S1", &json!(["t", "k"])).unwrap()[0].input,
            json!({"target": "t", "known": "k"})
        );
        let result = json!(["S1", ["a b", "c d"], [["S1L01", "B", "a", "c"], ["S1L02", "B", "b", "d"]]]);
        let legos = drafts(2, "S1", &result).unwrap();
        assert_eq!(
            legos.iter().map(|lego| (&*lego.id, &*lego.root, lego.index, lego.of)).collect::<Vec<_>>(),
            [("S1L01", "S1", 0, 2), ("S1L02", "S1", 1, 2)]
        );
        assert_eq!(
            legos[1].input.to_string(),
            json!({"lego": {"id": "S1L02", "kind": "B", "target": "b", "known": "d"}, "seed": {"id": "S1", "target": "a b", "known": "c d"}, "culminating": true}).to_string()
        );
        assert_eq!(legos[0].input["culminating"], json!(false));
        let bad = drafts(2, "S1", &json!(["S1", [], [[7]]])).unwrap_err();
        assert_eq!(
            bad.to_string(),
            "element 1 of the list at `/2` in the result of `S1` has no id at `/0`: found `7`"
        );
        assert_eq!(
            drafts(2, "S1", &json!({})).unwrap_err().to_string(),
            "the result of `S1` has no list at `/2`"
        );
        assert!(drafts(2, "S1", &json!(["", [], [["a"], ["a"]]])).is_err());
    }

    #[test]
    fn what_the_manifest_overrides_holds() {
        let manifest = format!(
            "confirm_above = {{ calls = 5, usd = 1.5 }}\nstore = \"../shared\"\n{MANIFEST}range = \"S1-S2\"\n\n[phase.phase3]\nbatch = 7\nattempts = 1\n[phase.phase3.generate]\nuse = \"command\"\nargv = [\"other\"]\nmodel = \"m\"\nparams = {{ temperature = 0.5 }}\ntimeout_s = 9\nenv = [\"A\"]\n"
        );
        let folder = Folder::new(&manifest);
        let workspace = folder.load().unwrap();
        assert_eq!(workspace.confirm_above, super::super::ConfirmAbove { calls: Some(5), usd: Some(1.5) });
        assert_eq!(workspace.store, folder.0.path().parent().map(|folder| folder.join("shared")));
        let phases = &workspace.courses[0].phases;
        let phase3 = &phases[1].rule;
        assert_eq!((phase3.batch.size, phase3.attempts, phase3.generate.timeout_s), (7, 1, 9));
        assert_eq!(phase3.generate.params, json!({"temperature": 0.5}));
        assert_eq!(phases[0].rule.generate.argv, ["agent"]);
        assert_eq!(phases[0].source.len(), 2);
        assert_eq!(phase3.prompt.scoped[0].scope, Some(("S2".to_owned(), "S2".to_owned())));
    }

    #[test]
    fn a_program_can_be_the_source() {
        let manifest = MANIFEST.replace("\"seeds.json\"", "{ argv = [\"/bin/cat\", \"seeds.json\"] }");
        let workspace = Folder::new(&manifest).load().unwrap();
        assert!(workspace.has_program_source);
        assert_eq!(workspace.courses[0].phases[0].source.len(), 3);
    }

    #[test]
    fn an_unknown_key_is_shown_with_what_would_be_right() {
        assert_eq!(
            error_of(&MANIFEST.replace("target_name", "traget_name")),
            "unknown key `traget_name`\n  --> coursebuild.toml:8:1\n    |\n  8 | traget_name = \"Spanish\"\n    | ^^^^^^^^^^^\n  hint: did you mean `target_name`? the keys here are `code`, `target`, `known`, `target_name`, `dir`, `seeds`, `range` and `phase`"
        );
    }

    #[test]
    fn a_wrong_type_is_shown() {
        assert_eq!(
            error_of(&MANIFEST.replace("[\"agent\"]", "\"agent\"")),
            "this has to be a list\n  --> coursebuild.toml:3:8\n    |\n  3 | argv = \"agent\"\n    |        ^^^^^^^\n  because: found string \"agent\""
        );
        assert!(error_of(&MANIFEST.replace("[\"agent\"]", "[1]")).starts_with("this has to be a string"));
        assert!(
            error_of(&format!("store = \n{MANIFEST}"))
                .starts_with("this is not valid TOML\n  --> coursebuild.toml:1:")
        );
        assert!(
            error_of(&MANIFEST.replace("code = \"spa_for_eng\"\n", ""))
                .starts_with("the key `code` is missing here\n  --> coursebuild.toml:5:1")
        );
        assert!(
            error_of(&MANIFEST.replace("\"seeds.json\"", "[1]"))
                .starts_with("this has to be a string or a table\n  --> coursebuild.toml:11:9")
        );
    }

    #[test]
    fn mistakes_in_the_manifest_are_located() {
        let second = MANIFEST.split_once("\n\n").unwrap().1;
        for (manifest, start) in [
            (
                MANIFEST.replace("\"command\"", "\"anthropic\""),
                "`anthropic` has no use for `argv`\n  --> coursebuild.toml:3:8",
            ),
            (
                MANIFEST.replace("\"command\"", "\"comand\""),
                "there is no generator `comand`\n  --> coursebuild.toml:2:7",
            ),
            (
                MANIFEST.replace("argv = [\"agent\"]\n", ""),
                "`command` needs `argv = [\"PROGRAM\", \"ARGUMENT\"]`\n  --> coursebuild.toml:2:7",
            ),
            (MANIFEST.replace("[\"agent\"]", "[]"), "`argv` names no program\n  --> coursebuild.toml:3:8"),
            (
                MANIFEST.replace("[\"agent\"]", "[\"a\"]\ntimeout_s = 0"),
                "`timeout_s` is the seconds that one call may take: at least 1\n  --> coursebuild.toml:4:13",
            ),
            (
                MANIFEST.replace("[\"agent\"]", "[\"a\"]\nfile = \"x\""),
                "`command` has no use for `file`\n  --> coursebuild.toml:4:8",
            ),
            (
                MANIFEST.replace("\"command\"\nargv = [\"agent\"]", "\"replay\"\nfile = \"none\""),
                "there is no `none`\n  --> coursebuild.toml:3:8",
            ),
            (second.to_owned(), "no generator is declared for `phase1`\n  --> coursebuild.toml\n"),
            (
                format!("{MANIFEST}{second}"),
                "two courses are called `spa_for_eng`\n  --> coursebuild.toml:13:8",
            ),
            (
                format!("{MANIFEST}{}", second.replace("spa_for_eng", "x")),
                "`out/spa` is the folder of two courses\n  --> coursebuild.toml:17:7",
            ),
            (
                MANIFEST.replace("spa_for_eng", "../x"),
                "`../x` is not a course code\n  --> coursebuild.toml:6:8",
            ),
            (
                MANIFEST.replace("seeds.json", "none.json"),
                "there is no source `none.json`\n  --> coursebuild.toml:11:9",
            ),
            (
                MANIFEST.replace("seeds = \"seeds.json\"\n", ""),
                "this course has no `seeds`\n  --> coursebuild.toml:5:1",
            ),
            (
                format!("{MANIFEST}range = \"S3-S1\"\n"),
                "the range `S3-S1` runs backwards\n  --> coursebuild.toml:12:9",
            ),
            (
                format!("{MANIFEST}range = \"S1-S9\"\n"),
                "the source has no item `S9`\n  --> coursebuild.toml:12:9",
            ),
            (
                format!("{MANIFEST}[phase.phase4]\nbatch = 2\n"),
                "there is no phase `phase4`\n  --> coursebuild.toml:12:8",
            ),
            (
                format!("{MANIFEST}[phase.phase3]\nbatch = 0\n"),
                "a batch has at least 1 item\n  --> coursebuild.toml:13:9",
            ),
            (
                format!("rules = \"builtin:x\"\n{MANIFEST}"),
                "there is no built-in pack `x`\n  --> coursebuild.toml:1:9",
            ),
            (
                format!("rules = \"none\"\n{MANIFEST}"),
                "there is no folder `none`\n  --> coursebuild.toml:1:9",
            ),
            (
                format!("confirm_above = {{ usd = -1.0 }}\n{MANIFEST}"),
                "`usd` has to be an amount of money, 0 or more\n  --> coursebuild.toml:1:17",
            ),
            (
                String::from("[generate]\nuse = \"command\"\nargv = [\"x\"]\n"),
                "the manifest declares no course\n",
            ),
        ] {
            let error = error_of(&manifest);
            assert!(error.starts_with(start), "wanted {start}\n\ngot {error}");
        }
    }

    #[test]
    fn mistakes_in_rules_are_located() {
        let context = "[[context]]\nname = \"c\"\nfrom = \"one\"\nrole = \"key\"\n";
        for (rule, start) in [
            (RULE.replace("batch = { size", "bach = { size"), "unknown key `bach`\n  --> rules/one.toml:3:1"),
            (RULE.replace("size = 2", "size = 0"), "a batch has at least 1 item\n  --> rules/one.toml:3:9"),
            (
                RULE.replace("source = \"seeds\"", "after = \"none\""),
                "there is no phase `none`\n  --> rules/one.toml:2:9",
            ),
            (
                RULE.replace("source = \"seeds\"", "after = \"one\""),
                "the phase `one` is fed by itself\n  --> rules/one.toml:2:9",
            ),
            (
                RULE.replace("source = \"seeds\"\n", ""),
                "nothing says where the items of this phase come from\n  --> rules/one.toml:1:8",
            ),
            (
                RULE.replace("system = \"t.j2\"", "system = \"none.j2\""),
                "there is no file `none.j2` in the pack\n  --> rules/one.toml:5:10",
            ),
            (
                RULE.replace("system = \"t.j2\"", "system = \"../t.j2\""),
                "`../t.j2` is not a path inside the workspace\n  --> rules/one.toml:5:10",
            ),
            (
                RULE.replace("[prompt]", "[prompt]\nintelligence = [{ path = \"docs/none_*.md\" }]"),
                "no file matches `docs/none_*.md`\n  --> rules/one.toml:5:26",
            ),
            (
                RULE.replace("collection = \"object\"", "collection = \"array\""),
                "an array needs `id`: where an item has its id\n  --> rules/one.toml:10:9",
            ),
            (
                RULE.replace("collection = \"object\"", "collection = \"map\""),
                "unknown value `map`\n  --> rules/one.toml:10:24",
            ),
            (
                RULE.replace("[prompt]", "[input]\nx = \"2\"\n[prompt]"),
                "`2` is not a pointer\n  --> rules/one.toml:5:5",
            ),
            (
                RULE.replace("[prompt]", "[input]\nx = \"^/2\"\n[prompt]"),
                "`^` points into the result that an item was split from\n  --> rules/one.toml:5:5",
            ),
            (
                RULE.replace("[prompt]", "input_ids = [\"/y\"]\n[input]\nx = \"/2\"\n[prompt]"),
                "`/y` points at nothing that `input` shows\n  --> rules/one.toml:4:14",
            ),
            (
                format!("{RULE}{context}"),
                "the context `c` reads its own phase with the role `key`\n  --> rules/one.toml:14:8",
            ),
            (
                format!("{RULE}{}", context.replace("key", "hint\"\nwindow = \"all")),
                "this is not a window\n  --> rules/one.toml:15:10",
            ),
        ] {
            let error = rule_error(&rule);
            assert!(error.starts_with(start), "wanted {start}\n\ngot {error}");
        }
    }

    #[test]
    fn a_context_shows_a_phase_or_a_registry() {
        let checked = format!("{RULE}[[check]]\nuse = \"one_translation\"\n");
        let context = |more: &str| format!("{checked}[[context]]\nname = \"c\"\n{more}\n");
        let words = |more: &str| context(&format!("registry = \"one_translation\"\n{more}"));
        for (rule, start) in [
            (
                context("role = \"hint\""),
                "nothing says what the context `c` shows\n  --> rules/one.toml:14:8",
            ),
            (
                context("from = \"one\"\nrole = \"hint\"\ntext = \"/x\""),
                "`text` says where the concepts of a registry are looked for\n  --> rules/one.toml:17:8",
            ),
            (
                words("role = \"hint\"\nfrom = \"one\""),
                "`from` and `registry` both say what this context shows\n  --> rules/one.toml:17:8",
            ),
            (
                words("role = \"key\""),
                "the context `c` shows a registry, which is for prompts only\n  --> rules/one.toml:16:8",
            ),
            (
                words("role = \"check\""),
                "the context `c` shows a registry, which is for prompts only\n  --> rules/one.toml:16:8",
            ),
            (
                words("role = \"hint\"\neach = \"/x\""),
                "`each` splits results, and a registry has words\n  --> rules/one.toml:17:8",
            ),
            (
                words("role = \"hint\"\nwindow = { before = 3 }"),
                "a registry has no window of the last few\n  --> rules/one.toml:17:10",
            ),
            (
                words("role = \"hint\""),
                "nothing says in which text of an item the concepts are looked for\n  --> rules/one.toml:15:12",
            ),
            (
                words("role = \"hint\"\ntext = \"/*\""),
                "`*` stands for many places, and this has to be one\n  --> rules/one.toml:17:8",
            ),
            (
                words("role = \"hint\"\ntext = \"/y\"").replace("[prompt]", "[input]\nx = \"/2\"\n[prompt]"),
                "`/y` points at nothing that `input` shows\n  --> rules/one.toml:19:8",
            ),
            (
                words("role = \"hint\"").replace("use = \"one_translation\"", "use = \"echo\""),
                "this rule has no check `one_translation`\n  --> rules/one.toml:15:12",
            ),
        ] {
            let error = rule_error(&rule);
            assert!(error.starts_with(start), "wanted {start}\n\ngot {error}");
        }
    }

    #[test]
    fn what_is_derived_and_grouped_is_held_to_its_meaning() {
        let derived = |entry: &str| format!("{RULE}derived = [{entry}]\n");
        let after = |more: &str| RULE.replace("source = \"seeds\"", &format!("after = \"one\"\n{more}"));
        let around = |fields: &str| {
            format!("{}envelope = {{ {fields} }}\n", RULE.replace("\"object\"", "\"object\", at = \"/x\""))
        };
        for (rule, start) in [
            (
                derived("{ field = \"/n\", is = \"cuont\", of = \"/l\" }"),
                "`cuont` cannot be derived\n  --> rules/one.toml:11:33",
            ),
            (derived("{ field = \"/n\", is = \"count\" }"), "`count` needs `of`\n  --> rules/one.toml:11:33"),
            (
                derived("{ field = \"/n\", is = \"count\", of = [\"/a\", \"/b\"] }"),
                "`count` counts one list\n  --> rules/one.toml:11:47",
            ),
            (
                derived("{ field = \"/n\", is = \"first occurrence\", of = [] }"),
                "`of` is empty\n  --> rules/one.toml:11:58",
            ),
            (
                derived("{ field = \"/n\", is = \"first occurrence\", of = [\"x\"] }"),
                "`x` is not a pointer\n  --> rules/one.toml:11:58",
            ),
            (
                derived("{ field = \"/n\", is = \"count\", of = 7 }"),
                "this has to be a pointer such as \"/legos\", or a list of them\n  --> rules/one.toml:11:47",
            ),
            (
                derived("{ field = \"/n\", is = \"last\" }"),
                "`last` is about the list that an item was split from\n  --> rules/one.toml:11:33",
            ),
            (
                derived("{ field = \"/n\", is = \"last\", of = \"/l\" }"),
                "`last` has no use for `of`\n  --> rules/one.toml:11:46",
            ),
            (
                derived("{ field = \"/l/*\", is = \"count\", of = \"\" }"),
                "`/l/*` names no field\n  --> rules/one.toml:11:22",
            ),
            (
                derived(
                    "{ field = \"/n\", is = \"count\", of = \"/l\" }, { field = \"/n\", is = \"count\", of = \"/m\" }",
                ),
                "the field `/n` is derived twice\n  --> rules/one.toml:11:65",
            ),
            (
                around("n = \"cuont\""),
                "this is not something that can be computed\n  --> rules/one.toml:11:18",
            ),
            (
                around("n = { count = \"/a\", sum = \"/b\" }"),
                "this says either nothing or too much\n  --> rules/one.toml:11:18",
            ),
            (around("n = { cuont = \"/a\" }"), "unknown key `cuont`\n  --> rules/one.toml:11:20"),
            (
                RULE.replace("[prompt]", "[group]\nby = \"/k\"\n[prompt]"),
                "`group` gathers the results of another phase, and this one has a source\n  --> rules/one.toml:4:1",
            ),
            (
                after("group = { by = \"/k\" }\nexplode = { at = \"\", id = \"\", min = 1, max = 1 }"),
                "the phase `one` is fed by itself\n",
            ),
            (after("group = { by = \"/*\" }"), "the phase `one` is fed by itself\n"),
            (
                RULE.replace("source = \"seeds\"", "source = { file = \"seeds.json\", id = \"/x\" }"),
                "`id` is for sources of one item a line or a file\n  --> rules/one.toml:2:38",
            ),
            (
                RULE.replace("source = \"seeds\"", "source = { file = \"x/*.txt\", split = \"pages\" }"),
                "unknown value `pages`\n  --> rules/one.toml:2:38",
            ),
        ] {
            let error = rule_error(&rule);
            assert!(error.starts_with(start), "wanted {start}\n\ngot {error}");
        }
        let folder = Folder::new(&format!("rules = \"rules\"\n{MANIFEST}"));
        folder.put("rules/t.j2", "x\n");
        folder.put("rules/a.toml", RULE);
        let two = |more: &str| {
            let rule =
                after(more).replace("\"one\"\nbatch", "\"two\"\nbatch").replace("one.json", "two.json");
            folder.put("rules/b.toml", &rule.replacen("name = \"one\"", "name = \"two\"", 1));
        };
        two("group = { by = \"/k\" }\nexplode = { at = \"\", id = \"\", min = 1, max = 1 }");
        assert!(
            folder
                .error()
                .starts_with("`group` and `explode` both say what the items are\n  --> rules/b.toml:3:9"),
            "{}",
            folder.error()
        );
        two("group = { by = \"/*\" }");
        assert!(
            folder
                .error()
                .starts_with("`*` stands for many places, and this has to be one\n  --> rules/b.toml:3:16"),
            "{}",
            folder.error()
        );
        two("explode = { at = \"\", id = \"\", min = 1, max = 1, only = { at = \"new\", is = true } }");
        assert!(
            folder.error().starts_with("`new` is not a pointer\n  --> rules/b.toml:3:"),
            "{}",
            folder.error()
        );
        two("group = { by = \"/k\" }");
        let workspace = folder.load().unwrap();
        assert!(matches!(workspace.courses[0].phases[1].rule.feed, Feed::Groups { phase: 0, .. }));
    }

    #[test]
    fn only_some_elements_become_items() {
        let manifest = MANIFEST.replace("[generate]", "rules = \"builtin:objects@1\"\n[generate]");
        let workspace = Folder::new(&manifest).load().unwrap();
        let course = &workspace.courses[0];
        let lego = |id: &str, new: bool| json!({"id": id, "type": "A", "new": new, "lego": {"known": "k", "target": "t"}});
        let value = json!({"seed_id": "S1", "seed_pair": {"known": "a", "target": "b"},
            "legos": [lego("S1L1", false), lego("S1L2", true), lego("S1L3", true)]});
        let id = "S1".into();
        let up = Upstream { id: &id, root: &id, value: &value };
        let drafts = draft_items(&course.phases[2].rule, Names::from(course), &up).unwrap();
        let told: Vec<_> =
            drafts.iter().map(|draft| (&*draft.id, draft.index, draft.of, &draft.input["final"])).collect();
        assert_eq!(told, [("S1L2", 1, 3, &json!(false)), ("S1L3", 2, 3, &json!(true))]);
        assert_eq!(drafts[0].input["seed"], json!({"id": "S1", "known": "a", "target": "b"}));
    }

    #[test]
    fn a_range_cuts_the_sources_that_know_it() {
        let folder = Folder::new(&format!("rules = \"rules\"\n{MANIFEST}range = \"S1-S2\"\n"));
        folder.put("rules/t.j2", "x\n");
        folder.put("rules/a.toml", RULE);
        folder.put("other.jsonl", "{\"id\": \"A\"}\n{\"id\": \"B\"}\n{\"id\": \"C\"}\n");
        let other = RULE.replace("\"one\"", "\"two\"").replace("one.json", "two.json");
        folder.put("rules/b.toml", &other.replace("\"seeds\"", "\"other.jsonl\""));
        let workspace = folder.load().unwrap();
        let lengths: Vec<usize> =
            workspace.courses[0].phases.iter().map(|phase| phase.source.len()).collect();
        assert_eq!(lengths, [2, 3]);
        folder.put("coursebuild.toml", &format!("rules = \"rules\"\n{MANIFEST}range = \"X-Y\"\n"));
        assert!(
            folder.error().starts_with("the source has no item `X`\n  --> coursebuild.toml:13:9"),
            "{}",
            folder.error()
        );
    }

    #[test]
    fn a_pipeline_without_languages_needs_none() {
        let folder = Folder::new(
            &MANIFEST.replace("target = \"spa\"\ntarget_name = \"Spanish\"\nknown = \"eng\"\n", ""),
        );
        let workspace = folder.load().unwrap();
        let course = &workspace.courses[0];
        assert_eq!(
            (course.target.as_str(), course.known.as_str(), course.target_name.as_str()),
            ("", "", "")
        );
    }

    #[test]
    fn rules_must_fit_each_other() {
        let folder = Folder::new(&format!("rules = \"rules\"\n{MANIFEST}"));
        folder.put("rules/t.j2", "x\n");
        folder.put("rules/b.toml", RULE);
        let other = RULE.replace("\"one\"", "\"two\"").replace("source = \"seeds\"", "after = \"one\"");
        folder.put("rules/a.toml", &other);
        assert!(
            folder.error().starts_with("`one.json` is the main file of two phases\n  --> rules/a.toml:9:8"),
            "{}",
            folder.error()
        );
        folder.put("rules/a.toml", &other.replace("one.json", "two.json"));
        let workspace = folder.load().unwrap();
        let names: Vec<&str> =
            workspace.courses[0].phases.iter().map(|phase| phase.rule.name.as_str()).collect();
        assert_eq!(names, ["one", "two"]);
        let looped = RULE.replace("source = \"seeds\"", "after = \"two\"");
        folder.put("rules/b.toml", &looped);
        assert!(
            folder.error().starts_with("the phases wait for each other: `two` → `one` → `two`"),
            "{}",
            folder.error()
        );
        folder.put("rules/b.toml", &RULE.replace("\"one\"", "\"two\""));
        assert!(folder.error().starts_with("two phases are called `two`"), "{}", folder.error());
    }

    #[test]
    fn a_scope_that_fits_no_source_is_an_error() {
        let folder = Folder::new(MANIFEST);
        folder.put(
            "docs/phase_intelligence/phase_3_x.md",
            "# A\n<!-- coursebuild: items=S1-S7 -->\n## Version History\n",
        );
        assert!(
            folder
                .error()
                .starts_with("the source has no item `S7`\n  --> docs/phase_intelligence/phase_3_x.md:2:1"),
            "{}",
            folder.error()
        );
    }

    #[test]
    fn a_missing_manifest_says_where_it_looked() {
        let error = load(&PathBuf::from("/none/coursebuild.toml"), &[]).unwrap_err();
        assert_eq!(error.what, "there is no `coursebuild.toml`");
        assert_eq!(error.cause.as_deref(), Some("looked in `/none`"));
    }

    #[test]
    fn envelopes_and_own_sources_keep_the_authors_order() {
        let folder = Folder::new(&format!("rules = \"rules\"\n{MANIFEST}"));
        folder.put("rules/t.j2", "x\n");
        folder.put("own.json", r#"{"list": [["a", 1], ["b", 2]]}"#);
        let rule = RULE
            .replace("source = \"seeds\"\n", "")
            .replace("[prompt]", "[source]\nfile = \"own.json\"\nshape = { collection = \"array\", at = \"/list\", id = \"/0\" }\n[input]\nz = \"/1\"\na = { c = \"/0\", b = \"/1\" }\n[prompt]")
            .replace("\"object\"", "\"object\", at = \"/items\"");
        folder.put(
            "rules/one.toml",
            &format!("{rule}envelope = {{ z = \"count\", a = {{ constant = {{ v = 2 }} }} }}\n"),
        );
        let workspace = folder.load().unwrap();
        let phase = &workspace.courses[0].phases[0];
        let fields: Vec<&str> = phase.rule.output.envelope.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(fields, ["z", "a"]);
        let item = &phase.source[1];
        let up = Upstream { id: &item.id, root: &item.id, value: &item.value };
        let input = &draft_items(&phase.rule, Names::from(&workspace.courses[0]), &up).unwrap()[0].input;
        assert_eq!(input.to_string(), r#"{"z":2,"a":{"c":"b","b":2}}"#);
    }

    #[test]
    fn schemas_catch_wrong_shapes() {
        let workspace = Folder::new(MANIFEST).load().unwrap();
        let schema = |phase: usize| {
            jsonschema::validator_for(workspace.courses[0].phases[phase].rule.output.schema.as_ref().unwrap())
                .unwrap()
        };
        let cases = [
            (0, json!(["t", "k"]), true),
            (0, json!(["t"]), false),
            (0, json!(["t", " "]), false),
            (0, json!(["t", "k", "x"]), false),
            (0, json!({"target": "t"}), false),
            (
                1,
                json!([
                    "S1",
                    ["t", "k"],
                    [["S1L01", "B", "t", "k"], ["S1L02", "C", "t", "k", [["p", "l"], ["p", "l", "S1L01"]]]]
                ]),
                true,
            ),
            (1, json!(["S1", ["t", "k"], [["S1L01", "F", "t", "k"]]]), true),
            (1, json!(["S1", ["t", "k"], [["S1L01", "C", "t", "k"]]]), false),
            (1, json!(["S1", ["t", "k"], [["S1L01", "B", "t", "k", [["p", "l"]]]]]), false),
            (1, json!(["S1", ["t", "k"], [["S1L01", "X", "t", "k"]]]), false),
            (1, json!(["S1", ["t", "k"], []]), false),
            (1, json!(["S1", ["t", "k"]]), false),
            (2, json!({"e": [], "d": {"2": [], "3": [["t", "k"]], "4": [], "5": []}}), true),
            (2, json!({"e": [["t", "k"]], "d": {}}), true),
            (2, json!({"e": [["t"]], "d": {}}), false),
            (2, json!({"e": [], "d": []}), false),
            (2, json!({"e": [], "d": {"6": []}}), false),
            (2, json!({"d": {}}), false),
            (2, json!({"e": [], "d": {}, "note": "x"}), false),
        ];
        for (phase, output, valid) in cases {
            assert_eq!(schema(phase).is_valid(&output), valid, "{output}");
        }
    }

    #[test]
    fn builtin_rules_do_not_insist_on_a_version_history() {
        let folder = Folder::new(MANIFEST);
        folder.put("docs/phase_intelligence/phase_3_x.md", "# A\n");
        assert_eq!(folder.load().unwrap().courses[0].phases[1].rule.prompt.sections.len(), 1);
        let own = "[prompt]\nintelligence = [{ path = \"docs/**/phase_3_x.md\", without = [\"History\"] }]";
        folder.put("coursebuild.toml", &format!("rules = \"rules\"\n{MANIFEST}"));
        folder.put("rules/one.toml", &RULE.replace("[prompt]", own));
        assert!(
            folder.error().starts_with(
                "`History` is not a heading of any of these documents\n  --> rules/one.toml:5:61"
            )
        );
    }

    fn labels(course: &Course, phase: usize) -> Vec<&str> {
        course.phases[phase].rule.checks.iter().map(|check| check.label.as_str()).collect()
    }

    #[test]
    fn checks_are_filled_in_for_the_language_of_the_course() {
        for (target, name) in [
            ("spa", "Spanish"),
            ("es", "Spanish"),
            ("es-MX", "Spanish"),
            ("fr", "French"),
            ("zh", "Chinese"),
            ("ita", "Italian"),
        ] {
            let manifest = MANIFEST
                .replace("\"spa\"", &format!("{target:?}"))
                .replace("target_name = \"Spanish\"\n", "");
            let workspace = Folder::new(&manifest).load().unwrap();
            let course = &workspace.courses[0];
            assert_eq!((course.target_name.as_str(), course.target.as_str()), (name, target));
            assert_eq!(labels(course, 0), ["one_translation", "cognates", "simplicity", "drift", "grammar"]);
            assert!(course.phases.iter().all(|phase| phase.left_out.is_empty()));
            let fields = &course.phases[0].rule.checks[4].fields;
            assert!(fields["patterns"].as_array().is_some_and(|patterns| !patterns.is_empty()), "{fields}");
        }
        let manifest = MANIFEST.replace("known = \"eng\"", "known = \"fra\"");
        let folder = Folder::new(&manifest.replace("target_name = \"Spanish\"\n", ""));
        assert_eq!(folder.load().unwrap().courses[0].target_name, "espagnol");
        let folder = Folder::new(&manifest.replace("\"Spanish\"", "\"castillan\""));
        assert_eq!(folder.load().unwrap().courses[0].target_name, "castillan");
    }

    #[test]
    fn an_unknown_language_leaves_checks_out_and_says_which() {
        for target in ["cym", "../spa", "x/y", "🙂"] {
            let manifest = MANIFEST
                .replace("\"spa\"", &format!("{target:?}"))
                .replace("target_name = \"Spanish\"\n", "");
            let workspace = Folder::new(&manifest).load().unwrap();
            let course = &workspace.courses[0];
            assert_eq!(course.target_name, target);
            let left_out: Vec<&[String]> = course.phases.iter().map(|phase| &*phase.left_out).collect();
            assert_eq!(left_out[0], ["one_translation", "cognates", "simplicity", "drift", "grammar"]);
            assert_eq!(left_out[1], ["hard_rules", "ambiguous"]);
            assert_eq!(left_out[2], ["grammar"]);
            assert_eq!(labels(course, 1), ["tiling", "determinism", "components", "echo", "unique"]);
        }
    }

    #[test]
    fn a_workspace_adds_to_a_language_or_brings_one() {
        let words = |folder: &Folder| {
            let workspace = folder.load().unwrap();
            let checks = &workspace.courses[0].phases[1].rule.checks;
            let ambiguous = checks.iter().find(|check| check.name == "ambiguous").unwrap();
            ambiguous.fields["words"]
                .as_array()
                .unwrap()
                .iter()
                .map(|word| word.as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        let folder = Folder::new(MANIFEST);
        let plain = words(&folder);
        folder.put("languages/spa.toml", "ambiguous = [\"ya\"]\n");
        assert_eq!(words(&folder), [plain, vec!["ya".to_owned()]].concat());
        assert!(folder.load().unwrap().read.contains(&folder.0.path().join("languages/spa.toml")));
        folder.put("languages/spa.toml", "replace = true\nambiguous = [\"ya\"]\n");
        assert_eq!(words(&folder), ["ya"]);
        assert!(
            !folder.load().unwrap().courses[0].phases[0].rule.checks[4].fields["patterns"]
                .as_array()
                .unwrap()
                .is_empty()
        );

        let folder =
            Folder::new(&MANIFEST.replace("\"spa\"", "\"cym\"").replace("target_name = \"Spanish\"\n", ""));
        folder.put("languages/cym.toml", "name = \"Welsh\"\nambiguous = [\"yn\"]\n");
        assert_eq!(words(&folder), ["yn"]);
        let workspace = folder.load().unwrap();
        assert_eq!(workspace.courses[0].target_name, "Welsh");
        assert!(workspace.courses[0].phases.iter().all(|phase| phase.left_out.is_empty()));
        for (text, start) in [
            ("ambigous = []\n", "unknown key `ambigous`\n  --> languages/cym.toml:1:1"),
            ("ambiguous = \"x\"\n", "this has to be a list\n  --> languages/cym.toml:1:13"),
            (
                "[[slips]]\nmessage = \"m\"\nmatch = '('\n",
                "`(` is no regular expression\n  --> languages/cym.toml:3:9",
            ),
            ("[[slips]]\nmatch = 'x'\n", "the key `message` is missing here\n  --> languages/cym.toml:1:1"),
        ] {
            folder.put("languages/cym.toml", text);
            assert!(folder.error().starts_with(start), "wanted {start}\n\ngot {}", folder.error());
        }
    }

    #[test]
    fn a_pack_can_ask_for_lists_and_bring_them() {
        let folder = Folder::new(&format!("rules = \"rules\"\n{MANIFEST}"));
        folder.put("rules/t.j2", "x\n");
        let check = "[[check]]\nuse = \"cognates\"\ntext = \"/0\"\ncognates = \"language:cognates\"\n";
        folder.put("rules/one.toml", &format!("{RULE}{check}"));
        folder.put("rules/languages/spa.toml", "[[cognates]]\nwords = [\"x\"]\ncognate = \"y\"\n");
        let workspace = folder.load().unwrap();
        let cognates = workspace.courses[0].phases[0].rule.checks[0].fields["cognates"].as_array().unwrap();
        assert_eq!(cognates.last(), Some(&json!({"words": ["x"], "cognate": "y"})));
        folder.put(
            "rules/one.toml",
            &format!("{RULE}{}", check.replace("language:cognates", "language:cognate")),
        );
        assert!(
            folder.error().starts_with("a language has no list `cognate`\n  --> rules/one.toml:11:1"),
            "{}",
            folder.error()
        );
        assert!(folder.error().contains("did you mean `cognates`?"));
        folder.put("rules/one.toml", &format!("{RULE}[[check]]\nuse = \"vocabulary\"\nfrom = \"two\"\n"));
        assert!(
            folder.error().starts_with("there is no phase `two`\n  --> rules/one.toml:13:8"),
            "{}",
            folder.error()
        );
        folder.put("rules/one.toml", &format!("{RULE}[[check]]\nuse = \"vocabulary\"\nfrom = \"one\"\n"));
        assert!(folder.error().starts_with("the phase `one` is fed by itself"), "{}", folder.error());
    }

    #[test]
    fn severities_are_set_for_all_courses_or_for_one() {
        let second = MANIFEST
            .split_once("\n\n")
            .unwrap()
            .1
            .replace("spa_for_eng", "two")
            .replace("out/spa", "out/two");
        let manifest = format!(
            "{MANIFEST}[course.phase.phase3.check.tiling]\nseverity = \"warning\"\n[course.phase.phase1.check.grammar]\nseverity = \"off\"\n\n{second}\n[phase.phase3.check.determinism]\nseverity = \"warning\"\n"
        );
        let workspace = Folder::new(&manifest).load().unwrap();
        let severity = |course: usize, phase: usize, label: &str| {
            let checks = &workspace.courses[course].phases[phase].rule.checks;
            checks.iter().find(|check| check.label == label).unwrap().severity
        };
        use super::super::Severity::{Error, Off, Warning};
        assert_eq!([severity(0, 1, "tiling"), severity(1, 1, "tiling")], [Warning, Error]);
        assert_eq!([severity(0, 0, "grammar"), severity(1, 0, "grammar")], [Off, Error]);
        assert_eq!([severity(0, 2, "grammar"), severity(0, 1, "ambiguous")], [Error, Warning]);
        assert_eq!([severity(0, 1, "determinism"), severity(1, 1, "determinism")], [Warning, Warning]);
        for (more, start) in [
            (
                "[phase.phase3.check.tilling]\nseverity = \"off\"\n",
                "the phase `phase3` has no check `tilling`\n  --> coursebuild.toml:12:21",
            ),
            (
                "[phase.phase3.check.tiling]\nseverity = \"of\"\n",
                "unknown value `of`\n  --> coursebuild.toml:13:12",
            ),
            (
                "[phase.phase3.check.tiling]\nsevere = 1\n",
                "unknown key `severe`\n  --> coursebuild.toml:13:1",
            ),
            (
                "[course.phase.phase3.check.vocabulary]\nseverity = \"off\"\n",
                "the phase `phase3` has no check `vocabulary`\n  --> coursebuild.toml:12:28",
            ),
            (
                "[course.phase.phase4.check.tiling]\nseverity = \"off\"\n",
                "there is no phase `phase4`\n  --> coursebuild.toml:12:15",
            ),
            ("[course.phase.phase3]\nbatch = 2\n", "unknown key `batch`\n  --> coursebuild.toml:13:1"),
        ] {
            let error = error_of(&format!("{MANIFEST}{more}"));
            assert!(error.starts_with(start), "wanted {start}\n\ngot {error}");
        }
    }

    #[test]
    fn the_real_seeds_load() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/canonical_seeds.json");
        let Some(seeds) = crate::fs::read_text(&path).unwrap() else {
            println!("skipped: there is no {}", path.display());
            return;
        };
        let folder = Folder::new(&format!("{MANIFEST}range = \"S0101-S0200\"\n"));
        folder.put("seeds.json", &seeds);
        for phase in [1, 3, 5] {
            folder.put(&format!("docs/phase_intelligence/phase_{phase}_x.md"), "# A\n");
        }
        let workspace = folder.load().unwrap();
        let source = &workspace.courses[0].phases[0].source;
        assert_eq!((source.len(), &*source[0].id, &*source[99].id), (100, "S0101", "S0200"));
    }
}
