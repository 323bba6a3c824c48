//! `DecisionEngine` and `SimulatedExchange` as Python drives them in paper and live runs.

use mirrorfast_core::engine::{DecisionEngine, EngineConfig, EquityPoint, External, Step, venue};
use mirrorfast_core::env::ACCOUNT;
use mirrorfast_core::exchange::SimulatedExchange;
use mirrorfast_core::order::{
    BrokerEvent, BrokerEventKind, CancelReason, Fill, Intent, Liquidity, OrderKind, Purpose, RejectReason, Side,
};
use mirrorfast_core::risk::{RiskStep, Rule};
use mirrorfast_core::strategies::Vote;
use mirrorfast_core::types::{Bar, SymbolId};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::convert::to_python;
use crate::gateway;
use crate::variant::name_of;

/// (symbol id, open, high, low, close, volume)
type Row = (SymbolId, f64, f64, f64, f64, f64);

pub(crate) fn config(json: &str) -> PyResult<EngineConfig> {
    serde_json::from_str(json).map_err(|e| gateway::bad_config(&e))
}

fn bars(ts: i64, rows: &[Row]) -> Vec<(SymbolId, Bar)> {
    rows.iter()
        .map(|&(symbol, open, high, low, close, volume)| (symbol, Bar { ts, open, high, low, close, volume }))
        .collect()
}

/// An order to send or to withdraw.
#[pyclass(frozen, name = "Intent", module = "mirrorfast._core")]
pub(crate) struct PyIntent(pub(crate) Intent);

#[pymethods]
impl PyIntent {
    #[getter]
    fn kind(&self) -> &'static str {
        match self.0 {
            Intent::Submit(_) => "submit",
            Intent::Cancel { .. } => "cancel",
        }
    }
    #[getter]
    fn order_id(&self) -> u64 {
        match self.0 {
            Intent::Submit(o) => o.id,
            Intent::Cancel { id, .. } => id,
        }
    }
    #[getter]
    fn symbol(&self) -> SymbolId {
        match self.0 {
            Intent::Submit(o) => o.symbol,
            Intent::Cancel { symbol, .. } => symbol,
        }
    }
    fn as_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        match self.0 {
            Intent::Submit(o) => {
                let (kind, price, trigger, distance) = match o.kind {
                    OrderKind::Market => ("market", None, None, None),
                    OrderKind::Limit { price } => ("limit", Some(price), None, None),
                    OrderKind::Stop { trigger } => ("stop", None, Some(trigger), None),
                    OrderKind::StopLimit { trigger, price } => ("stop_limit", Some(price), Some(trigger), None),
                    OrderKind::TrailingStop { distance, trigger } => {
                        ("trailing_stop", None, Some(trigger), Some(distance))
                    }
                };
                dict.set_item("kind", "submit")?;
                dict.set_item("id", o.id)?;
                dict.set_item("decision", o.decision)?;
                dict.set_item("symbol", o.symbol)?;
                dict.set_item("side", name_of(&o.side))?;
                dict.set_item("quantity", o.quantity)?;
                dict.set_item("type", kind)?;
                dict.set_item("price", price)?;
                dict.set_item("trigger", trigger)?;
                dict.set_item("distance", distance)?;
                dict.set_item("tif", name_of(&o.tif))?;
                dict.set_item("reduce_only", o.reduce_only)?;
                dict.set_item("purpose", name_of(&o.purpose))?;
                dict.set_item("oco", o.oco)?;
                dict.set_item("ts", o.ts)?;
            }
            Intent::Cancel { id, symbol, reason } => {
                dict.set_item("kind", "cancel")?;
                dict.set_item("id", id)?;
                dict.set_item("symbol", symbol)?;
                dict.set_item("reason", name_of(&reason))?;
            }
        }
        Ok(dict)
    }
    fn __repr__(&self) -> String {
        format!("{:?}", self.0)
    }
}

/// An execution.
#[pyclass(frozen, name = "Fill", module = "mirrorfast._core")]
#[derive(Clone)]
pub(crate) struct PyFill(pub(crate) Fill);

fn parse<T: serde::de::DeserializeOwned>(field: &str, text: &str) -> PyResult<T> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|_| {
        gateway::raise(mirrorfast_core::CoreError::parameter(field, format!("{text:?}"), "a name that as_dict() gives"))
    })
}

