//! Real forms of configs are read, and what is wrong is named.

use nprt_compare::kayenta::{
    CanaryConfig, Direction, EffectSize, Measure, NanStrategy, OutlierStrategy, ScoreThresholds, judge,
};

const CART: &str = include_str!("../data/kayenta/cart.json");
const SAMPLE: &str = include_str!("../data/kayenta/sample.json");

#[test]
fn all_of_a_config_is_read() {
    let config = CanaryConfig::from_json(CART).unwrap();
    assert_eq!(config.name, "cart");
    let [latency, errors, requests, cpu] = &config.metrics[..] else { panic!("{config:?}") };
    assert_eq!(latency.groups, ["Latency"]);
    assert_eq!(latency.query.as_ref().unwrap()["type"], "prometheus");
    let analysis = latency.analysis();
    assert!(analysis.critical && analysis.must_have_data && !analysis.muted);
    assert_eq!((analysis.direction, analysis.nan_strategy), (Direction::Increase, NanStrategy::Remove));
    let sizes =
        EffectSize { allowed_increase: Some(1.1), critical_increase: Some(2.0), ..EffectSize::default() };
    assert_eq!(analysis.effect_size, sizes);
    assert_eq!(errors.analysis().nan_strategy, NanStrategy::Replace);
    assert_eq!(errors.analysis().effect_size.measure, Measure::Cles);
    assert_eq!(errors.analysis().outliers.strategy, OutlierStrategy::Keep);
    let outliers = &requests.analysis().outliers;
    assert_eq!((outliers.strategy, outliers.outlier_factor), (OutlierStrategy::Remove, 2.5));
    assert!(cpu.analysis().muted && cpu.analysis().direction == Direction::Either);
    assert_eq!(config.classifier.group_weights["Latency"], 50.0);
    assert_eq!(config.classifier.score_thresholds, Some(ScoreThresholds { pass: 95.0, marginal: 75.0 }));
    assert_eq!(config.confidence_level(), 0.98);
}

#[test]
fn what_is_not_said_has_kayentas_defaults() {
    let config = CanaryConfig::from_json(SAMPLE).unwrap();
    let analysis = config.metrics[0].analysis();
    assert_eq!((analysis.direction, analysis.nan_strategy), (Direction::Either, NanStrategy::Remove));
    assert!(!analysis.critical && !analysis.must_have_data && !analysis.muted);
    assert_eq!(analysis.effect_size, EffectSize::default());
    assert_eq!((analysis.outliers.strategy, analysis.outliers.outlier_factor), (OutlierStrategy::Keep, 3.0));
    let error = judge(&config, &[], None).unwrap_err();
    assert!(error.to_string().contains("no thresholds"), "{error}");
    let last = r#"{"name": "NetflixACAJudge-v1.0", "judgeConfigurations": {"confidenceLevel": 0.998}}"#;
    let own = SAMPLE.replace(r#"{"name": "dredd-v1.0", "judgeConfigurations": {}}"#, last);
    assert_eq!(CanaryConfig::from_json(&own).unwrap().confidence_level(), 0.998);
}

#[test]
fn written_and_read_it_is_the_same_and_yaml_says_the_same() {
    for text in [CART, SAMPLE] {
        let config = CanaryConfig::from_json(text).unwrap();
        let written = serde_json::to_string(&config).unwrap();
        assert_eq!(CanaryConfig::from_json(&written).unwrap(), config);
        assert_eq!(serde_saphyr::from_str::<CanaryConfig>(text).unwrap(), config);
    }
}

#[test]
fn what_is_wrong_is_named() {
    for (from, to, named) in [
        (r#""critical": true"#, r#""crtical": true"#, "crtical"),
        (r#""muted": true"#, r#""mute": true"#, "`muted`"),
        (r#""increase""#, r#""upwards""#, "upwards"),
        (r#""remove", "outlierFactor""#, r#""drop", "outlierFactor""#, "drop"),
        (
            r#""judge": {"name": "NetflixACAJudge-v1.0""#,
            r#""judge": {"name": "ours""#,
            "available: NetflixACAJudge",
        ),
        (r#""judgeConfigurations": {}"#, r#""judgeConfigurations": {"confLevel": 0.9}"#, "confLevel"),
        (
            r#""judgeConfigurations": {}"#,
            r#""judgeConfigurations": {"confidenceLevel": 1}"#,
            "confidenceLevel: 1",
        ),
        (r#""name": "5xx""#, r#""name": "cpu""#, "two metrics of one name (metric: cpu)"),
        (r#""name": "5xx""#, r#""name": """#, "without a name"),
        (r#"["Errors"]"#, "[]", "could never count"),
        (r#"["Errors"]"#, r#"["Latency"]"#, "without metrics (classifier.groupWeights: Errors)"),
        ("1.1", "-1.1", "effectSize.allowedIncrease: -1.1, metric: latency p95"),
        (r#""allowedIncrease": 0.6"#, r#""allowedIncrease": 1.6"#, "a probability"),
        ("2.5", "0", "outliers.outlierFactor: 0, metric: requests"),
        (r#""Latency": 50"#, r#""Latency": -50"#, "Latency: -50"),
        (r#""Latency": 50"#, r#""Latency": 90"#, "add up to 100 (classifier.groupWeights: 120)"),
        (r#""pass": 95"#, r#""pass": 70"#, "marginal <= pass"),
        (r#""pass": 95"#, r#""pass": 195"#, "pass <= 100"),
        (r#""name": "cart""#, r#""name": "cart", "name": "shop""#, "duplicate field `name`"),
        ("50, ", "", "line"),
    ] {
        let wrong = CART.replacen(from, to, 1);
        assert_ne!(wrong, CART, "{from}");
        let error = CanaryConfig::from_json(&wrong).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains(named), "{named}: {error}");
    }
    let short = SAMPLE.replace("100.0", "80.0");
    assert!(
        CanaryConfig::from_json(&short).unwrap_err().to_string().contains("(classifier.groupWeights: 80)")
    );
    let muted = SAMPLE.replace(
        r#""analysisConfigurations": {}"#,
        r#""analysisConfigurations": {"canary": {"muted": true}}"#,
    );
    assert!(CanaryConfig::from_json(&muted).unwrap_err().to_string().contains("nothing to judge"));
}

/// 33 for each of three groups is what people write for a third.
#[test]
fn thirds_are_meant_as_thirds() {
    let thirds = CART.replace(
        r#"{"Latency": 50, "Errors": 30}"#,
        r#"{"Latency": 33, "Errors": 33, "Traffic": 33, "System": 0}"#,
    );
    CanaryConfig::from_json(&thirds).unwrap();
}
