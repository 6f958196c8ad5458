//! What can happen to a course between two builds, drawn from numbers.

use crate::support::Space;
use crate::support::synth;
use serde_json::{Value, json};

/// Something that happens, and the build after it. Positions are taken modulo what is there, so that an edit means something
/// whatever comes before it.
#[derive(Debug, Clone)]
pub(super) struct Edit {
    pub(super) what: What,
    pub(super) jobs: usize,
    /// Only what comes of these seeds is built at first: from a position, so many more.
    pub(super) some_first: Option<(usize, usize)>,
    /// The build is then stopped after so many calls.
    pub(super) stop_after: Option<usize>,
    /// The build begins with a canary of so many calls, after which nobody says yes.
    pub(super) canary: Option<usize>,
    pub(super) fault: Option<Fault>,
    /// Afterwards the edit is undone and built again.
    pub(super) undo: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    Nothing,
    InsertSeed(usize),
    /// The same sentence twice: one content, two items.
    CopySeed(usize, usize),
    DeleteSeed(usize),
    MoveSeed(usize, usize),
    ChangeSeed(usize, u64),
    SwapIds(usize, usize),
    EditSection(usize, u64),
    /// Another batch size for a phase.
    SetBatch(usize, usize),
    /// A section is edited, and only some seeds are built at first.
    BuildSome(usize, usize, u64),
    EditByHand(usize, usize),
    /// An item leaves its main file.
    DeleteItem(usize, usize),
    DeleteMainFile(usize),
    DeleteOutputs,
    DeleteLock,
    DeleteStore,
    /// The same inputs, written otherwise.
    Reformat,
    /// A section is edited and the edit accepted; then that is revoked, and the edit undone if the flag says so.
    Accept(usize, u64, bool),
    /// What stands for an item is pinned.
    Pin(usize, usize),
    /// All pins go.
    Unpin,
    /// An item is written by hand, if none is yet; a section that it is made from is edited, if there is a turn; then it is decided
    /// what stands for it, and that is taken back if the flag says so.
    Resolve {
        choice: Choice,
        number: usize,
        at: usize,
        turn: Option<u64>,
        back: bool,
    },
    /// An item is written by hand so that it fails a check, and that is waived; for good if the flag says so.
    Waive(usize, bool),
}

/// What is to stand for an item.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Choice {
    Mine,
    Theirs,
    /// One of those that it had.
    Generation(usize),
    /// What stood before the last decision.
    Revoke,
}

/// A mistake that the generator makes in the first attempt.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    name: &'static str,
    item: Option<usize>,
}

impl What {
    fn draw(dice: &mut Dice) -> Self {
        let (a, b) = (dice.below(100), dice.below(100));
        match dice.below(38) {
            0..=2 => Self::InsertSeed(a),
            3 | 4 => Self::DeleteSeed(a),
            5 | 6 => Self::MoveSeed(a, b),
            7..=9 => Self::ChangeSeed(a, dice.below(1000) as u64),
            10 => Self::SwapIds(a, b),
            11 | 12 => Self::EditSection(a, dice.below(1000) as u64),
            13 | 14 => Self::EditByHand(a, b),
            15 => Self::DeleteItem(a, b),
            16 => Self::DeleteMainFile(a),
            17 => Self::DeleteOutputs,
            18 => Self::DeleteLock,
            19 if a < 50 => Self::DeleteStore,
            20 => Self::CopySeed(a, b),
            21 => Self::SetBatch(a, 1 + b % 9),
            22 | 23 => Self::BuildSome(a, b, dice.below(1000) as u64),
            24 => Self::Reformat,
            25 | 26 => Self::Accept(a, dice.below(1000) as u64, b < 50),
            27 | 28 => Self::Pin(a, b),
            29 if a < 50 => Self::Unpin,
            30..=34 => Self::Resolve {
                choice: Choice::draw(dice),
                number: a,
                at: b,
                turn: (dice.below(2) == 0).then(|| dice.below(1000) as u64),
                back: dice.below(2) == 0,
            },
            35 | 36 => Self::Waive(a, b < 50),
            _ => Self::Nothing,
        }
    }

