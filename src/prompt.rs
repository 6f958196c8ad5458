//! What is sent: templates over a rule's documents and a call's items.
//!
//! The prefix is rendered once, so it is the same bytes for every call of a phase. Which variable a template may use is fixed
//! by its place: what differs between two calls for the same items (label, batch, scope) exists in the batch template only,
//! findings in the retry template only.

mod shown;
mod unused;

pub use unused::Unused;

use crate::course::{Context, Course, Feed, Role, Rule, Section, Template};
use crate::diag::{Place, Problem, Result, escape};
use crate::json::Value;
use minijinja::value::Serde;
use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value as Shown, context};
use shown::{Entries, ended, input_text, intelligence, sample, shown_finding, sorted};
use std::sync::Arc;

/// A text, or which template failed and why.
type Rendered = std::result::Result<String, (Part, minijinja::Error)>;

/// A phase's templates, validated, with its prefix.
#[derive(Debug)]
pub struct Prompts {
    environment: Environment<'static>,
    templates: [Template; 3],
    course: Shown,
    phase: Shown,
    contexts: Vec<String>,
    prefix: Arc<str>,
}

/// What a call's body is rendered from.
#[derive(Debug, Clone)]
pub struct BodyFacts<'a> {
    /// `phase3_batch_7`.
    pub label: &'a str,
    /// The number of the first item's batch, from 1.
    pub batch: usize,
    /// The items' range: `S0121-S0140`.
    pub scope: &'a str,
    /// The scoped sections that these items get, in order.
    pub sections: &'a [&'a Section],
    /// The items asked for, in order; at least one.
    pub items: &'a [ItemFacts<'a>],
    /// The entries of each context, by its name. One that is not here is empty.
    pub context: &'a [(&'a str, &'a [Value])],
    /// What went wrong before; `None` for a first attempt.
    pub retry: Option<RetryFacts<'a>>,
}

/// One item of a call.
#[derive(Debug, Clone, Copy)]
pub struct ItemFacts<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its input, ids in place.
    pub input: &'a Value,
}

/// What a retry is told.
#[derive(Debug, Clone, Copy)]
pub struct RetryFacts<'a> {
    /// 2 for the first retry.
    pub attempt: u32,
    /// What was wrong, in order.
    pub findings: &'a [FindingFacts<'a>],
}

/// One finding, as a retry shows it.
#[derive(Debug, Clone, Copy)]
pub struct FindingFacts<'a> {
    /// The item to blame.
    pub item: &'a str,
    /// The kind of finding: `tiling`.
    pub kind: &'a str,
    /// What is wrong.
    pub message: &'a str,
    /// What would be right.
    pub suggestion: Option<&'a str>,
}

#[derive(Debug, Clone, Copy)]
enum Part {
    System,
    Batch,
    Retry,
}

impl Part {
    const ALL: [Self; 3] = [Self::System, Self::Batch, Self::Retry];

    fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Batch => "batch",
            Self::Retry => "retry",
        }
    }

    fn variables(self) -> &'static [&'static str] {
        match self {
            Self::System => &["course", "phase", "intelligence", "schema"],
            Self::Batch => {
                &["course", "phase", "label", "batch", "scope", "items", "input", "context", "output_file"]
            }
            Self::Retry => &["course", "phase", "attempt", "findings", "items"],
        }
    }
}

const COURSE: &[&str] = &["code", "target", "known", "target_name"];
const PHASE: &[&str] = &["name", "title"];

