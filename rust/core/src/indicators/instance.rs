//! An indicator together with its name and parameters: what a stream holds and what its snapshot says.

use serde::{Deserialize, Serialize};

use crate::error::{CoreError, Result};
use crate::indicators::Erased;
use crate::indicators::registry::{self, Row};

/// A built indicator that knows its row and its parameters.
pub struct Instance {
    row: &'static Row,
    params: Vec<f64>,
    indicator: Box<dyn Erased>,
}

/// The bytes of a snapshot: they say whose state they are, and whether they arrived whole.
#[derive(Serialize, Deserialize)]
struct Saved {
    name: String,
    params: Vec<f64>,
    state: Vec<u8>,
    check: u64,
}

impl Saved {
    /// FNV-1a over name, parameters and state.
    fn checksum(&self) -> u64 {
        let params = self.params.iter().flat_map(|p| p.to_le_bytes());
        self.name
            .bytes()
            .chain(params)
            .chain(self.state.iter().copied())
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
    }

    fn read(bytes: &[u8]) -> Result<Self> {
        let saved: Self = crate::snapshot::from_bytes(bytes)?;
        if saved.check != saved.checksum() {
            return Err(CoreError::Snapshot("the bytes are damaged: their checksum does not match".to_owned()));
        }
        Ok(saved)
    }
}

impl Instance {
    /// Builds the named indicator, defaults filled in.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] naming what is unknown or out of range.
    pub fn new(name: &str, given: &[(&str, f64)]) -> Result<Self> {
        let row = registry::find(name)?;
        let params = row.resolve(given)?;
        let indicator = (row.build)(&params);
        Ok(Self { row, params, indicator })
    }

    /// Builds the indicator that a snapshot was taken of, in its state.
    ///
    /// # Errors
    /// [`CoreError::Snapshot`] when the bytes are not a snapshot, [`CoreError::Parameter`] when this release knows no such
    /// indicator.
    pub fn from_snapshot(bytes: &[u8]) -> Result<Self> {
        let saved = Saved::read(bytes)?;
        let row = registry::find(&saved.name)?;
        let given: Vec<(&str, f64)> = row.params.iter().map(|p| p.name).zip(saved.params.iter().copied()).collect();
        if given.len() != saved.params.len() {
            return Err(CoreError::Snapshot(format!("{} takes {} parameters", saved.name, row.params.len())));
        }
        let mut instance = Self::new(&saved.name, &given)?;
        instance.indicator.restore(&saved.state)?;
        Ok(instance)
    }

    /// The catalogue's row.
    pub fn row(&self) -> &'static Row {
        self.row
    }

    /// Parameters in the row's order.
    pub fn params(&self) -> &[f64] {
        &self.params
    }

    /// The indicator itself.
    pub fn indicator(&mut self) -> &mut dyn Erased {
        &mut *self.indicator
    }

    /// See [`Indicator::warm_up`](crate::indicators::Indicator::warm_up).
    pub fn warm_up(&self) -> usize {
        self.indicator.warm_up()
    }

    /// Fails where the series is so short that a window in it can never be filled, nor any row be complete.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] naming the parameter and the length.
    pub fn check_length(&self, rows: usize) -> Result<()> {
        if self.warm_up() < rows {
            return Ok(());
        }
        for (p, &value) in self.row.params.iter().zip(&self.params) {
            if p.is_window() && value > rows as f64 {
                let name = format!("{}.{}", self.row.name, p.name);
                return Err(CoreError::parameter(name, value, format!("at most {rows}, the length of the series")));
            }
        }
        Ok(())
    }

    /// The state as bytes that name the indicator and its parameters.
    ///
    /// # Errors
    /// [`CoreError::Internal`] if the state cannot be written, which would be a bug.
    pub fn snapshot(&self) -> Result<Vec<u8>> {
        let (name, params) = (self.row.name.to_owned(), self.params.clone());
        let mut saved = Saved { name, params, state: self.indicator.snapshot()?, check: 0 };
        saved.check = saved.checksum();
        crate::snapshot::to_bytes(&saved)
    }

    /// Takes up a state written by [`Self::snapshot`] of the same indicator with the same parameters.
    ///
    /// # Errors
    /// [`CoreError::Snapshot`] when the bytes are damaged or belong to another indicator; the present state is kept.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let saved = Saved::read(bytes)?;
        if saved.name != self.row.name || saved.params != self.params {
            return Err(CoreError::Snapshot(format!(
                "of {}{:?}, not of {}{:?}",
                saved.name, saved.params, self.row.name, self.params
            )));
        }
        self.indicator.restore(&saved.state)
    }
}

impl Clone for Instance {
    fn clone(&self) -> Self {
        Self { row: self.row, params: self.params.clone(), indicator: self.indicator.boxed_clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rsi(period: f64) -> Instance {
        Instance::new("rsi", &[("period", period)]).unwrap()
    }

    fn feed(instance: &mut Instance, values: &[f64]) -> f64 {
        let mut y = [0.0];
        for &x in values {
            instance.indicator().update(&[x], &mut y).unwrap();
        }
        y[0]
    }

    #[test]
    fn a_snapshot_carries_everything() {
        let mut first = rsi(3.0);
        feed(&mut first, &[1.0, 2.0, 1.5, 3.0]);
        let bytes = first.snapshot().unwrap();
        let mut second = Instance::from_snapshot(&bytes).unwrap();
        let mut third = rsi(3.0);
        third.restore(&bytes).unwrap();
        let want = feed(&mut first.clone(), &[2.5]);
        assert_eq!((second.row().name, second.params(), second.warm_up()), ("rsi", &[3.0][..], 3));
        assert_eq!(feed(&mut second, &[2.5]), want);
        assert_eq!(feed(&mut third, &[2.5]), want);
    }

    #[test]
    fn a_foreign_or_damaged_snapshot_is_refused() {
        let bytes = rsi(3.0).snapshot().unwrap();
        assert!(matches!(rsi(4.0).restore(&bytes), Err(CoreError::Snapshot(_))));
        assert!(matches!(Instance::new("ema", &[]).unwrap().restore(&bytes), Err(CoreError::Snapshot(_))));
        for i in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[i] ^= 0x10;
            assert!(Instance::from_snapshot(&damaged).is_err(), "byte {i}");
            assert!(rsi(3.0).restore(&damaged).is_err(), "byte {i}");
        }
        assert!(Instance::from_snapshot(&[]).is_err());
    }

    #[test]
    fn a_window_must_fit_the_series() {
        assert!(rsi(5.0).check_length(5).is_ok());
        let Err(CoreError::Parameter { name, expected, .. }) = rsi(5.0).check_length(4) else { panic!("5 > 4") };
        assert_eq!((name.as_str(), expected.as_str()), ("rsi.period", "at most 4, the length of the series"));
    }
}
