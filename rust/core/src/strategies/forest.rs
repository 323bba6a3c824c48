//! Isolation forest (Liu, Ting and Zhou, 2008): how few random cuts set a point apart from its like.

use serde::{Deserialize, Serialize};

use crate::error::{CoreError, Result};
use crate::random::Random;
use crate::strategies::given::Dated;

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
    /// Bars of the mean volume behind the third column, where that is known.
    #[serde(default)]
    pub(super) volume_period: Option<u32>,
}

impl Dated for ForestModel {
    fn since(&self) -> Option<i64> {
        self.from_ts
    }
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

/// One node in eight bytes. Both children stand side by side, and a leaf is its own child: a walk needs no branch.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Node {
    /// Left if `value ≤ threshold`: the threshold rounded down to single precision says the same of every single; infinite at a leaf.
    threshold: f32,
    /// Place of the left child times four, plus the feature.
    link: u32,
}

impl Node {
    fn leaf(at: usize) -> Self {
        Self { threshold: f32::INFINITY, link: (at as u32) << 2 }
    }

    fn inner(threshold: f64, feature: usize, left: usize) -> Self {
        Self { threshold: single_below(threshold), link: (left as u32) << 2 | feature as u32 }
    }

    /// The child that `x` belongs to.
    #[inline(always)]
    fn next(self, x: &Row) -> u32 {
        (self.link >> 2) + u32::from(x[(self.link & 3) as usize] > self.threshold)
    }
}

/// Largest single that is not above `x`.
fn single_below(x: f64) -> f32 {
    let near = x as f32;
    if f64::from(near) > x { near.next_down() } else { near }
}

/// A sample in a vector register; the last place holds the row's number while trees are grown.
type Row = [f32; 4];

fn row(x: &Sample, number: usize) -> Row {
    [x[0], x[1], x[2], number as f32]
}

/// A forest ready to score.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Forest {
    nodes: Vec<Node>,
    /// By node: at a leaf the depth with the expected rest of the path.
    paths: Vec<f64>,
    roots: Vec<u32>,
    /// Steps from a root to the deepest leaf.
    depth: u32,
    /// Expected path length in a tree of the sample's size.
    scale: f64,
    offset: f64,
}

