//! Isolation forest (Liu, Ting and Zhou, 2008): how few random cuts set a point apart from its like.

use serde::{Deserialize, Serialize};

use crate::error::{CoreError, Result};
use crate::random::Random;

/// Number of features.
pub(super) const FEATURES: usize = 3;

/// One observation; single precision, as scikit-learn's trees compare them.
pub(super) type Sample = [f32; FEATURES];

/// A forest fitted by scikit-learn: the arrays of each `estimators_[k].tree_`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ForestModel {
    /// `max_samples_`: rows each tree was grown on.
    pub(super) max_samples: u32,
    /// `offset_`: a score below it is an anomaly.
    pub(super) offset: f64,
    /// One entry a tree.
    pub(super) trees: Vec<TreeModel>,
    /// First bar (open time, milliseconds) that the model may judge: the one after the data it was fitted on.
    #[serde(default)]
    pub(super) from_ts: Option<i64>,
}

/// Arrays of one tree, by node; node 0 is the root.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TreeModel {
    /// Feature compared; negative at a leaf.
    pub(super) feature: Vec<i32>,
    /// Left if `value ≤ threshold`.
    pub(super) threshold: Vec<f64>,
    /// Left child; negative at a leaf.
    pub(super) left: Vec<i32>,
    /// Right child; negative at a leaf.
    pub(super) right: Vec<i32>,
    /// Training rows that reached the node.
    pub(super) samples: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Node {
    /// At a leaf the depth with the expected rest of the path, else the threshold.
    value: f64,
    /// Feature, [`LEAF`] at a leaf.
    feature: u32,
    /// Left child; the right one follows where trees are grown here, else stands in `right`.
    left: u32,
    right: u32,
}

const LEAF: u32 = u32::MAX;

impl Node {
    /// The child that `x` belongs to.
    #[inline]
    fn next(&self, x: &Sample) -> u32 {
        if f64::from(x[self.feature as usize]) <= self.value { self.left } else { self.right }
    }
}

/// A forest ready to score.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Forest {
    nodes: Vec<Node>,
    roots: Vec<u32>,
    /// Expected path length in a tree of the sample's size.
    scale: f64,
    offset: f64,
}

/// Mean length of an unsuccessful search in a binary search tree of `n` leaves.
fn average_path(n: u32) -> f64 {
    match n {
        0 | 1 => 0.0,
        2 => 1.0,
        _ => {
            let n = f64::from(n);
            2.0 * ((n - 1.0).ln() + EULER_GAMMA) - 2.0 * (n - 1.0) / n
        }
    }
}

const EULER_GAMMA: f64 = 0.577_215_664_901_532_9;

impl Forest {
    /// Takes over a forest of scikit-learn.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] naming the part that is no tree.
    pub(super) fn from_model(model: &ForestModel) -> Result<Self> {
        let bad = |field: String, value: String, expected: &str| {
            Err(CoreError::parameter(format!("anomaly_detection.model.{field}"), value, expected))
        };
        if model.trees.is_empty() || model.max_samples < 2 || !model.offset.is_finite() {
            let value = format!("{} trees on {} samples", model.trees.len(), model.max_samples);
            return bad("trees".to_owned(), value, "at least one tree on two samples, and a finite offset");
        }
        let mut nodes = Vec::new();
        let mut roots = Vec::with_capacity(model.trees.len());
        for (k, tree) in model.trees.iter().enumerate() {
            let n = tree.feature.len();
            let lengths = [tree.threshold.len(), tree.left.len(), tree.right.len(), tree.samples.len()];
            if n == 0 || lengths != [n; 4] {
                return bad(format!("trees[{k}]"), format!("{n} features, {lengths:?}"), "arrays of one length > 0");
            }
            let base = nodes.len() as u32;
            roots.push(base);
            let mut depth = vec![0_u32; n];
            for i in 0..n {
                let (left, right) = (tree.left[i], tree.right[i]);
                if left < 0 && right < 0 {
                    let value = f64::from(depth[i]) + average_path(tree.samples[i]);
                    nodes.push(Node { value, feature: LEAF, left: 0, right: 0 });
                    continue;
                }
                let inside = |c: i32| c > i as i32 && (c as usize) < n;
                let feature = tree.feature[i];
                if !(inside(left)
                    && inside(right)
                    && (0..FEATURES as i32).contains(&feature)
                    && tree.threshold[i].is_finite())
                {
                    let value = format!("feature {feature}, children {left} and {right}");
                    return bad(
                        format!("trees[{k}] node {i}"),
                        value,
                        "a feature of the strategy and later nodes as children",
                    );
                }
                for child in [left, right] {
                    depth[child as usize] = depth[i] + 1;
                }
                nodes.push(Node {
                    value: tree.threshold[i],
                    feature: feature as u32,
                    left: base + left as u32,
                    right: base + right as u32,
                });
            }
        }
        Ok(Self { nodes, roots, scale: average_path(model.max_samples), offset: model.offset })
    }

