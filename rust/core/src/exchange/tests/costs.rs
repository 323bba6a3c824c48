//! Fees, spread, slippage, funding.

use super::*;

#[test]
fn fee_spread_and_slippage_by_hand() {
    let costs = CostConfig {
        taker_fee: 0.001,
        spread: 0.002,
        slippage: SlippageModel::Fixed { fraction: 0.001 },
        ..CostConfig::free()
    };
    let mut m = Market::new(&costs, instrument());
    m.send(Order { quantity: 2.0, ..buy() });
    let f = m.open(bar(100.0, 110.0, 90.0, 100.0))[0];
    // 100·(1 + 0.001 + 0.001)
    assert_eq!(f.price, 100.2);
    assert!(close_to(f.fee, 2.0 * 100.2 * 0.001));
    assert!(close_to(f.slippage, 0.4));

    m.close(bar(100.0, 110.0, 90.0, 100.0));
    m.send(Order { quantity: 2.0, ..sell() });
    let f = m.open(bar(100.0, 110.0, 90.0, 100.0))[0];
    assert_eq!(f.price, 99.8);
    // Bought at 100.2 and sold at 99.8, two units; fees on both.
    assert!(close_to(m.portfolio.cash(), 10_000.0 - 0.8 - 0.2004 - 0.1996));
}

#[test]
fn price_is_rounded_against_the_trader() {
    let costs = CostConfig { slippage: SlippageModel::Fixed { fraction: 0.000531 }, ..CostConfig::free() };
    let mut m = Market::new(&costs, instrument());
    m.send(buy());
    m.send(Order { quantity: 2.0, ..sell() });
    let prices: Vec<f64> = m.open(bar(100.0, 110.0, 90.0, 100.0)).iter().map(|f| f.price).collect();
    // 100.0531 and 99.9469 on a grid of 0.01.
    assert_eq!(prices, [100.06, 99.94]);
}

#[test]
fn slippage_stays_inside_the_bar() {
    let costs = CostConfig { slippage: SlippageModel::Fixed { fraction: 0.05 }, ..CostConfig::free() };
    let mut m = Market::holding(&costs, instrument(), 1.0, 100.0);
    m.send(protective(Side::Sell, OrderKind::Stop { trigger: 97.0 }));
    let fills = m.run(bar(100.0, 101.0, 96.0, 100.0));
    assert_eq!(brief(&fills), [(Side::Sell, 1.0, 96.0)]);
    assert!(close_to(fills[0].slippage, 1.0));
    m.send(buy());
    assert_eq!(m.open(bar(100.0, 100.0, 96.0, 98.0))[0].price, 100.0);
}

#[test]
fn maker_rebate_is_a_negative_fee() {
    let costs = CostConfig { maker_fee: -0.0001, ..CostConfig::free() };
    let mut m = Market::new(&costs, instrument());
    m.send(order(Side::Buy, OrderKind::Limit { price: 95.0 }));
    let f = m.run(bar(100.0, 101.0, 90.0, 100.0))[0];
    assert!(close_to(f.fee, -0.0095));
    assert!(close_to(m.portfolio.fees(), -0.0095));
}

#[test]
fn volatility_slippage_uses_the_closes_before_the_bar() {
    let slippage = SlippageModel::Volatility { multiplier: 0.5, period: 3, minimum: 0.0001 };
    let costs = CostConfig { slippage, ..CostConfig::free() };
    let mut m = Market::new(&costs, Instrument { tick: 1e-8, ..instrument() });
    m.run(bar(100.0, 200.0, 50.0, 100.0));
    m.send(buy());
    // One close and no return yet: the minimum. The bar of the fill jumps, and that must not count.
    let f = m.run(bar(100.0, 200.0, 50.0, 110.0))[0];
    assert!(close_to(f.price, 100.01));
    m.send(buy());
    let f = m.run(bar(110.0, 200.0, 50.0, 99.0))[0];
    let first = (110.0_f64 / 100.0).ln().powi(2);
    assert!((f.price - 110.0 * (1.0 + 0.5 * first.sqrt())).abs() < 1e-7);
    m.send(buy());
    let f = m.run(bar(99.0, 200.0, 50.0, 99.0))[0];
    let second = (99.0_f64 / 110.0).ln().powi(2);
    // α = 2 / (3 + 1)
    let variance = first + 0.5 * (second - first);
    assert!((f.price - 99.0 * (1.0 + 0.5 * variance.sqrt())).abs() < 1e-7);
}

