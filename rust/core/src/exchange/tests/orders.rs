//! Each kind of order alone.

use super::*;

#[test]
fn market_order_fills_at_the_next_open() {
    let mut m = Market::free();
    m.run(bar(90.0, 95.0, 85.0, 92.0));
    let id = m.send(buy());
    let fills = m.open(bar(100.0, 110.0, 95.0, 105.0));
    assert_eq!(brief(&fills), [(Side::Buy, 1.0, 100.0)]);
    let f = fills[0];
    assert_eq!((f.id, f.order, f.decision, f.ts, f.remaining), (1, id, 7, HOUR, 0.0));
    assert_eq!((f.liquidity, f.purpose), (Liquidity::Taker, Purpose::Entry));
    assert_eq!(m.exchange.position(0), 1.0);
    assert_eq!(m.exchange.open_orders().count(), 0);
}

#[test]
fn stop_fills_at_its_trigger_inside_the_bar() {
    let mut m = Market::holding(&CostConfig::free(), instrument(), 1.0, 100.0);
    let id = m.send(protective(Side::Sell, OrderKind::Stop { trigger: 95.0 }));
    assert!(m.run(bar(100.0, 105.0, 95.01, 99.0)).is_empty());
    assert_eq!(brief(&m.run(bar(99.0, 101.0, 94.0, 100.0))), [(Side::Sell, 1.0, 95.0)]);
    assert_eq!(m.fate(id), [BrokerEventKind::Triggered { trigger: 95.0 }]);
}

#[test]
fn stop_fills_at_a_touch() {
    let mut m = Market::holding(&CostConfig::free(), instrument(), 1.0, 100.0);
    m.send(protective(Side::Sell, OrderKind::Stop { trigger: 95.0 }));
    assert_eq!(brief(&m.run(bar(100.0, 105.0, 95.0, 99.0))), [(Side::Sell, 1.0, 95.0)]);
}

#[test]
fn stop_gapped_through_fills_at_the_open() {
    let mut m = Market::holding(&CostConfig::free(), instrument(), 1.0, 100.0);
    m.send(protective(Side::Sell, OrderKind::Stop { trigger: 95.0 }));
    assert_eq!(brief(&m.open(bar(90.0, 96.0, 88.0, 95.0))), [(Side::Sell, 1.0, 90.0)]);

    let mut m = Market::holding(&CostConfig::free(), instrument(), -1.0, 100.0);
    m.send(protective(Side::Buy, OrderKind::Stop { trigger: 105.0 }));
    assert_eq!(brief(&m.open(bar(110.0, 111.0, 100.0, 101.0))), [(Side::Buy, 1.0, 110.0)]);
}

#[test]
fn buy_stop_enters_on_a_breakout() {
    let mut m = Market::free();
    m.send(order(Side::Buy, OrderKind::Stop { trigger: 105.0 }));
    assert_eq!(brief(&m.run(bar(100.0, 106.0, 99.0, 104.0))), [(Side::Buy, 1.0, 105.0)]);
}

#[test]
fn limit_fills_at_its_price_as_maker() {
    let costs = CostConfig { maker_fee: 0.0002, taker_fee: 0.01, ..CostConfig::default() };
    let mut m = Market::new(&costs, instrument());
    m.send(order(Side::Buy, OrderKind::Limit { price: 95.0 }));
    let fills = m.run(bar(100.0, 101.0, 94.0, 99.0));
    assert_eq!(brief(&fills), [(Side::Buy, 1.0, 95.0)]);
    assert_eq!((fills[0].liquidity, fills[0].slippage), (Liquidity::Maker, 0.0));
    assert!(close_to(fills[0].fee, 0.019));
}

