//! Colours, where there is a terminal that wants them.

use std::io::IsTerminal;

/// How things look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    colours: bool,
}

impl Style {
    /// Without colours.
    #[cfg(test)]
    pub(super) fn plain() -> Self {
        Self { colours: false }
    }

    /// With colours if standard output is a terminal, and `NO_COLOR` is not set (<https://no-color.org>).
    pub(super) fn of_stdout() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { colours: std::io::stdout().is_terminal() && !unwanted }
    }

    pub(super) fn quiet(self, text: &str) -> String {
        self.paint("2", text)
    }

    pub(super) fn own(self, text: &str) -> String {
        self.paint("1;34", text)
    }

    pub(super) fn name(self, text: &str) -> String {
        self.paint("1;36", text)
    }

    pub(super) fn good(self, text: &str) -> String {
        self.paint("32", text)
    }

    pub(super) fn doubt(self, text: &str) -> String {
        self.paint("33", text)
    }

    pub(super) fn alarm(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    pub(super) fn note(self, text: &str) -> String {
        self.paint("35", text)
    }

    fn paint(self, colour: &str, text: &str) -> String {
        if self.colours { format!("\u{1b}[{colour}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
