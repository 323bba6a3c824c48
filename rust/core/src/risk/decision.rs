//! What was asked, what was decided, and why.

use serde::{Deserialize, Serialize};

use super::config::{SizingMethod, StopKind};
use crate::order::Purpose;
use crate::types::SymbolId;

/// A wanted position.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TargetRequest {
    /// Symbol.
    pub symbol: SymbolId,
    /// Direction and conviction, in [−1, 1].
    pub target: f64,
    /// Price at which the decision is made: the close of the bar.
    pub price: f64,
    /// Time of the decision (close time of the bar), ms.
    pub ts: i64,
    /// Number of the decision.
    pub decision: u64,
}

/// What became of a wanted position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The order is what sizing asked for, or an exit.
    Approved,
    /// The order is smaller than sizing asked for, or only the exit of a reversal.
    Reduced,
    /// A position was wanted in a direction in which none is held, and none may be opened.
    Refused,
    /// Nothing to do: flat and to stay flat, or too small a change.
    Hold,
}

impl Verdict {
    /// Lower-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Reduced => "reduced",
            Self::Refused => "refused",
            Self::Hold => "hold",
        }
    }
}

/// The rules, in the order in which they apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// A target that is no number changes nothing.
    InvalidTarget,
    /// Trading is halted: everything is closed.
    Halt,
    /// A target of at most `min_target` is flat.
    MinTarget,
    /// The instrument cannot be held short.
    Shortable,
    /// Without equity, a price or a rate of the quote currency nothing is opened.
    Equity,
    /// Target → fraction of equity (target, volatility) or fraction of equity at risk (fixed fraction, Kelly).
    Sizing(SizingMethod),
    /// Fraction at risk → fraction of equity by the distance to the stop.
    StopDistance(StopKind),
    /// Per-position cap.
    PositionCap,
    /// Cap that the cluster of correlated positions shares.
    CorrelationCap,
    /// Portfolio heat.
    Heat,
    /// Exposure and leverage.
    Leverage,
    /// Minimum cash.
    MinCash,
    /// Drawdown ladder.
    Drawdown,
    /// Daily loss limit.
    DailyLoss,
    /// Too small a change.
    RebalanceBand,
    /// An open order covers it already.
    Pending,
    /// Rounded to the lot.
    Precision,
    /// Below the venue's smallest quantity or notional.
    MinOrder,
}

impl Rule {
    /// Lower-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidTarget => "invalid_target",
            Self::Halt => "halt",
            Self::MinTarget => "min_target",
            Self::Shortable => "shortable",
            Self::Equity => "equity",
            Self::Sizing(_) => "sizing",
            Self::StopDistance(_) => "stop_distance",
            Self::PositionCap => "position_cap",
            Self::CorrelationCap => "correlation_cap",
            Self::Heat => "heat",
            Self::Leverage => "leverage",
            Self::MinCash => "min_cash",
            Self::Drawdown => "drawdown",
            Self::DailyLoss => "daily_loss",
            Self::RebalanceBand => "rebalance_band",
            Self::Pending => "pending",
            Self::Precision => "precision",
            Self::MinOrder => "min_order",
        }
    }
}

/// One rule at work.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RiskStep {
    /// The rule.
    pub rule: Rule,
    /// Signed fraction of equity before it. Before sizing it is the target; between sizing and stop distance the fraction at risk.
    pub before: f64,
    /// Signed fraction of equity after it; what is held already counts, so a rule that only stops growth ends at the held fraction.
    pub after: f64,
    /// The number that the rule compared with: a limit of the configuration, the stop distance as a fraction of the price, the venue's
    /// smallest order as a fraction of equity.
    pub limit: f64,
}

fn percent(x: f64) -> String {
    format!("{:.2} %", 100.0 * x)
}

impl RiskStep {
    /// The rule made the position smaller. Sizing and stop distance turn one number into another: they only do where what they need is
    /// not known yet.
    pub fn cuts(&self) -> bool {
        match self.rule {
            Rule::Sizing(_) | Rule::StopDistance(_) => self.limit.is_nan(),
            _ => self.after.abs() < self.before.abs(),
        }
    }

