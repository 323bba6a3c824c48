use super::*;

fn ramp(n: usize, f: impl Fn(f64) -> f64) -> Vec<f64> {
    (0..n).map(|i| f(i as f64)).collect()
}

#[test]
fn quartiles_and_outliers() {
    let mut values = ramp(1_001, |i| i);
    let e = SignalEncoder::fit(&["rsi"], &[&values]).unwrap();
    let c = &e.columns()[0];
    assert_eq!(c.center, 500.0);
    assert!((c.scale - 500.0 / 1.348_979_5).abs() < 1e-4);
    values[1_000] = 1e12;
    let robust = SignalEncoder::fit(&["rsi"], &[&values]).unwrap();
    assert_eq!(robust.columns()[0], *c);
    assert_eq!(c.encode(500.0), 0.0);
    assert_eq!((c.encode(1e300), c.encode(f64::NEG_INFINITY), c.encode(f64::NAN)), (1.0, -1.0, 0.0));
}

#[test]
fn transforms_of_spec() {
    let returns = ramp(400, |i| 0.01 * (i * 0.7).sin());
    let ratios = ramp(400, |i| (0.5 * (i * 0.3).sin()).exp());
    let flags = ramp(400, |i| f64::from(i as i32 % 2));
    let e = SignalEncoder::fit(&["price", "volume", "ema_crossover"], &[&returns, &ratios, &flags]).unwrap();
    let sources: Vec<&str> = e.columns().iter().map(|c| c.source.as_str()).collect();
    assert_eq!(sources, ["return_1", "volume_ratio", "ema_5_13_bullish"]);
    // A doubled and a halved volume lie evenly about the mean.
    let c = &e.columns()[1];
    let about = c.center.exp();
    assert!((c.encode(2.0 * about) + c.encode(0.5 * about)).abs() < 1e-6);
    assert_eq!(c.encode(0.0), -1.0);
    let flag = &e.columns()[2];
    assert_eq!((flag.encode(0.0), flag.encode(1.0), flag.encode(f64::NAN)), (-1.0, 1.0, 0.0));
}

#[test]
fn a_column_that_never_moved_is_neutral() {
    let e = SignalEncoder::fit(&["fear_greed"], &[&[50.0; 100]]).unwrap();
    assert_eq!(e.columns()[0].encode(20.0), 0.0);
    // Quartiles that fall together leave the tails.
    let rare = ramp(1_000, |i| if i as i32 % 20 == 0 { 1.0 } else { 0.0 });
    let e = SignalEncoder::fit(&["reversion_probability"], &[&rare]).unwrap();
    assert!(e.columns()[0].scale > 0.0);
    assert!(e.columns()[0].encode(1.0) > 0.5);
}

#[test]
fn faults_are_named() {
    let text = |r: Result<SignalEncoder>| r.unwrap_err().to_string();
    assert!(text(SignalEncoder::fit::<&str>(&[], &[])).contains("at least one feature"));
    assert!(text(SignalEncoder::fit(&["rsi", "rsi"], &[&[1.0], &[1.0]])).contains("each feature once"));
    assert!(text(SignalEncoder::fit(&["ema_21"], &[&[1.0]])).contains("ema_21 (in units of price or volume)"));
    assert!(text(SignalEncoder::fit(&["signal"], &[&[1.0]])).contains("signal (a label)"));
    assert!(
        text(SignalEncoder::fit(&["rsi"], &[&[f64::NAN, f64::INFINITY]])).contains("rsi = not finite in all 2 rows")
    );
    assert!(
        text(SignalEncoder::fit(&["rsi", "adx"], &[&[1.0], &[1.0, 2.0]])).contains("rows of adx: got 2, expected 1")
    );
}

#[test]
fn json_keeps_every_bit_and_is_checked() {
    let values = ramp(301, |i| (i * 0.37).sin() / 3.0);
    let e = SignalEncoder::fit(&["macd", "price"], &[&values, &values]).unwrap();
    let json = e.to_json().unwrap();
    assert_eq!(SignalEncoder::from_json(&json).unwrap(), e);
    let fault = |from: &str, to: &str| SignalEncoder::from_json(&json.replace(from, to)).unwrap_err().to_string();
    assert!(fault("\"version\": 1", "\"version\": 7").contains("version is 7, expected 1"));
    assert!(fault("macd_pct", "macd").contains("column macd is Identity of macd, expected Identity of macd_pct"));
    assert!(fault(e.column_hash(), "0000000000000000").contains("column hash is 0000000000000000"));
    assert!(fault("mirrorfast encoder", "pickle").contains("format is"));
    assert!(SignalEncoder::from_json("{").unwrap_err().to_string().contains("no JSON"));
    let lack = e.require(&["macd", "rsi"]).unwrap_err().to_string();
    assert!(lack.contains("lacks rsi and has price besides"), "{lack}");
    assert!(e.require(&["price", "macd"]).unwrap_err().to_string().contains("another order"));
    assert!(e.require(&["macd", "price"]).is_ok());
}

#[test]
fn rows_are_what_columns_are() {
    let a = ramp(50, |i| (i * 0.9).sin());
    let b = ramp(50, |i| if i < 5.0 { f64::NAN } else { i });
    let e = SignalEncoder::fit(&["cmf", "rsi"], &[&a, &b]).unwrap();
    let mut all = vec![9.0; 50 * 3];
    e.encode_columns(&[&a, &b], 3, &mut all).unwrap();
    for i in 0..50 {
        let mut row = [0.0; 2];
        e.encode(|k| [&a, &b][k][i], &mut row);
        assert_eq!([row[0].to_bits(), row[1].to_bits()], [all[3 * i].to_bits(), all[3 * i + 1].to_bits()]);
        assert_eq!(all[3 * i + 2], 9.0);
        assert!(row.iter().all(|x| (-1.0..=1.0).contains(x)));
    }
    assert!(e.encode_columns(&[&a, &b], 1, &mut all).is_err());
}

#[test]
fn every_market_feature_is_a_column_of_the_engine() {
    let values = ramp(30, |i| i / 30.0);
    let all = vec![values.as_slice(); 17];
    let e = SignalEncoder::fit(&MARKET_FEATURES, &all).unwrap();
    assert_eq!(e.sources().unwrap().len(), 17);
    let own = SignalEncoder::fit(&["my_own"], &[&values]).unwrap();
    assert!(own.sources().unwrap_err().to_string().contains("my_own comes from outside"));
}
