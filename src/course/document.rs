//! Intelligence documents, cut into sections at their headings.
//!
//! A section is the unit of "what changed": an edit inside one names it, and a dropped or scoped one counts for nobody or for
//! its items only. HTML comments are for people and never count.

use super::text::{Files, TextFile, listed};
use crate::diag::{Place, Problem, Result, escape};
use crate::json::normalize_text;
use globset::GlobBuilder;
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use std::ops::Range;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// A section as it stands in its document; its scope is not resolved yet, because that takes the source's ids.
#[derive(Debug, Clone)]
pub(super) struct RawSection {
    /// The document, relative to the workspace, with `/`.
    pub(super) document: String,
    /// The path of headings.
    pub(super) name: String,
    /// As sent.
    pub(super) text: String,
    /// Whom it is for, when not for all.
    pub(super) scope: Option<Scope>,
}

/// `items=S0101-S0300`, as written, and where.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    pub(super) range: String,
    pub(super) place: Place,
}

/// Reads the documents that a pattern names, in the order of their paths, without the sections under the headings `without`.
/// `asked` is where the pattern is written. `strict`: a name in `without` that is no heading of any document is an error.
pub(super) fn load(
    files: &mut Files,
    pattern: &str,
    without: &[(String, Place)],
    asked: &Place,
    strict: bool,
) -> Result<Vec<RawSection>> {
    let mut used = vec![false; without.len()];
    let mut sections = Vec::new();
    for (document, path) in find(files, pattern, asked)? {
        let text = files.text(&path)?.ok_or_else(|| missing(pattern, asked))?.text;
        let file = TextFile { name: PathBuf::from(&document), text: normalize_text(&text) };
        for Cut { section, headings } in cut(&document, &file)? {
            let dropped = without
                .iter()
                .zip(&mut used)
                .filter(|((name, _), _)| headings.iter().any(|heading| same_heading(heading, name)))
                .map(|(_, used)| *used = true)
                .count();
            if dropped == 0 {
                sections.push(section);
            }
        }
    }
    if let Some(((name, place), _)) = without.iter().zip(used).find(|(_, used)| strict && !used) {
        return Err(Problem::author(format!(
            "`{}` is not a heading of any of these documents",
            escape(name)
        ))
        .at(place.clone())
        .because(format!("`{}` has sections, but none of that name", escape(pattern)))
        .hint("write the heading's text without its `#` marks, or take the name out of `without`"));
    }
    Ok(sections)
}

fn same_heading(a: &str, b: &str) -> bool {
    a.trim().to_lowercase() == b.trim().to_lowercase()
}

fn missing(pattern: &str, asked: &Place) -> Problem {
    Problem::author(format!("there is no document `{}`", escape(pattern)))
        .at(asked.clone())
        .hint("paths of documents start at the folder of `coursebuild.toml`")
}

/// The documents that a pattern names: their names relative to the workspace, and their paths. Sorted; never empty.
pub(super) fn find(files: &mut Files, pattern: &str, asked: &Place) -> Result<Vec<(String, PathBuf)>> {
    if Path::new(pattern).is_absolute() {
        return Err(Problem::author(format!("`{}` is an absolute path", escape(pattern)))
            .at(asked.clone())
            .because("the same work has to be found again on another machine")
            .hint("write it relative to the folder of `coursebuild.toml`"));
    }
    let parts: Vec<&str> = pattern.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let special = |part: &&str| part.contains(['*', '?', '[', '{']);
    let Some(first) = parts.iter().position(special) else {
        let path = files.path(pattern);
        files.note(&path);
        return if path.is_file() { Ok(vec![(parts.join("/"), path)]) } else { Err(missing(pattern, asked)) };
    };
    let glob = GlobBuilder::new(&parts[first..].join("/"))
        .literal_separator(true)
        .build()
        .map_err(|error| {
            Problem::author(format!("`{}` is not a pattern for files", escape(pattern)))
                .at(asked.clone())
                .because(error.kind())
        })?
        .compile_matcher();
    let (base_name, base) = (parts[..first].join("/"), files.path(&parts[..first].join("/")));
    let depth = if parts.contains(&"**") { usize::MAX } else { parts.len() - first };
    let mut found = Vec::new();
    files.note(&base);
    let hidden_wanted = parts[first..].iter().any(|part| part.starts_with('.'));
    let walk = WalkDir::new(&base).follow_links(true).min_depth(1).max_depth(depth).into_iter();
    // Hidden folders hold stores and version control, not documents.
    let walk =
        walk.filter_entry(|entry| hidden_wanted || !entry.file_name().as_encoded_bytes().starts_with(b"."));
    for entry in walk {
        let entry = match entry {
            Ok(entry) => entry,
            Err(_) if !base.exists() => break,
            // A folder that cannot be listed may hold a document: to go on without it would send less than was asked.
            Err(error) => {
                return Err(Problem::environment(format!("could not look for `{}`", escape(pattern)))
                    .at(asked.clone())
                    .because(error));
            }
        };
        if entry.file_type().is_dir() {
            files.note(entry.path());
        } else if let Ok(inside) = entry.path().strip_prefix(&base)
            && glob.is_match(inside)
        {
            let inside: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
            let name = if base_name.is_empty() {
                inside.join("/")
            } else {
                format!("{base_name}/{}", inside.join("/"))
            };
            found.push((name, entry.path().to_owned()));
        }
    }
    if found.is_empty() {
        return Err(Problem::author(format!("no file matches `{}`", escape(pattern)))
            .at(asked.clone())
            .because(if base.is_dir() {
                format!("the folder `{base_name}` holds none")
            } else {
                format!("there is no folder `{base_name}`")
            })
            .hint("paths of documents start at the folder of `coursebuild.toml`"));
    }
    found.sort();
    Ok(found)
}

