//! The rows of the table: what is run, and what is demanded of it. The targets, and what the best of the
//! others reached when they were set, are those of the comparator's requirements.

use super::bound::Bound;

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) cells: Vec<String>,
    pub(crate) bound: Bound,
    /// The target in words, and the best that was known of any other judge.
    pub(crate) target: &'static str,
    pub(crate) to_beat: &'static str,
    /// How many runs of each cell the full table takes.
    pub(crate) full: u64,
    /// Whether the quick form has it.
    pub(crate) quick: bool,
}

const LATENCY: [&str; 2] = ["600", "6000"];

/// All of them, in the table's order.
pub(crate) fn all() -> Vec<Row> {
    let mut rows = false_alarms();
    rows.extend(latency());
    rows.extend(counts());
    rows.extend(gauges());
    rows.extend(passes());
    rows
}

/// Some rows on few and small cells, for a build without optimisation.
pub(crate) fn quick() -> Vec<Row> {
    let cheap = |cell: &String| {
        ["|60|", "|600|", "classes|1d|", "cpu|1%|"].iter().any(|part| cell.contains(part))
            && !["nab|", "heavy|", "incident", "route3"].iter().any(|part| cell.contains(part))
    };
    let mut rows: Vec<_> = all().into_iter().filter(|row| row.quick).collect();
    rows.iter_mut().for_each(|row| row.cells.retain(cheap));
    rows
}

/// The cells of a version compared with itself, under each noise.
pub(crate) fn same_version() -> Vec<String> {
    let noises = ["clean", "noisy", "heavy"];
    let mut cells = Vec::new();
    for noise in noises {
        cells.extend(["60", "600", "6000"].map(|rate| format!("routes|{noise}|{rate}|none")));
        cells.extend(["60", "600"].map(|rate| format!("nab|{noise}|{rate}|none")));
        cells.push(format!("azure|{noise}|1|none"));
    }
    cells.extend(noises.map(|noise| format!("routes|{noise}|600|none|incident")));
    cells.push("nab|noisy|600|none|incident".to_owned());
    cells
}

fn false_alarms() -> Vec<Row> {
    let half = |rate| ["clean", "noisy"].map(|noise| format!("routes|{noise}|{rate}|+1%"));
    let row = |name, cells, most, target, to_beat| Row {
        name,
        cells,
        bound: Bound::Alarms(most),
        target,
        to_beat,
        full: 300,
        quick: true,
    };
    let pooled = row("Same version, all cells", same_version(), 0.0, "at most 0.5 %", "5.1 %");
    let cold = LATENCY.map(|rate| format!("routes|noisy|{rate}|none|cold")).to_vec();
    vec![
        Row { bound: Bound::Pooled(0.005), ..pooled },
        row("Same version, worst cell", same_version(), 0.015, "at most 1.5 %", "29 %"),
        Row {
            quick: false,
            ..row(
                "Half the margin (+1 %), worst cell",
                LATENCY.map(half).concat(),
                0.01,
                "at most 1 %",
                "2 to 98 %",
            )
        },
        row("Same version, cold start, worst cell", cold, 0.01, "at most 1 %", "31 to 76 %"),
    ]
}

fn found(name: &'static str, cells: Vec<String>, share: f64, minutes: usize) -> Row {
    Row {
        name,
        cells,
        bound: Bound::Found { share, minutes },
        target: "",
        to_beat: "",
        full: 200,
        quick: false,
    }
}

