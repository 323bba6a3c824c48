//! What a bar and a fill cost. Run with `cargo test --release --test exchange_speed -- --ignored --nocapture`; where
//! the machine is shared, run the test binary under `valgrind --tool=callgrind` and divide its instructions by
//! `BARS·ROUNDS`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::hint::black_box;
use std::time::Instant;

use mirrorfast_core::exchange::SimulatedExchange;
use mirrorfast_core::fill::CostConfig;
use mirrorfast_core::instrument::Instrument;
use mirrorfast_core::order::{Fill, Intent, Order, OrderKind, Purpose, Side, TimeInForce};
use mirrorfast_core::portfolio::Portfolio;
use mirrorfast_core::types::{Bar, SymbolId};

const BARS: u64 = 200_000;
const ROUNDS: usize = 7;

fn bar(k: u64) -> Bar {
    let open = 100.0 + (k % 7) as f64;
    Bar { ts: k as i64 * 60_000, open, high: open + 2.0, low: open - 2.0, close: open + 0.5, volume: 1_000.0 }
}

fn order(id: u64, side: Side, kind: OrderKind) -> Order {
    Order {
        id,
        decision: id,
        symbol: 0,
        side,
        quantity: 1.0,
        kind,
        tif: TimeInForce::Gtc,
        reduce_only: false,
        purpose: Purpose::Entry,
        oco: 0,
        ts: 0,
    }
}

/// Best nanoseconds a bar of several rounds, and the fills of one.
fn best(
    mut each: impl FnMut(&mut SimulatedExchange, &mut Portfolio, u64, &mut Vec<Fill>),
    standing: &[Order],
) -> (f64, usize) {
    let list = [Instrument { tick: 0.01, lot: 0.001, ..Instrument::default() }];
    let mut fastest = f64::INFINITY;
    let mut count = 0;
    for _ in 0..ROUNDS {
        let mut exchange = SimulatedExchange::new(&CostConfig::default(), &list).unwrap();
        let mut portfolio = Portfolio::new(1e9, &list).unwrap();
        for o in standing {
            exchange.submit(&Intent::Submit(*o));
        }
        let mut fills: Vec<Fill> = Vec::new();
        count = 0;
        let start = Instant::now();
        for k in 0..BARS {
            each(&mut exchange, &mut portfolio, k, &mut fills);
            let bars: [(SymbolId, Bar); 1] = [(0, bar(k))];
            exchange.open_phase(bars[0].1.ts, black_box(&bars), &mut fills);
            exchange.range_phase(bars[0].1.ts, black_box(&bars), &mut fills);
            for f in &fills {
                portfolio.apply_fill(f, &list[0]).unwrap();
            }
            count += fills.len();
            fills.clear();
            portfolio.on_bar(0, &bars[0].1);
            black_box(portfolio.equity());
            exchange.drain_events();
        }
        fastest = fastest.min(start.elapsed().as_nanos() as f64 / BARS as f64);
    }
    (fastest, count)
}

#[test]
#[ignore = "a measurement"]
fn idle_bar() {
    let (time, fills) = best(|_, _, _, _| {}, &[]);
    assert_eq!(fills, 0);
    eprintln!("idle bar: {time:.1} ns");
}

#[test]
#[ignore = "a measurement"]
fn bar_with_a_stop_and_a_target_at_rest() {
    let far = [
        order(1, Side::Sell, OrderKind::Stop { trigger: 1.0 }),
        order(2, Side::Sell, OrderKind::Limit { price: 1_000.0 }),
    ];
    let (time, fills) = best(|_, _, _, _| {}, &far);
    assert_eq!(fills, 0);
    eprintln!("bar with two orders at rest: {time:.1} ns");
}

#[test]
#[ignore = "a measurement"]
fn bar_with_an_order_and_its_fill() {
    let market = |x: &mut SimulatedExchange, _: &mut Portfolio, k: u64, _: &mut Vec<Fill>| {
        let side = if k.is_multiple_of(2) { Side::Buy } else { Side::Sell };
        x.submit(&Intent::Submit(order(k + 10, side, OrderKind::Market)));
    };
    let (time, fills) = best(market, &[]);
    assert_eq!(fills as u64, BARS);
    eprintln!("bar with a market order, its fill and every second time a trade: {time:.1} ns");
}
