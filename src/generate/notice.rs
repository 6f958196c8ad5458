//! What is told while calls wait: a file that somebody is to write, a limit that lifts in hours, how a submission stands.

use super::batch::Progress;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// One thing told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A call waits.
    Waits {
        /// The call's id.
        call: String,
        /// What it waits for, in words.
        what: String,
    },
    /// A submission stands otherwise than before.
    Submission(Progress),
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
        let _ = self.0.send(Notice::Waits { call: call.to_owned(), what: what.into() });
    }

    /// Tells how a submission stands.
    pub fn submission(&self, progress: Progress) {
        let _ = self.0.send(Notice::Submission(progress));
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

    /// The next notice, if there is one already.
    pub fn now(&mut self) -> Option<Notice> {
        self.0.try_recv().ok()
    }
}
