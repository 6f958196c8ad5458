//! Standard output, written through one buffer.

use crate::diag::{Problem, Result};
use std::io::{BufWriter, ErrorKind, Write};

/// Where text goes. A reader that has gone is no error: what follows is dropped, and the work goes on.
pub struct Out {
    to: BufWriter<Box<dyn Write>>,
    stopped: Option<std::io::Error>,
}

impl Out {
    /// Standard output.
    pub fn stdout() -> Self {
        Self::new(Box::new(std::io::stdout()))
    }

    /// Any writer.
    pub fn new(to: Box<dyn Write>) -> Self {
        Self { to: BufWriter::with_capacity(1 << 16, to), stopped: None }
    }

    /// Adds text.
    pub fn text(&mut self, text: &str) {
        if self.stopped.is_none() {
            self.stopped = self.to.write_all(text.as_bytes()).err();
        }
    }

    /// Hands over what was added so far: for a reader who follows along.
    pub fn flush(&mut self) {
        if self.stopped.is_none() {
            self.stopped = self.to.flush().err();
        }
    }

    /// Hands over the rest. Errors when not all could be written, unless the reader has gone.
    pub fn finish(mut self) -> Result<()> {
        self.flush();
        match self.stopped {
            Some(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(Problem::environment("could not write to standard output").because(error))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fails(ErrorKind);

    impl Write for Fails {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_has_gone_is_no_error_and_a_full_disk_is() {
        for (kind, fine) in [(ErrorKind::BrokenPipe, true), (ErrorKind::StorageFull, false)] {
            let mut out = Out::new(Box::new(Fails(kind)));
            out.text("a");
            out.flush();
            out.text("b");
            assert_eq!(out.finish().is_ok(), fine, "{kind}");
        }
    }
}
