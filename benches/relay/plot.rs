//! The picture `relay.svg`: throughput of everybody at every size.

use ratatosk_benches::{Bar, Chart, median, size_name};

use crate::contender::Kind;
use crate::run::{Results, SIZES};

/// Bars in groups, one group for each size. The outline of each is per second of the server's CPU time.
pub(crate) fn throughput(results: &Results) -> String {
    let bar = |kind, size| {
        let speed = results.speed(kind, size)?;
        Some(Bar { value: median(speed.whole.clone()), outline: Some(median(speed.per_cpu.clone())) })
    };
    let kinds = Kind::ALL.into_iter().filter(|kind| results.speed(*kind, SIZES[0]).is_some());
    let chart = Chart {
        title: "Payload through one pair, MB/s (logarithmic; outline: per second of the server's CPU time)".to_owned(),
        scale: [1.0, 10_000.0],
        groups: SIZES.map(size_name).to_vec(),
        contenders: kinds.map(|kind| (kind.name().to_owned(), SIZES.map(|size| bar(kind, size)).to_vec())).collect(),
    };
    chart.svg()
}
