//! The matrix as one HTML page that needs nothing else: no script, no font, no image, nothing from anywhere.
//!
//! It is also well-formed XML. Each cell is a button that opens what differed, without a script; symbols and words say what
//! the colours say.

use std::fmt::Write as _;

use super::{Matrix, Row, Shown, Suite};
use crate::report::markup::text;
use crate::report::{Entry, Report};

const STYLE: &str = include_str!("style.css");

impl Matrix<'_> {
    /// The page.
    #[must_use]
    pub fn html(&self) -> String {
        let mut page = Page::default();
        page.head();
        for (index, suite) in self.suites.iter().enumerate() {
            page.suite(index, suite);
        }
        page.out.push_str("</main>\n</body>\n</html>\n");
        page.out
    }
}

/// The page, as far as it is written. Writing to a string cannot fail, so its results are not looked at.
#[derive(Default)]
struct Page {
    out: String,
    /// How many cells open something.
    cells: usize,
}

impl Page {
    fn head(&mut self) {
        let legend: String = Shown::all()
            .map(|shown| format!("<li class=\"{}\">{} {}</li>", shown.class, symbol(shown), shown.word))
            .collect();
        let _ = write!(
            self.out,
            "<!DOCTYPE html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\"/>
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>
<title>Conformance to the protocol of the ONE network</title>
<style>
{STYLE}</style>
</head>
<body>
<main>
<h1>Conformance to the protocol of the ONE network</h1>
<p>What each implementation, or each pair of them, did in each scenario. A cell opens what differed, what allows it, and
the section of the specification. What was not measured says so.</p>
<ul class=\"legend\" aria-label=\"Verdicts\">{legend}<li>! in front: not as it is known of the implementation</li></ul>
<p><label><input type=\"checkbox\" id=\"differing\"/> Only scenarios in which something differs</label></p>
"
        );
    }

    fn suite(&mut self, index: usize, suite: &Suite<'_>) {
        let (title, columns) = (text(&suite.title()), suite.runs.len() + 1);
        let _ = writeln!(self.out, "<section aria-labelledby=\"s{index}\">\n<h2 id=\"s{index}\">{title}</h2>");
        self.summary(&title, suite);
        let _ = write!(
            self.out,
            "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{title}: scenarios\">
<table>\n<caption>{title}: every scenario</caption>\n<thead><tr><th scope=\"col\">Scenario</th>"
        );
        for run in &suite.runs {
            let _ = write!(self.out, "<th scope=\"col\">{}</th>", column(run));
        }
        self.out.push_str("</tr></thead>\n");
        for group in &suite.groups {
            let _ = writeln!(
                self.out,
                "<tbody>\n<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"{columns}\"><span>{}</span></th></tr>",
                text(&group.title())
            );
            for row in &group.rows {
                self.row(suite, row);
            }
            self.out.push_str("</tbody>\n");
        }
        self.out.push_str("</table>\n</div>\n</section>\n");
    }

    /// The counts, a row for each run.
    fn summary(&mut self, title: &str, suite: &Suite<'_>) {
        let _ = write!(
            self.out,
            "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{title}: counts\">
<table>\n<caption>{title}: counts</caption>\n<thead><tr><th scope=\"col\">Implementation</th><th scope=\"col\">all</th>"
        );
        for group in &suite.groups {
            let _ = write!(self.out, "<th scope=\"col\">{}</th>", text(&group.title()));
        }
        self.out.push_str("</tr></thead>\n<tbody>\n");
        for (index, run) in suite.runs.iter().enumerate() {
            let _ = write!(self.out, "<tr><th scope=\"row\">{}</th>", column(run));
            let groups = suite.groups.iter().map(|group| group.counts(index));
            for counts in std::iter::once(suite.counts(index)).chain(groups) {
                let present = counts.present().map(|(count, shown)| {
                    let (class, symbol, word) = (shown.class, symbol(shown), shown.word);
                    format!("<li class=\"{class}\">{count} {symbol} <span class=\"word\">{word}</span></li>")
                });
                let _ = write!(self.out, "<td><ul>{}</ul></td>", present.collect::<String>());
            }
            self.out.push_str("</tr>\n");
        }
        self.out.push_str("</tbody>\n</table>\n</div>\n");
    }

