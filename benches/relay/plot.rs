//! The picture `relay.svg`: throughput of everybody at every size, on a logarithmic scale.

use std::fmt::Write;

use ratatosk_benches::median;

use crate::contender::Kind;
use crate::run::{Results, SIZES};

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 440.0;
const LEFT: f64 = 70.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 110.0;

/// One decade below what the slowest does, one above what the fastest does.
const LOWEST: f64 = 1.0;
const HIGHEST: f64 = 10_000.0;

const COLOURS: [&str; 6] = ["#1f6f54", "#c2792b", "#e0b15c", "#7b8794", "#8d4a6b", "#4a6fa5"];

/// Bars in groups, one group for each size. The lighter bar behind each is per second of the server's CPU time.
pub(crate) fn throughput(results: &Results) -> String {
    let kinds: Vec<_> = Kind::ALL.into_iter().filter(|kind| results.speed(*kind, SIZES[0]).is_some()).collect();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n<text x=\"{LEFT}\" y=\"24\" \
         font-size=\"15\">Payload through one pair, MB/s (logarithmic; outline: per second of the server's CPU \
         time)</text>\n"
    );
    let mut decade = LOWEST;
    while decade <= HIGHEST {
        let y = height(decade);
        // Writing into a string cannot fail.
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
    let group = (WIDTH - LEFT - 20.0) / SIZES.len() as f64;
    let bar = group * 0.8 / kinds.len() as f64;
    for (place, size) in SIZES.into_iter().enumerate() {
        let from = LEFT + group * (place as f64 + 0.1);
        let name = if size < 1024 { format!("{size} B") } else { format!("{} KiB", size / 1024) };
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{name}</text>",
            from + group * 0.4,
            HEIGHT - BOTTOM + 18.0,
        );
        for (index, kind) in kinds.iter().enumerate() {
            let Some(speed) = results.speed(*kind, size) else { continue };
            let (whole, per_cpu) = (median(speed.whole.clone()), median(speed.per_cpu.clone()));
            let x = from + bar * index as f64;
            let colour = COLOURS[index % COLOURS.len()];
            for (value, style) in
                [(per_cpu, format!("fill=\"none\" stroke=\"{colour}\"")), (whole, format!("fill=\"{colour}\""))]
            {
                let top = height(value);
                let _ = writeln!(
                    svg,
                    "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" {style}/>",
                    bar * 0.85,
                    HEIGHT - BOTTOM - top,
                );
            }
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" font-size=\"10\">{whole:.0}</text>",
                x + bar * 0.42,
                height(whole.max(per_cpu)) - 4.0,
            );
        }
    }
    for (index, kind) in kinds.iter().enumerate() {
        let x = LEFT + (index % 3) as f64 * 260.0;
        let y = HEIGHT - BOTTOM + 48.0 + (index / 3) as f64 * 24.0;
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"12\" height=\"12\" fill=\"{}\"/><text x=\"{:.1}\" y=\"{y:.1}\">{}</text>",
            y - 10.0,
            COLOURS[index % COLOURS.len()],
            x + 18.0,
            kind.name().replace('&', "&amp;").replace('<', "&lt;"),
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// Where a value is on the picture.
fn height(value: f64) -> f64 {
    let part = (value.clamp(LOWEST, HIGHEST) / LOWEST).log10() / (HIGHEST / LOWEST).log10();
    HEIGHT - BOTTOM - part * (HEIGHT - BOTTOM - TOP)
}
