//! Bytes that no WebSocket library sends: frames with any head, and parts of frames (RFC 6455 §5.2).

use super::lines::{Mistake, split};
use super::template::{Template, TemplateError};

/// What goes onto the socket behind the library's back.
#[derive(Clone, Debug, PartialEq)]
pub enum Wire {
    /// These bytes.
    Bytes(Vec<u8>),
    /// A frame.
    Frame {
        /// The final and the reserved bits, and the opcode.
        first: u8,
        /// How its head is made.
        form: Form,
        /// What is in it.
        content: Content,
    },
}

/// How the head of a frame is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As a client should.
    Masked,
    /// Without a mask.
    Unmasked,
    /// With the length in so many bytes more than the first, needed or not: 2 or 8.
    Long(usize),
}

/// The content of a frame.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A text.
    Text(Template),
    /// Bytes, the same ones so many times.
    Hex(Vec<u8>, usize),
}

/// The mask of all frames that are made here. What it is does not matter, but it changes every byte.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

impl Wire {
    /// Reads `HEX` for `>wire`, `[unmasked|long-2|long-8] FIRST TEXT` for `>frame`, the same with `HEX[*N]` for `>frame-hex`.
    pub(super) fn parse(verb: &str, rest: &str) -> Result<Self, Mistake> {
        let hex = |word: &str| hex::decode(word).map_err(|_| Mistake::Hex(word.to_owned()));
        if verb == ">wire" {
            return hex(rest).map(Self::Bytes);
        }
        let (word, behind) = split(rest);
        let (form, rest) = match word {
            "unmasked" => (Form::Unmasked, behind),
            "long-2" => (Form::Long(2), behind),
            "long-8" => (Form::Long(8), behind),
            _ => (Form::Masked, rest),
        };
        let (first, content) = split(rest);
        let [first] = hex(first)?[..] else { return Err(Mistake::Hex(first.to_owned())) };
        let content = if verb == ">frame-hex" {
            let (bytes, count) = content.split_once('*').unwrap_or((content, "1"));
            Content::Hex(hex(bytes)?, count.parse().map_err(|_| Mistake::Number(count.to_owned()))?)
        } else {
            Content::Text(Template::parse(content).map_err(|error: TemplateError| Mistake::Template(error))?)
        };
        Ok(Self::Frame { first, form, content })
    }

    /// The bytes. `render` fills in a template.
    ///
    /// # Errors
    ///
    /// What `render` says.
    pub fn bytes<E>(&self, render: impl FnOnce(&Template) -> Result<String, E>) -> Result<Vec<u8>, E> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.clone()),
            Self::Frame { first, form, content } => {
                let content = match content {
                    Content::Text(template) => render(template)?.into_bytes(),
                    Content::Hex(bytes, count) => bytes.repeat(*count),
                };
                Ok(frame(*first, *form, content))
            }
        }
    }
}

fn frame(first: u8, form: Form, mut content: Vec<u8>) -> Vec<u8> {
    let masked = if form == Form::Unmasked { 0 } else { 0x80 };
    let mut out = vec![first];
    let wide = (content.len() as u64).to_be_bytes();
    let width = match form {
        Form::Long(width) => width.min(8),
        _ if content.len() < 126 => 0,
        _ if content.len() <= usize::from(u16::MAX) => 2,
        _ => 8,
    };
    match width {
        0 => out.push(masked | wide[7]),
        2 => out.push(masked | 126),
        _ => out.push(masked | 127),
    }
    out.extend(&wide[8 - width..]);
    if form != Form::Unmasked {
        out.extend(MASK);
        for (byte, mask) in content.iter_mut().zip(MASK.iter().cycle()) {
            *byte ^= mask;
        }
    }
    out.append(&mut content);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(verb: &str, rest: &str) -> Vec<u8> {
        let bytes = Wire::parse(verb, rest).unwrap().bytes(|template| Ok::<_, ()>(template.source().to_owned()));
        bytes.unwrap()
    }

    #[test]
    fn any_head_can_be_made() {
        assert_eq!(wire(">wire", "0102"), [1, 2]);
        // The example of RFC 6455 §5.7 has this mask.
        assert_eq!(wire(">frame", "81 Hello"), [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
        assert_eq!(wire(">frame", "unmasked c1 Hi"), [0xc1, 2, b'H', b'i']);
        assert_eq!(wire(">frame", "long-2 81 ")[..8], [0x81, 0xfe, 0, 0, 0x37, 0xfa, 0x21, 0x3d]);
        assert_eq!(wire(">frame", "long-8 81 ")[..10], [0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(wire(">frame-hex", "unmasked 82 ff*126")[..5], [0x82, 126, 0, 126, 0xff]);
        assert_eq!(wire(">frame-hex", "unmasked 82 00*65536")[..10], [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn mistakes_are_told() {
        assert_eq!(Wire::parse(">wire", "0"), Err(Mistake::Hex("0".to_owned())));
        assert_eq!(Wire::parse(">frame", "8181 x"), Err(Mistake::Hex("8181".to_owned())));
        assert_eq!(Wire::parse(">frame-hex", "81 00*x"), Err(Mistake::Number("x".to_owned())));
    }
}
