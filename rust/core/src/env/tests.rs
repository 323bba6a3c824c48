use super::*;
use crate::instrument::Instrument;
use crate::random::Random;
use crate::types::Bar;

/// A random walk with gaps between close and open.
fn walk(n: usize, seed: u64) -> Vec<Bar> {
    let mut random = Random(seed);
    let mut close = 100.0;
    (0..n)
        .map(|i| {
            let open = close * (1.0 + 0.01 * (random.unit() - 0.5));
            close = open * (1.0 + 0.04 * (random.unit() - 0.5));
            let (high, low) = (open.max(close) * 1.01, open.min(close) * 0.99);
            Bar { ts: i as i64 * 3_600_000, open, high, low, close, volume: 1.0 }
        })
        .collect()
}

fn market(bars: &[Bar], symbols: usize, features: usize) -> Market {
    let column = |f: fn(&Bar) -> f64| bars.iter().map(f).collect::<Vec<f64>>();
    let ts: Vec<i64> = bars.iter().map(|b| b.ts).collect();
    let (o, h, l, c, v) =
        (column(|b| b.open), column(|b| b.high), column(|b| b.low), column(|b| b.close), column(|b| b.volume));
    let series = crate::bars::Series { ts: &ts, open: &o, high: &h, low: &l, close: &c, volume: &v };
    let encoded: Vec<f32> = (0..bars.len() * features).map(|i| ((i as f32) * 0.37).sin()).collect();
    let instruments = (0..symbols).map(|k| Instrument { symbol: format!("S{k}"), ..Instrument::default() }).collect();
    Market::new(instruments, &vec![series; symbols], &vec![encoded.as_slice(); symbols], features, 0).unwrap()
}

fn batch(config: EnvConfig, n: usize, bars: usize) -> TradingBatch {
    let markets: Vec<Market> = (0..3).map(|k| market(&walk(bars, k), 1, 3)).collect();
    TradingBatch::new(markets.into(), config, n, 7).unwrap()
}

struct Out {
    observations: Vec<f32>,
    rewards: Vec<f32>,
    terminated: Vec<bool>,
    truncated: Vec<bool>,
    finals: Vec<f32>,
}

impl Out {
    fn of(b: &TradingBatch) -> Self {
        let (n, size) = (b.len(), b.shape().0 * b.shape().1);
        Self {
            observations: vec![0.0; n * size],
            rewards: vec![0.0; n],
            terminated: vec![false; n],
            truncated: vec![false; n],
            finals: vec![9.0; n * size],
        }
    }

    fn buffers(&mut self) -> StepBuffers<'_> {
        StepBuffers {
            observations: &mut self.observations,
            rewards: &mut self.rewards,
            terminated: &mut self.terminated,
            truncated: &mut self.truncated,
            finals: &mut self.finals,
        }
    }
}

fn free() -> EnvConfig {
    EnvConfig {
        transaction_cost: 0.0,
        slippage: 0.0,
        drawdown_penalty: 0.0,
        turnover_penalty: 0.0,
        reward_scaling: 1.0,
        lookback: 4,
        ..EnvConfig::default()
    }
}

#[test]
fn an_action_meets_the_next_open_and_is_marked_at_its_close() {
    let bars = walk(50, 3);
    let config = EnvConfig { transaction_cost: 0.003, slippage: 0.0005, ..free() };
    let mut env = TradingBatch::new([market(&bars, 1, 3)].into(), config, 1, 0).unwrap();
    env.reset(0, None, None).unwrap();
    let t = env.bar(0);
    assert_eq!(t, 3);
    let outcome = env.step_one(0, &[0.5]).unwrap();
    let quantity = 0.5 * 10_000.0 / bars[t].close;
    let price = bars[t + 1].open * 1.0005;
    let equity = 10_000.0 + quantity * (bars[t + 1].close - price) - quantity * price * 0.003;
    assert!((env.episode(0).equity / equity - 1.0).abs() < 1e-9);
    assert!((outcome.reward - (equity / 10_000.0).ln()).abs() < 1e-9);
    assert_eq!((env.episode(0).fills, env.portfolio(0).position(0).bars_held), (1, 1));
    // Short: the fill is below the open.
    env.reset(0, None, Some(10)).unwrap();
    env.step_one(0, &[-1.0]).unwrap();
    let quantity = 10_000.0 / bars[10].close;
    let price = bars[11].open * 0.9995;
    let equity = 10_000.0 - quantity * (bars[11].close - price) - quantity * price * 0.003;
    assert!((env.episode(0).equity / equity - 1.0).abs() < 1e-9);
}

