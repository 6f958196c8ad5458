//! What was typed → what a run is to do.

use super::args::{Build, Buy, Chosen, Format, Global, Plan, RemoteDown, Select, When};
use super::surroundings::{Surroundings, current_dir, program};
use crate::course::{OnRemoteDown, SharedMode};
use crate::diag::{Problem, Result, escape};
use crate::path::plain;
use crate::report::{Detail, Look, confirm, confirm_rest};
use crate::run::{Choice, Confirm, First, GoOn, Options, Selection};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

const MANIFEST: &str = "coursebuild.toml";

/// How text on standard output and standard error is to look.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Looks {
    pub(super) output: Look,
    pub(super) error: Look,
}

/// How text is to look, from the options and the terminals.
pub(super) fn looks(global: &Global, around: &Surroundings) -> Looks {
    let detail = match () {
        () if global.quiet => Detail::Quiet,
        () if global.verbose => Detail::Verbose,
        () => Detail::Normal,
    };
    let look = |terminal| Look { color: color(global.color, around, terminal), detail };
    Looks { output: look(around.terminals.output), error: look(around.terminals.error) }
}

/// Whether a stream gets colours: what was typed, else `NO_COLOR`, `CLICOLOR_FORCE` and `CLICOLOR`, else whether it is a terminal that can.
pub(super) fn color(when: When, around: &Surroundings, terminal: bool) -> bool {
    match when {
        When::Always => true,
        When::Never => false,
        When::Auto if around.variable("NO_COLOR").is_some() => false,
        When::Auto if around.variable("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
        When::Auto if around.variable("CLICOLOR") == Some("0") => false,
        When::Auto => terminal && around.variable("TERM") != Some("dumb"),
    }
}

/// What `build` is to do.
pub(super) fn build(typed: &Build, global: &Global, around: &mut Surroundings) -> Result<Options> {
    let mut options = question(&typed.select, global, around)?;
    buy(&mut options, &typed.buy);
    options.jobs = typed.jobs;
    options.keep_going = typed.keep_going;
    options.trial = typed.trial;
    options.wait = typed.wait;
    options.locked = typed.locked;
    options.offline = typed.offline;
    options.max_calls = typed.max_calls;
    options.budget_usd = typed.budget;
    options.shared = typed.cache;
    options.on_remote_down = typed.on_remote_down.map(|down| match down {
        RemoteDown::Hold => OnRemoteDown::Hold,
        RemoteDown::Generate => OnRemoteDown::Generate,
    });
    let in_ci = |name: &str| {
        options
            .environment
            .iter()
            .any(|(known, value)| known == name && !value.is_empty() && value != "false")
    };
    options.must_push = in_ci("CI") && !typed.allow_unpushed;
    let answers = global.format == Format::Human && around.terminals.input && around.terminals.error;
    options.confirm = match () {
        () if typed.yes => Confirm::Yes,
        () if answers => Confirm::Ask(Box::new(confirm)),
        () => Confirm::Refuse,
    };
    let go_on = match () {
        () if typed.yes => GoOn::Yes,
        () if answers => GoOn::Ask(Box::new(confirm_rest)),
        () => GoOn::Refuse,
    };
    options.canary = typed.canary.map(|calls| First { calls, go_on });
    Ok(options)
}

/// What `plan` is to plan.
pub(super) fn plan(typed: &Plan, global: &Global, around: &mut Surroundings) -> Result<Options> {
    let mut options = question(&typed.select, global, around)?;
    buy(&mut options, &typed.buy);
    (options.offline, options.shared) = (typed.offline, typed.cache);
    Ok(options)
}

fn buy(options: &mut Options, typed: &Buy) {
    options.force = typed.always_make;
    options.fix = typed.fix;
    options.retry_failed = typed.retry_failed;
    options.refresh_edited = typed.refresh_edited;
    options.with_stale_inputs = typed.with_stale_inputs;
    options.recompute_derived = typed.recompute_derived;
}

/// What `resolve` is to make stand.
pub(super) fn choice(typed: &Chosen) -> Result<Choice> {
    Ok(match typed {
        Chosen { mine: true, .. } => Choice::Mine,
        Chosen { theirs: true, .. } => Choice::Theirs,
        Chosen { merged: Some(path), .. } => Choice::Merged(plain(&current_dir()?.join(path))),
        Chosen { generation: Some(number), .. } => Choice::Generation(*number),
        Chosen { .. } => Choice::Revoke,
    })
}

/// What a command that only asks needs. Takes the environment out of the surroundings.
pub(super) fn question(select: &Select, global: &Global, around: &mut Surroundings) -> Result<Options> {
    let here = current_dir()?;
    let store = global.store.clone().or_else(|| around.variable("COURSEBUILD_STORE").map(PathBuf::from));
    Ok(Options {
        manifest: manifest(global.manifest.as_deref(), &here)?,
        selection: Selection {
            targets: select.targets.iter().map(|target| rooted(target, &here)).collect(),
            items: listed(&select.items),
            phases: select.phases.clone(),
        },
        jobs: 4,
        keep_going: false,
        force: false,
        trial: false,
        locked: false,
        offline: false,
        max_calls: None,
        budget_usd: None,
        fix: false,
        retry_failed: false,
        refresh_edited: false,
        with_stale_inputs: false,
        adopt: false,
        recompute_derived: false,
        wait: false,
        store: store.map(|path| plain(&here.join(path))),
        program: program()?,
        environment: std::mem::take(&mut around.environment),
        shared: None,
        price_reused: false,
        on_remote_down: None,
        must_push: false,
        confirm: Confirm::Refuse,
        canary: None,
        command: command(&around.arguments),
    })
}

/// `local:rw,shared:r`: what is done with the shared store. The local one is what a build works in, and always read and written.
pub(super) fn cache_use(text: &str) -> Result<SharedMode, String> {
    let mut shared = None;
    for part in text.split(',').map(str::trim) {
        match part.split_once(':') {
            Some(("shared", "rw")) => shared = Some(SharedMode::Rw),
            Some(("shared", "r")) => shared = Some(SharedMode::R),
            Some(("shared", "off")) => shared = Some(SharedMode::Off),
            Some(("local", "rw")) => {}
            Some(("local", _)) => {
                return Err("the local store is always `local:rw`: a build works in it".into());
            }
            _ => return Err(format!("`{part}` is not one of shared:rw, shared:r, shared:off, local:rw")),
        }
    }
    shared.ok_or_else(|| {
        "it does not say what to do with the shared store: shared:rw, shared:r or shared:off".into()
    })
}

/// `S0101-S0200, S0300` → its parts; empty ones are dropped.
fn listed(typed: &[String]) -> Vec<String> {
    typed.iter().map(|range| range.trim().to_owned()).filter(|range| !range.is_empty()).collect()
}

/// The manifest: the one named, else the one here or in the nearest folder above.
fn manifest(named: Option<&Path>, here: &Path) -> Result<PathBuf> {
    if let Some(named) = named {
        let path = plain(&here.join(named));
        return if path.is_file() {
            Ok(path)
        } else {
            Err(Problem::author(format!("there is no file `{}`", escape(&named.display().to_string()))).hint(
                "`--manifest` wants the path of a manifest, which is usually called `coursebuild.toml`",
            ))
        };
    }
    here.ancestors().map(|folder| folder.join(MANIFEST)).find(|path| path.is_file()).ok_or_else(|| {
        Problem::author(format!("there is no `{MANIFEST}`"))
            .because(format!(
                "looked in `{}` and in every folder above it",
                escape(&here.display().to_string())
            ))
            .hint("go to the folder of a course, or name it with `-C DIR` or `--manifest FILE`")
    })
}

/// A target that is typed as a path of a file here (`./x`, `../x`, or a file that is there) becomes that file's absolute path;
/// any other stays as it is.
fn rooted(target: &str, here: &Path) -> String {
    let path = Path::new(target);
    let explicit = matches!(path.components().next(), Some(Component::CurDir | Component::ParentDir));
    if explicit || here.join(path).is_file() {
        plain(&here.join(path)).to_string_lossy().into_owned()
    } else {
        target.to_owned()
    }
}

/// A path that was typed, from the current folder on.
pub(super) fn absolute_here(path: &Path) -> Result<PathBuf> {
    Ok(plain(&current_dir()?.join(path)))
}

/// The command line as one line of text, as it could be typed again.
fn command(arguments: &[OsString]) -> String {
    let mut text = String::from("coursebuild");
    for argument in arguments {
        text.push(' ');
        let argument = argument.to_string_lossy();
        let is_plain = |c: char| c.is_alphanumeric() || "-_./:=,@%+".contains(c);
        if argument.is_empty() || !argument.chars().all(is_plain) {
            text += &format!("'{}'", argument.replace('\'', "'\\''"));
        } else {
            text += &argument;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(variables: &[(&str, &str)]) -> Surroundings {
        let environment = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Surroundings { environment, ..Surroundings::default() }
    }

    #[test]
    fn a_command_line_can_be_typed_again() {
        for (arguments, line) in [
            (&["build", "-j", "4", "--set=a.b"][..], "coursebuild build -j 4 --set=a.b"),
            (&["-C", "my course", "it's", ""], r"coursebuild -C 'my course' 'it'\''s' ''"),
            (&["phase1/S0001..S0003", "$HOME", "a;b"], "coursebuild phase1/S0001..S0003 '$HOME' 'a;b'"),
        ] {
            let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
            assert_eq!(command(&arguments), line);
        }
    }

    #[test]
    fn colours_heed_what_was_typed_then_the_environment_then_the_terminal() {
        for (when, variables, terminal, colored) in [
            (When::Auto, &[][..], true, true),
            (When::Auto, &[], false, false),
            (When::Auto, &[("NO_COLOR", "1")], true, false),
            (When::Auto, &[("NO_COLOR", "")], true, true),
            (When::Auto, &[("CLICOLOR_FORCE", "1")], false, true),
            (When::Auto, &[("CLICOLOR_FORCE", "0")], false, false),
            (When::Auto, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], true, false),
            (When::Auto, &[("CLICOLOR", "0")], true, false),
            (When::Auto, &[("CLICOLOR", "1")], false, false),
            (When::Auto, &[("CLICOLOR", "0"), ("CLICOLOR_FORCE", "1")], true, true),
            (When::Auto, &[("TERM", "dumb")], true, false),
            (When::Always, &[("NO_COLOR", "1")], false, true),
            (When::Never, &[("CLICOLOR_FORCE", "1")], true, false),
        ] {
            assert_eq!(
                color(when, &around(variables), terminal),
                colored,
                "{when:?} {variables:?} {terminal}"
            );
        }
    }

    #[test]
    fn the_manifest_is_found_upwards() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b");
        crate::fs::create_dir(&deep).unwrap();
        let path = folder.path().join(MANIFEST);
        crate::fs::write_whole(&path, b"", false).unwrap();
        assert_eq!(manifest(None, &deep).unwrap(), path);
        assert_eq!(manifest(Some(Path::new("../../coursebuild.toml")), &deep).unwrap(), path);
        let missing = manifest(Some(Path::new("x.toml")), &deep).unwrap_err();
        assert_eq!(missing.what, "there is no file `x.toml`");
    }

    #[test]
    fn only_what_is_a_path_becomes_one() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        crate::fs::write_whole(&here.join("a/lego_pairs.json"), b"", false).unwrap();
        let under = |path: &str| here.join(path).to_string_lossy().into_owned();
        assert_eq!(rooted("a/lego_pairs.json", here), under("a/lego_pairs.json"));
        assert_eq!(rooted("./b/x.json", here), under("b/x.json"));
        assert_eq!(rooted("../x.json", &here.join("a")), under("x.json"));
        assert_eq!(rooted("spa_for_eng/phase3", here), "spa_for_eng/phase3");
        assert_eq!(rooted("S0001-S0002", here), "S0001-S0002");
    }
}
