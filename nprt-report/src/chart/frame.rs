//! What all charts have: title, legend, axes and grid.

use maud::{Markup, html};

use super::scale::n;
use crate::text::text;

/// How large a chart is, in the pixels of its own picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    width: f64,
    height: f64,
}

impl Size {
    pub(super) const WIDE: Self = Self { width: 1000.0, height: 280.0 };
    pub(super) const SMALL: Self = Self { width: 324.0, height: 208.0 };
    pub(super) const ALONE: Self = Self { width: 720.0, height: 300.0 };

    const LEFT: f64 = 50.0;
    const RIGHT: f64 = 10.0;
    const TOP: f64 = 52.0;
    const BOTTOM: f64 = 24.0;

    /// Where the plot begins and ends.
    pub(super) fn across(self) -> (f64, f64) {
        (Self::LEFT, self.width - Self::RIGHT)
    }

    /// Where its foot and its head are.
    pub(super) fn upward(self) -> (f64, f64) {
        (self.height - Self::BOTTOM, Self::TOP)
    }

    /// How many marks with texts of that width fit side by side.
    pub(super) fn marks(self, width: f64) -> f64 {
        ((self.width - Self::LEFT - Self::RIGHT) / width).floor().max(2.0)
    }
}

/// A line of the legend, with the class that it is drawn by.
pub(super) type Key = (&'static str, &'static str);

/// A drawn chart without its frame.
#[derive(Debug)]
pub(super) struct Drawn {
    pub(super) title: String,
    /// What it shows, in words.
    pub(super) description: String,
    pub(super) keys: Vec<Key>,
    /// Marks of the horizontal and of the vertical axis: where, and their text.
    pub(super) across: Vec<(f64, String)>,
    pub(super) upward: Vec<(f64, String)>,
    pub(super) plot: Markup,
}

impl Drawn {
    pub(super) fn into_svg(self, size: Size, style: Option<Markup>) -> Markup {
        let (left, right) = size.across();
        let (foot, _) = size.upward();
        let xmlns = style.as_ref().map(|_| "http://www.w3.org/2000/svg");
        html! {
            svg xmlns=[xmlns] viewBox=(format!("0 0 {} {}", size.width, size.height)) class="chart" role="img" {
                title { (text(&self.title)) }
                desc { (text(&self.description)) }
                @if let Some(style) = style {
                    (style)
                    rect class="paper" width=(size.width) height=(size.height) {}
                }
                text class="name" x="0" y="13" { (text(&self.title)) }
                (legend(&self.keys))
                path class="grid" d=(grid(&self.upward, left, right)) {}
                path class="axis" d=(format!("M{} {}H{}", n(left), n(foot), n(right))) {}
                g class="upward" {
                    @for (y, label) in &self.upward {
                        text x=(n(left - 6.0)) y=(n(y + 4.0)) { (label) }
                    }
                }
                g class="across" {
                    @for (x, label) in &self.across {
                        text x=(n(x.clamp(left, right - 8.0))) y=(n(foot + 16.0)) { (label) }
                    }
                }
                path class="axis" d=(marks(&self.across, foot)) {}
                (self.plot)
            }
        }
    }
}

/// In a row below the title.
fn legend(keys: &[Key]) -> Markup {
    let mut x = 0.0;
    let places = keys.iter().map(|(class, label)| {
        let at = x;
        // A text of 12 pixels is about 6.4 pixels a letter wide.
        x += 26.0 + 6.4 * label.chars().count() as f64 + 12.0;
        (class, label, at)
    });
    html! {
        @for (class, label, x) in places {
            path class=(class) d=(format!("M{} 27h18", n(x))) {}
            text class="key" x=(n(x + 23.0)) y="31" { (label) }
        }
    }
}

fn grid(marks: &[(f64, String)], left: f64, right: f64) -> String {
    marks.iter().map(|(y, _)| format!("M{} {}H{}", n(left), n(*y), n(right))).collect()
}

fn marks(marks: &[(f64, String)], foot: f64) -> String {
    marks.iter().map(|(x, _)| format!("M{} {}v4", n(*x), n(foot))).collect()
}
