//! Indicators: one state machine each; batch is the same `update` in a generic loop.
//!
//! A file holds one indicator: its state, `update`, `reset`, `warm_up` and its [`Row`]. The family's `mod.rs` lists the rows;
//! [`registry`] joins the families. The bindings know only [`registry`], so they do not grow with the catalogue.

use pulp::NullaryFnOnce;
use serde::{Serialize, de::DeserializeOwned};

use crate::error::{CoreError, Result};
use crate::wide::wide;

pub mod candles;
pub mod instance;
pub mod levels;
pub mod momentum;
pub mod overlap;
pub mod registry;
pub mod smooth;
pub mod statistic;
pub mod trend;
pub mod volatility;
pub mod volume;

pub use instance::Instance;
pub use registry::{Family, Input, Param, Row};

/// Rows that a kernel with vector loops takes at once: what it reads, writes and puts by then stays in the first cache.
pub const TILE: usize = 512;

/// Rows that the others take at once, and those that have something to do anew for each tile.
pub const LONG_TILE: usize = 2048;

/// Rows among which a missing value is not searched any closer.
const SHORT: usize = 32;

/// A streaming indicator with `I` inputs and `O` outputs.
///
/// `update` sees finite inputs only and returns NaN until warm: [`step`] keeps missing values away, so that they give NaN for
/// their own row and leave the state untouched.
pub trait Indicator<const I: usize, const O: usize>:
    Clone + Send + Sync + Serialize + DeserializeOwned + 'static
{
    /// [`Self::fill`] works in vectors: it is compiled for wider registers, too, and the processor at hand decides which is run. Nothing
    /// is fused or reordered in either, so that they give the same bits.
    const WIDE: bool = false;
    /// Rows that [`Self::fill`] is given at most.
    const ROWS: usize = if Self::WIDE { TILE } else { LONG_TILE };

    /// Takes the next value of every input and returns the outputs for this row.
    fn update(&mut self, x: [f64; I]) -> [f64; O];
    /// Takes whole columns of finite values, at most [`Self::ROWS`]: the same outputs and the same state as [`Self::update`] row by row,
    /// bit for bit. A kernel overrides it where it can do better than one row at a time.
    #[inline(always)]
    fn fill(&mut self, inputs: [&[f64]; I], outputs: [&mut [f64]; O]) {
        // A copy that nothing points to: its fields stay in registers, where those of `*self` would be written back every row.
        let mut local = self.clone();
        each_row(&mut local, inputs, outputs);
        *self = local;
    }
    /// Returns to the state before the first row.
    fn reset(&mut self);
    /// Rows before the first one with all outputs (0: the first row has a value).
    fn warm_up(&self) -> usize;
}

/// One row through an indicator, with the missing-value rule of SPEC.
#[inline(always)]
pub fn step<K: Indicator<I, O>, const I: usize, const O: usize>(kernel: &mut K, x: [f64; I]) -> [f64; O] {
    // `&` and not `&&`: one branch a row, however many inputs.
    if x.iter().fold(true, |ok, v| ok & v.is_finite()) { kernel.update(x) } else { [f64::NAN; O] }
}

/// Runs an indicator over whole columns into caller-owned outputs.
///
/// # Errors
/// [`CoreError::Shape`] when the columns differ in length.
#[inline]
pub fn run<K: Indicator<I, O>, const I: usize, const O: usize>(
    kernel: &mut K,
    inputs: [&[f64]; I],
    outputs: [&mut [f64]; O],
) -> Result<()> {
    run_wanted(kernel, inputs, outputs.map(Some))
}

