//! What a new version does to latency.

use std::str::FromStr;

use rand::RngExt;

use crate::Failure;
use crate::random::Random;

/// The figures of a worse version; [`Effect::NONE`] is one that is as good.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Effect {
    /// Every request takes so many times as long.
    factor: f64,
    /// Every request takes so many seconds longer.
    shift: f64,
    /// This share of requests takes so many seconds longer.
    tail: (f64, f64),
    /// Requests of this route take so many times as long.
    route: Option<(usize, f64)>,
}

impl Effect {
    pub(crate) const NONE: Self = Self { factor: 1.0, shift: 0.0, tail: (0.0, 0.0), route: None };

    /// What a request takes on the canary that took `seconds` on stable. It always draws once, so that all
    /// effects share their streams.
    pub(crate) fn apply(&self, seconds: f64, route: usize, random: &mut Random) -> f64 {
        let (share, longer) = self.tail;
        let tail = if random.random::<f64>() < share { longer } else { 0.0 };
        let factor = match self.route {
            Some((slow, factor)) if slow == route => factor,
            _ => 1.0,
        };
        seconds * factor * self.factor + self.shift + tail
    }

    /// The same with seconds that are so many times as long, for a service that is slower by so much.
    pub(crate) fn scaled(self, by: f64) -> Self {
        Self { shift: self.shift * by, tail: (self.tail.0, self.tail.1 * by), ..self }
    }
}

/// `none`, `+10%`, `+50ms`, `x2`, `tail5%+300ms`, `route3 x2` (routes count from 1).
impl FromStr for Effect {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let read = || {
            if text == "none" {
                return Some(Self::NONE);
            }
            if let Some(tail) = text.strip_prefix("tail") {
                let (share, longer) = tail.split_once('+')?;
                return Some(Self { tail: (percent(share)?, seconds(longer)?), ..Self::NONE });
            }
            if let Some(route) = text.strip_prefix("route") {
                let (route, factor) = route.split_once(" x")?;
                let route = route.parse::<usize>().ok()?.checked_sub(1)?;
                return Some(Self { route: Some((route, factor.parse().ok()?)), ..Self::NONE });
            }
            if let Some(factor) = text.strip_prefix('x') {
                return Some(Self { factor: factor.parse().ok()?, ..Self::NONE });
            }
            let more = text.strip_prefix('+')?;
            match percent(more) {
                Some(share) => Some(Self { factor: 1.0 + share, ..Self::NONE }),
                None => Some(Self { shift: seconds(more)?, ..Self::NONE }),
            }
        };
        read().ok_or_else(|| {
            format!("effect {text:?}: expected none, +10%, +50ms, x2, tail5%+300ms or \"route3 x2\"").into()
        })
    }
}

/// `5%` as 0.05.
pub(crate) fn percent(text: &str) -> Option<f64> {
    Some(text.strip_suffix('%')?.parse::<f64>().ok()? / 100.0)
}

fn seconds(text: &str) -> Option<f64> {
    match text.strip_suffix("ms") {
        Some(millis) => Some(millis.parse::<f64>().ok()? / 1000.0),
        None => text.strip_suffix('s')?.parse().ok(),
    }
}
