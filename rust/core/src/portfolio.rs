//! Cash, positions and round trips: the one ledger arithmetic of backtest, paper broker, live book and training
//! environment.
//!
//! All amounts are in the account's currency; prices, fees and funding come in the instrument's quote currency and are
//! converted at the rate of the moment: no foreign cash is ever held. With `m` the multiplier and `r` the rate of the
//! quote currency:
//! - *Spot* is booked in margin style: a purchase pays `q·p·m·r` out of cash (which may go below zero: borrowed), a
//!   short sale brings it in; a position is worth `q·last·m·r`.
//! - *Perpetual*: only profit and loss, fees and funding move cash; a position is worth `q·(last − average)·m·r`.
//! - `equity = cash + Σ value`, and `equity − capital = Σ realised + Σ unrealised − Σ fees − Σ funding`, to float
//!   noise.
//!
//! A rate that moves revalues what is open, and that is *unrealised* profit until an exit books it as *realised*: of a
//! spot position the whole notional (bought at the rate of its entries), of a perpetual its open profit alone. Fees and
//! funding stay at the rate of their moment.
//!
//! Average-cost accounting: a reduction realises against the average entry price and leaves it as it is.

mod position;

use serde::{Deserialize, Serialize};

use crate::error::{CoreError, Result};
use crate::instrument::{Instrument, InstrumentKind};
use crate::order::{BrokerEvent, BrokerEventKind, Fill};
use crate::types::{Bar, SymbolId};

use position::RoundTrip;
pub use position::{Position, Trade};

/// What of an instrument the books need.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Contract {
    multiplier: f64,
    spot: bool,
    currency: u32,
    max_leverage: f64,
    initial_margin: f64,
    maintenance_margin: f64,
}

/// Cash and positions of all symbols.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Portfolio {
    capital: f64,
    cash: f64,
    positions: Vec<Position>,
    contracts: Vec<Contract>,
    /// Symbols with an open position, ascending, so that sums run over these alone and always in one order.
    held: Vec<SymbolId>,
    currencies: Vec<String>,
    /// Account currency per unit of `currencies`.
    rates: Vec<f64>,
}

impl Portfolio {
    /// An account of `capital` whose currency is the quote currency that all instruments share.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] for a capital that is not a finite number > 0, a bad instrument, or instruments of
    /// several quote currencies (give their rates to [`Portfolio::with_rates`]).
    pub fn new(capital: f64, instruments: &[Instrument]) -> Result<Self> {
        let currency = instruments.first().map_or("USD", |i| i.quote.as_str());
        Self::with_rates(capital, currency, &[], instruments)
    }

    /// An account of `capital` in `currency`; `rates` give the price of one unit of each other quote currency in it.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] for a capital that is not a finite number > 0, a bad instrument, a rate that is not a
    /// finite number > 0, or a quote currency without a rate.
    pub fn with_rates(
        capital: f64,
        currency: &str,
        rates: &[(String, f64)],
        instruments: &[Instrument],
    ) -> Result<Self> {
        Self::with_moving_rates(capital, currency, rates, &[], instruments)
    }

    /// [`Portfolio::with_rates`]; the rates of `moving` come later, by [`Portfolio::set_rate`]. Until then they are what `rates`
    /// says, or unknown (NaN): nothing must be booked in such a currency before.
    ///
    /// # Errors
    /// As [`Portfolio::with_rates`].
    pub fn with_moving_rates(
        capital: f64,
        currency: &str,
        rates: &[(String, f64)],
        moving: &[&str],
        instruments: &[Instrument],
    ) -> Result<Self> {
        if !(capital.is_finite() && capital > 0.0) {
            return Err(CoreError::parameter("capital", capital, "a finite number > 0"));
        }
        let mut all = vec![(currency.to_owned(), 1.0)];
        for (name, rate) in rates {
            check_rate(name, *rate)?;
            if name == currency && *rate != 1.0 {
                return Err(CoreError::parameter(format!("rates.{name}"), rate, "1, as it is the account's currency"));
            }
            if name != currency {
                all.push((name.clone(), *rate));
            }
        }
        for &name in moving {
            if all.iter().all(|(known, _)| known != name) {
                all.push((name.to_owned(), f64::NAN));
            }
        }
        let mut contracts = Vec::with_capacity(instruments.len());
        for i in instruments {
            i.validate()?;
            let Some(at) = all.iter().position(|(name, _)| *name == i.quote) else {
                return Err(no_rate(&i.symbol, &i.quote, currency));
            };
            contracts.push(Contract {
                multiplier: i.multiplier,
                spot: i.kind == InstrumentKind::Spot,
                currency: at as u32,
                max_leverage: i.max_leverage,
                initial_margin: 1.0,
                maintenance_margin: i.maintenance_margin,
            });
        }
        let (currencies, rates) = all.into_iter().unzip();
        Ok(Self {
            capital,
            cash: capital,
            positions: vec![Position::default(); instruments.len()],
            contracts,
            held: Vec::with_capacity(instruments.len()),
            currencies,
            rates,
        })
    }

