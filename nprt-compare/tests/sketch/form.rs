//! The written form: small, one for equal sketches, and nothing else is read.

use nprt_compare::sketch::Sketch;

#[test]
fn it_is_small_and_says_its_version() {
    let sketch: Sketch = [1.0, 0.0, 1.0, 1.01, f64::NAN].into_iter().collect();
    assert_eq!(
        serde_json::to_string(&sketch).unwrap(),
        r#"{"version":1,"rejected":{"not_a_number":1,"infinite":0,"negative":0},"bins":[0,1,130944,2,1,1]}"#
    );
    assert_eq!(serde_json::to_string(&Sketch::new()).unwrap(), r#"{"version":1,"bins":[]}"#);
    let many: Sketch = (0..100_000).map(|ms| f64::from(ms % 1000 + 1) / 1000.0).collect();
    assert!(serde_json::to_string(&many).unwrap().len() < 8 * many.bins().count());
}

#[test]
fn what_is_not_this_version_or_not_in_order_is_refused() {
    for (text, says) in [
        (r#"{"version":2,"bins":[]}"#, "(version: 2); available: 1"),
        (r#"{"version":1,"bins":[0]}"#, "an even number"),
        (r#"{"version":1,"bins":[0,1,0,1]}"#, "ascending"),
        (r#"{"version":1,"bins":[130944,0]}"#, "above zero"),
        (r#"{"version":1,"bins":[127,1]}"#, "available: 0, 128 to 262015"),
        (r#"{"version":1,"bins":[262016,1]}"#, "128 to 262015"),
        (r#"{"version":1,"bins":[262015,1,4294705281,1]}"#, "ascending"),
        (r#"{"version":1,"bins":[18446744073709551615,1]}"#, "ascending"),
        (r#"{"version":1,"bins":[-1,1]}"#, "invalid value"),
        (r#"{"version":1,"bins":[],"sum":1}"#, "unknown field"),
        (r#"{"bins":[]}"#, "missing field `version`"),
    ] {
        let error = serde_json::from_str::<Sketch>(text).unwrap_err().to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
}
