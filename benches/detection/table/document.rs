//! The document that the table is published in.

use super::runs::REPORTING;
use super::{Table, lines, plots};
use crate::run::{CANARY_PODS, HISTORY, MINUTES, STABLE_PODS};

pub(crate) fn write(table: &Table) -> String {
    let ours = &table.contestants[0].name;
    let drawn: Vec<_> = plots::all(table).into_iter().map(|(name, _)| name).collect();
    let figure = |name, text: &str| match drawn.contains(&name) {
        true => format!("![{text}]({name})\n\n{text}\n\n"),
        false => String::new(),
    };
    let detection = figure(
        plots::DETECTION,
        "Share of runs in which a regression was found, by minute; all cells of the row together. The \
         dotted line is the minute by which half of them should be.",
    );
    let false_alarms = figure(
        plots::FALSE_ALARMS,
        "Share of runs of a version beside itself that ended in a regression, by minute, on a logarithmic \
         axis: what is below 0.1 % lies on it. The dotted line is the target.",
    );
    format!(
        "{}\n## {ours} beside the targets\n\n{}\n{}{false_alarms}{detection}## Beside the others\n\n{}\n{}\n\
         {}\n## Constants and seeds\n\n{}\n{LIMITS}\n## Every cell\n\n{}",
        introduction(table),
        lines::targets(table),
        READING,
        lines::beside(table),
        BESIDE,
        PEERS,
        constants(ours),
        lines::cells(table)
    )
}

fn introduction(table: &Table) -> String {
    let runs: usize = table.results.cells().map(|(_, cell)| cell.outcomes[0].0.len()).sum();
    let cells = table.results.cells().count();
    format!(
        "# What the judge detects\n\n\
         Written by the program that ran it; no figure is set by hand:\n\n```sh\n{}\n```\n\n\
         {runs} runs of {cells} cells. A run is a service of {STABLE_PODS} pods of stable and \
         {CANARY_PODS} of the canary for {MINUTES} minutes, after {HISTORY} minutes of stable alone (a run \
         of error classes: days); every judge is shown the same run minute by minute and looks every \
         minute. The generators are in `benches/detection`: a service of four routes under synthetic drift \
         (`routes`) or that of recorded series (`nab`), the trace of a language model (`azure`), failing \
         requests, classes of errors, and CPU; where the recorded series come from is in \
         `benches/detection/data/README.md`. How pods and minutes differ for no reason of the version is \
         called `clean`, `noisy` or `heavy`, with the figures in `noise.rs`; `cold` pods of the canary \
         start slow, an `incident` hits both tracks.\n",
        table.command
    )
}

const READING: &str = "\
A share stands with Clopper and Pearson's 95 % bounds. Minutes are those of the runs that were found. \
`worst cell`: each cell of the row must keep the bound, and the one furthest from it is shown. Of a target \
such as \"at least 99 % in 8 min\" the share is that found in all 120 looks, and the *median* minute of \
detection is the 8: so were the figures of the others measured that it is to beat. The share that was \
found by that minute stands beside it. A bound is `broken` only where chance does not explain it: where \
the bounds of the share (or of the share found by the minute, against one half) lie wholly on the wrong \
side.\n\n";

const BESIDE: &str = "\
Each: the share of runs that ended in a regression (of the rows on passes: that passed), with its bounds; \
the median minute and the 95th percentile. `known before` is the best that any other judge had reached \
when the targets were set, by the Python scripts that these generators follow. A worst cell is each \
judge's own. Whoever always cries wolf finds everything soon: read each column from its false alarms.\n";

const PEERS: &str = "\
The others see what their users give them: figures of a minute over all pods and routes.

- `method`: the plain rule, percentile of the canary above that of stable plus a margin, and any class of \
error that stable never had. The library's own policy `method`.
- `flagger`: [Flagger](https://docs.flagger.app/usage/how-it-works) rolls back at `threshold` failed \
checks in all, here 5, one a minute; a check fails where median or p95 of latency or the mean of CPU \
exceed 1.2 times stable's, or errors twice stable's. `flagger-fixed`: 50 ms above stable, 1 % of requests, \
0.8 cores.
- `argo`: an [Argo Rollouts analysis](https://argoproj.github.io/argo-rollouts/features/analysis/) with \
`failureLimit: 3` for each metric and an interval of one minute, by the same condition; `argo-5m`: the \
interval of its examples, five minutes, over all requests of the five.
- `kayenta`: [Kayenta's judge](https://github.com/spinnaker/kayenta/blob/master/docs/canary-config.md), a \
metric is high where the 98 % interval of Mann and Whitney's test lies above a quarter of Hodges and \
Lehmann's estimate; on mean, median and p95 of latency, the rate of errors and the mean of CPU of each \
minute, any of them; asked every minute from the fifth on. `kayenta-30m`: asked every half hour.
";

/// Who changes a constant says here on what it was tried.
fn constants(ours: &str) -> String {
    let tuned = match ours {
        "method" => "The constants of `method` are those that its documentation gives; none was tuned.",
        "default" => {
            "The margins, α and the form of the evidence are those that the requirements give. Tuned on at most \
             300 runs of a cell with seeds below 400 were: the weights of the tests, the third quantile (p99.9), how \
             surely a trend of the warm-up must be known and when it counts as falling, and what the overdispersion \
             of counts is taken for while little is known of it."
        }
        _ => "The constants of the policy may be tuned on seeds below that only.",
    };
    format!(
        "Seeds below {REPORTING} are for tuning: `detection run` takes them unless told otherwise. The \
         table takes seeds from {REPORTING} on only, for each cell its own (the first stands below; \
         `detection run --cell … --first …` runs them again). {tuned} The others' constants are those of \
         their documentation's examples; their conditions (1.2 times stable, twice its errors, 50 ms) were \
         set before anything was run. One choice was made on reporting seeds: Kayenta's judge first had \
         the mean latency alone, and got median and p95 too after 20 runs of each cell had shown that it \
         then finds +10 % in half the time, as the figures known before have it.\n"
    )
}

const LIMITS: &str = "\
## Limits

The noise is a model: pods that differ by a constant, minutes that hang together and single bursts, drawn from
distributions whose figures were chosen, not measured on a service of yours. The recorded series give drift,
traffic and the work of requests, not the differences between pods of one version. Effects begin with the
canary and last; what sets in later, or only under load, is not here. A new class of errors comes in clusters
of three on average: \"0.1 % of requests\" counts the clusters. The trace of `azure` makes runs of 116 minutes.
The judges of others are written anew from their documentation, without their schedulers, webhooks, delays of
metrics and steps of traffic. Minutes without data do not occur.
";