    /// The step in words.
    pub fn reason(&self) -> String {
        let (before, after, limit) = (percent(self.before), percent(self.after), percent(self.limit));
        let capped = |name: &str, what: &str| {
            if self.cuts() {
                format!("{name}: {before} of equity cut to {after} ({what})")
            } else {
                format!("{name}: {before} of equity stands ({what})")
            }
        };
        match self.rule {
            Rule::InvalidTarget => "invalid target: not a number, so what is held stays".to_owned(),
            Rule::Halt => "halt: trading is halted until a person lifts it, so the target is flat".to_owned(),
            Rule::MinTarget => {
                format!("minimum target: {:.3} is not beyond ±{:.3}, so the target is flat", self.before, self.limit)
            }
            Rule::Shortable => "short sale: the instrument cannot be held short, so the target is flat".to_owned(),
            Rule::Equity => {
                "equity: nothing is opened without positive equity, a price and a rate of its currency".to_owned()
            }
            Rule::Sizing(SizingMethod::Target) => format!("sizing: target {:.3} is {after} of equity", self.before),
            Rule::Sizing(SizingMethod::VolatilityTarget) if self.limit.is_nan() => {
                "sizing: volatility is not known yet, so nothing is opened or grown".to_owned()
            }
            Rule::Sizing(SizingMethod::VolatilityTarget) => {
                format!("sizing: target {:.3} at a yearly volatility of {limit} is {after} of equity", self.before)
            }
            Rule::Sizing(SizingMethod::FixedFraction) => {
                format!("sizing: target {:.3} puts {after} of equity at risk", self.before)
            }
            Rule::Sizing(SizingMethod::Kelly) => {
                format!("sizing: target {:.3} at a Kelly risk of {limit} puts {after} of equity at risk", self.before)
            }
            Rule::StopDistance(_) if self.limit.is_nan() => {
                "stop distance: the average true range is not known yet, so nothing is opened or grown".to_owned()
            }
            Rule::StopDistance(kind) => {
                let name = match kind {
                    StopKind::Atr => "ATR stop",
                    StopKind::Percent => "percent stop",
                    StopKind::None => "no stop, adverse move",
                };
                format!("stop distance: {name} {limit} of the price away, {after} of equity")
            }
            Rule::PositionCap => capped("per-position cap", &format!("cap {limit}")),
            Rule::CorrelationCap => capped("correlation cap", &format!("correlated positions share {limit}")),
            Rule::Heat => capped("portfolio heat", &format!("all stops together may cost {limit}")),
            Rule::Leverage => capped("leverage", &format!("gross exposure at most {:.2} × equity", self.limit)),
            Rule::MinCash => capped("minimum cash", &format!("{limit} of equity stays in cash")),
            Rule::Drawdown => capped("drawdown ladder", &format!("equity is {limit} below its peak")),
            Rule::DailyLoss => capped("daily loss limit", &format!("no new risk after {limit} lost today")),
            Rule::RebalanceBand => {
                format!("rebalance band: {before} of equity is within {limit} of the {after} held")
            }
            Rule::Pending => format!("pending order: open orders already lead to {after} of equity"),
            Rule::Precision => format!("precision: {before} of equity rounded down to whole lots is {after}"),
            Rule::MinOrder => {
                format!("minimum order: the venue takes no order below {limit} of equity, so {before} becomes {after}")
            }
        }
    }
}

/// Steps of one decision, in order; empty where nobody asked for reasons.
///
/// A vector moves as three words: inline, the steps would be copied half a dozen times on their way out.
pub type Steps = Vec<RiskStep>;

/// No decision has more steps.
pub(super) const MOST_STEPS: usize = 14;

/// The decision on one wanted position.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RiskDecision {
    /// Symbol.
    pub symbol: SymbolId,
    /// Number of the decision.
    pub decision: u64,
    /// Outcome.
    pub verdict: Verdict,
    /// Signed quantity to hold once the order has filled.
    pub target_quantity: f64,
    /// Signed quantity to trade, 0 for none. One order also for a reversal: it closes and opens.
    pub order_quantity: f64,
    /// Why the order exists; [`Purpose::Exit`] where there is none.
    pub purpose: Purpose,
    /// Price of the protective stop, NaN for none; the engine anchors it to the fill by [`super::RiskEngine::protect`].
    pub stop_price: f64,
    /// The rules in the order in which they applied.
    pub steps: Steps,
}

impl RiskDecision {
    /// Flat, and to stay flat.
    pub(super) fn none(request: &TargetRequest) -> Self {
        Self {
            symbol: request.symbol,
            decision: request.decision,
            verdict: Verdict::Hold,
            target_quantity: 0.0,
            order_quantity: 0.0,
            purpose: Purpose::Exit,
            stop_price: f64::NAN,
            steps: Steps::new(),
        }
    }

    /// The order opens a position, makes it larger or turns it.
    pub fn opens(&self) -> bool {
        self.order_quantity * self.target_quantity > 0.0
    }

    /// There is an order to send.
    pub fn trades(&self) -> bool {
        self.order_quantity != 0.0
    }

    /// The order only makes the position smaller.
    pub fn reduces(&self) -> bool {
        self.trades() && !self.opens()
    }

    /// The steps in words, in order.
    pub fn reasons(&self) -> Vec<String> {
        self.steps.iter().map(RiskStep::reason).collect()
    }
}