/// [`run`] for some of the outputs: the others are computed, but not written to memory.
///
/// # Errors
/// [`CoreError::Shape`] when the columns differ in length.
pub fn run_wanted<K: Indicator<I, O>, const I: usize, const O: usize>(
    kernel: &mut K,
    inputs: [&[f64]; I],
    mut outputs: [Option<&mut [f64]>; O],
) -> Result<()> {
    let n = inputs.first().map_or(0, |c| c.len());
    for (k, c) in inputs.iter().enumerate() {
        if c.len() != n {
            return Err(CoreError::shape(format!("length of input {k}"), c.len(), n));
        }
    }
    for (k, c) in outputs.iter().enumerate() {
        if let Some(c) = c
            && c.len() != n
        {
            return Err(CoreError::shape(format!("length of output {k}"), c.len(), n));
        }
    }
    let mut unwanted = outputs.each_ref().map(|c| if c.is_none() { vec![0.0; n.min(K::ROWS)] } else { Vec::new() });
    for start in (0..n).step_by(K::ROWS) {
        let rows = start..n.min(start + K::ROWS);
        let mut spare = unwanted.iter_mut();
        let tile = outputs.each_mut().map(|c| match (c, spare.next()) {
            (Some(c), _) => &mut c[rows.clone()],
            (None, Some(spare)) => &mut spare[..rows.len()],
            (None, None) => &mut [],
        });
        span(kernel, inputs.map(|c| &c[rows.clone()]), tile);
    }
    Ok(())
}

/// Some rows: at once where all values are finite, else by halves.
fn span<K: Indicator<I, O>, const I: usize, const O: usize>(
    kernel: &mut K,
    inputs: [&[f64]; I],
    mut outputs: [&mut [f64]; O],
) {
    let n = inputs.first().map_or(0, |c| c.len());
    let filling = Filling { kernel: &mut *kernel, inputs, outputs: outputs.each_mut().map(|c| &mut **c) };
    let done = if K::WIDE { wide(filling) } else { filling.call() };
    if done {
        return;
    }
    if n > SHORT {
        let middle = n / 2;
        span(kernel, inputs.map(|c| &c[..middle]), outputs.each_mut().map(|c| &mut c[..middle]));
        span(kernel, inputs.map(|c| &c[middle..]), outputs.map(|c| &mut c[middle..]));
        return;
    }
    for i in 0..n {
        let y = step(kernel, std::array::from_fn(|k| inputs[k][i]));
        for k in 0..O {
            outputs[k][i] = y[k];
        }
    }
}

/// One call of [`Indicator::fill`], to be compiled for each set of registers.
struct Filling<'a, K, const I: usize, const O: usize> {
    kernel: &'a mut K,
    inputs: [&'a [f64]; I],
    outputs: [&'a mut [f64]; O],
}

impl<K: Indicator<I, O>, const I: usize, const O: usize> NullaryFnOnce for Filling<'_, K, I, O> {
    /// All values were finite; else nothing was done.
    type Output = bool;

    #[inline(always)]
    fn call(self) -> bool {
        let finite = self.inputs.iter().all(|c| all_finite(c));
        if finite {
            self.kernel.fill(self.inputs, self.outputs);
        }
        finite
    }
}

/// No value is missing. Adding one to an exponent of all ones carries into the sign: three operations a value, in vectors.
#[inline(always)]
fn all_finite(column: &[f64]) -> bool {
    const ONE: u64 = 1 << 52;
    column.iter().fold(0, |seen, v| seen | (v.abs().to_bits() + ONE)) >> 63 == 0
}

/// Finite rows one by one.
#[inline(always)]
pub(crate) fn each_row<K: Indicator<I, O>, const I: usize, const O: usize>(
    kernel: &mut K,
    inputs: [&[f64]; I],
    outputs: [&mut [f64]; O],
) {
    let n = inputs.first().map_or(0, |c| c.len());
    let inputs = inputs.map(|c| &c[..n]);
    let outputs = outputs.map(|c| &mut c[..n]);
    for i in 0..n {
        let y = kernel.update(std::array::from_fn(|k| inputs[k][i]));
        for k in 0..O {
            outputs[k][i] = y[k];
        }
    }
}

