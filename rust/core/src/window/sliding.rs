//! Extremes of every window of a column at once.
//!
//! The extreme of `2w` values is that of two extremes of `w`: `log₂ n` passes over the column, each of them one vector operation a
//! row, whatever the values are. An extreme does not depend on the order of comparing, but for the sign of a zero, which is dropped.

use super::{larger, smaller};

/// Windows that are made together: their buffers stay in the first cache.
const TILE: usize = 512;

#[inline(always)]
fn better<const MAX: bool>(a: f64, b: f64) -> f64 {
    if MAX { larger(a, b) } else { smaller(a, b) }
}

/// Largest (`MAX`) or smallest value of the windows of `sizes`, rising and each ≥ 1, that end where the longest of them has its end:
/// `outs[k][i]` for that of row `longest − 1 + i`, of which there are `xs.len() + 1 − longest`.
#[inline(always)]
pub fn sliding<const MAX: bool, const W: usize>(xs: &[f64], sizes: [usize; W], outs: &mut [&mut [f64]; W]) {
    let longest = sizes[W - 1];
    let rows = xs.len() + 1 - longest;
    let (mut now, mut next) = (vec![0.0; TILE + longest], vec![0.0; TILE + longest]);
    for start in (0..rows).step_by(TILE) {
        let count = TILE.min(rows - start);
        let mut have = count + longest - 1;
        let mut width = 1;
        now[..have].copy_from_slice(&xs[start..start + have]);
        loop {
            for k in 0..W {
                let n = sizes[k];
                if width <= n && n < 2 * width {
                    let first = longest - n;
                    let (a, b) = (&now[first..first + count], &now[first + n - width..first + n - width + count]);
                    for ((y, a), b) in outs[k][start..start + count].iter_mut().zip(a).zip(b) {
                        *y = better::<MAX>(*a, *b) + 0.0;
                    }
                }
            }
            if 2 * width > longest {
                break;
            }
            have -= width;
            let (a, b) = (&now[..have], &now[width..width + have]);
            for ((y, a), b) in next[..have].iter_mut().zip(a).zip(b) {
                *y = better::<MAX>(*a, *b);
            }
            std::mem::swap(&mut now, &mut next);
            width *= 2;
        }
    }
}

/// Rows since the largest (`MAX`) or smallest value of every window of `n ≥ 1`, the latest of equals: `out[i]` for the window that
/// ends in row `n − 1 + i`.
#[inline(always)]
pub fn sliding_age<const MAX: bool>(xs: &[f64], n: usize, out: &mut [f64]) {
    let rows = xs.len() + 1 - n;
    let size = TILE + n;
    let (mut now, mut next) = (vec![0.0; size], vec![0.0; size]);
    // Where the extreme lies, counted from the start of the tile.
    let (mut place, mut moved) = (vec![0.0; size], vec![0.0; size]);
    let numbers: Vec<f64> = (0..size).map(|i| i as f64).collect();
    for start in (0..rows).step_by(TILE) {
        let count = TILE.min(rows - start);
        let mut have = count + n - 1;
        let mut width = 1;
        now[..have].copy_from_slice(&xs[start..start + have]);
        place[..have].copy_from_slice(&numbers[..have]);
        while 2 * width <= n {
            have -= width;
            let (a, b) = (&now[..have], &now[width..width + have]);
            let (p, q) = (&place[..have], &place[width..width + have]);
            let (y, z) = (&mut next[..have], &mut moved[..have]);
            for i in 0..have {
                // Loaded before the choice: a load that depends on it would be a branch.
                let (a, b, p, q) = (a[i], b[i], p[i], q[i]);
                let later = if MAX { b >= a } else { b <= a };
                y[i] = if later { b } else { a };
                z[i] = if later { q } else { p };
            }
            std::mem::swap(&mut now, &mut next);
            std::mem::swap(&mut place, &mut moved);
            width *= 2;
        }
        let (a, b) = (&now[..count], &now[n - width..n - width + count]);
        let (p, q) = (&place[..count], &place[n - width..n - width + count]);
        let (last, y) = (&numbers[n - 1..n - 1 + count], &mut out[start..start + count]);
        for i in 0..count {
            let (a, b, p, q) = (a[i], b[i], p[i], q[i]);
            let later = if MAX { b >= a } else { b <= a };
            y[i] = last[i] - if later { q } else { p };
        }
    }
}
