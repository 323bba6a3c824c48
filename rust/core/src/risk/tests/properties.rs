//! Laws that hold whatever the targets, prices and limits are.

use proptest::prelude::*;

use super::*;
use crate::risk::decision::MOST_STEPS;
use crate::snapshot;

/// A run: per bar and symbol a market return, a range and a target.
#[derive(Debug, Clone)]
struct Script {
    config: RiskConfig,
    shared: f64,
    bars: Vec<Vec<(f64, f64, f64)>>,
}

fn config() -> impl Strategy<Value = RiskConfig> {
    let caps = (0.02..0.5_f64, 0.005..0.2_f64, 0.3..3.0_f64, 0.0..0.6_f64, 0.0..1.0_f64, 0.0..0.5_f64);
    let kinds = (0..4_u8, 0..3_u8, any::<bool>(), 0.5..6.0_f64);
    (caps, kinds).prop_map(|(caps, (method, kind, trailing, multiple))| {
        let (max_position, max_heat, max_leverage, min_cash, correlation_cap_rho, rebalance_band) = caps;
        RiskConfig {
            max_position,
            max_heat,
            max_leverage,
            min_cash,
            correlation_cap_rho,
            rebalance_band,
            sizing: SizingConfig {
                method: [
                    SizingMethod::Target,
                    SizingMethod::VolatilityTarget,
                    SizingMethod::FixedFraction,
                    SizingMethod::Kelly,
                ][usize::from(method)],
                ..SizingConfig::default()
            },
            stop: StopConfig {
                kind: [StopKind::Atr, StopKind::Percent, StopKind::None][usize::from(kind)],
                atr_multiple: multiple,
                trailing,
                break_even_at_r: trailing.then_some(1.0),
                ..StopConfig::default()
            },
            ..RiskConfig::default()
        }
    })
}

fn script() -> impl Strategy<Value = Script> {
    let cell = (-0.02..0.02_f64, 0.0..0.02_f64, -1.3..1.3_f64);
    let bars = proptest::collection::vec(proptest::collection::vec(cell, 4), 30..70);
    (config(), 0.0..1.0_f64, bars).prop_map(|(config, shared, bars)| Script { config, shared, bars })
}

/// An account whose orders fill at the price that they were decided at.
#[derive(Clone)]
struct Market {
    engine: RiskEngine,
    account: Account,
    meters: Vec<RiskMeter>,
    instruments: Vec<Instrument>,
    prices: Vec<f64>,
    equity: f64,
    i: i64,
}

impl Market {
    /// `scale` multiplies prices and ticks and divides lots.
    fn new(config: &RiskConfig, scale: f64) -> Self {
        let start = [100.0, 7.0, 25_000.0, 0.003];
        let instruments: Vec<Instrument> = start
            .iter()
            .map(|p| Instrument { tick: p * scale * 1e-5, lot: 1e-4 / (p * scale), ..Instrument::default() })
            .collect();
        Self {
            engine: RiskEngine::new(config, 4).unwrap(),
            account: Account::new(100_000.0, 1.0, &instruments),
            meters: vec![RiskMeter::new(); 4],
            prices: start.iter().map(|p| p * scale).collect(),
            instruments,
            equity: 100_000.0,
            i: 0,
        }
    }

    fn ts(&self) -> i64 {
        T0 + self.i * HOUR
    }

    /// Moves the market by a bar and marks the account.
    fn advance(&mut self, shared: f64, cells: &[(f64, f64, f64)]) {
        self.i += 1;
        let ts = self.ts();
        let common = cells[0].0;
        for (k, (own, range, _)) in cells.iter().enumerate() {
            let open = self.prices[k];
            let close = open * (1.0 + shared * common + (1.0 - shared) * own);
            let (high, low) = (open.max(close) * (1.0 + range), open.min(close) * (1.0 - range));
            let bar = Bar { ts: ts - HOUR, open, high, low, close, volume: 1.0 };
            self.meters[k].update(&bar);
            self.prices[k] = close;
            let quantity = self.account.quantity(k as u32);
            self.equity += quantity * (close - open);
            self.account.set(k as u32, quantity, close);
            if quantity != 0.0 {
                let held = Held { quantity, average_price: open, last_price: close, best_price: close, bars_held: 1 };
                self.engine.stop_update(k as u32, held, &bar, &self.meters[k], &self.instruments[k]);
            }
        }
        self.account.set_equity(self.equity);
        self.engine.on_equity(ts, self.equity);
    }

