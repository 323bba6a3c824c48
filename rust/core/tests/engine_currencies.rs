//! Symbols in several quote currencies, with rates that stand and rates that move.
#![allow(clippy::unwrap_used)] // a test may

use std::collections::BTreeMap;

use mirrorfast_core::backtest::{self, BacktestResult, ExternalColumns, Record, Session};
use mirrorfast_core::bars::Bars;
use mirrorfast_core::engine::{EngineConfig, External, RateSymbol, StrategyConfig, SymbolConfig};
use mirrorfast_core::fill::{CostConfig, SlippageModel};
use mirrorfast_core::instrument::Instrument;
use mirrorfast_core::order::Side;
use mirrorfast_core::risk::{RiskConfig, SizingConfig, SizingMethod, StopConfig, StopKind};
use mirrorfast_core::snapshot;
use mirrorfast_core::strategies::Vote;
use mirrorfast_core::types::Bar;
use proptest::prelude::*;

const HOUR: i64 = 3_600_000;

fn symbol(name: &str, lot: f64, trade: bool) -> SymbolConfig {
    let quote = name.split('/').nth(1).unwrap().to_owned();
    let instrument =
        Instrument { symbol: name.to_owned(), quote, lot, tick: 1.0 / 1024.0 / 1024.0, ..Instrument::default() };
    SymbolConfig { instrument, trade, ..SymbolConfig::default() }
}

fn pair(symbol: &str, inverse: bool, through: Option<&str>) -> RateSymbol {
    RateSymbol { symbol: symbol.to_owned(), inverse, through: through.map(str::to_owned) }
}

/// Half of equity on a full vote, stops out of reach, a fee of a thousandth and no other cost.
fn config(symbols: Vec<SymbolConfig>, rates: &[(&str, RateSymbol)]) -> EngineConfig {
    EngineConfig {
        symbols,
        currency: Some("USD".to_owned()),
        rate_symbols: rates.iter().map(|(name, source)| ((*name).to_owned(), source.clone())).collect(),
        external: vec![StrategyConfig { name: "own".to_owned(), weight: 1.0, ..StrategyConfig::default() }],
        risk: RiskConfig {
            sizing: SizingConfig { method: SizingMethod::Target, ..SizingConfig::default() },
            stop: StopConfig { kind: StopKind::Percent, percent: 0.5, trailing: false, ..StopConfig::default() },
            max_position: 0.5,
            min_cash: 0.0,
            max_heat: 1.0,
            ..RiskConfig::default()
        },
        costs: CostConfig { spread: 0.0, slippage: SlippageModel::Fixed { fraction: 0.0 }, ..CostConfig::default() },
        adapt_weights: false,
        classify: false,
        ..EngineConfig::default()
    }
}

fn bar(k: i64, open: f64, close: f64) -> Bar {
    Bar { ts: k * HOUR, open, high: open.max(close), low: open.min(close), close, volume: 1.0 }
}

fn near(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0), "{a} != {b}");
}

