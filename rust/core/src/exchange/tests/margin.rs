//! Margin and liquidation, with the numbers of a leverage of 10 and a maintenance margin of 0.5 %.

use super::*;

fn isolated() -> CostConfig {
    let margin = MarginConfig { mode: MarginMode::Isolated, leverage: 10.0, liquidation_fee: 0.0125 };
    CostConfig { margin, ..CostConfig::free() }
}

fn cross() -> CostConfig {
    CostConfig { margin: MarginConfig { mode: MarginMode::Cross, ..isolated().margin }, ..isolated() }
}

#[test]
fn liquidation_price_of_isolated_positions() {
    // Long from 100: 100·(1 − 1/10) / (1 − 0.005). Short: 100·(1 + 1/10) / (1 + 0.005).
    let m = Market::holding(&isolated(), perpetual(), 2.0, 100.0);
    assert!(close_to(m.exchange.liquidation_price(0).unwrap(), 90.0 / 0.995));
    let m = Market::holding(&isolated(), perpetual(), -2.0, 100.0);
    assert!(close_to(m.exchange.liquidation_price(0).unwrap(), 110.0 / 1.005));
    let m = Market::holding(&CostConfig::free(), perpetual(), 2.0, 100.0);
    assert_eq!(m.exchange.liquidation_price(0), None);
    let m = Market::holding(&isolated(), instrument(), 2.0, 100.0);
    assert_eq!(m.exchange.liquidation_price(0), None);
}

#[test]
fn liquidation_price_is_known_before_the_order() {
    let m = Market::new(&isolated(), perpetual());
    assert_eq!(m.exchange.liquidation_price(0), None);
    assert!(close_to(m.exchange.liquidation_preview(&buy(), 100.0).unwrap(), 90.0 / 0.995));
    // Adding one at 120 to one at 100 averages 110.
    let m = Market::holding(&isolated(), perpetual(), 1.0, 100.0);
    assert!(close_to(m.exchange.liquidation_preview(&buy(), 120.0).unwrap(), 99.0 / 0.995));
    assert_eq!(m.exchange.liquidation_preview(&sell(), 120.0), None);
}

#[test]
fn long_is_liquidated_inside_the_bar() {
    let mut m = Market::holding(&isolated(), perpetual(), 1.0, 100.0);
    let target = m.send(protective(Side::Sell, OrderKind::Limit { price: 105.0 }));
    // 90.4522… is not on the grid of 0.01: rounded against the trader. The range reaches the target too: worst first.
    let fills = m.run(bar(100.0, 106.0, 90.0, 101.0));
    assert_eq!(brief(&fills), [(Side::Sell, 1.0, 90.45)]);
    let f = fills[0];
    assert_eq!((f.order, f.decision, f.purpose), (0, 0, Purpose::Liquidation));
    // The margin that is left is 10 − 9.55 = 0.45, less than the fee of 1.25 % of 90.45.
    assert!(close_to(f.fee, 0.45));
    assert!(close_to(m.portfolio.equity(), 10_000.0 - 10.0));
    assert_eq!(m.fate(target), [BrokerEventKind::Cancelled { reason: CancelReason::PositionClosed }]);
    assert_eq!(m.exchange.position(0), 0.0);
}

#[test]
fn short_is_liquidated_and_pays_its_fee_where_margin_is_left() {
    let mut costs = isolated();
    costs.margin.liquidation_fee = 0.001;
    let mut m = Market::holding(&costs, perpetual(), -1.0, 100.0);
    // 110 / 1.005 = 109.4527…, up to the tick.
    let fills = m.run(bar(100.0, 110.0, 99.0, 101.0));
    assert_eq!(brief(&fills), [(Side::Buy, 1.0, 109.46)]);
    assert!(close_to(fills[0].fee, 0.10946));
}

#[test]
fn gap_beyond_the_liquidation_price_costs_more_than_the_margin() {
    let mut m = Market::holding(&isolated(), perpetual(), 1.0, 100.0);
    let fills = m.open(bar(80.0, 85.0, 79.0, 84.0));
    assert_eq!(brief(&fills), [(Side::Sell, 1.0, 80.0)]);
    assert_eq!(fills[0].fee, 0.0);
    assert!(close_to(m.portfolio.equity(), 9_980.0));
}

#[test]
fn stop_before_the_liquidation_price_saves_the_margin() {
    let mut m = Market::holding(&isolated(), perpetual(), 1.0, 100.0);
    m.send(protective(Side::Sell, OrderKind::Stop { trigger: 92.0 }));
    let fills = m.run(bar(100.0, 101.0, 85.0, 95.0));
    assert_eq!(brief(&fills), [(Side::Sell, 1.0, 92.0)]);
    assert_eq!(fills[0].purpose, Purpose::StopLoss);

    // Beyond it, it comes too late.
    let mut m = Market::holding(&isolated(), perpetual(), 1.0, 100.0);
    m.send(protective(Side::Sell, OrderKind::Stop { trigger: 88.0 }));
    assert_eq!(m.run(bar(100.0, 101.0, 85.0, 95.0))[0].purpose, Purpose::Liquidation);
}