impl Prompts {
    /// Compiles a rule's templates and tries them, so that no call fails for them later. Errors show the template's line.
    pub fn new(rule: &Rule, course: &Course) -> Result<Self> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        let mut syntax = environment.syntax().to_builder();
        let syntax = syntax.trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(|error| Problem::internal("template syntax").because(error))?);
        environment.set_debug(true);
        let Course { code, target, known, target_name, .. } = course;
        let sent = |context: &&Context| context.role != Role::Check;
        let mut prompts = Self {
            environment,
            templates: [rule.prompt.system.clone(), rule.prompt.batch.clone(), rule.prompt.retry.clone()],
            course: context! { code, target, known, target_name },
            phase: context! { name => rule.name.as_str(), title => rule.title.as_str() },
            contexts: rule.contexts.iter().filter(sent).map(|context| context.name.clone()).collect(),
            prefix: Arc::from(""),
        };
        for part in Part::ALL {
            let text = prompts.template(part).text.to_string();
            prompts
                .environment
                .add_template_owned(part.name(), text)
                .map_err(|error| prompts.problem(part, &error))?;
            prompts.knows_variables(part)?;
        }
        prompts.prefix = prompts.render_prefix(rule)?;
        prompts.try_out(rule)?;
        Ok(prompts)
    }

    /// The part that is the same for every call of the phase.
    pub fn prefix(&self) -> Arc<str> {
        Arc::clone(&self.prefix)
    }

    /// What follows the prefix: the items' scoped sections, the batch part, and for a retry what went wrong.
    pub fn body(&self, facts: &BodyFacts<'_>) -> Result<String> {
        let items = facts
            .items
            .iter()
            .map(|item| context! { id => item.id, input => Shown::from(Serde(item.input)) })
            .collect();
        self.render_body(facts, items).map_err(|(part, error)| self.problem(part, &error))
    }

    fn render_prefix(&self, rule: &Rule) -> Result<Arc<str>> {
        let schema = rule
            .output
            .schema
            .as_ref()
            .map_or_else(|| "{}".to_owned(), |schema| format!("{:#}", sorted(schema)));
        let facts = context! {
            course => self.course.clone(),
            phase => self.phase.clone(),
            intelligence => intelligence(rule.prompt.sections.iter()).trim_end(),
            schema,
        };
        self.render(Part::System, facts)
            .map(|text| Arc::from(ended(text)))
            .map_err(|(part, error)| self.problem(part, &error))
    }

    fn render_body(&self, facts: &BodyFacts<'_>, items: Vec<Shown>) -> Rendered {
        let contexts: Vec<(&str, Shown)> = self
            .contexts
            .iter()
            .map(|name| {
                let entries =
                    facts.context.iter().find(|(known, _)| known == name).map(|(_, entries)| *entries);
                (name.as_str(), Shown::from_object(Entries(entries.unwrap_or_default().to_vec())))
            })
            .collect();
        let batch = context! {
            course => self.course.clone(),
            phase => self.phase.clone(),
            label => facts.label,
            batch => facts.batch,
            scope => facts.scope,
            items => items.clone(),
            input => input_text(facts.items),
            context => Shown::from_pairs(contexts),
            output_file => format!("{}.json", crate::path::file_name(facts.label)),
        };
        let mut body = intelligence(facts.sections.iter().copied());
        if !body.is_empty() {
            body.push('\n');
        }
        body.push_str(&ended(self.render(Part::Batch, batch)?));
        if let Some(retry) = &facts.retry {
            let facts = context! {
                course => self.course.clone(),
                phase => self.phase.clone(),
                attempt => retry.attempt,
                findings => retry.findings.iter().map(shown_finding).collect::<Vec<_>>(),
                items => items,
            };
            body.push('\n');
            body.push_str(&ended(self.render(Part::Retry, facts)?));
        }
        Ok(body)
    }

    fn render(&self, part: Part, facts: Shown) -> Rendered {
        let template = self.environment.get_template(part.name()).map_err(|error| (part, error))?;
        template.render(facts).map_err(|error| (part, error))
    }

    fn template(&self, part: Part) -> &Template {
        match part {
            Part::System => &self.templates[0],
            Part::Batch => &self.templates[1],
            Part::Retry => &self.templates[2],
        }
    }

    /// Names in branches that a trial does not enter are found here.
    fn knows_variables(&self, part: Part) -> Result<()> {
        let template =
            self.environment.get_template(part.name()).map_err(|error| self.problem(part, &error))?;
        let mut used: Vec<String> = template.undeclared_variables(true).into_iter().collect();
        used.sort();
        for path in used {
            let mut steps = path.split('.');
            let root = steps.next().unwrap_or_default();
            let contexts: Vec<&str> = self.contexts.iter().map(String::as_str).collect();
            let (name, known, of) = match (root, steps.next()) {
                ("course", Some(field)) => (field, COURSE, "`course` has"),
                ("phase", Some(field)) => (field, PHASE, "`phase` has"),
                ("context", Some(field)) => (field, contexts.as_slice(), "the contexts sent are"),
                _ if self.environment.globals().any(|(global, _)| global == root) => continue,
                _ => (root, part.variables(), "variables here:"),
            };
            if !known.contains(&name) {
                let template = self.template(part);
                let at = template.text.find(path.as_str()).or_else(|| template.text.find(name));
                let place = at.map_or_else(
                    || Place::file(&template.name),
                    |at| Place::span(&template.name, &template.text, at..at + path.len()),
                );
                let known = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                let known = if known.is_empty() { "none".to_owned() } else { known };
                return Err(Problem::author(format!(
                    "the {} template knows no `{}`",
                    part.name(),
                    escape(&path)
                ))
                .at(place)
                .hint(format!("{of} {known}")));
            }
        }
        Ok(())
    }

    /// Renders bodies of a made-up item, so that a mistake shows before anything is bought.
    fn try_out(&self, rule: &Rule) -> Result<()> {
        for suggestion in [None, Some("suggestion")] {
            let findings = [FindingFacts { item: "id", kind: "kind", message: "message", suggestion }];
            let facts = BodyFacts {
                label: "label",
                batch: 1,
                scope: "scope",
                sections: &[],
                items: &[],
                context: &[],
                retry: Some(RetryFacts { attempt: 2, findings: &findings }),
            };
            let input = match rule.feed {
                Feed::Groups { .. } => Shown::from(vec![sample(&rule.input)]),
                Feed::Source | Feed::Phase { .. } => sample(&rule.input),
            };
            let item = context! { id => "id", input };
            match self.render_body(&facts, vec![item]) {
                // Only the shape of a made-up input is true: what fails on its values says nothing.
                Err((_, error)) if error.kind() == ErrorKind::InvalidOperation => {}
                Err((part, error)) => return Err(self.problem(part, &error)),
                Ok(_) => {}
            }
        }
        Ok(())
    }

    fn problem(&self, part: Part, error: &minijinja::Error) -> Problem {
        let template = self.template(part);
        let place = match (error.range(), error.line()) {
            (Some(range), _) => Place::span(&template.name, &template.text, range),
            (None, Some(line)) => {
                let start =
                    template.text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
                Place::span(&template.name, &template.text, start..start + 1)
            }
            (None, None) => Place::file(&template.name),
        };
        let problem = Problem::author(format!("the {} template cannot be used", part.name())).at(place);
        problem.because(
            error.detail().map_or_else(|| error.kind().to_string(), |d| format!("{}: {d}", error.kind())),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::course::load;
    use serde_json::json;

    struct Folder(tempfile::TempDir);

    const RULE: &str = "name = \"one\"\ntitle = \"work\"\nsource = \"seeds\"\nbatch = { size = 2 }\n[input]\na = \"/source\"\n[prompt]\nintelligence = [{ path = \"docs/*.md\" }]\nsystem = \"s.j2\"\nbatch = \"b.j2\"\nretry = \"r.j2\"\n[output]\nfile = \"one.json\"\nshape = { collection = \"object\" }\n[[context]]\nname = \"done\"\nfrom = \"one\"\nrole = \"hint\"\n";

    impl Folder {
        fn new(system: &str, batch: &str, retry: &str) -> Self {
            let folder = Self(tempfile::tempdir().unwrap());
            folder.put(
                "coursebuild.toml",
                "rules = \"rules\"\n[generate]\nuse = \"command\"\nargv = [\"agent\"]\n[[course]]\ncode = \"c\"\ntarget = \"t\"\ntarget_name = \"<T>\"\nknown = \"k\"\ndir = \"out\"\nseeds = \"seeds.json\"\n",
            );
            folder.put("seeds.json", r#"{"S1": "x", "S2": "y"}"#);
            folder.put("docs/1.md", "# A\n\nfirst\n");
            folder.put("docs/2.md", "# B\n\nsecond\n## Late\n<!-- coursebuild: items=S2 -->\nlate\n");
            folder.put("rules/one.toml", RULE);
            folder.put("rules/s.j2", system);
            folder.put("rules/b.j2", batch);
            folder.put("rules/r.j2", retry);
            folder
        }
        fn put(&self, name: &str, text: &str) {
            crate::fs::write_whole(&self.0.path().join(name), text.as_bytes(), false).unwrap();
        }
        fn course(&self) -> Course {
            load(&self.0.path().join("coursebuild.toml"), &[]).unwrap().courses.remove(0)
        }
        fn prompts(&self) -> Result<Prompts> {
            let course = self.course();
            Prompts::new(&course.phases[0].rule, &course)
        }
    }

    fn facts<'a>(items: &'a [ItemFacts<'a>]) -> BodyFacts<'a> {
        BodyFacts {
            label: "one_batch_7",
            batch: 7,
            scope: "S1-S2",
            sections: &[],
            items,
            context: &[],
            retry: None,
        }
    }

    #[test]
    fn the_prefix_holds_the_documents_and_the_body_the_items() {
        let folder = Folder::new(
            "{{ course.target_name }} {{ phase.title }}\n\n{{ intelligence }}\n\n",
            "{{ label }} {{ scope }} {{ batch }} {{ output_file }}\n{{ input }}\n{{ context.done }}\n{% for item in items %}\n{{ item.id }}={{ item.input.a }}\n{% endfor %}\n",
            "{{ attempt }}\n{% for finding in findings %}\n{{ finding.item }} {{ finding.type }} {{ finding.message }}{% if finding.suggestion %} ({{ finding.suggestion }}){% endif +%}\n{% endfor %}\n",
        );
        let course = folder.course();
        let prompts = Prompts::new(&course.phases[0].rule, &course).unwrap();
        assert_eq!(&*prompts.prefix(), "<T> work\n\n# A\n\nfirst\n\n# B\n\nsecond\n");
        let (one, two) = (json!({"b": 1, "a": "x\"<"}), json!({"a": "y"}));
        let items = [ItemFacts { id: "S1", input: &one }, ItemFacts { id: "S2", input: &two }];
        let plain = "one_batch_7 S1-S2 7 one_batch_7.json\n{\"items\":[\n{\"id\":\"S1\",\"input\":{\"a\":\"x\\\"<\",\"b\":1}},\n{\"id\":\"S2\",\"input\":{\"a\":\"y\"}}\n]}\n[]\nS1=x\"<\nS2=y\n";
        assert_eq!(prompts.body(&facts(&items)).unwrap(), plain);
        let scoped = &course.phases[0].rule.prompt.scoped[0];
        let findings = [
            FindingFacts { item: "S1", kind: "echo", message: "differs", suggestion: Some("copy it") },
            FindingFacts { item: "S2", kind: "tiling", message: "gap", suggestion: None },
        ];
        let entries = [json!({"b": 1, "a": 2}), json!([3])];
        let facts = BodyFacts {
            sections: &[scoped],
            context: &[("done", &entries)],
            retry: Some(RetryFacts { attempt: 2, findings: &findings }),
            ..facts(&items)
        };
        let body = prompts.body(&facts).unwrap();
        let plain = plain.replace("[]", "[\n{\"a\":2,\"b\":1},\n[3]\n]");
        assert_eq!(body, format!("## Late\nlate\n\n{plain}\n2\nS1 echo differs (copy it)\nS2 tiling gap\n"));
    }

    #[test]
    fn mistakes_in_templates_are_located() {
        for (system, batch, retry, start) in [
            ("x\n{{ label }}\n", "x", "x", "the system template knows no `label`\n  --> rules/s.j2:2:4"),
            (
                "{{ course.name }}",
                "x",
                "x",
                "the system template knows no `course.name`\n  --> rules/s.j2:1:4",
            ),
            (
                "x",
                "{% if false %}{{ context.other }}{% endif %}",
                "x",
                "the batch template knows no `context.other`\n",
            ),
            ("x", "a\n{% for x in items %}\n", "x", "the batch template cannot be used\n  --> rules/b.j2:"),
            ("x", "{{ items[0].input.b }}", "x", "the batch template cannot be used\n  --> rules/b.j2:1:"),
            ("x", "{% include 'a' %}", "x", "the batch template cannot be used\n  --> rules/b.j2:1:"),
            ("x", "{{ items|nope }}", "x", "the batch template cannot be used\n  --> rules/b.j2:1:"),
            ("x", "x", "{{ scope }}", "the retry template knows no `scope`\n  --> rules/r.j2:1:4"),
        ] {
            let error = Folder::new(system, batch, retry).prompts().unwrap_err().to_string();
            assert!(error.starts_with(start), "wanted {start}\n\ngot {error}");
        }
    }

    #[test]
    fn inputs_of_unknown_shape_pass_the_trial() {
        let batch = "{{ items[0].input.a.b.c }} {{ items[0].input.a + 1 }}{% for x in items[0].input.a %}{{ x }}{% endfor %}";
        Folder::new("x", batch, "x").prompts().unwrap();
    }

    #[test]
    fn the_builtin_prompts_can_be_used() {
        let folder = Folder::new("x", "x", "x");
        let manifest = crate::fs::read_text(&folder.0.path().join("coursebuild.toml")).unwrap().unwrap();
        folder.put("coursebuild.toml", &manifest.replace("rules = \"rules\"\n", ""));
        for phase in [1, 3, 5] {
            folder.put(
                &format!("docs/phase_intelligence/phase_{phase}_x.md"),
                "# THE GUIDE\n\n## Version History\n",
            );
        }
        let course = folder.course();
        for (at, phase) in course.phases.iter().enumerate() {
            let prompts = Prompts::new(&phase.rule, &course).unwrap();
            let input = json!({"lego": {"target": "INPUT"}});
            let items = [ItemFacts { id: "S1", input: &input }];
            let findings =
                [FindingFacts { item: "S1", kind: "tiling", message: "gap", suggestion: Some("mend") }];
            let entries = [json!({"id": "S0L01"})];
            let facts = BodyFacts {
                label: "LABEL",
                context: &[("vocabulary", &entries)],
                retry: Some(RetryFacts { attempt: 2, findings: &findings }),
                ..facts(&items)
            };
            let (prefix, body) = (prompts.prefix(), prompts.body(&facts).unwrap());
            assert!(prefix.contains("# THE GUIDE") && prefix.contains("prefixItems"));
            assert!(!prefix.contains("Version History") && !prefix.contains("\n\n\n"), "{prefix}");
            for wanted in [
                "LABEL",
                "S1-S2",
                "INPUT",
                "LABEL.json",
                "- `S1` (tiling): gap\n  Suggestion: mend\n",
                "attempt 2",
            ] {
                assert!(body.contains(wanted), "{wanted} is not in\n{body}");
            }
            assert!(!body.contains("\n\n\n") && body.ends_with(".\n"), "{body}");
            assert_eq!(body.contains("S0L01"), at == 2);
        }
    }
}