    /// scikit-learn's `score_samples`: `−2^(−mean path length / expected length)`, −1 for the strangest, about −0.5 for the usual.
    pub(super) fn score(&self, x: &Sample) -> f64 {
        // A walk down a tree waits for memory at every step: several walks at once wait together.
        const ABREAST: usize = 8;
        let mut total = 0.0;
        for roots in self.roots.chunks(ABREAST) {
            let mut at = [0_u32; ABREAST];
            at[..roots.len()].copy_from_slice(roots);
            let mut moving = true;
            while moving {
                moving = false;
                for slot in &mut at[..roots.len()] {
                    let node = &self.nodes[*slot as usize];
                    if node.feature != LEAF {
                        *slot = node.next(x);
                        moving = true;
                    }
                }
            }
            for slot in &at[..roots.len()] {
                total += self.nodes[*slot as usize].value;
            }
        }
        -(-total / (self.roots.len() as f64 * self.scale)).exp2()
    }

    /// Score below which a point is an anomaly.
    pub(super) fn offset(&self) -> f64 {
        self.offset
    }

    /// Grows `trees` trees, each on up to 256 rows drawn without return, and sets the offset so that `contamination` of the rows are
    /// anomalies. The same rows and seed always give the same forest.
    pub(super) fn fit(rows: &[Sample], trees: usize, contamination: f64, seed: u64) -> Self {
        let size = rows.len().min(256);
        let max_depth = (size.max(2) as f64).log2().ceil() as u32;
        let mut forest = Self {
            nodes: Vec::new(),
            roots: Vec::with_capacity(trees),
            scale: average_path(size as u32).max(1.0),
            offset: -0.5,
        };
        let mut random = Random(seed);
        let mut order: Vec<u32> = (0..rows.len() as u32).collect();
        let paths: Vec<f64> = (0..=size as u32).map(average_path).collect();
        // Path lengths of every row, summed over the trees in their order, as `score` sums them.
        let mut totals = vec![0.0; rows.len()];
        for _ in 0..trees {
            for k in 0..size {
                let j = k + random.below((rows.len() - k) as u64) as usize;
                order.swap(k, j);
            }
            forest.roots.push(forest.nodes.len() as u32);
            forest.grow(rows, &mut order[..size], max_depth, &paths, &mut totals, &mut random);
            for &row in &order[size..] {
                let mut node = &forest.nodes[forest.roots[forest.roots.len() - 1] as usize];
                while node.feature != LEAF {
                    node = &forest.nodes[node.next(&rows[row as usize]) as usize];
                }
                totals[row as usize] += node.value;
            }
        }
        let mut scores: Vec<f64> =
            totals.iter().map(|total| -(-total / (trees as f64 * forest.scale)).exp2()).collect();
        scores.sort_by(f64::total_cmp);
        forest.offset = quantile(&scores, contamination);
        forest
    }

    /// Grows one tree in preorder over an explicit stack; a row that it is grown on gets its path length added to `totals`.
    fn grow(
        &mut self,
        rows: &[Sample],
        order: &mut [u32],
        max_depth: u32,
        paths: &[f64],
        totals: &mut [f64],
        random: &mut Random,
    ) {
        struct Task {
            from: usize,
            to: usize,
            depth: u32,
            /// Node whose right child this is.
            parent: Option<usize>,
        }
        let mut stack = vec![Task { from: 0, to: order.len(), depth: 0, parent: None }];
        while let Some(Task { from, to, depth, parent }) = stack.pop() {
            let at = self.nodes.len();
            if let Some(parent) = parent {
                self.nodes[parent].right = at as u32;
            }
            let part = &mut order[from..to];
            let cut = if depth < max_depth && part.len() > 1 { Self::cut(rows, part, random) } else { None };
            let Some((feature, threshold)) = cut else {
                let value = f64::from(depth) + paths[part.len()];
                for &mut row in part {
                    totals[row as usize] += value;
                }
                self.nodes.push(Node { value, feature: LEAF, left: 0, right: 0 });
                continue;
            };
            let mut middle = 0;
            for k in 0..part.len() {
                // A swap without a branch: which way a row goes is as good as random.
                let (row, other) = (part[k], part[middle]);
                let left = f64::from(rows[row as usize][feature]) <= threshold;
                part[k] = if left { other } else { row };
                part[middle] = if left { row } else { other };
                middle += usize::from(left);
            }
            self.nodes.push(Node { value: threshold, feature: feature as u32, left: at as u32 + 1, right: 0 });
            stack.push(Task { from: from + middle, to, depth: depth + 1, parent: Some(at) });
            stack.push(Task { from, to: from + middle, depth: depth + 1, parent: None });
        }
    }