#[test]
fn volume_share_slippage_grows_with_the_order() {
    let slippage = SlippageModel::VolumeShare { impact: 0.1, exponent: 0.5, minimum: 0.001 };
    let costs = CostConfig { slippage, ..CostConfig::free() };
    let fill = |quantity: f64, volume: f64| {
        let mut m = Market::new(&costs, instrument());
        m.send(Order { quantity, ..buy() });
        m.open(Bar { volume, ..bar(100.0, 200.0, 50.0, 100.0) })[0].price
    };
    // √(10 / 1000) = 0.1 → 0.1·0.1 + 0.001
    assert_eq!(fill(10.0, 1_000.0), 101.1);
    // √(90 / 1000) = 0.3
    assert_eq!(fill(90.0, 1_000.0), 103.1);
    // More than the bar traded, or a bar without trades, counts as all of it.
    assert_eq!(fill(10.0, 5.0), 110.1);
    assert_eq!(fill(10.0, 0.0), 110.1);
}

#[test]
fn funding_is_paid_at_its_times() {
    let costs = CostConfig { funding: FundingConfig { rate: 0.001, interval_ms: 8 * HOUR }, ..CostConfig::free() };
    let mut m = Market::new(&costs, perpetual());
    m.ts = 6 * HOUR;
    m.send(Order { quantity: 2.0, ..buy() });
    m.run(bar(100.0, 101.0, 99.0, 100.0));
    m.run(bar(100.0, 101.0, 99.0, 100.0));
    assert!(m.funding.is_empty());
    // 08:00, price 110, two units: 2·110·0.001.
    m.run(bar(110.0, 111.0, 109.0, 110.0));
    let paid = BrokerEventKind::Funding { rate: 0.001, price: 110.0, amount: 0.22 };
    assert_eq!(m.funding, [BrokerEvent { ts: 8 * HOUR, order: 0, symbol: 0, kind: paid }]);
    assert!(close_to(m.portfolio.funding(), 0.22));
    assert!(close_to(m.portfolio.cash(), 9_999.78));
    assert!(close_to(m.portfolio.equity(), 9_999.78 + 20.0));
}

#[test]
fn shorts_receive_what_longs_pay_and_gaps_settle_every_interval() {
    let costs = CostConfig { funding: FundingConfig { rate: 0.001, interval_ms: 8 * HOUR }, ..CostConfig::free() };
    let mut m = Market::holding(&costs, perpetual(), -1.0, 100.0);
    m.run(bar(100.0, 101.0, 99.0, 100.0));
    // A day without bars: 08:00, 16:00, 24:00.
    m.ts = 24 * HOUR;
    m.run(bar(100.0, 101.0, 99.0, 100.0));
    assert!(close_to(m.portfolio.funding(), -0.3));
}

#[test]
fn position_opened_at_the_time_of_funding_does_not_pay() {
    let costs = CostConfig { funding: FundingConfig { rate: 0.001, interval_ms: 8 * HOUR }, ..CostConfig::free() };
    let mut m = Market::new(&costs, perpetual());
    m.ts = 7 * HOUR;
    m.run(bar(100.0, 101.0, 99.0, 100.0));
    m.send(buy());
    m.run(bar(100.0, 101.0, 99.0, 100.0));
    assert_eq!(m.portfolio.funding(), 0.0);
}

#[test]
fn position_closed_at_the_time_of_funding_pays() {
    let costs = CostConfig { funding: FundingConfig { rate: 0.001, interval_ms: 8 * HOUR }, ..CostConfig::free() };
    let mut m = Market::holding(&costs, perpetual(), 1.0, 100.0);
    m.ts = 7 * HOUR;
    m.run(bar(100.0, 101.0, 99.0, 100.0));
    m.send(sell());
    let fill = m.open(bar(100.0, 101.0, 99.0, 100.0))[0];
    assert_eq!(fill.remaining, 0.0);
    assert!(close_to(m.portfolio.funding(), 0.1));
    assert!(m.portfolio.held().is_empty());
}

