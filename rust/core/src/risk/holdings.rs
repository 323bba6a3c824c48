//! What the rules need to know of an account, whoever keeps it.

use crate::instrument::Instrument;
use crate::types::SymbolId;

/// An account as the risk rules see it. Amounts in account currency.
pub trait Holdings {
    /// Cash plus the value of all positions.
    fn equity(&self) -> f64;
    /// Equity that no position ties up.
    fn free_cash(&self) -> f64;
    /// Symbols with an open position, each once.
    fn held(&self) -> &[SymbolId];
    /// Signed quantity of a symbol.
    fn quantity(&self, symbol: SymbolId) -> f64;
    /// Last price of a symbol, quote currency.
    fn price(&self, symbol: SymbolId) -> f64;
    /// Account currency per unit of the symbol's quote currency.
    fn rate(&self, symbol: SymbolId) -> f64;
    /// Equity that a position ties up, as a fraction of its notional.
    fn initial_margin(&self, symbol: SymbolId) -> f64;
}

/// One open position as the stop rules see it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Held {
    /// Signed quantity.
    pub quantity: f64,
    /// Average entry price.
    pub average_price: f64,
    /// Last price.
    pub last_price: f64,
    /// Most favourable price since entry.
    pub best_price: f64,
    /// Bars since entry.
    pub bars_held: u32,
}

/// An account that someone else keeps, as a list of what it holds: for callers without a portfolio of ours.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    equity: f64,
    margin: f64,
    quantities: Vec<f64>,
    prices: Vec<f64>,
    multipliers: Vec<f64>,
    held: Vec<SymbolId>,
}

impl Account {
    /// An account of `equity` without positions; `leverage ≥ 1` is what the venue grants.
    pub fn new(equity: f64, leverage: f64, instruments: &[Instrument]) -> Self {
        let n = instruments.len();
        Self {
            equity,
            margin: 1.0 / leverage.max(1.0),
            quantities: vec![0.0; n],
            prices: vec![0.0; n],
            multipliers: instruments.iter().map(|i| i.multiplier).collect(),
            held: Vec::new(),
        }
    }

    /// Sets the signed quantity and the last price of a symbol; equity stays what it is.
    pub fn set(&mut self, symbol: SymbolId, quantity: f64, price: f64) {
        self.quantities[symbol as usize] = quantity;
        self.prices[symbol as usize] = price;
        self.held.retain(|&s| s != symbol);
        if quantity != 0.0 {
            self.held.push(symbol);
        }
    }

    /// Sets the equity.
    pub fn set_equity(&mut self, equity: f64) {
        self.equity = equity;
    }
}

impl Holdings for Account {
    fn equity(&self) -> f64 {
        self.equity
    }
    fn free_cash(&self) -> f64 {
        let at = |s: &SymbolId| {
            let k = *s as usize;
            self.quantities[k].abs() * self.prices[k] * self.multipliers[k]
        };
        self.equity - self.margin * self.held.iter().map(at).sum::<f64>()
    }
    fn held(&self) -> &[SymbolId] {
        &self.held
    }
    fn quantity(&self, symbol: SymbolId) -> f64 {
        self.quantities[symbol as usize]
    }
    fn price(&self, symbol: SymbolId) -> f64 {
        self.prices[symbol as usize]
    }
    fn rate(&self, _: SymbolId) -> f64 {
        1.0
    }
    fn initial_margin(&self, _: SymbolId) -> f64 {
        self.margin
    }
}