    /// It changes nothing that is sent.
    pub(super) fn means_nothing(&self) -> bool {
        matches!(self, Self::Nothing | Self::Reformat)
    }

    /// It changes inputs only, so writing the old ones back undoes it.
    pub(super) fn is_of_inputs(&self) -> bool {
        matches!(
            self,
            Self::InsertSeed(_)
                | Self::DeleteSeed(_)
                | Self::MoveSeed(..)
                | Self::ChangeSeed(..)
                | Self::SwapIds(..)
                | Self::EditSection(..)
                | Self::CopySeed(..)
                | Self::BuildSome(..)
        )
    }
}

impl Choice {
    fn draw(dice: &mut Dice) -> Self {
        match dice.below(6) {
            0 => Self::Mine,
            1 | 2 => Self::Theirs,
            3 | 4 => Self::Generation(dice.below(100)),
            _ => Self::Revoke,
        }
    }
}

impl Edit {
    pub(super) fn draw(dice: &mut Dice) -> Self {
        Self {
            what: What::draw(dice),
            jobs: 1 + dice.below(8),
            some_first: (dice.below(4) == 0).then(|| (dice.below(100), dice.below(6))),
            stop_after: (dice.below(4) == 0).then(|| dice.below(3)),
            canary: None,
            fault: (dice.below(3) == 0).then(|| Fault::draw(dice)),
            undo: dice.below(3) == 0,
        }
    }

    /// The same, begun with a canary now and then.
    pub(super) fn with_canary(self, dice: &mut Dice) -> Self {
        Self { canary: (dice.below(3) == 0).then(|| 1 + dice.below(3)), ..self }
    }
}

impl Fault {
    fn draw(dice: &mut Dice) -> Self {
        const OF_ITEM: [&str; 5] = ["missing", "shape", "wrong", "extra", "twice"];
        const OF_ALL: [&str; 6] = ["prose", "fenced", "truncated", "empty", "not_json", "to_file"];
        if dice.below(2) == 0 {
            Self { name: OF_ITEM[dice.below(OF_ITEM.len())], item: Some(dice.below(100)) }
        } else {
            Self { name: OF_ALL[dice.below(OF_ALL.len())], item: None }
        }
    }

    /// As the generator reads it.
    pub(super) fn value(&self, space: &Space) -> Value {
        let mut fault = json!({"fault": self.name, "attempts": [1]});
        if let Some(item) = self.item {
            let seeds = space.seeds();
            if let Some(seed) = seeds.get(item % seeds.len().max(1)) {
                fault["item"] = json!(seed.id);
            }
        }
        fault
    }
}

/// Changes the seeds.
pub(super) fn change_seeds(space: &Space, what: &What) {
    space.edit_seeds(|seeds| {
        let count = seeds.len();
        match *what {
            What::InsertSeed(at) => synth::insert(seeds, at % (count + 1)),
            What::CopySeed(from, to) => {
                synth::insert(seeds, to % (count + 1));
                seeds[to % (count + 1)].source = seeds[from % (count + 1)].source.clone();
            }
            What::DeleteSeed(at) if count > 2 => synth::delete(seeds, at % count),
            What::MoveSeed(from, to) => synth::shift(seeds, from % count, to % count),
            What::ChangeSeed(at, turn) => synth::change_word(seeds, at % count, turn),
            What::SwapIds(a, b) => {
                let (a, b) = (a % count, b % count);
                let id = seeds[a].id.clone();
                seeds[a].id = std::mem::replace(&mut seeds[b].id, id);
            }
            _ => {}
        }
    });
}

/// SplitMix64: the same everywhere.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(number: u64) -> Self {
        Self(number)
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % n as u64) as usize
    }
}
