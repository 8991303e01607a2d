//! Renders a [`Report`] of nprt to one HTML page, or to single SVG charts.
//!
//! [`html`] gives one file that needs nothing else: no script, no font, no image, no request to anywhere; its style
//! is inline, and it says so by a content security policy of its own ([`CONTENT_SECURITY_POLICY`]) that a server
//! can send as well. It is light or dark as the reader's system is, and always light on paper. [`svg`] gives one
//! chart for a README, a ticket or a chat; [`overview_html`] a page of what runs, in the same style.
//!
//! All text from outside (names, tags, error classes, reasons) is escaped, and characters that no XML may hold
//! are shown as U+FFFD.
//!
//! ```
//! use nprt_compare::{Policy, Preset};
//! use nprt_compare::report::Report;
//!
//! let started = "2026-11-23T12:00:00Z".parse()?;
//! let report = Report::builder("shop", &Policy::preset(Preset::Default), started).build();
//! let page = nprt_report::html(&report);
//! assert!(page.starts_with("<!DOCTYPE html>") && !page.contains("<script"));
//! # Ok::<(), jiff::Error>(())
//! ```

mod answers;
mod chart;
mod events;
mod figure;
mod metric;
mod overview;
mod page;
mod shell;
mod table;
mod text;
mod words;

use nprt_compare::report::{MetricReport, Report};

pub use self::chart::Chart;
pub use self::overview::{CanaryOverview, Overview, ServiceOverview};

/// What the page allows itself: styles inside it, and nothing else. It is in the page; send it as the header
/// `Content-Security-Policy` too.
pub const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The report as one self-contained HTML page, encoded in UTF-8.
#[must_use]
pub fn html(report: &Report) -> String {
    page::page(report).into_string()
}

/// What runs of some services as one self-contained HTML page, with links to the reports, encoded in UTF-8.
#[must_use]
pub fn overview_html(overview: &Overview) -> String {
    overview::page(overview).into_string()
}

/// One chart of a metric of the report as a self-contained SVG; `None` where there is nothing of it to draw.
#[must_use]
pub fn svg(report: &Report, metric: &MetricReport, chart: Chart) -> Option<String> {
    chart::standalone(report, metric, chart).map(maud::PreEscaped::into_string)
}

/// The README's snippet compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
