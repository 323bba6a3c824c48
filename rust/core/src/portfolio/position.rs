//! One symbol's position and the round trip that it becomes.

use serde::{Deserialize, Serialize};

use crate::order::{Fill, Purpose, Side};
use crate::types::SymbolId;

/// What is held of one symbol. `realised`, `fees` and `funding` run over the whole life of the account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Signed quantity on the lot grid; 0 is flat.
    pub quantity: f64,
    /// Average entry price; 0 when flat.
    pub average_price: f64,
    /// Last price seen, 0 before the first.
    pub last_price: f64,
    /// Realised profit before costs, account currency.
    pub realised: f64,
    /// Fees paid, account currency.
    pub fees: f64,
    /// Funding paid, account currency; < 0 when received.
    pub funding: f64,
    /// Time of the fill that opened it, ms.
    pub opened_ts: i64,
    /// Bars closed since it was opened, the bar of the opening included.
    pub bars_held: u32,
    /// Most favourable price since it was opened.
    pub best_price: f64,
    /// Least favourable price since it was opened.
    pub worst_price: f64,
    /// Equity just before it was opened.
    pub entry_equity: f64,
    /// Signed cost in account currency of what is held (spot).
    pub(super) basis: f64,
    pub(super) round: RoundTrip,
}

/// Sums of the open round trip.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct RoundTrip {
    pub(super) entered: f64,
    pub(super) entry_value: f64,
    /// Notional of the entries, account currency.
    pub(super) entry_notional: f64,
    pub(super) exited: f64,
    pub(super) exit_value: f64,
    /// `entry_value` and `exit_value` in account currency.
    pub(super) entry_converted: f64,
    pub(super) exit_converted: f64,
    pub(super) peak: f64,
    pub(super) gross: f64,
    pub(super) fees: f64,
    pub(super) funding: f64,
    pub(super) slippage: f64,
    pub(super) decision: u64,
}

/// A closed round trip: from flat, or a flip, to flat, or the next flip. Amounts in account currency.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Trade {
    /// Symbol.
    pub symbol: SymbolId,
    /// Side of the position.
    pub side: Side,
    /// Largest quantity held, > 0.
    pub quantity: f64,
    /// Time of the first entry, ms.
    pub entry_ts: i64,
    /// Time of the last exit, ms.
    pub exit_ts: i64,
    /// Average price of all entries.
    pub entry_price: f64,
    /// Average price of all exits.
    pub exit_price: f64,
    /// Account currency per unit of the quote currency at the entries, weighted by their value; 1 in the account's own.
    pub entry_rate: f64,
    /// The same at the exits.
    pub exit_rate: f64,
    /// Profit before costs.
    pub gross: f64,
    /// Fees of all entries and exits.
    pub fees: f64,
    /// Funding paid; < 0 when received.
    pub funding: f64,
    /// `gross − fees − funding`.
    pub pnl: f64,
    /// `pnl` / equity before the entry; NaN where that was not above zero.
    pub pnl_fraction: f64,
    /// `pnl` / notional of all entries.
    pub return_fraction: f64,
    /// Bars held.
    pub bars: u32,
    /// Maximum adverse excursion: return at the least favourable price, ≤ 0, rates apart.
    pub mae: f64,
    /// Maximum favourable excursion: return at the most favourable price, ≥ 0, rates apart.
    pub mfe: f64,
    /// What slippage and spread cost; part of `gross`.
    pub slippage: f64,
    /// Why it was closed.
    pub exit: Purpose,
    /// Decision that opened it.
    pub entry_decision: u64,
}

impl Position {
    /// The side that is held; `None` when flat.
    pub fn side(&self) -> Option<Side> {
        (self.quantity != 0.0).then(|| Side::of(self.quantity))
    }

    /// Nothing is held.
    #[inline]
    pub fn is_flat(&self) -> bool {
        self.quantity == 0.0
    }

    /// Lets a price count for the extremes of a position of `side`.
    #[inline]
    pub(super) fn reach(&mut self, side: Side, price: f64) {
        let (best, worst) = (&mut self.best_price, &mut self.worst_price);
        match side {
            Side::Buy => (*best, *worst) = (best.max(price), worst.min(price)),
            Side::Sell => (*best, *worst) = (best.min(price), worst.max(price)),
        }
    }

    /// The round trip that `fill` ended.
    pub(super) fn trade(&self, symbol: SymbolId, side: Side, fill: &Fill) -> Trade {
        let r = &self.round;
        let entry_price = r.entry_value / r.entered;
        let pnl = r.gross - r.fees - r.funding;
        let excursion = |price: f64| side.sign() * (price / entry_price - 1.0);
        Trade {
            symbol,
            side,
            quantity: r.peak,
            entry_ts: self.opened_ts,
            exit_ts: fill.ts,
            entry_price,
            exit_price: r.exit_value / r.exited,
            entry_rate: r.entry_converted / r.entry_value,
            exit_rate: r.exit_converted / r.exit_value,
            gross: r.gross,
            fees: r.fees,
            funding: r.funding,
            pnl,
            pnl_fraction: if self.entry_equity > 0.0 { pnl / self.entry_equity } else { f64::NAN },
            return_fraction: pnl / r.entry_notional,
            bars: self.bars_held,
            mae: excursion(self.worst_price).min(0.0),
            mfe: excursion(self.best_price).max(0.0),
            slippage: r.slippage,
            // A reversal is one order that closes and opens: for the trade that it ends it is an exit.
            exit: if matches!(fill.purpose, Purpose::Entry | Purpose::Resize) { Purpose::Exit } else { fill.purpose },
            entry_decision: r.decision,
        }
    }

    /// Forgets the round trip; what runs over the life of the account stays.
    pub(super) fn clear(&mut self) {
        *self = Self {
            last_price: self.last_price,
            realised: self.realised,
            fees: self.fees,
            funding: self.funding,
            ..Self::default()
        };
    }
}
