//! Lines and areas through points that may be missing.

use std::fmt::Write as _;

/// A path that is written in steps of tenths of a pixel, as short as it can be: pages have thousands of points.
#[derive(Default)]
struct Path {
    text: String,
    /// The last point, in tenths.
    last: Option<(i64, i64)>,
}

impl Path {
    fn begin(&mut self) {
        self.last = None;
    }

    fn to(&mut self, x: f64, y: f64) {
        let point = (tenths(x), tenths(y));
        match self.last {
            None => {
                self.text.push('M');
                self.number(point.0, false);
                self.number(point.1, true);
                // What follows are lines from point to point.
                self.text.push('l');
            }
            Some(last) => {
                self.number(point.0 - last.0, !self.text.ends_with('l'));
                self.number(point.1 - last.1, true);
            }
        }
        self.last = Some(point);
    }

    /// A minus sign parts numbers, too.
    fn number(&mut self, tenths: i64, apart: bool) {
        if apart && tenths >= 0 {
            self.text.push(' ');
        }
        let (sign, size) = (if tenths < 0 { "-" } else { "" }, tenths.unsigned_abs());
        let _ = match (size / 10, size % 10) {
            (whole, 0) => write!(self.text, "{sign}{whole}"),
            (0, part) => write!(self.text, "{sign}.{part}"),
            (whole, part) => write!(self.text, "{sign}{whole}.{part}"),
        };
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a coordinate; it saturates")]
fn tenths(value: f64) -> i64 {
    (10.0 * value).round() as i64
}

/// A line through points; a gap where there is none, a dot where one stands alone.
pub(super) fn line(points: impl Iterator<Item = Option<(f64, f64)>>) -> String {
    let mut path = Path::default();
    for point in points.chain([None]) {
        match point {
            Some((x, y)) => path.to(x, y),
            None => {
                // A round end makes a dot of it.
                if path.text.ends_with('l') {
                    path.text.push_str("0 0");
                }
                path.begin();
            }
        }
    }
    path.text
}

/// The area between two lines: each point with a lower and an upper end.
pub(super) fn area(points: &[Option<(f64, f64, f64)>]) -> String {
    let mut path = Path::default();
    for run in points.split(Option::is_none) {
        let run: Vec<(f64, f64, f64)> = run.iter().copied().flatten().collect();
        if run.is_empty() {
            continue;
        }
        run.iter().for_each(|(x, low, _)| path.to(*x, *low));
        run.iter().rev().for_each(|(x, _, high)| path.to(*x, *high));
        path.text.push('Z');
        path.begin();
    }
    path.text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_stay_gaps() {
        assert_eq!(line([Some((0.04, 1.26)), Some((0.3, 0.96))].into_iter()), "M0 1.3l.3-.3");
        let points = [Some((0.0, 1.0)), Some((1.0, 2.0)), None, Some((3.0, 4.0)), None, None];
        assert_eq!(line(points.into_iter()), "M0 1l1 1M3 4l0 0");
        assert_eq!(line([].into_iter()), "");
        let band = [Some((0.0, 1.0, 2.0)), Some((1.0, 1.0, 3.0)), None, Some((3.0, 1.0, 2.0))];
        assert_eq!(area(&band), "M0 1l1 0 0 2-1-1ZM3 1l0 1Z");
    }
}