fn latency() -> Vec<Row> {
    let noisy = |effect: &str| LATENCY.map(|rate| format!("routes|noisy|{rate}|{effect}")).to_vec();
    let at_600 = |effect| vec![format!("routes|noisy|600|{effect}")];
    let soon = Row {
        target: "at least 99 % in 8 min, the warm-up of the cold start included (5 min without one)",
        to_beat: "5 to 11 min",
        ..found("+25 %, worst cell", noisy("+25%"), 0.99, 8)
    };
    vec![
        Row { name: "+50 ms, worst cell", cells: noisy("+50ms"), ..soon },
        Row { quick: true, ..soon },
        Row {
            target: "at least 95 % in 15 min",
            to_beat: "16 min at 5 % false alarms",
            ..found("+10 % at 600/min, by route", vec!["routes|clean|600|+10%".to_owned()], 0.95, 15)
        },
        shown("+10 % at 600/min, by route, pods that differ", at_600("+10%")),
        Row {
            target: "at least 95 % in 30 min",
            to_beat: "95 % in 32 min",
            ..found("5 % of requests +300 ms at 600/min", at_600("tail5%+300ms"), 0.95, 30)
        },
        Row {
            target: "at least 95 % in 25 min",
            to_beat: "25 min",
            ..found("1 % of requests +2 s at 600/min", at_600("tail1%+2s"), 0.95, 25)
        },
        shown("One route of four x2 at 600/min", at_600("route3 x2")),
    ]
}

fn counts() -> Vec<Row> {
    let errors = |effect| ["steady", "bursty"].map(|noise| format!("errors|{noise}|600|{effect}")).to_vec();
    let classes = |effect| ["1d", "7d"].map(|days| format!("classes|{days}|6000|{effect}")).to_vec();
    vec![
        Row {
            target: "at least 99 % in 12 min",
            to_beat: "91 % in 52 min",
            quick: true,
            ..found("Errors x10 at 0.05 %, 600/min, worst cell", errors("0.05% x10"), 0.99, 12)
        },
        Row {
            bound: Bound::Alarms(0.015),
            target: "at most 1.5 %",
            to_beat: "-",
            full: 300,
            quick: true,
            ..shown("Errors of the same version, worst cell", errors("0.05% x1"))
        },
        Row {
            target: "at least 99 % in 5 min",
            to_beat: "none",
            ..found("New class of errors, 0.1 % of requests, 6,000/min, worst cell", classes("0.1%"), 0.99, 5)
        },
        Row {
            bound: Bound::Pooled(0.005),
            target: "at most 0.5 %",
            to_beat: "none (98 to 100 %)",
            full: 300,
            quick: true,
            ..shown("Classes of the same version, all cells", classes("none"))
        },
    ]
}

fn gauges() -> Vec<Row> {
    let pods = ["0%", "1%", "4%"];
    let cells = |effect: &str| pods.map(|pods| format!("cpu|{pods}|1|{effect}")).to_vec();
    vec![
        Row {
            bound: Bound::Alarms(0.015),
            target: "at most 1.5 %",
            to_beat: "-",
            full: 300,
            quick: true,
            ..shown("CPU of the same version, worst cell", cells("x1"))
        },
        shown("CPU x1.1, pods differ by 0 %", vec![cells("x1.1")[0].clone()]),
        shown("CPU x1.1, pods differ by 1 %", vec![cells("x1.1")[1].clone()]),
        shown("CPU x1.1, pods differ by 4 %", vec![cells("x1.1")[2].clone()]),
        shown("CPU x1.25, worst cell", cells("x1.25")),
    ]
}

fn passes() -> Vec<Row> {
    let mut cells = ["noisy", "clean", "heavy"].map(|noise| format!("routes|{noise}|600|+10%")).to_vec();
    cells.extend(["steady", "bursty"].map(|noise| format!("errors|{noise}|600|0.5% x2")));
    let wrong = Row {
        bound: Bound::Passes(0.05),
        target: "at most 5 %",
        to_beat: "not offered",
        quick: true,
        ..shown("Passes where the effect is the margin's or more, worst cell", cells)
    };
    let right = ["routes|noisy|600|none", "errors|steady|600|0.05% x1", "cpu|1%|1|x1"];
    let right = shown("Passes of the same version, worst cell", right.map(str::to_owned).to_vec());
    vec![wrong, Row { bound: Bound::PassesShown, ..right }]
}

fn shown(name: &'static str, cells: Vec<String>) -> Row {
    Row { name, cells, bound: Bound::Shown, target: "none", to_beat: "-", full: 200, quick: false }
}
