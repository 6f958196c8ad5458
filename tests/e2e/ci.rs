//! The job files of docs/ci.md: their shell lines are run, step by step, as the CI systems would.

use crate::support::server::Server;
use crate::support::synth::change_word;
use crate::support::{Space, program};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The job file of a page that begins so.
fn job_file(begins: &str) -> String {
    let page = read("docs/ci.md");
    let blocks = page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    blocks.into_iter().find(|block| block.starts_with(begins)).unwrap()
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The scripts of each job, in their order, without those that install programs: `run` of GitHub, `script` and
/// `after_script` of GitLab.
fn scripts(file: &str) -> BTreeMap<String, Vec<String>> {
    let mut jobs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut job, mut list, mut step) = (String::new(), None, String::new());
    let depth = if file.contains("\njobs:\n") { 2 } else { 0 };
    let mut lines = file.lines().peekable();
    while let Some(line) = lines.next() {
        let text = line.trim();
        let text = text.strip_prefix("- ").map_or(text, str::trim);
        if indent(line) == depth && line.trim().ends_with(':') {
            job = text.trim_end_matches(':').to_owned();
        }
        if let Some(name) = text.strip_prefix("name: ") {
            step = name.to_owned();
        }
        if let Some(run) = text.strip_prefix("run: ") {
            let mut script = run.to_owned();
            if run == "|" {
                script.clear();
                let inside = indent(line) + 1;
                while let Some(more) = lines.next_if(|more| indent(more) >= inside) {
                    script += &format!("{}\n", more.trim());
                }
            }
            if step != "Install" {
                jobs.entry(job.clone()).or_default().push(script);
            }
        } else if matches!(line.trim(), "script:" | "after_script:") {
            list = Some(indent(line));
        } else if list.is_some_and(|at| indent(line) > at) && line.trim().starts_with("- ") {
            jobs.entry(job.clone()).or_default().push(text.to_owned());
        } else {
            list = None;
        }
    }
    jobs
}

/// A repository with a bare one that it is pushed to, as CI systems clone it.
struct Project {
    space: Space,
    origin: PathBuf,
    pack: PathBuf,
    scripts: BTreeMap<String, Vec<String>>,
}

impl Project {
    fn new(file: &str, server: &Server) -> Self {
        let space = Space::batching(12);
        let manifest = space.read("coursebuild.toml");
        space.write("coursebuild.toml", &format!("{manifest}\n[shared]\nurl = \"{}\"\n", server.url()));
        space.write(".gitignore", ".coursebuild/\nstore.cbpack\nsummary.md\n*.json.report\ncourse.tar.gz\ngl-code-quality-report.json\n");
        let origin = space.around().join("origin.git");
        let pack = space.around().join("saved.cbpack");
        let project = Self { space, origin, pack, scripts: scripts(file) };
        let root = project.space.root();
        git(root, &["init", "-q", "-b", "main"]);
        git(root, &["init", "-q", "--bare", "-b", "main", project.origin.to_str().unwrap()]);
        git(root, &["remote", "add", "origin", project.origin.to_str().unwrap()]);
        project.publish("sources");
        project
    }

    fn publish(&self, message: &str) {
        let root = self.space.root();
        git(root, &["add", "-A"]);
        git(root, &["commit", "-q", "-m", message]);
        git(root, &["push", "-q", "origin", "main"]);
    }

