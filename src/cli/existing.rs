//! `coursebuild init --from DIR`: a course whose main files are there already gets a manifest, on a yes.
//!
//! What the files tell is taken from them; what they leave open is asked for on a terminal, and named as an option elsewhere.

use super::args::{Format, Global, Init, Starting};
use super::init::{File, MANIFEST, agreed, answers, asks, begin, course_code, generator, ignored, yes};
use super::print;
use super::surroundings::Surroundings;
use crate::course::{
    FoundDocuments, FoundSource, Proposal, Recognised, documents, recognise, source_of, sources,
};
use crate::diag::{Kind, Problem, Result, escape};
use crate::path::plain;
use crate::report::{self, Look};
use crate::run;
use std::path::{Path, PathBuf};

const LOCK: &str = "coursebuild.lock";

/// Recognises, proposes, writes on a yes, and tells what an adoption would take, or takes it; the exit code.
pub(super) fn init_from(
    from: &Path,
    typed: &Init,
    here: &Path,
    global: &Global,
    look: Look,
    around: &mut Surroundings,
) -> Result<u8> {
    let (json, asks) = (global.format == Format::Json, asks(typed, around));
    let proposal = propose(&plain(&here.join(from)), typed, here, asks)?;
    if !json {
        print(&report::proposal_text(&proposal, look))?;
    }
    let missing: Vec<&FoundDocuments> = proposal.without_documents().collect();
    if !missing.is_empty() {
        return Err(no_documents(&missing, here, &plain(&here.join(from))));
    }
    let mut files = vec![File::new(MANIFEST, &proposal.starter().manifest())];
    files.extend(answers(&proposal.generator, here)?);
    files.push(ignored(&proposal.generator));
    if asks && !agreed(&files, here, around)? {
        return Ok(130);
    }
    if !asks && !typed.yes {
        if json {
            print(&report::proposal_json(&proposal, &[], false, None)?)?;
        } else {
            print(&format!("\n{}\n", proposal.starter().manifest().trim_end()))?;
        }
        return Err(Problem::new(Kind::Budget, "nothing was written: there is no terminal to ask at")
            .hint("`--yes` writes the manifest, and the lines that git wants"));
    }
    let mut begun = begin(&files, here, global, around)?;
    if !json {
        print(&begun.text(true))?;
    }
    let now = typed.adopt || (asks && yes(&report::ask("adopt what is there now? no call is made", "y")?));
    let adoption = run::adopt(&mut begun.options, !now)?;
    if json {
        return print(&report::proposal_json(&proposal, &begun.files, begun.merge_driver, Some(&adoption))?)
            .map(|()| 0);
    }
    let next = if now {
        "next: `coursebuild plan` tells what a build would do; commit the main files and coursebuild.lock\n"
    } else {
        "next: `coursebuild adopt` takes this, without a call\n"
    };
    print(&format!("\n{}\n{next}", report::adoption_text(&adoption, look))).map(|()| 0)
}

fn propose(dir: &Path, typed: &Init, here: &Path, asks: bool) -> Result<Proposal> {
    let recognised = recognise(dir)?;
    let code = code(&recognised, typed, asks)?;
    let source = source(&recognised, typed, here, dir, asks)?;
    let documents = documents(&recognised.rules, here)?;
    Ok(Proposal {
        dir: relative(here, dir),
        seeds: relative(here, &source.path),
        generator: generator(typed, asks, Starting::Drop)?,
        has_lock: dir.join(LOCK).is_file(),
        code,
        recognised,
        source,
        documents,
    })
}

/// The course's code: as told, as all that the folder tells say, or as whoever is asked says.
fn code(recognised: &Recognised, typed: &Init, asks: bool) -> Result<String> {
    let told = match (&typed.course, &recognised.codes[..]) {
        (Some(code), _) => code.clone(),
        (None, [(only, _)]) => only.clone(),
        (None, all) if asks => {
            let first = all.first().map_or("", |(code, _)| code);
            report::ask("the course, as TARGET_for_KNOWN", first)?
        }
        (None, []) => {
            return Err(Problem::author("nothing tells which languages the course is of")
                .because("the folder is not called like `spa_for_eng`, and no main file has such a `course`")
                .hint("say it: `--course spa_for_eng`"));
        }
        (None, all) => {
            let say: Vec<String> =
                all.iter().map(|(code, by)| format!("{by} says `{}`", escape(code))).collect();
            return Err(Problem::author("it is not clear which course this is")
                .because(say.join(", "))
                .hint("say it: `--course CODE`"));
        }
    };
    course_code(told)
}