/// Mean length of an unsuccessful search in a binary search tree of `n` leaves.
pub(super) fn average_path(n: u32) -> f64 {
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

/// A walk down a tree waits for memory at every step: several walks at once wait together.
const ABREAST: usize = 10;

impl Forest {
    /// Takes over a forest of scikit-learn.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] naming the part that is no tree.
    pub(super) fn from_model(model: &ForestModel) -> Result<Self> {
        let bad = |field: String, value: String, expected: &str| {
            Err(CoreError::parameter(format!("anomaly_detection.model.{field}"), value, expected))
        };
        let total: usize = model.trees.iter().map(|t| t.feature.len()).sum();
        if model.trees.is_empty() || model.max_samples < 2 || !model.offset.is_finite() || total > MAX_NODES {
            let value = format!("{} trees of {total} nodes on {} samples", model.trees.len(), model.max_samples);
            return bad("trees".to_owned(), value, "at least one tree on two samples, and a finite offset");
        }
        let mut forest = Self { scale: average_path(model.max_samples), offset: model.offset, ..Self::default() };
        for (k, tree) in model.trees.iter().enumerate() {
            let n = tree.feature.len();
            let lengths = [tree.threshold.len(), tree.left.len(), tree.right.len(), tree.samples.len()];
            if n == 0 || lengths != [n; 4] {
                return bad(format!("trees[{k}]"), format!("{n} features, {lengths:?}"), "arrays of one length > 0");
            }
            let root = forest.leaf();
            forest.roots.push(root as u32);
            // Place here and depth of every node of the model, once its parent is known.
            let mut known = vec![None; n];
            known[0] = Some((root, 0_u32));
            for i in 0..n {
                let (left, right, feature) = (tree.left[i], tree.right[i], tree.feature[i]);
                let free = |c: i32| c > i as i32 && known.get(c as usize) == Some(&None);
                let is_leaf = left < 0 && right < 0;
                let inner = free(left)
                    && free(right)
                    && left != right
                    && (0..FEATURES as i32).contains(&feature)
                    && tree.threshold[i].is_finite();
                let Some((at, depth)) = known[i].filter(|_| is_leaf || inner) else {
                    let value = format!("feature {feature}, children {left} and {right}");
                    let expected = "a feature of the strategy and two later nodes as children that are nobody else's";
                    return bad(format!("trees[{k}] node {i}"), value, expected);
                };
                if is_leaf {
                    forest.paths[at] = f64::from(depth) + average_path(tree.samples[i]);
                    forest.depth = forest.depth.max(depth);
                    continue;
                }
                let pair = forest.leaf();
                forest.leaf();
                forest.nodes[at] = Node::inner(tree.threshold[i], feature as usize, pair);
                known[left as usize] = Some((pair, depth + 1));
                known[right as usize] = Some((pair + 1, depth + 1));
            }
        }
        Ok(forest)
    }

    /// Adds a leaf and tells its place.
    fn leaf(&mut self) -> usize {
        let at = self.nodes.len();
        self.nodes.push(Node::leaf(at));
        self.paths.push(0.0);
        at
    }

    /// Leaves that `x` reaches from several roots.
    #[inline]
    fn leaves(&self, mut at: [u32; ABREAST], x: &Row) -> [u32; ABREAST] {
        for _ in 0..self.depth {
            for slot in &mut at {
                *slot = self.nodes[*slot as usize].next(x);
            }
        }
        at
    }

    /// scikit-learn's `score_samples`: `−2^(−mean path length / expected length)`, −1 for the strangest, about −0.5 for the usual.
    pub(super) fn score(&self, x: &Sample) -> f64 {
        let x = row(x, 0);
        let mut total = 0.0;
        for roots in self.roots.chunks(ABREAST) {
            let mut at = [roots[0]; ABREAST];
            at[..roots.len()].copy_from_slice(roots);
            for leaf in &self.leaves(at, &x)[..roots.len()] {
                total += self.paths[*leaf as usize];
            }
        }
        self.standing(total, self.roots.len())
    }

    /// The score of a path of this length, summed over the trees.
    fn standing(&self, total: f64, trees: usize) -> f64 {
        -(-total / (trees as f64 * self.scale)).exp2()
    }

    /// Score below which a point is an anomaly.
    pub(super) fn offset(&self) -> f64 {
        self.offset
    }

    /// Grows a whole forest at once; see [`Growth`].
    #[cfg(test)]
    pub(super) fn fit(rows: &[Sample], trees: usize, contamination: f64, seed: u64) -> Self {
        let mut growth = Growth::new(rows, trees, contamination, seed);
        growth.grow(trees);
        growth.finish()
    }
}

/// Most nodes of a given forest: their places must fit beside the feature.
const MAX_NODES: usize = 1 << 24;
/// Most rows that a tree is grown on.
const SAMPLES: usize = 256;
/// Most cuts above a leaf that is grown: ⌈log₂ 256⌉.
const DEEPEST: usize = 8;

/// A forest that grows tree by tree, each on up to 256 rows drawn without return, with an offset such that `contamination` of the
/// rows are anomalies. The same rows and seed always give the same forest, however it is divided into steps.
#[derive(Debug, Clone)]
pub(super) struct Growth {
    rows: Vec<Row>,
    order: Vec<u32>,
    /// [`average_path`] by number of rows.
    expected: Vec<f64>,
    /// Path lengths of every row, summed over the trees in their order, as `score` sums them.
    totals: Vec<f64>,
    trees: usize,
    contamination: f64,
    random: Random,
    forest: Forest,
    /// Rows of the present tree, side by side while they are sorted into the leaves.
    drawn: Vec<Row>,
    /// Those of a part that go right.
    aside: Vec<Row>,
}

/// Rows that are still to be divided.
#[derive(Debug, Clone, Copy, Default)]
struct Task {
    from: usize,
    to: usize,
    depth: u32,
    node: usize,
}

impl Growth {
    /// A forest of no tree yet.
    pub(super) fn new(rows: &[Sample], trees: usize, contamination: f64, seed: u64) -> Self {
        let size = rows.len().min(SAMPLES);
        Self {
            rows: rows.iter().enumerate().map(|(k, x)| row(x, k)).collect(),
            order: (0..rows.len() as u32).collect(),
            expected: (0..=size as u32).map(average_path).collect(),
            totals: vec![0.0; rows.len()],
            trees,
            contamination,
            random: Random(seed),
            forest: Forest {
                roots: Vec::with_capacity(trees),
                scale: average_path(size as u32).max(1.0),
                ..Forest::default()
            },
            drawn: vec![Row::default(); size],
            aside: vec![Row::default(); size],
        }
    }

    /// Trees grown.
    pub(super) fn grown(&self) -> usize {
        self.forest.roots.len()
    }

    /// Grows up to `n` further trees.
    pub(super) fn grow(&mut self, n: usize) {
        for _ in 0..n.min(self.trees - self.grown()) {
            self.tree();
        }
    }

    /// Sets the offset once all trees are grown.
    pub(super) fn finish(self) -> Forest {
        let mut forest = self.forest;
        let mut scores: Vec<f64> = self.totals.iter().map(|&total| forest.standing(total, self.trees)).collect();
        forest.offset = quantile(&mut scores, self.contamination);
        forest
    }

    /// Draws the rows of one tree and grows it.
    fn tree(&mut self) {
        let (n, size) = (self.order.len(), self.drawn.len());
        // Whichever is fewer is drawn: those taken or those left out.
        if size <= n - size {
            for k in 0..size {
                let j = k + self.random.below((n - k) as u64) as usize;
                self.order.swap(k, j);
            }
        } else {
            for k in (size..n).rev() {
                let j = self.random.below(k as u64 + 1) as usize;
                self.order.swap(k, j);
            }
        }
        for (slot, &number) in self.drawn.iter_mut().zip(&self.order) {
            *slot = self.rows[number as usize];
        }
        let root = self.forest.leaf();
        self.forest.roots.push(root as u32);
        self.divide(root);
        // The others' paths, several abreast.
        for numbers in self.order[size..].chunks(ABREAST) {
            let mut at = [root as u32; ABREAST];
            for _ in 0..self.forest.depth {
                for (slot, &number) in at.iter_mut().zip(numbers) {
                    *slot = self.forest.nodes[*slot as usize].next(&self.rows[number as usize]);
                }
            }
            for (&leaf, &number) in at.iter().zip(numbers) {
                self.totals[number as usize] += self.forest.paths[leaf as usize];
            }
        }
    }

    /// Cuts until every row is alone, all are alike or the tree is as deep as it may be; left sides first.
    fn divide(&mut self, root: usize) {
        let deepest = (self.drawn.len().max(2) as f64).log2().ceil() as u32;
        let mut stack = [Task::default(); DEEPEST + 1];
        stack[0] = Task { from: 0, to: self.drawn.len(), depth: 0, node: root };
        let mut waiting = 1;
        while waiting > 0 {
            waiting -= 1;
            let Task { from, to, depth, node } = stack[waiting];
            let part = &mut self.drawn[from..to];
            let cut = if depth < deepest && part.len() > 1 { Self::cut(part, &mut self.random) } else { None };
            let Some((feature, threshold)) = cut else {
                let path = f64::from(depth) + self.expected[part.len()];
                self.forest.paths[node] = path;
                self.forest.depth = self.forest.depth.max(depth);
                for x in part {
                    self.totals[x[3] as usize] += path;
                }
                continue;
            };
            let pair = self.forest.leaf();
            self.forest.leaf();
            let inner = Node::inner(threshold, feature, pair);
            self.forest.nodes[node] = inner;
            // Without a branch: every row is written to both sides, and only the side it belongs to moves on.
            let aside = &mut self.aside[..part.len()];
            let mut middle = 0;
            for k in 0..part.len() {
                let left = part[k][feature & 3] <= inner.threshold;
                let x = part[k];
                part[middle] = x;
                aside[k - middle] = x;
                middle += usize::from(left);
            }
            let right = part.len() - middle;
            part[middle..].copy_from_slice(&aside[..right]);
            stack[waiting] = Task { from: from + middle, to, depth: depth + 1, node: pair + 1 };
            stack[waiting + 1] = Task { from, to: from + middle, depth: depth + 1, node: pair };
            waiting += 2;
        }
    }

    /// A random feature that varies here and a random threshold inside its range; none where all rows are equal.
    fn cut(part: &[Row], random: &mut Random) -> Option<(usize, f64)> {
        let (low, high) = ranges(part);
        let mut varying = [0; FEATURES];
        let mut count = 0;
        for feature in 0..FEATURES {
            varying[count] = feature;
            count += usize::from(low[feature] < high[feature]);
            if count == FEATURES {
                break;
            }
        }
        if count == 0 {
            return None;
        }
        let feature = varying[random.below(count as u64) as usize];
        let (low, high) = (f64::from(low[feature]), f64::from(high[feature]));
        // In [low, high): both sides get at least one row.
        Some((feature, low + random.unit() * (high - low)))
    }
}

/// Smallest and largest value of each column.
fn ranges(part: &[Row]) -> (Row, Row) {
    // Several rows at once: a minimum waits for the one before it.
    let (mut low, mut high) = ([[f32::MAX; 4]; 4], [[f32::MIN; 4]; 4]);
    let (fours, rest) = part.as_chunks::<4>();
    for four in fours {
        for (lane, x) in four.iter().enumerate() {
            take(&mut low[lane], &mut high[lane], x, x);
        }
    }
    let ([mut a, b, c, d], [mut e, f, g, h]) = (low, high);
    take(&mut a, &mut e, &b, &f);
    let (mut c, mut g) = (c, g);
    take(&mut c, &mut g, &d, &h);
    take(&mut a, &mut e, &c, &g);
    for x in rest {
        take(&mut a, &mut e, x, x);
    }
    (a, e)
}

#[inline(always)]
fn take(low: &mut Row, high: &mut Row, least: &Row, most: &Row) {
    for k in 0..4 {
        low[k] = if least[k] < low[k] { least[k] } else { low[k] };
        high[k] = if most[k] > high[k] { most[k] } else { high[k] };
    }
}

/// Quantile with linear interpolation, as numpy's default; there is at least one value.
fn quantile(values: &mut [f64], q: f64) -> f64 {
    let place = q * (values.len() - 1) as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(values.len() - 1);
    let (lesser, &mut high, _) = values.select_nth_unstable_by(above, f64::total_cmp);
    let low = if above == below { high } else { lesser.iter().copied().fold(f64::NEG_INFINITY, f64::max) };
    low + (place - below as f64) * (high - low)
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
        let model = ForestModel { max_samples: 4, offset: -0.5, trees: vec![tree], from_ts: None, volume_period: None };
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
