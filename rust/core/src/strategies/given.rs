//! Models fitted elsewhere: one, or a sequence of which each takes over at its own time.

use serde::de::DeserializeOwned;

use crate::error::{CoreError, Result};

/// Most models of one sequence.
const MOST: usize = 10_000;

/// A model that knows from when on it may judge.
pub(super) trait Dated: DeserializeOwned {
    /// First bar (open time, milliseconds) that it may judge: one after the data it was fitted on. None: any bar.
    fn since(&self) -> Option<i64>;
}

/// Reads one model, or a list in the order of their times; `expected` says what a model is.
///
/// # Errors
/// [`CoreError::Parameter`] naming `strategy.model` for a text that is neither, and for a list whose times do not rise.
pub(super) fn read<M: Dated>(strategy: &str, text: &str, expected: &str) -> Result<Vec<M>> {
    let bad = |value: String, expected: String| CoreError::parameter(format!("{strategy}.model"), value, expected);
    let models: Vec<M> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).map_err(|e| bad(e.to_string(), format!("{expected} as JSON, or a list of them")))?
    } else {
        vec![serde_json::from_str(text).map_err(|e| bad(e.to_string(), format!("{expected} as JSON")))?]
    };
    if models.is_empty() || models.len() > MOST {
        return Err(bad(format!("{} models", models.len()), format!("1 to {MOST} models")));
    }
    for pair in models.windows(2) {
        let (one, next) = (pair[0].since(), pair[1].since());
        if next.is_none() || one >= next {
            let value = format!("from_ts {one:?} before {next:?}");
            return Err(bad(value, "a list of models in which from_ts rises".to_owned()));
        }
    }
    Ok(models)
}

/// Place of the model that judges a bar at `ts`: the last whose time has come; none before the first one's.
pub(super) fn at<M>(models: &[(Option<i64>, M)], ts: i64) -> Option<usize> {
    models.partition_point(|(from, _)| from.is_none_or(|from| from <= ts)).checked_sub(1)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Plain {
        from_ts: Option<i64>,
    }

    impl Dated for Plain {
        fn since(&self) -> Option<i64> {
            self.from_ts
        }
    }

    #[test]
    fn every_model_has_its_time() {
        let read = |text: &str| read::<Plain>("s", text, "a model");
        let models = read(r#"[{"from_ts": 5}, {"from_ts": 9}]"#).unwrap();
        let models: Vec<_> = models.into_iter().map(|m| (m.from_ts, ())).collect();
        assert_eq!([4, 5, 8, 9, 99].map(|ts| at(&models, ts)), [None, Some(0), Some(0), Some(1), Some(1)]);
        assert_eq!(at(&[(None, ())], i64::MIN), Some(0));
        assert_eq!(read("{}").unwrap().len(), 1);
        for text in ["[]", "[1]", "x", r#"[{"from_ts": 9}, {"from_ts": 9}]"#, r#"[{"from_ts": 9}, {}]"#] {
            let told = read(text).unwrap_err().to_string();
            assert!(told.starts_with("s.model = "), "{told}");
        }
    }
}
