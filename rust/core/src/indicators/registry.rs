//! The catalogue: what every indicator is called, takes, gives and needs.

use crate::error::{CoreError, Result};
use crate::indicators::{Erased, candles, levels, momentum, overlap, statistic, trend, volatility, volume};

/// Family of an indicator (SPEC §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Family {
    Overlap,
    Trend,
    Momentum,
    Volatility,
    Volume,
    Statistic,
    Levels,
    Candles,
}

impl Family {
    /// Lower-case name, as the catalogue and the Python modules spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Overlap => "overlap",
            Self::Trend => "trend",
            Self::Momentum => "momentum",
            Self::Volatility => "volatility",
            Self::Volume => "volume",
            Self::Statistic => "statistic",
            Self::Levels => "levels",
            Self::Candles => "candles",
        }
    }
}

/// An input column of an indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Input {
    Open,
    High,
    Low,
    Close,
    Volume,
    /// Any series; `close` where a caller passes bars.
    Real,
    /// A second series (correlation, beta).
    Real2,
    /// Bar open time in milliseconds, as a float (session VWAP).
    Timestamp,
}

impl Input {
    /// Name of the argument in Python and of the column in a bar table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::High => "high",
            Self::Low => "low",
            Self::Close | Self::Real => "close",
            Self::Volume => "volume",
            Self::Real2 => "other",
            Self::Timestamp => "timestamp",
        }
    }
}

/// A parameter with its range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Param {
    /// Keyword in Python.
    pub name: &'static str,
    /// Value when the caller gives none.
    pub default: f64,
    /// Smallest accepted value.
    pub min: f64,
    /// Largest accepted value.
    pub max: f64,
    /// Whole numbers only.
    pub integer: bool,
}

impl Param {
    /// A whole-number parameter.
    pub const fn int(name: &'static str, default: u32, min: u32, max: u32) -> Self {
        Self { name, default: default as f64, min: min as f64, max: max as f64, integer: true }
    }

    /// A real parameter.
    pub const fn float(name: &'static str, default: f64, min: f64, max: f64) -> Self {
        Self { name, default, min, max, integer: false }
    }

    /// Counts rows: a series has to be at least this long to fill it.
    pub fn is_window(&self) -> bool {
        const COUNTS: [&str; 6] = ["lookback", "displacement", "lag", "max_lag", "left", "right"];
        self.integer && (self.name.ends_with("period") || COUNTS.contains(&self.name))
    }

    fn expected(&self) -> String {
        let kind = if self.integer { "a whole number" } else { "a number" };
        format!("{kind} from {} to {}", self.min, self.max)
    }
}

/// Longest window any indicator takes.
pub const MAX_PERIOD: u32 = 100_000;

/// A rule over several parameters: the parameter that breaks it and what was expected, if one does.
pub type Rule = fn(&[f64]) -> Option<(&'static str, &'static str)>;

/// The rule of indicators whose first two parameters are a fast and a slow period.
pub const FAST_BELOW_SLOW: Option<Rule> =
    Some(|p| (p[0] >= p[1]).then_some(("fast_period", "a period shorter than slow_period")));

/// One indicator of the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Name in Python and in the catalogue.
    pub name: &'static str,
    /// Family.
    pub family: Family,
    /// Input columns, in the order in which `update` takes them.
    pub inputs: &'static [Input],
    /// Parameters, in the order in which `build` takes them.
    pub params: &'static [Param],
    /// Outputs, in the order in which `update` returns them; a single one has the row's name.
    pub outputs: &'static [&'static str],
    /// One line for people.
    pub summary: &'static str,
    /// A rule over several parameters: the text of what is expected where it is broken.
    pub rule: Option<Rule>,
    /// Builds the indicator from checked parameters.
    pub build: fn(&[f64]) -> Box<dyn Erased>,
}

impl Row {
    /// Parameters in order from (name, value) pairs, defaults filled in, every range checked.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] naming the parameter that is unknown or out of range.
    pub fn resolve(&self, given: &[(&str, f64)]) -> Result<Vec<f64>> {
        let mut values: Vec<f64> = self.params.iter().map(|p| p.default).collect();
        for &(name, value) in given {
            let Some(k) = self.params.iter().position(|p| p.name == name) else {
                let known: Vec<&str> = self.params.iter().map(|p| p.name).collect();
                let expected =
                    if known.is_empty() { "no parameter".to_owned() } else { format!("one of {}", known.join(", ")) };
                return Err(CoreError::parameter(format!("{}.{name}", self.name), value, expected));
            };
            values[k] = value;
        }
        self.check(&values)?;
        Ok(values)
    }

    fn check(&self, values: &[f64]) -> Result<()> {
        for (p, &v) in self.params.iter().zip(values) {
            let whole = !p.integer || v.fract() == 0.0;
            if !(v >= p.min && v <= p.max && whole) {
                return Err(CoreError::parameter(format!("{}.{}", self.name, p.name), v, p.expected()));
            }
        }
        if let Some((name, expected)) = self.rule.and_then(|rule| rule(values)) {
            let at = self.params.iter().position(|p| p.name == name);
            let value = at.map_or(f64::NAN, |k| values[k]);
            return Err(CoreError::parameter(format!("{}.{name}", self.name), value, expected));
        }
        Ok(())
    }

    /// A new indicator with these parameters.
    ///
    /// # Errors
    /// As [`Row::resolve`].
    pub fn build_with(&self, given: &[(&str, f64)]) -> Result<Box<dyn Erased>> {
        Ok((self.build)(&self.resolve(given)?))
    }
}

/// Every row, family by family.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    [
        overlap::ROWS,
        trend::ROWS,
        momentum::ROWS,
        volatility::ROWS,
        volume::ROWS,
        statistic::ROWS,
        levels::ROWS,
        candles::ROWS,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// The row of this name.
///
/// # Errors
/// [`CoreError::Parameter`] naming the closest known indicators.
pub fn find(name: &str) -> Result<&'static Row> {
    rows().find(|r| r.name == name).ok_or_else(|| {
        let near = nearest(name, rows().map(|r| r.name));
        CoreError::parameter("indicator", format!("{name:?}"), format!("a known name, such as {near}"))
    })
}

/// The three known names closest to `name`, for messages.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let mut near: Vec<&str> = known.collect();
    near.sort_by_key(|known| distance(name, known));
    near.truncate(3);
    near.join(", ")
}

/// Levenshtein distance, for "did you mean".
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let cost = usize::from(ca != *cb);
            let next = (row[j + 1] + 1).min(row[j] + 1).min(diagonal + cost);
            diagonal = row[j + 1];
            row[j + 1] = next;
        }
    }
    row[b.len()]
}