    /// Runs a job in a fresh clone; gives the exit code of the first step that fails, and what was printed.
    fn job(&self, name: &str) -> (i32, String, PathBuf) {
        let clone = tempfile::tempdir_in(self.space.around()).unwrap().keep();
        git(&clone, &["clone", "-q", self.origin.to_str().unwrap(), "."]);
        if self.pack.exists() {
            std::fs::copy(&self.pack, clone.join("store.cbpack")).unwrap();
        }
        let tool = Path::new(env!("CARGO_BIN_EXE_coursebuild")).parent().unwrap();
        let path = format!("{}:{}", tool.display(), std::env::var("PATH").unwrap());
        let (mut printed, mut failed) = (String::new(), 0);
        for script in &self.scripts[name] {
            // What comes after a failure runs only where the file says `always`.
            let always = script.contains("cache export") || script.contains("git push");
            if failed != 0 && !always {
                continue;
            }
            let mut command = Command::new("bash");
            command.args(["--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script]).current_dir(&clone);
            command.env_clear().env("PATH", &path).env("HOME", self.space.around()).env("CI", "true");
            command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", clone.join("summary.md"));
            let out = command.output().unwrap();
            let code = out.status.code().unwrap_or(-1);
            printed += &format!(
                "$ {script}\n{}{}(exit {code})\n",
                String::from_utf8_lossy(&out.stdout),
                String::from_utf8_lossy(&out.stderr)
            );
            if code != 0 && failed == 0 {
                failed = code;
            }
        }
        if clone.join("store.cbpack").exists() {
            std::fs::copy(clone.join("store.cbpack"), &self.pack).unwrap();
        }
        (failed, printed, clone)
    }
}

fn git(at: &Path, args: &[&str]) {
    let mut command = Command::new("git");
    command.current_dir(at).args(["-c", "user.name=t", "-c", "user.email=t@example.org"]).args(args);
    let out = command.output().unwrap();
    assert!(out.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&out.stderr));
}

#[test]
fn the_github_job_file_does_what_the_page_says() {
    let _ = program::answer();
    let server = Server::start();
    let project = Project::new(&job_file("# .github"), &server);
    let names: Vec<&str> = project.scripts.keys().map(String::as_str).collect();
    assert_eq!(names, ["default-branch", "nightly", "pull-request", "release"]);
    let (code, printed, _) = project.job("pull-request");
    assert_eq!(code, 3, "there is something to buy: {printed}");
    assert!(project.space.books().is_empty(), "{printed}");
    assert_eq!(project.job("release").0, 6, "nobody may ask what the shared store has");
    let (code, printed, clone) = project.job("default-branch");
    assert_eq!(code, 0, "{printed}");
    let bought = project.space.books().len();
    assert!(bought > 0 && !server.slots().is_empty() && project.pack.exists(), "{printed}");
    let summary = std::fs::read_to_string(clone.join("summary.md")).unwrap();
    assert!(summary.contains("### coursebuild: done") && summary.contains("generated in"), "{summary}");
    for job in ["pull-request", "nightly", "release", "default-branch"] {
        let (code, printed, _) = project.job(job);
        assert_eq!(code, 0, "{job}: {printed}");
    }
    assert_eq!(project.space.books().len(), bought, "it was bought once");
    // What a job could not push makes it fail, and is in the packed store that it saves.
    git(project.space.root(), &["pull", "-q", "--rebase", "origin", "main"]);
    project.space.edit_seeds(|seeds| change_word(seeds, 1, 1));
    project.publish("an edit");
    server.forbids_writing();
    let (code, printed, _) = project.job("default-branch");
    assert_eq!(code, 7, "{printed}");
    assert!(printed.contains("::warning title=coursebuild::"), "{printed}");
    assert!(project.space.books().len() > bought);
    let bought = project.space.books().len();
    assert_eq!(project.job("pull-request").0, 0);
    assert_eq!(project.space.books().len(), bought);
}

#[test]
fn the_gitlab_job_file_does_what_the_page_says() {
    let _ = program::answer();
    let server = Server::start();
    let project = Project::new(&job_file("# .gitlab"), &server);
    assert_eq!(project.scripts.len(), 4, "{:?}", project.scripts);
    assert_eq!(project.job("pull-request").0, 3);
    let (code, printed, clone) = project.job("default-branch");
    assert_eq!(code, 0, "{printed}");
    let report = std::fs::read_to_string(clone.join("gl-code-quality-report.json")).unwrap();
    assert_eq!(report.trim(), "[]");
    assert!(std::fs::read_to_string(clone.join("summary.md")).unwrap().contains("### coursebuild: done"));
    let bought = project.space.books().len();
    // Its main files are an artifact, not committed: the next job has them from the store.
    assert_eq!(project.job("pull-request").0, 0);
    assert_eq!(project.job("nightly").0, 0);
    assert_eq!(project.space.books().len(), bought);
}

#[test]
fn the_binaries_are_those_that_the_job_files_fetch() {
    let (release, page) = (read(".github/workflows/release.yml"), read("docs/ci.md"));
    let targets: Vec<&str> =
        release.lines().filter_map(|line| line.trim().strip_prefix("- { target: ")).collect();
    assert_eq!(targets.len(), 4);
    for target in targets {
        let name = format!("coursebuild-{}.tar.gz", target.split(',').next().unwrap());
        assert!(page.contains(&format!("`{name}`")), "{name}");
    }
    let fetched = page.matches("/download/v").count();
    let known = page.matches("/coursebuild-x86_64-unknown-linux-gnu.tar.gz").count();
    assert!(fetched == known && fetched == 5, "{fetched} {known}");
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        page.matches(&format!("/download/v{version}/")).count(),
        fetched,
        "the version of the manifest"
    );
}

