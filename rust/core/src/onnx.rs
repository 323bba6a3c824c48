//! Reads ONNX files: nodes, attributes and weights of a graph, for the few kinds of model that are computed here.
//!
//! Only the fields in use are named; protobuf passes over the rest. Nothing is computed here and nothing is trusted: whoever builds a
//! model from the nodes checks their shapes. Field numbers are those of `onnx.proto` (ONNX IR, version 3 and later).

use std::collections::BTreeMap;

use prost::Message;

use crate::error::{CoreError, Result};

mod wire;

/// Largest file read, in bytes. Decoding takes at most about 32 bytes for a byte of the file, mostly far less.
pub const MAX_BYTES: usize = 64 << 20;
/// Most nodes a graph may have.
const MAX_NODES: usize = 65_536;
/// Most attributes a node may have.
const MAX_ATTRIBUTES: usize = 1_024;

/// A graph with what the file says about it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Model {
    /// Program that wrote the file.
    pub producer: String,
    /// Version of each operator set, by domain; the standard's own domain is `""`.
    pub opsets: BTreeMap<String, i64>,
    /// `metadata_props`.
    pub metadata: BTreeMap<String, String>,
    /// What is computed, in an order in which every input is known before it is used.
    pub nodes: Vec<Node>,
    /// Constants by name.
    pub initializers: BTreeMap<String, Tensor>,
    /// Names and shapes of the graph's inputs, without those that are constants.
    pub inputs: Vec<Port>,
    /// Names and shapes of the graph's outputs.
    pub outputs: Vec<Port>,
}

/// An input or output of the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its sides; none where a side is open (the batch) or nothing is said.
    pub shape: Vec<Option<usize>>,
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Node {
    /// Name of the node; may be empty.
    pub name: String,
    /// Operator, such as `Gemm`.
    pub op: String,
    /// Its set of operators: `""` or `ai.onnx` is the standard's, `ai.onnx.ml` that for trees.
    pub domain: String,
    /// Names of the inputs; an optional one left out is `""`.
    pub inputs: Vec<String>,
    /// Names of the outputs.
    pub outputs: Vec<String>,
    attributes: BTreeMap<String, Attribute>,
}

/// Value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Attribute {
    /// A number.
    Float(f32),
    /// A whole number.
    Int(i64),
    /// A text.
    Text(String),
    /// An array of any shape.
    Tensor(Tensor),
    /// Numbers.
    Floats(Vec<f32>),
    /// Whole numbers.
    Ints(Vec<i64>),
    /// Texts.
    Texts(Vec<String>),
    /// A kind that is not read (a graph, a sparse array …), by its number.
    Other(i32),
}

/// An array, row after row.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Sides; none for a single number.
    pub shape: Vec<usize>,
    /// Values; as many as the product of the sides.
    pub data: Data,
}

/// Values of an array.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// Single precision.
    F32(Vec<f32>),
    /// Double precision.
    F64(Vec<f64>),
    /// Whole numbers.
    I64(Vec<i64>),
    /// Whole numbers.
    I32(Vec<i32>),
}