#[test]
fn an_action_that_is_no_position_keeps_it_and_counts() {
    let mut env = batch(EnvConfig { transaction_cost: 0.01, ..free() }, 1, 60);
    env.reset(0, None, None).unwrap();
    env.step_one(0, &[0.8]).unwrap();
    let held = *env.portfolio(0).position(0);
    for bad in [f64::NAN, f64::INFINITY, -1.000001, 1e300] {
        env.step_one(0, &[bad]).unwrap();
    }
    assert_eq!(env.portfolio(0).position(0).quantity, held.quantity);
    assert_eq!((env.episode(0).refused, env.episode(0).fills, env.portfolio(0).position(0).fees), (4, 1, held.fees));
}

#[test]
fn rewards_add_up_to_the_growth_of_equity() {
    let mut env = batch(free(), 1, 400);
    env.reset(0, Some(1), None).unwrap();
    let mut random = Random(1);
    let (mut sum, mut outcome) = (0.0, None);
    while !outcome.is_some_and(|o: Outcome| o.done()) {
        let o = env.step_one(0, &[2.0 * random.unit() - 1.0]).unwrap();
        sum += o.reward;
        outcome = Some(o);
    }
    let e = *env.finished(0);
    assert!((sum - (e.equity / 10_000.0).ln()).abs() < 1e-9 && (e.reward - sum).abs() < 1e-12);
    assert!((env.portfolio(0).equity() - e.equity).abs() < 1e-9);
    assert!(env.step_one(0, &[0.0]).is_err());
}

#[test]
fn penalties_are_taken_from_the_reward() {
    let with = EnvConfig { drawdown_penalty: 2.0, turnover_penalty: 0.5, reward_scaling: 3.0, ..free() };
    let (mut plain, mut taxed) = (batch(free(), 1, 200), batch(with, 1, 200));
    plain.reset(0, Some(0), None).unwrap();
    taxed.reset(0, Some(0), None).unwrap();
    let mut random = Random(5);
    for _ in 0..100 {
        let action = [2.0 * random.unit() - 1.0];
        let (before, was) = (*taxed.episode(0), plain.step_one(0, &action).unwrap());
        let is = taxed.step_one(0, &action).unwrap();
        let now = taxed.episode(0);
        let deeper = (now.drawdown - before.drawdown).max(0.0);
        let expected = 3.0 * (was.reward - 2.0 * deeper - 0.5 * (now.turnover - before.turnover));
        assert!((is.reward - expected).abs() < 1e-12);
        assert_eq!(now.equity, plain.episode(0).equity);
    }
}

#[test]
fn the_observation_is_the_window_that_the_engine_keeps() {
    let bars = walk(80, 2);
    let market = market(&bars, 1, 3);
    let rows = market.rows.clone();
    let config = EnvConfig { lookback: 5, ..EnvConfig::default() };
    let mut env = TradingBatch::new([market].into(), config, 1, 0).unwrap();
    env.reset(0, None, None).unwrap();
    let mut window = ObservationWindow::new(5, 3, 1);
    let feature = |t: usize| &rows[t * 3..t * 3 + 3];
    for t in 0..=env.bar(0) {
        window.push(feature(t), &[[0.0; ACCOUNT]]);
    }
    let mut out = vec![0.0; 35];
    let mut random = Random(9);
    loop {
        env.observe(0, &mut out).unwrap();
        assert_eq!(out, window.rows());
        assert!(window.is_full() && out.iter().all(|x| (-1.0..=1.0).contains(x)));
        if env.step_one(0, &[2.0 * random.unit() - 1.0]).unwrap().done() {
            break;
        }
        let (e, p) = (env.episode(0), env.portfolio(0));
        window.push(feature(env.bar(0)), &[account_entries(p, 0, p.equity(), 10_000.0, e.peak, 1.0)]);
    }
    assert!(env.bar(0) > 20);
}

