//! Drawdown ladder, daily loss and halt by hand.

use super::*;
use crate::order::Purpose;
use crate::snapshot;

fn target_config() -> RiskConfig {
    let mut config = RiskConfig { daily_loss_limit: 1.0, ..wide() };
    config.sizing.method = SizingMethod::Target;
    config
}

#[test]
fn the_ladder_halves_stops_and_flattens() {
    let mut desk = Desk::new(&target_config(), 1);
    let kinds: Vec<_> = [10_000.0, 12_000.0, 10_900.0, 10_800.0, 10_300.0, 10_200.0, 9_700.0, 9_600.0, 9_000.0]
        .iter()
        .enumerate()
        .map(|(i, &equity)| desk.engine.on_equity(desk.ts + i as i64 * HOUR, equity).map(|e| e.kind.as_str()))
        .collect();
    // Peak 12 000: half from 10 800, no new risk from 10 200, halt from 9 600; told once each.
    assert_eq!(
        kinds,
        [
            None,
            None,
            None,
            Some("drawdown_half"),
            None,
            Some("drawdown_no_new_risk"),
            None,
            Some("drawdown_halt"),
            None
        ]
    );
    let halt = *desk.engine.halted().unwrap();
    assert_eq!((halt.reason, halt.equity, halt.peak), (HaltReason::Drawdown, 9_600.0, 12_000.0));
    assert!((halt.drawdown - 0.2).abs() < 1e-12);
}

#[test]
fn each_rung_is_at_least_as_strict_as_the_one_before() {
    for (equity, fresh, grown) in
        [(9_100.0, 40.0, 40.0), (9_000.0, 20.0, 20.0), (8_500.0, 0.0, 5.0), (8_000.0, 0.0, 0.0)]
    {
        let mut desk = Desk::new(&target_config(), 1);
        desk.engine.on_equity(desk.ts, 10_000.0);
        desk.engine.on_equity(desk.ts + HOUR, equity);
        assert_eq!(desk.ask(0, 0.4).target_quantity, fresh, "{equity}");
        desk.hold(0, 5.0);
        assert_eq!(desk.ask(0, 0.4).target_quantity, grown, "{equity}");
        // What is held at full size is halved.
        desk.hold(0, 40.0);
        let halved = if equity > 9_000.0 {
            40.0
        } else if equity > 8_000.0 {
            20.0
        } else {
            0.0
        };
        assert_eq!(desk.ask(0, 0.4).target_quantity, halved, "{equity}");
    }
    let mut desk = Desk::new(&target_config(), 1);
    desk.engine.on_equity(desk.ts, 10_000.0);
    desk.engine.on_equity(desk.ts, 9_000.0);
    let d = desk.ask(0, 0.4);
    assert_eq!(d.verdict, Verdict::Reduced);
    assert_eq!(
        step(&d, Rule::Drawdown).reason(),
        "drawdown ladder: 40.00 % of equity cut to 20.00 % (equity is 10.00 % below its peak)"
    );
}

#[test]
fn a_rung_is_left_only_clear_of_it() {
    let mut desk = Desk::new(&target_config(), 1);
    let mut tell = |equity: f64| desk.engine.on_equity(desk.ts, equity).map(|e| e.kind.as_str());
    assert_eq!(tell(10_000.0), None);
    assert_eq!(tell(8_990.0), Some("drawdown_half"));
    // Back above 10 %, but not by 2 %.
    assert_eq!(tell(9_010.0), None);
    assert_eq!(tell(9_190.0), None);
    assert_eq!(desk.engine.level(), DrawdownLevel::Half);
    assert_eq!(desk.engine.on_equity(desk.ts, 9_210.0).map(|e| e.kind), Some(RiskEventKind::Recovered));
    assert_eq!(desk.engine.level(), DrawdownLevel::Normal);
}

#[test]
fn a_halt_flattens_outlives_a_restart_and_needs_lifting() {
    let mut desk = Desk::new(&target_config(), 1);
    desk.engine.on_equity(desk.ts, 10_000.0);
    desk.engine.on_equity(desk.ts, 8_000.0);
    desk.hold(0, 40.0);
    let d = desk.ask(0, 1.0);
    assert_eq!((d.verdict, d.order_quantity, d.purpose), (Verdict::Approved, -40.0, Purpose::Flatten));
    assert!(d.reasons()[0].starts_with("halt"));

    desk.account.set(0, 0.0, 100.0);
    desk.engine = snapshot::from_bytes(&snapshot::to_bytes(&desk.engine).unwrap()).unwrap();
    assert!(desk.engine.halted().is_some());
    assert_eq!((desk.ask(0, 1.0).verdict, desk.ask(0, 1.0).order_quantity), (Verdict::Hold, 0.0));
    // Equity back at its peak does not lift it.
    desk.engine.on_equity(desk.ts, 10_000.0);
    assert!(desk.engine.halted().is_some());
    desk.engine.on_equity(desk.ts, 8_000.0);

    assert_eq!(desk.engine.lift_halt().map(|h| h.reason), Some(HaltReason::Drawdown));
    assert!(desk.engine.lift_halt().is_none());
    desk.engine.on_equity(desk.ts, 8_000.0);
    assert!(desk.engine.halted().is_none());
    assert_eq!((desk.engine.peak(), desk.engine.level()), (8_000.0, DrawdownLevel::Normal));
    assert_eq!(desk.ask(0, 0.4).target_quantity, 40.0);
}

