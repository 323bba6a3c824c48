//! Orders together, and their way to the venue.

use super::*;

const CALM: Bar = Bar { ts: 0, open: 100.0, high: 101.0, low: 99.0, close: 100.0, volume: 1_000.0 };

fn cancelled(reason: CancelReason) -> BrokerEventKind {
    BrokerEventKind::Cancelled { reason }
}

#[test]
fn stop_goes_before_target() {
    let mut m = Market::holding(&CostConfig::free(), instrument(), 1.0, 100.0);
    let target = m.send(protective(Side::Sell, OrderKind::Limit { price: 101.0 }));
    m.send(protective(Side::Sell, OrderKind::Stop { trigger: 90.0 }));
    // The target is nearer to the open; the worst is assumed all the same.
    assert_eq!(brief(&m.run(bar(100.0, 102.0, 89.0, 95.0))), [(Side::Sell, 1.0, 90.0)]);
    assert_eq!(m.fate(target), [cancelled(CancelReason::PositionClosed)]);
}

#[test]
fn of_two_stops_the_nearer_goes_first() {
    let mut m = Market::holding(&CostConfig::free(), instrument(), 2.0, 100.0);
    m.send(protective(Side::Sell, OrderKind::Stop { trigger: 90.0 }));
    m.send(protective(Side::Sell, OrderKind::Stop { trigger: 95.0 }));
    assert_eq!(brief(&m.run(bar(100.0, 101.0, 89.0, 95.0))), [(Side::Sell, 1.0, 95.0), (Side::Sell, 1.0, 90.0)]);
}

#[test]
fn group_leaves_one_fill() {
    let mut m = Market::free();
    let up = m.send(Order { oco: 5, ..order(Side::Buy, OrderKind::Stop { trigger: 102.0 }) });
    let down = m.send(Order { oco: 5, ..order(Side::Sell, OrderKind::Stop { trigger: 95.0 }) });
    // Both are touched; the nearer to the open is taken.
    assert_eq!(brief(&m.run(bar(100.0, 103.0, 94.0, 100.0))), [(Side::Buy, 1.0, 102.0)]);
    let events = m.events();
    let of = |id| events.iter().filter(move |e| e.order == id).map(|e| e.kind).collect::<Vec<_>>();
    assert_eq!(of(down), [BrokerEventKind::Accepted, cancelled(CancelReason::Oco)]);
    assert_eq!(of(up), [BrokerEventKind::Accepted, BrokerEventKind::Triggered { trigger: 102.0 }]);
}

#[test]
fn partial_target_shrinks_the_stop_of_its_group() {
    let costs = CostConfig { max_volume_share: Some(0.001), ..CostConfig::free() };
    let mut m = Market::holding(&costs, instrument(), 3.0, 100.0);
    let exit = Order { oco: 9, quantity: 3.0, ..protective(Side::Sell, OrderKind::Limit { price: 105.0 }) };
    let target = m.send(exit);
    let stop = m.send(Order { kind: OrderKind::Stop { trigger: 90.0 }, ..exit });
    let fills = m.run(bar(100.0, 106.0, 99.0, 104.0));
    assert_eq!(brief(&fills), [(Side::Sell, 1.0, 105.0)]);
    assert_eq!(fills[0].remaining, 2.0);
    assert_eq!(m.exchange.order(stop, 0).unwrap().remaining, 2.0);
    assert_eq!(m.exchange.order(target, 0).unwrap().remaining, 2.0);
    // The stop takes one; what is left of it goes on at the next open and closes the group.
    assert_eq!(brief(&m.run(bar(95.0, 96.0, 89.0, 90.0))), [(Side::Sell, 1.0, 90.0)]);
    assert_eq!(m.exchange.order(target, 0).unwrap().remaining, 1.0);
    assert_eq!(brief(&m.run(bar(88.0, 89.0, 87.0, 88.0))), [(Side::Sell, 1.0, 88.0)]);
    assert_eq!(m.fate(target), [cancelled(CancelReason::Oco)]);
    assert_eq!(m.exchange.position(0), 0.0);
}

