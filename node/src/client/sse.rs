//! Server-sent events, parsed from bytes as they come. Lines and events are bounded; what is longer ends the stream.
//!
//! The format is that of the HTML standard, §9.2: `event:`, `data:` and `id:` lines, an empty line ends an event, a colon
//! begins a comment. Fields that nobody here needs are left out.

use super::ClientError;

/// The longest event, in bytes: one message with its text, escaped as JSON.
pub const MAX_EVENT: usize = 16 << 20;

/// An event as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Raw {
    /// What `event:` said; empty if nothing did.
    pub name: String,
    /// The data, lines joined by line feeds.
    pub data: String,
}

/// Makes events of bytes.
#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    event: Raw,
    has_data: bool,
    after_return: bool,
}

impl Parser {
    /// Takes bytes, and gives the events that they complete.
    ///
    /// # Errors
    ///
    /// [`ClientError::TooLong`], [`ClientError::Answer`] for what is no UTF-8.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Raw>, ClientError> {
        let mut events = Vec::new();
        for byte in bytes {
            let follows_return = std::mem::replace(&mut self.after_return, *byte == b'\r');
            match byte {
                // The second half of a line end.
                b'\n' if follows_return => {}
                b'\n' | b'\r' => events.extend(self.end_line()?),
                _ if self.line.len() + self.event.data.len() >= MAX_EVENT => return Err(ClientError::TooLong),
                _ => self.line.push(*byte),
            }
        }
        Ok(events)
    }

    fn end_line(&mut self) -> Result<Option<Raw>, ClientError> {
        let line = std::mem::take(&mut self.line);
        let line = str::from_utf8(&line).map_err(|_| ClientError::Answer("an event is no text".to_owned()))?;
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return Ok(std::mem::take(&mut self.has_data).then_some(event));
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => self.event.name = value.to_owned(),
            "data" => {
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
                self.has_data = true;
            }
            _ => {}
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(name: &str, data: &str) -> Raw {
        Raw { name: name.to_owned(), data: data.to_owned() }
    }

    #[test]
    fn events_come_whole_however_the_bytes_are_cut() {
        let stream = ": hello\r\n\r\nevent: message\ndata: {\"a\":1}\n\nid: 7\r\ndata:x\r\ndata: y\r\n\r\nevent: none\n\ndata\n\n";
        let wanted = [raw("message", "{\"a\":1}"), raw("", "x\ny"), raw("", "")];
        for size in [1, 2, 3, 7, stream.len()] {
            let mut parser = Parser::default();
            let events: Vec<Raw> =
                stream.as_bytes().chunks(size).flat_map(|bytes| parser.push(bytes).unwrap()).collect();
            assert_eq!(events, wanted, "{size}");
        }
    }

    #[test]
    fn a_line_without_an_end_and_an_event_without_an_end_are_refused() {
        let mut parser = Parser::default();
        let piece = vec![b'x'; 1 << 20];
        let mut refused = (0..20).map(|_| parser.push(&piece));
        assert!(refused.any(|result| matches!(result, Err(ClientError::TooLong))));

        let mut parser = Parser::default();
        let piece = [b"data: ".as_slice(), &piece, b"\n"].concat();
        let mut refused = (0..20).map(|_| parser.push(&piece));
        assert!(refused.any(|result| matches!(result, Err(ClientError::TooLong))));
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert!(matches!(Parser::default().push(b"data: \xff\n"), Err(ClientError::Answer(_))));
    }
}
