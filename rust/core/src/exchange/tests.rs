//! Hand-computed cases. Every expected number can be followed with a pencil from the bar and the costs above it.

mod costs;
mod flow;
mod margin;
mod orders;

use super::*;
use crate::fill::{FundingConfig, MarginConfig};
use crate::order::{Liquidity, Purpose, TimeInForce};

const HOUR: i64 = 3_600_000;

fn instrument() -> Instrument {
    Instrument { symbol: "BTC/USD".to_owned(), tick: 0.01, lot: 0.001, ..Instrument::default() }
}

fn perpetual() -> Instrument {
    Instrument { kind: InstrumentKind::Perpetual, maintenance_margin: 0.005, ..instrument() }
}

fn bar(open: f64, high: f64, low: f64, close: f64) -> Bar {
    Bar { ts: 0, open, high, low, close, volume: 1_000.0 }
}

/// An order that only names what differs from a market order of one unit.
fn order(side: Side, kind: OrderKind) -> Order {
    Order {
        id: 0,
        decision: 7,
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

fn protective(side: Side, kind: OrderKind) -> Order {
    Order { reduce_only: true, purpose: Purpose::StopLoss, ..order(side, kind) }
}

fn buy() -> Order {
    order(Side::Buy, OrderKind::Market)
}

fn sell() -> Order {
    order(Side::Sell, OrderKind::Market)
}

/// One symbol, one hour a bar.
struct Market {
    exchange: SimulatedExchange,
    portfolio: Portfolio,
    instrument: Instrument,
    funding: Vec<BrokerEvent>,
    ts: i64,
    next: u64,
}

impl Market {
    fn new(costs: &CostConfig, instrument: Instrument) -> Self {
        let list = [instrument.clone()];
        Self {
            exchange: SimulatedExchange::new(costs, &list).unwrap(),
            portfolio: Portfolio::new(10_000.0, &list).unwrap(),
            instrument,
            funding: Vec::new(),
            ts: 0,
            next: 1,
        }
    }

    fn free() -> Self {
        Self::new(&CostConfig::free(), instrument())
    }

    /// Holds `quantity` bought or sold at `price` without costs.
    fn holding(costs: &CostConfig, instrument: Instrument, quantity: f64, price: f64) -> Self {
        let mut market = Self::new(costs, instrument);
        market.exchange.set_position(0, quantity, price).unwrap();
        let fill = Fill {
            id: 0,
            order: 0,
            decision: 1,
            symbol: 0,
            side: Side::of(quantity),
            quantity: quantity.abs(),
            price,
            fee: 0.0,
            slippage: 0.0,
            liquidity: Liquidity::Taker,
            purpose: Purpose::Entry,
            ts: 0,
            remaining: 0.0,
        };
        market.portfolio.apply_fill(&fill, &market.instrument).unwrap();
        market
    }

    /// Sends an order at the close of the last bar and returns its number.
    fn send(&mut self, order: Order) -> u64 {
        let id = self.next;
        self.next += 1;
        self.exchange.submit(&Intent::Submit(Order { id, ts: self.ts, ..order }));
        id
    }

    fn cancel(&mut self, id: u64) {
        self.exchange.submit(&Intent::Cancel { id, symbol: 0, reason: CancelReason::Operator });
    }

    fn book(&mut self, fills: &[Fill]) {
        for fill in fills {
            self.portfolio.apply_fill(fill, &self.instrument).unwrap();
        }
    }

    fn open(&mut self, bar: Bar) -> Vec<Fill> {
        let mut fills = Vec::new();
        self.exchange.open_phase(self.ts, &[(0, Bar { ts: self.ts, ..bar })], &mut fills);
        for e in self.exchange.drain_funding() {
            self.portfolio.apply_event(&e);
            self.funding.push(e);
        }
        self.book(&fills);
        fills
    }

    fn range(&mut self, bar: Bar) -> Vec<Fill> {
        let mut fills = Vec::new();
        self.exchange.range_phase(self.ts, &[(0, Bar { ts: self.ts, ..bar })], &mut fills);
        self.book(&fills);
        fills
    }

    /// The whole bar without answers to fills; afterwards it is closed.
    fn run(&mut self, bar: Bar) -> Vec<Fill> {
        let mut fills = self.open(bar);
        fills.extend(self.range(bar));
        self.close(bar);
        fills
    }

    fn close(&mut self, bar: Bar) {
        self.portfolio.on_bar(0, &Bar { ts: self.ts, ..bar });
        self.ts += HOUR;
    }

    fn events(&mut self) -> Vec<BrokerEvent> {
        self.exchange.drain_events().collect()
    }

    /// What became of an order besides acceptance and fills.
    fn fate(&mut self, id: u64) -> Vec<BrokerEventKind> {
        let all = self.events();
        let own = all.into_iter().filter(|e| e.order == id && e.kind != BrokerEventKind::Accepted);
        own.map(|e| e.kind).collect()
    }
}

/// `(side, quantity, price)` of each fill.
fn brief(fills: &[Fill]) -> Vec<(Side, f64, f64)> {
    fills.iter().map(|f| (f.side, f.quantity, f.price)).collect()
}

fn close_to(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}
