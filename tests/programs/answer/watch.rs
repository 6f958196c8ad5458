//! An agent that works in a drop folder: takes a prompt for itself, answers it, looks for the next one.
//!
//! `watch FOLDER LOG FAULTS STOP [once]`: until the file STOP is there; with `once`, until no prompt is left. Several may work in one
//! folder: whoever renames a prompt has it.

use crate::faults::Faults;
use crate::{Call, batching, read_json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// An agent that nobody stops ends then.
const LONGEST: Duration = Duration::from_secs(1200);

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
    // The prompt may have been taken back in between.
    let Ok(input) = read_json(&file(".input.json")) else { return Ok(()) };
    let call = Call {
        id: format!("{label}@{}", input["attempt"]),
        label: label.to_owned(),
        phase: input["phase"].as_str().unwrap_or_default().to_owned(),
        scope: String::new(),
        attempt: input["attempt"].as_u64().unwrap_or_default(),
        input,
    };
    call.log(log, "asked")?;
    let mut faults = Faults::read(faults, &call)?;
    faults.before()?;
    let bytes = faults.spoil(batching::answer(&call.phase, call.items())?);
    call.log(log, "answered")?;
    // In two pieces, for an agent's answer does not come at once.
    let whole = file(".json");
    let (first, rest) = bytes.split_at(bytes.len() / 2);
    let write = || -> std::io::Result<()> {
        use std::io::Write;
        let mut out = std::fs::File::create(&whole)?;
        out.write_all(first)?;
        out.flush()?;
        out.write_all(rest)
    };
    write().map_err(|e| format!("{}: {e}", whole.display()))
}
