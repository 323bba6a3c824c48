//! Volume by price: plain functions over a window, and nothing kept between calls.
//!
//! A bar's volume is spread evenly over its low–high range: each price bin receives the share of the range that lies in it (a bar
//! without a range gives all to its one bin). Where nothing was traded every bar counts the same, so that the profile becomes one of
//! time at price. Ties and edges are decided with a tolerance far above rounding, so that a change of price or volume unit never
//! moves a result to another bin.

/// Share of the traded volume that the value area holds by convention (Steidlmayer's market profile).
pub const VALUE_AREA: f64 = 0.7;

/// Share of the look-back's range on either side of the last price that a fixed-range profile covers.
pub const FIXED_RANGE: f64 = 0.1;

/// A bin belongs to a high-volume node from this multiple of the mean bin on.
const NODE: f64 = 1.5;

/// Differences below this share count as ties: far above rounding, far below anything traded.
const TIE: f64 = 1e-9;

/// What a histogram of volume by price says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Profile {
    /// Point of control: middle of the bin with the largest volume; of equals the one nearest the middle of the range.
    pub poc: f64,
    /// Lower edge of the value area, which grows from the point of control towards the larger neighbour (both if equal).
    pub value_area_low: f64,
    /// Upper edge of the value area.
    pub value_area_high: f64,
    /// Largest bin as a share of all, in (0, 1].
    pub largest_share: f64,
    /// Number of high-volume nodes: runs of adjacent bins that each hold at least 1.5 times the mean bin.
    pub nodes: u32,
    /// Volume-weighted middle of the node nearest the last close; the point of control where no bin stands out.
    pub nearest_node: f64,
    /// Lower end of the histogram.
    pub low: f64,
    /// Upper end of the histogram.
    pub high: f64,
}

impl Profile {
    /// A profile of nothing.
    pub const EMPTY: Self = Self {
        poc: f64::NAN,
        value_area_low: f64::NAN,
        value_area_high: f64::NAN,
        largest_share: f64::NAN,
        nodes: 0,
        nearest_node: f64::NAN,
        low: f64::NAN,
        high: f64::NAN,
    };
}

/// Bars of a window, oldest first; the columns have one length.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct Window<'a> {
    pub high: &'a [f64],
    pub low: &'a [f64],
    pub close: &'a [f64],
    pub volume: &'a [f64],
}

impl Window<'_> {
    /// The bars from `start` on.
    #[must_use]
    pub fn from(&self, start: usize) -> Self {
        Self {
            high: &self.high[start..],
            low: &self.low[start..],
            close: &self.close[start..],
            volume: &self.volume[start..],
        }
    }

    /// Highest high and lowest low.
    #[inline(always)]
    fn range(&self) -> (f64, f64) {
        let high = self.high.iter().fold(f64::NEG_INFINITY, |a, &b| if b > a { b } else { a });
        let low = self.low.iter().fold(f64::INFINITY, |a, &b| if b < a { b } else { a });
        (low, high)
    }
}

/// Profile of a whole window over its low–high range.
///
/// `bins` is where the histogram is made, lowest price first; it holds the volumes afterwards. An empty window or no bins give
/// [`Profile::EMPTY`].
pub fn profile(window: Window<'_>, value_area: f64, bins: &mut [f64]) -> Profile {
    let (low, high) = window.range();
    profile_between(window, low, high, value_area, bins)
}

/// Profile of the bars from the highest high of the window on (the earliest of equal ones).
pub fn anchored_profile(window: Window<'_>, value_area: f64, bins: &mut [f64]) -> Profile {
    profile(window.from(anchor(window.high)), value_area, bins)
}

/// Position of the highest value, the earliest of equal ones; 0 in an empty window.
pub fn anchor(high: &[f64]) -> usize {
    let mut at = 0;
    for (k, v) in high.iter().enumerate() {
        if *v > high[at] {
            at = k;
        }
    }
    at
}

/// Profile of the prices within `share` of the window's range of the last close; volume outside is left out.
pub fn fixed_range_profile(window: Window<'_>, share: f64, value_area: f64, bins: &mut [f64]) -> Profile {
    let Some(&last) = window.close.last() else { return Profile::EMPTY };
    let (low, high) = window.range();
    let reach = share * (high - low);
    profile_between(window, last - reach, last + reach, value_area, bins)
}

