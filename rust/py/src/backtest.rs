//! `run_backtest`: one crossing in, tables out.

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use mirrorfast_core::CoreError;
use mirrorfast_core::backtest::{self, BacktestResult, EquityCurve, ExternalColumns, Record};
use mirrorfast_core::bars::Bars;
use mirrorfast_core::order::{BrokerEvent, Order, OrderKind};
use mirrorfast_core::performance::Metrics;
use mirrorfast_core::signals::{MarketRegime, Signal};
use mirrorfast_core::sweep;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3_arrow::{PyArray, PyRecordBatch};

use crate::bars::bars_from_python;
use crate::columns::Columns;
use crate::variant::name_of;
use crate::{engine, gateway};

type Pair = (PyArray, PyArray);

fn floats(array: &PyArray, name: &str) -> PyResult<Vec<f64>> {
    let Some(column) = array.array().as_primitive_opt::<Float64Type>() else {
        return Err(gateway::raise(CoreError::shape(name, array.array().data_type().to_string(), "float64 values")));
    };
    Ok(column.iter().map(|v| v.unwrap_or(f64::NAN)).collect())
}

/// Runs a configuration over bars; returns tables by name.
///
/// `votes` are (signal, confidence) columns per external strategy, `policy` is (position, confidence), each as long as `bars`.
#[pyfunction]
#[pyo3(signature = (bars, config_json, *, votes=None, policy=None, decisions=true, orders=true, fills=true, equity=true))]
#[allow(clippy::too_many_arguments, clippy::fn_params_excessive_bools)] // keywords of the Python call
fn run_backtest<'py>(
    py: Python<'py>,
    bars: &Bound<'py, PyAny>,
    config_json: &str,
    votes: Option<Vec<Pair>>,
    policy: Option<Pair>,
    decisions: bool,
    orders: bool,
    fills: bool,
    equity: bool,
) -> PyResult<Bound<'py, PyDict>> {
    let config = engine::config(config_json)?;
    let bars = bars_from_python(bars)?;
    let rows = bars.len();
    let owned: Vec<(Vec<f64>, Vec<f64>)> = votes
        .unwrap_or_default()
        .iter()
        .map(|(s, c)| Ok((floats(s, "external signal")?, floats(c, "external confidence")?)))
        .collect::<PyResult<_>>()?;
    let policy = policy
        .map(|(p, c)| Ok::<_, PyErr>((floats(&p, "policy position")?, floats(&c, "policy confidence")?)))
        .transpose()?;
    for (name, n) in owned
        .iter()
        .flat_map(|(s, c)| [("external signal", s.len()), ("external confidence", c.len())])
        .chain(policy.iter().flat_map(|(p, c)| [("policy position", p.len()), ("policy confidence", c.len())]))
    {
        if n != rows {
            return Err(gateway::raise(CoreError::shape(format!("rows of {name}"), n, rows)));
        }
    }
    let record = Record { decisions, orders, fills, equity };
    let mut result = gateway::detached(py, || {
        let columns: Vec<(&[f64], &[f64])> = owned.iter().map(|(s, c)| (s.as_slice(), c.as_slice())).collect();
        let external =
            ExternalColumns { votes: &columns, policy: policy.as_ref().map(|(p, c)| (p.as_slice(), c.as_slice())) };
        backtest::run(&bars, &config, &external, record)
    })?;
    let names: Vec<&str> = config.strategy_names().collect();
    let out = PyDict::new(py);
    out.set_item("equity", equity_table(std::mem::take(&mut result.equity))?)?;
    out.set_item("decisions", decision_table(&result, &bars, &names)?)?;
    out.set_item("orders", order_table(&result, &bars)?)?;
    out.set_item("order_events", event_table(&result, &bars)?)?;
    out.set_item("fills", fill_table(&result, &bars)?)?;
    out.set_item("trades", trade_table(&result, &bars)?)?;
    out.set_item("weights", weight_table(&result, &names)?)?;
    out.set_item("bars", result.bars)?;
    out.set_item("traded", sweep::traded(&result))?;
    out.set_item("risk_events", crate::convert::to_python(py, &result.risk_events)?)?;
    Ok(out)
}

fn equity_table(e: EquityCurve) -> PyResult<PyRecordBatch> {
    Columns::default()
        .time_column("timestamp", e.ts)
        .f64_column("equity", e.equity)
        .f64_column("cash", e.cash)
        .f64_column("exposure", e.exposure)
        .f64_column("drawdown", e.drawdown)
        .build()
}

