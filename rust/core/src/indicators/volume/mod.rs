//! The volume family.

use crate::indicators::registry::Row;

mod ad;
mod adosc;
mod anchored_profile;
mod cmf;
mod ease_of_movement;
mod fixed_range_profile;
mod force_index;
mod histogram;
mod mfi;
mod obv;
mod obv_slope;
pub mod profile;
mod volume_profile;
mod volume_ratio;
mod vwap;
mod vwap_rolling;
mod vwap_session;

pub use ad::{Ad, close_location};
pub use adosc::Adosc;
pub use anchored_profile::AnchoredProfile;
pub use cmf::Cmf;
pub use ease_of_movement::EaseOfMovement;
pub use fixed_range_profile::FixedRangeProfile;
pub use force_index::ForceIndex;
pub use mfi::Mfi;
pub use obv::Obv;
pub use obv_slope::ObvSlope;
pub use volume_profile::VolumeProfile;
pub use volume_ratio::VolumeRatio;
pub use vwap::Vwap;
pub use vwap_rolling::VwapRolling;
pub use vwap_session::VwapSession;

/// Rows of this family.
pub const ROWS: &[&Row] = &[
    &obv::ROW,
    &obv_slope::ROW,
    &ad::ROW,
    &adosc::ROW,
    &cmf::ROW,
    &mfi::ROW,
    &vwap::ROW,
    &vwap_session::ROW,
    &vwap_rolling::ROW,
    &force_index::ROW,
    &ease_of_movement::ROW,
    &volume_ratio::ROW,
    &volume_profile::ROW,
    &anchored_profile::ROW,
    &fixed_range_profile::ROW,
];
