//! Strategies of the catalogue on their own: over a table of bars, or bar by bar.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::bars::Bars;
use crate::error::{CoreError, Result};
use crate::features::{FeatureConfig, FeatureRow, FeatureState};
use crate::strategies::anomaly_detection::BarShape;
use crate::strategies::forest_onnx;
use crate::strategies::regime_change::ReturnAndVolatility;
use crate::strategies::registry::{self, StrategyContext};
use crate::strategies::{Context, Strategy, Vote, universe};
use crate::types::{Bar, SymbolId};

/// A strategy on one symbol with the features that it reads, if any.
pub struct Runner {
    strategy: Box<dyn Strategy>,
    features: Option<FeatureState>,
    row: FeatureRow,
}

#[derive(Serialize, Deserialize)]
struct Image {
    strategy: Vec<u8>,
    features: Option<FeatureState>,
}

impl Runner {
    /// The strategy of this name in the catalogue.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] for an unknown name, a parameter out of its range, a model that is none, or a strategy over several
    /// symbols, which cannot run on one.
    pub fn new(name: &str, given: &[(&str, f64)], context: &StrategyContext, model: Option<&str>) -> Result<Self> {
        if universe::find(name).is_some() {
            let expected = "a strategy on one symbol: this one needs a table of several";
            return Err(CoreError::parameter("strategy", format!("{name:?}"), expected));
        }
        let strategy = registry::find(name)?.build_fitted(given, context, model)?;
        let features = if strategy.needs_features() {
            Some(FeatureState::new(&FeatureConfig::of(context.market, context.timeframe))?)
        } else {
            None
        };
        Ok(Self { strategy, features, row: FeatureRow::MISSING })
    }

    /// Takes the next closed bar.
    pub fn update(&mut self, bar: &Bar) -> Vote {
        if let Some(state) = &mut self.features {
            state.push(bar);
            state.row(&mut self.row);
        }
        self.strategy.update(&Context { bar, features: self.features.is_some().then_some(&self.row) })
    }

    /// See [`Strategy::warm_up`].
    pub fn warm_up(&self) -> usize {
        self.strategy.warm_up()
    }

    /// Reads feature columns.
    pub fn needs_features(&self) -> bool {
        self.features.is_some()
    }

    /// Returns to the state before the first bar.
    ///
    /// # Errors
    /// None in practice: the configuration was checked before.
    pub fn reset(&mut self) -> Result<()> {
        self.strategy.reset();
        self.row = FeatureRow::MISSING;
        if let Some(state) = &mut self.features {
            *state = FeatureState::new(state.config())?;
        }
        Ok(())
    }

    /// The state as bytes.
    ///
    /// # Errors
    /// As [`crate::snapshot::to_bytes`].
    pub fn snapshot(&self) -> Result<Vec<u8>> {
        crate::snapshot::to_bytes(&Image { strategy: self.strategy.snapshot()?, features: self.features.clone() })
    }

    /// Takes up a state.
    ///
    /// # Errors
    /// [`CoreError::Snapshot`] when the bytes are not of this strategy.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let image: Image = crate::snapshot::from_bytes(bytes)?;
        if image.features.is_some() != self.features.is_some() {
            return Err(CoreError::Snapshot("of another strategy".to_owned()));
        }
        self.strategy.restore(&image.strategy)?;
        self.features = image.features;
        Ok(())
    }
}

/// Votes in table order; NaN in both columns where there is none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Votes {
    /// Wanted positions.
    pub signal: Vec<f64>,
    /// Confidences.
    pub confidence: Vec<f64>,
}

impl Votes {
    fn put(&mut self, row: usize, vote: Vote) {
        self.signal[row] = vote.signal;
        self.confidence[row] = if vote.is_warm() { vote.confidence } else { f64::NAN };
    }
}

/// Votes of a strategy of the catalogue, of either kind, over a table of bars; each symbol starts cold.
///
/// # Errors
/// [`CoreError::Parameter`] for an unknown name, a parameter out of its range, or a model that is none.
pub fn evaluate(
    bars: &Bars,
    name: &str,
    given: &[(&str, f64)],
    context: &StrategyContext,
    model: Option<&str>,
) -> Result<Votes> {
    let n = bars.len();
    let mut votes = Votes { signal: vec![f64::NAN; n], confidence: vec![f64::NAN; n] };
    if let Some(row) = universe::find(name) {
        if model.is_some() {
            return Err(CoreError::parameter(format!("{name}.model"), "a model", "none: the rule is fixed"));
        }
        let count = bars.symbols().len();
        let mut strategy = row.build_with(given, count)?;
        let mut next: Vec<usize> = (0..count).map(|k| bars.offset(k)).collect();
        let mut now = vec![Vote::COLD; count];
        bars.for_each_time(|ts, batch: &[(SymbolId, Bar)]| {
            strategy.update(ts, batch, &mut now);
            for (symbol, _) in batch {
                let k = *symbol as usize;
                votes.put(next[k], now[k]);
                next[k] += 1;
            }
            Ok::<(), CoreError>(())
        })?;
        return Ok(votes);
    }
    let mut runner = Runner::new(name, given, context, model)?;
    for k in 0..bars.symbols().len() {
        runner.reset()?;
        let series = bars.series(k);
        for i in 0..series.len() {
            votes.put(bars.offset(k) + i, runner.update(&series.bar(i)));
        }
    }
    Ok(votes)
}

/// The model in the bytes of an ONNX file, as the JSON that [`Runner::new`] and a configuration take.
///
/// # Errors
/// [`CoreError::Parameter`] for a strategy that takes no ONNX file, and for bytes that are no such model.
pub fn model_from_onnx(name: &str, bytes: &[u8]) -> Result<String> {
    if name != "anomaly_detection" {
        let expected = "anomaly_detection, the strategy whose model ONNX can hold";
        return Err(CoreError::parameter("strategy", format!("{name:?}"), expected));
    }
    serde_json::to_string(&forest_onnx::read(bytes)?).map_err(|e| CoreError::Internal(format!("forest: {e}")))
}