/// The sections of one normalised text, in order.
pub(super) fn sections(document: &str, file: &TextFile) -> Result<Vec<RawSection>> {
    Ok(cut(document, file)?.into_iter().map(|cut| cut.section).collect())
}

/// A section and the texts of the headings that it stands under, its own last.
struct Cut {
    section: RawSection,
    headings: Vec<String>,
}

struct Heading {
    at: usize,
    end: usize,
    level: HeadingLevel,
    text: String,
}

/// Cuts a normalised document at its headings. The sections' texts, one after another, are the document less its comments.
fn cut(document: &str, file: &TextFile) -> Result<Vec<Cut>> {
    let text = &file.text;
    let (headings, comments) = outline(text);
    let mut cuts = Vec::new();
    let first = headings.first().map_or(text.len(), |heading| heading.at);
    let intro = without_comments(text, 0..first, &comments);
    if !intro.is_empty() {
        let section =
            RawSection { document: document.to_owned(), name: String::new(), text: intro, scope: None };
        cuts.push(Cut { section, headings: Vec::new() });
    }
    let mut above: Vec<(HeadingLevel, String, Option<Scope>)> = Vec::new();
    let mut seen = std::collections::HashMap::<String, usize>::new();
    let mut placed = 0;
    for (at, heading) in headings.iter().enumerate() {
        let end = headings.get(at + 1).map_or(text.len(), |next| next.at);
        above.retain(|(level, ..)| *level < heading.level);
        let own = scope_of(file, heading.end..end, &comments)?;
        placed += usize::from(own.is_some());
        let scope = own.or_else(|| above.last().and_then(|(_, _, scope)| scope.clone()));
        above.push((heading.level, heading.text.clone(), scope.clone()));
        let headings: Vec<String> = above.iter().map(|(_, text, _)| text.clone()).collect();
        let mut name = headings.join(" / ");
        let count = seen.entry(name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            name = format!("{name} ({count})");
        }
        let text = without_comments(text, heading.at..end, &comments);
        cuts.push(Cut { section: RawSection { document: document.to_owned(), name, text, scope }, headings });
    }
    let mut directives = comments.iter().filter(|comment| directive(&text[(*comment).clone()]).is_some());
    if directives.clone().count() > placed
        && let Some(lost) = directives.find(|comment| !under_a_heading(text, &headings, comment.start))
    {
        return Err(file
            .problem(lost.clone(), "this directive does not stand directly under a heading")
            .hint("write it on a line of its own, right below the heading of the section that it scopes"));
    }
    if let Some(last) = cuts.last_mut() {
        let kept = last.section.text.trim_end_matches('\n').len();
        last.section.text.truncate(kept);
        last.section.text.push('\n');
    }
    Ok(cuts)
}

/// The headings that stand at the outermost level, and the HTML comments outside code, in order.
fn outline(text: &str) -> (Vec<Heading>, Vec<Range<usize>>) {
    let (mut headings, mut comments) = (Vec::<Heading>::new(), Vec::new());
    let (mut depth, mut inside) = (0_usize, false);
    let options = Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, .. }) if depth == 0 => {
                inside = true;
                headings.push(Heading { at: range.start, end: range.end, level, text: String::new() });
            }
            Event::End(TagEnd::Heading(_)) if depth == 0 => inside = false,
            Event::Start(Tag::BlockQuote(_) | Tag::List(_) | Tag::Item) => depth += 1,
            Event::End(TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::Item) => depth -= 1,
            Event::Start(Tag::HtmlBlock) => comments_in(text, range, &mut comments),
            Event::InlineHtml(html) if html.starts_with("<!--") => comments.push(range),
            Event::Text(words) | Event::Code(words) if inside => {
                if let Some(heading) = headings.last_mut() {
                    heading.text.push_str(&words);
                }
            }
            Event::SoftBreak | Event::HardBreak if inside => {
                if let Some(heading) = headings.last_mut() {
                    heading.text.push(' ');
                }
            }
            _ => {}
        }
    }
    headings.iter_mut().for_each(|heading| heading.text = heading.text.trim().to_owned());
    (headings, comments)
}

