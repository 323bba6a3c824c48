//! The indicators behind the columns: those that remember for ever, and those that look at a window only.
//!
//! The two groups are apart for one reason: a scan wants the last row alone. What remembers for ever must see every bar; what looks
//! at a window must see the end of the series only ([`Windows::run_last`]).

use serde::{Deserialize, Serialize};

use super::config::FeatureConfig;
use crate::bars::Series;
use crate::indicators::Indicator;
use crate::indicators::momentum::{Cci, Roc, Rsi, Stoch, WillR};
use crate::indicators::overlap::{Ema, Sma};
use crate::indicators::trend::{DirectionalIndex, Ichimoku, LinRegSlope, Macd, Supertrend};
use crate::indicators::volatility::{Atr, Bbands, RealisedVolatility};
use crate::indicators::volume::{Cmf, Mfi, Obv, ObvSlope, VolumeRatio, Vwap};
use crate::signals::{CandleClusters, Cluster, EnhancedThresholds, TOLERANCE};
use crate::types::Bar;
use crate::window::{Ring, RollingMax, RollingMin};

/// Periods of the exponential averages.
pub(super) const EMA: [usize; 6] = [5, 9, 13, 21, 50, 200];
/// Index of the 21-bar average in [`EMA`].
const EMA_21: usize = 3;
/// Bars over which the slope of `ema_21` is taken.
const SLOPE: usize = 21;
/// Bars over which price and RSI are compared for a divergence.
const DIVERGENCE: usize = 10;
/// Bars that a breakout is judged against.
const BREAKOUT: usize = 20;
/// Bars of the volatility and of its mean.
const VOLATILITY: usize = 20;
const VOLATILITY_MEAN: usize = 100;

/// Indicators whose value depends on every bar so far.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Recursive {
    ema: [Ema; 6],
    macd: Macd,
    rsi: Rsi,
    directional: DirectionalIndex,
    supertrend: Supertrend,
    atr: Atr,
    obv: Obv,
    vwap: Vwap,
    clusters: CandleClusters,
    past_ema_21: Ring,
    past_rsi: Ring,
    pub(super) now: RecursiveNow,
}

/// Values of [`Recursive`] at the last bar.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct RecursiveNow {
    pub(super) ema: [f64; 6],
    pub(super) macd: [f64; 3],
    pub(super) rsi: f64,
    pub(super) adx: f64,
    pub(super) plus_di: f64,
    pub(super) minus_di: f64,
    pub(super) supertrend_direction: f64,
    pub(super) atr: f64,
    pub(super) obv: f64,
    pub(super) vwap: f64,
    pub(super) cluster_direction: f64,
    pub(super) cluster_strength: f64,
}

impl Recursive {
    pub(super) fn new(enhanced: &EnhancedThresholds) -> Self {
        const NAN: f64 = f64::NAN;
        Self {
            ema: EMA.map(Ema::new),
            macd: Macd::new(12, 26, 9),
            rsi: Rsi::new(14),
            directional: DirectionalIndex::new(14, TOLERANCE),
            supertrend: Supertrend::new(10, 3.0),
            atr: Atr::new(14),
            obv: Obv::new(),
            vwap: Vwap::new(),
            clusters: CandleClusters::new(enhanced),
            past_ema_21: Ring::new(SLOPE + 1),
            past_rsi: Ring::new(DIVERGENCE + 1),
            now: RecursiveNow {
                ema: [NAN; 6],
                macd: [NAN; 3],
                rsi: NAN,
                adx: NAN,
                plus_di: NAN,
                minus_di: NAN,
                supertrend_direction: NAN,
                atr: NAN,
                obv: NAN,
                vwap: NAN,
                cluster_direction: NAN,
                cluster_strength: NAN,
            },
        }
    }