    fn decide(&mut self, symbol: u32, target: f64) -> RiskDecision {
        let price = self.prices[symbol as usize];
        let request = TargetRequest { symbol, target, price, ts: self.ts(), decision: 1 };
        self.engine.evaluate(&request, &self.account, &mut self.meters, &self.instruments, 0.0)
    }

    /// Fills every order at once.
    fn fill(&mut self, decisions: &[RiskDecision]) {
        for d in decisions.iter().filter(|d| d.trades()) {
            let k = d.symbol as usize;
            let price = self.prices[k];
            let before = self.account.quantity(d.symbol);
            let quantity = self.instruments[k].round_quantity(before + d.order_quantity);
            self.account.set(d.symbol, quantity, price);
            self.engine.protect(d.symbol, held(quantity, price), &self.meters[k], &self.instruments[k]);
        }
    }

    fn gross(&self) -> f64 {
        (0..4).map(|k| self.account.quantity(k).abs() * self.prices[k as usize]).sum::<f64>() / self.equity
    }

    /// Heat reckoned from scratch.
    fn heat(&self) -> f64 {
        let risk = |k: u32| {
            let (quantity, price) = (self.account.quantity(k), self.prices[k as usize]);
            let stop = self.engine.stop(k);
            let distance = if quantity == 0.0 {
                0.0
            } else if stop.is_nan() {
                self.engine.config().stop.atr_multiple * self.meters[k as usize].atr()
            } else {
                (quantity.signum() * (price - stop)).max(0.0)
            };
            distance * quantity.abs()
        };
        (0..4).map(risk).sum::<f64>() / self.equity
    }

