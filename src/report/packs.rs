//! The built-in packs of rules, listed.

use crate::course::{BuiltinPack, PackPhase};

/// A pack and its phases.
pub type PackPhases = (&'static BuiltinPack, Vec<PackPhase>);

/// Each pack with a line for each phase: what feeds it, what it is, where it goes.
pub fn packs_text(packs: &[PackPhases]) -> String {
    let mut out = String::new();
    for (pack, phases) in packs {
        out += &format!("builtin:{}\n", pack.name);
        for phase in phases {
            let after = phase.after.as_deref().unwrap_or("its source");
            out += &format!("  {}  {}, made from {after} → {}\n", phase.name, phase.title, phase.file);
        }
    }
    out += "\n`coursebuild rules --copy NAME DIR` copies one out, to be changed and named in the manifest: `rules = \"DIR\"`\n";
    out
}
