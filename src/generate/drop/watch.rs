//! Tells that something happened in a folder. Where the system cannot tell, nobody is told, and whoever waits looks now and then.

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecursiveMode, Watcher};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// Watches a folder for changes of one file in it.
pub(super) struct Watch {
    happened: Arc<Notify>,
    closed: Arc<AtomicBool>,
    /// `None`: the system does not watch this folder.
    _watcher: Option<notify::RecommendedWatcher>,
}

impl Watch {
    /// Watches `folder`, as well as the system can, for changes of `file`.
    pub(super) fn new(folder: &Path, file: &Path) -> Self {
        let (happened, closed) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let (wake, shut, name) = (happened.clone(), closed.clone(), file.file_name().map(ToOwned::to_owned));
        let told = move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            if !event.paths.iter().any(|path| path.file_name() == name.as_deref()) {
                return;
            }
            match event.kind {
                EventKind::Access(AccessKind::Close(AccessMode::Write)) => {
                    shut.store(true, Ordering::SeqCst);
                }
                EventKind::Access(_) => return,
                EventKind::Modify(notify::event::ModifyKind::Name(_)) => shut.store(true, Ordering::SeqCst),
                _ => shut.store(false, Ordering::SeqCst),
            }
            wake.notify_one();
        };
        let watcher = notify::recommended_watcher(told).ok().and_then(|mut watcher| {
            watcher.watch(folder, RecursiveMode::NonRecursive).ok().map(|()| watcher)
        });
        Self { happened, closed, _watcher: watcher }
    }

    /// Waits until something happens to the file; for ever where nobody tells.
    pub(super) async fn changed(&self) {
        self.happened.notified().await;
    }

    /// Whether the file's last writer was seen to close it, or it came under its name whole.
    pub(super) fn closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }
}