#[pymethods]
impl PyFill {
    #[new]
    #[pyo3(signature = (*, id, order, decision, symbol, side, quantity, price, fee, slippage, liquidity, purpose, ts, remaining))]
    #[allow(clippy::too_many_arguments)] // one keyword a field
    fn new(
        id: u64,
        order: u64,
        decision: u64,
        symbol: SymbolId,
        side: &str,
        quantity: f64,
        price: f64,
        fee: f64,
        slippage: f64,
        liquidity: &str,
        purpose: &str,
        ts: i64,
        remaining: f64,
    ) -> PyResult<Self> {
        let side: Side = parse("side", side)?;
        let liquidity: Liquidity = parse("liquidity", liquidity)?;
        let purpose: Purpose = parse("purpose", purpose)?;
        Ok(Self(Fill {
            id,
            order,
            decision,
            symbol,
            side,
            quantity,
            price,
            fee,
            slippage,
            liquidity,
            purpose,
            ts,
            remaining,
        }))
    }
    fn as_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.0)
    }
    #[getter]
    fn order(&self) -> u64 {
        self.0.order
    }
    /// Symbol id.
    #[getter]
    fn symbol(&self) -> SymbolId {
        self.0.symbol
    }
    #[getter]
    fn ts(&self) -> i64 {
        self.0.ts
    }
    fn __repr__(&self) -> String {
        format!("{:?}", self.0)
    }
}

/// What happened to an order apart from its fills, or to a position without an order.
#[pyclass(frozen, name = "BrokerEvent", module = "mirrorfast._core")]
pub(crate) struct PyEvent(BrokerEvent);

#[pymethods]
impl PyEvent {
    /// An event of a real venue. `reason` belongs to `cancelled`; `rate`, `price` and `amount` to `funding`.
    #[new]
    #[pyo3(signature = (*, order, symbol, ts, kind, reason="operator", rate=0.0, price=0.0, amount=0.0))]
    #[allow(clippy::too_many_arguments)] // one keyword a field
    fn new(
        order: u64,
        symbol: SymbolId,
        ts: i64,
        kind: &str,
        reason: &str,
        rate: f64,
        price: f64,
        amount: f64,
    ) -> PyResult<Self> {
        let kind = match kind {
            "accepted" => BrokerEventKind::Accepted,
            "rejected" => BrokerEventKind::Rejected { reason: RejectReason::Venue },
            "cancelled" => BrokerEventKind::Cancelled { reason: parse::<CancelReason>("reason", reason)? },
            "expired" => BrokerEventKind::Expired,
            "funding" => BrokerEventKind::Funding { rate, price, amount },
            other => {
                return Err(gateway::raise(mirrorfast_core::CoreError::parameter(
                    "kind",
                    format!("{other:?}"),
                    "accepted, rejected, cancelled, expired or funding",
                )));
            }
        };
        Ok(Self(BrokerEvent { ts, order, symbol, kind }))
    }
    /// Order number; 0 for funding.
    #[getter]
    fn order(&self) -> u64 {
        self.0.order
    }
    /// Symbol id.
    #[getter]
    fn symbol(&self) -> SymbolId {
        self.0.symbol
    }
    /// Milliseconds since the epoch.
    #[getter]
    fn ts(&self) -> i64 {
        self.0.ts
    }
    /// `accepted`, `rejected`, `cancelled`, `expired`, `funding` …
    #[getter]
    fn kind(&self) -> &'static str {
        name_of(&self.0.kind)
    }
    /// For people; `None` where the kind says it all.
    #[getter]
    fn reason(&self) -> Option<String> {
        self.0.reason()
    }
    /// Nothing more will come of the order.
    #[getter]
    fn closes(&self) -> bool {
        self.0.closes()
    }
    /// The venue refused the order.
    #[getter]
    fn rejected(&self) -> bool {
        self.0.is_rejection()
    }
    fn as_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.0)
    }
    fn __repr__(&self) -> String {
        format!("{:?}", self.0)
    }
}

/// What the engine said about one batch or fill.
#[pyclass(frozen, name = "Step", module = "mirrorfast._core")]
pub(crate) struct PyStep {
    step: Step,
    equity: Option<EquityPoint>,
}

