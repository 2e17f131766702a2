//! The other side of the pipe: a codec that answers to lines.

use std::io::{self, BufRead, Read as _, Write};

use serde_json::{Value, json};

use super::{Codec, MAX_LINE};

/// Answers each line of `input` with one of `output`, until the input ends. What is no operation is answered with
/// `unsupported`.
///
/// # Errors
///
/// If something cannot be read or written, or a line is longer than [`MAX_LINE`].
pub fn serve(codec: &mut dyn Codec, input: &mut dyn BufRead, output: &mut dyn Write) -> io::Result<()> {
    loop {
        let mut line = Vec::new();
        // With its end, a line has one byte more.
        let limit = u64::try_from(MAX_LINE).map_or(u64::MAX, |limit| limit + 1);
        (&mut *input).take(limit).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(());
        }
        if line.len() > MAX_LINE && !line.ends_with(b"\n") {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a line of more than {MAX_LINE} bytes")));
        }
        writeln!(output, "{}", answer(codec, &line))?;
        output.flush()?;
    }
}

fn answer(codec: &mut dyn Codec, line: &[u8]) -> Value {
    let op: Value = match serde_json::from_slice(line) {
        Ok(op) => op,
        Err(error) => return json!({ "unsupported": format!("not JSON: {error}") }),
    };
    if op["do"] == "reset" {
        codec.reset();
        return json!({ "flag": true });
    }
    codec.answer(&op).unwrap_or_else(|error| json!({ "unsupported": error.to_string() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::Ratatosk;

    fn answers(input: &[u8]) -> io::Result<Vec<Value>> {
        let mut output = Vec::new();
        serve(&mut Ratatosk::default(), &mut &*input, &mut output)?;
        Ok(output.split_inclusive(|&byte| byte == b'\n').map(|line| serde_json::from_slice(line).unwrap()).collect())
    }

    #[test]
    fn a_line_is_answered_with_a_line() {
        let input = b"{\"do\":\"reset\"}\nx\n{\"do\":\"no\"}\n{\"do\":\"nonce\",\"counter\":1}";
        let answers = answers(input).unwrap();
        assert_eq!(answers.len(), 4);
        assert_eq!(answers[0], json!({ "flag": true }));
        assert!(answers[1]["unsupported"].is_string() && answers[2]["unsupported"].is_string());
        assert_eq!(answers[3], json!({ "bytes": format!("{:048x}", 1) }));
    }

    #[test]
    fn reset_forgets_connections() {
        let connect = r#"{"do":"connect","end":"a","plugins":[]}"#;
        let send = r#"{"do":"send","end":"a","message":{"text":"x"}}"#;
        let answers = answers(format!("{connect}\n{send}\n{{\"do\":\"reset\"}}\n{send}\n").as_bytes()).unwrap();
        assert_eq!(answers[1], json!({ "messages": [{ "text": "x" }] }));
        assert!(answers[3]["unsupported"].is_string());
    }

    #[test]
    fn the_examples_for_authors_are_true_and_show_every_operation() {
        let page = include_str!("../../vectors/README.md");
        let lines = |mark| page.lines().filter_map(move |line| line.strip_prefix(mark));
        let asked = lines("> ").collect::<Vec<_>>().join("\n");
        let expected: Vec<Value> = lines("< ").map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(answers(asked.as_bytes()).unwrap(), expected);

        let files = crate::vectors::VectorFile::all().unwrap();
        let groups = files.iter().flat_map(|file| &file.groups);
        let steps = groups.flat_map(|group| group.setup.iter().chain(group.cases.iter().flat_map(|case| &case.steps)));
        for operation in steps.filter_map(|step| step.op["do"].as_str()) {
            assert!(asked.contains(&format!("{{\"do\":\"{operation}\"")), "no example of {operation}");
            assert!(page.contains(&format!("`{operation}`")), "{operation} is not explained");
        }
    }

    #[test]
    fn lines_are_bounded() {
        let mut longest = vec![b' '; MAX_LINE];
        longest.push(b'\n');
        assert_eq!(answers(&longest).unwrap().len(), 1);
        longest.insert(0, b' ');
        assert_eq!(answers(&longest).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