    #[inline(always)]
    pub(super) fn push(&mut self, bar: &Bar) {
        let Bar { high, low, close, volume, .. } = *bar;
        let hlc = [high, low, close];
        let now = &mut self.now;
        for (kernel, value) in self.ema.iter_mut().zip(&mut now.ema) {
            [*value] = kernel.update([close]);
        }
        now.macd = self.macd.update([close]);
        [now.rsi] = self.rsi.update([close]);
        [now.adx, now.plus_di, now.minus_di] = self.directional.update(hlc);
        [_, now.supertrend_direction] = self.supertrend.update(hlc);
        [now.atr] = self.atr.update(hlc);
        [now.obv] = self.obv.update([close, volume]);
        [now.vwap] = self.vwap.update([high, low, close, volume]);
        (now.cluster_direction, now.cluster_strength) = match self.clusters.update(bar.open, close) {
            Some(Cluster { direction, strength, .. }) => (direction, strength),
            None => (f64::NAN, f64::NAN),
        };
        self.past_ema_21.push(now.ema[EMA_21]);
        self.past_rsi.push(now.rsi);
    }

    /// The state after all bars of `s`, as after pushing them one by one; from the state before the first bar.
    ///
    /// Values are wanted at the end only: until the bars that the rings reach back to, every group of indicators has a loop of its
    /// own, with its state in registers and what nobody reads left out.
    pub(super) fn run_last(&mut self, s: &Series<'_>) {
        let bulk = s.len().saturating_sub(self.past_ema_21.capacity());
        let (open, high, low) = (&s.open[..bulk], &s.high[..bulk], &s.low[..bulk]);
        let (close, volume) = (&s.close[..bulk], &s.volume[..bulk]);

        let [mut a, mut b, mut c, mut d, mut e, mut f] = self.ema.clone();
        let mut macd = self.macd.clone();
        for &x in close {
            a.update([x]);
            b.update([x]);
            c.update([x]);
            d.update([x]);
            e.update([x]);
            f.update([x]);
            macd.update([x]);
        }
        self.ema = [a, b, c, d, e, f];
        self.macd = macd;

        let (mut directional, mut supertrend, mut atr) =
            (self.directional.clone(), self.supertrend.clone(), self.atr.clone());
        let mut rsi = self.rsi.clone();
        for ((&h, &l), &x) in high.iter().zip(low).zip(close) {
            directional.update([h, l, x]);
            supertrend.update([h, l, x]);
            atr.update([h, l, x]);
            rsi.update([x]);
        }
        (self.directional, self.supertrend, self.atr, self.rsi) = (directional, supertrend, atr, rsi);

        let (mut obv, mut vwap) = (self.obv.clone(), self.vwap.clone());
        for (((&h, &l), &x), &v) in high.iter().zip(low).zip(close).zip(volume) {
            obv.update([x, v]);
            vwap.update([h, l, x, v]);
        }
        (self.obv, self.vwap) = (obv, vwap);

        let mut clusters = self.clusters.clone();
        for (&o, &x) in open.iter().zip(close) {
            clusters.update(o, x);
        }
        self.clusters = clusters;

        for i in bulk..s.len() {
            self.push(&s.bar(i));
        }
    }

    /// Fractional change of `ema_21` over 21 bars.
    #[inline]
    pub(super) fn ema_slope(&self) -> f64 {
        if self.past_ema_21.is_full() { self.now.ema[EMA_21] / self.past_ema_21.get(0) - 1.0 } else { f64::NAN }
    }

    /// RSI ten bars ago.
    #[inline]
    pub(super) fn rsi_before(&self) -> f64 {
        if self.past_rsi.is_full() { self.past_rsi.get(0) } else { f64::NAN }
    }
}

/// Indicators whose value depends on a fixed number of bars.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Windows {
    turnover: Sma,
    volume_ratio: VolumeRatio,
    obv_slope: ObvSlope,
    mfi: Mfi,
    cmf: Cmf,
    roc: Roc,
    stoch: Stoch,
    cci: Cci,
    williams_r: WillR,
    sma_20: Sma,
    sma_50: Sma,
    linreg_slope: LinRegSlope,
    bbands: Bbands,
    volatility: RealisedVolatility,
    volatility_mean: Sma,
    ichimoku: Ichimoku,
    highest: RollingMax,
    lowest: RollingMin,
    closes: Ring,
    short: usize,
    long: usize,
    pub(super) now: WindowsNow,
}

