//! Drawdown ladder and halt.

use serde::{Deserialize, Serialize};

use super::config::DrawdownConfig;
use super::decision::Rule;
use super::draft::{Draft, NOISE};

/// A rung of the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DrawdownLevel {
    /// Full size.
    Normal,
    /// Half size.
    Half,
    /// Half size, and nothing is opened or grown.
    NoNewRisk,
    /// Flat.
    Halt,
}

/// Why trading halted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HaltReason {
    /// The last rung of the drawdown ladder.
    Drawdown,
    /// A person or a supervisor asked.
    Operator,
}

/// A halt: stays until a person lifts it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Halt {
    /// Why.
    pub reason: HaltReason,
    /// When, ms.
    pub ts: i64,
    /// Equity then.
    pub equity: f64,
    /// Highest equity before.
    pub peak: f64,
    /// Fraction lost from it.
    pub drawdown: f64,
}

/// What equity did to the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RiskEventKind {
    /// Half size from now on.
    DrawdownHalf,
    /// No new risk from now on.
    DrawdownNoNewRisk,
    /// Flatten and halt.
    DrawdownHalt,
    /// No new risk until the next UTC day.
    DailyLoss,
    /// A rung was left upwards.
    Recovered,
}

impl RiskEventKind {
    /// Lower-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DrawdownHalf => "drawdown_half",
            Self::DrawdownNoNewRisk => "drawdown_no_new_risk",
            Self::DrawdownHalt => "drawdown_halt",
            Self::DailyLoss => "daily_loss",
            Self::Recovered => "recovered",
        }
    }
}

/// A change of the limits, for journal and alarm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RiskEvent {
    /// What changed; the gravest where two changed at once.
    pub kind: RiskEventKind,
    /// Time, ms.
    pub ts: i64,
    /// Equity.
    pub equity: f64,
    /// Highest equity so far.
    pub peak: f64,
    /// Fraction lost from it.
    pub drawdown: f64,
    /// Fraction lost since the start of the UTC day, ≥ 0.
    pub daily_loss: f64,
}

/// Highest equity, drawdown and rung.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Ladder {
    pub(super) peak: f64,
    pub(super) drawdown: f64,
    pub(super) level: DrawdownLevel,
}

impl Ladder {
    pub(super) const NEW: Self = Self { peak: f64::NAN, drawdown: 0.0, level: DrawdownLevel::Normal };

    /// Takes the equity after a bar; returns the event of a change of rung.
    #[inline]
    pub(super) fn update(&mut self, config: &DrawdownConfig, equity: f64) -> Option<RiskEventKind> {
        if equity > self.peak || self.peak.is_nan() {
            self.peak = equity;
        }
        // Equity that was never above 0 has nothing left to lose.
        self.drawdown = if self.peak > 0.0 { 1.0 - equity / self.peak } else { 1.0 };
        if self.level == DrawdownLevel::Normal && self.drawdown + NOISE < config.half {
            return None;
        }
        let reached = Self::rung(config, self.drawdown);
        let kept = Self::rung(config, self.drawdown + config.recovery).min(self.level);
        let level = reached.max(kept);
        let before = std::mem::replace(&mut self.level, level);
        match level {
            _ if level < before => Some(RiskEventKind::Recovered),
            _ if level == before => None,
            DrawdownLevel::Normal => None,
            DrawdownLevel::Half => Some(RiskEventKind::DrawdownHalf),
            DrawdownLevel::NoNewRisk => Some(RiskEventKind::DrawdownNoNewRisk),
            DrawdownLevel::Halt => Some(RiskEventKind::DrawdownHalt),
        }
    }

    fn rung(config: &DrawdownConfig, drawdown: f64) -> DrawdownLevel {
        // Equity of exactly 90 % of its peak is a drawdown of 10 %, whatever the float division says.
        let drawdown = drawdown + NOISE;
        if drawdown >= config.halt {
            DrawdownLevel::Halt
        } else if drawdown >= config.no_new_risk {
            DrawdownLevel::NoNewRisk
        } else if drawdown >= config.half {
            DrawdownLevel::Half
        } else {
            DrawdownLevel::Normal
        }
    }

    /// Halves the position, and stops its growth from the second rung on.
    pub(super) fn apply(&self, draft: &mut Draft) {
        let half = 0.5 * draft.size;
        match self.level {
            DrawdownLevel::Normal => draft.note(Rule::Drawdown, draft.size, draft.size, self.drawdown),
            DrawdownLevel::Half => draft.cap(Rule::Drawdown, half, self.drawdown),
            DrawdownLevel::NoNewRisk => draft.cap(Rule::Drawdown, half.min(draft.held), self.drawdown),
            DrawdownLevel::Halt => draft.cap(Rule::Drawdown, 0.0, self.drawdown),
        }
    }
}
