use super::*;
use crate::order::{Liquidity, Purpose, Side};

fn spot() -> Instrument {
    Instrument { symbol: "BTC/USD".to_owned(), tick: 0.01, lot: 0.1, ..Instrument::default() }
}

fn perpetual() -> Instrument {
    Instrument { kind: InstrumentKind::Perpetual, multiplier: 2.0, lot: 1.0, ..spot() }
}

fn fill(side: Side, quantity: f64, price: f64, fee: f64) -> Fill {
    Fill {
        id: 1,
        order: 1,
        decision: 3,
        symbol: 0,
        side,
        quantity,
        price,
        fee,
        slippage: 0.25,
        liquidity: Liquidity::Taker,
        purpose: if side == Side::Buy { Purpose::Entry } else { Purpose::StopLoss },
        ts: 60,
        remaining: 0.0,
    }
}

fn bar(high: f64, low: f64, close: f64) -> Bar {
    Bar { ts: 0, open: close, high, low, close, volume: 1.0 }
}

fn near(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0), "{a} != {b}");
}

/// Equity must be explained by its parts.
fn explained(p: &Portfolio) {
    let open: f64 = p.held().iter().map(|&s| p.unrealised(s)).sum();
    near(p.equity() - p.capital(), p.realised() + open - p.fees() - p.funding());
}

#[test]
fn long_round_trip_by_hand() {
    let i = spot();
    let mut p = Portfolio::new(1_000.0, std::slice::from_ref(&i)).unwrap();
    assert_eq!(p.apply_fill(&fill(Side::Buy, 2.0, 100.0, 0.2), &i).unwrap(), None);
    near(p.cash(), 799.8);
    near(p.equity(), 999.8);
    p.on_bar(0, &bar(108.0, 97.0, 105.0));
    near(p.equity(), 1_009.8);
    near(p.unrealised(0), 10.0);
    p.on_bar(0, &bar(107.0, 99.0, 104.0));
    explained(&p);
    let exit = Fill { ts: 180, ..fill(Side::Sell, 2.0, 110.0, 0.22) };
    let trade = p.apply_fill(&exit, &i).unwrap().unwrap();
    near(p.cash(), 1_019.58);
    assert_eq!((trade.symbol, trade.side, trade.quantity, trade.bars), (0, Side::Buy, 2.0, 2));
    assert_eq!((trade.entry_ts, trade.exit_ts, trade.entry_decision), (60, 180, 3));
    assert_eq!((trade.entry_price, trade.exit_price, trade.exit), (100.0, 110.0, Purpose::StopLoss));
    near(trade.gross, 20.0);
    near(trade.fees, 0.42);
    near(trade.pnl, 19.58);
    near(trade.pnl_fraction, 0.01958);
    near(trade.return_fraction, 0.0979);
    near(trade.slippage, 0.5);
    near(trade.mae, -0.03);
    near(trade.mfe, 0.10);
    let flat = p.position(0);
    assert!(flat.is_flat() && flat.side().is_none() && p.held().is_empty());
    assert_eq!((flat.average_price, flat.bars_held, flat.last_price), (0.0, 0, 110.0));
    explained(&p);
}

#[test]
fn short_sale_brings_its_proceeds_in() {
    let i = spot();
    let mut p = Portfolio::new(1_000.0, std::slice::from_ref(&i)).unwrap();
    p.apply_fill(&fill(Side::Sell, 3.0, 100.0, 0.0), &i).unwrap();
    assert_eq!((p.cash(), p.equity(), p.net_exposure(), p.gross_exposure()), (1_300.0, 1_000.0, -300.0, 300.0));
    assert_eq!((p.used_margin(), p.free_cash()), (300.0, 700.0));
    p.on_bar(0, &bar(112.0, 95.0, 96.0));
    near(p.equity(), 1_012.0);
    assert_eq!((p.position(0).best_price, p.position(0).worst_price), (95.0, 112.0));
    let trade = p.apply_fill(&fill(Side::Buy, 3.0, 90.0, 0.0), &i).unwrap().unwrap();
    near(trade.pnl, 30.0);
    near(trade.mae, -0.12);
    near(trade.mfe, 0.10);
    near(p.cash(), 1_030.0);
}

