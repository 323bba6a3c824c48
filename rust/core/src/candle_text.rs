//! Candles out of the JSON that a venue sends: straight from bytes to columns, row by row, nothing trusted.
//!
//! A document is read to its end: one that is cut off or broken anywhere holds no candles, for its last number may have lost digits.
//! Inside a whole document every row stands for itself; one that is no bar is counted and left out.

use crate::error::{CoreError, Result};

/// Deeper nesting than this is no answer of a venue's.
const DEPTH: usize = 64;
const DAY: i64 = 86_400_000;
const WEEK: i64 = 7 * DAY;
/// The epoch was a Thursday.
const MONDAY: i64 = 4 * DAY;

/// Where a venue's answer holds its candles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CandleLayout {
    /// Keys from the top of the document; `*` is the first key whose value is a list.
    pub path: Vec<String>,
    /// Places of time, open, high, low, close and volume in a row.
    pub columns: [usize; 6],
    /// Milliseconds of one unit of the time.
    pub time_unit: i64,
}

/// Closed bars of one answer, ascending, and what else it held.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Candles {
    /// Open times, ms.
    pub ts: Vec<i64>,
    /// Open, high, low, close and volume.
    pub values: [Vec<f64>; 5],
    /// Rows of the answer; `None` when it holds no list where candles should be.
    pub rows: Option<u64>,
    /// Rows that are no bars.
    pub refused: u64,
    /// Bars that have not closed.
    pub unfinished: u64,
    /// Bars whose time came again later: the last wins.
    pub duplicates: u64,
}

impl CandleLayout {
    /// # Errors
    /// When a column stands beyond the 64th of a row, or the unit is not positive.
    pub fn checked(self) -> Result<Self> {
        if let Some(far) = self.columns.iter().find(|c| **c >= 64) {
            return Err(CoreError::parameter("columns", far, "places below 64"));
        }
        if self.time_unit < 1 {
            return Err(CoreError::parameter("time_unit", self.time_unit, "a number of milliseconds >= 1"));
        }
        Ok(self)
    }
}

/// Reads an answer.
///
/// `step` is the length of a bar and `now` the venue's time, both ms: bars that end later have not closed, and beyond the running
/// one there are none. No input makes it fail: what is no candle is counted.
#[must_use]
pub fn read_candles(text: &[u8], layout: &CandleLayout, step: i64, now: i64) -> Candles {
    let mut found = Candles::default();
    let mut scan = Scan { text, at: 0 };
    let mut bars: Vec<(i64, [f64; 5])> = Vec::new();
    let mut read = |scan: &mut Scan<'_>| {
        let mut rows = Rows { layout, step, now, bars: Vec::with_capacity(512), seen: 0, refused: 0, unfinished: 0 };
        rows.read(scan)?;
        bars = rows.bars;
        (found.rows, found.refused, found.unfinished) = (Some(rows.seen), rows.refused, rows.unfinished);
        Some(())
    };
    let whole = scan.find(&layout.path, 0, &mut read).is_some() && scan.ended();
    if !whole {
        return Candles::default();
    }
    if !bars.windows(2).all(|pair| pair[0].0 < pair[1].0) {
        bars.sort_by_key(|bar| bar.0); // stable: of one time the last stays last
        let before = bars.len();
        bars.reverse();
        bars.dedup_by_key(|bar| bar.0);
        bars.reverse();
        found.duplicates = (before - bars.len()) as u64;
    }
    found.ts = bars.iter().map(|bar| bar.0).collect();
    for (k, column) in found.values.iter_mut().enumerate() {
        *column = bars.iter().map(|bar| bar.1[k]).collect();
    }
    found
}

/// The rows of one list.
struct Rows<'a> {
    layout: &'a CandleLayout,
    step: i64,
    now: i64,
    bars: Vec<(i64, [f64; 5])>,
    seen: u64,
    refused: u64,
    unfinished: u64,
}

