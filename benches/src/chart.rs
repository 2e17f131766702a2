//! A picture: bars in groups, on a logarithmic scale, as SVG.

use std::fmt::Write;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 480.0;
const LEFT: f64 = 70.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 150.0;

const COLOURS: [&str; 11] = [
    "#1f6f54", "#c2792b", "#e0b15c", "#7b8794", "#8d4a6b", "#4a6fa5", "#a3a847", "#5b4a8d", "#3b3b3b", "#5fa8a0",
    "#b0a090",
];

/// One value, and a second one that is drawn as an outline.
#[derive(Clone, Copy, Debug)]
pub struct Bar {
    /// The value, which stands above the bar.
    pub value: f64,
    /// The second one.
    pub outline: Option<f64>,
}

/// The picture. Values outside the scale are drawn at its end.
#[derive(Debug)]
pub struct Chart {
    /// The line above it.
    pub title: String,
    /// Powers of ten: the lower and the upper end of the scale.
    pub scale: [f64; 2],
    /// Names of the groups of bars.
    pub groups: Vec<String>,
    /// For each contender its name, and a bar for each group.
    pub contenders: Vec<(String, Vec<Option<Bar>>)>,
}

impl Chart {
    /// The picture as SVG.
    #[must_use]
    pub fn svg(&self) -> String {
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
             font-size=\"12\">\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n<text x=\"{LEFT}\" y=\"24\" \
             font-size=\"15\">{}</text>\n",
            escape(&self.title),
        );
        self.lines(&mut svg);
        let group = (WIDTH - LEFT - 20.0) / self.groups.len() as f64;
        let bar = group * 0.8 / self.contenders.len() as f64;
        for (place, name) in self.groups.iter().enumerate() {
            let from = LEFT + group * (place as f64 + 0.1);
            let (x, y) = (from + group * 0.4, HEIGHT - BOTTOM + 18.0);
            // Writing into a string cannot fail.
            let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{}</text>", escape(name));
            for (index, (_, bars)) in self.contenders.iter().enumerate() {
                if let Some(value) = bars.get(place).copied().flatten() {
                    self.bar(&mut svg, value, from + bar * index as f64, bar, COLOURS[index % COLOURS.len()]);
                }
            }
        }
        self.legend(&mut svg);
        svg.push_str("</svg>\n");
        svg
    }

    /// A line for each power of ten.
    fn lines(&self, svg: &mut String) {
        let [mut decade, highest] = self.scale;
        while decade <= highest {
            let y = self.height(decade);
            let _ = writeln!(
                svg,
                "<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#ddd\"/><text x=\"{}\" y=\"{:.1}\" \
                 text-anchor=\"end\">{decade}</text>",
                WIDTH - 20.0,
                LEFT - 8.0,
                y + 4.0,
            );
            decade *= 10.0;
        }
    }

    fn bar(&self, svg: &mut String, Bar { value, outline }: Bar, x: f64, width: f64, colour: &str) {
        let outline = outline.map(|outline| (outline, format!("fill=\"none\" stroke=\"{colour}\"")));
        for (value, style) in outline.iter().cloned().chain([(value, format!("fill=\"{colour}\""))]) {
            let top = self.height(value);
            let _ = writeln!(
                svg,
                "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" {style}/>",
                width * 0.85,
                HEIGHT - BOTTOM - top,
            );
        }
        let highest = outline.map_or(value, |(outline, _)| value.max(outline));
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" font-size=\"10\">{value:.0}</text>",
            x + width * 0.42,
            self.height(highest) - 4.0,
        );
    }

    fn legend(&self, svg: &mut String) {
        for (index, (name, _)) in self.contenders.iter().enumerate() {
            let x = LEFT + (index % 3) as f64 * 260.0;
            let y = HEIGHT - BOTTOM + 48.0 + (index / 3) as f64 * 24.0;
            let _ = writeln!(
                svg,
                "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"12\" height=\"12\" fill=\"{}\"/><text x=\"{:.1}\" \
                 y=\"{y:.1}\">{}</text>",
                y - 10.0,
                COLOURS[index % COLOURS.len()],
                x + 18.0,
                escape(name),
            );
        }
    }

    /// Where a value is on the picture.
    fn height(&self, value: f64) -> f64 {
        let [lowest, highest] = self.scale;
        let part = (value.clamp(lowest, highest) / lowest).log10() / (highest / lowest).log10();
        HEIGHT - BOTTOM - part * (HEIGHT - BOTTOM - TOP)
    }
}

/// How many bytes, for people.
#[must_use]
pub fn size_name(bytes: usize) -> String {
    if bytes < 1024 { format!("{bytes} B") } else { format!("{} KiB", bytes / 1024) }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bar_is_drawn_and_what_is_outside_the_scale_ends_with_it() {
        let bar = |value, outline| Some(Bar { value, outline });
        let chart = Chart {
            title: "a < b".to_owned(),
            scale: [1.0, 100.0],
            groups: vec!["one".to_owned(), "two".to_owned()],
            contenders: vec![
                ("first".to_owned(), vec![bar(10.0, Some(20.0)), bar(1e9, None)]),
                ("second".to_owned(), vec![None, bar(0.0, None)]),
            ],
        };
        let svg = chart.svg();
        // The ground, two in the legend, three bars and an outline.
        assert_eq!(svg.matches("<rect").count(), 1 + 2 + 4);
        assert!(svg.contains("a &lt; b") && svg.contains(&format!("y=\"{TOP:.1}\"")));
        assert!((chart.height(10.0) - f64::midpoint(chart.height(1.0), chart.height(100.0))).abs() < 1e-9);
    }
}