    /// Sets the leverage that [`Portfolio::free_cash`] and margins reckon with, capped per symbol at what its venue
    /// grants.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] for a leverage that is not a finite number ≥ 1.
    pub fn set_leverage(&mut self, leverage: f64) -> Result<()> {
        if !(leverage.is_finite() && leverage >= 1.0) {
            return Err(CoreError::parameter("leverage", leverage, "a finite number >= 1"));
        }
        for c in &mut self.contracts {
            c.initial_margin = 1.0 / leverage.min(c.max_leverage);
        }
        Ok(())
    }

    /// Sets the price of one unit of `currency` in the account's currency.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] for a currency that no instrument is quoted in, the account's own, or a rate that is
    /// not a finite number > 0.
    pub fn set_rate(&mut self, currency: &str, rate: f64) -> Result<()> {
        check_rate(currency, rate)?;
        match self.currencies.iter().position(|name| name == currency) {
            Some(at) if at > 0 => {
                self.rates[at] = rate;
                Ok(())
            }
            _ => Err(CoreError::parameter("currency", currency, format!("one of {:?}", &self.currencies[1..]))),
        }
    }

    /// Place of a currency among those that have a rate; 0 is the account's own.
    pub(crate) fn currency(&self, name: &str) -> Option<usize> {
        self.currencies.iter().position(|known| known == name)
    }

    /// Account currency per unit of a currency by its place; NaN while it is not known.
    pub(crate) fn rate_of(&self, currency: usize) -> f64 {
        self.rates[currency]
    }

    /// [`Portfolio::set_rate`] by the currency's place, for a rate that is known to be sound.
    pub(crate) fn put_rate(&mut self, currency: usize, rate: f64) {
        self.rates[currency] = rate;
    }

    /// Notes the present price of a symbol.
    #[inline]
    pub fn mark(&mut self, symbol: SymbolId, price: f64) {
        self.positions[symbol as usize].last_price = price;
    }

    /// Takes a closed bar of a symbol: marks its close and ages an open position.
    ///
    /// The extremes count for [`Position::best_price`] and [`Position::worst_price`], also those of the bar that the
    /// position was opened in: where inside the bar it was opened is unknown.
    #[inline]
    pub fn on_bar(&mut self, symbol: SymbolId, bar: &Bar) {
        let position = &mut self.positions[symbol as usize];
        position.last_price = bar.close;
        if position.quantity > 0.0 {
            position.bars_held += 1;
            position.best_price = position.best_price.max(bar.high);
            position.worst_price = position.worst_price.min(bar.low);
        } else if position.quantity < 0.0 {
            position.bars_held += 1;
            position.best_price = position.best_price.min(bar.low);
            position.worst_price = position.worst_price.max(bar.high);
        }
    }

    /// Books a fill; returns the round trip that it closed. A fill beyond the position closes one trade and opens the
    /// next.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] for a symbol outside the table or a quantity, price or fee that cannot be; nothing is
    /// booked then.
    pub fn apply_fill(&mut self, fill: &Fill, instrument: &Instrument) -> Result<Option<Trade>> {
        if fill.symbol as usize >= self.positions.len() {
            let expected = format!("a symbol below {}", self.positions.len());
            return Err(CoreError::parameter("fill.symbol", fill.symbol, expected));
        }
        for (name, v) in [("fill.quantity", fill.quantity), ("fill.price", fill.price)] {
            if !(v.is_finite() && v > 0.0) {
                return Err(CoreError::parameter(name, v, "a finite number > 0"));
            }
        }
        for (name, v) in [("fill.fee", fill.fee), ("fill.slippage", fill.slippage)] {
            if !v.is_finite() {
                return Err(CoreError::parameter(name, v, "a finite number"));
            }
        }
        Ok(self.book(fill, instrument))
    }

    /// [`Portfolio::apply_fill`] for a fill that is known to be sound.
    #[inline(always)]
    pub(crate) fn book(&mut self, fill: &Fill, instrument: &Instrument) -> Option<Trade> {
        let symbol = fill.symbol as usize;
        self.positions[symbol].last_price = fill.price;
        let old = self.positions[symbol].quantity;
        let signed = fill.side.sign() * fill.quantity;
        let new = instrument.round_quantity(old + signed);
        let closes = old != 0.0 && (old > 0.0) != (signed > 0.0);
        let crossed = closes && new != 0.0 && (new > 0.0) != (old > 0.0);
        let closed = if !closes {
            0.0
        } else if crossed || new == 0.0 {
            old.abs()
        } else {
            fill.quantity
        };
        // The part of a flip that opens the next position is what is left of the fill, on the lot grid.
        let opened = if !closes {
            fill.quantity
        } else if crossed {
            new.abs()
        } else {
            0.0
        };
        let share = if opened == 0.0 {
            1.0
        } else if closed == 0.0 {
            0.0
        } else {
            closed / (closed + opened)
        };

        let mut trade = None;
        if closed > 0.0 {
            let keep = if crossed { 0.0 } else { new };
            self.reduce(fill, closed, keep, share);
            if keep == 0.0 {
                trade = Some(self.close(fill));
            }
        }
        if opened > 0.0 {
            self.increase(fill, opened, new, 1.0 - share);
        }
        trade
    }