/// What the model of a fitted strategy sees, one row a bar, for fitting it elsewhere; rows that are still missing are NaN.
///
/// # Errors
/// [`CoreError::Parameter`] for a strategy without a model, or a parameter out of its range.
pub fn observations(bars: &Bars, name: &str, given: &[(&str, f64)]) -> Result<Vec<Vec<f64>>> {
    let params = resolve(name, given)?;
    let param =
        |wanted: &str| params.iter().find(|(name, _)| *name == wanted).map_or(0.0, |(_, value)| *value) as usize;
    let width = match name {
        "anomaly_detection" => 3,
        "regime_change" => 2,
        _ => return Err(CoreError::parameter("strategy", format!("{name:?}"), "anomaly_detection or regime_change")),
    };
    let mut columns = vec![vec![f64::NAN; bars.len()]; width];
    for k in 0..bars.symbols().len() {
        let series = bars.series(k);
        let mut shape = BarShape::new(param("volume_period").max(1));
        let mut eye = ReturnAndVolatility::new(param("period").max(2));
        for i in 0..series.len() {
            let bar = series.bar(i);
            let row = bars.offset(k) + i;
            let seen: SmallVec<[f64; 3]> = if width == 3 {
                shape.update(&bar).into_iter().flatten().collect()
            } else {
                eye.update(bar.close).into_iter().flatten().collect()
            };
            for (column, x) in columns.iter_mut().zip(seen) {
                column[row] = x;
            }
        }
    }
    Ok(columns)
}

/// Parameters of a strategy of either kind, defaults filled in, in the catalogue's order.
///
/// # Errors
/// [`CoreError::Parameter`] for an unknown name or a parameter out of its range.
pub fn resolve(name: &str, given: &[(&str, f64)]) -> Result<Vec<(&'static str, f64)>> {
    let (params, values) = if let Some(row) = universe::find(name) {
        (row.params, row.resolve(given)?)
    } else {
        let row = registry::find(name)?;
        (row.params, row.resolve(given)?)
    };
    Ok(params.iter().map(|p| p.name).zip(values).collect())
}

#[cfg(test)]
mod tests {
    use proptest::strategy::{Strategy as _, ValueTree};
    use proptest::test_runner::TestRunner;

    use super::*;
    use crate::strategies::testing::{bars, run};

    fn table() -> (Vec<Vec<Bar>>, Bars) {
        let mut runner = TestRunner::deterministic();
        let tapes: Vec<Vec<Bar>> = (0..3).map(|_| bars(260).new_tree(&mut runner).unwrap().current()).collect();
        let column = |f: fn(&Bar) -> f64| tapes.iter().flatten().map(f).collect();
        let columns =
            [column(|b| b.open), column(|b| b.high), column(|b| b.low), column(|b| b.close), column(|b| b.volume)];
        let runs = ["a", "b", "c"].iter().map(|s| ((*s).to_owned(), 260)).collect();
        let ts = tapes.iter().flatten().map(|b| b.ts).collect();
        let table = Bars::try_new(runs, ts, columns).unwrap();
        (tapes, table)
    }

    #[test]
    fn a_table_gives_what_the_stream_gives() {
        let (tapes, table) = table();
        let context = StrategyContext::default();
        for row in registry::rows() {
            let votes = evaluate(&table, row.name, &[], &context, None).unwrap();
            let mut at = 0;
            for tape in &tapes {
                let mut strategy = row.build_with(&[], &context).unwrap();
                for vote in run(&mut *strategy, tape) {
                    assert_eq!(votes.signal[at].to_bits(), vote.signal.to_bits(), "{} at {at}", row.name);
                    assert_eq!(votes.confidence[at].is_nan(), !vote.is_warm());
                    at += 1;
                }
            }
        }
        let pairs = evaluate(&table, "pairs_trading", &[], &context, None).unwrap();
        assert_eq!(pairs.signal.len(), table.len());
    }

    #[test]
    fn a_runner_goes_on_from_its_snapshot() {
        let (tapes, _) = table();
        for name in ["ut_bot", "scanner_signal", "anomaly_detection"] {
            let build = || Runner::new(name, &[], &StrategyContext::default(), None).unwrap();
            let mut first = build();
            for bar in &tapes[0][..230] {
                first.update(bar);
            }
            let mut second = build();
            second.restore(&first.snapshot().unwrap()).unwrap();
            for bar in &tapes[0][230..] {
                assert_eq!(first.update(bar).signal.to_bits(), second.update(bar).signal.to_bits());
            }
        }
        let mut plain = Runner::new("ut_bot", &[], &StrategyContext::default(), None).unwrap();
        let scanner = Runner::new("scanner_signal", &[], &StrategyContext::default(), None).unwrap();
        assert!(plain.restore(&scanner.snapshot().unwrap()).is_err());
    }

    #[test]
    fn names_and_kinds() {
        let context = StrategyContext::default();
        assert!(Runner::new("pairs_trading", &[], &context, None).is_err());
        assert!(Runner::new("nonsense", &[], &context, None).is_err());
        assert_eq!(resolve("ut_bot", &[("sensitivity", 2.0)]).unwrap(), [("atr_period", 10.0), ("sensitivity", 2.0)]);
        assert_eq!(resolve("pairs_trading", &[]).unwrap().len(), 8);
        let (_, table) = table();
        assert!(evaluate(&table, "pairs_trading", &[], &context, Some("{}")).is_err());
    }
}
