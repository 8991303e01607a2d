//! How long a connection may keep us waiting: between two requests, and for the rest of a request that it began.
//! hyper has one limit for both, which would end idle connections as soon as slow ones, and none for a connection
//! that has sent nothing yet.

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
    /// Requests that are not answered yet.
    requests: usize,
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
            requests: 0,
            since: Instant::now(),
            has_begun: false,
            is_http2: false,
        })))
    }

    /// A request has come, and is under way until what this returns is dropped.
    pub(super) fn request(&self, version: Version) -> UnderWay {
        let mut state = self.lock();
        state.requests += 1;
        state.has_begun = false;
        state.is_http2 |= version == Version::HTTP_2;
        drop(state);
        UnderWay(self.clone())
    }

    /// Bytes have come. Those of a request's body are none of a next one.
    fn received(&self) {
        let mut state = self.lock();
        if state.requests == 0 && !state.has_begun {
            (state.has_begun, state.since) = (true, Instant::now());
        }
    }

    /// Until when something must come; a request under way has limits of its own.
    fn limit(&self) -> Option<Instant> {
        let state = self.lock();
        match state.requests {
            0 if state.has_begun && !state.is_http2 => Some(state.since + state.receive),
            0 => Some(state.since + state.idle),
            _ => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is not answered yet.
#[derive(Debug)]
pub(super) struct UnderWay(Pace);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.requests -= 1;
        if state.requests == 0 {
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
}

impl<S> Paced<S> {
    pub(super) fn new(stream: S, pace: Pace) -> Self {
        let alarm = Box::pin(tokio::time::sleep_until(Instant::now()));
        Self { stream, pace, alarm }
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
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
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