impl Tensor {
    /// The values in double precision.
    pub fn to_f64(&self) -> Vec<f64> {
        match &self.data {
            Data::F32(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Data::F64(v) => v.clone(),
            Data::I64(v) => v.iter().map(|&x| x as f64).collect(),
            Data::I32(v) => v.iter().map(|&x| f64::from(x)).collect(),
        }
    }

    /// The values in single precision; doubles are rounded.
    pub fn to_f32(&self) -> Vec<f32> {
        match &self.data {
            Data::F32(v) => v.clone(),
            Data::F64(v) => v.iter().map(|&x| x as f32).collect(),
            Data::I64(v) => v.iter().map(|&x| x as f32).collect(),
            Data::I32(v) => v.iter().map(|&x| x as f32).collect(),
        }
    }
}

macro_rules! attribute {
    ($(#[$doc:meta])* $name:ident, $kind:ident, $out:ty, $what:literal, $v:ident => $give:expr) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// [`CoreError::Parameter`] where the attribute is of another kind.
        pub fn $name(&self, name: &str) -> Result<Option<$out>> {
            match self.attributes.get(name) {
                None => Ok(None),
                Some(Attribute::$kind($v)) => Ok(Some($give)),
                Some(_) => Err(self.bad(name, "of another kind", $what)),
            }
        }
    };
}

impl Node {
    attribute!(/// An attribute that is a number.
        float, Float, f32, "a number", v => *v);
    attribute!(/// An attribute that is a whole number.
        int, Int, i64, "a whole number", v => *v);
    attribute!(/// An attribute that is a text.
        text, Text, &str, "a text", v => v.as_str());
    attribute!(/// An attribute that is an array.
        tensor, Tensor, &Tensor, "a tensor", v => v);
    attribute!(/// An attribute of numbers.
        floats, Floats, &[f32], "numbers", v => v.as_slice());
    attribute!(/// An attribute of whole numbers.
        ints, Ints, &[i64], "whole numbers", v => v.as_slice());
    attribute!(/// An attribute of texts.
        texts, Texts, &[String], "texts", v => v.as_slice());

    /// The attribute of this name, of any kind.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.get(name)
    }

    /// Whether this is `op` of the standard's own operators.
    pub fn is(&self, op: &str) -> bool {
        self.op == op && matches!(self.domain.as_str(), "" | "ai.onnx")
    }

    /// An error about this attribute.
    pub fn bad(&self, attribute: &str, value: impl ToString, expected: impl Into<String>) -> CoreError {
        CoreError::parameter(format!("onnx {} {:?}.{attribute}", self.op, self.name), value, expected)
    }
}

impl Model {
    /// Reads a file's bytes.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] saying what of the file is not as it must be: truncated or foreign bytes, no graph, an array whose
    /// values do not fill its shape or lie in another file, too large a file or graph.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > MAX_BYTES {
            return Err(bad("file", format!("{} bytes", bytes.len()), format!("at most {MAX_BYTES} bytes")));
        }
        let file = wire::Model::decode(bytes)
            .map_err(|e| bad("file", format!("{} bytes ({e})", bytes.len()), "a whole ONNX file"))?;
        let Some(graph) = file.graph else {
            return Err(bad("file", format!("{} bytes without a graph", bytes.len()), "an ONNX file"));
        };
        if graph.node.len() > MAX_NODES {
            return Err(bad("graph", format!("{} nodes", graph.node.len()), format!("at most {MAX_NODES} nodes")));
        }
        let nodes = graph.node.into_iter().map(node).collect::<Result<Vec<_>>>()?;
        let mut initializers = BTreeMap::new();
        for tensor in graph.initializer {
            let name = tensor.name.clone();
            let tensor = array(&name, tensor)?;
            if initializers.insert(name.clone(), tensor).is_some() {
                return Err(bad("initializer", format!("{name:?} twice"), "every name once"));
            }
        }
        let inputs = graph.input.into_iter().map(port).filter(|p| !initializers.contains_key(&p.name)).collect();
        Ok(Self {
            producer: file.producer_name,
            opsets: file.opset_import.into_iter().map(|o| (domain(o.domain), o.version)).collect(),
            metadata: file.metadata_props.into_iter().map(|p| (p.key, p.value)).collect(),
            nodes,
            initializers,
            inputs,
            outputs: graph.output.into_iter().map(port).collect(),
        })
    }

    /// The array that a name stands for: an initializer, or the value of a `Constant` node.
    pub fn constant(&self, name: &str) -> Option<&Tensor> {
        self.initializers.get(name).or_else(|| {
            let node = self.nodes.iter().find(|n| n.is("Constant") && n.outputs.first().is_some_and(|o| o == name))?;
            match node.attribute("value") {
                Some(Attribute::Tensor(tensor)) => Some(tensor),
                _ => None,
            }
        })
    }
}

fn bad(what: &str, value: impl ToString, expected: impl Into<String>) -> CoreError {
    CoreError::parameter(format!("onnx {what}"), value, expected)
}

/// The standard's domain has two names.
fn domain(name: String) -> String {
    if name == "ai.onnx" { String::new() } else { name }
}

