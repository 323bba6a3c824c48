//! `RiskBook`: the risk engine with the meters and instruments of its symbols, for callers who keep their own account.

use arrow_buffer::ScalarBuffer;
use mirrorfast_core::CoreError;
use mirrorfast_core::instrument::Instrument;
use mirrorfast_core::risk::{Account, Held, RiskConfig, RiskDecision, RiskEngine, RiskMeter, TargetRequest};
use mirrorfast_core::snapshot;
use mirrorfast_core::types::{Bar, SymbolId};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::convert::to_python;
use crate::variant::name_of;
use crate::{arrow, gateway};

/// Risk engine, meters and instruments of a growing list of symbols.
#[pyclass(name = "RiskBook", module = "mirrorfast._core")]
pub(crate) struct PyRiskBook {
    engine: RiskEngine,
    meters: Vec<RiskMeter>,
    instruments: Vec<Instrument>,
}

fn optional(x: f64) -> Option<f64> {
    (!x.is_nan()).then_some(x)
}

fn decision<'py>(py: Python<'py>, d: &RiskDecision) -> PyResult<Bound<'py, PyDict>> {
    let steps = PyList::empty(py);
    for s in &d.steps {
        let step = PyDict::new(py);
        step.set_item("rule", s.rule.as_str())?;
        step.set_item("before", optional(s.before))?;
        step.set_item("after", s.after)?;
        step.set_item("limit", optional(s.limit))?;
        step.set_item("reason", s.reason())?;
        steps.append(step)?;
    }
    let dict = PyDict::new(py);
    dict.set_item("symbol", d.symbol)?;
    dict.set_item("verdict", d.verdict.as_str())?;
    dict.set_item("target_quantity", d.target_quantity)?;
    dict.set_item("order_quantity", d.order_quantity)?;
    dict.set_item("purpose", d.trades().then(|| name_of(&d.purpose)))?;
    dict.set_item("stop_price", optional(d.stop_price))?;
    dict.set_item("steps", steps)?;
    Ok(dict)
}

impl PyRiskBook {
    fn known(&self, symbol: SymbolId) -> PyResult<usize> {
        let k = symbol as usize;
        if k < self.meters.len() {
            return Ok(k);
        }
        Err(gateway::raise(CoreError::shape("symbol id", symbol, format!("below {}", self.meters.len()))))
    }
}

#[pymethods]
impl PyRiskBook {
    #[new]
    fn new(config_json: &str) -> PyResult<Self> {
        let config: RiskConfig = serde_json::from_str(config_json).map_err(|e| gateway::bad_config(&e))?;
        let engine = RiskEngine::new(&config, 0).map_err(gateway::raise)?;
        Ok(Self { engine, meters: Vec::new(), instruments: Vec::new() })
    }

    /// Adds a symbol; returns its id.
    fn add(&mut self, instrument_json: &str) -> PyResult<SymbolId> {
        let instrument: Instrument = serde_json::from_str(instrument_json).map_err(|e| gateway::bad_config(&e))?;
        instrument.validate().map_err(gateway::raise)?;
        self.instruments.push(instrument);
        self.meters.push(RiskMeter::new());
        self.engine.grow(self.meters.len());
        Ok((self.meters.len() - 1) as SymbolId)
    }

    /// Symbols in order of their ids.
    #[getter]
    fn symbols(&self) -> Vec<String> {
        self.instruments.iter().map(|i| i.symbol.clone()).collect()
    }

