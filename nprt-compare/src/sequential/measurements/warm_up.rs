use nprt_core::model::Track;
use serde::{Deserialize, Serialize};

/// Blocks that are held back at the start.
const HELD: usize = 5;
/// So steady must a trend be known, in mean score a minute, to be called flat: a third of what a canary shows
/// that starts 1.6 times as slow and needs three minutes to a third of that.
const PRECISE: f64 = 0.016;
/// A trend below this many standard errors is one: 16 % of flat ones are, which then wait a minute or two. To
/// count a warm-up is the worse mistake.
const FALLING: f64 = -1.0;
/// Where it fell once, it must not fall at all: what fades is slow to do so.
const ONCE_FALLING: f64 = 0.0;
/// The same of five values whose scatter is their own: Student's distribution with three degrees of freedom.
const FALLING_VALUES: f64 = -2.353;
/// Pods that show within so many minutes of the first are of the same start.
const SAME_START: i64 = 2;

/// How far a canary lay above stable in one minute.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Level {
    pub(super) difference: f64,
    /// Of the difference; `None` where only its scatter says it.
    pub(super) variance: Option<f64>,
}

/// What is held back, and until when. The canary's own trend decides, not its level: a canary that is slow and
/// stays so is not warming up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct WarmUp<S> {
    held: Vec<S>,
    levels: Vec<Level>,
    /// Steps that will never count.
    pub(super) excluded: u64,
    over: bool,
}

impl<S> WarmUp<S> {
    pub(super) fn new(minutes: u32) -> Self {
        Self { held: Vec::new(), levels: Vec::new(), excluded: 0, over: minutes == 0 }
    }

    /// Steps that may still count.
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    /// Takes a step and gives those that count now, in their order.
    pub(super) fn step(&mut self, step: S, level: Level, minutes: u32) -> Vec<S> {
        if self.over {
            return vec![step];
        }
        // Few, and there are some copies of them in each judge of thousands.
        self.held.reserve_exact(1);
        self.held.push(step);
        self.levels.reserve_exact(1);
        self.levels.push(level);
        let steps = self.levels.len();
        let most = usize::try_from(minutes).unwrap_or(usize::MAX);
        if steps < HELD.min(most) {
            return Vec::new();
        }
        let doubt = if steps > HELD { ONCE_FALLING } else { FALLING };
        let flat = is_flat(&self.levels[steps.saturating_sub(HELD)..], doubt);
        self.over = flat || steps >= most;
        if self.over {
            self.levels = Vec::new();
        }
        if flat {
            return std::mem::take(&mut self.held);
        }
        // Until now it was warming up: the oldest of the held steps will never count.
        let lost = if self.over { self.held.len() } else { 1 };
        self.held.drain(..lost);
        self.excluded += lost as u64;
        Vec::new()
    }
}

/// Whether the levels do not fall, as far as one can tell, and one can tell.
fn is_flat(levels: &[Level], falling: f64) -> bool {
    let n = levels.len() as f64;
    let centre = (n - 1.0) / 2.0;
    let at = |minute: usize| minute as f64 - centre;
    let squares: f64 = (0..levels.len()).map(|minute| at(minute).powi(2)).sum();
    if squares <= 0.0 {
        return false;
    }
    let slope = levels.iter().enumerate().map(|(t, level)| at(t) * level.difference).sum::<f64>() / squares;
    if let Some(variances) = levels.iter().map(|level| level.variance).collect::<Option<Vec<_>>>() {
        let error =
            variances.iter().enumerate().map(|(t, v)| at(t).powi(2) * v).sum::<f64>().sqrt() / squares;
        return error <= PRECISE && slope >= falling * error;
    }
    let mean = levels.iter().map(|level| level.difference).sum::<f64>() / n;
    let rest: f64 =
        levels.iter().enumerate().map(|(t, l)| (l.difference - mean - slope * at(t)).powi(2)).sum();
    let error = (rest / (n - 2.0).max(1.0) / squares).sqrt();
    slope >= FALLING_VALUES * error
}

/// When each pod was seen first: one that starts later warms up by itself, on either track.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Starts {
    stable: Pods,
    canary: Pods,
}

/// The first minute of each pod, by name.
type Pods = Vec<(String, i64)>;

impl Starts {
    /// Notes a pod's minute, and says whether it is still warming up.
    pub(super) fn is_new(&mut self, track: Track, pod: Option<&str>, minute: i64, warm_up: u32) -> bool {
        let pods = if track == Track::Stable { &mut self.stable } else { &mut self.canary };
        let Some(pod) = pod else { return false };
        let own = match pods.binary_search_by(|(name, _)| name.as_str().cmp(pod)) {
            Ok(at) => pods[at].1,
            Err(at) => {
                pods.insert(at, (pod.to_owned(), minute));
                minute
            }
        };
        let first = pods.iter().map(|(_, first)| *first).min().unwrap_or(minute);
        own - first >= SAME_START && minute - own < i64::from(warm_up)
    }
}
