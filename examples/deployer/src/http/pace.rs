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
}

impl Pace {
    pub(super) fn new(limits: &Limits) -> Self {
        Self(Arc::new(Mutex::new(State {
            idle: Duration::from_secs(limits.idle_seconds),
            receive: Duration::from_secs(limits.receive_seconds),
            send: Duration::from_secs(limits.send_seconds),
            requests: BTreeMap::new(),
            next: 0,
            since: Instant::now(),
            has_begun: false,
            is_http2: false,
        })))
    }

    /// A request has come, and is under way until what this returns is dropped.
    pub(super) fn request(&self, version: Version) -> UnderWay {
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        state.requests.insert(number, None);
        state.has_begun = false;
        state.is_http2 |= version == Version::HTTP_2;
        drop(state);
        UnderWay { pace: self.clone(), number }
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
        self.pace.lock().requests.insert(self.number, since);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.pace.lock();
        state.requests.remove(&self.number);
        if state.requests.is_empty() {
            (state.has_begun, state.since) = (false, Instant::now());
        }
    }
}

/// A connection that fails when it is too slow.
#[derive(Debug)]
pub(super) struct Paced<S> {
    stream: S,
    pace: Pace,
    alarm: Pin<Box<Sleep>>,
    /// Rings when the client has read nothing for too long; there while it reads nothing.
    stall: Option<Pin<Box<Sleep>>>,
}

impl<S> Paced<S> {
    pub(super) fn new(stream: S, pace: Pace) -> Self {
        let alarm = Box::pin(tokio::time::sleep_until(Instant::now()));
        Self { stream, pace, alarm, stall: None }
    }

    /// What became of writing: it fails where the client has read nothing for too long.
    fn in_time<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stall = None;
            return written;
        }
        let patience = self.pace.send();
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
            if buffer.filled().len() > before {
                self.pace.received();
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
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