#[test]
fn a_round_trip_in_euros_by_hand() {
    let two = vec![symbol("BTC/EUR", 0.001, true), symbol("EUR/USD", 1.0, false)];
    let mut session = Session::new(&config(two, &[("EUR", pair("EUR/USD", false, None))])).unwrap();
    let mut out = BacktestResult::default();
    let mut take = |session: &mut Session, bars: &[(u32, Bar)], vote: f64| {
        let votes = vec![Vote::new(vote, 1.0); bars.len()];
        let external = External { votes: &votes, policy: &[] };
        session.on_time(bars[0].1.ts, bars, &external, Record::ALL, &mut out).unwrap();
        session.engine.equity_point()
    };
    // 5,000 USD at 100 EUR of 1.20 USD are 41.666 lots of a thousandth.
    let p = take(&mut session, &[(0, bar(0, 99.0, 100.0)), (1, bar(0, 1.0, 1.2))], 1.0);
    assert_eq!((p.equity, p.cash), (10_000.0, 10_000.0));
    // The fill at the open knows the rate of the close before it, 1.20; the close is marked at 1.10.
    let p = take(&mut session, &[(0, bar(1, 100.0, 110.0)), (1, bar(1, 1.3, 1.1))], 0.0);
    near(p.cash, 10_000.0 - 4_999.92 - 4.999_92);
    near(p.equity, 4_995.080_08 + 5_041.586);
    near(p.exposure, 5_041.586 / 10_036.666_08);
    let portfolio = session.engine.portfolio();
    near(portfolio.unrealised(0), 5_041.586 - 4_999.92);
    assert_eq!((portfolio.rate(0), portfolio.rate(1)), (1.1, 1.0));
    // A bar without the pair leaves the rate where it was; the exit fills at it.
    let p = take(&mut session, &[(0, bar(2, 110.0, 300.0))], 0.0);
    near(p.equity, 10_031.624_494);
    assert_eq!((out.fills.len(), out.decisions.len(), out.trades.len()), (2, 3, 1));
    assert_eq!(out.fill_rates, [1.2, 1.1]);
    assert_eq!((out.fills[0].quantity, out.fills[0].side, out.fills[0].fee), (41.666, Side::Buy, 4.166_6));
    let trade = out.trades[0];
    near(trade.gross, 41.666);
    near(trade.fees, 10.041_506);
    near(trade.pnl, 31.624_494);
    near(trade.return_fraction, 31.624_494 / 4_999.92);
    assert_eq!((trade.entry_rate, trade.exit_rate), (1.2, 1.1));
    near(mirrorfast_core::sweep::traded(&out), 4_999.92 + 5_041.586);
}

#[test]
fn pairs_lead_to_the_account_through_each_other() {
    let names = ["A/JPY", "B/CHF", "EUR/CHF", "EUR/USD", "USD/JPY"];
    let symbols = || names.iter().map(|name| symbol(name, 0.001, name.len() == 5)).collect::<Vec<_>>();
    let rates = [
        ("CHF", pair("EUR/CHF", true, Some("EUR"))),
        ("EUR", pair("EUR/USD", false, None)),
        ("JPY", pair("USD/JPY", true, None)),
    ];
    let mut session = Session::new(&config(symbols(), &rates)).unwrap();
    let votes = [Vote::new(0.0, 1.0); 5];
    let closes = [100.0, 10.0, 0.96, 1.2, 150.0];
    let mut out = BacktestResult::default();
    let mut take = |session: &mut Session, bars: &[(u32, Bar)]| {
        let external = External { votes: &votes[..bars.len()], policy: &[] };
        session.on_time(bars[0].1.ts, bars, &external, Record::ALL, &mut out).unwrap();
        let portfolio = session.engine.portfolio();
        (portfolio.rate(0), portfolio.rate(1))
    };
    let all: Vec<(u32, Bar)> = (0..5).map(|k| (k, bar(0, closes[k as usize], closes[k as usize]))).collect();
    let (yen, franc) = take(&mut session, &all);
    near(yen, 1.0 / 150.0);
    near(franc, 1.2 / 0.96);
    // The franc follows the euro although its own pair has no bar.
    let (_, franc) = take(&mut session, &[(3, bar(1, 1.2, 1.44))]);
    near(franc, 1.5);

    let refused = |config: &EngineConfig| Session::new(config).err().unwrap().to_string();
    let round = [
        ("CHF", pair("EUR/CHF", true, Some("EUR"))),
        ("EUR", pair("EUR/CHF", false, Some("CHF"))),
        ("JPY", pair("USD/JPY", true, None)),
    ];
    assert!(refused(&config(symbols(), &round)).contains("these lead to each other"));
    let error = refused(&config(symbols(), &rates[..2]));
    assert!(
        error.starts_with("rates.JPY = none: expected what one JPY is worth in USD, as A/JPY is quoted in JPY"),
        "{error}"
    );
    let error = refused(&config(symbols(), &[rates[0].clone(), rates[2].clone()]));
    assert_eq!(
        error,
        "rate_symbols.CHF = \"EUR/CHF\": expected a pair with the account's currency, or a rate for EUR too"
    );
    let other = [("JPY", pair("GBP/JPY", true, None)), rates[0].clone(), rates[1].clone()];
    assert!(refused(&config(symbols(), &other)).contains("expected a symbol of the run"));
    let wrong = [("JPY", pair("USD/JPY", false, None)), rates[0].clone(), rates[1].clone()];
    assert!(refused(&config(symbols(), &wrong)).starts_with("rate_symbols.JPY.inverse = false"));
    let own = [("USD", pair("EUR/USD", true, Some("EUR"))), rates[0].clone(), rates[1].clone(), rates[2].clone()];
    assert!(refused(&config(symbols(), &own)).contains("account's currency"));
    let idle = symbols().into_iter().map(|s| SymbolConfig { trade: false, ..s }).collect();
    assert!(refused(&config(idle, &rates)).contains("at least one symbol"));
    let nought = EngineConfig { rates: BTreeMap::from([("EUR".to_owned(), 0.0)]), ..config(symbols(), &rates) };
    assert!(refused(&nought).starts_with("rates.EUR = 0"));
}