/// Runs many configurations over one table; one row of figures each, as `BacktestResult.stats` has them, and `final_equity`.
///
/// With `equity` also a list of the equity after every bar time.
#[pyfunction]
#[pyo3(signature = (bars, configs, *, threads=None, equity=false))]
fn run_sweep(
    py: Python<'_>,
    bars: &Bound<'_, PyAny>,
    configs: Vec<String>,
    threads: Option<usize>,
    equity: bool,
) -> PyResult<PyRecordBatch> {
    if threads == Some(0) {
        return Err(gateway::raise(CoreError::parameter("threads", 0, "a whole number >= 1, or none for all cores")));
    }
    let configs = configs.iter().map(|json| engine::config(json)).collect::<PyResult<Vec<_>>>()?;
    let bars = bars_from_python(bars)?;
    let rows = gateway::detached(py, || sweep::sweep(&bars, &configs, threads, equity))?;
    let values: Vec<Vec<f64>> = rows.iter().map(|r| r.metrics.values().collect()).collect();
    let mut table = Columns::default();
    for (k, name) in Metrics::NAMES.iter().enumerate() {
        table = table.f64(name, values.iter().map(|row| row[k]));
    }
    table = table.f64("final_equity", rows.iter().map(|r| r.final_equity));
    if equity {
        table = table.lists("equity", rows.iter().map(|r| r.equity.as_slice()));
    }
    table.build()
}

fn symbol(bars: &Bars, id: u32) -> Option<&str> {
    bars.symbols().get(id as usize).map(String::as_str)
}

fn decision_table(r: &BacktestResult, bars: &Bars, names: &[&str]) -> PyResult<PyRecordBatch> {
    let d = &r.decisions;
    let n = names.len();
    let mut table = Columns::default()
        .u64("id", d.iter().map(|x| x.id))
        .time("timestamp", d.iter().map(|x| x.ts))
        .text("symbol", d.iter().map(|x| symbol(bars, x.symbol)))
        .f64("price", d.iter().map(|x| x.price))
        .f64("rule", d.iter().map(|x| x.rule))
        .f64("rl", d.iter().map(|x| x.rl))
        .f64("target", d.iter().map(|x| x.target))
        .text("method", d.iter().map(|x| Some(name_of(&x.method))))
        .f64("confidence", d.iter().map(|x| x.confidence))
        .text("direction", d.iter().map(|x| Some(name_of(&x.direction))))
        .text("signal", d.iter().map(|x| x.signal.map(Signal::as_str)))
        .text("regime", d.iter().map(|x| x.regime.map(MarketRegime::as_str)))
        .text("verdict", d.iter().map(|x| Some(name_of(&x.verdict))))
        .f64("held", d.iter().map(|x| x.held))
        .f64("quantity", d.iter().map(|x| x.quantity))
        .f64("stop_price", d.iter().map(|x| x.stop_price))
        .u64("order", d.iter().map(|x| x.order))
        .text("purpose", d.iter().map(|x| x.purpose.map(|p| name_of(&p))))
        .text("reasons", d.iter().map(|x| Some(reasons(x))));
    for (k, name) in names.iter().enumerate() {
        let at = |i: usize| i * n + k;
        table = table
            .f64(&format!("vote_{name}"), (0..d.len()).map(|i| r.votes[at(i)].signal))
            .f64(&format!("confidence_{name}"), (0..d.len()).map(|i| r.votes[at(i)].confidence))
            .f64(&format!("contribution_{name}"), (0..d.len()).map(|i| r.contributions[at(i)]));
    }
    table.build()
}

fn reasons(decision: &mirrorfast_core::engine::Decision) -> String {
    let mut text = String::new();
    for step in &decision.steps {
        if !text.is_empty() {
            text.push_str("; ");
        }
        text.push_str(&step.reason());
    }
    text
}

fn order_table(r: &BacktestResult, bars: &Bars) -> PyResult<PyRecordBatch> {
    let o = &r.orders;
    let kind = |x: &Order| match x.kind {
        OrderKind::Market => "market",
        OrderKind::Limit { .. } => "limit",
        OrderKind::Stop { .. } => "stop",
        OrderKind::StopLimit { .. } => "stop_limit",
        OrderKind::TrailingStop { .. } => "trailing_stop",
    };
    let price = |x: &Order| match x.kind {
        OrderKind::Limit { price } | OrderKind::StopLimit { price, .. } => price,
        _ => f64::NAN,
    };
    let trigger = |x: &Order| match x.kind {
        OrderKind::Stop { trigger }
        | OrderKind::StopLimit { trigger, .. }
        | OrderKind::TrailingStop { trigger, .. } => trigger,
        _ => f64::NAN,
    };
    Columns::default()
        .u64("id", o.iter().map(|x| x.id))
        .u64("decision", o.iter().map(|x| x.decision))
        .time("timestamp", o.iter().map(|x| x.ts))
        .text("symbol", o.iter().map(|x| symbol(bars, x.symbol)))
        .text("side", o.iter().map(|x| Some(name_of(&x.side))))
        .f64("quantity", o.iter().map(|x| x.quantity))
        .text("type", o.iter().map(|x| Some(kind(x))))
        .f64("price", o.iter().map(price))
        .f64("trigger", o.iter().map(trigger))
        .text("tif", o.iter().map(|x| Some(name_of(&x.tif))))
        .bool("reduce_only", o.iter().map(|x| x.reduce_only))
        .text("purpose", o.iter().map(|x| Some(name_of(&x.purpose))))
        .build()
}