    fn step(&mut self, script: &Script, cells: &[(f64, f64, f64)]) -> Vec<RiskDecision> {
        self.advance(script.shared, cells);
        cells.iter().enumerate().map(|(k, c)| self.decide(k as u32, c.2)).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn limits_hold(script in script()) {
        let mut market = Market::new(&script.config, 1.0);
        for cells in &script.bars {
            let before = market.account.clone();
            let decisions = market.step(&script, cells);
            if market.equity <= 0.0 {
                return Ok(());
            }
            let config = &script.config;
            let (heat, gross, free) = (market.heat(), market.gross(), market.account.free_cash() / market.equity);
            for d in &decisions {
                let fraction = d.target_quantity.abs() * market.prices[d.symbol as usize] / market.equity;
                let held = before.quantity(d.symbol);
                if d.opens() {
                    prop_assert!(fraction <= config.max_position * (1.0 + 1e-9), "{:?}", d.reasons());
                    prop_assert!(market.engine.halted().is_none());
                    prop_assert!(market.engine.level() < DrawdownLevel::NoNewRisk);
                    prop_assert!(!market.engine.daily_loss_reached(market.ts()));
                }
                // Whatever happened has its reason, and every number in it is one.
                prop_assert!(!d.steps.is_empty() || (held == 0.0 && !d.trades()));
                prop_assert!(d.steps.len() <= MOST_STEPS);
                prop_assert!(d.order_quantity.is_finite() && d.target_quantity.is_finite());
                prop_assert!(d.steps.iter().all(|s| s.after.is_finite() && !s.reason().is_empty()));
                match d.verdict {
                    Verdict::Refused => {
                        prop_assert!(!d.trades() && held == 0.0);
                        prop_assert!(d.steps.iter().any(|s| s.cuts() && s.after == 0.0), "{:?}", d.reasons());
                    }
                    Verdict::Hold => prop_assert!(!d.trades()),
                    Verdict::Approved | Verdict::Reduced => prop_assert!(d.trades()),
                }
                // An exit is never stood in the way of.
                let target = cells[d.symbol as usize].2;
                if held != 0.0 && (target.abs() <= config.min_target || target * held < 0.0) {
                    prop_assert!(d.trades() && d.order_quantity * held < 0.0);
                    prop_assert!(d.order_quantity.abs() >= held.abs() * (1.0 - 1e-9));
                }
            }
            market.fill(&decisions);
            prop_assert!(market.heat() <= config.max_heat.max(heat) * (1.0 + 1e-6) + 1e-4, "heat {}", market.heat());
            prop_assert!(market.gross() <= config.max_leverage.max(gross) * (1.0 + 1e-9));
            let after = market.account.free_cash() / market.equity;
            prop_assert!(after >= config.min_cash.min(free) - 1e-9, "cash {after}");
        }
    }

    #[test]
    fn a_restored_engine_decides_the_same(script in script(), at in 1..29_usize) {
        let mut market = Market::new(&script.config, 1.0);
        let mut twin: Option<Market> = None;
        for (i, cells) in script.bars.iter().enumerate() {
            if i == at {
                let mut copy = market.clone();
                copy.engine = snapshot::from_bytes(&snapshot::to_bytes(&market.engine).unwrap()).unwrap();
                copy.meters = snapshot::from_bytes(&snapshot::to_bytes(&market.meters).unwrap()).unwrap();
                twin = Some(copy);
            }
            let decisions = market.step(&script, cells);
            market.fill(&decisions);
            if let Some(twin) = &mut twin {
                let others = twin.step(&script, cells);
                // NaN stops and limits are equal as text, not as numbers.
                prop_assert_eq!(format!("{decisions:?}"), format!("{others:?}"));
                twin.fill(&others);
            }
        }
    }

    #[test]
    fn decisions_do_not_know_the_unit_of_prices(script in script(), power in -20..20_i32) {
        let mut market = Market::new(&script.config, 1.0);
        let mut scaled = Market::new(&script.config, f64::powi(2.0, power));
        for cells in &script.bars {
            let (a, b) = (market.step(&script, cells), scaled.step(&script, cells));
            for (x, y) in a.iter().zip(&b) {
                let k = x.symbol as usize;
                prop_assert_eq!(x.verdict, y.verdict);
                let fraction = |d: &RiskDecision, m: &Market| d.target_quantity * m.prices[k] / m.equity;
                let (fx, fy) = (fraction(x, &market), fraction(y, &scaled));
                prop_assert!((fx - fy).abs() <= 1e-9, "{fx} {fy}");
                prop_assert_eq!(x.steps.len(), y.steps.len());
                for (s, t) in x.steps.iter().zip(&y.steps) {
                    prop_assert_eq!(s.rule, t.rule);
                    prop_assert!((s.after - t.after).abs() <= 1e-9);
                }
            }
            market.fill(&a);
            scaled.fill(&b);
        }
    }

    #[test]
    fn a_deeper_drawdown_never_allows_more(target in -1.0..1.0_f64, losses in (0.0..0.3_f64, 0.0..0.3_f64), held in 0.0..60.0_f64) {
        let mut config = wide();
        config.sizing.method = SizingMethod::Target;
        config.daily_loss_limit = 1.0;
        let size = |loss: f64| {
            let mut desk = Desk::new(&config, 1);
            desk.engine.on_equity(desk.ts, 10_000.0);
            desk.engine.on_equity(desk.ts + HOUR, 10_000.0 * (1.0 - loss));
            desk.hold(0, held * target.signum());
            desk.ask(0, target).target_quantity.abs()
        };
        let (less, more) = (losses.0.min(losses.1), losses.0.max(losses.1));
        prop_assert!(size(more) <= size(less));
    }

    #[test]
    fn a_stop_never_loosens(script in script()) {
        let mut config = script.config.clone();
        config.stop.trailing = true;
        let mut market = Market::new(&config, 1.0);
        for cells in &script.bars {
            let before: Vec<(f64, f64)> = (0..4).map(|k| (market.account.quantity(k), market.engine.stop(k))).collect();
            let decisions = market.step(&script, cells);
            for (k, (quantity, stop)) in before.into_iter().enumerate() {
                let now = market.engine.stop(k as u32);
                prop_assert!(stop.is_nan() || quantity * (now - stop) >= 0.0);
            }
            market.fill(&decisions);
        }
    }
}