#[test]
fn nothing_is_opened_before_there_is_a_rate() {
    let two = || vec![symbol("BTC/EUR", 0.001, true), symbol("EUR/USD", 1.0, false)];
    let moving = [("EUR", pair("EUR/USD", false, None))];
    let run = |config: &EngineConfig| {
        let mut session = Session::new(config).unwrap();
        let mut out = BacktestResult::default();
        for k in 0..4 {
            let mut bars = vec![(0, bar(k, 100.0, 100.0))];
            if k == 2 {
                bars.push((1, bar(k, 1.25, 1.25)));
            }
            let votes = vec![Vote::new(1.0, 1.0); bars.len()];
            let external = External { votes: &votes, policy: &[] };
            session.on_time(k * HOUR, &bars, &external, Record::ALL, &mut out).unwrap();
            assert!(session.engine.equity_point().equity.is_finite());
        }
        out
    };
    let waits = run(&config(two(), &moving));
    assert_eq!(waits.orders.iter().map(|o| o.decision).collect::<Vec<_>>()[0], 3);
    assert!(waits.decisions[0].steps[0].reason().contains("a rate of its currency"));
    assert_eq!(waits.fill_rates[0], 1.25);
    // A constant stands in until the pair's first close.
    let rates = BTreeMap::from([("EUR".to_owned(), 1.0)]);
    let begins = run(&EngineConfig { rates: rates.clone(), ..config(two(), &moving) });
    assert_eq!((begins.orders[0].decision, begins.fill_rates[0], begins.fills[0].quantity), (1, 1.0, 50.0));
    // And by itself it stands throughout.
    let constant = run(&EngineConfig { rates, ..config(two(), &[]) });
    assert!(constant.fill_rates.iter().all(|&r| r == 1.0));
}

#[test]
fn the_smallest_order_counts_in_the_quote_currency() {
    let run = |minimum: f64| {
        let mut btc = symbol("BTC/JPY", 0.001, true);
        btc.instrument.min_notional = minimum;
        let mut config = config(vec![btc], &[]);
        config.rates = BTreeMap::from([("JPY".to_owned(), 0.01)]);
        let mut session = Session::new(&config).unwrap();
        let mut out = BacktestResult::default();
        for k in 0..2 {
            let votes = [Vote::new(1.0, 1.0)];
            let bars = [(0, bar(k, 1_000.0, 1_000.0))];
            session.on_time(k * HOUR, &bars, &External { votes: &votes, policy: &[] }, Record::ALL, &mut out).unwrap();
        }
        out.fills
    };
    // Half of 10,000 USD is 500,000 JPY.
    assert_eq!(run(500_000.0)[0].quantity, 500.0);
    assert!(run(500_001.0).is_empty());
}

const MARKETS: [(&str, f64); 5] =
    [("A/EUR", 80.0), ("B/JPY", 9_000.0), ("C/USD", 50.0), ("EUR/USD", 1.1), ("USD/JPY", 140.0)];