    /// Takes `closed` off a position, leaving `keep`.
    #[inline(always)]
    fn reduce(&mut self, fill: &Fill, closed: f64, keep: f64, share: f64) {
        let (contract, rate) = self.terms(fill.symbol);
        let position = &mut self.positions[fill.symbol as usize];
        let sign = position.quantity.signum();
        let value = closed * fill.price * contract.multiplier;
        let gross = if contract.spot {
            let basis = if keep == 0.0 { position.basis } else { position.basis * (closed / position.quantity.abs()) };
            position.basis -= basis;
            sign * value * rate - basis
        } else {
            sign * (fill.price - position.average_price) * closed * contract.multiplier * rate
        };
        let fee = fill.fee * rate * share;
        self.cash += if contract.spot { sign * value * rate } else { gross };
        self.cash -= fee;
        position.reach(fill.side.opposite(), fill.price);
        position.quantity = keep;
        position.realised += gross;
        position.fees += fee;
        let round = &mut position.round;
        round.exited += closed;
        round.exit_value += closed * fill.price;
        round.exit_converted += closed * fill.price * rate;
        round.gross += gross;
        round.fees += fee;
        round.slippage += fill.slippage * rate * share;
    }

    /// Adds `opened` to a position, which becomes `new`.
    #[inline(always)]
    fn increase(&mut self, fill: &Fill, opened: f64, new: f64, share: f64) {
        let (contract, rate) = self.terms(fill.symbol);
        let from_flat = self.positions[fill.symbol as usize].quantity == 0.0;
        let equity = if from_flat { self.equity() } else { 0.0 };
        let position = &mut self.positions[fill.symbol as usize];
        if from_flat {
            position.opened_ts = fill.ts;
            position.bars_held = 0;
            position.average_price = fill.price;
            position.best_price = fill.price;
            position.worst_price = fill.price;
            position.entry_equity = equity;
            position.basis = 0.0;
            position.round = RoundTrip { decision: fill.decision, ..RoundTrip::default() };
        } else {
            let held = position.quantity.abs();
            position.average_price = (position.average_price * held + fill.price * opened) / (held + opened);
            position.reach(fill.side, fill.price);
        }
        let signed_value = fill.side.sign() * opened * fill.price * contract.multiplier * rate;
        let fee = fill.fee * rate * share;
        if contract.spot {
            position.basis += signed_value;
            self.cash -= signed_value;
        }
        self.cash -= fee;
        position.quantity = new;
        position.fees += fee;
        let round = &mut position.round;
        round.entered += opened;
        round.entry_value += opened * fill.price;
        round.entry_converted += opened * fill.price * rate;
        round.entry_notional += signed_value.abs();
        round.peak = round.peak.max(new.abs());
        round.fees += fee;
        round.slippage += fill.slippage * rate * share;
        if from_flat && let Err(at) = self.held.binary_search(&fill.symbol) {
            self.held.insert(at, fill.symbol);
        }
    }

    /// Ends the round trip of a position that a fill made flat.
    fn close(&mut self, fill: &Fill) -> Trade {
        if let Ok(at) = self.held.binary_search(&fill.symbol) {
            self.held.remove(at);
        }
        let position = &mut self.positions[fill.symbol as usize];
        let trade = position.trade(fill.symbol, fill.side.opposite(), fill);
        position.clear();
        trade
    }

    /// Books funding of a perpetual: `amount` in quote currency, > 0 when paid.
    pub fn accumulate_funding(&mut self, symbol: SymbolId, amount: f64) {
        let (_, rate) = self.terms(symbol);
        let amount = amount * rate;
        self.cash -= amount;
        let position = &mut self.positions[symbol as usize];
        position.funding += amount;
        if position.quantity != 0.0 {
            position.round.funding += amount;
        }
    }

    /// Books what a broker reported besides fills: funding. Other events change nothing here.
    pub fn apply_event(&mut self, event: &BrokerEvent) {
        if let BrokerEventKind::Funding { amount, .. } = event.kind {
            self.accumulate_funding(event.symbol, amount);
        }
    }