#[pymethods]
impl PyStep {
    /// Orders to send or withdraw, in order.
    #[getter]
    fn intents(&self) -> Vec<PyIntent> {
        self.step.intents.iter().copied().map(PyIntent).collect()
    }
    /// Decisions as dicts, with the votes of every strategy and the reasons of the risk engine.
    #[getter]
    fn decisions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        let n = self.step.votes.len().checked_div(self.step.decisions.len()).unwrap_or(0);
        for (k, d) in self.step.decisions.iter().enumerate() {
            let dict = to_python(py, d)?;
            let reasons: Vec<String> = d.steps.iter().map(RiskStep::reason).collect();
            dict.set_item("reasons", reasons)?;
            // Rounding to the lot is no reason that a person asks for.
            let binding = d.steps.iter().filter(|s| s.cuts() && s.rule != Rule::Precision);
            let binding: Vec<String> = binding.map(RiskStep::reason).collect();
            dict.set_item("binding", binding)?;
            dict.set_item("signal", d.signal.map(mirrorfast_core::signals::Signal::as_str))?;
            let votes = PyList::empty(py);
            for i in k * n..(k + 1) * n {
                let v = &self.step.votes[i];
                votes.append((v.is_warm().then_some(v.signal), v.confidence, self.step.contributions[i]))?;
            }
            dict.set_item("votes", votes)?;
            list.append(dict)?;
        }
        Ok(list)
    }
    /// Round trips that a fill closed, as dicts.
    #[getter]
    fn trades<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.step.trades)
    }
    /// Changed strategy weights, as dicts.
    #[getter]
    fn weights<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.step.weights)
    }
    /// What the risk engine noticed, as dicts.
    #[getter]
    fn events<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.step.events)
    }
    /// The account after the batch, as a dict; `None` after a fill.
    #[getter]
    fn equity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.equity)
    }
}

/// Turns closed bars into order intents and fills into positions.
#[pyclass(name = "DecisionEngine", module = "mirrorfast._core")]
pub(crate) struct PyEngine {
    inner: DecisionEngine,
}

#[pymethods]
impl PyEngine {
    #[new]
    fn new(config_json: &str) -> PyResult<Self> {
        let config = config(config_json)?;
        Ok(Self { inner: gateway::guarded(|| DecisionEngine::new(&config))? })
    }
    #[pyo3(signature = (ts, rows, *, votes=None, policy=None))]
    fn on_bars(
        &mut self,
        ts: i64,
        rows: Vec<Row>,
        votes: Option<Vec<(f64, f64)>>,
        policy: Option<Vec<Option<(f64, f64)>>>,
    ) -> PyResult<PyStep> {
        let bars = bars(ts, &rows);
        let votes: Vec<Vote> = votes.unwrap_or_default().into_iter().map(|(s, c)| Vote::new(s, c)).collect();
        let policy = policy.unwrap_or_default();
        let mut step = Step::default();
        let inner = &mut self.inner;
        let equity =
            gateway::guarded(|| inner.on_bars(ts, &bars, &External { votes: &votes, policy: &policy }, &mut step))?;
        Ok(PyStep { step, equity: Some(equity) })
    }
    fn on_fill(&mut self, fill: &PyFill) -> PyResult<PyStep> {
        let mut step = Step::default();
        let inner = &mut self.inner;
        gateway::guarded(|| inner.on_fill(&fill.0, &mut step))?;
        Ok(PyStep { step, equity: None })
    }
    fn on_event(&mut self, event: &PyEvent) -> PyResult<PyStep> {
        let mut step = Step::default();
        let inner = &mut self.inner;
        gateway::guarded(|| {
            inner.on_event(&event.0, &mut step);
            Ok(())
        })?;
        Ok(PyStep { step, equity: None })
    }
    /// Position as a share of `largest`, change of equity, unrealised profit and drawdown at the close of these bars.
    fn outlook(&self, ts: i64, rows: Vec<Row>, largest: f64) -> PyResult<Vec<[f32; ACCOUNT]>> {
        gateway::guarded(|| self.inner.outlook(&bars(ts, &rows), largest))
    }
    #[getter]
    fn warm_up(&self) -> usize {
        self.inner.warm_up()
    }
    #[getter]
    fn equity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.inner.equity_point())
    }
    #[getter]
    fn weights(&self) -> Vec<f64> {
        self.inner.trainer().weights().to_vec()
    }
    #[getter]
    fn grades(&self) -> Vec<String> {
        let trainer = self.inner.trainer();
        (0..trainer.weights().len()).filter_map(|k| Some(trainer.grade(k).ok()?.as_str().to_owned())).collect()
    }
    /// Open positions as dicts with symbol id, quantity, average price, last price, unrealised profit and stop.
    fn positions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for k in 0..self.inner.instruments().len() as SymbolId {
            let p = self.inner.portfolio().position(k);
            if p.quantity == 0.0 {
                continue;
            }
            let dict = PyDict::new(py);
            dict.set_item("symbol", k)?;
            dict.set_item("quantity", p.quantity)?;
            dict.set_item("average_price", p.average_price)?;
            dict.set_item("last_price", p.last_price)?;
            dict.set_item("unrealised", self.inner.portfolio().unrealised(k))?;
            dict.set_item("opened_ts", p.opened_ts)?;
            dict.set_item("stop", self.inner.stop(k).map(|s| s.1))?;
            list.append(dict)?;
        }
        Ok(list)
    }
    /// Account currency per unit of a symbol's quote currency, NaN while it is not known.
    fn rate(&self, symbol: SymbolId) -> PyResult<f64> {
        let known = self.inner.instruments().len();
        if symbol as usize >= known {
            return Err(gateway::raise(mirrorfast_core::CoreError::shape(
                "symbol id",
                symbol,
                format!("below {known}"),
            )));
        }
        Ok(self.inner.portfolio().rate(symbol))
    }
    #[getter]
    fn halted<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.inner.halted())
    }
    /// Withdraws what would open or enlarge a position; with `close` closes everything and halts.
    #[pyo3(signature = (ts, *, close))]
    fn halt(&mut self, ts: i64, close: bool) -> PyResult<PyStep> {
        let mut step = Step::default();
        let inner = &mut self.inner;
        gateway::guarded(|| {
            inner.halt(ts, close, &mut step);
            Ok(())
        })?;
        Ok(PyStep { step, equity: None })
    }
    /// Takes back an order that was asked for and never left.
    fn withhold(&mut self, intent: &PyIntent, ts: i64) -> PyResult<PyStep> {
        let mut step = Step::default();
        if let Intent::Submit(order) = &intent.0 {
            let inner = &mut self.inner;
            gateway::guarded(|| {
                inner.withhold(order, ts, &mut step);
                Ok(())
            })?;
        }
        Ok(PyStep { step, equity: None })
    }
    fn lift_halt(&mut self) {
        self.inner.lift_halt();
    }
    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &gateway::guarded(|| self.inner.snapshot())?))
    }
    fn restore(&mut self, state: &[u8]) -> PyResult<()> {
        let inner = &mut self.inner;
        gateway::guarded(|| inner.restore(state))
    }
}