#[test]
fn resting_limit_fills_at_a_better_open() {
    let mut m = Market::free();
    m.send(order(Side::Buy, OrderKind::Limit { price: 95.0 }));
    assert!(m.run(bar(100.0, 101.0, 96.0, 99.0)).is_empty());
    let fills = m.open(bar(93.0, 96.0, 92.0, 95.0));
    assert_eq!(brief(&fills), [(Side::Buy, 1.0, 93.0)]);
    assert_eq!(fills[0].liquidity, Liquidity::Maker);
}

#[test]
fn limit_that_is_marketable_on_arrival_takes_and_keeps_its_limit() {
    let costs = CostConfig { slippage: SlippageModel::Fixed { fraction: 0.01 }, ..CostConfig::free() };
    let mut m = Market::new(&costs, instrument());
    m.send(order(Side::Buy, OrderKind::Limit { price: 102.0 }));
    let fills = m.open(bar(100.0, 110.0, 95.0, 99.0));
    assert_eq!(brief(&fills), [(Side::Buy, 1.0, 101.0)]);
    assert_eq!(fills[0].liquidity, Liquidity::Taker);

    m.close(bar(100.0, 110.0, 95.0, 99.0));
    m.send(order(Side::Sell, OrderKind::Limit { price: 99.5 }));
    // One percent of slippage would price at 99, below the limit.
    assert_eq!(brief(&m.open(bar(100.0, 110.0, 95.0, 99.0))), [(Side::Sell, 1.0, 99.5)]);
}

#[test]
fn limit_may_have_to_be_traded_through() {
    let costs = CostConfig { limit_through_ticks: 2, ..CostConfig::free() };
    let mut m = Market::new(&costs, instrument());
    m.send(order(Side::Buy, OrderKind::Limit { price: 95.0 }));
    assert!(m.run(bar(100.0, 101.0, 94.99, 99.0)).is_empty());
    assert_eq!(brief(&m.run(bar(100.0, 101.0, 94.98, 99.0))), [(Side::Buy, 1.0, 95.0)]);
}

#[test]
fn stop_limit_fills_when_its_limit_allows() {
    let costs = CostConfig { slippage: SlippageModel::Fixed { fraction: 0.01 }, ..CostConfig::free() };
    let mut m = Market::new(&costs, instrument());
    let id = m.send(order(Side::Buy, OrderKind::StopLimit { trigger: 105.0, price: 105.5 }));
    // Slippage would price at 106.05; the limit holds it at 105.50.
    let fills = m.run(bar(100.0, 107.0, 99.0, 106.0));
    assert_eq!(brief(&fills), [(Side::Buy, 1.0, 105.5)]);
    assert_eq!(fills[0].liquidity, Liquidity::Taker);
    assert_eq!(m.fate(id), [BrokerEventKind::Triggered { trigger: 105.0 }]);
}

#[test]
fn stop_limit_gapped_beyond_its_limit_rests() {
    let mut m = Market::free();
    let id = m.send(order(Side::Buy, OrderKind::StopLimit { trigger: 105.0, price: 106.0 }));
    assert!(m.run(bar(108.0, 110.0, 107.0, 109.0)).is_empty());
    assert_eq!(m.exchange.order(id, 0).unwrap().kind, OrderKind::Limit { price: 106.0 });
    assert_eq!(brief(&m.run(bar(109.0, 110.0, 105.0, 107.0))), [(Side::Buy, 1.0, 106.0)]);

    // The price comes back in the very bar whose open went past the limit.
    let mut m = Market::free();
    m.send(order(Side::Buy, OrderKind::StopLimit { trigger: 105.0, price: 106.0 }));
    assert_eq!(brief(&m.run(bar(108.0, 110.0, 104.0, 105.0))), [(Side::Buy, 1.0, 106.0)]);
}

#[test]
fn stop_limit_whose_limit_lies_short_of_its_trigger_waits_a_bar() {
    let mut m = Market::free();
    m.send(order(Side::Buy, OrderKind::StopLimit { trigger: 105.0, price: 103.0 }));
    assert!(m.run(bar(100.0, 106.0, 99.0, 105.0)).is_empty());
    assert_eq!(brief(&m.run(bar(105.0, 106.0, 102.0, 104.0))), [(Side::Buy, 1.0, 103.0)]);
}