    /// A random feature that varies here and a random threshold inside its range; none where all rows are equal.
    fn cut(rows: &[Sample], part: &[u32], random: &mut Random) -> Option<(usize, f64)> {
        let mut ranges = [(f32::MAX, f32::MIN); FEATURES];
        for &row in part {
            for (range, &x) in ranges.iter_mut().zip(&rows[row as usize]) {
                *range = (if x < range.0 { x } else { range.0 }, if x > range.1 { x } else { range.1 });
            }
        }
        let varying: smallvec::SmallVec<[usize; FEATURES]> =
            (0..FEATURES).filter(|&f| ranges[f].0 < ranges[f].1).collect();
        if varying.is_empty() {
            return None;
        }
        let feature = varying[random.below(varying.len() as u64) as usize];
        let (low, high) = (f64::from(ranges[feature].0), f64::from(ranges[feature].1));
        // In [low, high): both sides get at least one row.
        Some((feature, low + random.unit() * (high - low)))
    }
}

/// Quantile with linear interpolation, as numpy's default; `sorted` is not empty.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let place = q * (sorted.len() - 1) as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (place - below as f64) * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cloud(n: usize) -> Vec<Sample> {
        let mut random = Random(7);
        (0..n).map(|_| std::array::from_fn(|_| (random.unit() + random.unit() + random.unit() - 1.5) as f32)).collect()
    }

    #[test]
    fn average_path_of_small_trees() {
        assert_eq!([0, 1, 2].map(average_path), [0.0, 0.0, 1.0]);
        assert!((average_path(256) - 10.244_770_920_119_917).abs() < 1e-12);
    }

    #[test]
    fn an_outlier_scores_lowest_and_contamination_sets_the_offset() {
        let mut rows = cloud(500);
        rows[77] = [6.0, -6.0, 6.0];
        let forest = Forest::fit(&rows, 100, 0.1, 1);
        let scores: Vec<f64> = rows.iter().map(|x| forest.score(x)).collect();
        let lowest = (0..500).min_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap();
        assert_eq!(lowest, 77);
        assert!(scores[77] < -0.7, "{}", scores[77]);
        let found = scores.iter().filter(|&&s| s < forest.offset()).count();
        assert_eq!(found, 50);
        assert_eq!(Forest::fit(&rows, 100, 0.1, 1), forest, "the same rows give the same forest");
        assert_ne!(Forest::fit(&rows, 100, 0.1, 2), forest);
    }

    #[test]
    fn equal_rows_are_all_usual() {
        let forest = Forest::fit(&vec![[1.0; 3]; 300], 10, 0.1, 1);
        assert!(forest.score(&[1.0; 3]) >= forest.offset());
    }

    #[test]
    fn scores_as_the_formula_says() {
        // Root splits feature 0 at 0.5: left leaf of 1 row, right leaf of 3 rows.
        let tree = TreeModel {
            feature: vec![0, -2, -2],
            threshold: vec![0.5, -2.0, -2.0],
            left: vec![1, -1, -1],
            right: vec![2, -1, -1],
            samples: vec![4, 1, 3],
        };
        let model = ForestModel { max_samples: 4, offset: -0.5, trees: vec![tree], from_ts: None };
        let forest = Forest::from_model(&model).unwrap();
        let expected = |depth: f64| -(2.0_f64).powf(-depth / average_path(4));
        assert!((forest.score(&[0.5, 0.0, 0.0]) - expected(1.0)).abs() < 1e-15);
        assert!((forest.score(&[0.6, 0.0, 0.0]) - expected(1.0 + average_path(3))).abs() < 1e-15);
        let mut broken = model.clone();
        broken.trees[0].left[0] = 0;
        assert!(Forest::from_model(&broken).unwrap_err().to_string().contains("trees[0] node 0"));
        broken.trees[0].left.pop();
        assert!(Forest::from_model(&broken).is_err());
    }
}
