//! From a rule as written to a rule that holds: names resolved, pointers parsed, documents and templates read.

use super::computing::{computed, derived};
use super::context;
use super::document::{self, RawSection};
use super::generate::Generate;
use super::manifest::RawPhase;
use super::order::Written;
use super::output::Output;
use super::pack::Pack;
use super::pointing::{explode, plain_pointer, pointers, projection, shape, shows, whole};
use super::raw_rule::{Named, RawCheck, RawOutput, RawRule, RawSource};
use super::text::{Files, TextFile, TextOr};
use super::types::{Batch, CheckSpec, Feed, Prompt, Rule, Section, Template};
use crate::diag::{Place, Result};
use crate::json::{Kind, Pointer, Shape, normalize, normalize_text};
use crate::path::Inside;
use std::collections::HashMap;
use std::sync::Arc;
use toml::Spanned;

const DEFAULT_ATTEMPTS: u32 = 3;

/// A rule, and what of it depends on a course's source.
#[derive(Debug)]
pub(super) struct LoadedRule {
    pub(super) rule: Rule,
    /// Sections for some items only, in order; a course's ids tell which.
    pub(super) scoped: Vec<RawSection>,
    /// The source that the rule asks for; `None` when another phase feeds it.
    pub(super) source: Option<OwnSource>,
}

/// What a rule says of its source.
#[derive(Debug, Clone, Default)]
pub(super) struct OwnSource {
    /// A file of its own, and where it is named; else the course's seeds.
    pub(super) file: Option<(String, Place)>,
    /// How the source holds its items, when that is not for the reader to see.
    pub(super) shape: Option<Shape>,
    /// Where `shape` is written.
    pub(super) shape_place: Option<Place>,
    /// Where an item of a file or line of its own has its id, and where that is written.
    pub(super) id: Option<(Pointer, Place)>,
    /// The sections of texts are the items; where that is written.
    pub(super) sections: Option<Place>,
}

/// What a rule is read with.
pub(super) struct Reading<'a> {
    pub(super) files: &'a mut Files,
    pub(super) pack: &'a Pack,
    /// Phases by name → position in the course.
    pub(super) positions: &'a HashMap<&'a str, usize>,
}

