//! Trading environments: `cargo bench -p mirrorfast-core --bench env`; processor time of the thread, best of seven rounds. Window of
//! 20 rows of 21 numbers, `trading` at random on every step or `holding` nothing.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs, reason = "a program for the terminal")]

use std::sync::Arc;
use std::time::Instant;

use mirrorfast_core::bars::Series;
use mirrorfast_core::env::{EnvConfig, Market, StepBuffers, TradingBatch};
use mirrorfast_core::instrument::Instrument;

const FEATURES: usize = 17;
const BARS: usize = 50_000;
const STEPS: usize = 300;

/// Uniform in [0, 1).
struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Processor time of this thread, ns; wall time where the system does not tell.
fn now() -> f64 {
    thread_local!(static START: Instant = Instant::now());
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let told = told.and_then(|text| text.split(' ').next().and_then(|n| n.parse::<f64>().ok()));
    told.unwrap_or_else(|| START.with(|start| start.elapsed().as_nanos() as f64))
}

fn market() -> Market {
    let mut random = Random(1);
    let ts: Vec<i64> = (0..BARS as i64).map(|i| i * 3_600_000).collect();
    let mut close = vec![100.0; BARS];
    for t in 1..BARS {
        close[t] = close[t - 1] * (1.0 + 0.004 * (random.unit() - 0.5));
    }
    let open: Vec<f64> = (0..BARS).map(|t| close[t.saturating_sub(1)]).collect();
    let high: Vec<f64> = (0..BARS).map(|t| open[t].max(close[t]) * 1.002).collect();
    let low: Vec<f64> = (0..BARS).map(|t| open[t].min(close[t]) * 0.998).collect();
    let volume = vec![1.0; BARS];
    let series = Series { ts: &ts, open: &open, high: &high, low: &low, close: &close, volume: &volume };
    let encoded: Vec<f32> = (0..BARS * FEATURES).map(|_| (2.0 * random.unit() - 1.0) as f32).collect();
    let instrument = Instrument { symbol: "X/USD".to_owned(), ..Instrument::default() };
    Market::new(vec![instrument], &[series], &[&encoded], FEATURES, 0).unwrap()
}

fn timed(name: &str, markets: &Arc<[Market]>, n: usize, trading: bool) {
    let config = EnvConfig { episode_length: Some(1_000), random_start: true, ..EnvConfig::default() };
    let mut batch = TradingBatch::new(markets.clone(), config, n, 0).unwrap();
    for k in 0..n {
        batch.reset(k, None, None).unwrap();
    }
    let size = batch.shape().0 * batch.shape().1;
    let (mut observations, mut finals) = (vec![0.0; n * size], vec![0.0; n * size]);
    let (mut rewards, mut terminated, mut truncated) = (vec![0.0; n], vec![false; n], vec![false; n]);
    let mut random = Random(2);
    let mut draw = || if trading { (2.0 * random.unit() - 1.0) as f32 } else { 0.0 };
    let actions: Vec<Vec<f32>> = (0..16).map(|_| (0..n).map(|_| draw()).collect()).collect();
    let mut best = f64::INFINITY;
    for _ in 0..7 {
        let start = now();
        for k in 0..STEPS {
            let mut buffers = StepBuffers {
                observations: &mut observations,
                rewards: &mut rewards,
                terminated: &mut terminated,
                truncated: &mut truncated,
                finals: &mut finals,
            };
            batch.step(&actions[k % 16], &mut buffers).unwrap();
        }
        best = best.min((now() - start) / (STEPS * n) as f64);
    }
    println!("{name} x{n}: {best:.1} ns a step, {:.2} M steps/s", 1e3 / best);
}

fn main() {
    let markets: Arc<[Market]> = vec![market()].into();
    for n in [1, 64, 1_024] {
        timed("trading", &markets, n, true);
        timed("holding", &markets, n, false);
    }
}