#[test]
fn a_person_may_halt_too() {
    let mut desk = Desk::new(&target_config(), 1);
    desk.engine.on_equity(desk.ts, 10_000.0);
    desk.engine.halt_trading(desk.ts, 10_000.0);
    assert_eq!(desk.ask(0, 1.0).order_quantity, 0.0);
    desk.engine.on_equity(desk.ts, 9_500.0);
    assert_eq!(desk.engine.lift_halt().map(|h| h.reason), Some(HaltReason::Operator));
    // The drawdown so far is remembered.
    assert_eq!(desk.engine.peak(), 10_000.0);
    assert!(desk.ask(0, 1.0).trades());
}

#[test]
fn the_daily_loss_limit_holds_until_midnight() {
    let mut config = target_config();
    config.daily_loss_limit = 0.05;
    config.drawdown = DrawdownConfig { half: 0.5, no_new_risk: 0.6, halt: 0.7, recovery: 0.0 };
    let mut desk = Desk::new(&config, 1);
    let day = T0 + 96 * HOUR;
    assert_eq!(desk.engine.on_equity(day, 10_000.0), None);
    assert_eq!(desk.engine.on_equity(day + HOUR, 9_501.0), None);
    let event = desk.engine.on_equity(day + 2 * HOUR, 9_500.0).unwrap();
    assert_eq!((event.kind, round(event.daily_loss)), (RiskEventKind::DailyLoss, 0.05));
    // Told once, and a rebound changes nothing.
    assert_eq!(desk.engine.on_equity(day + 3 * HOUR, 9_400.0), None);
    assert_eq!(desk.engine.on_equity(day + 4 * HOUR, 9_900.0), None);

    desk.ts = day + 4 * HOUR;
    let d = desk.ask(0, 0.4);
    assert_eq!(d.verdict, Verdict::Refused);
    assert!(step(&d, Rule::DailyLoss).reason().contains("no new risk after 5.00 % lost today"));
    desk.hold(0, 20.0);
    assert_eq!(desk.ask(0, 0.4).verdict, Verdict::Hold);
    assert_eq!(desk.ask(0, 0.15).order_quantity, -5.0);
    assert_eq!(desk.ask(0, 0.0).order_quantity, -20.0);

    // The bar that closes at midnight still belongs to the day; the next one does not.
    desk.ts = day + 24 * HOUR;
    desk.engine.on_equity(desk.ts, 9_900.0);
    assert!(desk.engine.daily_loss_reached(desk.ts));
    desk.ts += HOUR;
    desk.engine.on_equity(desk.ts, 9_800.0);
    assert!(!desk.engine.daily_loss_reached(desk.ts));
    // Measured from the last equity of the day before.
    assert!((desk.engine.daily_loss() - 100.0 / 9_900.0).abs() < 1e-12);
    assert_eq!(desk.ask(0, 0.4).target_quantity, 40.0);
}

#[test]
fn the_gravest_event_is_told() {
    let mut desk = Desk::new(&RiskConfig { daily_loss_limit: 0.05, ..target_config() }, 1);
    desk.engine.on_equity(desk.ts, 10_000.0);
    assert_eq!(desk.engine.on_equity(desk.ts, 8_900.0).map(|e| e.kind), Some(RiskEventKind::DailyLoss));
    assert_eq!(desk.engine.level(), DrawdownLevel::Half);
    let mut desk = Desk::new(&RiskConfig { daily_loss_limit: 0.05, ..target_config() }, 1);
    desk.engine.on_equity(desk.ts, 10_000.0);
    assert_eq!(desk.engine.on_equity(desk.ts, 7_000.0).map(|e| e.kind), Some(RiskEventKind::DrawdownHalt));
    // An equity that is no number is no news.
    assert_eq!(desk.engine.on_equity(desk.ts, f64::NAN), None);
}

#[test]
fn configuration_is_checked_and_known() {
    assert!(RiskConfig::default().validate().is_ok());
    let cases: [(&str, fn(&mut RiskConfig)); 8] = [
        ("risk.min_target", |c| c.min_target = -0.1),
        ("risk.max_position", |c| c.max_position = 0.0),
        ("risk.max_heat", |c| c.max_heat = f64::NAN),
        ("risk.sizing.kelly_floor", |c| c.sizing.kelly_floor = 0.5),
        ("risk.stop.max_bars", |c| c.stop.max_bars = Some(0)),
        ("risk.drawdown.no_new_risk", |c| c.drawdown.no_new_risk = 0.05),
        ("risk.drawdown.halt", |c| c.drawdown.halt = 1.1),
        ("risk.daily_loss_limit", |c| c.daily_loss_limit = 0.0),
    ];
    for (name, spoil) in cases {
        let mut config = RiskConfig::default();
        spoil(&mut config);
        let message = RiskEngine::new(&config, 1).unwrap_err().to_string();
        assert!(message.starts_with(name), "{message}");
    }
    let text = serde_json::to_string(&RiskConfig::default()).unwrap();
    assert_eq!(serde_json::from_str::<RiskConfig>(&text).unwrap(), RiskConfig::default());
    assert_eq!(serde_json::from_str::<RiskConfig>("{}").unwrap(), RiskConfig::default());
    let message = serde_json::from_str::<RiskConfig>(r#"{"stop": {"kind": "atr", "mutliple": 3}}"#).unwrap_err();
    assert!(message.to_string().contains("mutliple"));
}
