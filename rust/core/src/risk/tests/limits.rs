//! Caps by hand.

use super::*;
use crate::order::Purpose;

#[test]
fn position_cap() {
    let mut desk = Desk::new(&RiskConfig { max_position: 0.1, ..wide() }, 1);
    let d = desk.ask(0, 1.0);
    assert_eq!((d.verdict, d.target_quantity), (Verdict::Reduced, 10.0));
    let s = step(&d, Rule::PositionCap);
    assert_eq!((s.before, s.after), (0.25, 0.1));
    assert_eq!(s.reason(), "per-position cap: 25.00 % of equity cut to 10.00 % (cap 10.00 %)");
}

#[test]
fn a_position_that_outgrew_its_cap_is_trimmed() {
    let mut desk = Desk::new(&RiskConfig { max_position: 0.1, rebalance_band: 0.25, ..wide() }, 1);
    desk.hold(0, 13.0);
    // 13 % to 10 % is a change of 23 %: within the band.
    assert_eq!(desk.ask(0, 1.0).verdict, Verdict::Hold);
    desk.hold(0, 14.0);
    let d = desk.ask(0, 1.0);
    assert_eq!((d.order_quantity, d.target_quantity, d.purpose), (-4.0, 10.0, Purpose::Resize));
    assert!(d.reduces());
}

