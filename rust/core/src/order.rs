//! Orders, fills and what the engine asks of a broker.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::types::SymbolId;

/// Direction of an order or fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Side {
    Buy,
    Sell,
}

impl Side {
    /// +1 for a purchase, −1 for a sale.
    #[inline]
    pub fn sign(self) -> f64 {
        match self {
            Self::Buy => 1.0,
            Self::Sell => -1.0,
        }
    }

    /// The side that a signed quantity means.
    #[inline]
    pub fn of(quantity: f64) -> Self {
        if quantity < 0.0 { Self::Sell } else { Self::Buy }
    }

    /// The other side.
    #[inline]
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

/// How an order executes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderKind {
    /// At the next price there is.
    Market,
    /// At `price` or better.
    Limit {
        /// Worst accepted price.
        price: f64,
    },
    /// A market order once `trigger` trades.
    Stop {
        /// Price that wakes the order.
        trigger: f64,
    },
    /// A limit order once `trigger` trades.
    StopLimit {
        /// Price that wakes the order.
        trigger: f64,
        /// Worst accepted price.
        price: f64,
    },
    /// A stop that follows the best price since entry at `distance` (price units).
    TrailingStop {
        /// Distance to the best price.
        distance: f64,
        /// Present trigger.
        trigger: f64,
    },
}

/// How long an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeInForce {
    /// Until cancelled.
    #[default]
    Gtc,
    /// What fills at once; the rest is cancelled.
    Ioc,
    /// All at once or nothing.
    Fok,
    /// Until the end of the UTC day.
    Day,
}

impl TimeInForce {
    /// Fills at once or not at all.
    #[inline]
    pub fn is_immediate(self) -> bool {
        matches!(self, Self::Ioc | Self::Fok)
    }
}

/// Why an order exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Opens a position.
    Entry,
    /// Changes the size of a position in its own direction.
    Resize,
    /// Closes because the target is flat or reversed.
    Exit,
    /// Protective stop.
    StopLoss,
    /// Profit target.
    TakeProfit,
    /// Closes because the position is too old.
    TimeExit,
    /// Closes because a risk rule halted trading.
    Flatten,
    /// Closed by the venue.
    Liquidation,
}

/// An order as the engine wants it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Number within the run, from 1; the client order id is made of it.
    pub id: u64,
    /// Decision that caused it.
    pub decision: u64,
    /// Symbol.
    pub symbol: SymbolId,
    /// Side.
    pub side: Side,
    /// Quantity in base units (contracts for a derivative), > 0, a multiple of the lot.
    pub quantity: f64,
    /// Execution.
    pub kind: OrderKind,
    /// Standing time.
    pub tif: TimeInForce,
    /// May only make a position smaller.
    pub reduce_only: bool,
    /// Why it exists.
    pub purpose: Purpose,
    /// Orders of one symbol in one group (> 0) cancel each other: when one has filled, the rest go. A partial fill
    /// shrinks the members on its own side by what it filled, so that a stop still covers what a target left, and
    /// cancels the others.
    pub oco: u64,
    /// Close time of the bar that caused it, or time of the fill that it protects; ms.
    pub ts: i64,
}

/// What the engine asks of a broker.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Intent {
    /// Send this order.
    Submit(Order),
    /// Withdraw an order; a no-op where it is closed already.
    Cancel {
        /// The order.
        id: u64,
        /// Its symbol.
        symbol: SymbolId,
        /// Why.
        reason: CancelReason,
    },
}

/// Why an order was withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// A newer order takes its place.
    Replaced,
    /// The position it protected is gone.
    PositionClosed,
    /// Its group was filled.
    Oco,
    /// Trading halted.
    Halt,
    /// Its time in force ended.
    Expired,
    /// A person asked.
    Operator,
}

/// Whether a fill took or gave liquidity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Liquidity {
    Maker,
    Taker,
}

/// An execution.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Fill {
    /// Number within the run, from 1 (the venue's trade id lives in the ledger).
    pub id: u64,
    /// Order that was filled; 0 for a liquidation, which nobody ordered.
    pub order: u64,
    /// Decision that caused the order; 0 for a liquidation.
    pub decision: u64,
    /// Symbol.
    pub symbol: SymbolId,
    /// Side.
    pub side: Side,
    /// Quantity, > 0.
    pub quantity: f64,
    /// Price per unit.
    pub price: f64,
    /// Fee in quote currency, ≥ 0 (a rebate is < 0).
    pub fee: f64,
    /// `|price − reference|·quantity`: what slippage and spread cost, in quote currency.
    pub slippage: f64,
    /// Maker or taker.
    pub liquidity: Liquidity,
    /// Why the order existed.
    pub purpose: Purpose,
    /// Time of the fill, ms.
    pub ts: i64,
    /// What of the order is still open after this fill.
    pub remaining: f64,
}

