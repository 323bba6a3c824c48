//! Markets made from a seed.

use mirrorfast_core::types::Bar;

/// A walk with quiet stretches, gaps, dojis and bars without volume.
pub(crate) fn market(seed: u64, n: usize, price: f64, volume: f64) -> Vec<Bar> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut close = price;
    let mut wildness = 0.01;
    (0..n)
        .map(|i| {
            if next() < 0.02 {
                wildness = [0.0, 0.002, 0.01, 0.05][(next() * 4.0) as usize];
            }
            let open = close * (1.0 + wildness * 0.2 * (next() - 0.5));
            close = open * (1.0 + wildness * (next() - 0.48));
            let high = open.max(close) * (1.0 + wildness * 0.5 * next());
            let low = open.min(close) * (1.0 - wildness * 0.5 * next());
            let volume = if next() < 0.03 { 0.0 } else { volume * (0.2 + 2.0 * next() * next()) };
            Bar { ts: i as i64 * 3_600_000, open, high, low, close, volume }
        })
        .collect()
}