/// Takes rows one by one until `ready` holds; returns what is left.
#[inline(always)]
pub(crate) fn warm<'i, 'o, K: Indicator<I, O>, const I: usize, const O: usize>(
    kernel: &mut K,
    inputs: [&'i [f64]; I],
    outputs: [&'o mut [f64]; O],
    ready: impl Fn(&K) -> bool,
) -> ([&'i [f64]; I], [&'o mut [f64]; O]) {
    let n = inputs.first().map_or(0, |c| c.len());
    let mut at = 0;
    while at < n && !ready(kernel) {
        let y = kernel.update(std::array::from_fn(|k| inputs[k][at]));
        for k in 0..O {
            outputs[k][at] = y[k];
        }
        at += 1;
    }
    (inputs.map(|c| &c[at..n]), outputs.map(|c| &mut c[at..n]))
}

/// An indicator behind a pointer: what the registry and the bindings hold.
pub trait Erased: Send + Sync {
    /// Number of input columns.
    fn inputs(&self) -> usize;
    /// Number of output columns.
    fn outputs(&self) -> usize;
    /// See [`Indicator::warm_up`].
    fn warm_up(&self) -> usize;
    /// One row: `x` has [`Self::inputs`] values, `y` receives [`Self::outputs`].
    ///
    /// # Errors
    /// [`CoreError::Shape`] on a wrong number of values.
    fn update(&mut self, x: &[f64], y: &mut [f64]) -> Result<()>;
    /// Whole columns; continues from the present state.
    ///
    /// # Errors
    /// [`CoreError::Shape`] on a wrong number of columns or lengths that differ.
    fn run(&mut self, inputs: &[&[f64]], outputs: &mut [&mut [f64]]) -> Result<()> {
        let mut outputs: Vec<Option<&mut [f64]>> = outputs.iter_mut().map(|c| Some(&mut **c)).collect();
        self.run_wanted(inputs, &mut outputs)
    }
    /// [`Self::run`] for some of the outputs, none in the place of the others.
    ///
    /// # Errors
    /// [`CoreError::Shape`] on a wrong number of columns or lengths that differ.
    fn run_wanted(&mut self, inputs: &[&[f64]], outputs: &mut [Option<&mut [f64]>]) -> Result<()>;
    /// See [`Indicator::reset`].
    fn reset(&mut self);
    /// The state as bytes.
    ///
    /// # Errors
    /// [`CoreError::Internal`] if the state cannot be written, which would be a bug.
    fn snapshot(&self) -> Result<Vec<u8>>;
    /// Takes up a state written by [`Self::snapshot`].
    ///
    /// # Errors
    /// [`CoreError::Snapshot`] when the bytes are not of this indicator.
    fn restore(&mut self, bytes: &[u8]) -> Result<()>;
    /// A copy in the present state.
    fn boxed_clone(&self) -> Box<dyn Erased>;
}

#[derive(Clone)]
struct Held<K, const I: usize, const O: usize>(K);

/// Puts an indicator behind a pointer.
pub fn erase<K: Indicator<I, O>, const I: usize, const O: usize>(kernel: K) -> Box<dyn Erased> {
    Box::new(Held::<K, I, O>(kernel))
}

impl<K: Indicator<I, O>, const I: usize, const O: usize> Erased for Held<K, I, O> {
    fn inputs(&self) -> usize {
        I
    }
    fn outputs(&self) -> usize {
        O
    }
    fn warm_up(&self) -> usize {
        self.0.warm_up()
    }
    fn update(&mut self, x: &[f64], y: &mut [f64]) -> Result<()> {
        let x: [f64; I] = x.try_into().map_err(|_| CoreError::shape("number of inputs", x.len(), I))?;
        if y.len() != O {
            return Err(CoreError::shape("number of outputs", y.len(), O));
        }
        y.copy_from_slice(&step(&mut self.0, x));
        Ok(())
    }
    fn run_wanted(&mut self, inputs: &[&[f64]], outputs: &mut [Option<&mut [f64]>]) -> Result<()> {
        let inputs: [&[f64]; I] =
            inputs.try_into().map_err(|_| CoreError::shape("number of input columns", inputs.len(), I))?;
        if outputs.len() != O {
            return Err(CoreError::shape("number of output columns", outputs.len(), O));
        }
        let mut columns = outputs.iter_mut();
        let outputs = std::array::from_fn(|_| columns.next().and_then(|c| c.as_deref_mut()));
        run_wanted(&mut self.0, inputs, outputs)
    }
    fn reset(&mut self) {
        self.0.reset();
    }
    fn snapshot(&self) -> Result<Vec<u8>> {
        crate::snapshot::to_bytes(&self.0)
    }
    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        self.0 = crate::snapshot::from_bytes(bytes)?;
        Ok(())
    }
    fn boxed_clone(&self) -> Box<dyn Erased> {
        Box::new(self.clone())
    }
}