#[test]
fn additions_average_and_reductions_realise() {
    let i = spot();
    let mut p = Portfolio::new(1_000.0, std::slice::from_ref(&i)).unwrap();
    p.apply_fill(&fill(Side::Buy, 1.0, 100.0, 0.0), &i).unwrap();
    p.apply_fill(&fill(Side::Buy, 3.0, 120.0, 0.0), &i).unwrap();
    assert_eq!(p.position(0).average_price, 115.0);
    assert_eq!(p.apply_fill(&fill(Side::Sell, 2.0, 125.0, 0.0), &i).unwrap(), None);
    let held = *p.position(0);
    assert_eq!((held.quantity, held.average_price), (2.0, 115.0));
    near(held.realised, 20.0);
    explained(&p);
    let trade = p.apply_fill(&fill(Side::Sell, 2.0, 105.0, 0.0), &i).unwrap().unwrap();
    near(trade.gross, 0.0);
    assert_eq!((trade.quantity, trade.entry_price, trade.exit_price), (4.0, 115.0, 115.0));
    near(p.cash(), 1_000.0);
}

#[test]
fn flip_closes_one_trade_and_opens_the_next() {
    let i = spot();
    let mut p = Portfolio::new(1_000.0, std::slice::from_ref(&i)).unwrap();
    p.apply_fill(&fill(Side::Buy, 1.0, 100.0, 0.1), &i).unwrap();
    // A quarter of the fill closes, three quarters open: fee and slippage go with them.
    let turn = Fill { decision: 8, ts: 120, ..fill(Side::Sell, 4.0, 110.0, 0.44) };
    let trade = p.apply_fill(&turn, &i).unwrap().unwrap();
    near(trade.pnl, 10.0 - 0.1 - 0.11);
    near(trade.slippage, 0.25 + 0.0625);
    let held = *p.position(0);
    assert_eq!((held.quantity, held.average_price, held.opened_ts, held.bars_held), (-3.0, 110.0, 120, 0));
    near(held.entry_equity, 1_010.0 - 0.1 - 0.11);
    explained(&p);
    let trade = p.apply_fill(&fill(Side::Buy, 3.0, 100.0, 0.0), &i).unwrap().unwrap();
    assert_eq!((trade.side, trade.quantity, trade.entry_decision, trade.entry_ts), (Side::Sell, 3.0, 8, 120));
    near(trade.pnl, 30.0 - 0.33);
    near(p.cash(), 1_000.0 + 10.0 + 30.0 - 0.1 - 0.44);
}

#[test]
fn perpetual_moves_cash_by_profit_alone() {
    let i = perpetual();
    let mut p = Portfolio::new(1_000.0, std::slice::from_ref(&i)).unwrap();
    p.set_leverage(4.0).unwrap();
    p.apply_fill(&fill(Side::Buy, 5.0, 100.0, 1.0), &i).unwrap();
    near(p.cash(), 999.0);
    p.mark(0, 103.0);
    near(p.equity(), 999.0 + 5.0 * 2.0 * 3.0);
    near(p.gross_exposure(), 1_030.0);
    near(p.used_margin(), 257.5);
    near(p.free_cash(), 1_029.0 - 257.5);
    near(p.maintenance_margin(), 5.15);
    p.apply_fill(&fill(Side::Sell, 2.0, 104.0, 0.5), &i).unwrap();
    near(p.cash(), 999.0 + 2.0 * 2.0 * 4.0 - 0.5);
    p.accumulate_funding(0, 0.75);
    explained(&p);
    let trade = p.apply_fill(&fill(Side::Sell, 3.0, 98.0, 0.0), &i).unwrap().unwrap();
    near(trade.gross, 16.0 - 12.0);
    near(trade.funding, 0.75);
    near(trade.pnl, 4.0 - 1.5 - 0.75);
    near(trade.return_fraction, 1.75 / 1_000.0);
    explained(&p);
}

#[test]
fn only_funding_events_move_cash() {
    let i = perpetual();
    let mut p = Portfolio::new(1_000.0, std::slice::from_ref(&i)).unwrap();
    let event = |kind| BrokerEvent { ts: 0, order: 0, symbol: 0, kind };
    p.apply_event(&event(BrokerEventKind::Expired));
    assert_eq!(p.cash(), 1_000.0);
    p.apply_event(&event(BrokerEventKind::Funding { rate: 0.1, price: 1.0, amount: -2.0 }));
    assert_eq!((p.cash(), p.funding()), (1_002.0, -2.0));
}

#[test]
fn quantities_stay_on_the_lot_grid() {
    let i = spot();
    let mut p = Portfolio::new(1_000.0, std::slice::from_ref(&i)).unwrap();
    p.apply_fill(&fill(Side::Buy, 0.1, 100.0, 0.0), &i).unwrap();
    p.apply_fill(&fill(Side::Buy, 0.2, 100.0, 0.0), &i).unwrap();
    assert_eq!(p.position(0).quantity, 0.3);
    assert!(p.apply_fill(&fill(Side::Sell, 0.3, 100.0, 0.0), &i).unwrap().is_some());
    assert_eq!(p.position(0).quantity, 0.0);
}

