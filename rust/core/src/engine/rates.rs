//! Rates of quote currencies: constants of the configuration, and those that the run's own symbols tell at their closes.
//!
//! A rate changes at one moment only: when the bars of a time have closed, before the account is marked and anything is decided. What
//! fills after that, at the next open or inside that bar, is booked at it.

use std::collections::BTreeMap;

use super::config::{EngineConfig, RateSymbol};
use crate::error::{CoreError, Result};
use crate::fill::MarginMode;
use crate::instrument::Instrument;
use crate::portfolio::Portfolio;
use crate::types::{Bar, SymbolId};

/// The account of a run before its first bar.
pub(super) fn account(config: &EngineConfig, instruments: &[Instrument]) -> Result<Portfolio> {
    let shared = || instruments.first().map_or("USD", |i| i.quote.as_str());
    let currency = config.currency.as_deref().unwrap_or_else(shared);
    if config.rate_symbols.contains_key(currency) {
        let expected = "no symbol, as it is the account's currency";
        let symbol = &config.rate_symbols[currency].symbol;
        return Err(CoreError::parameter(format!("rate_symbols.{currency}"), format!("{symbol:?}"), expected));
    }
    let rates: Vec<(String, f64)> = config.rates.iter().map(|(name, &rate)| (name.clone(), rate)).collect();
    let moving: Vec<&str> = config.rate_symbols.keys().map(String::as_str).collect();
    let mut account = Portfolio::with_moving_rates(config.capital, currency, &rates, &moving, instruments)?;
    if config.costs.margin.mode != MarginMode::Unlimited {
        account.set_leverage(config.costs.margin.leverage)?;
    }
    Ok(account)
}

/// Where the rates come from that move.
pub(super) struct Rates {
    /// Each after the one that it goes through.
    sources: Vec<Source>,
    /// Last close of each source's symbol, NaN before the first.
    closes: Vec<f64>,
}

struct Source {
    symbol: SymbolId,
    inverse: bool,
    /// Whose rate it is, and in what the pair counts it, by their places in the account.
    currency: usize,
    through: usize,
}

impl Rates {
    pub(super) fn new(config: &EngineConfig, portfolio: &Portfolio) -> Result<Self> {
        let mut waiting: BTreeMap<&str, &RateSymbol> =
            config.rate_symbols.iter().map(|(name, source)| (name.as_str(), source)).collect();
        let mut sources = Vec::with_capacity(waiting.len());
        while !waiting.is_empty() {
            let ready = waiting.iter().find(|(_, s)| s.through.as_deref().is_none_or(|t| !waiting.contains_key(t)));
            let Some((&name, &source)) = ready else {
                let names: Vec<&str> = waiting.into_keys().collect();
                let expected = "pairs that lead to the account's currency; these lead to each other";
                return Err(CoreError::parameter("rate_symbols", format!("{names:?}"), expected));
            };
            waiting.remove(name);
            sources.push(Source::new(name, source, config, portfolio)?);
        }
        Ok(Self { closes: vec![f64::NAN; sources.len()], sources })
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// Takes the closes of one time into the account's rates.
    #[inline]
    pub(super) fn take(&mut self, bars: &[(SymbolId, Bar)], portfolio: &mut Portfolio) {
        if !self.sources.is_empty() {
            self.follow(bars, portfolio);
        }
    }

    fn follow(&mut self, bars: &[(SymbolId, Bar)], portfolio: &mut Portfolio) {
        for (source, close) in self.sources.iter().zip(&mut self.closes) {
            if let Some((_, bar)) = bars.iter().find(|(s, _)| *s == source.symbol) {
                *close = bar.close;
            }
            let unit = portfolio.rate_of(source.through);
            let rate = if source.inverse { unit / *close } else { unit * *close };
            // Before the first close, and for a quotient that no float holds, the rate stays what it was.
            if rate.is_finite() && rate > 0.0 {
                portfolio.put_rate(source.currency, rate);
            }
        }
    }

    pub(super) fn image(&self) -> Vec<f64> {
        self.closes.clone()
    }

    pub(super) fn restore(&mut self, closes: Vec<f64>) -> Result<()> {
        if closes.len() != self.sources.len() {
            return Err(CoreError::Snapshot("made with other rates".to_owned()));
        }
        self.closes = closes;
        Ok(())
    }
}

impl Source {
    fn new(name: &str, source: &RateSymbol, config: &EngineConfig, portfolio: &Portfolio) -> Result<Self> {
        let field = || format!("rate_symbols.{name}");
        let known = config.symbols.iter().position(|s| s.instrument.symbol == source.symbol);
        let Some(symbol) = known else {
            let expected = "a symbol of the run, with bars";
            return Err(CoreError::parameter(field(), format!("{:?}", source.symbol), expected));
        };
        let quote = &config.symbols[symbol].instrument.quote;
        if source.inverse != (quote == name) {
            let expected = format!("inverse exactly where the pair is quoted in {name}; it is quoted in {quote}");
            return Err(CoreError::parameter(format!("{}.inverse", field()), source.inverse, expected));
        }
        let place = |currency: &str| portfolio.currency(currency);
        let Some(through) = source.through.as_deref().map_or(Some(0), place) else {
            let other = source.through.as_deref().unwrap_or_default();
            let expected = format!("a pair with the account's currency, or a rate for {other} too");
            return Err(CoreError::parameter(field(), format!("{:?}", source.symbol), expected));
        };
        let currency = place(name).ok_or_else(|| CoreError::Internal(format!("no place for the rate of {name}")))?;
        Ok(Self { symbol: symbol as SymbolId, inverse: source.inverse, currency, through })
    }
}
