//! Reads an isolation forest of scikit-learn from ONNX, as skl2onnx writes it.
//!
//! Each tree is a `TreeEnsembleRegressor` whose leaves tell their own number; two `LabelEncoder`s turn that number into the rows that
//! reached the leaf and into its depth. The rest of the graph is the formula of the score, whose two constants are checked against
//! what the trees say, and the offset.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::{CoreError, Result};
use crate::onnx::{Model, Node};
use crate::strategies::forest::{FEATURES, ForestModel, TreeModel, average_path};

/// Key of the file's metadata under which what the model was fitted on is written, as JSON.
const CARD: &str = "mirrorfast.card";
/// Columns that a forest looks at, in their order.
pub(super) const COLUMNS: [&str; FEATURES] = ["log_return", "log_range", "log_volume_ratio"];

#[derive(Debug, Default, Deserialize)]
struct Card {
    strategy: Option<String>,
    columns: Option<Vec<String>>,
    from_ts: Option<i64>,
    volume_period: Option<u32>,
}

fn bad(what: &str, value: impl ToString, expected: &str) -> CoreError {
    CoreError::parameter(format!("anomaly_detection.model {what}"), value, expected)
}

/// The forest in a file's bytes.
///
/// # Errors
/// [`CoreError::Parameter`] for bytes that are no ONNX, another model, or one fitted on other columns.
pub(super) fn read(bytes: &[u8]) -> Result<ForestModel> {
    let file = Model::read(bytes)?;
    let card: Card = match file.metadata.get(CARD) {
        None => Card::default(),
        Some(text) => serde_json::from_str(text).map_err(|e| bad("card", e, "a card as JSON"))?,
    };
    if card.strategy.as_ref().is_some_and(|s| s != "anomaly_detection") {
        return Err(bad("card.strategy", format!("{:?}", card.strategy), "anomaly_detection"));
    }
    if card.columns.as_ref().is_some_and(|columns| *columns != COLUMNS) {
        return Err(bad("card.columns", format!("{:?}", card.columns), &COLUMNS.join(", ")));
    }
    let graph = Graph::new(&file);
    let trees: Vec<TreeModel> =
        file.nodes.iter().filter(|n| n.op == "TreeEnsembleRegressor").map(|n| graph.tree(n)).collect::<Result<_>>()?;
    let Some(rows) = trees.first().map(|t| t.samples[0]) else {
        return Err(bad(
            "graph",
            format!("{} nodes without a tree", file.nodes.len()),
            "an isolation forest of skl2onnx",
        ));
    };
    if let Some(k) = trees.iter().position(|t| t.samples[0] != rows) {
        return Err(bad(&format!("trees[{k}]"), format!("{} rows", trees[k].samples[0]), "as many rows in every tree"));
    }
    let (divisor, offset) = graph.ending()?;
    let expected = trees.len() as f64 * average_path(rows);
    if (divisor - expected).abs() > 1e-4 * expected.max(1.0) {
        return Err(bad(
            "graph",
            format!("a sum divided by {divisor}"),
            &format!("{expected}, which follows from the trees"),
        ));
    }
    Ok(ForestModel { max_samples: rows, offset, trees, from_ts: card.from_ts, volume_period: card.volume_period })
}

/// Who makes and who takes each name.
struct Graph<'a> {
    file: &'a Model,
    maker: BTreeMap<&'a str, &'a Node>,
    takers: BTreeMap<&'a str, Vec<&'a Node>>,
}

impl<'a> Graph<'a> {
    fn new(file: &'a Model) -> Self {
        let (mut maker, mut takers) = (BTreeMap::new(), BTreeMap::<&str, Vec<&Node>>::new());
        for node in &file.nodes {
            for name in &node.outputs {
                maker.insert(name.as_str(), node);
            }
            for name in &node.inputs {
                takers.entry(name).or_default().push(node);
            }
        }
        Self { file, maker, takers }
    }

