//! Mean reversion: against an extreme, back to the mean.

use serde::{Deserialize, Serialize};

use crate::indicators::momentum::Rsi;
use crate::indicators::registry::{MAX_PERIOD, Param};
use crate::indicators::statistic::Zscore;
use crate::indicators::{Indicator, step};
use crate::signals::{above, below};
use crate::strategies::registry::{Row, Style};
use crate::strategies::{Context, Holding, Rule, Vote, erase, unit};

/// Long when the z-score of the close over `period` bars is below −`entry_z` and the RSI below `oversold`; short when it is above
/// `entry_z` and the RSI above `overbought`.
///
/// Held until the z-score is back at `exit_z` short of the mean (0: at the mean), or the opposite entry. Confidence at entry:
/// `0.5·u(|z| / (2·entry_z)) + 0.5·u(|rsi − 50| / 50)`, u clips into [0, 1].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MeanReversion {
    rule: Numbers,
    zscore: Zscore,
    rsi: Rsi,
    holding: Holding,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Numbers {
    entry_z: f64,
    exit_z: f64,
    oversold: f64,
    overbought: f64,
    warm_up: usize,
}

impl MeanReversion {
    fn new(p: &[f64]) -> Self {
        let [period, rsi] = [p[0], p[1]].map(|x| x as usize);
        Self {
            rule: Numbers {
                entry_z: p[2],
                exit_z: p[3],
                oversold: p[4],
                overbought: p[5],
                warm_up: rsi.max(period - 1),
            },
            zscore: Zscore::new(period, 0),
            rsi: Rsi::new(rsi),
            holding: Holding::new(),
        }
    }
}

impl Rule for MeanReversion {
    fn update(&mut self, context: &Context<'_>) -> Vote {
        let close = context.bar.close;
        let [z] = step(&mut self.zscore, [close]);
        let [rsi] = step(&mut self.rsi, [close]);
        if z.is_nan() || rsi.is_nan() {
            return Vote::COLD;
        }
        let n = &self.rule;
        let confidence = 0.5 * unit(z.abs() / (2.0 * n.entry_z)) + 0.5 * unit((rsi - 50.0).abs() / 50.0);
        if below(z, -n.entry_z) && below(rsi, n.oversold) {
            self.holding.take(1.0, confidence);
        } else if above(z, n.entry_z) && above(rsi, n.overbought) {
            self.holding.take(-1.0, confidence);
        } else if (self.holding.side() > 0 && !below(z, -n.exit_z)) || (self.holding.side() < 0 && !above(z, n.exit_z))
        {
            self.holding.close();
        }
        self.holding.vote()
    }
    fn reset(&mut self) {
        self.zscore.reset();
        self.rsi.reset();
        self.holding.close();
    }
    fn warm_up(&self) -> usize {
        self.rule.warm_up
    }
}

pub(super) const ROW: Row = Row {
    name: "mean_reversion",
    class: "MeanReversionAgent",
    style: Style::Reversion,
    params: &[
        Param::int("period", 20, 2, MAX_PERIOD),
        Param::int("rsi_period", 14, 1, MAX_PERIOD),
        Param::float("entry_z", 2.0, 0.01, 100.0),
        Param::float("exit_z", 0.0, 0.0, 100.0),
        Param::float("oversold", 30.0, 0.0, 100.0),
        Param::float("overbought", 70.0, 0.0, 100.0),
    ],
    summary: "Against a z-score beyond ±2 that the RSI confirms, until the price is back at its mean.",
    takes_model: false,
    rule: Some(|p| {
        if p[3] >= p[2] {
            Some(("exit_z", "a number below entry_z"))
        } else if p[4] > p[5] {
            Some(("oversold", "a number not above overbought"))
        } else {
            None
        }
    }),
    build: |p, _, _| Ok(erase(MeanReversion::new(p))),
};

#[cfg(test)]
mod tests {
    use crate::strategies::registry::find;
    use crate::strategies::testing::{Tape, votes};

    fn swinging() -> Tape {
        (0..40).fold(Tape::new(), |t, k| t.to(if k % 2 == 0 { 100.0 } else { 100.1 }, 10.0))
    }

    #[test]
    fn buys_the_fall_and_leaves_at_the_mean() {
        let tape = swinging().to(99.5, 10.0).to(99.0, 10.0).to(98.6, 10.0).to(99.2, 10.0).to(100.0, 10.0);
        let v = votes("mean_reversion", &[], &tape);
        assert!(v[..19].iter().all(|v| !v.is_warm()) && v[19].is_warm());
        assert!(v[19..40].iter().all(|v| v.signal == 0.0));
        let entry = (40..43).find(|&k| v[k].signal == 1.0).expect("an entry");
        assert!(v[entry].confidence > 0.4 && v[entry].confidence < 1.0);
        assert_eq!(v[43], v[entry], "held with the confidence of the entry");
        assert_eq!(v[44].signal, 0.0);
    }

    #[test]
    fn sells_the_mirror_and_needs_the_rsi() {
        let tape = swinging().to(100.6, 10.0).to(101.1, 10.0).to(101.5, 10.0);
        assert!(votes("mean_reversion", &[], &tape)[40..].iter().any(|v| v.signal == -1.0));
        let v = votes("mean_reversion", &[("overbought", 100.0)], &tape);
        assert!(v[40..].iter().all(|v| v.signal == 0.0));
    }

    #[test]
    fn refuses_an_exit_outside_the_entry() {
        let row = find("mean_reversion").unwrap();
        assert!(row.resolve(&[("exit_z", 2.0)]).unwrap_err().to_string().contains("mean_reversion.exit_z = 2"));
    }
}
