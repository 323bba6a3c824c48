//! Feature columns in Rust alone: a scan, the full matrix, and one bar at a time. `cargo bench --bench features [part of a name]`.
//!
//! Each figure is the median over rounds, and the best, of the wall time a bar, on one thread. The peers' figures stand in `benches/RESULTS.md`.

use std::hint::black_box;
use std::time::Instant;

use arrow_buffer::ScalarBuffer;
use mirrorfast_core::bars::{Bars, Series};
use mirrorfast_core::features::{Col, FeatureConfig, FeatureRow, FeatureState, Kind};
use mirrorfast_core::indicators::Indicator;
use mirrorfast_core::indicators::momentum::{Cci, Mom, Roc, Rsi, Stoch, WillR};
use mirrorfast_core::indicators::overlap::{Ema, Midprice, Sma};
use mirrorfast_core::indicators::trend::{Aroon, DirectionalIndex, LinRegSlope, Macd, Supertrend};
use mirrorfast_core::indicators::volatility::{Atr, Bbands, Stddev};
use mirrorfast_core::indicators::volume::{Cmf, Mfi, Obv, Vwap};
use mirrorfast_core::panel::{self, Buffer, Plan};
use mirrorfast_core::types::Bar;

const SYMBOLS: usize = 500;
const BARS: usize = 1000;

/// A multiplicative random walk with a volume that changes from bar to bar.
fn market(symbols: usize, bars: usize) -> Bars {
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    };
    let mut columns: [Vec<f64>; 5] = Default::default();
    let mut ts = Vec::new();
    for _ in 0..symbols {
        let mut price = 100.0;
        for k in 0..bars {
            let open = price;
            price *= 1.0 + 0.02 * random();
            let high = f64::max(open, price) * (1.0 + 0.005 * (random() + 0.5));
            let low = f64::min(open, price) * (1.0 - 0.005 * (random() + 0.5));
            let volume = 1000.0 * (1.5 + random());
            for (column, v) in columns.iter_mut().zip([open, high, low, price, volume]) {
                column.push(v);
            }
            ts.push(k as i64 * 3_600_000);
        }
    }
    let runs = (0..symbols).map(|k| (format!("S{k:03}"), bars)).collect();
    Bars::try_new(runs, ScalarBuffer::from(ts), columns.map(ScalarBuffer::from)).expect("sound bars")
}

fn report(filter: &str, name: &str, bars: usize, rounds: usize, mut job: impl FnMut()) {
    if !name.contains(filter) {
        return;
    }
    let mut times: Vec<f64> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            job();
            start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    #[allow(clippy::print_stdout)] // what a bench is for
    {
        let [best, median] = [0, rounds / 2].map(|k| times[k] / bars as f64 * 1e9);
        println!("{name:<32} {median:>9.1} ns a bar, {best:.1} at best");
    }
}

fn buffers(columns: &[Col], rows: usize) -> (Vec<Vec<f64>>, Vec<Vec<u8>>) {
    let of = |float: bool| columns.iter().filter(move |c| (c.kind() == Kind::Float) == float).count();
    (vec![vec![0.0; rows]; of(true)], vec![vec![0; rows]; of(false)])
}

fn borrowed<'a>(columns: &[Col], held: &'a mut (Vec<Vec<f64>>, Vec<Vec<u8>>)) -> Vec<Buffer<'a>> {
    let (mut floats, mut codes) = (held.0.iter_mut(), held.1.iter_mut());
    columns
        .iter()
        .map(|c| match c.kind() {
            Kind::Float => Buffer::Float(floats.next().expect("a float buffer")),
            _ => Buffer::Code(codes.next().expect("a code buffer")),
        })
        .collect()
}

/// The 31 indicators that `benches/peers/scanner.py` asks of TA-Lib, for one symbol.
struct Bank {
    sma: [Sma; 2],
    ema: [Ema; 6],
    rsi: Rsi,
    macd: Macd,
    bbands: Bbands,
    atr: Atr,
    /// ADX, +DI and −DI.
    directional: DirectionalIndex,
    stoch: Stoch,
    cci: Cci,
    willr: WillR,
    mfi: Mfi,
    obv: Obv,
    cmf: Cmf,
    roc: Roc,
    mom: [Mom; 2],
    supertrend: Supertrend,
    vwap: Vwap,
    slope: LinRegSlope,
    stddev: Stddev,
    aroon: Aroon,
    midprice: Midprice,
}