/// Profile of the prices from `low` to `high`.
pub fn profile_between(window: Window<'_>, low: f64, high: f64, value_area: f64, bins: &mut [f64]) -> Profile {
    let Some(&last) = window.close.last() else { return Profile::EMPTY };
    if bins.is_empty() {
        return Profile::EMPTY;
    }
    spread(window, low, high, |k| window.volume[k], bins);
    let mut total: f64 = bins.iter().sum();
    if total <= 0.0 {
        spread(window, low, high, |_| 1.0, bins);
        total = bins.iter().sum();
    }
    if total <= 0.0 {
        return Profile::EMPTY;
    }
    read(low, high, last, total, value_area, bins)
}

/// Adds every bar's weight to the bins of its range.
#[inline(always)]
fn spread(window: Window<'_>, low: f64, high: f64, weight: impl Fn(usize) -> f64, bins: &mut [f64]) {
    let n = bins.len();
    bins.fill(0.0);
    if high <= low {
        bins[0] = (0..window.close.len()).map(weight).sum();
        return;
    }
    let size = n as f64;
    let scale = size / (high - low);
    for (k, (h, l)) in window.high.iter().zip(window.low).enumerate() {
        let w = weight(k);
        let (from, to) = ((l - low) * scale, (h - low) * scale);
        let length = to - from;
        if length <= TIE {
            if from >= -TIE && to <= size + TIE {
                bins[((from + TIE) as usize).min(n - 1)] += w;
            }
            continue;
        }
        let (from, to) = (from.max(0.0), to.min(size));
        // A bar that touches the range with its last bit only has no volume in it.
        if to - from <= TIE {
            continue;
        }
        let density = w / length;
        let (first, last) = (from as usize, (to as usize).min(n - 1));
        if first == last {
            bins[first] += density * (to - from);
            continue;
        }
        bins[first] += density * (first as f64 + 1.0 - from);
        for bin in &mut bins[first + 1..last] {
            *bin += density;
        }
        bins[last] += density * (to - last as f64);
    }
}

fn read(low: f64, high: f64, last: f64, total: f64, value_area: f64, bins: &[f64]) -> Profile {
    let n = bins.len();
    let width = (high - low) / n as f64;
    let largest = bins.iter().fold(0.0, |a, &b| if b > a { b } else { a });
    let off_middle = |k: usize| (2 * k + 1).abs_diff(n);
    let mut poc = usize::MAX;
    for (k, &bin) in bins.iter().enumerate() {
        if bin >= largest * (1.0 - TIE) && (poc == usize::MAX || off_middle(k) < off_middle(poc)) {
            poc = k;
        }
    }
    let (from, to) = grow(poc, (value_area - TIE) * total, total, bins);
    let price = |edge: f64| low + width * edge;
    let poc_price = price(poc as f64 + 0.5);
    let (nodes, nearest_node) = nodes(bins, total, |edge| (price(edge) - last).abs());
    Profile {
        poc: poc_price,
        value_area_low: price(from as f64),
        value_area_high: if to + 1 == n { high } else { price(to as f64 + 1.0) },
        largest_share: largest / total,
        nodes,
        nearest_node: nearest_node.map_or(poc_price, price),
        low,
        high,
    }
}

/// First and last bin of the value area.
fn grow(poc: usize, target: f64, total: f64, bins: &[f64]) -> (usize, usize) {
    let (mut from, mut to, mut held) = (poc, poc, bins[poc]);
    while held < target && (from > 0 || to + 1 < bins.len()) {
        let below = if from > 0 { bins[from - 1] } else { f64::NEG_INFINITY };
        let above = if to + 1 < bins.len() { bins[to + 1] } else { f64::NEG_INFINITY };
        if below >= above - TIE * total {
            from -= 1;
            held += below;
        }
        if above >= below - TIE * total {
            to += 1;
            held += above;
        }
    }
    (from, to)
}

/// Number of high-volume nodes and the position, in bins, of the one with the smallest `distance`.
fn nodes(bins: &[f64], total: f64, distance: impl Fn(f64) -> f64) -> (u32, Option<f64>) {
    let threshold = NODE * total / bins.len() as f64 * (1.0 - TIE);
    let (mut count, mut nearest, mut best) = (0, None, f64::INFINITY);
    let (mut mass, mut moment) = (0.0, 0.0);
    for k in 0..=bins.len() {
        let bin = bins.get(k).copied().unwrap_or(0.0);
        if bin >= threshold {
            mass += bin;
            moment += bin * (k as f64 + 0.5);
        } else if mass > 0.0 {
            count += 1;
            let at = moment / mass;
            let away = distance(at);
            if away < best * (1.0 - TIE) {
                best = away;
                nearest = Some(at);
            }
            (mass, moment) = (0.0, 0.0);
        }
    }
    (count, nearest)
}
