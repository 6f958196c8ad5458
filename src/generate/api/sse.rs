//! Server-sent events: bytes as they come, into events. The part of the standard that these services use.

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Event {
    /// Its name; empty where there is none.
    pub(super) name: String,
    /// Its data, lines joined.
    pub(super) data: String,
}

/// Reads a stream, whatever the pieces in which it comes.
#[derive(Debug, Default)]
pub(super) struct Events {
    line: Vec<u8>,
    event: Event,
    has_data: bool,
}

impl Events {
    /// Takes a piece; gives the events that it completes.
    pub(super) fn feed(&mut self, piece: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        for byte in piece {
            if *byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                events.extend(self.take(&line));
            } else {
                self.line.push(*byte);
            }
        }
        events
    }

    /// How many bytes are waiting for the end of their line or event.
    pub(super) fn waiting(&self) -> usize {
        self.line.len() + self.event.data.len()
    }

    fn take(&mut self, line: &[u8]) -> Option<Event> {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end_matches('\r').trim_start_matches('\u{feff}');
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return std::mem::take(&mut self.has_data).then_some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "data" => {
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
                self.has_data = true;
            }
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_do_not_matter() {
        let text = "\u{feff}: hello\r\nevent: ping\r\ndata: {}\r\n\r\nid: 3\ndata: á\ndata:b\n\nevent: alone\n\ndata: [DONE]\n\n";
        let event = |name: &str, data: &str| Event { name: name.to_owned(), data: data.to_owned() };
        let wanted = [event("ping", "{}"), event("", "á\nb"), event("", "[DONE]")];
        for size in [1, 2, 3, 7, 1000] {
            let mut events = Events::default();
            let read: Vec<Event> =
                text.as_bytes().chunks(size).flat_map(|piece| events.feed(piece)).collect();
            assert_eq!(read[..2], wanted[..2], "{size}");
            assert_eq!(read[2].data, "[DONE]");
            assert_eq!(events.waiting(), 0);
        }
    }
}