fn comments_in(text: &str, block: Range<usize>, comments: &mut Vec<Range<usize>>) {
    let mut at = block.start;
    while let Some(start) = text[at..block.end].find("<!--").map(|found| at + found) {
        // A comment that is never closed stays: cutting the rest of a document off would be worse.
        let Some(end) = text[start..block.end].find("-->").map(|found| start + found + 3) else { break };
        comments.push(start..end);
        at = end;
    }
}

/// A part of a text as if the comments in it had never been written: without the lines, empty lines and spaces they leave.
fn without_comments(text: &str, part: Range<usize>, comments: &[Range<usize>]) -> String {
    let mut out = String::with_capacity(part.len());
    let mut at = part.start;
    for comment in comments.iter().filter(|comment| part.contains(&comment.start)) {
        out.push_str(&text[at..comment.start]);
        at = comment.end.min(part.end);
        let rest = &text[at..part.end];
        let before = out.trim_end_matches([' ', '\t']).len();
        let starts_line = before == 0 || out[..before].ends_with('\n');
        if rest.is_empty() || rest.starts_with('\n') {
            out.truncate(before);
            if starts_line && (out.is_empty() || out.ends_with("\n\n")) {
                at += rest.len() - rest.trim_start_matches('\n').len();
            } else if starts_line {
                at += rest.len().min(1);
            }
        } else if starts_line || before < out.len() {
            at += rest.len() - rest.trim_start_matches(' ').len();
        }
    }
    out.push_str(&text[at..part.end]);
    out
}

/// What stands after `coursebuild:` in a comment.
fn directive(comment: &str) -> Option<&str> {
    let inner = comment.strip_prefix("<!--")?.strip_suffix("-->")?.trim();
    inner.strip_prefix("coursebuild:").map(str::trim)
}

fn under_a_heading(text: &str, headings: &[Heading], at: usize) -> bool {
    headings
        .iter()
        .rev()
        .find(|heading| heading.end <= at)
        .is_some_and(|heading| text[heading.end..at].trim().is_empty())
}