    fn row(&mut self, suite: &Suite<'_>, row: &Row<'_>) {
        let plain = if row.is_plain() { " class=\"plain\"" } else { "" };
        let (id, title) = (text(row.id), text(row.title));
        let _ = write!(self.out, "<tr{plain}><th scope=\"row\"><code>{id}</code> {title}</th>");
        for (run, cell) in suite.runs.iter().zip(&row.cells) {
            match cell {
                Some(entry) => self.cell(run, row, entry),
                None => {
                    let shown = Shown::of(None);
                    let _ = write!(self.out, "<td class=\"{}\">{} {}</td>", shown.class, symbol(shown), shown.word);
                }
            }
        }
        self.out.push_str("</tr>\n");
    }

    fn cell(&mut self, run: &Report, row: &Row<'_>, entry: &Entry) {
        self.cells += 1;
        let (id, shown) = (self.cells, Shown::of(Some(entry.verdict)));
        let (class, symbol, word) = (shown.class, symbol(shown), shown.word);
        let (mark, surprise) = match &entry.surprise {
            Some(_) => ("! ", "<span class=\"word\">, not as known</span>"),
            None => ("", ""),
        };
        let _ = write!(
            self.out,
            "<td class=\"{class}\"><button type=\"button\" popovertarget=\"c{id}\">{mark}{symbol} {word}{surprise}</button>\
             <div id=\"c{id}\" popover=\"auto\" role=\"dialog\" aria-labelledby=\"h{id}\">\
             <h3 id=\"h{id}\"><code>{}</code> {}</h3><dl><dt>Implementation</dt><dd>{}</dd>\
             <dt>Verdict</dt><dd class=\"{class}\">{symbol} {word}</dd>",
            text(&entry.id),
            text(row.title),
            text(&run.name()),
        );
        // The run's own word for it, if another run tested something else under this id.
        let spec = if entry.spec.is_empty() { row.spec } else { &entry.spec };
        self.items("Specification", [spec.to_owned()].into_iter().filter(|spec| !spec.is_empty()));
        self.items("Skipped", entry.why.iter().cloned());
        for difference in &entry.differences {
            let _ = write!(
                self.out,
                "<dt>{}</dt><dd>expected <samp>{}</samp></dd><dd>got <samp>{}</samp></dd>",
                text(&difference.client),
                text(&difference.expected),
                text(&difference.got)
            );
        }
        self.items("Allowed by", entry.reason_texts());
        self.items("Not as known", entry.surprise.iter().cloned());
        let _ = write!(
            self.out,
            "<dt>Time</dt><dd>{} ms</dd></dl><button type=\"button\" popovertarget=\"c{id}\" \
             popovertargetaction=\"hide\">Close</button></div></td>",
            entry.ms
        );
    }

    fn items(&mut self, term: &str, items: impl Iterator<Item = String>) {
        for (index, item) in items.enumerate() {
            if index == 0 {
                let _ = write!(self.out, "<dt>{term}</dt>");
            }
            let _ = write!(self.out, "<dd>{}</dd>", text(&item));
        }
    }
}

/// The word stands beside it: a screen reader need not read the symbol.
fn symbol(shown: Shown) -> String {
    format!("<span aria-hidden=\"true\">{}</span>", shown.symbol)
}