#[test]
fn a_batch_is_its_environments_one_by_one() {
    let config = EnvConfig { episode_length: Some(23), random_start: true, cost_range: (0.5, 2.0), ..free() };
    let (mut all, mut one) = (batch(config, 9, 120), batch(config, 9, 120));
    let mut out = Out::of(&all);
    for k in 0..9 {
        all.reset(k, None, None).unwrap();
        one.reset(k, None, None).unwrap();
    }
    let starts: Vec<(usize, usize)> = (0..9).map(|k| (all.episode(k).market, all.episode(k).start)).collect();
    assert!(starts.iter().any(|s| *s != starts[0]));
    let mut random = Random(4);
    let (mut single, mut ends) = (vec![0.0; 28], 0);
    for _ in 0..100 {
        let actions: Vec<f32> = (0..9).map(|_| (2.0 * random.unit() - 1.0) as f32).collect();
        all.step(&actions, &mut out.buffers()).unwrap();
        for k in 0..9 {
            let o = one.step_one(k, &actions[k..=k]).unwrap();
            assert_eq!(
                (o.reward as f32, o.terminated, o.truncated),
                (out.rewards[k], out.terminated[k], out.truncated[k])
            );
            if o.done() {
                ends += 1;
                one.observe(k, &mut single).unwrap();
                assert_eq!(single, out.finals[k * 28..(k + 1) * 28]);
                assert_eq!(one.finished(k), all.finished(k));
                assert!(one.finished(k).steps == 23 || o.terminated);
                one.reset(k, None, None).unwrap();
            }
            one.observe(k, &mut single).unwrap();
            assert_eq!(single, out.observations[k * 28..(k + 1) * 28]);
        }
    }
    assert!(ends >= 9 * 4);
    let fees: Vec<f64> = (0..9).map(|k| all.episode(k).transaction_cost).collect();
    assert_eq!(fees, [0.0; 9]);
}

#[test]
fn costs_are_drawn_in_their_range() {
    let config = EnvConfig { transaction_cost: 0.002, cost_range: (0.5, 2.0), ..free() };
    let mut env = batch(config, 64, 60);
    let fees: Vec<f64> = (0..64)
        .map(|k| {
            env.reset(k, None, None).unwrap();
            env.episode(k).transaction_cost
        })
        .collect();
    assert!(fees.iter().all(|f| (0.001..=0.004).contains(f)));
    assert!(fees.iter().any(|f| *f < 0.0015) && fees.iter().any(|f| *f > 0.0035));
}

#[test]
fn half_lost_is_the_end() {
    let mut bars = walk(40, 1);
    for (i, bar) in bars.iter_mut().enumerate().skip(10) {
        let p = 100.0 * 0.9_f64.powi(i as i32 - 10);
        *bar = Bar { open: p, high: p, low: p, close: p, ..*bar };
    }
    let mut env = TradingBatch::new([market(&bars, 1, 1)].into(), free(), 1, 0).unwrap();
    env.reset(0, None, Some(10)).unwrap();
    let mut steps = 0;
    let last = loop {
        steps += 1;
        let o = env.step_one(0, &[1.0]).unwrap();
        if o.done() {
            break o;
        }
    };
    // Bought one bar later at 0.9: 0.9^7 < 0.5 < 0.9^6 from there.
    assert_eq!((steps, last.terminated, last.truncated), (8, true, false));
}