/// Runs the release job's shell lines in a clone. The programs that would reach out, `rustup` and `gh`, only note what they are asked.
#[test]
#[ignore = "compiles the tool in release mode; run by .ci/full"]
fn the_release_job_makes_what_the_job_files_fetch() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scratch = tempfile::tempdir().unwrap();
    let clone = scratch.path().join("clone");
    git(project, &["clone", "-q", ".", clone.to_str().unwrap()]);
    // What has been compiled stays for the next time.
    let compiled = Path::new(env!("CARGO_TARGET_TMPDIR")).join("release-job");
    std::fs::create_dir_all(&compiled).unwrap();
    std::os::unix::fs::symlink(&compiled, clone.join("target")).unwrap();
    let (programs, asked) = (scratch.path().join("bin"), scratch.path().join("asked"));
    std::fs::create_dir(&programs).unwrap();
    for (name, answers) in [("rustup", "true"), ("gh", "[ \"$2\" != view ]")] {
        let script = format!("#!/bin/sh\necho {name} \"$@\" >> '{}'\n{answers}\n", asked.display());
        std::fs::write(programs.join(name), script).unwrap();
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(programs.join(name), executable).unwrap();
    }
    let out = Command::new("cargo").args(["-vV"]).output().unwrap();
    let out = String::from_utf8(out.stdout).unwrap();
    let host = out.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let tag = format!("v{}", env!("CARGO_PKG_VERSION"));
    for script in &scripts(&read(".github/workflows/release.yml"))["binary"] {
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script]).current_dir(&clone);
        command.env("PATH", format!("{}:{}", programs.display(), std::env::var("PATH").unwrap()));
        command.env("TARGET", host).env("TAG", &tag).env_remove("CARGO_TARGET_DIR");
        let out = command.output().unwrap();
        assert!(out.status.success(), "$ {script}\n{}", String::from_utf8_lossy(&out.stderr));
    }
    let archive = format!("coursebuild-{host}.tar.gz");
    let asked = std::fs::read_to_string(asked).unwrap();
    assert!(
        asked.contains(&format!("gh release upload {tag} {archive} {archive}.sha256 --clobber")),
        "{asked}"
    );
    let fetch =
        format!("shasum -c {archive}.sha256 && tar -xzf {archive} ./coursebuild && ./coursebuild --version");
    let out = Command::new("bash").args(["-ec", &fetch]).current_dir(&clone).output().unwrap();
    let printed = String::from_utf8_lossy(&out.stdout);
    assert!(printed.contains(&format!("coursebuild {}", &tag[1..])), "{printed}{out:?}");
}