impl Bank {
    fn new() -> Self {
        Self {
            sma: [20, 50].map(Sma::new),
            ema: [5, 9, 13, 21, 50, 200].map(Ema::new),
            rsi: Rsi::new(14),
            macd: Macd::new(12, 26, 9),
            bbands: Bbands::new(20, 2.0),
            atr: Atr::new(14),
            directional: DirectionalIndex::new(14, 0.0),
            stoch: Stoch::new(14, 3, 3),
            cci: Cci::new(20),
            willr: WillR::new(14),
            mfi: Mfi::new(14),
            obv: Obv::new(),
            cmf: Cmf::new(20),
            roc: Roc::new(10),
            mom: [4, 12].map(Mom::new),
            supertrend: Supertrend::new(10, 3.0),
            vwap: Vwap::new(),
            slope: LinRegSlope::new(14),
            stddev: Stddev::new(20, 0),
            aroon: Aroon::new(14),
            midprice: Midprice::new(9),
        }
    }

    /// All 42 values, summed so that none can be left out.
    #[inline]
    fn update(&mut self, bar: &Bar) -> f64 {
        let Bar { high, low, close, volume, .. } = *bar;
        let (hlc, hlcv) = ([high, low, close], [high, low, close, volume]);
        let mut total = 0.0;
        let mut add = |values: &[f64]| total += values.iter().sum::<f64>();
        for x in &mut self.sma {
            add(&x.update([close]));
        }
        for x in &mut self.ema {
            add(&x.update([close]));
        }
        add(&self.rsi.update([close]));
        add(&self.macd.update([close]));
        add(&self.bbands.update([close]));
        let [atr] = self.atr.update(hlc);
        add(&[atr, atr / close * 100.0]);
        add(&self.directional.update(hlc));
        add(&self.stoch.update(hlc));
        add(&self.cci.update(hlc));
        add(&self.willr.update(hlc));
        add(&self.mfi.update(hlcv));
        add(&self.obv.update([close, volume]));
        add(&self.cmf.update(hlcv));
        add(&self.roc.update([close]));
        for x in &mut self.mom {
            add(&x.update([close]));
        }
        add(&self.supertrend.update(hlc));
        add(&self.vwap.update(hlcv));
        add(&self.slope.update([close]));
        add(&self.stddev.update([close]));
        add(&self.aroon.update([high, low]));
        add(&self.midprice.update([high, low]));
        total
    }
}

fn main() {
    let filter = std::env::args().skip(1).find(|a| !a.starts_with("--")).unwrap_or_default();
    let bars = market(SYMBOLS, BARS);
    let n = bars.len();
    let config = FeatureConfig::default();
    let plan = Plan::new(&config, Col::ALL).expect("a plan");
    let narrow: Vec<Col> = Col::ALL.iter().copied().filter(|c| !c.needs_levels()).collect();
    let narrow = Plan::new(&config, &narrow).expect("a plan");

    for (name, plan) in [("scan, all columns", &plan), ("scan, without levels", &narrow)] {
        let mut held = buffers(plan.columns(), SYMBOLS);
        report(&filter, name, n, 61, || {
            panel::compute(&bars, plan, true, borrowed(plan.columns(), &mut held), 1).expect("a scan");
        });
    }
    for (name, plan) in [("matrix, all columns", &plan), ("matrix, without levels", &narrow)] {
        let mut held = buffers(plan.columns(), n);
        report(&filter, name, n, 5, || {
            panel::compute(&bars, plan, false, borrowed(plan.columns(), &mut held), 1).expect("a matrix");
        });
    }

    let one = market(1, 200_000);
    let series: Series<'_> = one.series(0);
    let len = series.len();
    report(&filter, "stream, bank of 31", len, 9, || {
        let mut bank = Bank::new();
        for i in 0..len {
            black_box(bank.update(black_box(&series.bar(i))));
        }
    });
    report(&filter, "stream, state of all columns", len, 5, || {
        let mut state = FeatureState::new(&config).expect("a state");
        for i in 0..len {
            state.push(black_box(&series.bar(i)));
        }
        black_box(&state);
    });
    report(&filter, "stream, all columns", len, 5, || {
        let mut state = FeatureState::new(&config).expect("a state");
        let mut row = FeatureRow::MISSING;
        for i in 0..len {
            state.push(black_box(&series.bar(i)));
            state.row(&mut row);
            black_box(&row);
        }
    });
}