#[test]
fn several_symbols_share_one_account() {
    let bars = walk(60, 8);
    let mut env = TradingBatch::new([market(&bars, 2, 3)].into(), free(), 1, 0).unwrap();
    assert_eq!((env.symbols(), env.shape()), (2, (4, 14)));
    env.reset(0, None, None).unwrap();
    let t = env.bar(0);
    env.step_one(0, &[0.5, -0.5]).unwrap();
    let p = env.portfolio(0);
    assert_eq!(p.position(0).quantity, -p.position(1).quantity);
    // Long and short of the same thing: nothing but rounding is left.
    assert!((p.equity() - 10_000.0).abs() < 1e-6 && bars[t + 1].close != bars[t].close);
    let mut out = vec![0.0; 56];
    env.observe(0, &mut out).unwrap();
    let last = &out[42..];
    assert!(last[3] > 0.4 && last[10] < -0.4, "{last:?}");
}

#[test]
fn small_targets_and_bands() {
    let config = EnvConfig { min_target: 0.1, rebalance_band: 0.25, ..free() };
    let mut env = batch(config, 1, 60);
    env.reset(0, None, None).unwrap();
    env.step_one(0, &[0.1]).unwrap();
    assert!(env.portfolio(0).position(0).is_flat());
    env.step_one(0, &[0.5]).unwrap();
    let held = env.portfolio(0).position(0).quantity;
    env.step_one(0, &[0.55]).unwrap();
    assert_eq!(env.portfolio(0).position(0).quantity, held);
    env.step_one(0, &[0.9]).unwrap();
    assert!(env.portfolio(0).position(0).quantity > held);
    env.step_one(0, &[0.05]).unwrap();
    assert!(env.portfolio(0).position(0).is_flat());
}

#[test]
fn faults_are_named() {
    let text = |r: Result<TradingBatch>| r.unwrap_err().to_string();
    let one = |n: usize| -> Arc<[Market]> { [market(&walk(n, 1), 1, 3)].into() };
    assert!(text(TradingBatch::new(one(60), free(), 0, 0)).contains("n_envs = 0"));
    let long = EnvConfig { lookback: 59, ..free() };
    assert!(
        text(TradingBatch::new(one(59), long, 1, 0)).contains("bars of S0: got 59, expected at least 60 (lookback 59")
    );
    assert!(TradingBatch::new(one(60), long, 1, 0).is_ok());
    assert!(text(TradingBatch::new([].into(), free(), 1, 0)).contains("markets"));
    for (bad, name) in [
        (EnvConfig { lookback: 0, ..free() }, "rl.lookback"),
        (EnvConfig { transaction_cost: -0.1, ..free() }, "costs.taker_fee"),
        (EnvConfig { cost_range: (2.0, 1.0), ..free() }, "rl.cost_range[0]"),
        (EnvConfig { max_position: f64::NAN, ..free() }, "rl.max_position"),
        (EnvConfig { episode_length: Some(0), ..free() }, "rl.episode_length"),
        (EnvConfig { drawdown_limit: 0.0, ..free() }, "rl.drawdown_limit"),
    ] {
        assert!(text(TradingBatch::new(one(60), bad, 1, 0)).starts_with(name));
    }
    let mut env = batch(free(), 2, 60);
    let mut out = Out::of(&env);
    assert!(env.step(&[0.0, 0.0], &mut out.buffers()).unwrap_err().to_string().contains("reset first"));
    assert!(env.observe(0, &mut [0.0; 28]).unwrap_err().to_string().contains("reset first"));
    env.reset(0, None, None).unwrap();
    env.reset(1, None, None).unwrap();
    assert!(env.step(&[0.0], &mut out.buffers()).unwrap_err().to_string().contains("actions: got 1, expected 2"));
    assert!(env.step_one(0, &[0.0, 0.0]).unwrap_err().to_string().contains("action: got 2, expected 1"));
    assert!(env.reset(0, Some(3), None).is_err() && env.reset(0, None, Some(9)).is_err());
    assert!(env.reset(0, Some(0), Some(2)).is_err() && env.reset(0, Some(0), Some(59)).is_err());
    assert!(env.reset(0, Some(0), Some(58)).is_ok());
}
