//! The API server's own time, by the `Date` of its answers: the one clock that all replicas can read.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::header::DATE;
use http::{HeaderMap, Response};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use nprt_core::clock::{TOLERANCE, differs};
use nprt_core::ports::Clock;

/// What the server's last answer said.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServerTime(Arc<Mutex<Memory>>);

#[derive(Debug, Default)]
struct Memory {
    /// The time that it said, and when it came.
    said: Option<(Timestamp, Instant)>,
    /// The elapsed time of the process's clock when it was first asked for, and when that was.
    began: Option<(Duration, Instant)>,
    is_told: bool,
}

impl ServerTime {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the `Date` of every answer that passes.
    pub(crate) fn reader<B>(&self) -> impl Fn(Response<B>) -> Response<B> + Clone + use<B> {
        let time = self.clone();
        move |response| {
            time.read(response.headers());
            response
        }
    }

    fn read(&self, headers: &HeaderMap) {
        let date = headers.get(DATE).and_then(|date| date.to_str().ok());
        if let Some(date) = date.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok()) {
            self.memory().said = Some((date, Instant::now()));
        }
    }

    /// The server's time, where `clock` differs from it by more than the tolerance. A clock that runs faster than real
    /// time, as a demo's does, is not compared.
    pub(crate) fn unlike(&self, clock: &dyn Clock) -> Option<Timestamp> {
        let (own, elapsed) = (clock.now(), clock.elapsed());
        let mut memory = self.memory();
        let (began, since) = *memory.began.get_or_insert_with(|| (elapsed, Instant::now()));
        if elapsed.saturating_sub(began) > since.elapsed().saturating_add(TOLERANCE) {
            return None;
        }
        let (date, at) = memory.said?;
        let server = date.saturating_add(at.elapsed()).unwrap_or(date);
        if !differs(own, server) {
            return None;
        }
        if !memory.is_told {
            memory.is_told = true;
            let seconds = own.duration_since(server).as_secs();
            tracing::warn!(seconds, "this machine's clock differs from the API server's, whose time counts");
        }
        Some(server)
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use nprt_core::clock::SkewedClock;
    use nprt_core::clock::{FastClock, SystemClock};

    use super::*;

    fn answered(date: &'static str) -> ServerTime {
        let time = ServerTime::default();
        let mut response = Response::new(());
        response.headers_mut().insert(DATE, http::HeaderValue::from_static(date));
        time.reader()(response);
        time
    }

    #[test]
    fn the_server_counts_where_the_clocks_differ() {
        let time = answered("Sun, 06 Nov 1994 08:49:37 GMT");
        let server = time.unlike(&SystemClock).unwrap();
        let said: Timestamp = "1994-11-06T08:49:37Z".parse().unwrap();
        assert!(server.duration_since(said) < SignedDuration::from_secs(1), "{server}");
        assert_eq!(answered("yesterday").unlike(&SystemClock), None);
        assert_eq!(ServerTime::default().unlike(&SystemClock), None, "nothing was answered");
    }

    #[test]
    fn clocks_that_agree_are_left_alone() {
        let time = ServerTime::default();
        time.memory().said = Some((SystemClock.now(), Instant::now()));
        assert_eq!(time.unlike(&SystemClock), None);
        let ahead = SkewedClock::new(Arc::new(SystemClock), SignedDuration::from_hours(1));
        assert!(time.unlike(&ahead).is_some());
    }

    #[test]
    fn a_clock_of_a_demo_is_left_alone() {
        let (time, clock) = (ServerTime::default(), FastClock::new(10_000_000));
        time.memory().said = Some((SystemClock.now(), Instant::now()));
        time.unlike(&clock);
        while clock.elapsed() < TOLERANCE * 100 {
            std::thread::yield_now();
        }
        assert_eq!(time.unlike(&clock), None);
    }
}
