//! A terminal that nobody sits at: a pseudo-terminal, and what it shows after all the escapes that were sent to it.

use super::Space;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZero;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// High enough that nothing scrolls away.
const ROWS: u16 = 60;
const COLUMNS: u16 = 120;
const LONGEST: Duration = Duration::from_secs(120);

/// A run of the tool at a terminal.
pub(crate) struct Terminal {
    child: Child,
    keyboard: File,
    screen: Arc<Mutex<vt100::Parser>>,
    reader: JoinHandle<()>,
}

impl Terminal {
    /// Starts the tool in a space, at a terminal of 60 lines and 120 columns.
    pub(crate) fn start(space: &Space, args: &[&str]) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        tcsetwinsize(&ours, Winsize { ws_row: ROWS, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let theirs = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        let stream = || Stdio::from(OwnedFd::from(theirs.try_clone().unwrap()));
        let mut command: Command = space.tool(args);
        command.env("TERM", "xterm-256color").stdin(stream()).stdout(stream()).stderr(stream());
        let child = command.spawn().unwrap();
        drop(command);
        drop(theirs);
        let ours = File::from(ours);
        let keyboard = ours.try_clone().unwrap();
        let screen = Arc::new(Mutex::new(vt100::Parser::new(
            NonZero::new(ROWS).unwrap(),
            NonZero::new(COLUMNS).unwrap(),
            0,
        )));
        let reader = std::thread::spawn({
            let screen = Arc::clone(&screen);
            let mut ours = ours;
            move || {
                let mut bytes = [0; 4096];
                // The end of the last process at the terminal is an error to the reader, or an end.
                while let Ok(count @ 1..) = ours.read(&mut bytes) {
                    screen.lock().unwrap().process(&bytes[..count]);
                }
            }
        });
        Self { child, keyboard, screen, reader }
    }

    /// Types.
    pub(crate) fn types(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
    }

    /// What it shows, without spaces at the ends of lines.
    pub(crate) fn shows(&self) -> String {
        let contents = self.screen.lock().unwrap().screen().contents();
        let lines: Vec<&str> = contents.lines().map(str::trim_end).collect();
        lines.join("\n").trim_end().to_owned()
    }

    /// Waits until it shows a text, and gives all that it shows then.
    #[track_caller]
    pub(crate) fn until(&self, wanted: &str) -> String {
        let begun = Instant::now();
        loop {
            let shown = self.shows();
            if shown.contains(wanted) {
                return shown;
            }
            assert!(begun.elapsed() < LONGEST, "waited in vain for `{wanted}`:\n{shown}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Interrupts the tool, as Ctrl-C does.
    pub(crate) fn interrupt(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    }

    /// Waits for its end: the exit code, and what is shown then.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let status = super::wait(&mut self.child);
        self.reader.join().unwrap();
        let contents = self.screen.lock().unwrap().screen().contents();
        let lines: Vec<&str> = contents.lines().map(str::trim_end).collect();
        (status.code(), lines.join("\n").trim_end().to_owned())
    }
}
