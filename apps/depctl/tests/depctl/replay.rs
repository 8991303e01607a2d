//! Judging recorded series: each form, each option, the exit code by verdict.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Bench, Ran, ran, run};

const POLICY: &str = "
window_minutes: 30
soak_minutes: 5
rules:
- {rule: percentile, metric: latency, percentile: 95, margin: {relative: 0.1}}
";

/// Latencies of both tracks, the canary's by so many percent slower.
fn lines(name: &str, minutes: i64, slower: u32) -> String {
    let mut text = String::new();
    for minute in 0..minutes {
        for (track, percent) in [("stable", 100), ("canary", 100 + slower)] {
            let samples: Vec<u32> = (0..300).map(|i| percent * (100 + i * 37 % 300)).collect();
            let _ = writeln!(
                text,
                r#"{{"run": "{name}", "minute": {minute}, "track": "{track}", "metric": "latency", "unit": "us", "samples": {samples:?}}}"#
            );
        }
    }
    text
}

fn csv(minutes: i64, slower: u32) -> String {
    let mut text = "minute,track,metric,unit,samples\n".to_owned();
    for minute in 0..minutes {
        for (track, percent) in [("stable", 100), ("canary", 100 + slower)] {
            let samples =
                (0..300).map(|i| (percent * (100 + i * 37 % 300)).to_string()).collect::<Vec<_>>().join(" ");
            let _ = writeln!(text, "{minute},{track},latency,us,{samples}");
        }
    }
    text
}

/// Buckets of latency, of which the canary has more that are slow.
fn prometheus(minutes: i64, slow: u32) -> String {
    let mut series = Vec::new();
    for (track, fast) in [("stable", 990), ("canary", 990 - slow)] {
        for (le, count) in [("0.1", fast), ("0.5", 1000), ("+Inf", 1000)] {
            let values: Vec<Value> =
                (1..=minutes).map(|minute| json!([minute * 60, count.to_string()])).collect();
            series.push(json!({"metric": {"track": track, "le": le}, "values": values}));
        }
    }
    json!({"status": "success", "data": {"resultType": "matrix", "result": series}}).to_string()
}

fn pairs(name: &str, canary: f64) -> String {
    let control: Vec<f64> = (0..20).map(|i| 1.0 + f64::from(i * 7 % 20) / 100.0).collect();
    let experiment: Vec<f64> = control.iter().map(|value| value * canary).collect();
    json!([{"name": name, "values": {"control": control, "experiment": experiment}}]).to_string()
}

