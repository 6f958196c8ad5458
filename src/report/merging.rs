//! What a merge of two branches left for people, and what was installed for the next ones.

use super::words::{count, flat};
use crate::run::{Installed, Merging};

/// How many conflicts are listed.
const LISTED: usize = 20;

/// The text of a merge; empty when all was merged.
pub fn merging_text(merging: &Merging, path: &str) -> String {
    if merging.conflicts.is_empty() {
        return String::new();
    }
    let mut out = format!("{}: {} left for you\n", flat(path), count(merging.conflicts.len(), "conflict"));
    for conflict in merging.conflicts.iter().take(LISTED) {
        out += &format!("  {}\n", flat(conflict));
    }
    if merging.conflicts.len() > LISTED {
        out += &format!("  and {} more\n", merging.conflicts.len() - LISTED);
    }
    out += "  both sides stand in the file, between `<<<<<<< ours` and `>>>>>>> theirs`: keep one of each, or a third, and `git add` it\n";
    out
}

/// The text of an installation.
pub fn installed_text(installed: &Installed) -> String {
    let mut out = installed.driver.as_ref().map_or_else(String::new, |driver| {
        format!("git runs `{}` from now on in this repository\n", flat(driver))
    });
    let what = if installed.added == 0 {
        "nothing new in".to_owned()
    } else {
        format!("{} added to", count(installed.added, "line"))
    };
    out += &format!("{what} {}: commit it\n", flat(&installed.attributes));
    for path in &installed.outside {
        out += &format!("left out, for it is not below the manifest: {}\n", flat(path));
    }
    out
}