impl Reading<'_> {
    /// Reads a rule, with what the manifest changes of it.
    pub(super) fn rule(
        &mut self,
        (file, raw): &Written,
        overrides: Option<(&TextFile, &RawPhase)>,
        generate: Generate,
    ) -> Result<LoadedRule> {
        let (feed, source) = self.feed(file, raw)?;
        let grouped = matches!(&feed, Feed::Groups { .. });
        let exploded = matches!(&feed, Feed::Phase { explode: Some(_), .. });
        let input = match &raw.input {
            Some(input) => projection(file, input, exploded, "this phase has no `explode`")?,
            None => whole(),
        };
        let input_ids = pointers(file, &raw.input_ids)?;
        for (id, written) in input_ids.iter().zip(&raw.input_ids) {
            // The input of a group is a list: where in it an id stands, the rule alone cannot tell.
            if !grouped && !shows(&input, id) {
                return Err(file
                    .problem(written.span(), format!("`{id}` points at nothing that `input` shows"))
                    .hint("point into the input as the generator sees it, not into the item"));
            }
        }
        let (prompt, scoped) = self.prompt(file, raw)?;
        let contexts = context::contexts(file, raw, self.positions, (!grouped).then_some(&input))?;
        super::cohort::allowed(file, raw, &contexts, grouped)?;
        let rule = Rule {
            name: raw.name.get_ref().clone(),
            title: raw.title.clone().unwrap_or_else(|| raw.name.get_ref().clone()),
            feed,
            input,
            input_ids,
            batch: batch(file, raw, overrides)?,
            attempts: attempts(file, raw, overrides)?,
            prompt,
            output: self.output(file, &raw.output, exploded)?,
            contexts,
            checks: self.checks(file, raw, overrides)?,
            generate,
        };
        Ok(LoadedRule { rule, scoped, source })
    }

    fn feed(&self, file: &TextFile, raw: &RawRule) -> Result<(Feed, Option<OwnSource>)> {
        match (&raw.after, &raw.source) {
            (Some(after), None) => {
                let phase = self.positions.get(after.get_ref().as_str()).copied().unwrap_or_default();
                match (&raw.explode, &raw.group) {
                    (Some(_), Some(group)) => Err(file
                        .problem(group.span(), "`group` and `explode` both say what the items are")
                        .because("one makes an item of many results, the other many of one")
                        .hint("keep one of them; a phase between the two can do the other")),
                    (None, Some(group)) => {
                        let by = plain_pointer(file, &group.get_ref().by)?;
                        Ok((Feed::Groups { phase, by }, None))
                    }
                    (explode_raw, None) => {
                        let explode = explode_raw.as_ref().map(|raw| explode(file, raw)).transpose()?;
                        Ok((Feed::Phase { phase, explode }, None))
                    }
                }
            }
            (None, Some(_)) if raw.group.is_some() => {
                let span = raw.group.as_ref().map_or(0..0, Spanned::span);
                Err(file
                    .problem(span, "`group` gathers the results of another phase, and this one has a source")
                    .hint("write `after = \"PHASE\"` instead of `source`, or take `group` out"))
            }
            (None, Some(source)) => match &raw.explode {
                Some(explode) => Err(file
                    .problem(
                        explode.span(),
                        "`explode` splits the results of another phase, and this one has a source",
                    )
                    .hint("write `after = \"PHASE\"` instead of `source`, or take `explode` out")),
                None => Ok((Feed::Source, Some(own_source(file, source)?))),
            },
            (Some(_), Some(source)) => Err(file
                .problem(source.span(), "`after` and `source` both say where the items come from")
                .hint("keep one of them")),
            (None, None) => Err(file
                .problem(raw.name.span(), "nothing says where the items of this phase come from")
                .hint("add `source = \"seeds\"` or `after = \"PHASE\"`")),
        }
    }

    fn prompt(&mut self, file: &TextFile, raw: &RawRule) -> Result<(Prompt, Vec<RawSection>)> {
        let (mut sections, mut scoped) = (Vec::new(), Vec::new());
        for documents in &raw.prompt.intelligence {
            let without: Vec<(String, Place)> = documents
                .without
                .iter()
                .map(|name| (name.get_ref().clone(), file.place(name.span())))
                .collect();
            let asked = file.place(documents.path.span());
            // Whoever uses a built-in rule cannot edit it, and need not have every section that it drops.
            let strict = !self.pack.is_builtin();
            for section in document::load(self.files, documents.path.get_ref(), &without, &asked, strict)? {
                if section.scope.is_some() {
                    scoped.push(section);
                } else {
                    sections.push(Section {
                        document: section.document,
                        name: section.name,
                        text: section.text.into(),
                        scope: None,
                    });
                }
            }
        }
        let system = self.template(file, &raw.prompt.system)?;
        let batch = self.template(file, &raw.prompt.batch)?;
        let retry = self.template(file, &raw.prompt.retry)?;
        Ok((Prompt { sections, scoped: Vec::new(), system, batch, retry }, scoped))
    }

    fn template(&mut self, file: &TextFile, path: &Spanned<String>) -> Result<Template> {
        let found = self.pack.file(self.files, path.get_ref(), file.place(path.span()))?;
        Ok(Template { name: found.name.display().to_string(), text: normalize_text(&found.text).into() })
    }

    pub(super) fn output(&mut self, file: &TextFile, raw: &RawOutput, exploded: bool) -> Result<Output> {
        let name =
            Inside::new(raw.file.get_ref()).map_err(|problem| problem.at(file.place(raw.file.span())))?;
        if name.as_str().ends_with("coursebuild.lock") {
            return Err(file
                .problem(raw.file.span(), "`coursebuild.lock` is the name of the lock")
                .hint("choose another name"));
        }
        let shape = shape(file, &raw.shape)?;
        if shape.kind == Kind::Array && raw.shape.get_ref().id.is_none() {
            return Err(file
                .problem(raw.shape.span(), "an array needs `id`: where an item has its id")
                .hint("write `shape = { collection = \"array\", id = \"/0\" }`"));
        }
        let schema = match &raw.schema {
            Some(path) => {
                let found = self.pack.file(self.files, path.get_ref(), file.place(path.span()))?;
                let mut schema = found.json()?;
                normalize(&mut schema);
                Some(schema)
            }
            None => None,
        };
        let mut envelope = Vec::new();
        if let Some(fields) = &raw.envelope {
            let Named(fields) = fields.get_ref();
            for (name, field) in fields {
                envelope.push((name.clone(), computed(file, field)?));
            }
            if shape.at.is_root() {
                return Err(file
                    .problem(raw.shape.span(), "there is no envelope around a collection that is the whole file")
                    .hint("say where in the file the collection stands: `at = \"/items\"`, or take `envelope` out"));
            }
        }
        Ok(Output {
            file: name.as_str().to_owned(),
            shape,
            schema,
            ids: pointers(file, &raw.ids)?,
            derived: derived(file, &raw.derived, exploded)?,
            envelope,
        })
    }

    /// The checks as declared, `language:…` still in them.
    fn checks(
        &mut self,
        file: &TextFile,
        raw: &RawRule,
        overrides: Option<(&TextFile, &RawPhase)>,
    ) -> Result<Vec<CheckSpec>> {
        let mut checks: Vec<CheckSpec> = raw.check.iter().map(|check| self.check(file, check)).collect();
        if let Some((manifest, phase)) = overrides {
            super::severity::apply(&mut checks, manifest, &phase.check, raw.name.get_ref())?;
        }
        for check in &mut checks {
            super::outside::resolve(self.files, check)?;
        }
        Ok(checks)
    }

    fn check(&self, file: &TextFile, raw: &Spanned<RawCheck>) -> CheckSpec {
        let RawCheck { name, label, from, severity, fields } = raw.get_ref();
        let mut fields = fields.clone();
        if let Some(from) = from {
            fields.insert("from".to_owned(), from.get_ref().as_str().into());
        }
        let mut fields = crate::json::Value::Object(fields);
        normalize(&mut fields);
        CheckSpec {
            name: name.clone(),
            label: label.as_ref().unwrap_or(name).clone(),
            severity: *severity,
            fields,
            from: from.as_ref().and_then(|from| self.positions.get(from.get_ref().as_str()).copied()),
            place: file.place(raw.span()),
        }
    }
}

