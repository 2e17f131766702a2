//! The page for people: one file, no script, nothing loaded from elsewhere.

use std::fmt::Write;
use std::time::Duration;

use super::Sources;
use crate::metrics::{COMMIT, VERSION};

const HEAD: &str = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
    <meta name=\"viewport\" content=\"width=device-width\">\n<meta http-equiv=\"refresh\" content=\"5\">\n\
    <title>commserver</title>\n<style>\n\
    :root { color-scheme: light dark }\n\
    body { font: 1rem/1.5 system-ui, sans-serif; max-width: 36rem; margin: 2rem auto; padding: 0 1rem }\n\
    table { border-collapse: collapse; width: 100% }\n\
    th, td { text-align: left; font-weight: normal; padding: .2rem 0; border-bottom: 1px solid #8884 }\n\
    td { text-align: right; font-variant-numeric: tabular-nums }\n\
    </style>\n</head>\n<body>\n";

const FOOT: &str = "<p><a href=\"/metrics\">metrics</a> · <a href=\"/readyz\">readyz</a> · \
    <a href=\"/livez\">livez</a></p>\n</body>\n</html>\n";

pub(super) fn render(sources: &Sources) -> String {
    let view = &sources.view;
    let state = match (view.is_alive(), view.is_draining()) {
        (false, _) => "ended",
        (true, true) => "draining",
        (true, false) => "ready",
    };
    let mut page = String::from(HEAD);
    // Writing to a string cannot fail.
    let _ = writeln!(page, "<h1>commserver: {state}</h1>");
    page.push_str("<table>\n");
    row(&mut page, "version", &format!("{VERSION} ({COMMIT})"));
    row(&mut page, "up", &duration(sources.started.elapsed()));
    row(&mut page, "log", &sources.log.filter());
    let snapshot = view.snapshot();
    row(&mut page, "keys with a spare", &snapshot.keys.to_string());
    for (state, number) in view.states() {
        row(&mut page, &format!("connections: {state}"), &number.to_string());
    }
    page.push_str("</table>\n");
    page.push_str(FOOT);
    page
}

fn row(page: &mut String, name: &str, value: &str) {
    let _ = writeln!(page, "<tr><th>{}</th><td>{}</td></tr>", escape(name), escape(value));
}

/// Days, hours, minutes, seconds.
fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {} min", minutes % 60),
        (_, _, _) => format!("{days} d {} h", hours % 24),
    }
}

/// Text in HTML, also within an attribute.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        assert_eq!(escape("<b a=\"x\" c='y'>&"), "&lt;b a=&quot;x&quot; c=&#39;y&#39;&gt;&amp;");
    }

    #[test]
    fn durations_are_for_people() {
        let text = |seconds| duration(Duration::from_secs(seconds));
        assert_eq!(
            [59, 60, 3_599, 3_600, 90_000].map(text),
            ["59 s", "1 min 0 s", "59 min 59 s", "1 h 0 min", "1 d 1 h"]
        );
    }
}