/// Values of [`Windows`] at the last bar.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct WindowsNow {
    pub(super) turnover: f64,
    pub(super) volume_ratio: f64,
    pub(super) obv_slope: f64,
    pub(super) mfi: f64,
    pub(super) cmf: f64,
    pub(super) roc: f64,
    pub(super) stoch: [f64; 2],
    pub(super) cci: f64,
    pub(super) williams_r: f64,
    pub(super) sma_20: f64,
    pub(super) sma_50: f64,
    pub(super) linreg_slope: f64,
    pub(super) bbands: [f64; 5],
    pub(super) volatility: f64,
    pub(super) volatility_mean: f64,
    pub(super) ichimoku: [f64; 5],
    /// Highest and lowest of the last 20 closes, this one included.
    extremes: [f64; 2],
    /// The same one bar ago: what a breakout is judged against.
    pub(super) breakout: [f64; 2],
}

impl Windows {
    pub(super) fn new(config: &FeatureConfig) -> Self {
        const NAN: f64 = f64::NAN;
        let (short, long) = config.momentum_periods();
        Self {
            turnover: Sma::new(20),
            volume_ratio: VolumeRatio::new(20),
            obv_slope: ObvSlope::new(20),
            mfi: Mfi::new(14),
            cmf: Cmf::new(20),
            roc: Roc::new(10),
            stoch: Stoch::new(14, 3, 3),
            cci: Cci::new(20),
            williams_r: WillR::new(14),
            sma_20: Sma::new(20),
            sma_50: Sma::new(50),
            linreg_slope: LinRegSlope::new(14),
            bbands: Bbands::new(20, 2.0),
            volatility: RealisedVolatility::new(VOLATILITY, 1.0),
            volatility_mean: Sma::new(VOLATILITY_MEAN),
            ichimoku: Ichimoku::new(9, 26, 52, 26),
            highest: RollingMax::new(BREAKOUT),
            lowest: RollingMin::new(BREAKOUT),
            closes: Ring::new(long.max(DIVERGENCE) + 1),
            short,
            long,
            now: WindowsNow {
                turnover: NAN,
                volume_ratio: NAN,
                obv_slope: NAN,
                mfi: NAN,
                cmf: NAN,
                roc: NAN,
                stoch: [NAN; 2],
                cci: NAN,
                williams_r: NAN,
                sma_20: NAN,
                sma_50: NAN,
                linreg_slope: NAN,
                bbands: [NAN; 5],
                volatility: NAN,
                volatility_mean: NAN,
                ichimoku: [NAN; 5],
                extremes: [NAN; 2],
                breakout: [NAN; 2],
            },
        }
    }

    #[inline(always)]
    pub(super) fn push(&mut self, bar: &Bar) {
        let Bar { high, low, close, volume, .. } = *bar;
        let hlc = [high, low, close];
        let hlcv = [high, low, close, volume];
        let now = &mut self.now;
        [now.turnover] = self.turnover.update([close * volume]);
        [now.volume_ratio] = self.volume_ratio.update([volume]);
        [now.obv_slope] = self.obv_slope.update([close, volume]);
        [now.mfi] = self.mfi.update(hlcv);
        [now.cmf] = self.cmf.update(hlcv);
        [now.roc] = self.roc.update([close]);
        now.stoch = self.stoch.update(hlc);
        [now.cci] = self.cci.update(hlc);
        [now.williams_r] = self.williams_r.update(hlc);
        [now.sma_20] = self.sma_20.update([close]);
        [now.sma_50] = self.sma_50.update([close]);
        [now.linreg_slope] = self.linreg_slope.update([close]);
        now.bbands = self.bbands.update([close]);
        self.push_volatility(close);
        self.now.ichimoku = self.ichimoku.update(hlc);
        self.push_extremes(close);
        self.closes.push(close);
    }

    #[inline(always)]
    fn push_volatility(&mut self, close: f64) {
        [self.now.volatility] = self.volatility.update([close]);
        if !self.now.volatility.is_nan() {
            [self.now.volatility_mean] = self.volatility_mean.update([self.now.volatility]);
        }
    }

    #[inline(always)]
    fn push_extremes(&mut self, close: f64) {
        self.now.breakout = self.now.extremes;
        self.now.extremes = [self.highest.push(close), self.lowest.push(close)];
    }

