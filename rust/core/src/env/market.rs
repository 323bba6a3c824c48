//! Bars and encoded features that all environments share.

use crate::bars::Series;
use crate::error::{CoreError, Result};
use crate::instrument::Instrument;
use crate::portfolio::Portfolio;
use crate::types::Bar;

use super::config::EnvConfig;

/// One symbol, or several that are traded together at the same times. Nothing in it changes: environments share it.
#[derive(Debug, Clone)]
pub struct Market {
    pub(super) instruments: Vec<Instrument>,
    /// Bars of all symbols at one time, then of the next.
    pub(super) bars: Vec<Bar>,
    /// Encoded features, as the bars.
    pub(super) rows: Vec<f32>,
    /// Numbers of one symbol's row.
    pub(super) features: usize,
    pub(super) len: usize,
    warm_up: usize,
}

impl Market {
    /// A market of these instruments. `encoded[k]` are the rows of `features` numbers of instrument `k`; before row `warm_up` they are not
    /// yet known, and no episode starts.
    ///
    /// # Errors
    /// [`CoreError::Shape`] when lengths or times differ, [`CoreError::Data`] for a number outside [−1, 1],
    /// [`CoreError::Parameter`] for a bad instrument.
    pub fn new(
        instruments: Vec<Instrument>,
        series: &[Series<'_>],
        encoded: &[&[f32]],
        features: usize,
        warm_up: usize,
    ) -> Result<Self> {
        let k = instruments.len();
        if k == 0 || series.len() != k || encoded.len() != k {
            let got = format!("{k} instruments, {} series, {} feature tables", series.len(), encoded.len());
            return Err(CoreError::shape("market", got, "as many of each, and at least one"));
        }
        let len = series[0].len();
        for ((instrument, s), rows) in instruments.iter().zip(series).zip(encoded) {
            instrument.validate()?;
            let symbol = &instrument.symbol;
            if s.ts != series[0].ts {
                let got = format!("{} bars at other times", s.len());
                return Err(CoreError::shape(
                    format!("bars of {symbol}"),
                    got,
                    format!("the times of {}", instruments[0].symbol),
                ));
            }
            if rows.len() != len * features {
                return Err(CoreError::shape(format!("features of {symbol}"), rows.len(), len * features));
            }
            if let Some(at) = rows.iter().position(|x| !(-1.0..=1.0).contains(x)) {
                return Err(CoreError::Data {
                    symbol: Some(symbol.clone()),
                    row: at / features.max(1),
                    column: format!("feature {}", at % features.max(1)),
                    value: rows[at].to_string(),
                    expected: "a number in [-1, 1]".to_owned(),
                });
            }
        }
        let mut bars = Vec::with_capacity(len * k);
        let mut rows = Vec::with_capacity(len * k * features);
        for t in 0..len {
            for s in 0..k {
                bars.push(series[s].bar(t));
                rows.extend_from_slice(&encoded[s][t * features..(t + 1) * features]);
            }
        }
        Ok(Self { instruments, bars, rows, features, len, warm_up })
    }

    /// Instruments, in the order of an action.
    pub fn instruments(&self) -> &[Instrument] {
        &self.instruments
    }

    /// Bars of each symbol.
    pub fn len(&self) -> usize {
        self.len
    }

    /// No bars.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// First bar on whose close an action can be chosen.
    pub fn first(&self, config: &EnvConfig) -> usize {
        self.warm_up.max(config.lookback - 1)
    }

    /// That an episode fits.
    pub(super) fn check(&self, config: &EnvConfig) -> Result<()> {
        let needed = self.first(config) + 2;
        if self.len >= needed {
            return Ok(());
        }
        let names: Vec<&str> = self.instruments.iter().map(|i| i.symbol.as_str()).collect();
        Err(CoreError::shape(
            format!("bars of {}", names.join(" and ")),
            self.len,
            format!(
                "at least {needed} (lookback {}, features known from row {}, one step)",
                config.lookback, self.warm_up
            ),
        ))
    }

    /// The bar of instrument `s` at time `t`.
    #[inline(always)]
    pub(super) fn bar(&self, t: usize, s: usize) -> &Bar {
        &self.bars[t * self.instruments.len() + s]
    }

    /// The features of all instruments at time `t`.
    #[inline(always)]
    pub(super) fn row(&self, t: usize) -> &[f32] {
        let n = self.features * self.instruments.len();
        &self.rows[t * n..(t + 1) * n]
    }

    pub(super) fn account(&self, capital: f64) -> Result<Portfolio> {
        let currency = self.instruments[0].quote.as_str();
        // An episode is reckoned in one currency; where quotes differ, one unit of each counts as one.
        let mut rates: Vec<(String, f64)> = Vec::new();
        for i in &self.instruments {
            if i.quote != currency && !rates.iter().any(|(name, _)| *name == i.quote) {
                rates.push((i.quote.clone(), 1.0));
            }
        }
        Portfolio::with_rates(capital, currency, &rates, &self.instruments)
    }
}