fn event_table(r: &BacktestResult, bars: &Bars) -> PyResult<PyRecordBatch> {
    let e = &r.order_events;
    Columns::default()
        .time("timestamp", e.iter().map(|x| x.ts))
        .u64("order", e.iter().map(|x| x.order))
        .text("symbol", e.iter().map(|x| symbol(bars, x.symbol)))
        .text("kind", e.iter().map(|x| Some(name_of(&x.kind))))
        .text("reason", e.iter().map(BrokerEvent::reason))
        .build()
}

fn fill_table(r: &BacktestResult, bars: &Bars) -> PyResult<PyRecordBatch> {
    let f = &r.fills;
    Columns::default()
        .u64("id", f.iter().map(|x| x.id))
        .u64("order", f.iter().map(|x| x.order))
        .time("timestamp", f.iter().map(|x| x.ts))
        .text("symbol", f.iter().map(|x| symbol(bars, x.symbol)))
        .text("side", f.iter().map(|x| Some(name_of(&x.side))))
        .f64("quantity", f.iter().map(|x| x.quantity))
        .f64("price", f.iter().map(|x| x.price))
        .f64("fee", f.iter().map(|x| x.fee))
        .f64("slippage", f.iter().map(|x| x.slippage))
        .text("liquidity", f.iter().map(|x| Some(name_of(&x.liquidity))))
        .text("purpose", f.iter().map(|x| Some(name_of(&x.purpose))))
        .f64("remaining", f.iter().map(|x| x.remaining))
        .f64("rate", r.fill_rates.iter().copied())
        .build()
}

fn trade_table(r: &BacktestResult, bars: &Bars) -> PyResult<PyRecordBatch> {
    let t = &r.trades;
    Columns::default()
        .text("symbol", t.iter().map(|x| symbol(bars, x.symbol)))
        .text("side", t.iter().map(|x| Some(if x.side.sign() > 0.0 { "long" } else { "short" })))
        .f64("quantity", t.iter().map(|x| x.quantity))
        .time("entry_time", t.iter().map(|x| x.entry_ts))
        .time("exit_time", t.iter().map(|x| x.exit_ts))
        .f64("entry_price", t.iter().map(|x| x.entry_price))
        .f64("exit_price", t.iter().map(|x| x.exit_price))
        .f64("entry_rate", t.iter().map(|x| x.entry_rate))
        .f64("exit_rate", t.iter().map(|x| x.exit_rate))
        .f64("gross", t.iter().map(|x| x.gross))
        .f64("fees", t.iter().map(|x| x.fees))
        .f64("funding", t.iter().map(|x| x.funding))
        .f64("slippage", t.iter().map(|x| x.slippage))
        .f64("pnl", t.iter().map(|x| x.pnl))
        .f64("pnl_fraction", t.iter().map(|x| x.pnl_fraction))
        .f64("return_fraction", t.iter().map(|x| x.return_fraction))
        .u32("bars", t.iter().map(|x| x.bars))
        .f64("mae", t.iter().map(|x| x.mae))
        .f64("mfe", t.iter().map(|x| x.mfe))
        .text("exit", t.iter().map(|x| Some(name_of(&x.exit))))
        .u64("entry_decision", t.iter().map(|x| x.entry_decision))
        .build()
}

fn weight_table(r: &BacktestResult, names: &[&str]) -> PyResult<PyRecordBatch> {
    let w = &r.weights;
    Columns::default()
        .time("timestamp", w.iter().map(|x| x.ts))
        .text("strategy", w.iter().map(|x| names.get(x.strategy as usize).copied()))
        .f64("weight", w.iter().map(|x| x.weight))
        .text("grade", w.iter().map(|x| Some(x.grade.as_str())))
        .build()
}

pub(crate) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(run_backtest, m)?)?;
    m.add_function(wrap_pyfunction!(run_sweep, m)?)
}