/// The scope that the first thing below a heading declares.
fn scope_of(file: &TextFile, below: Range<usize>, comments: &[Range<usize>]) -> Result<Option<Scope>> {
    let Some(comment) = comments.iter().find(|comment| below.contains(&comment.start)) else {
        return Ok(None);
    };
    if !file.text[below.start..comment.start].trim().is_empty() {
        return Ok(None);
    }
    let Some(said) = directive(&file.text[comment.clone()]) else { return Ok(None) };
    match said.strip_prefix("items=").map(str::trim) {
        Some(range) if !range.is_empty() => {
            Ok(Some(Scope { range: range.to_owned(), place: file.place(comment.clone()) }))
        }
        _ => Err(file
            .problem(comment.clone(), format!("unknown directive `{}`", escape(said)))
            .hint(format!("the directives are {}", listed(&["items=FIRST-LAST"])))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cuts(text: &str) -> Vec<(String, String, Option<String>)> {
        let file = TextFile { name: "d.md".into(), text: normalize_text(text) };
        cut("d.md", &file)
            .unwrap()
            .into_iter()
            .map(|Cut { section, .. }| (section.name, section.text, section.scope.map(|scope| scope.range)))
            .collect()
    }

    fn names(text: &str) -> Vec<String> {
        cuts(text).into_iter().map(|(name, ..)| name).collect()
    }

    const DOCUMENT: &str = "---\ntitle: x\n---\n\nintro\n\n# Guide\n\ntext\n\n## `Tiling` rules\n\n```md\n# not a heading\n\
        <!-- kept -->\n```\n\n### Exceptions\nx\n\n> # quoted\n\n## Tiling rules\n\nagain\n\nSetext\n------\nend\n";

    #[test]
    fn sections_are_cut_at_headings_only() {
        assert_eq!(
            names(DOCUMENT),
            [
                "",
                "Guide",
                "Guide / Tiling rules",
                "Guide / Tiling rules / Exceptions",
                "Guide / Tiling rules (2)",
                "Guide / Setext"
            ]
        );
    }

    #[test]
    fn the_sections_together_are_the_document() {
        for text in [DOCUMENT, "", "no heading", "# a", "\r\n\r\n# a\r\n\r\n", "# a\n# a\n# a\n\n\n"] {
            let whole: String = cuts(text).into_iter().map(|(_, text, _)| text).collect();
            assert_eq!(whole, normalize_text(text), "{text:?}");
        }
    }

    #[test]
    fn comments_never_count() {
        let plain = "# A\n\none\n\ntwo\n\n# B\n\nthree\n";
        for commented in [
            "<!-- c -->\n# A\n\none\n\ntwo\n\n# B\n\nthree\n",
            "# A\n<!-- c -->\n\none\n\ntwo\n\n# B\n\nthree\n",
            "# A\n\n<!-- c\n# no heading\n\nc -->\n\none\n\ntwo\n\n# B\n\nthree\n",
            "# A\n\none\n\n<!-- c -->\n\ntwo\n\n# B\n\nthree\n",
            "# A\n\none <!-- c -->\n\ntwo\n\n<!-- c --><!-- d -->\n\n# B\n\nthree\n\n<!-- c -->\n",
        ] {
            let whole: String = cuts(commented).into_iter().map(|(_, text, _)| text).collect();
            assert_eq!(whole, plain, "{commented:?}");
        }
        for (commented, plain) in [
            ("- a\n  <!-- c -->\n  b\n", "- a\n  b\n"),
            ("a <!-- c --> b\n", "a b\n"),
            ("<!-- c --> a\n", "a\n"),
            ("a\n<!-- c -->", "a\n"),
            ("a `<!-- c -->` b\n", "a `<!-- c -->` b\n"),
            ("a\n\n<!-- never closed\n\nb\n", "a\n\n<!-- never closed\n\nb\n"),
        ] {
            let whole: String = cuts(commented).into_iter().map(|(_, text, _)| text).collect();
            assert_eq!(whole, plain, "{commented:?}");
        }
    }

    #[test]
    fn a_scope_holds_for_a_section_and_those_below_it() {
        let text = "# A\n<!-- coursebuild: items=S0101-S0300 -->\n\nx\n\n## B\ny\n\n## C\n\n<!-- coursebuild: items=S0200 -->\nz\n\n# D\n";
        let scopes: Vec<_> = cuts(text).into_iter().map(|(_, _, scope)| scope).collect();
        let some = |range: &str| Some(range.to_owned());
        assert_eq!(scopes, [some("S0101-S0300"), some("S0101-S0300"), some("S0200"), None]);
        assert_eq!(cuts(text)[0].1, "# A\n\nx\n\n");
    }

    #[test]
    fn a_directive_that_scopes_nothing_is_an_error() {
        let error = |text: &str| {
            cut("d.md", &TextFile { name: "d.md".into(), text: text.to_owned() })
                .err()
                .map(|problem| problem.to_string())
        };
        assert_eq!(
            error("# A\n\ntext\n\n<!-- coursebuild: items=S1 -->\n").unwrap(),
            "this directive does not stand directly under a heading\n  --> d.md:5:1\n    |\n  5 | <!-- coursebuild: items=S1 -->\n    | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  hint: write it on a line of its own, right below the heading of the section that it scopes"
        );
        assert!(
            error("# A\n<!-- coursebuild: itms=S1 -->\n").unwrap().starts_with("unknown directive `itms=S1`")
        );
        assert!(error("<!-- coursebuild: items=S1 -->\n# A\n").is_some());
        assert!(error("# A\n```\n<!-- coursebuild: items=S1 -->\n```\n").is_none());
    }

    #[test]
    fn documents_are_found_sorted_and_sections_dropped_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let docs = dir.path().join("docs");
        crate::fs::create_dir(&docs).unwrap();
        for (name, text) in [
            ("p_2.md", "# B\n## Version History\nv\n### 1.0\nw\n## C\nc\n"),
            ("p_1.md", "# A\n"),
            ("q.md", "# Q\n"),
        ] {
            crate::fs::write_whole(&docs.join(name), text.as_bytes(), false).unwrap();
        }
        let mut files = Files::new(dir.path().to_owned());
        let at = Place::file("r.toml");
        let without = [(" version history".to_owned(), at.clone())];
        let found = load(&mut files, "docs/p_*.md", &without, &at, true).unwrap();
        let found: Vec<_> = found.iter().map(|s| (s.document.as_str(), s.text.as_str())).collect();
        assert_eq!(found, [("docs/p_1.md", "# A\n"), ("docs/p_2.md", "# B\n"), ("docs/p_2.md", "## C\nc\n")]);
        assert_eq!(load(&mut files, "docs/**/q.md", &[], &at, true).unwrap().len(), 1);
        let error = load(&mut files, "docs/x_*.md", &[], &at, true).unwrap_err();
        assert_eq!(error.what, "no file matches `docs/x_*.md`");
        let error = load(&mut files, "docs/p_1.md", &without, &at, true).unwrap_err();
        assert_eq!(error.what, "` version history` is not a heading of any of these documents");
        assert!(files.into_read().contains(&docs));
    }
}
