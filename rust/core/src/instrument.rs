//! What is traded: precision and limits of one symbol.

use serde::{Deserialize, Serialize};

use crate::error::{CoreError, Result};

/// Precision, limits and nature of one symbol.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Instrument {
    /// Name, `BTC/USD`.
    pub symbol: String,
    /// Smallest price step, > 0.
    pub tick: f64,
    /// Smallest quantity step, > 0.
    pub lot: f64,
    /// Smallest quantity of an order.
    pub min_quantity: f64,
    /// Smallest notional of an order, quote currency.
    pub min_notional: f64,
    /// Currency of prices, `USD`.
    pub quote: String,
    /// May be held short.
    pub shortable: bool,
}

impl Default for Instrument {
    fn default() -> Self {
        Self {
            symbol: String::new(),
            tick: 1e-8,
            lot: 1e-8,
            min_quantity: 0.0,
            min_notional: 0.0,
            quote: "USD".to_owned(),
            shortable: true,
        }
    }
}

/// `n` steps as the float nearest to the decimal that a person would write.
#[inline]
fn steps(n: f64, step: f64) -> f64 {
    let inverse = (1.0 / step).round();
    if (inverse * step - 1.0).abs() < 1e-12 { n / inverse } else { n * step }
}

impl Instrument {
    /// Checks that the fields make sense.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] naming the field.
    pub fn validate(&self) -> Result<()> {
        for (name, v) in [("tick", self.tick), ("lot", self.lot)] {
            if !(v.is_finite() && v > 0.0) {
                return Err(CoreError::parameter(format!("instrument {}: {name}", self.symbol), v, "a number > 0"));
            }
        }
        for (name, v) in [("min_quantity", self.min_quantity), ("min_notional", self.min_notional)] {
            if !(v.is_finite() && v >= 0.0) {
                return Err(CoreError::parameter(format!("instrument {}: {name}", self.symbol), v, "a number >= 0"));
            }
        }
        Ok(())
    }

    /// The nearest price on the tick grid.
    #[inline]
    pub fn round_price(&self, price: f64) -> f64 {
        steps((price / self.tick).round(), self.tick)
    }

    /// The largest quantity on the lot grid that is not above `quantity` in size; keeps the sign.
    #[inline]
    pub fn floor_quantity(&self, quantity: f64) -> f64 {
        // A billionth of a lot is float noise, not a missing lot: 0.3 / 0.1 must count as 3.
        let n = (quantity.abs() / self.lot + 1e-9).floor();
        steps(n, self.lot).copysign(quantity)
    }

    /// The nearest quantity on the lot grid: takes the float noise of sums of fills away.
    #[inline]
    pub fn round_quantity(&self, quantity: f64) -> f64 {
        steps((quantity / self.lot).round(), self.lot)
    }
}
