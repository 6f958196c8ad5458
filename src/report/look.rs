//! How text is to look on one stream, and the few colours that there are.

use console::Style;

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detail {
    /// `-q`: only what went wrong.
    Quiet,
    /// What people want to see.
    #[default]
    Normal,
    /// `-v`: nothing is cut.
    Verbose,
}

/// How text is to look on one stream.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look {
    /// With colours.
    pub color: bool,
    /// How much is told.
    pub detail: Detail,
}

impl Look {
    /// True with `-v`.
    pub fn verbose(self) -> bool {
        self.detail == Detail::Verbose
    }

    /// How many of a list are shown before it is cut.
    pub(super) fn most(self, normally: usize) -> usize {
        if self.verbose() { usize::MAX } else { normally }
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    pub(super) fn dim(self, text: &str) -> String {
        self.paint(Style::new().dim(), text)
    }

    pub(super) fn good(self, text: &str) -> String {
        self.paint(Style::new().green(), text)
    }

    pub(super) fn bad(self, text: &str) -> String {
        self.paint(Style::new().red().bold(), text)
    }

    pub(super) fn odd(self, text: &str) -> String {
        self.paint(Style::new().yellow(), text)
    }

    fn paint(self, style: Style, text: &str) -> String {
        if self.color && !text.is_empty() {
            style.force_styling(true).apply_to(text).to_string()
        } else {
            text.to_owned()
        }
    }
}
