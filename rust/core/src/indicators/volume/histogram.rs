//! A histogram of volume by price, made in vectors.

use std::ops::Range;

use crate::window::{chains, larger, smaller};

/// Differences below this share count as ties: far above rounding, far below anything traded.
pub(super) const TIE: f64 = 1e-9;

/// Bins beyond which each bar is put into its bins one by one.
const ROOM: usize = 62;

/// A bar shorter than this many bins is put into them directly: its density would swallow the digits of the others.
const SHORT: f64 = 1e-4;

/// Rounding of the whole weight that may be left in an empty bin.
const RESIDUE: f64 = 1e-11;

/// Highs, lows and weights of bars; one length.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ranges<'a> {
    pub(super) high: &'a [f64],
    pub(super) low: &'a [f64],
    /// None: every bar weighs 1.
    pub(super) weight: Option<&'a [f64]>,
}

impl Ranges<'_> {
    #[inline(always)]
    fn weight(&self, k: usize) -> f64 {
        self.weight.map_or(1.0, |w| w[k])
    }

    #[inline(always)]
    fn part(&self, rows: Range<usize>) -> Self {
        Self { high: &self.high[rows.clone()], low: &self.low[rows.clone()], weight: self.weight.map(|w| &w[rows]) }
    }
}

/// Bin of a position from 0 to [`ROOM`] and one more, as bits above which others may be set, and as number; an edge may count to the bin on either side.
///
/// Adding 1.5·2⁵² leaves the nearest whole number in the low bits: a handful of instructions fewer than a checked conversion.
#[inline(always)]
fn bin_of(position: f64) -> (u64, f64) {
    const MAGIC: f64 = 6_755_399_441_055_744.0;
    let rounded = position - 0.5 + MAGIC;
    (rounded.to_bits(), rounded - MAGIC)
}

/// Where densities begin and end: what they give to their own bin, and to each bin above it.
type Table<const N: usize> = [[f64; 2]; N];

/// Bars [`Edges::add`] takes at once.
const CHUNK: usize = 64;

/// The ends of bars, by bin.
struct Edges<const N: usize> {
    low: f64,
    scale: f64,
    size: f64,
    /// Lows and highs of even bars, lows and highs of odd ones: neighbouring bars begin and end in the same bins, and in tables of
    /// their own an addition need not wait for the one before.
    tables: [Table<N>; 4],
}

impl<const N: usize> Edges<N> {
    #[inline(always)]
    fn new(low: f64, scale: f64, size: f64) -> Self {
        Self { low, scale, size, tables: [[[0.0; 2]; N]; 4] }
    }

    /// Takes up to [`CHUNK`] bars; those too short for a density go into the bins.
    #[inline(always)]
    fn add(&mut self, bars: Ranges<'_>, bins: &mut [f64]) {
        let (base, scale, size) = (self.low, self.scale, self.size);
        let n = bars.high.len().min(CHUNK);
        let weight = bars.weight.unwrap_or(&[1.0; CHUNK]);
        let (high, low, weight) = (&bars.high[..n], &bars.low[..n], &weight[..n]);
        // One simple loop over plain arrays, which the compiler turns into vectors.
        let (mut begin, mut end) = ([0; CHUNK], [0; CHUNK]);
        let (mut from_here, mut to_here, mut density) = ([0.0; CHUNK], [0.0; CHUNK], [0.0; CHUNK]);
        let mut short = 0_u64;
        for i in 0..n {
            let (from, to) = ((low[i] - base) * scale, (high[i] - base) * scale);
            let length = to - from;
            short |= u64::from(length < SHORT);
            // Divided by infinity a short bar has no density; a branch here would undo the vectors.
            density[i] = weight[i] / if length < SHORT { f64::INFINITY } else { length };
            let (from, to) = (smaller(larger(from, 0.0), size), smaller(larger(to, 0.0), size));
            let ((a, from_bin), (b, to_bin)) = (bin_of(from), bin_of(to));
            (begin[i], end[i]) = (a, b);
            from_here[i] = density[i] * (from_bin + 1.0 - from);
            to_here[i] = density[i] * (to_bin + 1.0 - to);
        }
        let [even, even_end, odd, odd_end] = &mut self.tables;
        let put_edges = |i: usize, lows: &mut Table<N>, highs: &mut Table<N>| {
            let [here, above] = &mut lows[begin[i] as usize & (N - 1)];
            *here += from_here[i];
            *above += density[i];
            let [here, above] = &mut highs[end[i] as usize & (N - 1)];
            *here += to_here[i];
            *above += density[i];
        };
        for i in (0..n).step_by(2) {
            put_edges(i, even, even_end);
            if i + 1 < n {
                put_edges(i + 1, odd, odd_end);
            }
        }
        if short != 0 {
            for i in 0..n {
                let (from, to) = ((low[i] - base) * scale, (high[i] - base) * scale);
                if to - from < SHORT {
                    put(from, to, weight[i], bins);
                }
            }
        }
    }
}