impl Rows<'_> {
    fn read(&mut self, scan: &mut Scan<'_>) -> Option<()> {
        scan.list(|scan| {
            self.seen += 1;
            match self.row(scan)? {
                Some((ts, _)) if ts + self.step > self.now => self.unfinished += 1,
                Some(bar) => self.bars.push(bar),
                None => self.refused += 1,
            }
            Some(())
        })
    }

    /// One row; the outer `None` is a broken document.
    #[allow(clippy::option_option)]
    fn row(&self, scan: &mut Scan<'_>) -> Option<Option<(i64, [f64; 5])>> {
        if scan.peek() != Some(b'[') {
            scan.skip(2)?;
            return Some(None);
        }
        let mut cells = [f64::NAN; 6];
        let mut place = 0;
        let columns = &self.layout.columns;
        scan.list(|scan| {
            let wanted = columns.contains(&place);
            let value = scan.scalar(3)?;
            if wanted {
                let number = value.map_or(f64::NAN, number);
                for (cell, column) in cells.iter_mut().zip(columns) {
                    if *column == place {
                        *cell = number;
                    }
                }
            }
            place += 1;
            Some(())
        })?;
        Some(self.bar(&cells))
    }

    fn bar(&self, cells: &[f64; 6]) -> Option<(i64, [f64; 5])> {
        let [time, open, high, low, close, volume] = *cells;
        #[allow(clippy::cast_precision_loss)]
        let stamp = time * self.layout.time_unit as f64;
        // A time that is no whole number of milliseconds of this millennium is none.
        if !(stamp > 0.0 && stamp < 4e12 && stamp.floor().total_cmp(&stamp).is_eq()) {
            return None;
        }
        #[allow(clippy::cast_possible_truncation)]
        let ts = stamp as i64;
        let first = if self.step == WEEK { MONDAY } else { 0 };
        let aligned = (ts - first) % self.step == 0 || (self.step > DAY && self.step != WEEK);
        let prices = [open, high, low, close];
        let sound = prices.iter().all(|p| p.is_finite() && *p > 0.0)
            && volume.is_finite()
            && volume >= 0.0
            && high >= open
            && high >= close
            && low <= open
            && low <= close;
        (aligned && sound && ts <= self.now + self.step).then_some((ts, [open, high, low, close, volume]))
    }
}

/// A number as JSON or a string has it; anything else is none.
fn number(text: &[u8]) -> f64 {
    std::str::from_utf8(text).ok().and_then(|t| t.parse().ok()).unwrap_or(f64::NAN)
}

