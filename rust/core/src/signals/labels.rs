//! The closed vocabularies of SPEC §4.

use serde::{Deserialize, Serialize};

use crate::error::{CoreError, Result};

/// A closed set of names; a feature row holds a member as the index of its name.
pub trait Label: Copy + Eq + Sized + 'static {
    /// What the set is called in messages.
    const SET: &'static str;
    /// Every member, in the order of its codes.
    const ALL: &'static [Self];
    /// The names, in the order of the codes.
    const NAMES: &'static [&'static str];

    /// Index of the member.
    fn code(self) -> u8;

    /// The member with this code, as a feature row holds it; `None` for NaN and for any other number.
    #[inline]
    fn from_code(code: f64) -> Option<Self> {
        // `as` sends NaN and negatives to 0: the comparison back keeps them out.
        let k = code as usize;
        if k as f64 == code { Self::ALL.get(k).copied() } else { None }
    }
}

macro_rules! labels {
    ($(#[$meta:meta])* $set:literal $name:ident { $($(#[$doc:meta])* $member:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $text)] $member,)+
        }

        impl Label for $name {
            const SET: &'static str = $set;
            const ALL: &'static [Self] = &[$(Self::$member),+];
            const NAMES: &'static [&'static str] = &[$($text),+];

            #[inline]
            fn code(self) -> u8 {
                self as u8
            }
        }

        impl $name {
            /// Public name.
            #[inline]
            pub const fn as_str(self) -> &'static str {
                Self::NAMES[self as usize]
            }

            /// The member of this name.
            ///
            /// # Errors
            /// [`CoreError::Parameter`] with the known names.
            pub fn parse(text: &str) -> Result<Self> {
                let at = Self::NAMES.iter().position(|name| *name == text);
                at.map(|k| Self::ALL[k]).ok_or_else(|| {
                    CoreError::parameter(Self::SET, format!("{text:?}"), format!("one of {}", Self::NAMES.join(", ")))
                })
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

labels! {
    /// The scan's verdict on a row.
    "signal" Signal {
        /// Both momenta far above their thresholds, confirmed by RSI, MACD and the cloud.
        StrongBuy = "Strong Buy",
        /// Short momentum above its threshold, confirmed by RSI and MACD.
        Buy = "Buy",
        /// Any upward momentum, confirmed by RSI and MACD.
        WeakBuy = "Weak Buy",
        /// None of the others.
        Neutral = "Neutral",
        /// Mirror of [`Signal::WeakBuy`].
        WeakSell = "Weak Sell",
        /// Mirror of [`Signal::Buy`].
        Sell = "Sell",
        /// Mirror of [`Signal::StrongBuy`].
        StrongSell = "Strong Sell",
        /// A strong sell that is likely to turn.
        MeanReversionBuy = "Mean Reversion Buy",
        /// A strong buy that is likely to turn.
        MeanReversionSell = "Mean Reversion Sell",
    }
}

labels! {
    /// The side of a [`Signal`].
    "direction" Direction {
        /// Any kind of buy.
        Buy = "Buy",
        /// No side.
        Neutral = "Neutral",
        /// Any kind of sell.
        Sell = "Sell",
    }
}

labels! {
    /// Momentum state with thresholds that widen with the volume.
    "signal_state" SignalState {
        /// Both momenta beyond the strong threshold, the last bar up.
        BullParabolic = "BULL_PARABOLIC",
        /// Both momenta beyond the strong threshold, the last bar down.
        BearCapitulation = "BEAR_CAPITULATION",
        /// Both momenta above the medium threshold.
        BullStrong = "BULL_STRONG",
        /// Both momenta below the medium threshold.
        BearStrong = "BEAR_STRONG",
        /// At the top of the bands with a bar up.
        BullEarly = "BULL_EARLY",
        /// At the bottom of the bands with a bar down.
        BearEarly = "BEAR_EARLY",
        /// Quiet and oversold, the last bar up.
        NeutralAccum = "NEUTRAL_ACCUM",
        /// Quiet and overbought, the last bar down.
        NeutralDist = "NEUTRAL_DIST",
        /// None of the others.
        Neutral = "NEUTRAL",
    }
}

labels! {
    /// The scanner's original vocabulary, from short and long momentum.
    "legacy_label" LegacyLabel {
        /// Long trend with a healthy pace.
        ConsistentUptrend = "Consistent Uptrend",
        /// Sudden rise out of a flat past.
        NewSpike = "New Spike",
        /// Long rise that now falls from an overbought top.
        ToppingOut = "Topping Out",
        /// Flat with a neutral RSI.
        Consolidation = "Consolidation",
        /// Flat now, little before.
        Lagging = "Lagging",
        /// Moderate on both horizons.
        ModerateUptrend = "Moderate Uptrend",
        /// Rise against a long fall.
        PotentialReversal = "Potential Reversal",
        /// Short rise without a past.
        WeakUptrend = "Weak Uptrend",
        /// RSI above 75 on a rise.
        Overbought = "Overbought",
        /// RSI below 25 on a fall.
        Oversold = "Oversold",
        /// Rise confirmed by MACD.
        MacdBullish = "MACD Bullish",
        /// Fall confirmed by MACD.
        MacdBearish = "MACD Bearish",
        /// None of the others.
        Neutral = "Neutral",
    }
}

labels! {
    /// Size of the short momentum.
    "momentum_strength" MomentumStrength {
        /// Up to 5 %.
        Weak = "weak",
        /// Above 5 %.
        Moderate = "moderate",
        /// 15 % and more.
        Strong = "strong",
    }
}

labels! {
    /// Present volatility against its own past.
    "volatility_regime" VolatilityRegime {
        /// Quieter than usual.
        Low = "low",
        /// As usual.
        Normal = "normal",
        /// Wilder than usual.
        High = "high",
    }
}

labels! {
    /// Order of the long averages and the short momentum.
    "trend_regime" TrendRegime {
        /// Long trend up and momentum with it.
        StrongUp = "strong_up",
        /// Long trend up, momentum flat.
        Up = "up",
        /// Averages level, or momentum against the long trend.
        Sideways = "sideways",
        /// Long trend down, momentum flat.
        Down = "down",
        /// Long trend down and momentum with it.
        StrongDown = "strong_down",
    }
}

labels! {
    /// What kind of market it is, for weighting strategies.
    "market_regime" MarketRegime {
        /// Strong trend, either way.
        Trending = "trending",
        /// Sideways.
        Ranging = "ranging",
        /// Volatility high; comes before the others.
        Volatile = "volatile",
        /// None of the others.
        Normal = "normal",
    }
}

impl Signal {
    /// Folds the signal to its side.
    pub fn direction(self) -> Direction {
        match self {
            Self::StrongBuy | Self::Buy | Self::WeakBuy | Self::MeanReversionBuy => Direction::Buy,
            Self::Neutral => Direction::Neutral,
            Self::WeakSell | Self::Sell | Self::StrongSell | Self::MeanReversionSell => Direction::Sell,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip<L: Label + std::fmt::Debug>(name: fn(L) -> &'static str, parse: fn(&str) -> Result<L>) {
        assert!(!L::ALL.is_empty());
        for (k, &member) in L::ALL.iter().enumerate() {
            assert_eq!(usize::from(member.code()), k);
            assert_eq!(L::from_code(k as f64), Some(member));
            assert_eq!(name(member), L::NAMES[k]);
            assert_eq!(parse(L::NAMES[k]), Ok(member));
        }
        for wrong in [f64::NAN, -1.0, 0.5, L::ALL.len() as f64, f64::INFINITY] {
            assert_eq!(L::from_code(wrong), None);
        }
        let error = parse("nonsense").unwrap_err().to_string();
        assert!(error.contains("nonsense") && error.contains(L::NAMES[0]), "{error}");
    }

    #[test]
    fn names_and_codes_round_trip() {
        round_trip(Signal::as_str, Signal::parse);
        round_trip(Direction::as_str, Direction::parse);
        round_trip(SignalState::as_str, SignalState::parse);
        round_trip(LegacyLabel::as_str, LegacyLabel::parse);
        round_trip(MomentumStrength::as_str, MomentumStrength::parse);
        round_trip(VolatilityRegime::as_str, VolatilityRegime::parse);
        round_trip(TrendRegime::as_str, TrendRegime::parse);
        round_trip(MarketRegime::as_str, MarketRegime::parse);
    }

    #[test]
    fn direction_folds_every_signal() {
        for &s in Signal::ALL {
            let name = s.as_str();
            let expected = if name.ends_with("Buy") {
                Direction::Buy
            } else if name.ends_with("Sell") {
                Direction::Sell
            } else {
                Direction::Neutral
            };
            assert_eq!(s.direction(), expected, "{name}");
        }
    }
}
