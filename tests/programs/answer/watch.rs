//! An agent that works in a drop folder: takes a prompt for itself, answers it, looks for the next one.
//!
//! `watch FOLDER LOG FAULTS STOP [once]`: until the file STOP is there; with `once`, until no prompt is left. Several may work in one
//! folder: whoever renames a prompt has it. Of faults, he who hangs answers nothing; `late` keeps an answer back until its label is
//! asked again; `again` writes it a second time once it is taken; `slow` stops in its middle; `unasked` writes it for nobody as well.

use crate::faults::Faults;
use crate::{Call, at, batching, read_json, read_text};
use batching::fingerprint;
use batching::tongue::Tongue;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// An agent that nobody stops ends then.
const LONGEST: Duration = Duration::from_secs(1200);
/// How long one stops in the middle of a file.
const SLOW: Duration = Duration::from_millis(300);

/// Answers until it is told to stop.
pub(crate) fn watch(args: &[&str]) -> Result<(), String> {
    let (folder, log, faults, stop, once) = match args {
        [folder, log, faults, stop] => (folder, log, faults, stop, false),
        [folder, log, faults, stop, "once"] => (folder, log, faults, stop, true),
        _ => return Err(format!("cannot read `watch {}`", args.join(" "))),
    };
    let begun = Instant::now();
    while !Path::new(stop).exists() && begun.elapsed() < LONGEST {
        match take(Path::new(folder)) {
            Some(label) => answer(Path::new(folder), &label, Path::new(log), Path::new(faults))?,
            None if once => break,
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    }
    Ok(())
}

/// Takes the first prompt that nobody has: its label.
fn take(folder: &Path) -> Option<String> {
    let names =
        std::fs::read_dir(folder).ok()?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut labels: Vec<String> =
        names.filter_map(|name| name.strip_suffix(".prompt.md").map(str::to_owned)).collect();
    labels.sort();
    let rename = |label: &String| {
        let prompt = folder.join(format!("{label}.prompt.md"));
        std::fs::rename(&prompt, folder.join(format!("{label}.prompt.md.taken"))).is_ok()
    };
    labels.into_iter().find(rename)
}

fn answer(folder: &Path, label: &str, log: &Path, faults: &Path) -> Result<(), String> {
    let file = |end: &str| -> PathBuf { folder.join(format!("{label}{end}")) };
    let prompt = file(".prompt.md.taken");
    // The prompt may have been taken back in between.
    let (Ok(input), Ok(text)) = (read_json(&file(".input.json")), read_text(&prompt)) else { return Ok(()) };
    let call = Call {
        // No two prompts are the same, but nothing else tells two calls of one label apart.
        id: format!("{label}@{}-{:016x}", input["attempt"], fingerprint(text.as_bytes())),
        label: label.to_owned(),
        course: input["course"].as_str().unwrap_or_default().to_owned(),
        phase: input["phase"].as_str().unwrap_or_default().to_owned(),
        attempt: input["attempt"].as_u64().unwrap_or_default(),
        scope: String::new(),
        input,
    };
    let mut faults = Faults::read(faults, &call)?;
    call.log(log, "asked", &faults)?;
    faults.keep_prompt(&call.id, &prompt)?;
    if faults.has("hang") {
        return Ok(());
    }
    faults.before()?;
    let bytes = faults.spoil(batching::answer(Tongue::of(&call.course), &call.phase, call.items())?);
    let kept = log.with_file_name(format!("late-{label}"));
    if faults.has("late") {
        return std::fs::write(&kept, bytes).map_err(|e| at(&kept, &e));
    }
    // What was not written in its time comes now, for the same items.
    let bytes = std::fs::read(&kept).unwrap_or(bytes);
    let _ = std::fs::remove_file(&kept);
    call.log(log, "answered", &faults)?;
    let whole = file(".json");
    let pause = if faults.has("slow") { SLOW } else { Duration::ZERO };
    write(&whole, &bytes, pause).map_err(|e| at(&whole, &e))?;
    if faults.has("again") {
        let begun = Instant::now();
        while whole.exists() && begun.elapsed() < LONGEST {
            std::thread::sleep(Duration::from_millis(10));
        }
        write(&whole, &bytes, Duration::ZERO).map_err(|e| at(&whole, &e))?;
    }
    if faults.has("unasked") {
        let nobodys = folder.join(format!("{}_batch_9000.json", call.phase));
        write(&nobodys, &bytes, Duration::ZERO).map_err(|e| at(&nobodys, &e))?;
    }
    Ok(())
}

/// In two pieces, for an agent's answer does not come at once.
fn write(path: &Path, bytes: &[u8], pause: Duration) -> std::io::Result<()> {
    let (first, rest) = bytes.split_at(bytes.len() / 2);
    let mut out = std::fs::File::create(path)?;
    out.write_all(first)?;
    out.flush()?;
    std::thread::sleep(pause);
    out.write_all(rest)
}