#[test]
fn trailing_stop_never_uses_the_bar_that_lifts_it() {
    let mut m = Market::holding(&CostConfig::free(), instrument(), 1.0, 100.0);
    let id = m.send(protective(Side::Sell, OrderKind::TrailingStop { distance: 5.0, trigger: 95.0 }));
    // The high lifts the trigger to 115; the low of 108 came before or after, so that nothing fills here.
    assert!(m.run(bar(110.0, 120.0, 108.0, 118.0)).is_empty());
    assert_eq!(m.exchange.order(id, 0).unwrap().kind, OrderKind::TrailingStop { distance: 5.0, trigger: 115.0 });
    // A lower high does not lower it.
    assert!(m.run(bar(118.0, 119.0, 115.5, 116.0)).is_empty());
    assert_eq!(brief(&m.run(bar(116.0, 117.0, 110.0, 112.0))), [(Side::Sell, 1.0, 115.0)]);
}

#[test]
fn trailing_stop_of_a_short_follows_down() {
    let mut m = Market::holding(&CostConfig::free(), instrument(), -1.0, 100.0);
    m.send(protective(Side::Buy, OrderKind::TrailingStop { distance: 4.0, trigger: 104.0 }));
    assert!(m.run(bar(99.0, 100.0, 90.0, 92.0)).is_empty());
    assert_eq!(brief(&m.run(bar(92.0, 95.0, 91.0, 94.5))), [(Side::Buy, 1.0, 94.0)]);
}

#[test]
fn immediate_limit_that_does_not_cross_expires() {
    for tif in [TimeInForce::Ioc, TimeInForce::Fok] {
        let mut m = Market::free();
        let id = m.send(Order { tif, ..order(Side::Buy, OrderKind::Limit { price: 95.0 }) });
        assert!(m.run(bar(100.0, 101.0, 90.0, 99.0)).is_empty());
        assert_eq!(m.fate(id), [BrokerEventKind::Expired]);
    }
}

#[test]
fn ioc_fills_what_there_is_and_fok_all_or_nothing() {
    let costs = CostConfig { max_volume_share: Some(0.001), ..CostConfig::free() };
    let mut m = Market::new(&costs, instrument());
    let id = m.send(Order { tif: TimeInForce::Ioc, quantity: 3.0, ..buy() });
    let fills = m.run(bar(100.0, 101.0, 99.0, 100.0));
    assert_eq!(brief(&fills), [(Side::Buy, 1.0, 100.0)]);
    assert_eq!(fills[0].remaining, 0.0);
    assert_eq!(m.fate(id), [BrokerEventKind::Expired]);

    let id = m.send(Order { tif: TimeInForce::Fok, quantity: 3.0, ..buy() });
    assert!(m.run(bar(100.0, 101.0, 99.0, 100.0)).is_empty());
    assert_eq!(m.fate(id), [BrokerEventKind::Expired]);

    m.send(Order { tif: TimeInForce::Fok, quantity: 1.0, ..buy() });
    assert_eq!(brief(&m.run(bar(100.0, 101.0, 99.0, 100.0))), [(Side::Buy, 1.0, 100.0)]);
}

#[test]
fn day_order_ends_with_its_utc_day() {
    let mut m = Market::free();
    m.ts = 22 * HOUR;
    let id = m.send(Order { tif: TimeInForce::Day, ..order(Side::Buy, OrderKind::Limit { price: 95.0 }) });
    assert!(m.run(bar(100.0, 101.0, 99.0, 100.0)).is_empty());
    assert!(m.run(bar(100.0, 101.0, 99.0, 100.0)).is_empty());
    assert!(m.fate(id).is_empty());
    assert!(m.run(bar(94.0, 96.0, 93.0, 95.0)).is_empty());
    assert_eq!(m.fate(id), [BrokerEventKind::Expired]);
}

