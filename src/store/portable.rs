//! What a shared store holds in one slot: one result with all that it takes to know it, in one self-contained frame.
//!
//! An entry goes out item by item, so that two machines that bought overlapping calls still agree slot by slot; what comes in
//! is put together again by call. Neither the raw answer nor what a program said beside it leaves this machine. Nothing that
//! comes in is believed: the frame, the slot that the item hashes to, and the digest of the output are all worked out anew.

use super::entry::{SHARED, Stored};
use super::frame::{self, Kind};
use super::{Ended, Entry, Provenance};
use crate::diag::Result;
use crate::digest::Digest;
use crate::generate::Meters;
use crate::json::{Value, canonical};
use std::collections::BTreeMap;

/// The longest object of a shared store that is read, in bytes.
pub const MAX_OBJECT: usize = 16 << 20;

/// The bought results of an entry, each as an entry of its own, with their slots and their positions in the entry's results.
pub fn portions(entry: &Entry) -> Vec<(usize, Digest, Entry)> {
    if entry.provenance != Provenance::Generated {
        return Vec::new();
    }
    let share = share_of(entry);
    let mut portions: Vec<(usize, Digest, Entry)> = Vec::new();
    for (at, stored) in entry.results.iter().enumerate() {
        let Some(item) = entry.intent.items.get(stored.item) else { continue };
        let slot = item.slot();
        // Of two results for one item the first one has the slot.
        if portions.iter().any(|(_, taken, _)| *taken == slot) {
            continue;
        }
        let mut intent = entry.intent.clone();
        intent.items = vec![item.clone()];
        intent.call = intent.call.trim_start_matches(SHARED).to_owned();
        let one = Entry {
            intent,
            provenance: Provenance::Generated,
            ended: entry.ended.clone(),
            ended_ms: entry.ended_ms,
            meters: Meters::default(),
            money_usd: share,
            model: entry.model.clone(),
            stderr: String::new(),
            raw: None,
            results: vec![Stored { item: 0, ..stored.clone() }],
        };
        portions.push((at, slot, one));
    }
    portions
}

/// An item's part of what its call cost.
#[expect(clippy::cast_precision_loss, reason = "a call has far fewer items than a double can count")]
fn share_of(entry: &Entry) -> Option<f64> {
    entry.money_usd.map(|usd| usd / entry.intent.items.len().max(1) as f64)
}

/// The bytes of a slot.
pub fn encode_portion(slot: &Digest, portion: &Entry) -> Result<Vec<u8>> {
    let body = serde_json::to_vec(portion)
        .map_err(|e| crate::diag::Problem::internal("a result could not be written as JSON").because(e))?;
    frame::encode(Kind::Shared, slot.as_bytes(), &body)
}

/// Reads the bytes of a slot. Errors with what is wrong with them.
pub fn decode_portion(slot: &Digest, bytes: &[u8]) -> Result<Entry, String> {
    if bytes.len() > MAX_OBJECT {
        return Err(format!("it has more than {MAX_OBJECT} bytes"));
    }
    let body = frame::decode_only(bytes, Kind::Shared, slot.as_bytes()).map_err(|bad| bad.to_string())?;
    let entry: Entry = serde_json::from_slice(&body).map_err(|e| newer(&e))?;
    let (found, entry) = checked(entry)?;
    if found == *slot { Ok(entry) } else { Err("it belongs into another slot".to_owned()) }
}

fn newer(error: &serde_json::Error) -> String {
    format!("a newer coursebuild may have written it: {error}")
}

/// A portion whose every claim was worked out anew, with the slot that it belongs into.
fn checked(mut entry: Entry) -> Result<(Digest, Entry), String> {
    let (item, stored) = match (&entry.intent.items[..], &entry.results[..]) {
        ([item], [stored]) if stored.item == 0 => (item, stored),
        _ => return Err("it does not hold one result of one item".to_owned()),
    };
    if entry.provenance != Provenance::Generated
        || entry.ended == Ended::Filed && entry.intent.call.is_empty()
    {
        return Err("it was not bought".to_owned());
    }
    let slot = item.slot();
    let output: Value =
        serde_json::from_str(&stored.output).map_err(|_| "its result is not JSON".to_owned())?;
    if Digest::of(&canonical(&output)) != stored.digest {
        return Err("its result is not the one whose digest it states".to_owned());
    }
    entry.intent.call = format!("{SHARED}{}", entry.intent.call.trim_start_matches(SHARED));
    (entry.raw, entry.stderr) = (None, String::new());
    Ok((slot, entry))
}

/// The bytes of many portions under one name: what a fresh clone asks for instead of slot after slot.
pub fn encode_chunk(name: &Digest, portions: &[Entry]) -> Result<Vec<u8>> {
    let body = serde_json::to_vec(portions)
        .map_err(|e| crate::diag::Problem::internal("results could not be written as JSON").because(e))?;
    frame::encode(Kind::Shared, name.as_bytes(), &body)
}

/// Reads many portions, each with its slot; those that are not what they claim are left out. Errors when the bytes are not whole.
pub fn decode_chunk(name: &Digest, bytes: &[u8]) -> Result<Vec<(Digest, Entry)>, String> {
    let body = frame::decode_only(bytes, Kind::Shared, name.as_bytes()).map_err(|bad| bad.to_string())?;
    let portions: Vec<Entry> = serde_json::from_slice(&body).map_err(|e| newer(&e))?;
    Ok(portions.into_iter().filter_map(|portion| checked(portion).ok()).collect())
}

