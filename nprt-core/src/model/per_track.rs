use std::ops::{Index, IndexMut};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Track;

/// A value for each [`Track`].
///
/// Serde writes it as a list of two, stable's value first.
///
/// ```
/// use nprt_core::model::{PerTrack, Track};
///
/// let mut requests = PerTrack::new(900, 100);
/// requests[Track::Canary] += 20;
/// assert_eq!(requests.map(|count| count / 10), PerTrack { stable: 90, canary: 12 });
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PerTrack<T> {
    /// Stable's.
    pub stable: T,
    /// The canary's.
    pub canary: T,
}

impl<T> PerTrack<T> {
    /// Stable's value and the canary's.
    pub const fn new(stable: T, canary: T) -> Self {
        Self { stable, canary }
    }

    /// Calls `of` for each track, stable first.
    pub fn from_fn(mut of: impl FnMut(Track) -> T) -> Self {
        let stable = of(Track::Stable);
        Self { stable, canary: of(Track::Canary) }
    }

    /// Borrows both values.
    pub const fn as_ref(&self) -> PerTrack<&T> {
        PerTrack { stable: &self.stable, canary: &self.canary }
    }

    /// Calls `f` for each value, stable's first.
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> PerTrack<U> {
        let stable = f(self.stable);
        PerTrack { stable, canary: f(self.canary) }
    }

    /// Pairs the values of the same track.
    pub fn zip<U>(self, other: PerTrack<U>) -> PerTrack<(T, U)> {
        PerTrack { stable: (self.stable, other.stable), canary: (self.canary, other.canary) }
    }

    /// Both values, stable's first.
    pub fn into_array(self) -> [T; 2] {
        [self.stable, self.canary]
    }
}

impl<T> PerTrack<Option<T>> {
    /// Stable's value and the canary's, if there are both.
    pub fn both(self) -> Option<(T, T)> {
        self.stable.zip(self.canary)
    }
}

impl<T> Index<Track> for PerTrack<T> {
    type Output = T;

    fn index(&self, track: Track) -> &T {
        match track {
            Track::Stable => &self.stable,
            Track::Canary => &self.canary,
        }
    }
}

impl<T> IndexMut<Track> for PerTrack<T> {
    fn index_mut(&mut self, track: Track) -> &mut T {
        match track {
            Track::Stable => &mut self.stable,
            Track::Canary => &mut self.canary,
        }
    }
}

impl<T: Serialize> Serialize for PerTrack<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.stable, &self.canary).serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for PerTrack<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <(T, T)>::deserialize(deserializer).map(|(stable, canary)| Self { stable, canary })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_as_a_list_of_two() {
        let values = PerTrack::from_fn(|track| Some(track.as_str().len()).filter(|_| track == Track::Canary));
        let text = serde_json::to_string(&values).unwrap();
        assert_eq!(text, serde_json::to_string(&[None, Some(6)]).unwrap());
        assert_eq!(serde_json::from_str::<PerTrack<Option<usize>>>(&text).unwrap(), values);
        for text in ["[]", "[1]", "[1, 2, 3]", "{\"stable\": 1, \"canary\": 2}"] {
            assert!(serde_json::from_str::<PerTrack<u64>>(text).is_err(), "{text}");
        }
        assert_eq!((values.both(), PerTrack::new(Some(1), Some(2)).both()), (None, Some((1, 2))));
    }
}