fn node(bytes: prost::bytes::Bytes) -> Result<Node> {
    let raw = wire::Node::decode(bytes).map_err(|e| bad("node", e, "a whole ONNX file"))?;
    let mut out = Node {
        name: raw.name,
        op: raw.op_type,
        domain: domain(raw.domain),
        inputs: raw.input,
        outputs: raw.output,
        attributes: BTreeMap::new(),
    };
    if raw.attribute.len() > MAX_ATTRIBUTES {
        let value = format!("{} attributes", raw.attribute.len());
        return Err(out.bad("*", value, format!("at most {MAX_ATTRIBUTES} attributes")));
    }
    for bytes in raw.attribute {
        let attribute = wire::Attribute::decode(bytes).map_err(|e| out.bad("*", e, "a whole ONNX file"))?;
        let name = attribute.name.clone();
        if out.attributes.insert(name.clone(), value(attribute)?).is_some() {
            return Err(out.bad(&name, "given twice", "every attribute once"));
        }
    }
    Ok(out)
}

fn value(a: wire::Attribute) -> Result<Attribute> {
    let text =
        |bytes: Vec<u8>| String::from_utf8(bytes).map_err(|e| bad("attribute", format!("{:?}: {e}", a.name), "UTF-8"));
    // Numbers of `AttributeProto.AttributeType`.
    Ok(match a.kind {
        1 => Attribute::Float(a.f),
        2 => Attribute::Int(a.i),
        3 => Attribute::Text(text(a.s)?),
        4 => Attribute::Tensor(array(&a.name, a.t.unwrap_or_default())?),
        6 => Attribute::Floats(a.floats),
        7 => Attribute::Ints(a.ints),
        8 => Attribute::Texts(a.strings.into_iter().map(text).collect::<Result<_>>()?),
        other => Attribute::Other(other),
    })
}

fn array(name: &str, t: wire::Tensor) -> Result<Tensor> {
    let wrong = |value: String, expected: &str| Err(bad("tensor", format!("{name:?}: {value}"), expected));
    let mut shape = Vec::with_capacity(t.dims.len());
    let mut count = 1_usize;
    for &side in &t.dims {
        let side = usize::try_from(side).unwrap_or(usize::MAX);
        let Some(product) = count.checked_mul(side).filter(|&n| n <= MAX_BYTES) else {
            return wrong(format!("shape {:?}", t.dims), "sides ≥ 0 whose product is at most the largest file");
        };
        count = product;
        shape.push(side);
    }
    if t.data_location != 0 {
        return wrong("values in another file".to_owned(), "values in the file itself");
    }
    let raw = t.raw_data;
    // Numbers of `TensorProto.DataType`.
    let data = match t.data_type {
        1 => Data::F32(if raw.is_empty() { t.float_data } else { words(&raw, f32::from_le_bytes) }),
        11 => Data::F64(if raw.is_empty() { t.double_data } else { words(&raw, f64::from_le_bytes) }),
        7 => Data::I64(if raw.is_empty() { t.int64_data } else { words(&raw, i64::from_le_bytes) }),
        6 => Data::I32(if raw.is_empty() { t.int32_data } else { words(&raw, i32::from_le_bytes) }),
        9 if raw.is_empty() => Data::I32(t.int32_data),
        9 => Data::I32(raw.iter().map(|&b| i32::from(b)).collect()),
        kind => return wrong(format!("data type {kind}"), "float, double, int32, int64 or bool"),
    };
    let (length, width) = match &data {
        Data::F32(v) => (v.len(), 4),
        Data::F64(v) => (v.len(), 8),
        Data::I64(v) => (v.len(), 8),
        Data::I32(v) => (v.len(), if t.data_type == 9 { 1 } else { 4 }),
    };
    if length != count || !raw.len().is_multiple_of(width) {
        return wrong(format!("{length} values, {} raw bytes", raw.len()), &format!("{count} values for {shape:?}"));
    }
    Ok(Tensor { shape, data })
}

/// Little-endian numbers; a rest that is no whole number is left to the caller's check.
fn words<const N: usize, T>(raw: &[u8], read: fn([u8; N]) -> T) -> Vec<T> {
    raw.as_chunks::<N>().0.iter().map(|&word| read(word)).collect()
}

fn port(info: wire::ValueInfo) -> Port {
    let shape = info.kind.and_then(|t| t.tensor).and_then(|t| t.shape).unwrap_or_default();
    let side = |d: wire::Dimension| d.value.and_then(|v| usize::try_from(v).ok());
    Port { name: info.name, shape: shape.dim.into_iter().map(side).collect() }
}

#[cfg(test)]
mod tests;