/// Judges it without any server or configuration, under the policy.
fn replay(bench: &Bench, arguments: &[&str]) -> Ran {
    let policy = bench.write("policy.yml", POLICY);
    let all = [&["replay", "--policy", policy.to_str().unwrap()], arguments].concat();
    run(&mut bench.bare(&all))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_is_the_worst_verdicts() {
    let bench = Bench::new().await;
    bench.write("shop/good.jsonl", &lines("good", 20, 0));
    bench.write("shop/bad.jsonl", &lines("bad", 20, 30));
    bench.write("shop/short.jsonl", &lines("short", 2, 0));
    let good = replay(&bench, &["good.jsonl"]).is(0);
    assert!(
        good.out.starts_with("RUN   VERDICT  AFTER  REASON\ngood  pass     5 min  every rule holds: "),
        "{}",
        good.out
    );
    let short = replay(&bench, &["good.jsonl", "short.jsonl"]).is(4);
    assert!(short.out.contains("short  inconclusive  2 min  "), "{}", short.out);
    let bad = replay(&bench, &["bad.jsonl", "short.jsonl"]).is(3);
    assert!(bad.out.contains("\nbad    regression    2 min  latency p95: "), "{}", bad.out);
    let json = replay(&bench, &["good.jsonl", "bad.jsonl", "-o", "json"]).is(3).json();
    let words: Vec<_> = json.as_array().unwrap().iter().map(|run| (&run["run"], &run["verdict"])).collect();
    assert_eq!(words, [(&json!("good"), &json!("pass")), (&json!("bad"), &json!("regression"))]);
    assert_eq!(json[0]["metrics"][0]["metric"], "latency");
    let yaml = run(bench.bare(&["replay", "good.jsonl"]).env("DEPCTL_OUTPUT", "yaml")).out;
    assert!(yaml.starts_with("- begins: 0\n  run: good\n"), "{yaml}");
    assert!(bench.server.received_requests().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_form_is_known_by_its_name_or_its_beginning() {
    let bench = Bench::new().await;
    for (file, format, good, bad) in [
        ("a.jsonl", "jsonl", lines("a", 20, 0), lines("a", 20, 30)),
        ("a.csv", "csv", csv(20, 0), csv(20, 30)),
        ("a.json", "prometheus", prometheus(20, 0), prometheus(20, 100)),
    ] {
        for (text, code) in [(good, 0), (bad, 3)] {
            for name in [file, "a"] {
                bench.write(&format!("shop/{name}"), &text);
                let ran = replay(&bench, &["--metric", "latency", name]).is(code);
                assert!(ran.out.contains("\na "), "{}", ran.out);
                replay(&bench, &["--metric", "latency", "--format", format, name]).is(code);
            }
        }
    }
    bench.write("shop/a.json", &prometheus(20, 0));
    let ran = replay(&bench, &["a.json"]).is(2);
    assert!(ran.err.contains("which metric it is") && ran.err.contains("file: a.json"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn kayentas_pairs_are_judged_by_a_policy_or_their_own_config() {
    let bench = Bench::new().await;
    let config = json!({
        "name": "cart",
        "metrics": [{"name": "Slow requests", "groups": ["latency"],
                     "analysisConfigurations": {"canary": {"direction": "increase"}}}],
        "classifier": {"groupWeights": {"latency": 100}, "scoreThresholds": {"pass": 95, "marginal": 75}}
    });
    bench.write("shop/config.json", &config.to_string());
    for (canary, code, word) in [(1.0, 0, "pass"), (1.5, 3, "regression")] {
        bench.write("shop/pairs.json", &pairs("Slow requests", canary));
        let ran = run(&mut bench.bare(&["replay", "--kayenta", "config.json", "pairs.json"])).is(code);
        assert!(ran.out.contains(&format!("pairs  {word}")), "{}", ran.out);
        let json = run(&mut bench.bare(&["replay", "--kayenta", "config.json", "pairs.json", "-o", "json"]))
            .is(code)
            .json();
        assert_eq!((&json[0]["run"], &json[0]["verdict"]), (&json!("pairs"), &json!(word)));
    }
    let ran = run(&mut bench.bare(&["replay", "pairs.json"])).is(2);
    assert!(ran.err.contains("name: Slow requests, file: pairs.json"), "{}", ran.err);

    let policy = "soak_minutes: 5\nrules:\n- {rule: percentile, metric: cpu, percentile: 50, margin: {relative: 0.2}, min_samples: 5}\n";
    bench.write("shop/cpu.yml", policy);
    for (canary, code) in [(1.0, 0), (1.5, 3)] {
        bench.write("shop/pairs.json", &pairs("cpu", canary));
        run(&mut bench.bare(&["replay", "--policy", "cpu.yml", "pairs.json"])).is(code);
    }
    run(&mut bench.bare(&["replay", "--policy", "cpu.yml", "--kayenta", "config.json", "pairs.json"])).is(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn stdin_presets_and_history() {
    let bench = Bench::new().await;
    let piped = |arguments: &[&str], text: &str| {
        let mut command = bench.bare(&[&["replay", "-"], arguments].concat());
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        ran(child.wait_with_output().unwrap())
    };
    let csv = piped(&[], &csv(2, 0)).is(4);
    assert!(csv.out.contains("\nstdin  inconclusive"), "{}", csv.out);
    piped(&["--preset", "method"], &lines("a", 30, 30)).is(3);
    let wrong = piped(&["--preset", "lax"], "").is(2);
    assert!(
        wrong.err.contains("no preset \"lax\"; available: default, strict, low-traffic, method"),
        "{}",
        wrong.err
    );
    assert!(piped(&[], "").is(2).err.contains("there is nothing to judge"));

    // The same errors are new or known, by what stable did before.
    let class = |track: &str, minute: i64, count: u32| {
        format!("{minute},{track},errors,,{count},timeout\n{minute},{track},requests,1000,{count},\n")
    };
    let head = "minute,track,metric,requests,errors,class\n";
    let series: String =
        (0..20).map(|minute| class("canary", minute, 20) + &class("stable", minute, 0)).collect();
    let past: String = (0..60).map(|minute| class("stable", minute, 20)).collect();
    bench.write("shop/series.csv", &format!("{head}{series}"));
    bench.write("shop/past.csv", &format!("{head}{past}"));
    bench.write("shop/errors.yml", "soak_minutes: 5\nrules: [{rule: errors}]\n");
    let judge = |more: &[&str]| {
        run(&mut bench.bare(&[&["replay", "--policy", "errors.yml", "series.csv"], more].concat()))
    };
    judge(&[]).is(3);
    judge(&["--history", "past.csv"]).is(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_by_file_and_line() {
    let bench = Bench::new().await;
    bench.write("shop/a.jsonl", "{\"run\": 1, \"minute\": 0.5}\n");
    bench.write("shop/a.csv", "minute,track,metric,value\n1,middle,cpu,1\n");
    bench.write("shop/a.json", "[1]");
    bench.write("shop/bad.yml", "rules: []\n");
    let judge = |name: &str, metric: &str| {
        json!({"name": "c", "judge": {"name": name}, "classifier": {"groupWeights": {"g": 100}},
            "metrics": [{"name": metric, "groups": ["g"], "analysisConfigurations": {}}]})
    };
    bench.write("shop/judge.json", &judge("StaticBaselineJudge-v1.0", "cpu").to_string());
    bench.write("shop/bare.json", &judge("NetflixACAJudge-v1.0", "cpu").to_string());
    bench.write("shop/pairs.json", &pairs("cpu", 1.0));
    bench.write("shop/canary.csv", "minute,track,metric,value\n1,canary,cpu,1\n");
    for (arguments, said) in [
        (&["a.jsonl"][..], "field: minute, column: 24, line: 1, file: a.jsonl"),
        (&["a.csv"], "line: 2, file: a.csv"),
        (&["a.json"], "a.json: no metric-set pairs"),
        (&["none.csv"], "file: none.csv"),
        (&["--policy", "bad.yml", "a.csv"], "no rules"),
        (&["--policy", "none.yml", "a.csv"], "file: none.yml"),
        (&["--history", "canary.csv", "canary.csv"], "the past is stable's"),
        (&["--kayenta", "a.json", "a.json"], "neither a Kayenta config"),
        (&["--kayenta", "judge.json", "pairs.json"], "NetflixACAJudge-v1.0, dredd-v1.0"),
        (&["--kayenta", "judge.json", "pairs.json"], "file: judge.json"),
        (&["--kayenta", "bare.json", "pairs.json"], "file: bare.json"),
        (&["--metric", "a b", "--format", "prometheus", "a.json"], "metric"),
        (&[], "required"),
    ] {
        let ran = run(&mut bench.bare(&[&["replay"], arguments].concat())).is(2);
        assert!(ran.err.contains(said), "{arguments:?}: {}", ran.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_of_the_run_is_a_page() {
    let bench = Bench::new().await;
    let policy = bench.write("shop/policy.yml", POLICY);
    let slow = bench.write("shop/slow.jsonl", &lines("cart-17", 12, 50));
    let page = bench.directory().join("report.html");
    let (policy, slow, to) = (policy.to_str().unwrap(), slow.to_str().unwrap(), page.to_str().unwrap());
    let with = run(&mut bench.bare(&["replay", "--policy", policy, "--report", to, slow])).is(3);
    let without = run(&mut bench.bare(&["replay", "--policy", policy, slow])).is(3);
    assert_eq!(with.out, without.out, "it judges the same");
    let html = fs::read_to_string(&page).unwrap();
    for part in ["<title>cart-17: regression</title>", "<svg", "latency: p95", "regressed", "</html>"] {
        assert!(html.contains(part), "{part} in {html}");
    }
    assert!(!html.contains("<script"));

    // Stable's past counts, as without a report.
    let past =
        lines("before", 30, 0).lines().filter(|line| line.contains("stable")).collect::<Vec<_>>().join("\n");
    let past = bench.write("shop/past.jsonl", &past);
    let arguments = ["replay", "--report", to, "--history", past.to_str().unwrap(), slow];
    let with = run(&mut bench.bare(&arguments));
    let without = run(&mut bench.bare(&["replay", "--history", past.to_str().unwrap(), slow]));
    assert_eq!((with.code, with.out), (without.code, without.out));

    // It is of one run: which, nobody said.
    let two = bench.write("shop/two.jsonl", &(lines("a", 3, 0) + &lines("b", 3, 0)));
    let other = bench.directory().join("none.html");
    let two = two.to_str().unwrap();
    let ran = run(&mut bench.bare(&["replay", "--report", other.to_str().unwrap(), two])).is(2);
    assert!(ran.err.contains("--report is of one run") && ran.err.contains("a, b"), "{}", ran.err);
    assert!(!other.exists());
    let ran = run(&mut bench.bare(&["replay", "--report", "/nowhere/report.html", slow])).is(2);
    assert!(ran.err.contains("/nowhere/report.html"), "{}", ran.err);
}

/// The most memory that depctl had, in MiB, and how it ended.
async fn peak(bench: &Bench, file: &str, arguments: &[&str]) -> (usize, i32) {
    let mut command = bench.bare(&[&["replay"], arguments].concat());
    let output = fs::File::create(bench.directory().join(file)).unwrap();
    let mut child = command.stdout(output).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        let read = fs::read_to_string(&status).unwrap_or_default();
        let line = read.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        if let Some(kilobytes) = line.and_then(|line| line.trim().strip_suffix(" kB")) {
            peak = peak.max(kilobytes.parse::<usize>().unwrap() / 1024);
        }
        if let Some(ended) = child.try_wait().unwrap() {
            return (peak, ended.code().unwrap());
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn however_many_runs_there_are_the_memory_is_that_of_one() {
    let bench = Bench::new().await;
    let series = |runs: u32| {
        let mut text = String::new();
        for run in 0..runs {
            for track in ["stable", "canary"] {
                let _ = writeln!(
                    text,
                    r#"{{"run": {run}, "minute": 0, "track": "{track}", "metric": "latency", "samples": [0.1]}}"#
                );
            }
        }
        text
    };
    bench.write("shop/few.jsonl", &series(20));
    bench.write("shop/many.jsonl", &series(1_500));
    for format in ["json", "yaml", "table"] {
        let (few, code) = peak(&bench, "few.out", &["few.jsonl", "-o", format]).await;
        let (many, _) = peak(&bench, "many.out", &["many.jsonl", "-o", format]).await;
        assert_eq!(code, 4);
        assert!(many < few + 20, "{format}: {many} MiB, and {few} MiB of few");
    }
    let all = run(&mut bench.bare(&["replay", "few.jsonl", "-o", "json"])).is(4).json();
    assert_eq!(all.as_array().unwrap().len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_whole_has_a_limit_that_is_named() {
    let bench = Bench::new().await;
    bench.write("shop/a.jsonl", &lines("a", 20, 0));
    bench.write("shop/a.csv", &csv(20, 0));
    bench.write("shop/a.json", &prometheus(20, 0));
    replay(&bench, &["a.jsonl", "--max-bytes", "1000"]).is(0);
    for arguments in [
        &["a.csv"][..],
        &["a.json", "--metric", "latency"],
        &["a.jsonl", "--report", "page.html"],
        &["a.jsonl", "--history", "a.jsonl"],
    ] {
        let ran = replay(&bench, &[arguments, &["--max-bytes", "1000"]].concat()).is(2);
        let said = "longer than 1000 bytes, which --max-bytes allows";
        assert!(ran.err.contains(said) && ran.err.contains("file: a."), "{arguments:?}: {}", ran.err);
    }
}

/// Requests of which the canary fails some by a label `status`.
fn requests(failed: u32) -> String {
    let mut series = Vec::new();
    for (track, status, count) in
        [("stable", "200", 3000), ("stable", "500", 3), ("canary", "200", 1000), ("canary", "500", failed)]
    {
        let values: Vec<Value> = (1..=30).map(|minute| json!([minute * 60, count.to_string()])).collect();
        series.push(
            json!({"metric": {"metric": "requests", "track": track, "status": status}, "values": values}),
        );
    }
    json!({"status": "success", "data": {"resultType": "matrix", "result": series}}).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_unknown_status_do_not_pass() {
    let bench = Bench::new().await;
    bench.write("shop/bad.json", &requests(300));
    bench.write("shop/good.json", &requests(0));
    bench.write("shop/requests.yml", "soak_minutes: 5\nrules: [{rule: failures}]\n");
    let replay = |arguments: &[&str]| {
        run(&mut bench.bare(&[&["replay", "--policy", "requests.yml"], arguments].concat()))
    };
    let ran = replay(&["bad.json"]).is(2);
    assert!(
        ran.err.contains("no label says which requests failed: expected code, found the labels"),
        "{}",
        ran.err
    );
    replay(&["--status-label", "status", "bad.json"]).is(3);
    replay(&["--status-label", "status", "good.json"]).is(0);
    replay(&["--status-label", "code", "--status-label", "status", "bad.json"]).is(3);
    let ran = replay(&["--profile", "nginx-ingress", "--track-label", "track", "bad.json"]).is(3);
    assert!(ran.out.contains("regression"), "{}", ran.out);
    let ran = replay(&["--profile", "nginx", "bad.json"]).is(2);
    assert!(ran.err.contains("nginx-ingress"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_out_is_told() {
    let bench = Bench::new().await;
    let good = prometheus(20, 0);
    bench.write("shop/a.json", &good.replacen(r#"[60,"990"]"#, r#"[60,"NaN"]"#, 1));
    let ran = replay(&bench, &["--metric", "latency", "a.json"]).is(0);
    assert!(ran.err.contains("a.json: 1 of 40 points of latency are left out: NaN"), "{}", ran.err);
    assert!(ran.out.contains("of `latency` left out: NaN"), "{}", ran.out);
    // With every second minute left out, the rest is too little for a verdict.
    let mut mostly: Value = serde_json::from_str(&good).unwrap();
    for series in mostly["data"]["result"].as_array_mut().unwrap() {
        series["values"]
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .skip(1)
            .step_by(2)
            .for_each(|point| point[1] = json!("NaN"));
    }
    bench.write("shop/a.json", &mostly.to_string());
    let ran = replay(&bench, &["--metric", "latency", "a.json"]).is(4);
    assert!(ran.out.contains("left out: NaN"), "{}", ran.out);
    let info = good.replacen('{', r#"{"warnings": ["PromQL info: metric might not be a counter"], "#, 1);
    bench.write("shop/a.json", &info);
    let ran = replay(&bench, &["--metric", "latency", "a.json"]).is(0);
    assert!(ran.err.contains("a.json: PromQL info: metric might not be a counter"), "{}", ran.err);
    bench.write("shop/a.json", &good.replacen('{', r#"{"isPartial": true, "#, 1));
    let ran = replay(&bench, &["--metric", "latency", "a.json"]).is(2);
    assert!(ran.err.contains("the server says that its answer is incomplete"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_makes_milliseconds_seconds() {
    let bench = Bench::new().await;
    let seconds = prometheus(20, 100);
    let milliseconds = seconds.replace(r#""0.1""#, r#""100""#).replace(r#""0.5""#, r#""500""#);
    bench.write("shop/a.json", &seconds);
    bench.write("shop/b.json", &milliseconds);
    let expected = replay(&bench, &["--metric", "latency", "-o", "json", "a.json"]).is(3).json();
    for unit in
        [["--unit", "latency=milliseconds"].as_slice(), &["--profile", "istio", "--track-label", "track"]]
    {
        let arguments = [&["--metric", "latency", "-o", "json", "b.json"], unit].concat();
        let mut found = replay(&bench, &arguments).is(3).json();
        found[0]["run"] = json!("a");
        assert_eq!(found, expected);
    }
    let ran = replay(&bench, &["--unit", "latency=millis", "b.json"]).is(2);
    assert!(ran.err.contains("`milliseconds`"), "{}", ran.err);
}
