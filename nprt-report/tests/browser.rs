//! The page in a real browser: it says nothing on the console, asks nothing of any network, is dark for who wants it so,
//! and prints.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

use std::fs::{self, File};
use std::io::BufReader;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use nprt_report::{Chart, html, overview_html, svg};
use nprt_testkit::{Chromium, Scheme, need};

mod support;

use support::{EVIL, blocks, overview, report};

fn page(directory: &Path, name: &str, text: &str) -> PathBuf {
    let file = directory.join(name);
    fs::write(&file, text).unwrap();
    file
}

#[tokio::test]
async fn it_says_nothing_and_asks_for_nothing() {
    let Some(browser) = need(Chromium::find()) else { return };
    let directory = tempfile::tempdir().unwrap();
    let report = report(EVIL, &blocks(30, 1.6, &[EVIL]));
    let file = page(directory.path(), "page.html", &html(&report));
    for scheme in [Scheme::Light, Scheme::Dark] {
        let look = browser.look(&file, scheme).await.unwrap();
        assert_eq!((&look.console[..], &look.requests[..]), (&[][..], &[][..]), "{scheme:?}");
        assert_eq!(look.dom.matches("<svg").count(), html(&report).matches("<svg").count());
        assert_eq!(look.dom.matches("<script").count() + look.dom.matches("<img").count(), 0, "{}", look.dom);
        assert!(look.dom.contains("&lt;script&gt;fetch"));
    }
    let all = page(directory.path(), "all.html", &overview_html(&overview(EVIL)));
    let look = browser.look(&all, Scheme::Dark).await.unwrap();
    assert!(look.console.is_empty() && look.requests.is_empty(), "{look:?}");
    assert_eq!(look.dom.matches("<script").count() + look.dom.matches("<img").count(), 0, "{}", look.dom);
    let chart = svg(&report, &report.metrics[0], Chart::OverTime(0)).unwrap();
    let look = browser.look(&page(directory.path(), "chart.svg", &chart), Scheme::Light).await.unwrap();
    assert!(look.console.is_empty() && look.requests.is_empty(), "{look:?}");
    assert!(!look.dom.contains("error on line"), "it is well-formed XML: {}", look.dom);
}

/// The test above can fail: what the page must not do is seen when another does it, and our policy forbids it.
#[tokio::test]
async fn what_it_must_not_do_would_be_seen() {
    let Some(browser) = need(Chromium::find()) else { return };
    let directory = tempfile::tempdir().unwrap();
    let bad = "<!DOCTYPE html><html><body><img src=\"http://127.0.0.1:9/seen\"><script>console.error('said')</script>";
    let look = browser.look(&page(directory.path(), "bad.html", bad), Scheme::Light).await.unwrap();
    assert!(look.requests.iter().any(|url| url == "http://127.0.0.1:9/seen"), "{look:?}");
    assert!(look.console.iter().any(|line| line.contains("said")), "{look:?}");

    // The same inside our page, as if something had not been escaped.
    let ours = html(&report("shop", &blocks(12, 1.6, &[])));
    let broken = ours.replace("<main>", &format!("<main>{}", &bad[bad.find("<img").unwrap()..]));
    let look = browser.look(&page(directory.path(), "broken.html", &broken), Scheme::Light).await.unwrap();
    assert_eq!(look.requests, [""; 0], "the policy of the page forbids it");
    assert!(look.console.iter().any(|line| line.contains("Content Security Policy")), "{look:?}");
    assert!(!look.console.iter().any(|line| line.contains("\"said\"")), "{look:?}");
}

#[tokio::test]
async fn it_is_light_dark_and_prints_on_white() {
    let Some(browser) = need(Chromium::find()) else { return };
    let directory = tempfile::tempdir().unwrap();
    let one = html(&report("shop", &blocks(30, 1.6, &["CartError"])));
    for (name, text, sheets) in
        [("page", one, 2..=4), ("all", overview_html(&overview("main-3f2a91c")), 1..=1)]
    {
        let file = page(directory.path(), &format!("{name}.html"), &text);
        looks_right(&browser, &file, &sheets).await;
    }
}

async fn looks_right(browser: &Chromium, file: &Path, sheets: &RangeInclusive<usize>) {
    let directory = file.parent().unwrap();
    let mut sizes = Vec::new();
    for (scheme, bright) in [(Scheme::Light, 240..=255), (Scheme::Dark, 0..=40)] {
        let picture = directory.join(format!("{scheme:?}.png"));
        browser.screenshot(file, scheme, (1100, 1400), &picture).await.unwrap();
        let (paper, inked) = look_at(&picture);
        assert!(bright.contains(&paper), "{scheme:?}: the paper is {paper}");
        assert!(inked > 0.01, "{scheme:?}: only {inked} of it is not paper");
        let print = directory.join(format!("{scheme:?}.pdf"));
        browser.print(file, scheme, &print).await.unwrap();
        let pdf = fs::read(&print).unwrap();
        assert!(pdf.starts_with(b"%PDF"));
        assert!(sheets.contains(&pages(&pdf)), "{} pages", pages(&pdf));
        sizes.push(pdf.len());
    }
    // Paper is light whatever the screen is: the same page, but for dates and names inside.
    assert!(sizes[0].abs_diff(sizes[1]) < 2000, "{sizes:?}");
}

/// How many pages a PDF has.
fn pages(pdf: &[u8]) -> usize {
    String::from_utf8_lossy(pdf).split("/Type /Page").skip(1).filter(|rest| !rest.starts_with('s')).count()
}

/// How bright the upper left corner is, and how much of the picture differs from it.
fn look_at(picture: &Path) -> (u8, f64) {
    let decoder = png::Decoder::new(BufReader::new(File::open(picture).unwrap()));
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let width = info.color_type.samples();
    let corner = &pixels[..3];
    let all = pixels.chunks_exact(width).count();
    let other = pixels
        .chunks_exact(width)
        .filter(|pixel| pixel[..3].iter().zip(corner).any(|(a, b)| a.abs_diff(*b) > 24));
    (*corner.iter().max().unwrap(), other.count() as f64 / all as f64)
}
