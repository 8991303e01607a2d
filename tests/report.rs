//! The example `report`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]
#![cfg(feature = "report")]

#[path = "../examples/report.rs"]
#[expect(dead_code, reason = "its main")]
mod example;

#[test]
fn it_writes_a_page_of_one_that_regresses_and_of_one_that_passes() {
    let directory = tempfile::tempdir().unwrap();
    let written = example::write(directory.path()).unwrap();
    assert_eq!(written.len(), 2);
    for ((name, reason), verdict) in written.iter().zip(["regression", "pass"]) {
        let page = std::fs::read_to_string(directory.path().join(name)).unwrap();
        assert!(page.contains(&format!("<title>cart: {verdict}</title>")), "{name}: {reason}");
        assert!(page.ends_with("</html>") && page.len() < 300_000, "{name}: {} bytes", page.len());
    }
}
