//! Tokens, as providers meter them.

use serde::{Deserialize, Serialize};

/// What a call cost, in tokens. Unknown is unknown, never 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meters {
    /// Input tokens that no cache served.
    pub input: Option<u64>,
    /// Input tokens written to the provider's cache.
    pub cache_write: Option<u64>,
    /// Input tokens read from the provider's cache.
    pub cache_read: Option<u64>,
    /// Output tokens.
    pub output: Option<u64>,
}

impl Meters {
    /// Adds what is known of a further try, or a further call; a meter that neither knows stays unknown.
    pub fn and_tried(&mut self, other: &Self) {
        let add = |into: &mut Option<u64>, more: Option<u64>| {
            if let Some(more) = more {
                *into = Some(into.unwrap_or(0) + more);
            }
        };
        add(&mut self.input, other.input);
        add(&mut self.cache_write, other.cache_write);
        add(&mut self.cache_read, other.cache_read);
        add(&mut self.output, other.output);
    }

    /// All input tokens together, whoever served them; unknown when the plain ones are.
    pub fn prompt(&self) -> Option<u64> {
        Some(self.input? + self.cache_write.unwrap_or(0) + self.cache_read.unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_tells_less_takes_nothing_from_the_others() {
        let mut sum = Meters { input: Some(10), cache_write: None, cache_read: Some(900), output: Some(5) };
        sum.and_tried(&Meters { input: Some(1), output: Some(0), ..Meters::default() });
        assert_eq!(
            sum,
            Meters { input: Some(11), cache_write: None, cache_read: Some(900), output: Some(5) }
        );
    }
}
