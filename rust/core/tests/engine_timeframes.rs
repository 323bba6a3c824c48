//! Strategies on longer bars, beside the same one on the run's own, under labels of the user's.
#![allow(clippy::unwrap_used)] // a test may

use mirrorfast_core::backtest::{BacktestResult, Record, Session};
use mirrorfast_core::engine::{DecisionEngine, EngineConfig, External, StrategyConfig, SymbolConfig};
use mirrorfast_core::ensemble::{EnsembleConfig, MethodKind};
use mirrorfast_core::instrument::Instrument;
use mirrorfast_core::snapshot;
use mirrorfast_core::strategies::{Context, Resampler, StrategyContext, Vote, registry};
use mirrorfast_core::types::{Bar, Market, Timeframe};

const HOUR: i64 = 3_600_000;

fn strategy(name: &str, kind: Option<&str>, timeframe: Option<&str>) -> StrategyConfig {
    StrategyConfig {
        name: name.to_owned(),
        kind: kind.map(str::to_owned),
        timeframe: timeframe.map(str::to_owned),
        ..StrategyConfig::default()
    }
}

fn config(strategies: Vec<StrategyConfig>) -> EngineConfig {
    let instrument = Instrument { symbol: "A/USD".to_owned(), tick: 1e-4, lot: 1e-6, ..Instrument::default() };
    EngineConfig {
        symbols: vec![SymbolConfig { instrument, market: Market::Crypto, trade: true }],
        strategies,
        ensemble: EnsembleConfig { method: MethodKind::Regime, ..EnsembleConfig::default() },
        ..EngineConfig::default()
    }
}

fn bars(n: usize) -> Vec<Bar> {
    let mut seed = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    };
    let mut close = 100.0;
    let mut all = Vec::new();
    for k in 0..n {
        let open = close;
        close *= 1.0 + 0.02 * random();
        let (high, low) = (f64::max(open, close) * 1.002, f64::min(open, close) * 0.998);
        let bar = Bar { ts: k as i64 * HOUR, open, high, low, close, volume: 100.0 };
        // Now and then the exchange is away, over the end of a long bar too.
        if k % 97 > 5 {
            all.push(bar);
        }
    }
    all
}

fn drive(session: &mut Session, bars: &[Bar], out: &mut BacktestResult) {
    for b in bars {
        session.on_time(b.ts, &[(0, *b)], &External::default(), Record::ALL, out).unwrap();
    }
}

#[test]
fn votes_stand_until_the_next_long_bar_closes() {
    let bars = bars(2_000);
    let config = config(vec![strategy("ut_bot", None, None), strategy("slow", Some("ut_bot"), Some("4h")), {
        // The run's own interval is no detour.
        strategy("same", Some("ut_bot"), Some("1h"))
    }]);
    let mut session = Session::new(&config).unwrap();
    let mut out = BacktestResult::default();
    drive(&mut session, &bars, &mut out);

    let context = StrategyContext { market: Market::Crypto, timeframe: Timeframe::parse("4h").unwrap() };
    let mut alone = registry::find("ut_bot").unwrap().build_with(&[], &context).unwrap();
    let mut resampler = Resampler::new(HOUR, 4 * HOUR).unwrap();
    let mut expected = Vote::COLD;
    let mut differ = 0;
    for (k, bar) in bars.iter().enumerate() {
        resampler.push(bar, |long| expected = alone.update(&Context { bar: long, features: None }));
        let votes = &out.votes[3 * k..3 * k + 3];
        assert_eq!(format!("{:?}", votes[1]), format!("{expected:?}"), "bar {k}");
        assert_eq!(format!("{:?}", votes[0]), format!("{:?}", votes[2]));
        differ += usize::from(votes[0].signal * votes[1].signal < 0.0);
    }
    assert!(differ > 20, "the two horizons disagree now and then: {differ}");
    assert!(out.fills.len() > 10);

    let cut = 777;
    let (mut first, mut parts) = (Session::new(&config).unwrap(), BacktestResult::default());
    drive(&mut first, &bars[..cut], &mut parts);
    let mut second = Session::new(&config).unwrap();
    second.engine.restore(&first.engine.snapshot().unwrap()).unwrap();
    second.exchange = snapshot::from_bytes(&snapshot::to_bytes(&first.exchange).unwrap()).unwrap();
    drive(&mut second, &bars[cut..], &mut parts);
    assert_eq!(format!("{:?}", parts.decisions), format!("{:?}", out.decisions));
    assert_eq!(format!("{:?}", parts.votes), format!("{:?}", out.votes));
}

#[test]
fn what_does_not_fit_is_refused() {
    let error = |s: StrategyConfig| DecisionEngine::new(&config(vec![s])).err().unwrap().to_string();
    let expected = "a whole multiple of the run's bars of 3600 s, and longer";
    assert_eq!(
        error(strategy("ut_bot", None, Some("90m"))),
        format!("strategies.ut_bot.timeframe = 5400 s: expected {expected}")
    );
    assert!(error(strategy("ut_bot", None, Some("15m"))).contains(expected));
    assert!(error(strategy("ut_bot", None, Some("soon"))).starts_with("strategies.ut_bot.timeframe = \"soon\""));
    assert!(error(strategy("mine", Some("ut_bott"), None)).contains("ut_bot"));
    let model = StrategyConfig { model: Some("{}".to_owned()), ..strategy("ut_bot", None, None) };
    assert_eq!(error(model), "ut_bot.model = a model: expected none: the rule is fixed");
}

#[test]
fn a_label_keeps_the_style_of_its_kind() {
    // In the regime ensemble a trend follower weighs more in a trend; under a label as well.
    let run = |name: &str, kind: Option<&str>| {
        let mut out = BacktestResult::default();
        let strategies = vec![strategy(name, kind, None), strategy("mean_reversion", None, None)];
        drive(&mut Session::new(&config(strategies)).unwrap(), &bars(900), &mut out);
        format!("{:?} {:?}", out.decisions, out.contributions)
    };
    assert_eq!(run("gradient_trend", None), run("mine", Some("gradient_trend")));
}
