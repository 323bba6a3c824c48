//! The candles family: patterns of one to four candles with TA-Lib's definitions and default settings.

use crate::indicators::registry::{Input, Row};

mod belt_hold;
pub mod candle;
mod dark_cloud_cover;
mod doji;
mod dragonfly_doji;
mod engulfing;
mod evening_doji_star;
mod evening_star;
mod gravestone_doji;
mod hammer;
mod hanging_man;
mod harami;
mod harami_cross;
mod inverted_hammer;
mod marubozu;
mod morning_doji_star;
mod morning_star;
mod patterns;
mod piercing;
mod shooting_star;
mod spinning_top;
mod three_black_crows;
mod three_inside;
mod three_outside;
mod three_white_soldiers;

pub use belt_hold::BeltHold;
pub use candle::{Candle, Candles, History, Pattern, Shape};
pub use dark_cloud_cover::DarkCloudCover;
pub use doji::Doji;
pub use dragonfly_doji::DragonflyDoji;
pub use engulfing::Engulfing;
pub use evening_doji_star::EveningDojiStar;
pub use evening_star::EveningStar;
pub use gravestone_doji::GravestoneDoji;
pub use hammer::Hammer;
pub use hanging_man::HangingMan;
pub use harami::Harami;
pub use harami_cross::HaramiCross;
pub use inverted_hammer::InvertedHammer;
pub use marubozu::Marubozu;
pub use morning_doji_star::MorningDojiStar;
pub use morning_star::MorningStar;
pub use patterns::Patterns;
pub use piercing::Piercing;
pub use shooting_star::ShootingStar;
pub use spinning_top::SpinningTop;
pub use three_black_crows::ThreeBlackCrows;
pub use three_inside::ThreeInside;
pub use three_outside::ThreeOutside;
pub use three_white_soldiers::ThreeWhiteSoldiers;

/// Inputs of every pattern.
const OHLC: &[Input] = &[Input::Open, Input::High, Input::Low, Input::Close];

/// Rows of this family.
pub const ROWS: &[&Row] = &[
    &doji::ROW,
    &dragonfly_doji::ROW,
    &gravestone_doji::ROW,
    &hammer::ROW,
    &inverted_hammer::ROW,
    &hanging_man::ROW,
    &shooting_star::ROW,
    &engulfing::ROW,
    &harami::ROW,
    &harami_cross::ROW,
    &piercing::ROW,
    &dark_cloud_cover::ROW,
    &morning_star::ROW,
    &evening_star::ROW,
    &morning_doji_star::ROW,
    &evening_doji_star::ROW,
    &three_white_soldiers::ROW,
    &three_black_crows::ROW,
    &three_inside::ROW,
    &three_outside::ROW,
    &marubozu::ROW,
    &belt_hold::ROW,
    &spinning_top::ROW,
    &patterns::ROW,
];
