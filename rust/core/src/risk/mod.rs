//! Risk: wanted positions in, sized and limited orders out, each with the steps that led to it (SPEC §9).
//!
//! One rule a file. [`RiskEngine`] applies them in the order of [`Rule`]; every rule only ever makes a position smaller, and none
//! but the venue's own limits can stand in the way of an exit.

mod case;
mod cash;
mod config;
mod daily_loss;
mod decision;
mod diversify;
mod draft;
mod drawdown;
mod engine;
mod exposure;
mod heat;
mod holdings;
mod meter;
pub(crate) mod precision;
mod sizing;
mod stops;

pub use config::{DrawdownConfig, RiskConfig, SizingConfig, SizingMethod, StopConfig, StopKind};
pub use decision::{RiskDecision, RiskStep, Rule, Steps, TargetRequest, Verdict};
pub use drawdown::{DrawdownLevel, Halt, HaltReason, RiskEvent, RiskEventKind};
pub use engine::RiskEngine;
pub use holdings::{Account, Held, Holdings};
pub use meter::{ATR_PERIOD, CORRELATION_WINDOW, RiskMeter, VOLATILITY_PERIOD};

#[cfg(test)]
mod tests;
