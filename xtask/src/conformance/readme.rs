//! Tables between two marks of a document.

const BEGIN: &str = "<!-- the matrix: cargo xtask conformance --write -->\n";
const END: &str = "<!-- the end of the matrix -->\n";

/// The document with `table` in it; `None` if it has no place for one.
pub(super) fn with(document: &str, table: &str) -> Option<String> {
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{table}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let old = format!("a\n{BEGIN}old\n{END}b\n");
        let new = with(&old, "| new |\n").unwrap();
        assert_eq!(new, format!("a\n{BEGIN}\n| new |\n\n{END}b\n"));
        assert_eq!(with(&new, "| new |\n").as_ref(), Some(&new));
        assert_eq!(with("a\n", "| new |\n"), None);
    }
}