/// The exchange of paper runs.
#[pyclass(name = "SimulatedExchange", module = "mirrorfast._core")]
pub(crate) struct PyExchange {
    inner: SimulatedExchange,
}

#[pymethods]
impl PyExchange {
    #[new]
    fn new(config_json: &str) -> PyResult<Self> {
        let config = config(config_json)?;
        Ok(Self { inner: gateway::guarded(|| venue(&config))? })
    }
    fn submit(&mut self, intent: &PyIntent) {
        self.inner.submit(&intent.0);
    }
    /// Fills at the open of these bars.
    fn open_phase(&mut self, ts: i64, rows: Vec<Row>) -> Vec<PyFill> {
        let mut fills = Vec::new();
        self.inner.open_phase(ts, &bars(ts, &rows), &mut fills);
        fills.into_iter().map(PyFill).collect()
    }
    /// Fills between high and low of these bars.
    fn range_phase(&mut self, ts: i64, rows: Vec<Row>) -> Vec<PyFill> {
        let mut fills = Vec::new();
        self.inner.range_phase(ts, &bars(ts, &rows), &mut fills);
        fills.into_iter().map(PyFill).collect()
    }
    /// What happened apart from fills since the last call, in order.
    fn drain_events(&mut self) -> Vec<PyEvent> {
        self.inner.drain_events().map(PyEvent).collect()
    }
    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &gateway::guarded(|| mirrorfast_core::snapshot::to_bytes(&self.inner))?))
    }
    fn restore(&mut self, state: &[u8]) -> PyResult<()> {
        self.inner = gateway::guarded(|| mirrorfast_core::snapshot::from_bytes(state))?;
        Ok(())
    }
}

pub(crate) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<PyIntent>()?;
    m.add_class::<PyFill>()?;
    m.add_class::<PyEvent>()?;
    m.add_class::<PyStep>()?;
    m.add_class::<PyEngine>()?;
    m.add_class::<PyExchange>()
}