#[test]
fn reduce_only_is_clipped_to_the_position() {
    let mut m = Market::holding(&CostConfig::free(), instrument(), 1.0, 100.0);
    let id = m.send(Order { reduce_only: true, quantity: 5.0, ..sell() });
    let fills = m.open(CALM);
    assert_eq!(brief(&fills), [(Side::Sell, 1.0, 100.0)]);
    assert_eq!(fills[0].remaining, 0.0);
    assert_eq!(m.fate(id), [cancelled(CancelReason::PositionClosed)]);
    assert_eq!(m.exchange.position(0), 0.0);
}

#[test]
fn flip_drops_what_protected_the_old_side() {
    let mut m = Market::holding(&CostConfig::free(), instrument(), 1.0, 100.0);
    let stop = m.send(protective(Side::Sell, OrderKind::Stop { trigger: 99.5 }));
    m.send(Order { quantity: 3.0, ..sell() });
    // The open has passed the stop too; the reversal goes first and leaves it nothing to reduce.
    assert_eq!(brief(&m.run(bar(98.0, 99.0, 97.0, 98.0))), [(Side::Sell, 3.0, 98.0)]);
    assert_eq!(m.fate(stop), [cancelled(CancelReason::PositionClosed)]);
    assert_eq!(m.exchange.position(0), -2.0);
}

#[test]
fn spot_that_may_not_be_short_sells_no_more_than_it_has() {
    let mut m = Market::holding(&CostConfig::free(), Instrument { shortable: false, ..instrument() }, 1.0, 100.0);
    // Each alone is covered, both together are not.
    m.send(sell());
    let second = m.send(sell());
    assert_eq!(brief(&m.run(CALM)), [(Side::Sell, 1.0, 100.0)]);
    assert_eq!(m.fate(second), [cancelled(CancelReason::PositionClosed)]);
    assert_eq!(m.exchange.position(0), 0.0);
}

#[test]
fn answer_to_a_fill_at_the_open_meets_the_rest_of_the_bar() {
    let mut m = Market::free();
    m.send(buy());
    let b = bar(100.0, 106.0, 94.0, 101.0);
    assert_eq!(brief(&m.open(b)), [(Side::Buy, 1.0, 100.0)]);
    m.send(protective(Side::Sell, OrderKind::Stop { trigger: 95.0 }));
    m.send(protective(Side::Sell, OrderKind::Limit { price: 105.0 }));
    assert_eq!(brief(&m.range(b)), [(Side::Sell, 1.0, 95.0)]);
    assert!(m.range(b).is_empty());
}

#[test]
fn target_that_answers_a_fill_at_the_open_fills_in_that_bar() {
    let mut m = Market::free();
    m.send(buy());
    let b = bar(100.0, 106.0, 96.0, 101.0);
    m.open(b);
    m.send(protective(Side::Sell, OrderKind::Stop { trigger: 95.0 }));
    m.send(protective(Side::Sell, OrderKind::Limit { price: 105.0 }));
    assert_eq!(brief(&m.range(b)), [(Side::Sell, 1.0, 105.0)]);
}

#[test]
fn stop_that_the_open_has_passed_already_fills_at_the_open() {
    let mut m = Market::free();
    m.send(buy());
    let b = bar(100.0, 106.0, 96.0, 101.0);
    m.open(b);
    m.send(protective(Side::Sell, OrderKind::Stop { trigger: 100.5 }));
    assert_eq!(brief(&m.range(b)), [(Side::Sell, 1.0, 100.0)]);
}

#[test]
fn market_order_that_answers_a_fill_waits_for_the_next_open() {
    let mut m = Market::free();
    m.send(buy());
    m.open(CALM);
    m.send(Order { reduce_only: true, ..sell() });
    assert!(m.range(CALM).is_empty());
    m.close(CALM);
    assert_eq!(brief(&m.open(bar(97.0, 98.0, 96.0, 97.0))), [(Side::Sell, 1.0, 97.0)]);
}

/// Enters by `entry` inside `b`, protects the fill with a stop at `trigger` and says what that stop did in the same
/// bar.
fn stopped(entry: Order, b: Bar, trigger: f64) -> Vec<(Side, f64, f64)> {
    let mut m = Market::free();
    m.send(entry);
    assert!(m.open(b).is_empty());
    assert_eq!(m.range(b).len(), 1);
    m.send(protective(entry.side.opposite(), OrderKind::Stop { trigger }));
    // A target never fills in the bar of such an entry.
    m.send(protective(
        entry.side.opposite(),
        OrderKind::Limit { price: if entry.side == Side::Buy { b.high } else { b.low } },
    ));
    let fills = m.range(b);
    assert!(m.range(b).is_empty());
    brief(&fills)
}