fn batch(file: &TextFile, raw: &RawRule, overrides: Option<(&TextFile, &RawPhase)>) -> Result<Batch> {
    let written = raw.batch.get_ref();
    let overridden =
        overrides.and_then(|(manifest, phase)| phase.batch.as_ref().map(|size| (manifest, size)));
    let (size, file, span) = match overridden {
        Some((manifest, size)) => (*size.get_ref(), manifest, size.span()),
        None => (written.size, file, raw.batch.span()),
    };
    if size == 0 || written.max_prompt_bytes == Some(0) {
        return Err(file.problem(span, "a batch has at least 1 item").hint("a size of 20 is a good start"));
    }
    Ok(Batch { size, cohort: written.cohort, max_prompt_bytes: written.max_prompt_bytes })
}

fn attempts(file: &TextFile, raw: &RawRule, overrides: Option<(&TextFile, &RawPhase)>) -> Result<u32> {
    let overridden = overrides.and_then(|(manifest, phase)| phase.attempts.as_ref().map(|n| (manifest, n)));
    match overridden.or_else(|| raw.attempts.as_ref().map(|attempts| (file, attempts))) {
        Some((file, attempts)) if *attempts.get_ref() == 0 => Err(file
            .problem(attempts.span(), "`attempts` counts the first time too: at least 1")
            .hint(format!("leave it out for {DEFAULT_ATTEMPTS}"))),
        Some((_, attempts)) => Ok(*attempts.get_ref()),
        None => Ok(DEFAULT_ATTEMPTS),
    }
}

fn own_source(file: &TextFile, raw: &Spanned<TextOr<RawSource>>) -> Result<OwnSource> {
    match raw.get_ref() {
        TextOr::Text(text) if text == "seeds" => Ok(OwnSource::default()),
        TextOr::Text(text) => {
            Ok(OwnSource { file: Some((text.clone(), file.place(raw.span()))), ..OwnSource::default() })
        }
        TextOr::Table(table) => Ok(OwnSource {
            file: table.file.as_ref().map(|path| (path.get_ref().clone(), file.place(path.span()))),
            shape: table.shape.as_ref().map(|raw| shape(file, raw)).transpose()?,
            id: table
                .id
                .as_ref()
                .map(|id| Ok((plain_pointer(file, id)?, file.place(id.span()))))
                .transpose()?,
            shape_place: table.shape.as_ref().map(|shape| file.place(shape.span())),
            sections: table.split.as_ref().map(|split| file.place(split.span())),
        }),
    }
}

/// Two phases with one main file would overwrite each other.
pub(super) fn outputs_differ(rules: &[(&Written, &LoadedRule)]) -> Result<()> {
    let mut seen = HashMap::<&str, &str>::new();
    for ((file, raw), loaded) in rules {
        let name = loaded.rule.output.file.as_str();
        if let Some(first) = seen.insert(name, &loaded.rule.name) {
            return Err(file
                .problem(raw.output.file.span(), format!("`{name}` is the main file of two phases"))
                .because(format!("`{first}` writes it too"))
                .hint("give each phase a file of its own"));
        }
    }
    Ok(())
}

/// A rule for one course: with the sections that are for some of its items, and the checks of its language.
pub(super) fn for_course(rule: &Rule, scoped: Vec<Section>, checks: Vec<CheckSpec>) -> Arc<Rule> {
    let mut rule = Rule::clone(rule);
    rule.prompt.scoped = scoped;
    rule.checks = checks;
    Arc::new(rule)
}