    /// The `LabelEncoder`s that the output of `node` runs into, past casts and reshapes.
    fn encoders(&self, node: &'a Node) -> Vec<&'a Node> {
        let mut found = Vec::new();
        let mut waiting: Vec<&str> = node.outputs.iter().map(String::as_str).collect();
        // A graph has no circle, but this one was not checked: no path is that long.
        for _ in 0..16 {
            let Some(name) = waiting.pop() else { break };
            for &taker in self.takers.get(name).into_iter().flatten() {
                if taker.op == "LabelEncoder" {
                    found.push(taker);
                } else if taker.is("Cast") || taker.is("Reshape") {
                    waiting.extend(taker.outputs.iter().map(String::as_str));
                }
            }
        }
        found
    }

    /// Columns of the input that the tree looks at.
    fn columns(&self, node: &Node) -> Result<Vec<i32>> {
        let all = (0..FEATURES as i32).collect();
        let mut name = node.inputs.first().map_or("", String::as_str);
        for _ in 0..4 {
            let Some(from) = self.maker.get(name) else { return Ok(all) };
            if from.is("Gather") && from.inputs.len() == 2 && from.int("axis")?.unwrap_or(0) == 1 {
                let picked = self.file.constant(&from.inputs[1]).map(crate::onnx::Tensor::to_f64).unwrap_or_default();
                return Ok(picked.into_iter().map(|c| c as i32).collect());
            }
            if !(from.is("Cast") || from.is("Identity")) {
                return Err(bad("graph", &from.op, "trees that look at columns of the input"));
            }
            name = from.inputs.first().map_or("", String::as_str);
        }
        Ok(all)
    }

    fn tree(&self, node: &'a Node) -> Result<TreeModel> {
        let ints = |name: &str| node.ints(name).map(Option::unwrap_or_default);
        let floats = |name: &str| node.floats(name).map(Option::unwrap_or_default);
        let (feature, value, modes) =
            (ints("nodes_featureids")?, floats("nodes_values")?, node.texts("nodes_modes")?.unwrap_or_default());
        let (yes, no, number) = (ints("nodes_truenodeids")?, ints("nodes_falsenodeids")?, ints("nodes_nodeids")?);
        let (leaf, weight) = (ints("target_nodeids")?, floats("target_weights")?);
        let n = number.len();
        if n == 0
            || [feature.len(), value.len(), modes.len(), yes.len(), no.len()] != [n; 5]
            || leaf.len() != weight.len()
        {
            return Err(node.bad("nodes_nodeids", n, "arrays of one length > 0"));
        }
        if ints("nodes_treeids")?.iter().any(|&t| t != 0) || number.iter().enumerate().any(|(k, &i)| i != k as i64) {
            return Err(node.bad("nodes_treeids", "several trees", "one tree with its nodes in order"));
        }
        let columns = self.columns(node)?;
        let mut tree = TreeModel {
            feature: vec![-2; n],
            threshold: vec![-2.0; n],
            left: vec![-1; n],
            right: vec![-1; n],
            samples: vec![0; n],
        };
        let mut depth = vec![0_u32; n];
        for i in 0..n {
            if modes[i] == "LEAF" {
                continue;
            }
            let column = usize::try_from(feature[i]).ok().and_then(|f| columns.get(f));
            let later = |c: i64| c > i as i64 && c < n as i64;
            let (true, true, true, Some(&column)) = (modes[i] == "BRANCH_LEQ", later(yes[i]), later(no[i]), column)
            else {
                let told = format!("{} on feature {} to {} and {}", modes[i], feature[i], yes[i], no[i]);
                return Err(node.bad("nodes_modes", told, "BRANCH_LEQ on a column of the input, to later nodes"));
            };
            (tree.feature[i], tree.threshold[i]) = (column, f64::from(value[i]));
            (tree.left[i], tree.right[i]) = (yes[i] as i32, no[i] as i32);
            for child in [yes[i], no[i]] {
                depth[child as usize] = depth[i] + 1;
            }
        }
        // By leaf: what its label stands for. One table says the depth with one more, the other the rows.
        let tables: Vec<BTreeMap<i64, f32>> = self.encoders(node).into_iter().map(table).collect::<Result<_>>()?;
        let label: BTreeMap<i64, i64> = leaf.iter().zip(weight).map(|(&at, &w)| (at, w as i64)).collect();
        let leaves: Vec<usize> = (0..n).filter(|&i| modes[i] == "LEAF").collect();
        let told = |t: &BTreeMap<i64, f32>, i: usize| label.get(&(i as i64)).and_then(|l| t.get(l)).copied();
        let is_depth = |t: &BTreeMap<i64, f32>| leaves.iter().all(|&i| told(t, i) == Some((depth[i] + 1) as f32));
        let rows = match tables.as_slice() {
            [a, b] if is_depth(a) => b,
            [a, b] if is_depth(b) => a,
            _ => {
                return Err(node.bad(
                    "*",
                    format!("{} tables of its leaves", tables.len()),
                    "depth and rows of every leaf",
                ));
            }
        };
        for &i in &leaves {
            let count = told(rows, i).filter(|c| (1.0..1e9).contains(c) && c.fract() == 0.0);
            let count = count.ok_or_else(|| node.bad("*", format!("leaf {i}"), "a number of rows ≥ 1"))?;
            tree.samples[i] = count as u32;
        }
        // Children come later: from the end on, every node knows its own.
        for i in (0..n).rev().filter(|&i| tree.left[i] >= 0) {
            let sum = tree.samples[tree.left[i] as usize].checked_add(tree.samples[tree.right[i] as usize]);
            tree.samples[i] = sum.ok_or_else(|| node.bad("*", "too many rows", "fewer than 2^32"))?;
        }
        Ok(tree)
    }

    /// What the sum of the path lengths is divided by, and the offset added to the score in the end.
    fn ending(&self) -> Result<(f64, f64)> {
        let single = |name: &str| {
            let values = self.file.constant(name)?.to_f64();
            (values.len() == 1).then(|| values[0])
        };
        let constant = |op: &str, before: &str| {
            self.file.nodes.iter().filter(|n| n.is(op) && n.inputs.len() == 2).find_map(|n| {
                let from = self.maker.get(n.inputs[0].as_str())?;
                if from.is(before) { single(&n.inputs[1]) } else { None }
            })
        };
        // −2^(−sum / divisor) − offset
        let divisor = constant("Div", "Sum").or_else(|| constant("Div", "Add"));
        let shift = constant("Add", "Neg");
        match (divisor, shift) {
            (Some(divisor), Some(shift)) if shift.is_finite() => Ok((divisor, -shift)),
            _ => Err(bad("graph", "no score", "−2^(−sum / expected) − offset, as skl2onnx writes it")),
        }
    }
}

fn table(encoder: &Node) -> Result<BTreeMap<i64, f32>> {
    let (Some(keys), Some(values)) = (encoder.ints("keys_int64s")?, encoder.floats("values_floats")?) else {
        return Err(encoder.bad("keys_int64s", "missing", "whole numbers to numbers"));
    };
    if keys.len() != values.len() {
        return Err(encoder.bad("keys_int64s", keys.len(), "as many keys as values"));
    }
    Ok(keys.iter().copied().zip(values.iter().copied()).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::strategies::forest::Forest;

    /// Written by skl2onnx 1.20.0 from scikit-learn 1.9.1: four trees on 24 of 40 rows.
    const FILE: &[u8] = include_bytes!("../../tests/data/isolation_forest.onnx");

    /// Rows and what onnxruntime makes of them: score less offset.
    const SCORES: [([f32; 3], f64); 12] = [
        ([0.017885664, 0.0016965456, 0.48355332], 0.018720388),
        ([-0.010495131, 0.011919589, 1.5758548], 0.12792242),
        ([0.0006620277, 0.0191891, 0.3640889], 0.05444008),
        ([0.009833956, -0.011382256, -0.45995846], 0.0718714),
        ([0.023877403, 0.004098506, 1.163932], 0.03686112),
        ([0.016270328, 0.02322279, 1.3494873], -0.14890844),
        ([0.03050974, 0.008883286, 0.14137186], -0.0193187),
        ([-0.021946764, 0.0051195608, -0.2038633], -0.0193187),
        ([-0.016423307, 0.00907431, 0.9012896], 0.09697425),
        ([-0.010166723, -0.009236828, 0.64217365], 0.03686112),
        ([0.0067603737, 0.020844756, 1.1622912], -0.12557673),
        ([-0.01930682, 0.0027622343, 2.308478], 0.051867187),
    ];

    #[test]
    fn scores_as_onnxruntime_does() {
        let model = read(FILE).unwrap();
        assert_eq!((model.trees.len(), model.max_samples, model.from_ts), (4, 24, Some(180_000_001)));
        let forest = Forest::from_model(&model).unwrap();
        for (x, expected) in SCORES {
            let score = forest.score(&x) - forest.offset();
            assert!((score - expected).abs() < 1e-6, "{x:?}: {score}, expected {expected}");
        }
    }

    #[test]
    fn other_files_are_refused() {
        for bytes in [&b"{}"[..], &FILE[..FILE.len() / 2], &[]] {
            let told = read(bytes).unwrap_err().to_string();
            assert!(told.starts_with("onnx file = "), "{told}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn a_damaged_file_is_an_error_or_a_forest(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = FILE.to_vec();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(model) = read(&bytes) {
                let _ = Forest::from_model(&model).map(|forest| forest.score(&[0.0; 3]));
            }
        }
    }
}
