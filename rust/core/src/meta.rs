//! The meta controller: blends the rule position with the policy's (SPEC §8).

use serde::{Deserialize, Serialize};

use crate::error::{CoreError, Result};
use crate::signals::MarketRegime;

/// How rule and policy share the decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetaMode {
    /// The consensus of the strategies alone.
    #[default]
    RuleOnly,
    /// The policy alone.
    RlOnly,
    /// The policy's share grows with its confidence.
    ConfidenceBlend,
    /// The policy's share depends on the market regime.
    RegimeAdaptive,
}

impl MetaMode {
    /// Every mode.
    pub const ALL: [Self; 4] = [Self::RuleOnly, Self::RlOnly, Self::ConfidenceBlend, Self::RegimeAdaptive];

    /// The name that configuration and ledger use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RuleOnly => "rule_only",
            Self::RlOnly => "rl_only",
            Self::ConfidenceBlend => "confidence_blend",
            Self::RegimeAdaptive => "regime_adaptive",
        }
    }

    /// The mode of this name.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] for any other word.
    pub fn parse(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|m| m.as_str() == text).ok_or_else(|| {
            CoreError::parameter("mode", format!("{text:?}"), "rule_only, rl_only, confidence_blend or regime_adaptive")
        })
    }
}

/// Mode and shares of the policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetaConfig {
    /// How rule and policy share the decision.
    pub mode: MetaMode,
    /// Confidence above which the policy gets `high_share`.
    pub high_confidence: f64,
    /// Confidence above which the policy gets `medium_share`.
    pub medium_confidence: f64,
    /// Share of a confident policy.
    pub high_share: f64,
    /// Share of a policy of middling confidence.
    pub medium_share: f64,
    /// Share of an unsure policy.
    pub low_share: f64,
    /// Share of the policy in a trending market.
    pub trending_share: f64,
    /// Share of the policy in a volatile market.
    pub volatile_share: f64,
    /// Share of the policy in any other market.
    pub other_share: f64,
}

impl Default for MetaConfig {
    fn default() -> Self {
        Self {
            mode: MetaMode::RuleOnly,
            high_confidence: 0.7,
            medium_confidence: 0.4,
            high_share: 0.7,
            medium_share: 0.5,
            low_share: 0.3,
            trending_share: 0.8,
            volatile_share: 0.2,
            other_share: 0.6,
        }
    }
}

/// What was decided, from what, and how.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MetaDecision {
    /// Wanted position in [−1, 1].
    pub position: f64,
    /// The rule that was applied; `RuleOnly` where a blend had no policy to ask.
    pub method: MetaMode,
    /// Share of the policy in the position.
    pub rl_share: f64,
    /// The rule position that went in; NaN where no strategy was warm.
    pub rule: f64,
    /// The policy's position that went in; NaN where there was none.
    pub rl: f64,
    /// The policy's confidence that went in; NaN where there was none.
    pub rl_confidence: f64,
}

/// Blends the consensus of the strategies with a policy's wish; keeps no state.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MetaController {
    config: MetaConfig,
}

impl MetaController {
    /// A controller with the shares of SPEC §8.
    pub fn new(mode: MetaMode) -> Self {
        Self { config: MetaConfig { mode, ..MetaConfig::default() } }
    }

    /// A controller with other shares.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] naming the field that is not a fraction, or thresholds in the wrong order.
    pub fn with_config(config: MetaConfig) -> Result<Self> {
        let c = &config;
        for (name, value) in [
            ("high_confidence", c.high_confidence),
            ("medium_confidence", c.medium_confidence),
            ("high_share", c.high_share),
            ("medium_share", c.medium_share),
            ("low_share", c.low_share),
            ("trending_share", c.trending_share),
            ("volatile_share", c.volatile_share),
            ("other_share", c.other_share),
        ] {
            if !(0.0..=1.0).contains(&value) {
                return Err(CoreError::parameter(format!("meta.{name}"), value, "a number from 0 to 1"));
            }
        }
        if c.medium_confidence > c.high_confidence {
            return Err(CoreError::parameter(
                "meta.medium_confidence",
                c.medium_confidence,
                format!("a number not above meta.high_confidence = {}", c.high_confidence),
            ));
        }
        Ok(Self { config })
    }

    /// The mode.
    pub fn mode(&self) -> MetaMode {
        self.config.mode
    }

