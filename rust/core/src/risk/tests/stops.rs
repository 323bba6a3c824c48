//! Stops by hand.

use super::*;
use crate::order::Purpose;

fn bar(high: f64, low: f64, close: f64) -> Bar {
    Bar { ts: 0, open: close, high, low, close, volume: 1.0 }
}

struct Book {
    engine: RiskEngine,
    meter: RiskMeter,
    instrument: Instrument,
    held: Held,
}

impl Book {
    /// A position at 100 with an ATR of 2 and the stop that belongs to it.
    fn new(config: StopConfig, quantity: f64) -> Self {
        let mut book = Self {
            engine: RiskEngine::new(&RiskConfig { stop: config, ..wide() }, 1).unwrap(),
            meter: flat_meter(100.0, 2.0),
            instrument: instrument(),
            held: held(quantity, 100.0),
        };
        book.protect();
        book
    }

    fn protect(&mut self) -> f64 {
        self.engine.protect(0, self.held, &self.meter, &self.instrument)
    }

    fn close(&mut self, high: f64, low: f64, close: f64) -> Option<f64> {
        self.held.last_price = close;
        let best =
            if self.held.quantity > 0.0 { high.max(self.held.best_price) } else { low.min(self.held.best_price) };
        self.held.best_price = best;
        self.held.bars_held += 1;
        self.engine.stop_update(0, self.held, &bar(high, low, close), &self.meter, &self.instrument)
    }
}

#[test]
fn a_fixed_stop_stands_where_it_is() {
    let mut book = Book::new(StopConfig::default(), 5.0);
    assert_eq!(book.engine.stop(0), 96.0);
    assert_eq!(book.close(120.0, 99.0, 119.0), None);
    assert_eq!(book.engine.stop(0), 96.0);
    let mut short = Book::new(StopConfig::default(), -5.0);
    assert_eq!(short.engine.stop(0), 104.0);
    assert_eq!(short.close(100.0, 80.0, 81.0), None);
}

#[test]
fn the_stop_is_anchored_to_the_fill_with_the_distance_it_was_sized_with() {
    let mut desk = Desk::new(&wide(), 1);
    assert_eq!(desk.ask(0, 1.0).stop_price, 96.0);
    // It filled at 101, and the ATR has grown since: the risk stays what sizing reckoned with.
    desk.meters[0] = flat_meter(100.0, 3.0);
    let stop = desk.engine.protect(0, held(25.0, 101.0), &desk.meters[0], &desk.instruments[0]);
    assert_eq!(stop, 97.0);
    // Growing keeps the stop, closing takes it away, turning sets a new one.
    assert_eq!(desk.engine.protect(0, held(30.0, 102.0), &desk.meters[0], &desk.instruments[0]), 97.0);
    assert!(desk.engine.protect(0, held(0.0, 0.0), &desk.meters[0], &desk.instruments[0]).is_nan());
    assert_eq!(desk.engine.protect(0, held(-5.0, 100.0), &desk.meters[0], &desk.instruments[0]), 104.0);
    assert_eq!(desk.engine.protect(0, held(5.0, 100.0), &desk.meters[0], &desk.instruments[0]), 96.0);
}

#[test]
fn a_trailing_stop_follows_the_best_price_and_never_loosens() {
    let trailing = StopConfig { trailing: true, ..StopConfig::default() };
    let mut book = Book::new(trailing.clone(), 5.0);
    assert_eq!(book.close(103.0, 99.0, 102.0), Some(99.0));
    assert_eq!(book.close(101.0, 99.5, 100.0), None);
    // A wider ATR would put it lower: it stays.
    book.meter = flat_meter(100.0, 6.0);
    assert_eq!(book.close(104.0, 100.0, 103.0), None);
    assert_eq!(book.engine.stop(0), 99.0);
    let mut short = Book::new(trailing, -5.0);
    assert_eq!(short.close(101.0, 95.0, 96.0), Some(99.0));
    assert_eq!(short.close(101.0, 97.0, 98.0), None);
}

#[test]
fn break_even_after_enough_r() {
    let config = StopConfig { break_even_at_r: Some(1.5), ..StopConfig::default() };
    let mut book = Book::new(config.clone(), 5.0);
    // 1 R is 4: nothing before 106.
    assert_eq!(book.close(105.99, 100.0, 105.0), None);
    assert_eq!(book.close(106.0, 100.0, 105.0), Some(100.0));
    assert_eq!(book.close(110.0, 104.0, 109.0), None);
    let mut short = Book::new(config, -5.0);
    assert_eq!(short.close(100.0, 94.0, 95.0), Some(100.0));
}

#[test]
fn exits_that_cannot_wait() {
    let mut book = Book::new(StopConfig { max_bars: Some(3), trailing: true, ..StopConfig::default() }, 5.0);
    book.close(100.5, 99.0, 100.0);
    assert_eq!(book.engine.should_exit(0, book.held), None);
    book.close(100.5, 99.0, 100.0);
    book.close(100.5, 99.0, 100.0);
    assert_eq!(book.engine.should_exit(0, book.held), Some(Purpose::TimeExit));
    // A spike moved the trailing stop above the close: the stop has been passed.
    book.close(110.0, 99.0, 100.0);
    assert_eq!(book.engine.stop(0), 106.0);
    assert_eq!(book.engine.should_exit(0, book.held), Some(Purpose::StopLoss));
    book.held.quantity = 0.0;
    assert_eq!(book.engine.should_exit(0, book.held), None);
}

#[test]
fn no_stop_no_price() {
    let mut book = Book::new(StopConfig { kind: StopKind::None, trailing: true, ..StopConfig::default() }, 5.0);
    assert!(book.engine.stop(0).is_nan());
    assert_eq!(book.close(150.0, 99.0, 149.0), None);
    book.close(100.0, 1.0, 1.0);
    assert_eq!(book.engine.should_exit(0, book.held), None);
}

#[test]
fn a_market_that_stands_still_is_not_stopped_out() {
    let mut book = Book::new(StopConfig::default(), 0.0);
    book.meter = flat_meter(100.0, 0.0);
    book.held = held(5.0, 100.0);
    assert_eq!(book.protect(), 99.99);
    assert_eq!(book.engine.should_exit(0, book.held), None);
    // And a stop is always above 0.
    let mut cheap = Book::new(StopConfig::default(), 0.0);
    cheap.held = held(5.0, 0.02);
    assert_eq!(cheap.protect(), 0.01);
}