#[test]
fn correlation_is_of_the_bars_that_both_have() {
    let prices: Vec<f64> = (0..70).map(|i| 100.0 + 3.0 * (f64::from(i) * 0.9).sin() + 0.1 * f64::from(i)).collect();
    let feed = |skip: &dyn Fn(usize) -> bool, map: &dyn Fn(f64) -> f64| {
        let mut meter = RiskMeter::new();
        for (i, &p) in prices.iter().enumerate().filter(|(i, _)| !skip(*i)) {
            let p = map(p);
            meter.update(&Bar { ts: T0 + i as i64 * HOUR, open: p, high: p, low: p, close: p, volume: 1.0 });
        }
        meter
    };
    let all = feed(&|_| false, &|p| p);
    assert!((all.correlation(&all) - 1.0).abs() < 1e-12);
    // The mirrored market, exactly.
    assert!((all.correlation(&feed(&|_| false, &|p| 1.0 / p)) + 1.0).abs() < 1e-12);
    // A market with holes: returns of shared bars alone count, aligned by their time.
    let holes = feed(&|i| i % 7 == 3, &|p| p);
    let shared: Vec<usize> = (10..70).filter(|i| i % 7 != 3).collect();
    let ours: Vec<f64> = shared.iter().map(|&i| (prices[i] / prices[i - 1]).ln()).collect();
    let theirs: Vec<f64> =
        shared.iter().map(|&i| (prices[i] / prices[if (i - 1) % 7 == 3 { i - 2 } else { i - 1 }]).ln()).collect();
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let (mx, my) = (mean(&ours), mean(&theirs));
    let sum = |f: &dyn Fn(f64, f64) -> f64| ours.iter().zip(&theirs).map(|(x, y)| f(x - mx, y - my)).sum::<f64>();
    let rho = sum(&|x, y| x * y) / (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt();
    assert!((all.correlation(&holes) - rho).abs() < 1e-12 && rho < 0.999);
    assert_eq!(all.correlation(&holes), holes.correlation(&all));
    // Too little in common, or no movement: unknown.
    assert!(all.correlation(&feed(&|i| i < 50, &|p| p)).is_nan());
    assert!(all.correlation(&flat_meter(100.0, 2.0)).is_nan());
    assert!(all.correlation(&meter_of(&[0.01; 70])).is_nan());
}

#[test]
fn correlated_positions_share_one_cap() {
    let config = RiskConfig { max_position: 0.1, correlation_cap_rho: 0.8, ..wide() };
    let mut desk = Desk::new(&config, 4);
    let wave = |phase: f64| (0..60).map(|i| 0.01 * (f64::from(i) * 0.7 + phase).sin()).collect::<Vec<_>>();
    let other: Vec<f64> = (0..60).map(|i| 0.01 * (f64::from(i) * 2.9).cos()).collect();
    // 1 moves against 0, and 2 with 1 but only loosely with 0; 3 goes its own way.
    desk.meters = vec![meter_of(&wave(0.0)), meter_of(&wave(3.6)), meter_of(&wave(4.1)), meter_of(&other)];
    let rho = |a: usize, b: usize| desk.meters[a].correlation(&desk.meters[b]);
    assert!(rho(0, 1) < -0.8 && rho(1, 2) > 0.8 && rho(0, 2).abs() < 0.8 && rho(0, 3).abs() < 0.5);
    assert!((rho(0, 1) - rho(1, 0)).abs() < 1e-15);

    desk.account.set(1, -3.0, 100.0);
    desk.account.set(3, 9.0, 100.0);
    let d = desk.ask(0, 1.0);
    // Symbol 1 uses 3 % of the cap, short or not; symbol 3 nothing.
    assert_eq!(round(step(&d, Rule::CorrelationCap).after), 0.07);
    // Linked through 1, symbol 2 counts too.
    desk.account.set(2, 5.0, 100.0);
    desk.ts += HOUR;
    let d = desk.ask(0, 1.0);
    assert_eq!(round(step(&d, Rule::CorrelationCap).after), 0.02);
    assert_eq!(d.verdict, Verdict::Reduced);
    // And with the cap used up nothing is opened, but what is held may stay.
    desk.account.set(2, 8.0, 100.0);
    desk.ts += HOUR;
    let d = desk.ask(0, 1.0);
    assert_eq!((d.verdict, d.order_quantity), (Verdict::Refused, 0.0));
    assert_eq!(
        step(&d, Rule::CorrelationCap).reason(),
        "correlation cap: 10.00 % of equity cut to 0.00 % (correlated positions share 10.00 %)"
    );
    desk.account.set(0, 2.0, 100.0);
    let d = desk.ask(0, 1.0);
    assert_eq!((d.verdict, d.target_quantity), (Verdict::Hold, 2.0));
}

#[test]
fn heat_adds_up_over_positions_and_orders() {
    // Each full-conviction position risks 1 % of equity.
    let mut desk = Desk::new(&RiskConfig { max_heat: 0.025, ..wide() }, 4);
    desk.hold(1, 25.0);
    let d = desk.ask(0, 1.0);
    assert_eq!((d.verdict, d.target_quantity), (Verdict::Approved, 25.0));
    // What was just approved counts, though nothing has filled: 0.5 % is left, 12.5 units.
    let d = desk.ask(2, 1.0);
    assert_eq!((d.verdict, d.target_quantity), (Verdict::Reduced, 12.5));
    assert_eq!(desk.ask(3, 1.0).verdict, Verdict::Refused);
    // At the next bar approvals that did not become orders are forgotten.
    desk.ts += HOUR;
    assert_eq!(desk.ask(2, 1.0).target_quantity, 25.0);
    // An order that still stands is not.
    desk.ts += HOUR;
    desk.engine.set_pending(0, 25.0);
    assert_eq!(desk.ask(2, 1.0).target_quantity, 12.5);
    desk.engine.set_pending(0, 0.0);
    desk.ts += HOUR;
    assert_eq!(desk.ask(2, 1.0).target_quantity, 25.0);
}

#[test]
fn heat_is_measured_from_the_last_price_to_the_stop() {
    let mut desk = Desk::new(&RiskConfig { max_heat: 0.03, ..wide() }, 2);
    desk.hold(1, 25.0);
    // Bought at 100, stop at 96, now 104: 8 × 25 = 200 is at risk, 2 %; 1 % is left.
    desk.account.set(1, 25.0, 104.0);
    let d = desk.ask(0, 1.0);
    assert_eq!(d.verdict, Verdict::Approved);
    desk.account.set(1, 25.0, 106.0);
    desk.ts += HOUR;
    let d = desk.ask(0, 1.0);
    // 2.5 % used, 0.5 % left: 12.5 units.
    assert_eq!((d.verdict, d.target_quantity), (Verdict::Reduced, 12.5));
}

#[test]
fn leverage_and_cash() {
    let mut desk = Desk::new(&RiskConfig { max_leverage: 0.5, ..wide() }, 2);
    desk.hold(1, -30.0);
    let d = desk.ask(0, 1.0);
    assert_eq!(d.target_quantity, 20.0);
    assert_eq!(
        step(&d, Rule::Leverage).reason(),
        "leverage: 25.00 % of equity cut to 20.00 % (gross exposure at most 0.50 × equity)"
    );

    let mut desk = Desk::new(&RiskConfig { min_cash: 0.2, ..wide() }, 2);
    desk.hold(1, 70.0);
    let d = desk.ask(0, 1.0);
    assert_eq!(d.target_quantity, 10.0);
    assert_eq!(round(step(&d, Rule::MinCash).after), 0.1);
    // Turning a short position frees what it tied up.
    desk.hold(0, -10.0);
    desk.ts += HOUR;
    let d = desk.ask(0, 1.0);
    assert_eq!((d.target_quantity, d.order_quantity), (10.0, 20.0));
    // With leverage of 2 a position ties up half of its notional.
    let mut desk = Desk::new(&RiskConfig { min_cash: 0.2, ..wide() }, 2);
    desk.account = Account::new(10_000.0, 2.0, &desk.instruments);
    desk.hold(1, 140.0);
    assert_eq!(desk.ask(0, 1.0).target_quantity, 20.0);
}

#[test]
fn approved_purchases_use_cash_too() {
    let mut desk = Desk::new(&RiskConfig { min_cash: 0.6, ..wide() }, 2);
    assert_eq!(desk.ask(0, 1.0).target_quantity, 25.0);
    assert_eq!(desk.ask(1, 1.0).target_quantity, 15.0);
}

#[test]
fn rebalance_band() {
    let mut desk = Desk::new(&RiskConfig { rebalance_band: 0.25, ..wide() }, 1);
    desk.hold(0, 20.0);
    let d = desk.ask(0, 1.0);
    assert_eq!((d.verdict, d.order_quantity), (Verdict::Hold, 0.0));
    assert_eq!(
        d.steps.last().map(RiskStep::reason).as_deref(),
        Some("rebalance band: 25.00 % of equity is within 25.00 % of the 20.00 % held")
    );
    assert_eq!(d.stop_price, 96.0);
    desk.hold(0, 19.0);
    let d = desk.ask(0, 1.0);
    assert_eq!((d.verdict, d.order_quantity, d.purpose), (Verdict::Approved, 6.0, Purpose::Resize));
}

#[test]
fn a_reversal_is_one_order() {
    let mut desk = Desk::new(&wide(), 1);
    desk.hold(0, 15.0);
    let d = desk.ask(0, -0.6);
    assert_eq!((d.verdict, d.order_quantity, d.target_quantity), (Verdict::Approved, -30.0, -15.0));
    assert_eq!((d.purpose, d.stop_price), (Purpose::Entry, 104.0));
    assert!(d.opens());

    // Where the new side may not be opened, the close remains.
    let mut desk = Desk::new(&RiskConfig { max_heat: 1e-9, ..wide() }, 1);
    desk.hold(0, 15.0);
    let d = desk.ask(0, -0.6);
    assert_eq!((d.verdict, d.order_quantity, d.target_quantity), (Verdict::Reduced, -15.0, 0.0));
    assert_eq!(d.purpose, Purpose::Exit);
    assert!(d.reasons().iter().any(|r| r.starts_with("portfolio heat")));
}

#[test]
fn short_sales_need_a_shortable_instrument() {
    let mut desk = Desk::new(&wide(), 1);
    desk.instruments[0].shortable = false;
    assert_eq!(desk.ask(0, -1.0).verdict, Verdict::Refused);
    desk.hold(0, 15.0);
    let d = desk.ask(0, -1.0);
    assert_eq!((d.verdict, d.order_quantity), (Verdict::Reduced, -15.0));
}

#[test]
fn precision_and_smallest_order() {
    let mut desk = Desk::new(&wide(), 1);
    desk.instruments[0].lot = 2.0;
    let d = desk.ask(0, 0.6);
    assert_eq!((d.verdict, d.target_quantity), (Verdict::Approved, 14.0));
    assert_eq!((step(&d, Rule::Precision).before, round(step(&d, Rule::Precision).after)), (0.15, 0.14));

    desk.instruments[0].lot = 0.001;
    desk.instruments[0].min_notional = 1_600.0;
    let d = desk.ask(0, 0.6);
    assert_eq!((d.verdict, d.order_quantity), (Verdict::Refused, 0.0));
    assert_eq!(
        step(&d, Rule::MinOrder).reason(),
        "minimum order: the venue takes no order below 16.00 % of equity, so 15.00 % becomes 0.00 %"
    );
    // Exactly the smallest is taken.
    desk.instruments[0].min_notional = 1_500.0;
    assert_eq!(desk.ask(0, 0.6).verdict, Verdict::Approved);

    // Growth and reduction below it wait; a rest below it goes with the exit; dust stays dust.
    desk.instruments[0].min_notional = 300.0;
    desk.hold(0, 13.0);
    assert_eq!((desk.ask(0, 0.6).verdict, desk.ask(0, 0.6).order_quantity), (Verdict::Hold, 0.0));
    desk.hold(0, 17.0);
    assert_eq!((desk.ask(0, 0.6).verdict, desk.ask(0, 0.6).order_quantity), (Verdict::Hold, 0.0));
    desk.hold(0, 6.0);
    desk.instruments[0].min_notional = 400.0;
    desk.engine = RiskEngine::new(&RiskConfig { max_position: 0.02, ..wide() }, 1).unwrap();
    let d = desk.ask(0, 0.6);
    assert_eq!((d.verdict, d.order_quantity, d.purpose), (Verdict::Reduced, -6.0, Purpose::Exit));
    desk.hold(0, 3.0);
    let d = desk.ask(0, 0.0);
    assert_eq!((d.verdict, d.order_quantity), (Verdict::Hold, 0.0));
    assert!(d.reasons()[1].starts_with("minimum order"));
}

#[test]
fn an_order_on_its_way_counts() {
    let mut desk = Desk::new(&wide(), 1);
    // 15 wanted, 10 on order: 5 more.
    let d = desk.ask_pending(0, 0.6, 10.0);
    assert_eq!((d.order_quantity, d.target_quantity), (5.0, 15.0));
    // 8 held and 12 on order cover 15.
    desk.hold(0, 8.0);
    let d = desk.ask_pending(0, 0.6, 12.0);
    assert_eq!((d.verdict, d.order_quantity), (Verdict::Hold, 0.0));
    assert_eq!(step(&d, Rule::Pending).rule.as_str(), "pending");
    // A flat target closes what is held; the caller withdraws the order.
    assert_eq!(desk.ask_pending(0, 0.0, 12.0).order_quantity, -8.0);
    // Against the held side an order to grow is reckoned as withdrawn.
    assert_eq!(desk.ask_pending(0, -0.6, 12.0).order_quantity, -23.0);
    // An exit on its way is not sent twice, and a new entry is sized from what it leaves.
    let d = desk.ask_pending(0, 0.0, -8.0);
    assert_eq!((d.verdict, d.order_quantity), (Verdict::Hold, 0.0));
    assert_eq!(desk.ask_pending(0, 0.0, -3.0).order_quantity, -5.0);
    assert_eq!(desk.ask_pending(0, 0.6, -8.0).order_quantity, 15.0);
    // A reversal on its way that already leads to −15.
    assert_eq!(desk.ask_pending(0, -0.6, -23.0).order_quantity, 0.0);
}

#[test]
fn no_equity_no_risk() {
    let mut desk = Desk::new(&wide(), 1);
    desk.account.set_equity(0.0);
    assert_eq!(desk.ask(0, 1.0).verdict, Verdict::Refused);
    desk.hold(0, 5.0);
    assert_eq!(desk.ask(0, 1.0).verdict, Verdict::Hold);
    assert_eq!(desk.ask(0, -1.0).order_quantity, -5.0);
    assert_eq!(desk.ask(0, 0.0).order_quantity, -5.0);
}