    /// The state after all bars of `s`, reading only as many as it depends on; from the state before the first bar.
    ///
    /// A windowed sum is added up in blocks that are counted from the first bar, and its last bit depends on where they begin. Each
    /// indicator therefore starts at a multiple of its blocks, far enough from the end that its whole window is new.
    pub(super) fn run_last(&mut self, s: &Series<'_>) {
        let n = s.len();
        let (h, l, c, v) = (s.high, s.low, s.close, s.volume);
        let hlc = |i: usize| [h[i], l[i], c[i]];
        let hlcv = |i: usize| [h[i], l[i], c[i], v[i]];
        let now = &mut self.now;
        [now.turnover] = last(&mut self.turnover, n, 20, 20, |i| [c[i] * v[i]]);
        [now.volume_ratio] = last(&mut self.volume_ratio, n, 20, 20, |i| [v[i]]);
        [now.obv_slope] = last(&mut self.obv_slope, n, 20 + 1, 20, |i| [c[i], v[i]]);
        [now.mfi] = last(&mut self.mfi, n, 14 + 1, 14, hlcv);
        [now.cmf] = last(&mut self.cmf, n, 20, 20, hlcv);
        [now.roc] = last(&mut self.roc, n, 10 + 1, 10, |i| [c[i]]);
        // 14 bars for %K, two averages of 3; extremes do not depend on blocks.
        now.stoch = last(&mut self.stoch, n, 14 + 2 + 2, 3, hlc);
        [now.cci] = last(&mut self.cci, n, 20, 20, hlc);
        [now.williams_r] = last(&mut self.williams_r, n, 14, 14, hlc);
        [now.sma_20] = last(&mut self.sma_20, n, 20, 20, |i| [c[i]]);
        [now.sma_50] = last(&mut self.sma_50, n, 50, 50, |i| [c[i]]);
        [now.linreg_slope] = last(&mut self.linreg_slope, n, 14, 14, |i| [c[i]]);
        now.bbands = last(&mut self.bbands, n, 20, 20, |i| [c[i]]);
        // The three midprices, and the cloud that was made 26 bars ago.
        now.ichimoku = last(&mut self.ichimoku, n, 52 + 26, 26, hlc);
        for &close in &c[start(n, VOLATILITY + VOLATILITY_MEAN, VOLATILITY_MEAN)..] {
            self.push_volatility(close);
        }
        for &close in &c[start(n, BREAKOUT + 1, BREAKOUT)..] {
            self.push_extremes(close);
        }
        for &close in &c[start(n, self.closes.capacity(), 1)..] {
            self.closes.push(close);
        }
    }

    /// Fractional changes of the close over one bar, the short and the long period.
    #[inline]
    pub(super) fn momenta(&self) -> [f64; 3] {
        [1, self.short, self.long].map(|n| self.closes_back(0) / self.closes_back(n) - 1.0)
    }

    /// Close ten bars ago.
    #[inline]
    pub(super) fn close_before(&self) -> f64 {
        self.closes_back(DIVERGENCE)
    }

    #[inline]
    fn closes_back(&self, n: usize) -> f64 {
        if n < self.closes.len() { self.closes.back(n) } else { f64::NAN }
    }

    /// Bars before every value of both groups is known.
    pub(super) fn warm_up(&self) -> usize {
        (EMA[5] - 1).max(VOLATILITY + VOLATILITY_MEAN - 1).max(self.long)
    }
}

/// First bar to read for the last `memory` ones to be right, in blocks of `align`.
#[inline]
fn start(n: usize, memory: usize, align: usize) -> usize {
    n.saturating_sub(memory) / align * align
}

/// Runs an indicator over the end of a series.
#[inline(always)]
fn last<K: Indicator<I, O>, const I: usize, const O: usize>(
    kernel: &mut K,
    n: usize,
    memory: usize,
    align: usize,
    input: impl Fn(usize) -> [f64; I],
) -> [f64; O] {
    let mut value = [f64::NAN; O];
    for i in start(n, memory, align)..n {
        value = kernel.update(input(i));
    }
    value
}