    /// Blends: `share·rl + (1 − share)·rule`, with the policy's share by the mode.
    ///
    /// `rl` is the policy's (position, confidence). A missing or NaN rule position counts as flat. Without a policy (or with a
    /// NaN from it) the blends fall back to the rule and say so; `rl_only` then wants to be flat. No known regime counts as
    /// "any other market".
    pub fn decide(&self, rule: f64, rl: Option<(f64, f64)>, regime: Option<MarketRegime>) -> MetaDecision {
        let c = &self.config;
        let policy = rl.filter(|(position, _)| position.is_finite());
        let (method, rl_share) = match (c.mode, policy) {
            (MetaMode::RlOnly, _) => (MetaMode::RlOnly, 1.0),
            (MetaMode::RuleOnly, _) | (_, None) => (MetaMode::RuleOnly, 0.0),
            (MetaMode::ConfidenceBlend, Some((_, confidence))) => {
                let share = if confidence > c.high_confidence {
                    c.high_share
                } else if confidence > c.medium_confidence {
                    c.medium_share
                } else {
                    c.low_share
                };
                (MetaMode::ConfidenceBlend, share)
            }
            (MetaMode::RegimeAdaptive, Some(_)) => {
                let share = match regime {
                    Some(MarketRegime::Trending) => c.trending_share,
                    Some(MarketRegime::Volatile) => c.volatile_share,
                    _ => c.other_share,
                };
                (MetaMode::RegimeAdaptive, share)
            }
        };
        let wanted = |x: f64| if x.is_finite() { x.clamp(-1.0, 1.0) } else { 0.0 };
        let (rl, rl_confidence) = policy.unwrap_or((f64::NAN, f64::NAN));
        let position = rl_share * wanted(rl) + (1.0 - rl_share) * wanted(rule);
        MetaDecision { position: position.clamp(-1.0, 1.0), method, rl_share, rule, rl, rl_confidence }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(mode: MetaMode, confidence: f64, regime: Option<MarketRegime>) -> f64 {
        let d = MetaController::new(mode).decide(-1.0, Some((1.0, confidence)), regime);
        assert_eq!(d.position, d.rl_share - (1.0 - d.rl_share));
        assert_eq!((d.rule, d.rl, d.rl_confidence, d.method), (-1.0, 1.0, confidence, mode));
        d.rl_share
    }

    #[test]
    fn shares_by_mode() {
        use MarketRegime::{Normal, Ranging, Trending, Volatile};
        assert_eq!(share(MetaMode::RuleOnly, 0.9, None), 0.0);
        assert_eq!(share(MetaMode::RlOnly, 0.1, None), 1.0);
        for (confidence, expected) in [(0.71, 0.7), (0.7, 0.5), (0.41, 0.5), (0.4, 0.3), (0.0, 0.3), (f64::MIN, 0.3)] {
            assert_eq!(share(MetaMode::ConfidenceBlend, confidence, None), expected);
        }
        for (regime, expected) in
            [(Some(Trending), 0.8), (Some(Volatile), 0.2), (Some(Ranging), 0.6), (Some(Normal), 0.6), (None, 0.6)]
        {
            assert_eq!(share(MetaMode::RegimeAdaptive, 0.5, regime), expected);
        }
    }

    #[test]
    fn missing_inputs() {
        for mode in MetaMode::ALL {
            let c = MetaController::new(mode);
            let d = c.decide(0.8, None, None);
            let (position, method) =
                if mode == MetaMode::RlOnly { (0.0, MetaMode::RlOnly) } else { (0.8, MetaMode::RuleOnly) };
            assert_eq!((d.position, d.method), (position, method));
            assert!(d.rl.is_nan());
            assert_eq!(c.decide(0.8, Some((f64::NAN, 1.0)), None).position, position);
            assert_eq!(c.decide(f64::NAN, None, None).position, 0.0);
            assert_eq!(MetaMode::parse(mode.as_str()).unwrap(), mode);
        }
        let d = MetaController::new(MetaMode::ConfidenceBlend).decide(f64::NAN, Some((1.0, 0.9)), None);
        assert_eq!(d.position, 0.7);
        assert!(MetaMode::parse("rules").is_err());
    }

    #[test]
    fn refuses_bad_shares() {
        let bad = MetaConfig { low_share: 1.5, ..MetaConfig::default() };
        assert!(MetaController::with_config(bad).unwrap_err().to_string().contains("meta.low_share = 1.5"));
        let crossed = MetaConfig { medium_confidence: 0.8, ..MetaConfig::default() };
        assert!(MetaController::with_config(crossed).is_err());
    }
}
