//! The matrix as text: a short table of who works with whom, and long ones that count by what scenarios are about.

use super::plan::{CODEC, Cell, PEERS, SERVERS};
use super::results::{Counts, Entry, VERDICTS};

/// Every cell with what was measured in it.
pub(super) struct Tables(pub(super) Vec<(Cell, Vec<Entry>)>);

impl Tables {
    /// One table: a column for each peer, with the CommServer and the codec of its implementation.
    pub(super) fn short(&self) -> String {
        let head = std::iter::once(String::new()).chain(PEERS.map(|name| format!("`{name}`")));
        let mut rows = vec![head.collect::<Vec<_>>()];
        let pairs: Vec<_> = PEERS
            .iter()
            .map(|listens| {
                let name = format!("pair: connects to `{listens}`");
                std::iter::once(name)
                    .chain(PEERS.map(|connects| self.directed(connects, listens).to_string()))
                    .collect()
            })
            .collect();
        let hostile = PEERS.map(|name| self.counts(Cell::Hostile(name)));
        rows.push(row("hostile partner", hostile.map(|counts| counts.to_string())));
        rows.extend(pairs);
        let [ours, reference] = SERVERS.map(|name| self.counts(Cell::Server(name)).to_string());
        rows.push(row("CommServer", [ours, "the same".to_owned(), "none".to_owned(), reference]));
        let codec = self.counts(Cell::Codec).to_string();
        rows.push(row("codec", [codec, "the same".to_owned(), "not run".to_owned(), "recorded of it".to_owned()]));
        format!("{}\n{}\n", table(&rows), legend())
    }

    /// A table for each suite: a row for each group of scenarios, a column for each implementation or pair.
    pub(super) fn long(&self) -> String {
        let part = |title: &str, cells: &[(Cell, String)]| format!("{title}:\n\n{}", self.groups(cells));
        let named = |cells: Vec<Cell>| -> Vec<_> {
            cells.into_iter().map(|cell| (cell, cell.subjects().join(" ↔ "))).collect()
        };
        let pairs = |cell: &Cell| matches!(cell, Cell::Pair(..));
        let pairs: Vec<_> = Cell::all().into_iter().filter(pairs).collect();
        let text = [
            part("CommServers, `conformance server`", &named(SERVERS.map(Cell::Server).to_vec())),
            part(
                "Peers before the hostile partner, `conformance peer --a …`",
                &named(PEERS.map(Cell::Hostile).to_vec()),
            ),
            part("Pairs of peers in both roles, `conformance peer --a … --b … --no-hostile`", &named(pairs)),
            part("Codecs, `conformance vectors`", &[(Cell::Codec, CODEC.to_owned())]),
            legend(),
        ];
        format!("{}\n", text.join("\n"))
    }

    fn groups(&self, cells: &[(Cell, String)]) -> String {
        let mut names: Vec<&str> = Vec::new();
        for (cell, _) in cells {
            for entry in self.entries(*cell) {
                if !names.contains(&entry.group.as_str()) {
                    names.push(&entry.group);
                }
            }
        }
        let head = std::iter::once(String::new()).chain(cells.iter().map(|(_, name)| name.clone())).collect();
        let of_group = |name: &str| {
            let counts = cells.iter().map(|(cell, _)| {
                Counts::of(self.entries(*cell).iter().filter(|entry| entry.group == name)).to_string()
            });
            std::iter::once(name.to_owned()).chain(counts).collect()
        };
        let all = cells.iter().map(|(cell, _)| self.counts(*cell).to_string());
        let mut rows: Vec<Vec<String>> = vec![head];
        rows.extend(names.iter().map(|name| of_group(name)));
        rows.push(std::iter::once("**all**".to_owned()).chain(all).collect());
        table(&rows)
    }

    fn entries(&self, cell: Cell) -> &[Entry] {
        self.0.iter().find(|(other, _)| *other == cell).map_or(&[], |(_, entries)| entries)
    }

    fn counts(&self, cell: Cell) -> Counts {
        Counts::of(self.entries(cell))
    }

    /// The scenarios of a pair in one direction. With itself an implementation has both roles in both of them.
    fn directed(&self, connects: &'static str, listens: &'static str) -> Counts {
        let of = |a, b, end: &[&str]| {
            let entries = self.entries(Cell::Pair(a, b)).iter();
            Counts::of(entries.filter(|entry| end.iter().any(|end| entry.id.ends_with(end))))
        };
        if connects == listens {
            return of(connects, listens, &["/ab", "/ba"]);
        }
        let forward = of(connects, listens, &["/ab"]);
        if forward.all() > 0 { forward } else { of(listens, connects, &["/ba"]) }
    }
}

fn row(name: &str, cells: [String; PEERS.len()]) -> Vec<String> {
    std::iter::once(name.to_owned()).chain(cells).collect()
}

fn legend() -> String {
    VERDICTS.map(|(name, symbol)| format!("{symbol} {name}")).join(", ")
}

/// A Markdown table whose columns are as wide as their widest cell.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let wide = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0).max(3);
    let widths: Vec<_> = (0..columns).map(wide).collect();
    let line = |cells: &[String]| {
        let cells = cells.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}"));
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    };
    let rule: Vec<_> = widths.iter().map(|&width| "-".repeat(width)).collect();
    let mut lines: Vec<_> = rows.iter().map(|row| line(row)).collect();
    lines.insert(1.min(lines.len()), line(&rule));
    lines.concat()
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::entries;
    use super::*;

    #[test]
    fn both_roles_of_a_pair_have_a_cell_of_their_own() {
        let pair = entries(&[("x/ab", "x", "conforms"), ("y/ab", "x", "conforms"), ("x/ba", "x", "fails")]);
        let same = entries(&[("x/ab", "x", "conforms"), ("x/ba", "x", "conforms better")]);
        let tables = Tables(vec![(Cell::Pair("js", "reference"), pair), (Cell::Pair("js", "js"), same)]);
        assert_eq!(tables.directed("js", "reference").to_string(), "2 ✓");
        assert_eq!(tables.directed("reference", "js").to_string(), "1 ✗");
        assert_eq!(tables.directed("js", "js").to_string(), "1 ✓ 1 ★");
        assert_eq!(tables.directed("ratatosk-wasm", "js").to_string(), "not run");
        let short = tables.short();
        let line = short.lines().find(|line| line.contains("connects to `js`")).unwrap();
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        assert_eq!(cells, ["", "pair: connects to `js`", "not run", "not run", "1 ✓ 1 ★", "1 ✗", ""]);
    }

    #[test]
    fn a_group_has_a_row() {
        let server = entries(&[("a", "failures", "conforms"), ("b", "handover", "skipped")]);
        let tables = Tables(vec![(Cell::Server("ratatosk"), server)]);
        let expected = "|          | ratatosk | reference |
| -------- | -------- | --------- |
| failures | 1 ✓      | not run   |
| handover | 1 –      | not run   |
| **all**  | 1 ✓ 1 –  | not run   |
";
        assert!(tables.long().contains(expected), "{}", tables.long());
    }
}