#[test]
fn what_a_partly_filled_stop_leaves_is_liquidated() {
    let costs = CostConfig { max_volume_share: Some(0.001), ..isolated() };
    let mut m = Market::holding(&costs, perpetual(), 3.0, 100.0);
    m.send(Order { quantity: 3.0, ..protective(Side::Sell, OrderKind::Stop { trigger: 95.0 }) });
    let fills = m.run(bar(100.0, 101.0, 85.0, 95.0));
    assert_eq!(brief(&fills), [(Side::Sell, 1.0, 95.0), (Side::Sell, 2.0, 90.45)]);
    assert_eq!(fills[1].purpose, Purpose::Liquidation);
    assert_eq!(m.exchange.open_orders().count(), 0);
}

#[test]
fn position_opened_at_the_open_can_be_liquidated_in_that_bar() {
    let mut m = Market::new(&isolated(), perpetual());
    m.send(buy());
    let fills = m.run(bar(100.0, 101.0, 90.0, 95.0));
    assert_eq!(brief(&fills), [(Side::Buy, 1.0, 100.0), (Side::Sell, 1.0, 90.45)]);
}

#[test]
fn position_entered_inside_the_bar_can_be_liquidated_in_that_bar() {
    let mut m = Market::new(&isolated(), perpetual());
    m.send(order(Side::Buy, OrderKind::Limit { price: 98.0 }));
    let b = bar(100.0, 101.0, 80.0, 95.0);
    m.open(b);
    assert_eq!(brief(&m.range(b)), [(Side::Buy, 1.0, 98.0)]);
    // 98·0.9 / 0.995 = 88.643…
    assert_eq!(brief(&m.range(b)), [(Side::Sell, 1.0, 88.64)]);
    assert!(m.range(b).is_empty());
}

#[test]
fn funding_eats_isolated_margin() {
    let costs = CostConfig { funding: FundingConfig { rate: 0.01, interval_ms: 8 * HOUR }, ..isolated() };
    let mut m = Market::holding(&costs, perpetual(), 1.0, 100.0);
    m.ts = 7 * HOUR;
    m.run(bar(100.0, 101.0, 99.0, 100.0));
    m.run(bar(100.0, 101.0, 99.0, 100.0));
    // One was paid: 100 − (10 − 1) = 91 is where the margin ends.
    assert!(close_to(m.exchange.liquidation_price(0).unwrap(), 91.0 / 0.995));
}

#[test]
fn venue_caps_leverage() {
    let mut costs = isolated();
    costs.margin.leverage = 50.0;
    let m = Market::holding(&costs, Instrument { max_leverage: 5.0, ..perpetual() }, 1.0, 100.0);
    assert!(close_to(m.exchange.liquidation_price(0).unwrap(), 80.0 / 0.995));
}

/// Two perpetuals on an account of 30, the first held long from 100.
fn account(costs: &CostConfig) -> SimulatedExchange {
    let list = [perpetual(), perpetual()];
    let account = Portfolio::new(30.0, &list).unwrap();
    let mut x = SimulatedExchange::with_account(costs, &list, &account).unwrap();
    x.submit(&Intent::Submit(Order { id: 1, ..buy() }));
    let mut fills = Vec::new();
    step(&mut x, 0, bar(100.0, 100.0, 100.0, 100.0), bar(100.0, 100.0, 100.0, 100.0), &mut fills);
    assert_eq!(fills.len(), 1);
    x
}

fn step(x: &mut SimulatedExchange, hour: i64, first: Bar, second: Bar, fills: &mut Vec<Fill>) {
    let bars = [(0, first), (1, second)];
    x.open_phase(hour * HOUR, &bars, fills);
    x.range_phase(hour * HOUR, &bars, fills);
}

#[test]
fn cross_margin_backs_a_position_with_the_whole_account() {
    let mut x = account(&cross());
    // 30 + (p − 100) = 0.005·p → p = 70 / 0.995
    assert!(close_to(x.liquidation_price(0).unwrap(), 70.0 / 0.995));
    let mut fills = Vec::new();
    step(&mut x, 1, bar(100.0, 100.0, 71.0, 80.0), bar(100.0, 100.0, 100.0, 100.0), &mut fills);
    assert!(fills.is_empty());
    step(&mut x, 2, bar(80.0, 81.0, 70.0, 75.0), bar(100.0, 100.0, 100.0, 100.0), &mut fills);
    assert_eq!(brief(&fills), [(Side::Sell, 1.0, 70.35)]);
    // 30 − 29.65 = 0.35 is left, less than the fee: the account is empty and not below.
    assert!(x.account().unwrap().equity().abs() < 1e-9);
}