    #[inline]
    fn terms(&self, symbol: SymbolId) -> (Contract, f64) {
        let contract = self.contracts[symbol as usize];
        (contract, self.rates[contract.currency as usize])
    }

    /// What the account started with.
    pub fn capital(&self) -> f64 {
        self.capital
    }

    /// Cash; with spot shorts it holds their proceeds, with borrowed money it is below zero.
    #[inline]
    pub fn cash(&self) -> f64 {
        self.cash
    }

    /// The position of a symbol, flat or not.
    #[inline]
    pub fn position(&self, symbol: SymbolId) -> &Position {
        &self.positions[symbol as usize]
    }

    /// Positions of all symbols, flat ones too.
    pub fn positions(&self) -> &[Position] {
        &self.positions
    }

    /// Symbols with an open position, ascending.
    #[inline]
    pub fn held(&self) -> &[SymbolId] {
        &self.held
    }

    /// Signed notional of a position at its last price, `q·last·m·r`.
    #[inline]
    pub fn notional(&self, symbol: SymbolId) -> f64 {
        let (contract, rate) = self.terms(symbol);
        let position = &self.positions[symbol as usize];
        position.quantity * position.last_price * contract.multiplier * rate
    }

    /// What a position adds to equity: its notional (spot) or its unrealised profit (perpetual).
    #[inline]
    pub fn value(&self, symbol: SymbolId) -> f64 {
        if self.contracts[symbol as usize].spot { self.notional(symbol) } else { self.unrealised(symbol) }
    }

    /// Profit of an open position at its last price, before costs.
    #[inline]
    pub fn unrealised(&self, symbol: SymbolId) -> f64 {
        let (contract, rate) = self.terms(symbol);
        let position = &self.positions[symbol as usize];
        if contract.spot {
            self.notional(symbol) - position.basis
        } else {
            position.quantity * (position.last_price - position.average_price) * contract.multiplier * rate
        }
    }

    /// `cash + Σ value`.
    #[inline]
    pub fn equity(&self) -> f64 {
        self.held.iter().fold(self.cash, |sum, &symbol| sum + self.value(symbol))
    }

    /// `Σ |notional|`, account currency.
    #[inline]
    pub fn gross_exposure(&self) -> f64 {
        self.held.iter().map(|&symbol| self.notional(symbol).abs()).sum()
    }

    /// `Σ notional`, signed, account currency.
    pub fn net_exposure(&self) -> f64 {
        self.held.iter().map(|&symbol| self.notional(symbol)).sum()
    }

    /// Initial margin of all positions, `Σ |notional| / leverage`.
    pub fn used_margin(&self) -> f64 {
        self.held.iter().map(|&s| self.notional(s).abs() * self.contracts[s as usize].initial_margin).sum()
    }

    /// Maintenance margin of all positions, `Σ |notional|·maintenance_margin`.
    pub fn maintenance_margin(&self) -> f64 {
        self.held.iter().map(|&s| self.notional(s).abs() * self.contracts[s as usize].maintenance_margin).sum()
    }

    /// What no position ties up: `equity − used margin`. Without leverage and shorts this is the cash.
    pub fn free_cash(&self) -> f64 {
        self.equity() - self.used_margin()
    }

    /// Initial margin as a fraction of the notional, `1 / leverage`.
    #[inline]
    pub fn initial_margin(&self, symbol: SymbolId) -> f64 {
        self.contracts[symbol as usize].initial_margin
    }

    /// Account currency per unit of the symbol's quote currency; NaN while it is not known.
    #[inline]
    pub fn rate(&self, symbol: SymbolId) -> f64 {
        self.terms(symbol).1
    }

    /// Profit realised by all symbols so far, before costs.
    pub fn realised(&self) -> f64 {
        self.positions.iter().map(|p| p.realised).sum()
    }

    /// Fees paid for all symbols so far.
    pub fn fees(&self) -> f64 {
        self.positions.iter().map(|p| p.fees).sum()
    }

    /// Funding paid for all symbols so far; < 0 when more was received.
    pub fn funding(&self) -> f64 {
        self.positions.iter().map(|p| p.funding).sum()
    }
}

fn check_rate(currency: &str, rate: f64) -> Result<()> {
    if rate.is_finite() && rate > 0.0 {
        return Ok(());
    }
    Err(CoreError::parameter(format!("rates.{currency}"), rate, "a finite number > 0"))
}

/// A quote currency that nobody gave a rate for.
fn no_rate(symbol: &str, quote: &str, account: &str) -> CoreError {
    let expected = format!(
        "what one {quote} is worth in {account}, as {symbol} is quoted in {quote}: give rates = {{{quote} = 1.08}} for a constant, \
         or rate_symbols = {{{quote} = \"{quote}/{account}\"}} and the bars of that pair"
    );
    CoreError::parameter(format!("rates.{quote}"), "none", expected)
}

#[cfg(test)]
mod tests;
