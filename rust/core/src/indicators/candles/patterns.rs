//! All patterns in one pass.

use serde::{Deserialize, Serialize};

use super::candle::{Candles, History, Shape};
use super::{
    BeltHold, DarkCloudCover, Doji, DragonflyDoji, Engulfing, EveningDojiStar, EveningStar, GravestoneDoji, Hammer,
    HangingMan, Harami, HaramiCross, InvertedHammer, Marubozu, MorningDojiStar, MorningStar, OHLC, Piercing,
    ShootingStar, SpinningTop, ThreeBlackCrows, ThreeInside, ThreeOutside, ThreeWhiteSoldiers,
};
use crate::indicators::registry::{Family, Row};
use crate::indicators::{Indicator, erase};

/// Every pattern of this family with its default parameters, at the cost of measuring the candles once.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Patterns {
    history: History,
    seen: usize,
}

/// Candles before the slowest pattern can be judged.
const LOOKBACK: usize = ThreeBlackCrows::LOOKBACK;

impl Patterns {
    /// Before the first candle.
    pub fn new() -> Self {
        Self::default()
    }
}

#[inline(always)]
fn take<S: Shape>(shape: &S, candles: &Candles, seen: usize) -> f64 {
    if seen < S::LOOKBACK { f64::NAN } else { shape.score(candles) }
}

impl Indicator<4, 23> for Patterns {
    #[inline(always)]
    fn update(&mut self, bar: [f64; 4]) -> [f64; 23] {
        let candles = self.history.push(bar);
        let seen = self.seen;
        self.seen = (seen + 1).min(LOOKBACK);
        [
            take(&Doji, candles, seen),
            take(&DragonflyDoji, candles, seen),
            take(&GravestoneDoji, candles, seen),
            take(&Hammer, candles, seen),
            take(&InvertedHammer, candles, seen),
            take(&HangingMan, candles, seen),
            take(&ShootingStar, candles, seen),
            take(&Engulfing, candles, seen),
            take(&Harami, candles, seen),
            take(&HaramiCross, candles, seen),
            take(&Piercing, candles, seen),
            take(&DarkCloudCover { penetration: 0.5 }, candles, seen),
            take(&MorningStar { penetration: 0.3 }, candles, seen),
            take(&EveningStar { penetration: 0.3 }, candles, seen),
            take(&MorningDojiStar { penetration: 0.3 }, candles, seen),
            take(&EveningDojiStar { penetration: 0.3 }, candles, seen),
            take(&ThreeWhiteSoldiers, candles, seen),
            take(&ThreeBlackCrows, candles, seen),
            take(&ThreeInside, candles, seen),
            take(&ThreeOutside, candles, seen),
            take(&Marubozu, candles, seen),
            take(&BeltHold, candles, seen),
            take(&SpinningTop, candles, seen),
        ]
    }
    fn reset(&mut self) {
        self.history.reset();
        self.seen = 0;
    }
    fn warm_up(&self) -> usize {
        LOOKBACK
    }
}

pub(super) const ROW: Row = Row {
    name: "cdl_patterns",
    family: Family::Candles,
    inputs: OHLC,
    params: &[],
    outputs: &[
        "cdl_doji",
        "cdl_dragonfly_doji",
        "cdl_gravestone_doji",
        "cdl_hammer",
        "cdl_inverted_hammer",
        "cdl_hanging_man",
        "cdl_shooting_star",
        "cdl_engulfing",
        "cdl_harami",
        "cdl_harami_cross",
        "cdl_piercing",
        "cdl_dark_cloud_cover",
        "cdl_morning_star",
        "cdl_evening_star",
        "cdl_morning_doji_star",
        "cdl_evening_doji_star",
        "cdl_three_white_soldiers",
        "cdl_three_black_crows",
        "cdl_three_inside",
        "cdl_three_outside",
        "cdl_marubozu",
        "cdl_belt_hold",
        "cdl_spinning_top",
    ],
    summary: "All candlestick patterns with their default parameters in one pass.",
    rule: None,
    build: |_| erase(Patterns::new()),
};
