//! A short program whose output is wanted now: a manifest's source.
#![expect(clippy::disallowed_methods, reason = "the program is started here")]

use super::{STDERR_KEPT, cannot_start, stderr_text};
use crate::diag::{Problem, Result, escape};
use std::ffi::OsString;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

/// Runs a program to its end, without a supervisor, and gives its standard output. Standard input is empty, the environment is
/// exactly `env`; a program with a `/` in its name is taken relative to `cwd`. More than `limit` bytes, a non-zero exit status,
/// a program that cannot be started: a problem that names the program and quotes the end of its standard error.
pub fn capture(argv: &[String], cwd: &Path, env: &[(OsString, OsString)], limit: usize) -> Result<Vec<u8>> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err(Problem::author("`argv` names no program").hint("write the program and its arguments"));
    };
    let path = if program.contains('/') { cwd.join(program).into_os_string() } else { program.into() };
    let child = Command::new(path)
        .args(arguments)
        .current_dir(cwd)
        .env_clear()
        .envs(env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| {
            let (what, hint) = cannot_start(program, &e);
            Problem::environment(what).hint(hint)
        })?;
    let shown = escape(&argv.join(" "));
    let (status, stdout, stderr) = drain(child, limit)
        .map_err(|e| Problem::environment(format!("could not read the output of `{shown}`")).because(e))?;
    if stdout.len() > limit {
        return Err(Problem::environment(format!("`{shown}` wrote more than {limit} bytes"))
            .hint("a source writes its items as JSON to standard output, nothing else"));
    }
    if !status.success() {
        let problem = Problem::environment(format!("`{shown}` failed: {status}"));
        let said = stderr.trim();
        return Err(if said.is_empty() { problem } else { problem.because(said) });
    }
    Ok(stdout)
}

/// Reads both streams at once, so that neither can block the program; ends it when it writes more than it may.
fn drain(mut child: Child, limit: usize) -> std::io::Result<(ExitStatus, Vec<u8>, String)> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| {
        let said = scope.spawn(move || stderr.map_or(Ok(Vec::new()), last_of));
        let mut output = Vec::new();
        if let Some(stdout) = stdout {
            let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
            stdout.take(most).read_to_end(&mut output)?;
        }
        if output.len() > limit {
            child.kill()?;
        }
        let status = child.wait()?;
        let said = said.join().map_err(|_| std::io::Error::other("a reader died"))??;
        Ok((status, output, stderr_text(&said)))
    })
}

/// The end of a stream.
fn last_of(mut stream: impl Read) -> std::io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    let mut piece = [0; 8192];
    loop {
        let read = stream.read(&mut piece)?;
        if read == 0 {
            kept.drain(..kept.len().saturating_sub(STDERR_KEPT));
            return Ok(kept);
        }
        kept.extend_from_slice(&piece[..read]);
        if kept.len() > 4 * STDERR_KEPT {
            kept.drain(..kept.len() - STDERR_KEPT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Result<Vec<u8>> {
        let argv = ["/bin/sh", "-c", script].map(str::to_owned);
        capture(&argv, Path::new("/"), &[("WORD".into(), "hola".into())], 100_000)
    }

    #[test]
    fn the_output_comes_back_and_the_environment_is_what_was_given() {
        assert_eq!(sh("printf \"$WORD $HOME\"; pwd").unwrap(), b"hola /\n");
    }

    #[test]
    fn a_failure_names_program_status_and_what_it_said() {
        let problem = sh("echo 'no such course' >&2; exit 3").unwrap_err();
        assert!(problem.what.contains("/bin/sh -c") && problem.what.contains("exit status: 3"), "{problem}");
        assert_eq!(problem.cause.as_deref(), Some("no such course"));
    }

    #[test]
    fn floods_on_both_pipes_end() {
        // `kill` only asks: without the `wait`, what it ends may write on after the last words.
        let script = "yes >&2 & yes | head -c 90000; kill $!; wait $!; echo last words >&2; exit 1";
        let problem = sh(script).unwrap_err();
        let said = problem.cause.unwrap();
        assert!(said.ends_with("last words") && said.len() <= STDERR_KEPT);
        let problem = sh("exec yes").unwrap_err();
        assert!(problem.what.contains("more than 100000 bytes"), "{problem}");
    }

    #[test]
    fn a_missing_program_says_where_to_look() {
        let problem = capture(&["no-such-program".to_owned()], Path::new("/"), &[], 10).unwrap_err();
        assert!(problem.what.contains("could not start `no-such-program`"), "{problem}");
        assert!(problem.hint.unwrap().contains("PATH"));
        assert!(capture(&[], Path::new("/"), &[], 10).is_err());
    }
}
