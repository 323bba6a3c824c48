//! What is traded: precision and limits of one symbol.

use serde::{Deserialize, Serialize};

use crate::error::{CoreError, Result};
use crate::order::Side;

/// What a symbol is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InstrumentKind {
    /// The thing itself: buying pays the whole notional, a short sale brings it in.
    #[default]
    Spot,
    /// A linear perpetual swap: only profit and loss, fees and funding move cash.
    Perpetual,
}

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
    /// Spot or perpetual.
    pub kind: InstrumentKind,
    /// Base units of one unit of quantity: 1 but for contracts.
    pub multiplier: f64,
    /// Highest leverage that the venue grants, ≥ 1.
    pub max_leverage: f64,
    /// Maintenance margin as a fraction of the notional, in [0, 1).
    pub maintenance_margin: f64,
    /// What this symbol costs, where it is not what the run's costs say: fee of a fill that takes liquidity.
    pub taker_fee: Option<f64>,
    /// Fee of a fill that gives liquidity; < 0 is a rebate.
    pub maker_fee: Option<f64>,
    /// Distance of bid and ask, a fraction of the price.
    pub spread: Option<f64>,
    /// Slippage of fills that take liquidity, always this fraction of the price.
    pub slippage: Option<f64>,
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
            kind: InstrumentKind::Spot,
            multiplier: 1.0,
            max_leverage: 125.0,
            maintenance_margin: 0.005,
            taker_fee: None,
            maker_fee: None,
            spread: None,
            slippage: None,
        }
    }
}

/// `n` steps as the float nearest to the decimal that a person would write.
#[inline(always)]
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
        for (name, v) in [("tick", self.tick), ("lot", self.lot), ("multiplier", self.multiplier)] {
            if !(v.is_finite() && v > 0.0) {
                return Err(self.fault(name, v, "a number > 0"));
            }
        }
        for (name, v) in [("min_quantity", self.min_quantity), ("min_notional", self.min_notional)] {
            if !(v.is_finite() && v >= 0.0) {
                return Err(self.fault(name, v, "a number >= 0"));
            }
        }
        if !(self.max_leverage.is_finite() && self.max_leverage >= 1.0) {
            return Err(self.fault("max_leverage", self.max_leverage, "a number >= 1"));
        }
        if !(0.0..1.0).contains(&self.maintenance_margin) {
            return Err(self.fault("maintenance_margin", self.maintenance_margin, "a fraction in [0, 1)"));
        }
        for (name, v) in [("taker_fee", self.taker_fee), ("spread", self.spread), ("slippage", self.slippage)] {
            if let Some(v) = v.filter(|v| !(0.0..1.0).contains(v)) {
                return Err(self.fault(name, v, "a fraction in [0, 1)"));
            }
        }
        if let Some(v) = self.maker_fee.filter(|&v| !(v > -1.0 && v < 1.0)) {
            return Err(self.fault("maker_fee", v, "a fraction in (-1, 1)"));
        }
        Ok(())
    }

    fn fault(&self, field: &str, value: f64, expected: &str) -> CoreError {
        CoreError::parameter(format!("instrument {}: {field}", self.symbol), value, expected)
    }

    /// Value of `quantity` at `price` in quote currency, `quantity·price·multiplier`; keeps the sign.
    #[inline(always)]
    pub fn notional(&self, quantity: f64, price: f64) -> f64 {
        quantity * price * self.multiplier
    }

    /// The nearest price on the tick grid.
    #[inline(always)]
    pub fn round_price(&self, price: f64) -> f64 {
        steps((price / self.tick).round(), self.tick)
    }

    /// The highest price on the tick grid that is not above `price`.
    #[inline(always)]
    pub fn floor_price(&self, price: f64) -> f64 {
        let n = price / self.tick;
        steps((n + noise(n)).floor(), self.tick)
    }

    /// The lowest price on the tick grid that is not below `price`.
    #[inline(always)]
    pub fn ceil_price(&self, price: f64) -> f64 {
        let n = price / self.tick;
        steps((n - noise(n)).ceil(), self.tick)
    }

    /// The price on the tick grid that is no better than `price` for a trader who takes liquidity on `side`.
    #[inline(always)]
    pub fn price_against(&self, side: Side, price: f64) -> f64 {
        match side {
            Side::Buy => self.ceil_price(price),
            Side::Sell => self.floor_price(price),
        }
    }

    /// `quantity` is a multiple of the lot, but for float noise.
    #[inline(always)]
    pub fn on_lot(&self, quantity: f64) -> bool {
        let n = quantity / self.lot;
        (n - n.round()).abs() <= 1e-9 * n.abs().max(1.0)
    }

    /// The largest quantity on the lot grid that is not above `quantity` in size; keeps the sign.
    #[inline(always)]
    pub fn floor_quantity(&self, quantity: f64) -> f64 {
        let n = quantity.abs() / self.lot;
        steps((n + noise(n)).floor(), self.lot).copysign(quantity)
    }

    /// The nearest quantity on the lot grid: takes the float noise of sums of fills away.
    #[inline(always)]
    pub fn round_quantity(&self, quantity: f64) -> f64 {
        steps((quantity / self.lot).round(), self.lot)
    }
}