#[test]
fn cross_positions_are_taken_at_their_worst_together() {
    let mut costs = cross();
    costs.margin.liquidation_fee = 0.0;
    let mut x = account(&costs);
    x.submit(&Intent::Submit(Order { id: 2, symbol: 1, ..buy() }));
    let mut fills = Vec::new();
    let flat = bar(100.0, 100.0, 100.0, 100.0);
    step(&mut x, 1, flat, flat, &mut fills);
    assert_eq!(fills.len(), 1);
    fills.clear();
    // Each alone could fall to 70.35. With the other at its low of 85 (a loss of 15, a margin of 0.425):
    // 30 − 15 − 0.425 + (p − 100) = 0.005·p → p = 85.425 / 0.995 = 85.854…
    step(&mut x, 2, bar(100.0, 100.0, 85.0, 95.0), bar(100.0, 100.0, 85.0, 95.0), &mut fills);
    assert_eq!(fills.iter().map(|f| (f.symbol, f.price)).collect::<Vec<_>>(), [(0, 85.85)]);
    // The second alone has 30 − 14.15 behind it and stands down to 84.15 / 0.995.
    assert_eq!(x.position(1), 1.0);
}

#[test]
fn margin_is_asked_for_before_the_order_stands() {
    let mut x = account(&cross());
    x.drain_events();
    // 20 are free, enough for two units at 100 and leverage 10.
    x.submit(&Intent::Submit(Order { id: 2, symbol: 1, quantity: 1.5, ..buy() }));
    x.submit(&Intent::Submit(Order { id: 3, symbol: 1, quantity: 0.6, ..buy() }));
    x.submit(&Intent::Submit(Order { id: 4, symbol: 1, quantity: 0.5, ..buy() }));
    let reasons: Vec<Option<String>> = x.drain_events().map(|e| e.reason()).collect();
    assert_eq!(reasons, [None, Some("insufficient margin: the order needs 6, 5 is free".to_owned()), None]);
    // What only reduces needs none.
    x.submit(&Intent::Submit(Order { id: 5, reduce_only: true, ..sell() }));
    assert!(x.drain_events().all(|e| !e.is_rejection()));
}

#[test]
fn exchange_with_an_account_books_like_the_engine() {
    let mut x = account(&CostConfig { taker_fee: 0.001, ..cross() });
    let list = x.instruments().to_vec();
    let mut own = Portfolio::new(30.0, &list).unwrap();
    let mut fills = Vec::new();
    x.submit(&Intent::Submit(Order { id: 9, quantity: 0.5, ..sell() }));
    step(&mut x, 1, bar(104.0, 105.0, 99.0, 100.0), bar(100.0, 100.0, 100.0, 100.0), &mut fills);
    let first = Fill { price: 100.0, quantity: 1.0, fee: 0.1, side: Side::Buy, remaining: 0.0, ts: 0, ..fills[0] };
    for f in [first, fills[0]] {
        own.apply_fill(&f, &list[0]).unwrap();
    }
    own.mark(0, 100.0);
    let theirs = x.account().unwrap();
    assert_eq!(theirs.cash(), own.cash());
    assert_eq!(theirs.equity(), own.equity());
}

#[test]
fn exchange_and_account_must_know_the_same_symbols() {
    let account = Portfolio::new(30.0, &[perpetual()]).unwrap();
    assert!(SimulatedExchange::with_account(&cross(), &[perpetual(), perpetual()], &account).is_err());
    let mut x = SimulatedExchange::with_account(&cross(), &[perpetual()], &account).unwrap();
    assert!(x.set_position(0, 1.0, 100.0).is_err());
    let mut x = SimulatedExchange::new(&isolated(), &[perpetual()]).unwrap();
    assert!(x.set_position(0, 1.0005, 100.0).is_err());
    assert!(x.set_position(0, 1.0, 0.0).is_err());
    assert!(x.set_position(1, 1.0, 1.0).is_err());
    assert!(x.set_position(0, -1.0, 100.0).is_ok());
}

#[test]
fn account_is_kept_only_where_margin_asks_for_it() {
    let list = [perpetual()];
    let mut account = Portfolio::new(1_000.0, &list).unwrap();
    let held = Market::holding(&CostConfig::free(), perpetual(), 2.0, 100.0);
    account.clone_from(&held.portfolio);
    let x = SimulatedExchange::with_account(&CostConfig::free(), &list, &account).unwrap();
    assert!(x.account().is_none());
    assert_eq!(x.position(0), 2.0);
    let x = SimulatedExchange::with_account(&isolated(), &list, &account).unwrap();
    assert_eq!(x.account().unwrap().initial_margin(0), 0.1);
    assert!(close_to(x.liquidation_price(0).unwrap(), 90.0 / 0.995));
}