    /// Takes closed bars of one symbol, in time order.
    fn observe(&mut self, symbol: SymbolId, columns: [Bound<'_, PyAny>; 5]) -> PyResult<()> {
        let k = self.known(symbol)?;
        let names = ["timestamp", "open", "high", "low", "close"];
        let mut all: Vec<ScalarBuffer<f64>> = Vec::with_capacity(names.len());
        for (name, object) in names.into_iter().zip(&columns) {
            let values = arrow::column(name, object, name == "timestamp")?;
            if let Some(first) = all.first().filter(|first| first.len() != values.len()) {
                return Err(gateway::raise(CoreError::shape(format!("length of {name}"), values.len(), first.len())));
            }
            all.push(values);
        }
        let bar = |i: usize| Bar {
            ts: all[0][i] as i64,
            open: all[1][i],
            high: all[2][i],
            low: all[3][i],
            close: all[4][i],
            volume: 0.0,
        };
        (0..all[0].len()).for_each(|i| self.meters[k].update(&bar(i)));
        Ok(())
    }

    /// ATR, volatility a bar, and stop of a symbol.
    fn measures(&self, symbol: SymbolId) -> PyResult<(f64, f64, f64)> {
        let k = self.known(symbol)?;
        Ok((self.meters[k].atr(), self.meters[k].volatility(), self.engine.stop(symbol)))
    }

    /// Correlation of two symbols' returns.
    fn correlation(&self, a: SymbolId, b: SymbolId) -> PyResult<f64> {
        Ok(self.meters[self.known(a)?].correlation(&self.meters[self.known(b)?]))
    }

    fn on_equity<'py>(&mut self, py: Python<'py>, ts: i64, equity: f64) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.engine.on_equity(ts, equity).map(|e| to_python(py, &e)).transpose()
    }

    fn on_trade(&mut self, return_fraction: f64) {
        self.engine.on_trade(return_fraction);
    }

    /// Decides on (symbol, target, price) requests in the order given.
    ///
    /// `positions` are (symbol, quantity, last price), `pending` (symbol, signed quantity on order).
    #[pyo3(signature = (ts, requests, equity, positions, pending, leverage))]
    #[allow(clippy::too_many_arguments)] // one keyword of the Python call each
    fn evaluate<'py>(
        &mut self,
        py: Python<'py>,
        ts: i64,
        requests: Vec<(SymbolId, f64, f64)>,
        equity: f64,
        positions: Vec<(SymbolId, f64, f64)>,
        pending: Vec<(SymbolId, f64)>,
        leverage: f64,
    ) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let ids = requests.iter().map(|r| r.0).chain(positions.iter().map(|p| p.0)).chain(pending.iter().map(|p| p.0));
        for symbol in ids {
            self.known(symbol)?;
        }
        let Self { engine, meters, instruments } = self;
        let decisions = gateway::guarded(|| {
            let mut account = Account::new(equity, leverage, instruments);
            for (symbol, quantity, price) in positions {
                account.set(symbol, quantity, price);
            }
            for k in 0..meters.len() as SymbolId {
                engine.set_pending(k, 0.0);
            }
            for (symbol, quantity) in &pending {
                engine.set_pending(*symbol, *quantity);
            }
            let on_order = |symbol| pending.iter().find(|(s, _)| *s == symbol).map_or(0.0, |(_, q)| *q);
            Ok(requests
                .into_iter()
                .map(|(symbol, target, price)| {
                    let request = TargetRequest { symbol, target, price, ts, decision: 0 };
                    engine.evaluate(&request, &account, meters, instruments, on_order(symbol))
                })
                .collect::<Vec<_>>())
        })?;
        decisions.iter().map(|d| decision(py, d)).collect()
    }

    /// Stop of a position after a fill, NaN for none.
    fn protect(&mut self, symbol: SymbolId, quantity: f64, average_price: f64) -> PyResult<f64> {
        let k = self.known(symbol)?;
        let held = Held { quantity, average_price, last_price: average_price, best_price: average_price, bars_held: 0 };
        Ok(self.engine.protect(symbol, held, &self.meters[k], &self.instruments[k]))
    }

    /// Moves the stop of a position after a bar; the new price if it moved.
    fn advance_stop(
        &mut self,
        symbol: SymbolId,
        quantity: f64,
        average_price: f64,
        best_price: f64,
        last_price: f64,
    ) -> PyResult<Option<f64>> {
        let k = self.known(symbol)?;
        let held = Held { quantity, average_price, last_price, best_price, bars_held: 0 };
        let bar = Bar { ts: 0, open: last_price, high: last_price, low: last_price, close: last_price, volume: 0.0 };
        Ok(self.engine.stop_update(symbol, held, &bar, &self.meters[k], &self.instruments[k]))
    }

    /// The halt in force.
    #[getter]
    fn halted<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.engine.halted().map(|h| to_python(py, h)).transpose()
    }

    fn halt(&mut self, ts: i64, equity: f64) {
        self.engine.halt_trading(ts, equity);
    }

    fn lift_halt<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.engine.lift_halt().map(|h| to_python(py, &h)).transpose()
    }

    /// Rung of the drawdown ladder, drawdown, loss of the day.
    #[getter]
    fn state(&self) -> (String, f64, f64) {
        (name_of(&self.engine.level()).to_owned(), self.engine.drawdown(), self.engine.daily_loss())
    }

    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let state = (&self.engine, &self.meters, &self.instruments);
        Ok(PyBytes::new(py, &snapshot::to_bytes(&state).map_err(gateway::raise)?))
    }

    fn restore(&mut self, state: &[u8]) -> PyResult<()> {
        let (engine, meters, instruments): (RiskEngine, Vec<RiskMeter>, Vec<Instrument>) =
            snapshot::from_bytes(state).map_err(gateway::raise)?;
        if engine.config() != self.engine.config() {
            return Err(gateway::raise(CoreError::Snapshot("made with another risk configuration".to_owned())));
        }
        *self = Self { engine, meters, instruments };
        Ok(())
    }
}

pub(crate) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<PyRiskBook>()
}