/// Three currencies; the euro's pair is traded too, the yen's only watched. Strategies of the catalogue decide.
fn market(scale: f64) -> EngineConfig {
    let symbols = MARKETS.map(|(name, _)| {
        symbol(name, if name == "A/EUR" { 1.0 / 1024.0 / scale } else { 1.0 / 1024.0 }, name != "USD/JPY")
    });
    let names = ["ut_bot", "momentum_breakout", "sma_cross"];
    let rates = [("EUR", pair("EUR/USD", false, None)), ("JPY", pair("USD/JPY", true, None))];
    EngineConfig {
        strategies: names.map(|n| StrategyConfig { name: n.to_owned(), ..StrategyConfig::default() }).to_vec(),
        external: Vec::new(),
        costs: CostConfig::default(),
        adapt_weights: true,
        risk: RiskConfig { max_position: 0.4, min_cash: 0.0, max_heat: 0.5, ..RiskConfig::default() },
        ..config(symbols.to_vec(), &rates)
    }
}

type Path = Vec<(f64, f64, f64)>;

fn paths(n: usize) -> impl Strategy<Value = Vec<Path>> {
    let step = prop_oneof![
        8 => (-0.012..0.012_f64, 0.0..0.01_f64, 0.0..100.0_f64),
        1 => (-0.1..0.1_f64, 0.0..0.03_f64, 100.0..1000.0_f64)
    ];
    prop::collection::vec(prop::collection::vec(step, n), MARKETS.len())
}

/// Bars by time; pairs miss an hour now and then, each its own. `euro` scales the price of the euro.
fn batches(paths: &[Path], euro: f64) -> Vec<Vec<(u32, Bar)>> {
    let mut closes: Vec<f64> = MARKETS.iter().map(|(name, p)| if *name == "EUR/USD" { p * euro } else { *p }).collect();
    let mut all = Vec::new();
    for k in 0..paths[0].len() {
        let mut batch = Vec::new();
        for (s, path) in paths.iter().enumerate() {
            let (drift, spread, volume) = path[k];
            let open = closes[s];
            closes[s] *= 1.0 + drift;
            let (high, low) = (open.max(closes[s]) * (1.0 + spread), open.min(closes[s]) * (1.0 - spread));
            if (k + s) % 7 != 6 {
                let bar = Bar { ts: k as i64 * HOUR, open, high, low, close: closes[s], volume };
                batch.push((s as u32, bar));
            }
        }
        all.push(batch);
    }
    all
}

fn drive(session: &mut Session, batches: &[Vec<(u32, Bar)>], out: &mut BacktestResult) {
    for batch in batches {
        session.on_time(batch[0].1.ts, batch, &External::default(), Record::ALL, out).expect("valid bars");
        let p = session.engine.portfolio();
        let open: f64 = p.held().iter().map(|&s| p.unrealised(s)).sum();
        let explained = p.realised() + open - p.fees() - p.funding();
        let noise = 1e-9 * p.capital();
        assert!((p.equity() - p.capital() - explained).abs() <= noise, "{} != {explained}", p.equity() - p.capital());
        // Once more, from nothing but fills and the rates that they were booked at.
        let paid = |f: &mirrorfast_core::order::Fill| f.side.sign() * f.quantity * f.price + f.fee;
        let cash = p.capital() - out.fills.iter().zip(&out.fill_rates).map(|(f, r)| paid(f) * r).sum::<f64>();
        assert!((p.cash() - cash).abs() <= noise, "{} != {cash}", p.cash());
        let value: f64 = p.held().iter().map(|&s| p.position(s).quantity * p.position(s).last_price * p.rate(s)).sum();
        assert!((p.equity() - cash - value).abs() <= noise);
    }
}

fn whole(config: &EngineConfig, batches: &[Vec<(u32, Bar)>]) -> BacktestResult {
    let mut session = Session::new(config).expect("valid configuration");
    let mut out = BacktestResult::default();
    drive(&mut session, batches, &mut out);
    out
}

fn text<T: std::fmt::Debug>(x: &T) -> String {
    format!("{x:?}")
}