#[test]
fn stop_of_an_entry_inside_the_bar() {
    let dip = order(Side::Buy, OrderKind::Limit { price: 95.0 });
    // The way down to the low passed the entry first: the stop below was hit for certain.
    assert_eq!(stopped(dip, bar(100.0, 101.0, 89.0, 99.0), 90.0), [(Side::Sell, 1.0, 90.0)]);
    assert_eq!(stopped(dip, bar(100.0, 101.0, 91.0, 99.0), 90.0), []);

    let breakout = order(Side::Buy, OrderKind::Stop { trigger: 105.0 });
    // The low may have come before or after the entry: worst first.
    assert_eq!(stopped(breakout, bar(100.0, 107.0, 97.0, 106.0), 98.0), [(Side::Sell, 1.0, 98.0)]);
    // The open lay below the stop, so that the low proves nothing, and the close held above it.
    assert_eq!(stopped(breakout, bar(100.0, 107.0, 99.0, 106.0), 103.0), []);
    // The close did not: the price came back for certain.
    assert_eq!(stopped(breakout, bar(100.0, 107.0, 99.0, 102.0), 103.0), [(Side::Sell, 1.0, 103.0)]);
    // A stop on the wrong side of the entry goes at once, at the price of the entry.
    assert_eq!(stopped(breakout, bar(100.0, 107.0, 99.0, 106.0), 105.5), [(Side::Sell, 1.0, 105.0)]);

    let short = order(Side::Sell, OrderKind::Stop { trigger: 95.0 });
    assert_eq!(stopped(short, bar(100.0, 103.0, 94.0, 94.5), 102.0), [(Side::Buy, 1.0, 102.0)]);
    assert_eq!(stopped(short, bar(100.0, 103.0, 94.0, 94.5), 98.0), []);
}

#[test]
fn latency_delays_orders_and_cancels() {
    for bars in 0..4 {
        let costs = CostConfig { latency_bars: bars, ..CostConfig::free() };
        let mut m = Market::new(&costs, instrument());
        m.run(CALM);
        m.send(buy());
        for _ in 0..bars {
            assert!(m.run(CALM).is_empty(), "latency {bars}");
        }
        assert_eq!(m.open(CALM).len(), 1, "latency {bars}");

        let mut m = Market::new(&costs, instrument());
        let id = m.send(order(Side::Buy, OrderKind::Limit { price: 95.0 }));
        for _ in 0..5 {
            m.run(CALM);
        }
        m.cancel(id);
        for _ in 0..bars {
            m.run(CALM);
            assert!(m.exchange.order(id, 0).is_some(), "latency {bars}");
        }
        assert!(m.run(bar(90.0, 96.0, 89.0, 95.0)).is_empty(), "latency {bars}");
        assert_eq!(m.fate(id), [cancelled(CancelReason::Operator)]);
    }
}

#[test]
fn latency_counts_the_bar_in_which_a_fill_was_answered() {
    let costs = CostConfig { latency_bars: 1, ..CostConfig::free() };
    let mut m = Market::holding(&costs, instrument(), 1.0, 100.0);
    let b = bar(100.0, 101.0, 90.0, 99.0);
    m.open(b);
    m.send(protective(Side::Sell, OrderKind::Stop { trigger: 95.0 }));
    assert!(m.range(b).is_empty());
    assert!(m.range(b).is_empty());
    m.close(b);
    assert_eq!(brief(&m.open(bar(94.0, 95.0, 93.0, 94.0))), [(Side::Sell, 1.0, 94.0)]);
}

#[test]
fn order_in_flight_can_fill_before_its_cancel_arrives() {
    let costs = CostConfig { latency_bars: 1, ..CostConfig::free() };
    let mut m = Market::new(&costs, instrument());
    let id = m.send(order(Side::Buy, OrderKind::Limit { price: 95.0 }));
    m.run(CALM);
    m.cancel(id);
    assert_eq!(m.run(bar(100.0, 101.0, 94.0, 99.0)).len(), 1);
    assert!(m.fate(id).is_empty());
}

