//! Charts of shares over the minutes of a run, as SVG that needs nothing else: own code, since a library for
//! a dozen elements would be the larger part.

use std::fmt::Write;

use crate::run::MINUTES;

const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 270.0;
/// Around the plotting area of a panel: left, right, top, bottom.
const MARGINS: (f64, f64, f64, f64) = (62.0, 18.0, 34.0, 46.0);
const LEGEND_LINE: f64 = 22.0;
/// The lowest share of a logarithmic axis: what is below, zero too, lies on it.
const LEAST: f64 = 0.001;

/// It has a ground of its own, since a page may be light or dark whatever the reader prefers.
const STYLE: &str = "\
text{font:12px system-ui,'DejaVu Sans',sans-serif;fill:#24292f}.title{font-size:13px;font-weight:600}\
.ground{fill:#fff}.axis{stroke:#57606a}.grid{stroke:#d8dee4}.mark{stroke:#57606a;stroke-dasharray:1 4}\
.line{fill:none;stroke-width:1.8}.ours{stroke:#0969da;stroke-width:3.2}.method{stroke:#d1242f}\
.flagger{stroke:#bf7300}.argo{stroke:#1a7f37}.kayenta{stroke:#8250df}.other{stroke:#6e7781}\
.dashed{stroke-dasharray:6 3}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.ground{fill:#0d1117}.axis{stroke:#8b949e}\
.grid{stroke:#30363d}.mark{stroke:#8b949e}.ours{stroke:#58a6ff}.method{stroke:#ff7b72}\
.flagger{stroke:#e3a23a}.argo{stroke:#3fb950}.kayenta{stroke:#bc8cff}}";

#[derive(Debug)]
pub(crate) struct Chart {
    pub(crate) title: &'static str,
    /// What the share is of.
    pub(crate) share: &'static str,
    pub(crate) logarithmic: bool,
    /// The names and classes of the lines, which all panels share.
    pub(crate) legend: Vec<(String, String)>,
    pub(crate) panels: Vec<Panel>,
}

#[derive(Debug)]
pub(crate) struct Panel {
    pub(crate) title: String,
    /// For each line the share by each minute, 0 included.
    pub(crate) lines: Vec<Vec<f64>>,
    /// A target, as a share or as a minute.
    pub(crate) mark: Option<Mark>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Mark {
    Share(f64),
    Minute(usize),
}

impl Chart {
    pub(crate) fn draw(&self) -> String {
        let columns = self.panels.len().clamp(1, 2);
        let rows = self.panels.len().div_ceil(2);
        let per_line = 2 * columns;
        let width = WIDTH * columns as f64;
        let legend = LEGEND_LINE * self.legend.len().div_ceil(per_line) as f64;
        let height = HEIGHT * rows as f64 + legend + 12.0;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" role=\"img\"><title>{}</title><style>{STYLE}</style>\
             <rect class=\"ground\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>\n",
            self.title
        );
        for (index, panel) in self.panels.iter().enumerate() {
            let (x, y) = ((index % columns) as f64 * WIDTH, (index / columns) as f64 * HEIGHT);
            let _ = write!(svg, "<g transform=\"translate({x} {y})\">");
            self.axes(&mut svg, panel);
            for (line, (_, class)) in panel.lines.iter().zip(&self.legend).rev() {
                let path = self.steps(line);
                let _ = write!(svg, "<path class=\"line {class}\" d=\"{path}\"/>");
            }
            svg.push_str("</g>\n");
        }
        self.names(&mut svg, HEIGHT * rows as f64, width, per_line);
        svg.push_str("</svg>\n");
        svg
    }

    /// The legend, below all panels.
    fn names(&self, svg: &mut String, top: f64, width: f64, per_line: usize) {
        for (index, (name, class)) in self.legend.iter().enumerate() {
            let x = MARGINS.0 + (index % per_line) as f64 * (width - MARGINS.0) / per_line as f64;
            let y = top + LEGEND_LINE * (0.5 + (index / per_line) as f64);
            let _ = writeln!(
                svg,
                "<path class=\"line {class}\" d=\"M{x} {y}h30\"/><text x=\"{}\" y=\"{}\">{name}</text>",
                x + 36.0,
                y + 4.0
            );
        }
    }

    fn axes(&self, svg: &mut String, panel: &Panel) {
        let (left, right, top, bottom) = (x(0), x(MINUTES), MARGINS.2, HEIGHT - MARGINS.3);
        let shares: &[f64] =
            if self.logarithmic { &[0.001, 0.01, 0.1, 1.0] } else { &[0.0, 0.25, 0.5, 0.75, 1.0] };
        for &share in shares {
            let y = self.y(share);
            let _ = write!(
                svg,
                "<path class=\"grid\" d=\"M{left} {y:.1}H{right}\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{} %</text>",
                left - 6.0,
                y + 4.0,
                100.0 * share
            );
        }
        for minute in (0..=MINUTES).step_by(30) {
            let _ = write!(
                svg,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{minute}</text>",
                x(minute),
                bottom + 17.0
            );
        }
        match panel.mark {
            Some(Mark::Share(share)) => {
                let _ = write!(svg, "<path class=\"mark\" d=\"M{left} {:.1}H{right}\"/>", self.y(share));
            }
            Some(Mark::Minute(minute)) => {
                let _ = write!(svg, "<path class=\"mark\" d=\"M{:.1} {top}V{bottom}\"/>", x(minute));
            }
            None => {}
        }
        let _ = write!(
            svg,
            "<path class=\"axis\" d=\"M{left} {bottom}H{right}\"/>\
             <text class=\"title\" x=\"{left}\" y=\"{}\">{}</text>\
             <text x=\"{}\" y=\"{}\" text-anchor=\"middle\">minutes since the canary started</text>\
             <text transform=\"translate(14 {}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            top - 14.0,
            panel.title,
            f64::midpoint(left, right),
            bottom + 35.0,
            f64::midpoint(top, bottom),
            self.share
        );
    }

    /// A step up in each minute that adds to the share.
    fn steps(&self, shares: &[f64]) -> String {
        let mut path = format!("M{:.1} {:.1}", x(0), self.y(0.0));
        let mut last = self.y(0.0);
        for (minute, &share) in shares.iter().enumerate() {
            let y = self.y(share);
            if y < last {
                let _ = write!(path, "H{:.1}V{y:.1}", x(minute));
                last = y;
            }
        }
        let _ = write!(path, "H{:.1}", x(MINUTES));
        path
    }

    fn y(&self, share: f64) -> f64 {
        let height = if self.logarithmic { 1.0 - share.max(LEAST).log10() / LEAST.log10() } else { share };
        HEIGHT - MARGINS.3 - height * (HEIGHT - MARGINS.2 - MARGINS.3)
    }
}

fn x(minute: usize) -> f64 {
    MARGINS.0 + minute as f64 / MINUTES as f64 * (WIDTH - MARGINS.0 - MARGINS.1)
}
