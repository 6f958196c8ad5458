//! What a call waits for, told while it waits: a file that somebody is to write, a limit that lifts in hours.

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// One thing told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The call's id.
    pub call: String,
    /// What it waits for, in words.
    pub what: String,
}

/// Where notices go. Cheap to clone; nobody needs to listen.
#[derive(Debug, Clone)]
pub struct Notices(UnboundedSender<Notice>);

/// The listener's end of [`Notices`].
#[derive(Debug)]
pub struct Heard(UnboundedReceiver<Notice>);

impl Notices {
    /// A pair of ends.
    pub fn new() -> (Self, Heard) {
        let (sender, receiver) = unbounded_channel();
        (Self(sender), Heard(receiver))
    }

    /// Tells what a call waits for.
    pub fn tell(&self, call: &str, what: impl Into<String>) {
        // Without a listener there is nobody to be told.
        let _ = self.0.send(Notice { call: call.to_owned(), what: what.into() });
    }
}

impl Heard {
    /// Waits for the next notice; never ends once nobody can tell any more.
    pub async fn next(&mut self) -> Notice {
        match self.0.recv().await {
            Some(notice) => notice,
            None => std::future::pending().await,
        }
    }
}