/// The file of the seeds: as told, or the one beside the main files, or above them, that knows most of their items.
fn source(recognised: &Recognised, typed: &Init, here: &Path, dir: &Path, asks: bool) -> Result<FoundSource> {
    if let Some(seeds) = &typed.seeds {
        return source_of(&plain(&here.join(seeds)), recognised);
    }
    let found = sources(&around(here, dir), recognised);
    let fits = |source: &&FoundSource| source.known > 0 || recognised.ids.is_empty();
    let fitting: Vec<&FoundSource> = found.iter().filter(fits).collect();
    let best: Vec<&FoundSource> =
        fitting.iter().filter(|source| source.known == fitting[0].known).copied().collect();
    if let [only] = best[..] {
        return Ok(only.clone());
    }
    if asks {
        let first = best.first().map_or_else(String::new, |source| relative(here, &source.path));
        let told = report::ask("the file of its seeds", &first)?;
        return source_of(&plain(&here.join(told)), recognised);
    }
    let name = |source: &FoundSource| {
        format!(
            "`{}` ({} of its {} items)",
            escape(&relative(here, &source.path)),
            source.known,
            source.items
        )
    };
    let all: Vec<String> =
        if best.is_empty() { found.iter().map(name).collect() } else { best.into_iter().map(name).collect() };
    let problem = if fitting.is_empty() {
        let what = Problem::author("no file of seeds was found that the main files are made from");
        if all.is_empty() {
            what.because("beside the main files and above them is no JSON file from id to text")
        } else {
            what.because(format!("these hold others: {}", all.join(", ")))
        }
    } else {
        Problem::author("several files can be the seeds")
            .because(format!("they know as many: {}", all.join(", ")))
    };
    Err(problem.hint(
        "name it: `--seeds FILE`, an array of `{\"seed_id\": …, \"source\": …}` or an object from id to text",
    ))
}

/// Where seeds are looked for: the workspace, the folder of the main files, and those between.
fn around(here: &Path, dir: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = vec![here.to_owned()];
    let between = dir.ancestors().take_while(|folder| *folder != here);
    if dir.starts_with(here) {
        folders.extend(between.map(Path::to_owned));
    } else {
        folders.extend(between.take(2).map(Path::to_owned));
    }
    folders
}

/// Without documents there is nothing that an item could have been made by; where some stand elsewhere, that is told.
fn no_documents(missing: &[&FoundDocuments], here: &Path, dir: &Path) -> Problem {
    let lack: Vec<String> = missing
        .iter()
        .map(|phase| format!("`{}` of {}", phase.patterns.join("`, `"), escape(&phase.phase)))
        .collect();
    let pattern = missing.iter().find_map(|phase| phase.patterns.first());
    let folder = pattern.and_then(|pattern| Path::new(pattern).parent()).unwrap_or(Path::new(""));
    let elsewhere = dir
        .ancestors()
        .take_while(|above| *above != here && above.starts_with(here))
        .find(|above| above.join(folder).is_dir());
    let problem =
        Problem::author("the course has no documents here that tell an agent its work; nothing was written")
            .because(format!("nothing matches {}, from this folder", lack.join(", ")));
    match elsewhere {
        Some(above) => {
            let (above, from) = (relative(here, above), relative(above, dir));
            problem.hint(format!("there are some below `{}`: `coursebuild -C {0} init --from {from}` makes that the workspace", escape(&above)))
        }
        None => problem.hint("put them there first, if only a line each: what is adopted counts as made by them, and another text later makes it stale"),
    }
}

/// A path as seen from a folder, with `/` between its parts; both are absolute and plain.
fn relative(from: &Path, path: &Path) -> String {
    let same = from.components().zip(path.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(same).map(|_| "..".to_owned());
    let down = path.components().skip(same).map(|part| part.as_os_str().to_string_lossy().into_owned());
    let parts: Vec<String> = up.chain(down).collect();
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_seen_from_the_workspace() {
        for (path, seen) in
            [("/w/a/b", "a/b"), ("/w", "."), ("/x/y", "../x/y"), ("/", ".."), ("/w/../w/./a", "a")]
        {
            assert_eq!(relative(Path::new("/w"), &plain(Path::new(path))), seen, "{path}");
        }
    }

    #[test]
    fn seeds_are_looked_for_from_the_workspace_down_to_the_main_files() {
        let folders = |here: &str, dir: &str| -> Vec<String> {
            around(Path::new(here), Path::new(dir))
                .iter()
                .map(|folder| folder.display().to_string())
                .collect()
        };
        assert_eq!(folders("/w", "/w/vfs/spa"), ["/w", "/w/vfs/spa", "/w/vfs"]);
        assert_eq!(folders("/w", "/w"), ["/w"]);
        assert_eq!(folders("/w", "/data/v/spa"), ["/w", "/data/v/spa", "/data/v"]);
    }
}