/// Makes the histogram of the bars between two prices; returns its sum, 0 where no more than rounding lies between them.
///
/// The weight up to a price rises evenly through a bar's range. So a bar adds its density at its low and takes it away again at its
/// high, whatever the number of bins between, and one running sum over the bins at the end gives the histogram.
#[inline(always)]
pub(super) fn spread(bars: Ranges<'_>, low: f64, high: f64, bins: &mut [f64]) -> f64 {
    let n = bins.len();
    bins.fill(0.0);
    if high <= low {
        bins[0] = (0..bars.high.len()).map(|k| bars.weight(k)).sum();
        return bins[0];
    }
    let scale = n as f64 / (high - low);
    if n > ROOM {
        return directly(bars, low, scale, bins);
    }
    // A power of two above the number of bins, with room for the upper edge.
    if n < 32 { through_edges::<32>(bars, low, scale, bins) } else { through_edges::<64>(bars, low, scale, bins) }
}

#[inline(always)]
fn through_edges<const N: usize>(bars: Ranges<'_>, low: f64, scale: f64, bins: &mut [f64]) -> f64 {
    let (size, len) = (bins.len() as f64, bars.high.len());
    let mut edges = Edges::<N>::new(low, scale, size);
    for first in (0..len).step_by(CHUNK) {
        edges.add(bars.part(first..len.min(first + CHUNK)), bins);
    }
    let offered = bars.weight.map_or(len as f64, |w| chains(w, 0.0, |a, b| a + b));
    let Edges { tables, .. } = &edges;
    let [even, even_end, odd, odd_end] = tables;
    let (mut density, mut total) = (0.0, 0.0);
    for (k, bin) in bins.iter_mut().enumerate() {
        let part = |c: usize| (even[k][c] + odd[k][c]) - (even_end[k][c] + odd_end[k][c]);
        let held = *bin + (part(0) + density);
        density += part(1);
        // What is left of equal amounts added and taken away.
        *bin = if held < RESIDUE * offered { 0.0 } else { held };
        total += *bin;
    }
    if total <= TIE * offered { 0.0 } else { total }
}

/// The same, bin by bin, for any number of bins.
fn directly(bars: Ranges<'_>, low: f64, scale: f64, bins: &mut [f64]) -> f64 {
    let mut offered = 0.0;
    for (k, (h, l)) in bars.high.iter().zip(bars.low).enumerate() {
        let w = bars.weight(k);
        offered += w;
        put((l - low) * scale, (h - low) * scale, w, bins);
    }
    let total: f64 = bins.iter().sum();
    if total <= TIE * offered { 0.0 } else { total }
}

/// Adds one bar to the bins that it touches.
fn put(from: f64, to: f64, w: f64, bins: &mut [f64]) {
    let n = bins.len();
    let size = n as f64;
    let length = to - from;
    if length <= TIE {
        if from >= -TIE && to <= size + TIE {
            bins[((from + TIE) as usize).min(n - 1)] += w;
        }
        return;
    }
    let (from, to) = (larger(from, 0.0), smaller(to, size));
    if to <= from {
        return;
    }
    let density = w / length;
    let (first, last) = (from as usize, (to as usize).min(n - 1));
    if first == last {
        bins[first] += density * (to - from);
        return;
    }
    bins[first] += density * (first as f64 + 1.0 - from);
    for bin in &mut bins[first + 1..last] {
        *bin += density;
    }
    bins[last] += density * (to - last as f64);
}

/// Bin with the largest volume; of equals the one nearest the middle, of two as near the lower. Also that volume.
#[inline(always)]
pub(super) fn point_of_control(bins: &[f64]) -> (usize, f64) {
    let largest = chains(bins, 0.0, larger);
    let n = bins.len();
    let off_middle = |k: usize| (2 * k + 1).abs_diff(n);
    let mut poc = usize::MAX;
    for (k, &bin) in bins.iter().enumerate() {
        if bin >= largest * (1.0 - TIE) && (poc == usize::MAX || off_middle(k) < off_middle(poc)) {
            poc = k;
        }
    }
    (poc, largest)
}

/// First and last bin of the value area: from the point of control towards the larger neighbour, both if equal.
#[inline(always)]
pub(super) fn value_area(poc: usize, target: f64, total: f64, bins: &[f64]) -> (usize, usize) {
    let (mut from, mut to, mut held) = (poc, poc, bins[poc]);
    let tie = TIE * total;
    while held < target && (from > 0 || to + 1 < bins.len()) {
        let below = if from > 0 { bins[from - 1] } else { f64::NEG_INFINITY };
        let above = if to + 1 < bins.len() { bins[to + 1] } else { f64::NEG_INFINITY };
        // Which side is larger is a coin flip: no branches on it.
        let (down, up) = (below >= above - tie, above >= below - tie);
        from -= usize::from(down);
        to += usize::from(up);
        held += if down { below } else { 0.0 };
        held += if up { above } else { 0.0 };
    }
    (from, to)
}
