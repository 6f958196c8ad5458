//! What a phase writes: its main file, and the fields in it that the tool computes.

use crate::json::{Ids, Pointer, Shape, Value, lift, strip};

/// What comes back and where it goes.
#[derive(Debug, Clone)]
pub struct Output {
    /// The main file's name in the course's folder.
    pub file: String,
    /// How answers and the main file hold the items.
    pub shape: Shape,
    /// The JSON Schema of one item as it stands in the collection (for an object: the value).
    pub schema: Option<Value>,
    /// The id fields of an item.
    pub ids: Vec<Pointer>,
    /// The fields of an item that the tool computes from the whole course. No generator is asked for them, and no digest has
    /// them in it: they are taken out of what comes in and put into what goes out.
    pub derived: Vec<Derived>,
    /// Envelope fields that the tool computes: name (at the outermost level) → what.
    pub envelope: Vec<(String, Computed)>,
}

/// A computed envelope field.
#[derive(Debug, Clone, PartialEq)]
pub enum Computed {
    /// The number of items in the main file.
    Count,
    /// How many elements the lists at a pointer into the items have in all.
    CountOf(Pointer),
    /// The sum of the numbers at a pointer into the items.
    Sum(Pointer),
    /// A constant.
    Constant(Value),
}

/// A field that is computed from the whole course.
#[derive(Debug, Clone, PartialEq)]
pub struct Derived {
    /// The objects that hold it, in an item.
    pub holder: Pointer,
    /// Its name in them.
    pub name: String,
    /// What it tells.
    pub is: Derivation,
}

/// What a derived field tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Derivation {
    /// Whether no holder before this one, in source order over the whole phase, has the same values at these pointers.
    FirstOccurrence(Vec<Pointer>),
    /// Whether the item is the last element of the list that it was split from.
    Last,
    /// How many elements the list at this pointer into the holder has.
    Count(Pointer),
}

impl Output {
    /// The pointers to its derived fields.
    pub fn derived_fields(&self) -> Vec<Pointer> {
        self.derived.iter().map(|derived| derived.holder.join(&derived.name)).collect()
    }

    /// True when a result looks different according to what stands before it in the course.
    pub fn looks_back(&self) -> bool {
        self.derived.iter().any(|derived| matches!(derived.is, Derivation::FirstOccurrence(_)))
    }

    /// A result as it is compared and stored: without derived fields, its ids lifted.
    pub fn take_in(&self, value: &mut Value, ids: Ids<'_>) {
        strip(value, &self.derived_fields());
        lift(value, &self.ids, ids);
    }
}
