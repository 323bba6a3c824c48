//! Regime switching: which strategies count depends on the market.

use serde::{Deserialize, Serialize};

use crate::ensemble::{Ballot, Method, weighted};
use crate::signals::{Label, MarketRegime};
use crate::strategies::Style;

/// Weighted voting with a factor a strategy and market regime; 1 while the regime is unknown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Regime {
    /// Factors by regime code, then strategy.
    factors: Vec<Vec<f64>>,
}

impl Regime {
    /// `factors[regime code][strategy]`.
    pub fn new(factors: Vec<Vec<f64>>) -> Self {
        Self { factors }
    }
}

/// Factor of a strategy of this style where the configuration names none.
///
/// Trend followers count 1.5 in a trend and 0.5 in a range, reversion the other way round; in a volatile market both count 0.75 and
/// the styles that adapt 1.25; a normal market leaves the weights as they are.
pub fn default_factor(style: Style, regime: MarketRegime) -> f64 {
    match (regime, style) {
        (MarketRegime::Trending, Style::Trend) | (MarketRegime::Ranging, Style::Reversion) => 1.5,
        (MarketRegime::Trending, Style::Reversion) | (MarketRegime::Ranging, Style::Trend) => 0.5,
        (MarketRegime::Volatile, Style::Trend | Style::Reversion) => 0.75,
        (MarketRegime::Volatile, Style::Adaptive) => 1.25,
        _ => 1.0,
    }
}

impl Method for Regime {
    fn combine(&mut self, ballot: &Ballot<'_>, weights: &mut [f64], contributions: &mut [f64]) -> f64 {
        if let Some(factors) = ballot.regime.and_then(|r| self.factors.get(usize::from(r.code()))) {
            for (weight, factor) in weights.iter_mut().zip(factors) {
                *weight *= factor;
            }
        }
        weighted::mean(ballot.votes, weights, contributions)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::config;
    use crate::ensemble::{EnsembleInput, build};
    use crate::signals::MarketRegime;
    use crate::strategies::Vote;

    #[test]
    fn factors_by_style_and_by_configuration() {
        let names: Vec<String> = ["ut_bot", "mean_reversion", "mine"].map(str::to_owned).to_vec();
        let json = r#"{"method": "regime", "regime": {"trending": {"mine": 3.0}}}"#;
        let mut c = build(&config(json), &names).unwrap();
        let mut weights = |regime| {
            let mut parts = [0.0; 3];
            let input = EnsembleInput { weights: &[1.0; 3], regime, ts: 0 };
            c.combine(&[Vote::new(1.0, 1.0); 3], &input, &mut parts);
            c.weights().to_vec()
        };
        assert_eq!(weights(Some(MarketRegime::Trending)), [1.5, 0.5, 3.0]);
        assert_eq!(weights(Some(MarketRegime::Ranging)), [0.5, 1.5, 1.0]);
        assert_eq!(weights(Some(MarketRegime::Volatile)), [0.75, 0.75, 1.25]);
        assert_eq!(weights(Some(MarketRegime::Normal)), [1.0, 1.0, 1.0]);
        assert_eq!(weights(None), [1.0, 1.0, 1.0]);
    }
}