/// How far a count of steps may be off by rounding alone: a billionth of a step, since 0.3 / 0.1 must count as 3, and for fine grids the
/// last bits of the count, since 171.342191 / 1e-8 must count as a whole number too.
#[inline(always)]
fn noise(n: f64) -> f64 {
    (4.0 * f64::EPSILON * n.abs()).max(1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_on_a_fine_grid_stays() {
        let i = grid(1e-8);
        for n in 0..200_000_u32 {
            let price = f64::from(171_342_191 + n * 7) / 1e6;
            assert_eq!(
                (i.floor_price(price), i.ceil_price(price)),
                (i.round_price(price), i.round_price(price)),
                "{price}"
            );
        }
    }

    fn grid(tick: f64) -> Instrument {
        Instrument { tick, lot: tick, ..Instrument::default() }
    }

    #[test]
    fn prices_round_to_their_side() {
        let i = grid(0.05);
        assert_eq!((i.floor_price(100.07), i.ceil_price(100.07), i.round_price(100.07)), (100.05, 100.1, 100.05));
        // A price on the grid stays, whatever noise its float carries.
        for n in 1..2_000 {
            let price = f64::from(n) / 20.0;
            for noisy in [price, price * (1.0 + 1e-15), price * (1.0 - 1e-15), f64::from(n) * 0.05] {
                assert_eq!((i.floor_price(noisy), i.ceil_price(noisy)), (price, price));
            }
        }
        assert_eq!(i.price_against(Side::Buy, 100.01), 100.05);
        assert_eq!(i.price_against(Side::Sell, 100.04), 100.0);
        let coarse = grid(2.5);
        assert_eq!((coarse.floor_price(9.0), coarse.ceil_price(9.0)), (7.5, 10.0));
    }

    #[test]
    fn lots_are_told_from_noise() {
        let i = grid(0.1);
        assert!(i.on_lot(0.1 + 0.2) && i.on_lot(123_456.7) && i.on_lot(0.0));
        assert!(!i.on_lot(0.15) && !i.on_lot(0.100001));
        assert_eq!(i.round_quantity(0.1 + 0.2), 0.3);
        assert_eq!(i.floor_quantity(-0.39), -0.3);
    }

    #[test]
    fn fields_are_checked_by_name() {
        let good = Instrument { symbol: "X".to_owned(), ..Instrument::default() };
        assert!(good.validate().is_ok());
        for (bad, name) in [
            (Instrument { tick: 0.0, ..good.clone() }, "tick"),
            (Instrument { lot: f64::NAN, ..good.clone() }, "lot"),
            (Instrument { multiplier: -1.0, ..good.clone() }, "multiplier"),
            (Instrument { min_quantity: -1.0, ..good.clone() }, "min_quantity"),
            (Instrument { min_notional: f64::INFINITY, ..good.clone() }, "min_notional"),
            (Instrument { max_leverage: 0.5, ..good.clone() }, "max_leverage"),
            (Instrument { maintenance_margin: 1.0, ..good.clone() }, "maintenance_margin"),
        ] {
            let text = bad.validate().unwrap_err().to_string();
            assert!(text.starts_with(&format!("instrument X: {name} = ")), "{text}");
        }
    }
}