#[test]
fn good_till_cancelled_stands_until_it_is_cancelled() {
    let mut m = Market::free();
    let id = m.send(order(Side::Buy, OrderKind::Limit { price: 95.0 }));
    for _ in 0..50 {
        assert!(m.run(bar(100.0, 101.0, 99.0, 100.0)).is_empty());
    }
    m.cancel(id);
    m.cancel(id);
    assert_eq!(m.fate(id), [BrokerEventKind::Cancelled { reason: CancelReason::Operator }]);
    assert!(m.run(bar(90.0, 96.0, 89.0, 95.0)).is_empty());
}

#[test]
fn prices_go_to_the_tick_grid() {
    let mut m = Market::free();
    let id = m.send(order(Side::Buy, OrderKind::Limit { price: 95.004 }));
    assert_eq!(m.exchange.order(id, 0).unwrap().kind, OrderKind::Limit { price: 95.0 });
}

#[test]
fn bad_orders_are_refused_with_a_reason() {
    let strict = Instrument { min_quantity: 0.01, min_notional: 10.0, shortable: false, ..instrument() };
    let mut m = Market::new(&CostConfig::free(), strict);
    m.run(bar(100.0, 101.0, 99.0, 100.0));
    let cases = [
        (Order { quantity: 0.0, ..buy() }, "quantity = 0: expected a finite number > 0"),
        (Order { quantity: -1.0, ..buy() }, "quantity = -1: expected a finite number > 0"),
        (Order { quantity: f64::NAN, ..buy() }, "quantity = NaN: expected a finite number > 0"),
        (Order { quantity: 1.0005, ..buy() }, "quantity = 1.0005: expected a multiple of the lot 0.001"),
        (Order { quantity: 0.005, ..buy() }, "quantity = 0.005: expected at least 0.01"),
        (Order { quantity: 0.05, ..buy() }, "notional = 5: expected at least 10"),
        (Order { symbol: 3, ..buy() }, "unknown symbol"),
        (order(Side::Buy, OrderKind::Limit { price: -1.0 }), "price = -1: expected a finite number > 0"),
        (order(Side::Buy, OrderKind::Stop { trigger: f64::NAN }), "price = NaN: expected a finite number > 0"),
        (
            Order { reduce_only: true, ..sell() },
            "reduce-only, but the position of 0 has nothing to reduce on that side",
        ),
        (sell(), "selling 1 of a position of 0 would go short, which the instrument forbids"),
    ];
    for (bad, text) in cases {
        let id = m.send(bad);
        let events = m.events();
        assert_eq!(events.len(), 1, "{text}");
        assert_eq!((events[0].order, events[0].closes(), events[0].is_rejection()), (id, true, true));
        assert_eq!(events[0].reason().as_deref(), Some(text));
    }
    assert_eq!(m.exchange.open_orders().count(), 0);
}

#[test]
fn an_open_order_number_is_taken() {
    let mut m = Market::free();
    m.send(order(Side::Buy, OrderKind::Limit { price: 95.0 }));
    m.next = 1;
    m.send(buy());
    let kinds: Vec<_> = m.events().into_iter().map(|e| e.kind).collect();
    let rejected = BrokerEventKind::Rejected { reason: RejectReason::DuplicateId };
    assert_eq!(kinds, [BrokerEventKind::Accepted, rejected]);
}

#[test]
fn dust_may_always_be_closed() {
    let strict = Instrument { min_quantity: 0.01, min_notional: 10.0, ..instrument() };
    let mut m = Market::holding(&CostConfig::free(), strict, 0.002, 100.0);
    m.send(Order { reduce_only: true, quantity: 0.002, ..sell() });
    assert_eq!(brief(&m.open(bar(100.0, 101.0, 99.0, 100.0))), [(Side::Sell, 0.002, 100.0)]);
}
