//! What rules, documents, prompts and programs look like.

use super::{Finds, Grade};
use crate::check::Checks;
use crate::course::{Course, GeneratorKind, Phase, Role, Section, Workspace};
use crate::fs;
use crate::prompt::Prompts;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A prompt's part that is the same for each call is told from here on: bytes.
const LARGE_PREFIX: usize = 150_000;
/// A pattern that names so many documents is told.
const MANY_DOCUMENTS: usize = 20;
/// Headings of what is written for people.
const FOR_PEOPLE: [&str; 6] =
    ["version history", "changelog", "change log", "revision history", "history", "release notes"];
/// Where programs are looked for without a `PATH`.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Documents, templates and checks of all phases.
pub(super) fn look(course: &Course, finds: &mut Finds) {
    for phase in &course.phases {
        documents(phase, finds);
        prompts(phase, course, finds);
        if let Err(problem) = Checks::compile(&phase.rule) {
            finds.problem("checks", &problem);
        }
    }
}

fn documents(phase: &Phase, finds: &mut Finds) {
    let rule = &phase.rule;
    let sections = &rule.prompt.sections;
    let documents: BTreeSet<&str> = sections.iter().map(|section| section.document.as_str()).collect();
    let bytes: usize = sections.iter().map(|section| section.text.len()).sum();
    if documents.len() >= MANY_DOCUMENTS || bytes >= LARGE_PREFIX {
        finds.add(
            Grade::Remark,
            "documents",
            format!("`{}` sends {} KB from {} documents with each call", rule.name, bytes / 1000, documents.len()),
            "all of it is paid for with each call, and a change of any section makes every item of the phase stale",
            "name the documents that the phase needs in `intelligence`, or leave sections out with `without`",
        );
    }
    for section in sections.iter().filter(|section| is_for_people(section)) {
        finds.add(
            Grade::Remark,
            "documents",
            format!("`{}` sends the section `{}` of `{}`", rule.name, section.name, section.document),
            "it looks like a history, which is written for people; each entry in it makes every item of the phase stale",
            "list its heading: `intelligence = [{ path = …, without = […] }]`",
        );
    }
}

fn is_for_people(section: &Section) -> bool {
    let last = section.name.rsplit(" / ").next().unwrap_or_default().trim().to_lowercase();
    FOR_PEOPLE.contains(&last.as_str())
}

fn prompts(phase: &Phase, course: &Course, finds: &mut Finds) {
    let rule = &phase.rule;
    for context in rule.contexts.iter().filter(|context| context.role == Role::Check) {
        finds.add(
            Grade::Remark,
            "prompts",
            format!("nothing reads the context `{}` of `{}`", context.name, rule.name),
            "it has the role `check`, and no check asks for a context: a check names the phase that it reads in `from`",
            "take it out, or give it the role `hint` and show it in the batch template",
        );
    }
    let unused = match Prompts::new(rule, course) {
        Ok(prompts) => prompts.unused(rule),
        Err(problem) => return finds.problem("prompts", &problem),
    };
    for name in &unused.contexts {
        let keyed = rule.contexts.iter().any(|context| context.name == *name && context.role == Role::Key);
        let why = if keyed {
            "a change of it makes items stale all the same"
        } else {
            "only a program that reads `COURSEBUILD_INPUT` can see it"
        };
        finds.add(
            Grade::Remark,
            "prompts",
            format!("no template of `{}` shows the context `{name}`", rule.name),
            why,
            format!(
                "write `{{{{ context.{name} }}}}` in `{}`, or take the context out",
                rule.prompt.batch.name
            ),
        );
    }
    if unused.intelligence {
        finds.add(
            Grade::Remark,
            "prompts",
            format!("the system template of `{}` does not show its documents", rule.name),
            "they are in the key, so that a change of them makes items stale, and no agent reads them",
            format!("write `{{{{ intelligence }}}}` in `{}`", rule.prompt.system.name),
        );
    }
    if unused.items {
        finds.add(
            Grade::Remark,
            "prompts",
            format!("the batch template of `{}` does not show its items", rule.name),
            "an agent who is not told the items cannot answer for them",
            format!("write `{{{{ input }}}}` in `{}`", rule.prompt.batch.name),
        );
    }
}

