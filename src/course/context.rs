//! `[[context]]`: what a prompt or a check reads beside the item, from the results of a phase or from the registry of a check.

use super::pointing::{plain_pointer, pointer, projection, shows, whole};
use super::raw_rule::{RawBefore, RawContext, RawRule};
use super::text::{TextFile, TextOr, hint_of};
use super::types::{Context, Projection, Registry, Role, Window};
use crate::diag::{Result, escape};
use std::collections::HashMap;
use toml::Spanned;

/// The contexts of a rule. `input` is what the rule shows of an item, where that can be told from the rule alone.
pub(super) fn contexts(
    file: &TextFile,
    raw: &RawRule,
    positions: &HashMap<&str, usize>,
    input: Option<&Projection>,
) -> Result<Vec<Context>> {
    let mut contexts = Vec::<Context>::new();
    for context in raw.context.iter().map(Spanned::get_ref) {
        let name = context.name.get_ref();
        let mut chars = name.chars();
        let starts_well = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
        if !starts_well || !chars.all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(file
                .problem(context.name.span(), format!("`{}` is not a name for a context", escape(name)))
                .because("templates read it as `context.NAME`")
                .hint("use letters, digits and `_`"));
        }
        if contexts.iter().any(|other| other.name == *name) {
            return Err(file.problem(context.name.span(), format!("two contexts are called `{name}`")));
        }
        let registry = registry(file, raw, context, input)?;
        let from = if registry.is_some() { &raw.name } else { shown(file, context)? };
        contexts.push(Context {
            name: name.clone(),
            phase: positions.get(from.get_ref().as_str()).copied().unwrap_or_default(),
            registry,
            role: *context.role.get_ref(),
            window: window(file, context.window.as_ref())?,
            each: context.each.as_ref().map(|each| pointer(file, each)).transpose()?,
            show: match &context.show {
                Some(show) => projection(file, show, context.each.is_some(), "this context has no `each`")?,
                None => whole(),
            },
            max_bytes: match &context.max_bytes {
                Some(bytes) if *bytes.get_ref() == 0 => {
                    return Err(file.problem(bytes.span(), "`max_bytes` has to be at least 1"));
                }
                bytes => bytes.as_ref().map(|bytes| *bytes.get_ref()),
            },
        });
    }
    Ok(contexts)
}

/// The phase that a context without a registry reads.
fn shown<'r>(file: &TextFile, raw: &'r RawContext) -> Result<&'r Spanned<String>> {
    if let Some(text) = &raw.text {
        return Err(file
            .problem(text.span(), "`text` says where the concepts of a registry are looked for")
            .because("this context has no `registry`")
            .hint("take `text` out; `show` says what is shown of a result"));
    }
    raw.from.as_ref().ok_or_else(|| {
        file.problem(
            raw.name.span(),
            format!("nothing says what the context `{}` shows", raw.name.get_ref()),
        )
        .hint("add `from = \"PHASE\"` for the results of a phase, or `registry = \"CHECK\"` for the words that a check keeps")
    })
}

/// The registry that a context shows, if it shows one. Which checks keep a registry is known where checks are.
fn registry(
    file: &TextFile,
    rule: &RawRule,
    raw: &RawContext,
    input: Option<&Projection>,
) -> Result<Option<Registry>> {
    let Some(check) = &raw.registry else { return Ok(None) };
    if let Some(from) = &raw.from {
        return Err(file
            .problem(from.span(), "`from` and `registry` both say what this context shows")
            .hint("keep one of them"));
    }
    let because = match raw.role.get_ref() {
        Role::Hint => None,
        Role::Key => Some(
            "a word that one item changes would make every later item stale that could use it; the check finds those that do not go with it",
        ),
        Role::Check => Some("the check that keeps the registry reads it without a context"),
    };
    if let Some(because) = because {
        let what =
            format!("the context `{}` shows a registry, which is for prompts only", raw.name.get_ref());
        return Err(file.problem(raw.role.span(), what).because(because).hint("use `role = \"hint\"`"));
    }
    if let Some(each) = &raw.each {
        return Err(file
            .problem(each.span(), "`each` splits results, and a registry has words")
            .hint("take `each` out"));
    }
    if let Some(window) = raw.window.as_ref().filter(|window| matches!(window.get_ref(), TextOr::Table(_))) {
        return Err(file
            .problem(window.span(), "a registry has no window of the last few")
            .because("what came first counts in it")
            .hint("use `\"all earlier\"` or `\"whole phase\"`"));
    }
    let label =
        |check: &'_ super::raw_rule::RawCheck| check.label.clone().unwrap_or_else(|| check.name.clone());
    let labels: Vec<String> = rule.check.iter().map(|check| label(check.get_ref())).collect();
    if !labels.contains(check.get_ref()) {
        let known = labels.iter().map(String::as_str);
        return Err(file
            .problem(check.span(), format!("this rule has no check `{}`", escape(check.get_ref())))
            .hint(hint_of(check.get_ref(), known, "its checks are")));
    }
    let Some(text) = &raw.text else {
        return Err(file
            .problem(check.span(), "nothing says in which text of an item the concepts are looked for")
            .hint("add `text = \"/source\"`: a pointer into the input"));
    };
    let at = plain_pointer(file, text)?;
    if !input.is_none_or(|input| shows(input, &at)) {
        return Err(file
            .problem(text.span(), format!("`{at}` points at nothing that `input` shows"))
            .hint("point into the input as the generator sees it, not into the item"));
    }
    Ok(Some(Registry { check: check.get_ref().clone(), text: at, place: file.place(check.span()) }))
}

fn window(file: &TextFile, raw: Option<&Spanned<TextOr<RawBefore>>>) -> Result<Window> {
    let Some(raw) = raw else { return Ok(Window::AllEarlier) };
    match raw.get_ref() {
        TextOr::Table(RawBefore { before }) if *before > 0 => Ok(Window::Before(*before)),
        TextOr::Text(text) if text == "all earlier" => Ok(Window::AllEarlier),
        TextOr::Text(text) if text == "whole phase" => Ok(Window::WholePhase),
        _ => Err(file
            .problem(raw.span(), "this is not a window")
            .hint("the windows are `\"all earlier\"`, `\"whole phase\"` and `{ before = 10 }`")),
    }
}