#[test]
fn large_order_fills_over_several_bars() {
    let costs = CostConfig { max_volume_share: Some(0.01), ..CostConfig::free() };
    let mut m = Market::new(&costs, instrument());
    m.send(Order { quantity: 25.0, ..buy() });
    let mut left = Vec::new();
    for open in [100.0, 101.0, 102.0, 103.0] {
        left.extend(m.run(bar(open, open, open, open)).iter().map(|f| (f.quantity, f.price, f.remaining)));
    }
    assert_eq!(left, [(10.0, 100.0, 15.0), (10.0, 101.0, 5.0), (5.0, 102.0, 0.0)]);
    assert!(close_to(m.portfolio.position(0).average_price, (1000.0 + 1010.0 + 510.0) / 25.0));
}

#[test]
fn orders_share_the_volume_of_a_bar() {
    let costs = CostConfig { max_volume_share: Some(0.01), ..CostConfig::free() };
    let mut m = Market::new(&costs, instrument());
    m.send(Order { quantity: 6.0, ..buy() });
    m.send(Order { quantity: 6.0, ..order(Side::Buy, OrderKind::Limit { price: 99.0 }) });
    let fills = m.run(bar(100.0, 101.0, 98.0, 100.0));
    assert_eq!(brief(&fills), [(Side::Buy, 6.0, 100.0), (Side::Buy, 4.0, 99.0)]);
    assert_eq!(fills[1].remaining, 2.0);
}

#[test]
fn a_bar_without_volume_fills_nothing_under_a_volume_share() {
    let costs = CostConfig { max_volume_share: Some(0.5), ..CostConfig::free() };
    let mut m = Market::new(&costs, instrument());
    m.send(buy());
    assert!(m.run(Bar { volume: 0.0, ..CALM }).is_empty());
    assert_eq!(m.run(CALM).len(), 1);
}

#[test]
fn symbols_do_not_touch_each_other() {
    let list = [instrument(), instrument()];
    let mut x = SimulatedExchange::new(&CostConfig::free(), &list).unwrap();
    for (id, symbol) in [(1, 0), (2, 1)] {
        x.submit(&Intent::Submit(Order { id, symbol, ..buy() }));
    }
    let mut fills = Vec::new();
    // Only the second symbol has a bar.
    x.open_phase(HOUR, &[(1, bar(50.0, 51.0, 49.0, 50.0))], &mut fills);
    assert_eq!(fills.iter().map(|f| (f.symbol, f.price)).collect::<Vec<_>>(), [(1, 50.0)]);
    assert_eq!(x.pending(0), 1.0);
    assert_eq!(x.orders_of(0).len(), 1);
}

#[test]
fn events_are_drained_once() {
    let mut m = Market::free();
    m.send(buy());
    assert_eq!(m.events().len(), 1);
    assert!(m.events().is_empty());
}

#[test]
fn snapshot_keeps_everything() {
    let costs = CostConfig { latency_bars: 1, max_volume_share: Some(0.001), ..CostConfig::default() };
    let mut m = Market::holding(&costs, instrument(), 3.0, 100.0);
    m.run(CALM);
    m.send(Order {
        quantity: 3.0,
        oco: 4,
        ..protective(Side::Sell, OrderKind::TrailingStop { distance: 3.0, trigger: 97.0 })
    });
    m.send(Order { quantity: 3.0, oco: 4, ..protective(Side::Sell, OrderKind::Limit { price: 104.0 }) });
    m.run(bar(100.0, 103.0, 99.0, 102.0));
    let mut back: SimulatedExchange =
        crate::snapshot::from_bytes(&crate::snapshot::to_bytes(&m.exchange).unwrap()).unwrap();
    assert_eq!(back, m.exchange);
    let portfolio: Portfolio = crate::snapshot::from_bytes(&crate::snapshot::to_bytes(&m.portfolio).unwrap()).unwrap();
    assert_eq!(portfolio, m.portfolio);
    let ts = m.ts;
    let b = bar(102.0, 105.0, 98.0, 99.0);
    let mut fills = Vec::new();
    back.open_phase(ts, &[(0, b)], &mut fills);
    back.range_phase(ts, &[(0, b)], &mut fills);
    let expected = m.run(b);
    assert_eq!(fills, expected);
    assert!(!fills.is_empty());
}
