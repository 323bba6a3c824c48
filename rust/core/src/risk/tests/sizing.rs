//! Sizing by hand.

use super::*;

#[test]
fn fixed_fraction_loses_its_risk_at_the_stop() {
    let mut desk = Desk::new(&wide(), 1);
    let d = desk.ask(0, 0.6);
    // 0.6 × 1 % of 10 000 is 60 at risk; the stop is 4 away: 15 units, 1 500, 15 % of equity.
    assert_eq!(d.verdict, Verdict::Approved);
    assert_eq!((d.target_quantity, d.order_quantity, d.stop_price), (15.0, 15.0, 96.0));
    assert_eq!(
        steps(&d),
        [
            ("sizing", 0.6, 0.006),
            ("stop_distance", 0.006, 0.15),
            ("position_cap", 0.15, 0.15),
            ("correlation_cap", 0.15, 0.15),
            ("heat", 0.15, 0.15),
            ("leverage", 0.15, 0.15),
            ("min_cash", 0.15, 0.15),
            ("drawdown", 0.15, 0.15),
            ("daily_loss", 0.15, 0.15),
            ("precision", 0.15, 0.15),
        ]
    );
    let short = desk.ask(0, -0.6);
    assert_eq!((short.target_quantity, short.stop_price), (-15.0, 104.0));
    assert_eq!(steps(&short)[1], ("stop_distance", -0.006, -0.15));
}

#[test]
fn the_percent_stop_sets_its_own_distance() {
    let mut config = wide();
    config.stop.kind = StopKind::Percent;
    config.stop.percent = 0.02;
    let d = Desk::new(&config, 1).ask(0, 1.0);
    // 1 % at risk, 2 % away: half of equity.
    assert_eq!((d.target_quantity, d.stop_price), (50.0, 98.0));
}

#[test]
fn without_a_stop_the_atr_distance_still_sizes() {
    let mut config = wide();
    config.stop.kind = StopKind::None;
    let d = Desk::new(&config, 1).ask(0, 1.0);
    assert_eq!(d.target_quantity, 25.0);
    assert!(d.stop_price.is_nan());
}

#[test]
fn target_sizing_takes_the_target_as_it_is() {
    let mut config = wide();
    config.sizing.method = SizingMethod::Target;
    let d = Desk::new(&config, 1).ask(0, -0.35);
    assert_eq!(d.target_quantity, -35.0);
    assert_eq!(&steps(&d)[..2], [("sizing", -0.35, -0.35), ("stop_distance", -0.35, -0.35)]);
}

#[test]
fn volatility_target_divides_by_the_yearly_volatility() {
    let mut config = wide();
    config.sizing.method = SizingMethod::VolatilityTarget;
    config.sizing.target_volatility = 0.1;
    let mut desk = Desk::new(&config, 1);
    // Returns of ±1 % an hour: σ = 0.01 a bar, √8 760 of them a year.
    desk.meters[0] = meter_of(&(0..40).map(|i| if i % 2 == 0 { 0.01 } else { -0.01 }).collect::<Vec<_>>());
    assert!((desk.meters[0].volatility() - 0.01).abs() < 1e-15);
    let d = desk.ask(0, 0.5);
    let expected = 0.5 * 0.1 / (0.01 * 8_760.0_f64.sqrt());
    assert!((d.steps[1].after - expected).abs() < 1e-12);
    assert_eq!(d.target_quantity, desk.instruments[0].floor_quantity(expected * 100.0));

    // Told the bars a year, the step does not matter.
    config.sizing.periods_per_year = Some(250.0);
    let mut other = Desk::new(&config, 1);
    other.meters = desk.meters;
    assert!((other.ask(0, 0.5).steps[1].after - 0.5 * 0.1 / (0.01 * 250.0_f64.sqrt())).abs() < 1e-12);
}

#[test]
fn kelly_is_capped_floored_and_waits_for_trades() {
    let mut config = wide();
    config.sizing.method = SizingMethod::Kelly;
    config.sizing.kelly_window = 10;
    let risk = |returns: &[f64]| {
        let mut desk = Desk::new(&config, 1);
        for r in returns {
            desk.engine.on_trade(*r);
        }
        desk.ask(0, 1.0).steps[0].after
    };
    // Fewer than two of ten trades: the plain 1 %.
    assert_eq!(risk(&[0.05]), 0.01);
    // p = 0.5, payoff 1.1: f = 0.5 − 0.5/1.1 = 1/22; a quarter of it, 1.136 %.
    assert!((risk(&[0.011, -0.01, 0.011, -0.01]) - 0.25 / 22.0).abs() < 1e-12);
    // All wins: f = 1, capped at 2 %. No edge: the floor.
    assert_eq!(risk(&[0.01, 0.02, 0.03]), 0.02);
    assert_eq!(risk(&[-0.01, -0.02, -0.03]), 0.0025);
    assert_eq!(risk(&[0.01, -0.02, 0.01, -0.02]), 0.0025);
    // The window forgets: ten wins push the losses out.
    assert_eq!(risk(&[[-0.01; 10], [0.01; 10]].concat()), 0.02);
}

#[test]
fn nothing_is_opened_while_the_atr_is_unknown() {
    let mut desk = Desk::new(&wide(), 1);
    desk.meters[0] = RiskMeter::new();
    let d = desk.ask(0, 1.0);
    assert_eq!((d.verdict, d.order_quantity), (Verdict::Refused, 0.0));
    assert!(d.reasons()[1].contains("not known yet"));
    // What is held stays: not knowing is no reason to sell.
    desk.account.set(0, 5.0, 100.0);
    let d = desk.ask(0, 1.0);
    assert_eq!((d.verdict, d.order_quantity, d.target_quantity), (Verdict::Hold, 0.0, 5.0));
}

#[test]
fn small_targets_are_flat() {
    let mut desk = Desk::new(&wide(), 1);
    let d = desk.ask(0, 0.1);
    assert_eq!((d.verdict, d.order_quantity), (Verdict::Hold, 0.0));
    assert_eq!(d.reasons(), ["minimum target: 0.100 is not beyond ±0.100, so the target is flat"]);
    assert!(desk.ask(0, 0.100_001).trades());
    desk.hold(0, 15.0);
    let d = desk.ask(0, -0.1);
    assert_eq!((d.verdict, d.order_quantity, d.purpose), (Verdict::Approved, -15.0, crate::order::Purpose::Exit));
    assert!(d.reduces() && !d.opens());
    // Flat and to stay flat: nothing to tell.
    let mut desk = Desk::new(&wide(), 1);
    assert!(desk.ask(0, 0.0).steps.is_empty());
}

#[test]
fn a_target_that_is_no_number_changes_nothing() {
    let mut desk = Desk::new(&wide(), 1);
    assert_eq!(desk.ask(0, f64::NAN).verdict, Verdict::Hold);
    desk.hold(0, 15.0);
    let d = desk.ask(0, f64::NAN);
    assert_eq!((d.verdict, d.order_quantity, d.target_quantity), (Verdict::Hold, 0.0, 15.0));
    // Beyond ±1 there is nothing: it is clipped.
    assert_eq!(Desk::new(&wide(), 1).ask(0, f64::INFINITY).target_quantity, 25.0);
}