fn column(run: &Report) -> String {
    let date = run.date.as_deref().map(|date| format!(" <small>{}</small>", text(date)));
    format!("{}{}", text(&run.name()), date.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Difference;
    use crate::report::matrix::tests::run;

    fn page(reports: &[Report]) -> String {
        Matrix::new(reports).html()
    }

    /// The page is XML after its first line, and HTML as well.
    fn document(page: &str) -> roxmltree::Document<'_> {
        roxmltree::Document::parse(page.strip_prefix("<!DOCTYPE html>").unwrap()).unwrap()
    }

    fn hostile() -> Report {
        let attack = "\"'><script>alert(1)</script><!--]]>\u{202e}&amp;\0";
        let mut report = run(attack, attack, &[("d/1", attack, "deviates"), ("d/2", attack, "skipped")]);
        report.date = Some(attack.to_owned());
        let [entry, skipped] = report.scenarios.as_mut_slice() else { panic!("two scenarios") };
        skipped.why = Some(attack.to_owned());
        let texts = [&mut entry.id, &mut entry.title, &mut entry.spec];
        texts.into_iter().for_each(|text| attack.clone_into(text));
        entry.reasons = vec![attack.to_owned()];
        entry.surprise = Some(attack.to_owned());
        let attack = attack.to_owned();
        entry.differences =
            vec![Difference { client: attack.clone(), expected: attack.clone(), got: format!("close 1000 {attack}") }];
        report
    }

    #[test]
    fn hostile_text_stays_text() {
        let page = page(&[hostile()]);
        assert!(!page.contains("<script") && !page.contains("<!--") && !page.contains('\u{202e}'));
        let document = document(&page);
        let got = document.descendants().filter(|node| node.has_tag_name("samp")).nth(1).unwrap();
        let shown = "close 1000 \"'><script>alert(1)</script><!--]]>\\u{202e}&amp;\\u{0}";
        assert_eq!(got.text(), Some(shown));
    }

    #[test]
    fn nothing_is_fetched_and_nothing_runs() {
        let page = page(&[hostile()]);
        for node in document(&page).descendants().filter(roxmltree::Node::is_element) {
            let name = node.tag_name().name();
            let known = "html head meta title style body main section h1 h2 h3 p ul li label input span div table caption \
                         thead tbody tr th td button dl dt dd code samp small";
            assert!(known.split_whitespace().any(|known| known == name), "{name}");
            for attribute in node.attributes() {
                let name = attribute.name();
                assert!(!name.starts_with("on") && !["src", "href", "action", "style"].contains(&name), "{name}");
            }
        }
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
    }

    #[test]
    fn each_cell_opens_its_own_and_rows_and_columns_have_heads() {
        let runs = [
            run("server", "a", &[("d/1", "failures", "conforms"), ("d/2", "failures", "fails")]),
            run("server", "b", &[("d/1", "failures", "conforms")]),
        ];
        let page = page(&runs);
        let document = document(&page);
        let ids: Vec<_> = document.descendants().filter_map(|node| node.attribute("id")).collect();
        assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), ids.len(), "{ids:?}");
        for node in document.descendants() {
            let references = ["popovertarget", "aria-labelledby"].into_iter().filter_map(|name| node.attribute(name));
            references.for_each(|id| assert!(ids.contains(&id), "{id}"));
            if node.has_tag_name("th") {
                assert!(matches!(node.attribute("scope"), Some("col" | "row" | "rowgroup")));
            }
        }
        let cells = document.descendants().filter(|node| node.has_tag_name("td"));
        let text =
            |node: roxmltree::Node<'_, '_>| node.first_element_child().map(|it| all_text(it)).unwrap_or_default();
        let words: Vec<_> = cells.clone().map(text).collect();
        assert!(words.contains(&"✗ fails".to_owned()), "{words:?}");
        assert!(cells.clone().any(|cell| all_text(cell) == "· not run"));
        assert_eq!(document.descendants().filter(|node| node.attribute("class") == Some("plain")).count(), 1);
    }

    fn all_text(node: roxmltree::Node<'_, '_>) -> String {
        node.descendants().filter(roxmltree::Node::is_text).filter_map(|node| node.text()).collect()
    }
}