/// A JSON text and a place in it. `None` of any method: the text is broken there.
struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.text.get(self.at) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn ended(&mut self) -> bool {
        self.peek().is_none()
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        (self.peek()? == wanted).then(|| self.at += 1)
    }

    /// A list: calls `item` at the start of each value.
    fn list(&mut self, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.take(b'[')?;
        if self.peek()? == b']' {
            self.at += 1;
            return Some(());
        }
        loop {
            item(self)?;
            match self.peek()? {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    /// An object: calls `item` with each key, at the start of its value.
    fn object(&mut self, mut item: impl FnMut(&mut Self, &'a [u8]) -> Option<()>) -> Option<()> {
        self.take(b'{')?;
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(());
        }
        loop {
            self.peek()?;
            let key = self.string()?;
            self.take(b':')?;
            item(self, key)?;
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    /// Follows a path to a list and reads that; `None` also when there is none.
    fn find(&mut self, path: &[String], depth: usize, read: &mut impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        let Some((key, rest)) = path.split_first() else {
            return if self.peek()? == b'[' { read(self) } else { None };
        };
        let mut done = false;
        self.object(|scan, name| {
            let here = if key == "*" { scan.peek()? == b'[' } else { name == key.as_bytes() };
            if here && !done {
                done = true;
                return scan.find(rest, depth + 1, read);
            }
            scan.skip(depth + 1)
        })?;
        done.then_some(())
    }

    /// A string without its quotes, escapes left as they are.
    fn string(&mut self) -> Option<&'a [u8]> {
        if self.text.get(self.at) != Some(&b'"') {
            return None;
        }
        let start = self.at + 1;
        let mut end = start;
        loop {
            match *self.text.get(end)? {
                b'"' => break,
                b'\\' => end += 2,
                0..=0x1f => return None,
                _ => end += 1,
            }
        }
        self.at = end + 1;
        self.text.get(start..end)
    }

    /// A number or string as its text; another value is passed over and gives none.
    #[allow(clippy::option_option)]
    fn scalar(&mut self, depth: usize) -> Option<Option<&'a [u8]>> {
        match self.peek()? {
            b'"' => Some(Some(self.string()?)),
            b'-' | b'0'..=b'9' => Some(Some(self.digits()?)),
            _ => {
                self.skip(depth)?;
                Some(None)
            }
        }
    }

    fn digits(&mut self) -> Option<&'a [u8]> {
        let start = self.at;
        while let Some(b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E') = self.text.get(self.at) {
            self.at += 1;
        }
        self.text.get(start..self.at).filter(|t| t.iter().any(u8::is_ascii_digit))
    }

    /// Passes over one value.
    fn skip(&mut self, depth: usize) -> Option<()> {
        if depth > DEPTH {
            return None;
        }
        match self.peek()? {
            b'[' => self.list(|scan| scan.skip(depth + 1)),
            b'{' => self.object(|scan, _| scan.skip(depth + 1)),
            b'"' => self.string().map(|_| ()),
            b'-' | b'0'..=b'9' => self.digits().map(|_| ()),
            _ => {
                let rest = &self.text[self.at..];
                let word = [&b"null"[..], b"true", b"false"].into_iter().find(|word| rest.starts_with(word))?;
                self.at += word.len();
                Some(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STEP: i64 = 60_000;

    fn layout(path: &[&str]) -> CandleLayout {
        CandleLayout { path: path.iter().map(ToString::to_string).collect(), columns: [0, 1, 2, 3, 4, 5], time_unit: 1 }
    }

    fn read(text: &str, path: &[&str]) -> Candles {
        read_candles(text.as_bytes(), &layout(path), STEP, 10 * STEP)
    }

    #[test]
    fn bars_come_out_sorted_and_once() {
        let found = read(
            r#"[[180000,"1","2","0.5","1.5","7",0,"x"],[60000,1,2,0.5,1.25,7],[60000,"1","2","0.5","1","7"],[600000,1,2,1,1,0]]"#,
            &[],
        );
        assert_eq!(found.ts, vec![60_000, 180_000]);
        assert_eq!(found.values[3], vec![1.0, 1.5]);
        assert_eq!((found.rows, found.refused, found.unfinished, found.duplicates), (Some(4), 0, 1, 1));
    }

    #[test]
    fn rows_stand_for_themselves() {
        for bad in [
            r#"[60000,"1","2","0.5","NaN","7"]"#,
            r#"[60000,"1","2","0.5","1e400","7"]"#,
            "[60000,1,2,0.5,null,7]",
            "{}",
            "[60001,1,2,0.5,1,7]",
            "[60000,1,2,0.5,1]",
            "7",
            "[]",
            "[60000,1,2,0.5,[1],7]",
            "[60000,1,0.9,0.5,1,7]",
            "[60000,1,2,0.5,1,-7]",
            "[1e400,1,2,0.5,1,7]",
            "[780000,1,2,0.5,1,7]",
        ] {
            let found = read(&format!("[{bad},[120000,1,2,0.5,1,7]]"), &[]);
            assert_eq!((found.rows, found.refused, found.ts.len()), (Some(2), 1, 1), "{bad}");
        }
    }

    #[test]
    fn documents_that_are_cut_hold_nothing() {
        let text =
            r#"{"code":"0","list":[1],"data":[[60000,"1","2","0.5","1.5","7"],[120000,"1","2","0.5","1.5","7"]]}"#;
        assert_eq!(read(text, &["data"]).ts.len(), 2);
        for end in 0..text.len() {
            assert_eq!(read(&text[..end], &["data"]), Candles::default());
        }
        assert_eq!(read(text, &["result"]).rows, None);
        assert_eq!(read(r#"{"result":{"last":1,"X":[]}}"#, &["result", "*"]).rows, Some(0));
    }

    #[test]
    fn layouts_are_checked() {
        assert!(CandleLayout { columns: [0, 1, 2, 3, 4, 64], ..layout(&[]) }.checked().is_err());
        assert!(CandleLayout { time_unit: 0, ..layout(&[]) }.checked().is_err());
        assert!(layout(&["*"]).checked().is_ok());
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "[\\[\\]{},:\"0-9.eE+a-z\\\\ -]{0,80}") {
            for path in [&[][..], &["data"], &["result", "*"]] {
                let found = read(&text, path);
                prop_assert!(found.ts.iter().all(|ts| ts % STEP == 0 && ts + STEP <= 10 * STEP));
            }
        }
    }
}
