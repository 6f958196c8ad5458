//! Programs under the supervisor: what is paid for is never lost and never asked for twice, and what is to end ends.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may fail, and writes what programs wait for"
)]

use coursebuild::fs::Lock;
use coursebuild::generate::command::{Command, Left, harvest, left};
use coursebuild::generate::{Generator, Outcome, Reply, Request, Stopper};
use coursebuild::process::{Ended, Found, How, Order, recover, run};
use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

const SUPERVISOR: &str = env!("CARGO_BIN_EXE_coursebuild");
const LONG: Duration = Duration::from_secs(600);

/// A call's folder, with what its program is to find there.
struct Call {
    dir: tempfile::TempDir,
}

impl Call {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// An order for a shell script, run as the call's program.
    fn order(&self, script: &str, timeout: Duration) -> Order {
        Order {
            dir: self.dir.path().to_owned(),
            argv: vec!["/bin/sh".to_owned(), "-c".to_owned(), script.to_owned()],
            env: vec![("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into()), ("WORD".into(), "hola".into())],
            timeout,
            prompt: "the prompt".to_owned(),
            prompt_on_stdin: true,
            files: Vec::new(),
            stdin: None,
            input: b"{}".to_vec(),
        }
    }

    fn run(&self, script: &str) -> Ended {
        self.run_for(script, LONG)
    }

    fn run_for(&self, script: &str, timeout: Duration) -> Ended {
        on_a_runtime(run(&self.order(script, timeout), Path::new(SUPERVISOR), std::future::pending()))
            .unwrap()
    }

    /// Runs a script, tells it to stop as soon as the file `ready` is there, and waits for the end.
    fn run_until_ready(&self, script: &str) -> Ended {
        on_a_runtime(run(&self.order(script, LONG), Path::new(SUPERVISOR), appears(self.path("ready"))))
            .unwrap()
    }

    /// The process whose number a script wrote to a file.
    fn process(&self, name: &str) -> Pid {
        Pid::from_raw(self.text(name).trim().parse().unwrap()).unwrap()
    }

    fn put(&self, name: &str) {
        std::fs::write(self.path(name), "").unwrap();
    }
}

fn on_a_runtime<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Ready as soon as the file is there.
async fn appears(path: PathBuf) {
    while !path.exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Starts a call, goes on until a file appears, and leaves it alone, as an engine that dies does.
fn abandon(call: &Call, script: &str) {
    let order = call.order(script, LONG);
    on_a_runtime(async {
        tokio::select! {
            ended = run(&order, Path::new(SUPERVISOR), std::future::pending()) => panic!("ended: {ended:?}"),
            () = appears(call.path("ready")) => {}
        }
    });
}

/// Counts its runs in `count`, and goes on when the file `go` is there.
const WAITING: &str = "echo run >> count; echo $$ > pid; : > ready; while [ ! -e go ]; do sleep 0.02; done; ";

fn is_gone(process: Pid) -> bool {
    test_kill_process(process) == Err(rustix::io::Errno::SRCH)
}

#[test]
fn a_program_gets_its_prompt_its_folder_and_only_its_environment() {
    let call = Call::new();
    let ended = call.run("cat; echo \"|$WORD|$HOME|$USER|\"; pwd; echo thinking >&2; exit 3");
    assert_eq!(ended.how, How::Exited(3));
    let folder = call.dir.path().canonicalize().unwrap();
    assert_eq!(
        String::from_utf8(ended.stdout).unwrap(),
        format!("the prompt|hola|||\n{}\n", folder.display())
    );
    assert_eq!((ended.stderr.as_str(), ended.answer), ("thinking\n", None));
    let (started, over) = ended.ran_ms.unwrap();
    assert!(started <= over && started > 1_600_000_000_000);
}

#[test]
fn no_file_of_a_call_holds_its_environment() {
    let call = Call::new();
    let mut order = call.order("test ${#API_KEY} = 6", LONG);
    order.env.push(("API_KEY".into(), "sesame".into()));
    let ended = on_a_runtime(run(&order, Path::new(SUPERVISOR), std::future::pending())).unwrap();
    assert_eq!(ended.how, How::Exited(0));
    let mut files = 0;
    for file in std::fs::read_dir(call.dir.path()).unwrap() {
        let text = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!text.windows(6).any(|piece| piece == b"sesame"));
        files += 1;
    }
    assert!(files >= 6, "{files}");
}

#[test]
fn floods_on_both_streams_block_nobody() {
    let call = Call::new();
    let ended = call.run("yes o | head -c 10000000 & yes e | head -c 10000000 >&2; wait; echo the end >&2");
    assert_eq!(ended.how, How::Exited(0));
    assert_eq!(ended.stdout.len(), 10_000_000);
    assert_eq!(ended.stderr.len(), 64 << 10);
    assert!(ended.stderr.ends_with("e\nthe end\n"));
}

#[test]
fn a_signal_that_ends_the_program_is_told() {
    assert_eq!(Call::new().run("kill -KILL $$").how, How::Signalled(Signal::KILL.as_raw()));
}

/// A program that is deaf to requests, and so is the child that it leaves in its process group.
const DEAF: &str = "trap '' TERM INT HUP; (echo $$ > outer; sh -c 'echo $$ > inner; : > ready; while :; do sleep 1; done') & \
                    while :; do sleep 1; done";

#[test]
fn an_interrupt_ends_the_whole_group() {
    let call = Call::new();
    let ended = call.run_until_ready(DEAF);
    assert_eq!(ended.how, How::Interrupted);
    assert!(is_gone(call.process("outer")) && is_gone(call.process("inner")));
    assert!(matches!(recover(call.dir.path()).unwrap(), Found::Ended(Ended { how: How::Interrupted, .. })));
}

#[test]
fn a_time_out_ends_the_whole_group() {
    // A machine may be too busy to start the program before its time is up: then it gets more.
    for timeout in [1, 8, 64] {
        let call = Call::new();
        let ended = call.run_for(DEAF, Duration::from_secs(timeout));
        assert_eq!(ended.how, How::TimedOut(timeout * 1000));
        if call.path("ready").exists() {
            assert!(is_gone(call.process("outer")) && is_gone(call.process("inner")));
            return;
        }
    }
    panic!("the program never started");
}

#[cfg(target_os = "linux")]
#[test]
fn nothing_escapes_by_a_session_of_its_own() {
    let call = Call::new();
    let escape =
        "setsid sh -c 'trap \"\" TERM; echo $$ > inner; : > ready; while :; do sleep 1; done' & wait";
    assert_eq!(call.run_until_ready(escape).how, How::Interrupted);
    assert!(is_gone(call.process("inner")));
}

/// Goes on when the file `ready` is there, and answers.
const ANSWER_WHEN_READY: &str = "while [ ! -e ready ]; do sleep 0.02; done; echo '{}'";

#[test]
fn what_a_program_leaves_in_its_group_ends_with_it() {
    let call = Call::new();
    let child = "sh -c 'trap \"\" TERM INT HUP; echo $$ > inner; : > ready; while :; do sleep 1; done' &";
    let ended = call.run(&format!("{child} {ANSWER_WHEN_READY}"));
    assert_eq!((ended.how, ended.stdout.as_slice()), (How::Exited(0), &b"{}\n"[..]));
    assert!(is_gone(call.process("inner")));
}

#[cfg(target_os = "linux")]
#[test]
fn a_service_that_a_program_started_in_a_session_of_its_own_stays() {
    let call = Call::new();
    let service =
        "setsid sh -c 'echo $$ > service; : > ready; while [ ! -e go ]; do sleep 0.02; done; : > over' &";
    let ended = call.run(&format!("{service} {ANSWER_WHEN_READY}"));
    assert_eq!((ended.how, ended.stdout.as_slice()), (How::Exited(0), &b"{}\n"[..]));
    assert!(!is_gone(call.process("service")));
    call.put("go");
    on_a_runtime(appears(call.path("over")));
}

#[test]
fn a_program_outlives_its_engine_and_is_asked_once() {
    let call = Call::new();
    abandon(&call, &format!("{WAITING} echo '{{\"S0001\": 1}}'"));
    let Found::Running(running) = recover(call.dir.path()).unwrap() else { panic!("it runs") };
    call.put("go");
    let Found::Ended(ended) = running.wait().unwrap() else { panic!("it ended") };
    assert_eq!((ended.how, ended.stdout.as_slice()), (How::Exited(0), &b"{\"S0001\": 1}\n"[..]));
    // The second restart finds the same.
    assert!(matches!(recover(call.dir.path()).unwrap(), Found::Ended(_)));
    assert_eq!(call.text("count"), "run\n");
}

/// The engine of the next test, in a process of its own.
#[test]
#[ignore = "started by `an_engine_killed_with_its_group_leaves_the_program_alone`"]
fn engine() {
    let Some(dir) = std::env::var_os("CALL_DIR") else { return };
    let call = Call::new();
    let order = Order { dir: dir.into(), ..call.order(&format!("{WAITING} echo done"), LONG) };
    on_a_runtime(run(&order, Path::new(SUPERVISOR), std::future::pending())).unwrap();
}

#[test]
fn an_engine_killed_with_its_group_leaves_the_program_alone() {
    let call = Call::new();
    let mut engine = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "supervisor::engine"])
        .env("CALL_DIR", call.dir.path())
        .stdout(std::process::Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    on_a_runtime(appears(call.path("ready")));
    kill_process_group(Pid::from_child(&engine), Signal::KILL).unwrap();
    engine.wait().unwrap();
    let Found::Running(running) = recover(call.dir.path()).unwrap() else { panic!("it runs") };
    call.put("go");
    let Found::Ended(ended) = running.wait().unwrap() else { panic!("it ended") };
    assert_eq!((ended.how, ended.stdout.as_slice()), (How::Exited(0), &b"done\n"[..]));
    assert_eq!(call.text("count"), "run\n");
}

#[test]
fn a_program_found_running_can_be_stopped() {
    let call = Call::new();
    abandon(&call, WAITING);
    let Found::Running(running) = recover(call.dir.path()).unwrap() else { panic!("it runs") };
    running.stop().unwrap();
    assert!(matches!(running.wait().unwrap(), Found::Ended(Ended { how: How::Interrupted, .. })));
    assert!(is_gone(call.process("pid")));
}

#[test]
fn a_killed_supervisor_leaves_what_was_written_and_says_that_nobody_saw_the_end() {
    let call = Call::new();
    let kill = async {
        appears(call.path("ready")).await;
        kill_process(call.process("supervisor"), Signal::KILL).unwrap();
        std::future::pending::<()>().await;
    };
    let script = format!("echo '{{\"S0001\": 1'; {WAITING} echo '}}'; : > over");
    let order = call.order(&script, LONG);
    let ended = on_a_runtime(async {
        tokio::select! {
            ended = run(&order, Path::new(SUPERVISOR), std::future::pending()) => ended.unwrap(),
            () = kill => unreachable!(),
        }
    });
    assert_eq!(ended.how, How::Unknown { started: true });
    assert_eq!(ended.stdout, b"{\"S0001\": 1\n");
    let Found::Lost(lost) = recover(call.dir.path()).unwrap() else { panic!("it is lost") };
    assert_eq!((lost.stdout, lost.ran_ms), (ended.stdout, None));
    let Left::Unseen(reply) = harvest(call.dir.path()).unwrap() else { panic!("nobody saw it") };
    assert_eq!(reply.outcome, Outcome::Answered(b"{\"S0001\": 1\n".to_vec()));
    // Nobody is left to end the program; let it.
    call.put("go");
    on_a_runtime(appears(call.path("over")));
}

#[test]
fn where_nothing_was_started_nothing_is_found() {
    let call = Call::new();
    assert!(matches!(recover(&call.path("no/such/folder")).unwrap(), Found::NeverStarted));
    assert!(matches!(recover(call.dir.path()).unwrap(), Found::NeverStarted));
    // An engine that died between taking the lock and starting the supervisor.
    drop(Lock::try_take(&call.path("lock")).unwrap().unwrap());
    assert!(matches!(recover(call.dir.path()).unwrap(), Found::NeverStarted));
    assert!(matches!(left(call.dir.path()).unwrap(), Left::Nothing));
}

#[test]
fn a_call_is_never_started_twice() {
    let call = Call::new();
    abandon(&call, WAITING);
    let again = || {
        let order = call.order("echo again >> count", LONG);
        on_a_runtime(run(&order, Path::new(SUPERVISOR), std::future::pending())).unwrap_err().what
    };
    assert!(again().contains("belongs to a call that was started"));
    let Found::Running(running) = recover(call.dir.path()).unwrap() else { panic!("it runs") };
    call.put("go");
    running.wait().unwrap();
    assert!(again().contains("belongs to a call that was started"));
    assert_eq!(call.text("count"), "run\n");
}

/// Asks the generator `command` in a workspace.
fn ask(root: &Path, argv: &[&str], timeout_s: u64) -> Reply {
    let dir = root.join("calls/c1");
    std::fs::create_dir_all(&dir).unwrap();
    let request = Request {
        call: "c1".to_owned(),
        dir,
        course: "spa_for_eng".to_owned(),
        course_dir: root.join("spa_for_eng"),
        phase: "phase1".to_owned(),
        batch: 1,
        label: "phase1_batch_1".to_owned(),
        scope: "S0001-S0020".to_owned(),
        attempt: 1,
        prefix: "# Translate".into(),
        body: "S0001 I want to speak".to_owned(),
        input: serde_json::json!({"items": [{"id": "S0001", "input": {"source": "I want to speak"}}]}).into(),
        items: Vec::new(),
    };
    let argv: Vec<String> = argv.iter().map(|&word| word.to_owned()).collect();
    let env = vec![("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into())];
    let command = Command::new(&argv, timeout_s, env, root.to_owned(), SUPERVISOR.into());
    let (_stopper, stop) = Stopper::new();
    on_a_runtime(command.ask(request, stop))
}

#[test]
fn the_generator_gives_the_program_what_the_protocol_says() {
    let root = tempfile::tempdir().unwrap();
    let script = "cat \"$1\"; echo; cat \"$COURSEBUILD_INPUT\"; echo; cmp \"$1\" \"$COURSEBUILD_PROMPT\" && \
                  echo \"$COURSEBUILD_LABEL $COURSEBUILD_SCOPE\"; cat";
    std::fs::write(root.path().join("gen.sh"), script).unwrap();
    let reply = ask(root.path(), &["sh", "gen.sh", "{prompt_file}"], 600);
    let Outcome::Answered(answer) = reply.outcome else { panic!("{reply:?}") };
    assert_eq!(
        String::from_utf8(answer).unwrap(),
        "# Translate\n\nS0001 I want to speak\n\
         {\"items\":[{\"id\":\"S0001\",\"input\":{\"source\":\"I want to speak\"}}]}\n\
         phase1_batch_1 S0001-S0020\n"
    );
}

#[test]
fn an_answer_file_beats_standard_output() {
    let root = tempfile::tempdir().unwrap();
    let script = "echo talking; echo '{}' > \"$COURSEBUILD_OUTPUT\"";
    let reply = ask(root.path(), &["sh", "-c", script], 600);
    assert_eq!(reply.outcome, Outcome::Answered(b"{}\n".to_vec()));
}

#[test]
fn a_failing_program_is_an_attempt_and_a_missing_one_is_not() {
    let root = tempfile::tempdir().unwrap();
    let reply = ask(root.path(), &["sh", "-c", "echo 'no credit left' >&2; exit 3"], 600);
    assert_eq!(reply.outcome, Outcome::Failed("the program exited with 3: no credit left".to_owned()));
    assert_eq!(reply.stderr, "no credit left\n");

    let unusable = |argv: &[&str], what: &str, to_do: &str| {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("gen.sh"), "echo").unwrap();
        let Outcome::Unusable { what: said, hint } = ask(root.path(), argv, 600).outcome else {
            panic!("{argv:?} can be used")
        };
        assert!(said.contains(what) && hint.contains(to_do), "{said}\n{hint}");
    };
    unusable(&["no-such-agent"], "could not start `no-such-agent`", "`PATH`");
    unusable(&["./no/such/agent"], "No such file", "check its path");
    unusable(&["./gen.sh"], "ermission denied", "chmod +x");
    unusable(&["gen.sh"], "could not start `gen.sh`", "write `./gen.sh`");
}

#[test]
fn a_restart_harvests_what_the_generator_asked() {
    let root = tempfile::tempdir().unwrap();
    let asked = ask(root.path(), &["sh", "-c", "echo run >> ../../count; echo '{}'; echo done >&2"], 600);
    let Left::Ended(found) = harvest(&root.path().join("calls/c1")).unwrap() else { panic!("it ended") };
    assert_eq!(found, asked);
    assert_eq!(std::fs::read_to_string(root.path().join("count")).unwrap(), "run\n");
}
