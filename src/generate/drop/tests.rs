use super::super::{Asked, Heard, Notice, Stopper};
use super::*;
use std::sync::Arc;

struct Desk {
    dir: tempfile::TempDir,
    drop: Arc<DropFolder>,
    heard: Heard,
}

fn desk(timeout_s: u64) -> Desk {
    let dir = tempfile::tempdir().unwrap();
    let (notices, heard) = Notices::new();
    let drop = Arc::new(DropFolder::new(
        dir.path().join("inbox"),
        false,
        timeout_s,
        1000,
        dir.path().to_owned(),
        notices,
    ));
    Desk { dir, drop, heard }
}

fn request(dir: &Path, ids: &[&str]) -> Request {
    Request {
        call: "c1".to_owned(),
        dir: dir.join("calls/c1"),
        course: "spa_for_eng".to_owned(),
        course_dir: dir.join("vfs"),
        phase: "phase3".to_owned(),
        batch: 7,
        label: "phase3_batch_7".to_owned(),
        scope: "S0121".to_owned(),
        attempt: 1,
        prefix: Arc::from("# LEGOs\n"),
        body: "S0121 …\n".to_owned(),
        input: serde_json::json!({"phase": "phase3"}).into(),
        items: ids.iter().map(|id| Asked { id: (*id).to_owned(), input: serde_json::Value::Null }).collect(),
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

async fn told(heard: &mut Heard) -> String {
    match heard.next().await {
        Notice::Waits { what, .. } => what,
        Notice::Submission(progress) => panic!("{progress:?}"),
    }
}

#[test]
fn an_answer_is_taken_when_it_is_whole_however_it_is_written() {
    let mut desk = desk(60);
    let (_stopper, stop) = Stopper::new();
    let answer = desk.dir.path().join("inbox/phase3_batch_7.json");
    let outcome = run(async {
        let asked = request(desk.dir.path(), &["S0121"]);
        let (drop, stop) = (desk.drop.clone(), stop.clone());
        let call = tokio::spawn(async move { drop.ask(asked, stop).await.outcome });
        let told = told(&mut desk.heard).await;
        assert!(told.contains(answer.to_str().unwrap()), "{told}");
        assert!(desk.dir.path().join("inbox/phase3_batch_7.prompt.md").exists());
        assert!(desk.dir.path().join("inbox/README.md").exists());
        use std::io::Write;
        let mut file = fs::output_file(&answer).unwrap();
        file.write_all(b"{\"S0121\": [\"a\"").unwrap();
        file.flush().unwrap();
        file.write_all(b", \"b\"]}").unwrap();
        call.await.unwrap()
    });
    assert_eq!(outcome, Outcome::Answered(b"{\"S0121\": [\"a\", \"b\"]}".to_vec()));
}

#[test]
fn the_same_bytes_for_other_items_are_a_second_arrival() {
    let mut desk = desk(60);
    let (stopper, stop) = Stopper::new();
    let inbox = desk.dir.path().join("inbox");
    let answer = inbox.join("phase3_batch_7.json");
    fs::write_whole(&answer, b"{\"S0121\": 1, \"S0122\": 2}", false).unwrap();
    let outcome = run(async {
        let first = desk.drop.ask(request(desk.dir.path(), &["S0121", "S0122"]), stop.clone()).await;
        assert!(matches!(first.outcome, Outcome::Answered(_)));
        let asked = request(desk.dir.path(), &["S0121"]);
        let (drop, stop) = (desk.drop.clone(), stop.clone());
        let call = tokio::spawn(async move { drop.ask(asked, stop).await.outcome });
        let mut told = String::new();
        while !told.contains("a second time") {
            told = self::told(&mut desk.heard).await;
        }
        assert!(inbox.join("aside/phase3_batch_7.json").exists());
        stopper.stop();
        call.await.unwrap()
    });
    assert_eq!(outcome, Outcome::Interrupted);
    assert!(inbox.join("phase3_batch_7.prompt.md").exists(), "an answer may still come");
}

#[test]
fn a_folder_belongs_to_one_workspace() {
    let one = desk(1);
    one.drop.own().unwrap();
    let other = |owner: &str| {
        let (notices, _) = Notices::new();
        DropFolder::new(one.dir.path().join("inbox"), false, 1, 1, one.dir.path().join(owner), notices)
    };
    assert!(other("b").own().unwrap_err().what.contains("another build"));
    drop(one.drop);
    fs::write_whole(&one.dir.path().join("coursebuild.toml"), b"", false).unwrap();
    assert!(other("b").own().unwrap_err().what.contains("used by the workspace"));
    fs::remove_file(&one.dir.path().join("coursebuild.toml")).unwrap();
    other("b").own().unwrap();
}

#[test]
fn what_nobody_answers_times_out_and_what_is_too_long_is_set_aside() {
    let desk = desk(1);
    let (_stopper, stop) = Stopper::new();
    let ask = || run(desk.drop.ask(request(desk.dir.path(), &["S0121"]), stop.clone())).outcome;
    assert_eq!(ask(), Outcome::TimedOut(1));
    let spot = desk.drop.spot(&request(desk.dir.path(), &["S0121"]));
    let long = format!("[{}]", " ".repeat(2000));
    fs::write_whole(&spot.answer(), long.as_bytes(), false).unwrap();
    let Ok(Outcome::Failed(why)) = too_long(&spot, 2002, 1000) else { panic!() };
    assert!(why.contains("2002 bytes") && !spot.answer().exists(), "{why}");
}
