//! Values that every layer speaks of.

use serde::{Deserialize, Serialize};

use crate::error::{CoreError, Result};

/// Position of a symbol in the engine's symbol table.
pub type SymbolId = u32;

/// One closed bar. Prices in quote currency, volume in base currency.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    /// Open time, milliseconds since the epoch, UTC.
    pub ts: i64,
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
    /// Traded volume in base currency.
    pub volume: f64,
}

impl Bar {
    /// `(high + low + close) / 3`.
    #[inline]
    pub fn typical(&self) -> f64 {
        (self.high + self.low + self.close) / 3.0
    }

    /// The first rule that the bar breaks, as (column, value, expected).
    pub fn fault(&self) -> Option<(&'static str, f64, &'static str)> {
        for (name, v) in [("open", self.open), ("high", self.high), ("low", self.low), ("close", self.close)] {
            if !v.is_finite() {
                return Some((name, v, "a finite price"));
            }
            if v <= 0.0 {
                return Some((name, v, "a price > 0"));
            }
        }
        if !self.volume.is_finite() {
            return Some(("volume", self.volume, "a finite volume"));
        }
        if self.volume < 0.0 {
            return Some(("volume", self.volume, "a volume >= 0"));
        }
        if self.high < self.low {
            return Some(("high", self.high, "high >= low"));
        }
        if self.high < self.open.max(self.close) {
            return Some(("high", self.high, "high >= open and close"));
        }
        if self.low > self.open.min(self.close) {
            return Some(("low", self.low, "low <= open and close"));
        }
        None
    }
}

/// Kind of market, which sets momentum periods and thresholds (SPEC §3, §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Market {
    /// Spot or perpetual crypto pairs.
    #[default]
    Crypto,
    /// Currency pairs.
    Forex,
}

/// Horizon of a scan or run; each stands for a set of periods and thresholds (SPEC §3, §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Timeframe {
    /// 1 minute.
    Scalping,
    /// 5 minutes.
    Short,
    /// 1 hour.
    #[default]
    Medium,
    /// 1 day.
    Daily,
    /// 1 week.
    Weekly,
}

impl Market {
    /// Parses `crypto` or `forex`.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] for any other word.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "crypto" => Ok(Self::Crypto),
            "forex" => Ok(Self::Forex),
            _ => Err(CoreError::parameter("market", format!("{text:?}"), "\"crypto\" or \"forex\"")),
        }
    }
}

impl Timeframe {
    /// Parses a key (`medium`) or an exchange interval (`1h`, `15m`); an interval takes the nearest key at or below it.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "scalping" => return Ok(Self::Scalping),
            "short" => return Ok(Self::Short),
            "medium" => return Ok(Self::Medium),
            "daily" => return Ok(Self::Daily),
            "weekly" => return Ok(Self::Weekly),
            _ => {}
        }
        let minutes = interval_ms(text)? / 60_000;
        Ok(match minutes {
            ..=4 => Self::Scalping,
            5..=59 => Self::Short,
            60..=1_439 => Self::Medium,
            1_440..=10_079 => Self::Daily,
            _ => Self::Weekly,
        })
    }
}

/// Milliseconds of a timeframe key or exchange interval: `1m`, `15m`, `4h`, `1d`, `1w`, `medium`.
///
/// # Errors
/// [`CoreError::Parameter`] when the text is neither.
pub fn interval_ms(text: &str) -> Result<i64> {
    let bad = || {
        CoreError::parameter(
            "timeframe",
            format!("{text:?}"),
            "scalping, short, medium, daily, weekly or an interval such as 1m, 15m, 4h, 1d, 1w",
        )
    };
    let text_ = match text {
        "scalping" => "1m",
        "short" => "5m",
        "medium" => "1h",
        "daily" => "1d",
        "weekly" => "1w",
        other => other,
    };
    let split = text_.len().checked_sub(1).filter(|&i| text_.is_char_boundary(i)).ok_or_else(bad)?;
    let (number, unit) = text_.split_at(split);
    let n: i64 = number.parse().map_err(|_| bad())?;
    let unit = match unit {
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        _ => return Err(bad()),
    };
    n.checked_mul(unit).filter(|&ms| ms > 0).ok_or_else(bad)
}
