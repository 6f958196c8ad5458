//! A text that nobody may see: it has no way to be shown, and takes itself out of what others say.

use std::fmt;
use std::sync::Arc;

/// A key or a password. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

/// Stands where a secret stood.
const HIDDEN: &str = "[hidden]";
/// A shorter text is no secret: taking it out would make holes in words.
const SHORTEST: usize = 6;

impl Secret {
    /// Keeps a text.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A text of somebody else's without the secret: servers repeat the key that they refuse.
    pub fn taken_out_of(&self, text: &str) -> String {
        if self.0.len() < SHORTEST { text.to_owned() } else { text.replace(&*self.0, HIDDEN) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        let secret = Secret::new("sk-planted");
        assert_eq!(format!("{secret:?}"), "[hidden]");
        assert_eq!(secret.taken_out_of("bad key sk-planted!"), "bad key [hidden]!");
        assert_eq!(Secret::new("a").taken_out_of("a cat"), "a cat");
    }
}
