//! Scanner signal: the scan's verdict as a position.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::features::{Col, FeatureConfig, FeatureState};
use crate::signals::{LegacyLabel, Signal};
use crate::strategies::registry::{Row, StrategyContext, Style};
use crate::strategies::{Context, Rule, Vote, erase};

/// Strong Buy 1, Buy 0.6, Weak Buy 0.3 and their mirrors. `Mean Reversion Buy` (a strong sell about to turn) 0.4, its mirror −0.4.
/// Neutral is flat, but for the scanner's label Overbought (−0.4) or Oversold (0.4).
///
/// Confidence is the `confidence_score`. No vote while a row has no verdict.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ScannerSignal {
    warm_up: usize,
}

impl ScannerSignal {
    fn new(context: StrategyContext) -> Result<Self> {
        let config = FeatureConfig::of(context.market, context.timeframe);
        Ok(Self { warm_up: FeatureState::new(&config)?.warm_up() })
    }
}

/// The position that a verdict stands for.
fn position(signal: Signal, legacy: Option<LegacyLabel>) -> f64 {
    match signal {
        Signal::StrongBuy => 1.0,
        Signal::Buy => 0.6,
        Signal::WeakBuy => 0.3,
        Signal::WeakSell => -0.3,
        Signal::Sell => -0.6,
        Signal::StrongSell => -1.0,
        Signal::MeanReversionBuy => 0.4,
        Signal::MeanReversionSell => -0.4,
        Signal::Neutral => match legacy {
            Some(LegacyLabel::Overbought) => -0.4,
            Some(LegacyLabel::Oversold) => 0.4,
            _ => 0.0,
        },
    }
}

/// The position that the name of a verdict stands for.
///
/// # Errors
/// [`crate::CoreError::Parameter`] with the known names.
pub fn scanner_position(label: &str) -> Result<f64> {
    Ok(position(Signal::parse(label)?, None))
}

impl Rule for ScannerSignal {
    fn update(&mut self, context: &Context<'_>) -> Vote {
        let Some(row) = context.features else { return Vote::COLD };
        let (signal, confidence) = (row.signal(), row[Col::ConfidenceScore]);
        match signal {
            Some(signal) if !confidence.is_nan() => Vote::new(position(signal, row.legacy_label()), confidence),
            _ => Vote::COLD,
        }
    }
    fn reset(&mut self) {}
    fn warm_up(&self) -> usize {
        self.warm_up
    }
    fn needs_features(&self) -> bool {
        true
    }
}

pub(super) const ROW: Row = Row {
    name: "scanner_signal",
    class: "ScannerSignalAgent",
    style: Style::Trend,
    params: &[],
    summary: "The scan's verdict as a position: 1, 0.6, 0.3 and their mirrors.",
    takes_model: false,
    rule: None,
    build: |_, context, _| Ok(erase(ScannerSignal::new(*context)?)),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::FeatureRow;
    use crate::signals::Label;
    use crate::strategies::registry::find;
    use crate::types::Bar;

    #[test]
    fn every_verdict_has_its_position() {
        let mut strategy = find("scanner_signal").unwrap().build_with(&[], &StrategyContext::default()).unwrap();
        let bar = Bar { ts: 0, open: 1.0, high: 1.0, low: 1.0, close: 1.0, volume: 1.0 };
        let mut vote = |signal: f64, legacy: f64, confidence: f64| {
            let mut row = FeatureRow::MISSING;
            row[Col::Signal] = signal;
            row[Col::LegacyLabel] = legacy;
            row[Col::ConfidenceScore] = confidence;
            strategy.update(&Context { bar: &bar, features: Some(&row) })
        };
        for (signal, expected) in [
            (Signal::StrongBuy, 1.0),
            (Signal::Buy, 0.6),
            (Signal::WeakBuy, 0.3),
            (Signal::Neutral, 0.0),
            (Signal::WeakSell, -0.3),
            (Signal::Sell, -0.6),
            (Signal::StrongSell, -1.0),
            (Signal::MeanReversionBuy, 0.4),
            (Signal::MeanReversionSell, -0.4),
        ] {
            let neutral = f64::from(LegacyLabel::Neutral.code());
            assert_eq!(vote(f64::from(signal.code()), neutral, 0.8), Vote::new(expected, 0.8));
        }
        let (neutral, overbought) = (f64::from(Signal::Neutral.code()), f64::from(LegacyLabel::Overbought.code()));
        assert_eq!(vote(neutral, overbought, 0.5).signal, -0.4);
        assert_eq!(vote(neutral, f64::from(LegacyLabel::Oversold.code()), 0.5).signal, 0.4);
        assert!(!vote(f64::NAN, overbought, 0.5).is_warm());
        assert!(!vote(neutral, overbought, f64::NAN).is_warm());
    }
}