/// Checks that a course goes without.
pub(super) fn left_out(course: &Course, finds: &mut Finds) {
    let named = |phase: &Phase| {
        let labels: Vec<String> = phase.left_out.iter().map(|label| format!("`{label}`")).collect();
        (!labels.is_empty()).then(|| format!("{} of {}", labels.join(", "), phase.rule.name))
    };
    let phases: Vec<String> = course.phases.iter().filter_map(named).collect();
    if !phases.is_empty() {
        finds.add(
            Grade::Remark,
            "checks",
            format!("`{}` goes without the checks {}", course.code, phases.join("; ")),
            format!(
                "they need words and patterns of `{}`, and there is no pack of that language",
                course.target
            ),
            format!(
                "write `languages/{}.toml` in the folder of rules: docs/checks.md says what is in it",
                course.target
            ),
        );
    }
}

/// The programs that generators and checks start.
pub(super) fn programs(
    workspace: &Workspace,
    course: &Course,
    environment: &[(String, String)],
    finds: &mut Finds,
) {
    let mut seen = BTreeSet::new();
    for phase in &course.phases {
        let generate = &phase.rule.generate;
        if generate.kind == GeneratorKind::Command {
            let path = generate.env.iter().any(|name| name == "PATH");
            let whose = format!("the generator of `{}`", phase.rule.name);
            let place = Wanted { whose, argv: &generate.argv, path, workspace };
            place.look(environment, &mut seen, finds);
        }
        let Ok(checks) = Checks::compile(&phase.rule) else { continue };
        for validator in checks.outside() {
            let whose = format!("the check `{}` of `{}`", validator.label, phase.rule.name);
            let place = Wanted { whose, argv: &validator.argv, path: true, workspace };
            place.look(environment, &mut seen, finds);
        }
    }
}

struct Wanted<'a> {
    whose: String,
    argv: &'a [String],
    /// Whether it is given the `PATH`.
    path: bool,
    workspace: &'a Workspace,
}

impl Wanted<'_> {
    fn look(&self, environment: &[(String, String)], seen: &mut BTreeSet<String>, finds: &mut Finds) {
        let Some(program) = self.argv.first().filter(|program| seen.insert((*program).clone())) else {
            return;
        };
        let found: Vec<PathBuf> = if program.contains('/') {
            vec![self.workspace.root.join(program)]
        } else {
            let variable = environment.iter().find(|(name, _)| name == "PATH").filter(|_| self.path);
            let path = variable.map_or(DEFAULT_PATH, |(_, path)| path.as_str());
            path.split(':')
                .filter(|folder| !folder.is_empty())
                .map(|folder| Path::new(folder).join(program))
                .collect()
        };
        if found.iter().any(|path| fs::is_executable(path)) {
            return;
        }
        let there = found.iter().find(|path| path.is_file());
        let (why, todo) = match there {
            Some(file) => (
                format!("`{}` is there, and this user may not run it", file.display()),
                format!("make it executable: `chmod +x {}`", file.display()),
            ),
            None if program.contains('/') => (
                format!("there is no file `{}`", found[0].display()),
                "check its path in `argv`: it starts at the folder of the manifest".to_owned(),
            ),
            None if self.workspace.root.join(program).is_file() => (
                "a program without `/` is looked for in the `PATH`".to_owned(),
                format!("to run the file of that name beside the manifest, write `./{program}`"),
            ),
            None if !self.path => (
                "`env` lets no `PATH` through, so it is looked for in /bin and /usr/bin only".to_owned(),
                "add `PATH` to `env`, or write the program's path".to_owned(),
            ),
            None => (
                "it is in no folder of the `PATH`".to_owned(),
                "install it, or write its path in `argv`".to_owned(),
            ),
        };
        finds.add(
            Grade::Problem,
            "generators",
            format!("{} cannot start `{program}`", self.whose),
            why,
            todo,
        );
    }
}