/// Puts results of the same call together again, as far as they are here.
pub fn together(portions: Vec<Entry>) -> Vec<Entry> {
    let mut calls: BTreeMap<Vec<u8>, Entry> = BTreeMap::new();
    for mut portion in portions {
        let results = std::mem::take(&mut portion.results);
        let items = std::mem::take(&mut portion.intent.items);
        let money = portion.money_usd.take();
        // What is left is what all of one call share; whoever says otherwise is kept by himself.
        let key = serde_json::to_vec(&portion).unwrap_or_default();
        let whole = calls.entry(key).or_insert(portion);
        let first = whole.intent.items.len();
        whole.intent.items.extend(items);
        whole
            .results
            .extend(results.into_iter().map(|stored| Stored { item: first + stored.item, ..stored }));
        whole.money_usd = match (whole.money_usd, money) {
            (Some(sum), Some(more)) => Some(sum + more),
            (sum, more) => sum.or(more),
        };
    }
    calls.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::super::samples::{asked, digest, entry};
    use super::*;

    fn bought() -> Entry {
        let mut bought = entry("c1", &[asked("S0001", "x"), asked("S0002", "y")], &["a", "b"]);
        for stored in &mut bought.results {
            stored.digest = Digest::of(stored.output.as_bytes());
        }
        bought
    }

    #[test]
    fn an_entry_goes_out_item_by_item_and_comes_together_again() {
        let bought = bought();
        let portions = portions(&bought);
        assert_eq!(portions.len(), 2);
        let back: Vec<Entry> = portions
            .iter()
            .map(|(_, slot, portion)| decode_portion(slot, &encode_portion(slot, portion).unwrap()).unwrap())
            .collect();
        assert!(back.iter().all(|portion| portion.raw.is_none() && portion.intent.is_shared()));
        let whole = together(back);
        assert_eq!(whole.len(), 1);
        assert_eq!((&whole[0].results, &whole[0].intent.items), (&bought.results, &bought.intent.items));
        assert_eq!((whole[0].money_usd, whole[0].intent.call.as_str()), (Some(0.25), "@c1"));
        assert_eq!(super::portions(&whole[0])[0].2.intent.call, "c1", "passed on, it is the same");
        let edited = Entry { provenance: Provenance::Edited, ..bought };
        assert!(super::portions(&edited).is_empty());
    }

    #[test]
    fn a_slot_cut_anywhere_or_with_any_byte_changed_is_refused() {
        let (_, slot, portion) = portions(&bought()).swap_remove(0);
        let bytes = encode_portion(&slot, &portion).unwrap();
        for end in 0..bytes.len() {
            assert!(decode_portion(&slot, &bytes[..end]).is_err(), "cut at {end}");
        }
        for at in 0..bytes.len() {
            for flip in [1, 0x80, 0xff] {
                let mut bad = bytes.clone();
                bad[at] ^= flip;
                assert!(decode_portion(&slot, &bad).is_err(), "byte {at} changed by {flip}");
            }
        }
    }

    #[test]
    fn many_results_go_under_one_name() {
        let name = digest("chunk");
        let mut all: Vec<Entry> = portions(&bought()).into_iter().map(|(.., portion)| portion).collect();
        let bytes = encode_chunk(&name, &all).unwrap();
        assert_eq!(decode_chunk(&name, &bytes).unwrap().len(), 2);
        assert!(decode_chunk(&digest("other"), &bytes).is_err() && decode_chunk(&name, &bytes[1..]).is_err());
        for at in 0..bytes.len() {
            assert!(decode_chunk(&name, &bytes[..at]).is_err(), "cut at {at}");
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            assert!(decode_chunk(&name, &bad).is_err(), "byte {at} changed");
        }
        all[0].results[0].output = "\"a lie\"".to_owned();
        let lying = encode_chunk(&name, &all).unwrap();
        assert_eq!(decode_chunk(&name, &lying).unwrap().len(), 1, "what is not what it claims is left out");
    }

    #[test]
    fn what_a_slot_says_of_itself_is_not_believed() {
        let portions = portions(&bought());
        let (_, slot, portion) = &portions[0];
        let refused = |slot: &Digest, lie: &Entry| {
            decode_portion(slot, &encode_portion(slot, lie).unwrap()).unwrap_err()
        };
        assert!(refused(&portions[1].1, portion).contains("another slot"));
        let mut lie = portion.clone();
        lie.results[0].output = "\"another text\"".to_owned();
        assert!(refused(slot, &lie).contains("digest"));
        lie.results.clear();
        assert!(refused(slot, &lie).contains("one result"));
        let adopted = Entry { provenance: Provenance::Adopted, ..portion.clone() };
        assert!(refused(slot, &adopted).contains("not bought"));
        let bytes = frame::encode(Kind::Entry, slot.as_bytes(), b"{}").unwrap();
        assert!(decode_portion(slot, &bytes).is_err());
        assert!(decode_portion(&digest("?"), &[0; 100]).is_err());
    }
}
