//! A terminal that somebody watches: lines scroll above the progress, which is drawn anew every second.
//!
//! The ticking thread starts with the first call, so that a build without work pays nothing for it.

use super::lines::Lines;
use super::look::Look;
use super::progress::Progress;
use crate::event::Event;
use console::{Term, measure_text_width};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Draws events on a terminal. Takes its progress away when dropped.
pub struct Live {
    shared: Arc<Shared>,
    ticker: Option<JoinHandle<()>>,
}

struct Shared {
    screen: Mutex<Screen>,
    ended: Condvar,
}

struct Screen {
    term: Term,
    look: Look,
    lines: Lines,
    progress: Progress,
    begun: Instant,
    /// Lines of progress on the screen.
    drawn: usize,
    ended: bool,
}

impl Live {
    /// Draws on a terminal.
    pub fn new(term: Term, look: Look) -> Self {
        let screen = Screen {
            term,
            look,
            lines: Lines::new(look),
            progress: Progress::default(),
            begun: Instant::now(),
            drawn: 0,
            ended: false,
        };
        Self { shared: Arc::new(Shared { screen: Mutex::new(screen), ended: Condvar::new() }), ticker: None }
    }

    /// Takes an event in and draws what it changes.
    pub fn event(&mut self, event: &Event) {
        self.shared.screen().event(event);
        if self.ticker.is_none() && matches!(event, Event::CallStarted { .. }) {
            let shared = Arc::clone(&self.shared);
            // Without the thread the line is drawn at events only: poorer, and no reason to stop a build.
            self.ticker = std::thread::Builder::new().name("status".into()).spawn(move || shared.tick()).ok();
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        {
            let mut screen = self.shared.screen();
            screen.ended = true;
            screen.clear();
            screen.flush();
        }
        self.shared.ended.notify_all();
        if let Some(ticker) = self.ticker.take() {
            let _ = ticker.join();
        }
    }
}

impl Shared {
    fn screen(&self) -> MutexGuard<'_, Screen> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tick(&self) {
        let mut screen = self.screen();
        while !screen.ended {
            screen = self
                .ended
                .wait_timeout(screen, Duration::from_secs(1))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
            screen.redraw();
        }
    }
}

/// A terminal that cannot be written to is no reason to stop a build: errors of drawing are dropped.
impl Screen {
    fn event(&mut self, event: &Event) {
        self.progress.event(event, self.begun.elapsed().as_secs_f64());
        let text = self.lines.render(event);
        if matches!(event, Event::Summary(_)) {
            self.ended = true;
        }
        if !text.is_empty() {
            self.clear();
            let _ = self.term.write_str(&text);
        }
        self.redraw();
    }

    fn redraw(&mut self) {
        self.clear();
        if !self.ended && self.progress.busy() {
            let (height, width) = self.term.size();
            // A line as wide as the terminal would wrap, and a block as high as it would scroll away.
            let (height, width) = (usize::from(height / 2).max(1), usize::from(width).saturating_sub(1));
            let lines = self.progress.screen(self.begun.elapsed().as_secs_f64(), height);
            for line in &lines {
                let _ = self.term.write_line(&self.look.dim(cut(line, width)));
            }
            self.drawn = lines.len();
        }
        self.flush();
    }

    fn clear(&mut self) {
        let drawn = std::mem::take(&mut self.drawn);
        if drawn > 0 {
            let _ = self.term.clear_last_lines(drawn);
        }
    }

    fn flush(&self) {
        let _ = self.term.flush();
    }
}

/// The longest beginning that is at most `width` columns wide.
fn cut(text: &str, width: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += measure_text_width(c.encode_utf8(&mut [0; 4]));
        if used > width {
            return &text[..at];
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::{AsRawFd, RawFd};

    #[derive(Clone, Debug)]
    struct Tape(Arc<Mutex<Vec<u8>>>);

    impl Write for Tape {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl AsRawFd for Tape {
        fn as_raw_fd(&self) -> RawFd {
            -1
        }
    }

    #[test]
    fn the_progress_is_taken_away_at_the_end() {
        let tape = Tape(Arc::default());
        let term = Term::read_write_pair(std::io::stdin(), tape.clone());
        let mut live = Live::new(term, Look::default());
        live.event(&Event::CallStarted {
            call: "a".into(),
            course: "c".into(),
            phase: "p".into(),
            label: "l".into(),
            scope: "S0001-S0020".into(),
            items: 20,
            attempt: 1,
        });
        drop(live);
        let drawn = String::from_utf8(tape.0.lock().unwrap().clone()).unwrap();
        assert!(drawn.starts_with("[p 1/1] S0001-S0020: 20 items\n"), "{drawn:?}");
        assert!(drawn.contains("  p S0001-S0020: 20 items, 0s\n"), "{drawn:?}");
        assert!(drawn.contains("0/1 calls, 0%, 1 in flight"), "{drawn:?}");
        let after = drawn.rsplit("elapsed").next().unwrap();
        assert!(after.contains("\u{1b}[3A") && !after.contains("calls"), "{drawn:?}");
    }

    #[test]
    fn a_line_is_cut_by_columns() {
        assert_eq!(cut("abcdef", 3), "abc");
        assert_eq!(cut("中文中文", 5), "中文");
        assert_eq!(cut("abc", 0), "");
        assert_eq!(cut("abc", 80), "abc");
    }
}