/// Why a broker refused an order.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectReason {
    /// The symbol is not in the table.
    UnknownSymbol,
    /// An order of this number is open already.
    DuplicateId,
    /// The quantity is not a finite number > 0.
    Quantity {
        /// The quantity.
        quantity: f64,
    },
    /// The quantity is not a multiple of the lot.
    OffLot {
        /// The quantity.
        quantity: f64,
        /// The lot.
        lot: f64,
    },
    /// The quantity is below the smallest that the instrument accepts.
    BelowMinQuantity {
        /// The quantity.
        quantity: f64,
        /// The smallest.
        minimum: f64,
    },
    /// The notional is below the smallest that the instrument accepts.
    BelowMinNotional {
        /// The notional, quote currency.
        notional: f64,
        /// The smallest.
        minimum: f64,
    },
    /// A price, trigger or distance is not a finite number > 0.
    Price {
        /// The price.
        price: f64,
    },
    /// Reduce-only, and there is nothing on the other side to reduce.
    NothingToReduce {
        /// The position, signed.
        position: f64,
    },
    /// The order would make the position short, and the instrument may not be held short.
    NotShortable {
        /// The order's quantity.
        quantity: f64,
        /// The position, signed.
        position: f64,
    },
    /// The account cannot back the order.
    InsufficientMargin {
        /// Initial margin that the order needs, account currency.
        required: f64,
        /// Margin that is free.
        free: f64,
    },
    /// A real venue refused it, or the checks before sending did; the words are in the journal.
    Venue,
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::UnknownSymbol => write!(f, "unknown symbol"),
            Self::DuplicateId => write!(f, "an order of this number is open already"),
            Self::Quantity { quantity } => write!(f, "quantity = {quantity}: expected a finite number > 0"),
            Self::OffLot { quantity, lot } => write!(f, "quantity = {quantity}: expected a multiple of the lot {lot}"),
            Self::BelowMinQuantity { quantity, minimum } => {
                write!(f, "quantity = {quantity}: expected at least {minimum}")
            }
            Self::BelowMinNotional { notional, minimum } => {
                write!(f, "notional = {notional}: expected at least {minimum}")
            }
            Self::Price { price } => write!(f, "price = {price}: expected a finite number > 0"),
            Self::NothingToReduce { position } => {
                write!(f, "reduce-only, but the position of {position} has nothing to reduce on that side")
            }
            Self::NotShortable { quantity, position } => {
                write!(f, "selling {quantity} of a position of {position} would go short, which the instrument forbids")
            }
            Self::InsufficientMargin { required, free } => {
                write!(f, "insufficient margin: the order needs {required}, {free} is free")
            }
            Self::Venue => write!(f, "the venue refused it"),
        }
    }
}

/// What happened to an order, or to a position without one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BrokerEventKind {
    /// The order stands.
    Accepted,
    /// The order was refused and never stood.
    Rejected {
        /// Why.
        reason: RejectReason,
    },
    /// What was left of the order was withdrawn.
    Cancelled {
        /// Why.
        reason: CancelReason,
    },
    /// What was left of the order ended with its time in force.
    Expired,
    /// The trigger of a stop traded.
    Triggered {
        /// The trigger.
        trigger: f64,
    },
    /// Funding of a perpetual was settled; the order number is 0.
    Funding {
        /// Sum of the rates settled, a fraction of the notional.
        rate: f64,
        /// Price that the notional was taken at.
        price: f64,
        /// Paid, quote currency; < 0 when received.
        amount: f64,
    },
}

/// What a broker reports besides fills.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BrokerEvent {
    /// Time, ms.
    pub ts: i64,
    /// The order; 0 where there is none.
    pub order: u64,
    /// Its symbol.
    pub symbol: SymbolId,
    /// What happened.
    pub kind: BrokerEventKind,
}

impl BrokerEvent {
    /// Nothing more will come of the order.
    pub fn closes(&self) -> bool {
        use BrokerEventKind::{Cancelled, Expired, Rejected};
        matches!(self.kind, Rejected { .. } | Cancelled { .. } | Expired)
    }

    /// The order was refused.
    pub fn is_rejection(&self) -> bool {
        matches!(self.kind, BrokerEventKind::Rejected { .. })
    }

    /// Why, in words; `None` where the kind says it all.
    pub fn reason(&self) -> Option<String> {
        match self.kind {
            BrokerEventKind::Rejected { reason } => Some(reason.to_string()),
            BrokerEventKind::Cancelled { reason } => Some(reason.to_string()),
            _ => None,
        }
    }
}

impl fmt::Display for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Replaced => "replaced by a newer order",
            Self::PositionClosed => "the position that it served is gone",
            Self::Oco => "another order of its group was filled",
            Self::Halt => "trading halted",
            Self::Expired => "its time in force ended",
            Self::Operator => "withdrawn by a person",
        })
    }
}