fn table(batches: &[Vec<(u32, Bar)>]) -> Bars {
    let mut rows: Vec<Vec<Bar>> = vec![Vec::new(); MARKETS.len()];
    for (symbol, bar) in batches.iter().flatten() {
        rows[*symbol as usize].push(*bar);
    }
    let runs = MARKETS.iter().zip(&rows).map(|((name, _), bars)| ((*name).to_owned(), bars.len())).collect();
    let all: Vec<Bar> = rows.concat();
    let column = |pick: fn(&Bar) -> f64| all.iter().map(pick).collect();
    let columns =
        [column(|b| b.open), column(|b| b.high), column(|b| b.low), column(|b| b.close), column(|b| b.volume)];
    Bars::try_new(runs, all.iter().map(|b| b.ts).collect(), columns).expect("sound bars")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    // `drive` checks the accounts after every bar.
    #[test]
    fn the_books_add_up_and_a_restored_run_goes_on(paths in paths(300), cut in 1_usize..299) {
        let (config, all) = (market(1.0), batches(&paths, 1.0));
        let full = whole(&config, &all);
        let mut first = Session::new(&config).expect("valid configuration");
        let mut out = BacktestResult::default();
        drive(&mut first, &all[..cut], &mut out);
        let engine = first.engine.snapshot().expect("a state");
        let exchange = snapshot::to_bytes(&first.exchange).expect("a state");
        let mut second = Session::new(&config).expect("valid configuration");
        second.engine.restore(&engine).expect("its own state");
        second.exchange = snapshot::from_bytes(&exchange).expect("its own state");
        drive(&mut second, &all[cut..], &mut out);
        prop_assert_eq!(text(&out.equity), text(&full.equity));
        prop_assert_eq!(text(&out.decisions), text(&full.decisions));
        prop_assert_eq!(text(&out.trades), text(&full.trades));
        prop_assert_eq!(text(&out.fill_rates), text(&full.fill_rates));
        // The loop over a table, which takes short cuts where nobody reads decisions.
        let record = Record { decisions: false, ..Record::ALL };
        let lean = backtest::run(&table(&all), &config, &ExternalColumns::default(), record).expect("a run");
        prop_assert_eq!(text(&lean.equity), text(&full.equity));
        prop_assert_eq!(text(&lean.fills), text(&full.fills));
        prop_assert_eq!(text(&lean.fill_rates), text(&full.fill_rates));
        prop_assert_eq!(text(&lean.trades), text(&full.trades));
    }

    // A euro of another size is held in other quantities, and nothing else changes.
    #[test]
    fn scale_free_in_a_rate(paths in paths(250), power in -4_i32..5) {
        let k = 2_f64.powi(power);
        let plain = whole(&market(1.0), &batches(&paths, 1.0));
        let mut config = market(k);
        config.symbols[3].instrument.lot /= k;
        config.symbols[3].instrument.tick *= k;
        let scaled = whole(&config, &batches(&paths, k));
        prop_assert_eq!(plain.decisions.len(), scaled.decisions.len());
        for (x, y) in plain.decisions.iter().zip(&scaled.decisions) {
            let factor = if matches!(x.symbol, 0 | 3) { k } else { 1.0 };
            prop_assert!((x.target - y.target).abs() <= 1e-9 || x.target.is_nan() && y.target.is_nan());
            prop_assert_eq!(x.verdict, y.verdict);
            prop_assert!((x.quantity - y.quantity * factor).abs() <= 1e-9 * x.quantity.abs().max(1.0));
        }
        for (x, y) in plain.equity.iter().zip(scaled.equity.iter()) {
            prop_assert!((x.equity - y.equity).abs() <= 1e-6 * x.equity.abs());
        }
    }
}

#[test]
fn every_currency_of_the_random_market_is_traded() {
    let path = |shift: f64| -> Path {
        (0..600)
            .map(|k| {
                let x = f64::from(k);
                (
                    0.02 * (x * 0.21 + shift).sin() + if k % 61 == 0 { 0.08 } else { 0.0 },
                    0.005,
                    50.0 + 40.0 * (x * 0.7).sin(),
                )
            })
            .collect()
    };
    let out = whole(&market(1.0), &batches(&[path(0.0), path(1.0), path(2.0), path(3.0), path(4.0)], 1.0));
    for symbol in 0..4 {
        assert!(out.trades.iter().any(|t| t.symbol == symbol), "{} has no trade", MARKETS[symbol as usize].0);
    }
    assert!(out.decisions.iter().all(|d| d.symbol != 4) && out.fills.iter().all(|f| f.symbol != 4));
    assert!(out.trades.iter().any(|t| t.entry_rate != t.exit_rate));
}