#[test]
fn rates_of_the_past_take_the_place_of_the_constant() {
    let costs = CostConfig { funding: FundingConfig { rate: 0.5, interval_ms: HOUR }, ..CostConfig::free() };
    let mut m = Market::holding(&costs, perpetual(), 1.0, 100.0);
    let rate = |hour: i64, rate| FundingRate { ts: hour * HOUR, rate };
    m.exchange.set_funding_rates(0, vec![rate(-5, 0.3), rate(0, 0.2), rate(2, 0.001), rate(3, -0.003)]).unwrap();
    for _ in 0..6 {
        m.run(bar(100.0, 101.0, 99.0, 100.0));
    }
    let amounts: Vec<f64> = m
        .funding
        .iter()
        .filter_map(|e| if let BrokerEventKind::Funding { amount, .. } = e.kind { Some(amount) } else { None })
        .collect();
    assert_eq!(amounts, [0.1, -0.3]);

    assert!(m.exchange.set_funding_rates(0, vec![rate(1, 0.1), rate(1, 0.1)]).is_err());
    assert!(m.exchange.set_funding_rates(0, vec![rate(1, f64::NAN)]).is_err());
    assert!(m.exchange.set_funding_rates(9, Vec::new()).is_err());
}

#[test]
fn spot_pays_no_funding() {
    let costs = CostConfig { funding: FundingConfig { rate: 0.001, interval_ms: HOUR }, ..CostConfig::free() };
    let mut m = Market::holding(&costs, instrument(), 1.0, 100.0);
    for _ in 0..3 {
        m.run(bar(100.0, 101.0, 99.0, 100.0));
    }
    assert!(m.events().is_empty() && m.funding.is_empty());
}

#[test]
fn contracts_count_by_their_multiplier() {
    let costs = CostConfig { taker_fee: 0.001, max_volume_share: Some(0.01), ..CostConfig::free() };
    let mut m = Market::new(&costs, Instrument { multiplier: 5.0, lot: 1.0, ..perpetual() });
    m.send(Order { quantity: 10.0, ..buy() });
    // One percent of 1000 base units are 10, or 2 contracts of 5.
    let f = m.run(bar(100.0, 110.0, 90.0, 104.0))[0];
    assert_eq!(f.quantity, 2.0);
    assert!(close_to(f.fee, 2.0 * 5.0 * 100.0 * 0.001));
    assert!(close_to(m.portfolio.unrealised(0), 2.0 * 5.0 * 4.0));
    assert!(close_to(m.portfolio.gross_exposure(), 2.0 * 5.0 * 104.0));
}

#[test]
fn bad_costs_are_refused_by_name() {
    let base = CostConfig::default();
    let margin = |m: MarginConfig| CostConfig { margin: m, ..base };
    let slippage = |s: SlippageModel| CostConfig { slippage: s, ..base };
    let cases = [
        (CostConfig { taker_fee: -0.1, ..base }, "costs.taker_fee"),
        (CostConfig { maker_fee: f64::NAN, ..base }, "costs.maker_fee"),
        (CostConfig { spread: 1.0, ..base }, "costs.spread"),
        (CostConfig { max_volume_share: Some(0.0), ..base }, "costs.max_volume_share"),
        (slippage(SlippageModel::Fixed { fraction: -1.0 }), "costs.slippage.fraction"),
        (slippage(SlippageModel::Volatility { multiplier: 1.0, period: 0, minimum: 0.0 }), "costs.slippage.period"),
        (slippage(SlippageModel::VolumeShare { impact: 0.0, exponent: 1.0, minimum: 0.0 }), "costs.slippage.impact"),
        (CostConfig { funding: FundingConfig { interval_ms: 0, rate: 0.0 }, ..base }, "costs.funding.interval_ms"),
        (margin(MarginConfig { leverage: 0.5, ..MarginConfig::default() }), "costs.margin.leverage"),
        (margin(MarginConfig { mode: MarginMode::Cross, ..MarginConfig::default() }), "costs.margin.mode"),
    ];
    for (costs, name) in cases {
        let text = SimulatedExchange::new(&costs, &[instrument()]).unwrap_err().to_string();
        assert!(text.starts_with(name), "{text}");
    }
}

#[test]
fn costs_are_read_from_json() {
    let text = r#"{"taker_fee": 0.002, "slippage": {"volume_share": {"impact": 0.1, "exponent": 0.5, "minimum": 0.0}},
                   "margin": {"mode": "isolated", "leverage": 3}}"#;
    let costs: CostConfig = serde_json::from_str(text).unwrap();
    assert_eq!(costs.margin.mode, MarginMode::Isolated);
    assert_eq!(costs.maker_fee, 0.001);
    assert!(serde_json::from_str::<CostConfig>(r#"{"taker": 0.1}"#).is_err());
}
