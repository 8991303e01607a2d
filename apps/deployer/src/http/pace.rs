//! How long a connection may keep us waiting: between two requests, for the rest of a request that it began, and for
//! taking an answer. hyper has one limit for the first two, which would end idle connections as soon as slow ones, and none
//! for a connection that has sent nothing yet, or that reads nothing.

use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::http::Version;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::head::Heads;
use super::room::{A_MOMENT, Seat};
use crate::config::Limits;

/// Of one connection.
#[derive(Debug, Clone)]
pub(super) struct Pace(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    idle: Duration,
    receive: Duration,
    send: Duration,
    /// Requests that are not answered yet, each with since when the client has not taken what is there of its answer.
    requests: BTreeMap<u64, Option<Instant>>,
    /// The number of the next one.
    next: u64,
    /// Since when there are none, or since the next one began to come.
    since: Instant,
    has_begun: bool,
    /// Its frames are not only requests: what comes between them begins none.
    is_http2: bool,
    /// Something of an answer may not have been written yet. (Of HTTP/2 nobody says: there it has a moment for that.)
    is_unsent: bool,
    /// Since when the client has taken nothing of what we write.
    stalled: Option<Instant>,
    /// Since when it has no request; a next one that has begun to come changes nothing about that.
    without: Instant,
    seat: Arc<Seat>,
}

impl State {
    /// Tells the room from when on it gives way to another connection: soon without a request that is whole, and in an
    /// answer once the client has not taken it for as long as it may take to send a request. Says whether it has not yet.
    fn tell(&self) -> bool {
        if self.requests.is_empty() && !self.is_unsent {
            return self.seat.gives_way(Some(self.without + A_MOMENT));
        }
        let untaken = self.requests.values().flatten().min().filter(|_| self.is_http2);
        self.seat.gives_way(self.stalled.or(untaken.copied()).map(|since| since + self.receive))
    }
}

impl Pace {
    pub(super) fn new(limits: &Limits, seat: Arc<Seat>) -> Self {
        let now = Instant::now();
        Self(Arc::new(Mutex::new(State {
            idle: Duration::from_secs(limits.idle_seconds),
            receive: Duration::from_secs(limits.receive_seconds),
            send: Duration::from_secs(limits.send_seconds),
            requests: BTreeMap::new(),
            next: 0,
            since: now,
            has_begun: false,
            is_http2: false,
            is_unsent: false,
            stalled: None,
            without: now,
            seat,
        })))
    }

    /// A request has come, and is under way until what this returns is dropped. `None` where the connection has just given way
    /// to another one.
    pub(super) fn request(&self, version: Version) -> Option<UnderWay> {
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        state.requests.insert(number, None);
        state.has_begun = false;
        state.is_http2 |= version == Version::HTTP_2;
        state.is_unsent = !state.is_http2;
        let is_there = state.tell();
        drop(state);
        let under_way = UnderWay { pace: self.clone(), number };
        is_there.then_some(under_way)
    }

    /// All that there is of answers is written.
    fn sent(&self) {
        let mut state = self.lock();
        if state.is_unsent && state.requests.is_empty() {
            (state.is_unsent, state.without) = (false, Instant::now());
            state.tell();
        }
    }

    /// The client takes nothing of what is written, or something again.
    fn stalls(&self, is_stalled: bool) {
        let mut state = self.lock();
        if state.stalled.is_some() != is_stalled {
            state.stalled = is_stalled.then(Instant::now);
            state.tell();
        }
    }

    /// Bytes have come. Those of a request's body are none of a next one.
    fn received(&self) {
        let mut state = self.lock();
        if state.requests.is_empty() && !state.has_begun {
            (state.has_begun, state.since) = (true, Instant::now());
        }
    }

    /// Until when something must come; a request under way has limits of its own.
    fn limit(&self) -> Option<Instant> {
        let state = self.lock();
        if !state.requests.is_empty() {
            // Where HTTP/1 keeps us waiting it is the connection that takes nothing.
            let untaken = state.requests.values().flatten().min().filter(|_| state.is_http2);
            return untaken.map(|since| *since + state.send);
        }
        let is_slow = state.has_begun && !state.is_http2;
        Some(state.since + if is_slow { state.receive } else { state.idle })
    }

    fn send(&self) -> Duration {
        self.lock().send
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is not answered yet.
#[derive(Debug)]
pub(super) struct UnderWay {
    pace: Pace,
    number: u64,
}

impl UnderWay {
    /// Something of its answer is there for the client to take; or else it has taken all, and waits for us.
    pub(super) fn is_there(&self, is_there: bool) {
        let since = is_there.then(Instant::now);
        let mut state = self.pace.lock();
        state.requests.insert(self.number, since);
        if state.is_http2 {
            state.tell();
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.pace.lock();
        state.requests.remove(&self.number);
        if state.requests.is_empty() {
            let now = Instant::now();
            (state.has_begun, state.since, state.without) = (false, now, now);
        }
        state.tell();
    }
}

/// A connection that fails when it is too slow.
#[derive(Debug)]
pub(super) struct Paced<S> {
    stream: S,
    pace: Pace,
    heads: Heads,
    alarm: Pin<Box<Sleep>>,
    /// Rings when the client has read nothing for too long; there while it reads nothing.
    stall: Option<Pin<Box<Sleep>>>,
}

impl<S> Paced<S> {
    pub(super) fn new(stream: S, pace: Pace, heads: Heads) -> Self {
        let alarm = Box::pin(tokio::time::sleep_until(Instant::now()));
        Self { stream, pace, heads, alarm, stall: None }
    }

    /// What became of writing: it fails where the client has read nothing for too long.
    fn in_time<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            if self.stall.take().is_some() {
                self.pace.stalls(false);
            }
            return written;
        }
        let patience = self.pace.send();
        if self.stall.is_none() {
            self.pace.stalls(true);
        }
        let stall = self.stall.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        ready!(stall.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(context, buffer) {
            let came = buffer.filled_mut().get_mut(before..).unwrap_or_default();
            if !came.is_empty() {
                self.pace.received();
                self.heads.look(came);
            }
            return Poll::Ready(read);
        }
        let Some(limit) = self.pace.limit() else { return Poll::Pending };
        if self.alarm.deadline() != limit {
            self.alarm.as_mut().reset(limit);
        }
        ready!(self.alarm.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.in_time(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.in_time(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if flushed.is_ready() {
            self.pace.sent();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