#[test]
fn other_quote_currencies_need_a_rate() {
    let list = [spot(), Instrument { symbol: "BTC/EUR".to_owned(), quote: "EUR".to_owned(), ..spot() }];
    let error = Portfolio::new(1_000.0, &list).unwrap_err().to_string();
    assert_eq!(
        error,
        "rates.EUR = none: expected what one EUR is worth in USD, as BTC/EUR is quoted in EUR: give rates = {EUR = 1.08} for a \
         constant, or rate_symbols = {EUR = \"EUR/USD\"} and the bars of that pair"
    );
    let rates = |rate: f64| [("EUR".to_owned(), rate)];
    assert!(Portfolio::with_rates(1_000.0, "USD", &rates(0.0), &list).is_err());
    assert!(Portfolio::with_rates(1_000.0, "USD", &[("USD".to_owned(), 2.0)], &list[..1]).is_err());
    assert!(Portfolio::new(0.0, &list[..1]).is_err());

    let mut p = Portfolio::with_rates(1_000.0, "USD", &rates(1.1), &list).unwrap();
    assert_eq!((p.rate(0), p.rate(1)), (1.0, 1.1));
    let buy = Fill { symbol: 1, ..fill(Side::Buy, 2.0, 100.0, 1.0) };
    p.apply_fill(&buy, &list[1]).unwrap();
    near(p.cash(), 1_000.0 - 220.0 - 1.1);
    // The euro falls while the price stands: a loss all the same.
    p.set_rate("EUR", 1.0).unwrap();
    near(p.unrealised(1), -20.0);
    explained(&p);
    let sell = Fill { symbol: 1, ..fill(Side::Sell, 2.0, 105.0, 1.0) };
    let trade = p.apply_fill(&sell, &list[1]).unwrap().unwrap();
    near(trade.gross, 210.0 - 220.0);
    near(trade.pnl, -10.0 - 1.1 - 1.0);
    assert_eq!((trade.entry_rate, trade.exit_rate), (1.1, 1.0));
    near(p.cash(), 1_000.0 - 12.1);
    explained(&p);
    assert!(p.set_rate("USD", 1.0).is_err());
    assert!(p.set_rate("JPY", 1.0).is_err());
    assert!(p.set_rate("EUR", f64::NAN).is_err());
}

#[test]
fn impossible_fills_change_nothing() {
    let i = spot();
    let mut p = Portfolio::new(1_000.0, std::slice::from_ref(&i)).unwrap();
    p.apply_fill(&fill(Side::Buy, 1.0, 100.0, 0.0), &i).unwrap();
    let before = p.clone();
    let good = fill(Side::Buy, 1.0, 100.0, 0.0);
    let bad = [
        Fill { symbol: 1, ..good },
        Fill { quantity: 0.0, ..good },
        Fill { quantity: f64::NAN, ..good },
        Fill { price: -1.0, ..good },
        Fill { price: f64::INFINITY, ..good },
        Fill { fee: f64::NAN, ..good },
        Fill { slippage: f64::INFINITY, ..good },
    ];
    for f in bad {
        assert!(p.apply_fill(&f, &i).is_err());
        assert_eq!(p, before);
    }
    assert!(p.set_leverage(0.9).is_err());
    assert!(p.set_leverage(f64::NAN).is_err());
}

#[test]
fn leverage_is_capped_by_the_venue() {
    let list = [spot(), Instrument { max_leverage: 2.0, ..spot() }];
    let mut p = Portfolio::new(1_000.0, &list).unwrap();
    assert_eq!(p.initial_margin(0), 1.0);
    p.set_leverage(10.0).unwrap();
    assert_eq!((p.initial_margin(0), p.initial_margin(1)), (0.1, 0.5));
}

#[test]
fn held_symbols_stay_in_order() {
    let list = vec![spot(); 4];
    let mut p = Portfolio::new(1_000.0, &list).unwrap();
    for symbol in [2, 0, 3] {
        p.apply_fill(&Fill { symbol, ..fill(Side::Buy, 1.0, 10.0, 0.0) }, &list[0]).unwrap();
    }
    assert_eq!(p.held(), [0, 2, 3]);
    p.apply_fill(&Fill { symbol: 2, ..fill(Side::Sell, 1.0, 10.0, 0.0) }, &list[0]).unwrap();
    assert_eq!(p.held(), [0, 3]);
}
