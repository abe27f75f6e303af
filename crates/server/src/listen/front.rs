//! What stands between a connection and hyper, which takes targets of at most 65,534 bytes and answers
//! what it refuses with an empty body.
//!
//! The front reads one head at a time and passes it on whole, with the body after it untouched. A
//! target that hyper would not give back byte for byte is replaced by a marker and kept beside
//! ([`Lane`]). Instead of a head that must be refused hyper gets a small request whose marker stands
//! for the [`Fault`], then the end of input: so refusals are worded by the handler, and answers stay in
//! order. After a chunked body with extensions or trailers the front no longer knows where the next
//! head begins: it passes everything on, and the connection closes after that answer.

use std::{
    future::Future,
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    time::{Duration, Instant, Sleep, sleep_until},
};

use super::{
    Limits,
    head::{Chunks, Framing, Head, Step, Verdict, examine},
    http::{Fault, LARGE, Permit, large_patience},
    lane::Lane,
};

/// The least room to read into.
const ROOM: usize = 8 * 1024;
/// How much of what nobody reads is taken after a refusal, so that the client can read the answer
/// before the connection is reset.
const LINGER_BYTES: usize = 16 * 1024 * 1024;
/// How long that may take.
const LINGER_TIME: Duration = Duration::from_secs(2);

/// A connection as hyper shall see it.
pub(super) struct Front<S> {
    inner: S,
    lane: Arc<Lane>,
    limits: Limits,
    /// What was read; its first `ready` bytes may be passed on.
    raw: BytesMut,
    ready: usize,
    place: Place,
    /// Bytes of a partial head that were looked at.
    seen: usize,
    /// For the partial head in `raw`.
    permit: Permit,
    /// Since when it is held.
    held: Option<Instant>,
    /// No head was complete yet.
    fresh: bool,
    waiting: Option<Waiting>,
    timer: Option<Pin<Box<Sleep>>>,
    /// Since when the client takes nothing.
    stall: Option<Pin<Box<Sleep>>>,
    linger: Option<Linger>,
}

/// Where the byte after the ready ones stands.
#[derive(Clone, Copy)]
enum Place {
    Head,
    Body(u64),
    Chunked(Chunks),
    /// Somewhere: everything is passed on.
    Rest,
    /// Nowhere: nothing more is passed on.
    End,
}

/// Since when there is nothing to read at the place of a head.
struct Waiting {
    begun: bool,
    since: Instant,
}

/// The time after our last byte, while the client may still be sending.
struct Linger {
    taken: usize,
    timer: Pin<Box<Sleep>>,
}

impl<S> Front<S> {
    /// Before any byte was read.
    pub(super) fn new(inner: S, lane: Arc<Lane>, limits: Limits) -> Self {
        Self {
            inner,
            lane,
            limits,
            raw: BytesMut::new(),
            ready: 0,
            place: Place::Head,
            seen: 0,
            permit: None,
            held: None,
            fresh: true,
            waiting: None,
            timer: None,
            stall: None,
            linger: None,
        }
    }

    /// Releases as much of `raw` as can be judged; whether hyper can go on.
    fn advance(&mut self) -> bool {
        while self.ready < self.raw.len() && self.step() {}
        self.ready > 0 || matches!(self.place, Place::End)
    }

    /// One step; false if more bytes are needed, or those that are ready must leave first.
    fn step(&mut self) -> bool {
        let rest = &self.raw[self.ready..];
        match self.place {
            Place::Head => return self.ready == 0 && self.head(),
            Place::Body(left) => {
                let there = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                self.ready += there;
                self.place = after_body(left - there as u64);
            }
            Place::Chunked(chunks) => match chunks.step(rest) {
                Step::On(len, next) => {
                    self.ready += len;
                    self.place = Place::Chunked(next);
                }
                Step::End(len) => {
                    self.ready += len;
                    self.place = Place::Head;
                }
                Step::More => return false,
                Step::Odd => {
                    self.lane.end_after_this();
                    self.place = Place::Rest;
                }
            },
            Place::Rest => self.ready = self.raw.len(),
            Place::End => return false,
        }
        true
    }

    /// Judges the head at the start of `raw`; false if it is not whole.
    fn head(&mut self) -> bool {
        // Empty lines before a head mean nothing. Source: RFC 9112 §2.2.
        let blank = self.raw.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        if self.seen == 0 && blank > 0 {
            self.raw.advance(blank);
        }
        if self.raw.is_empty() {
            return false;
        }
        let verdict = examine(&self.raw, self.seen);
        let size = match &verdict {
            Verdict::Partial => self.raw.len(),
            Verdict::Head(head) => head.len,
            Verdict::Refused(_) => 0,
        };
        if size > LARGE && self.permit.is_none() {
            self.permit = self.lane.hold_large();
            if self.permit.is_none() {
                self.refuse(Fault::Busy);
                return true;
            }
            self.held = Some(Instant::now());
        }
        match verdict {
            Verdict::Partial => {
                self.seen = self.raw.len();
                return false;
            }
            Verdict::Head(head) => self.pass(&head),
            Verdict::Refused(fault) => self.refuse(fault),
        }
        true
    }

    fn pass(&mut self, head: &Head) {
        let permit = self.permit.take();
        self.ready = head.len;
        if !head.plain || permit.is_some() {
            let target = self.raw[head.target.clone()].to_vec().into();
            let marker = self.lane.keep(Ok((target, permit)));
            let mut raw = BytesMut::with_capacity(self.raw.len() - head.target.len() + ROOM);
            raw.extend_from_slice(&self.raw[..head.target.start]);
            raw.extend_from_slice(marker.as_bytes());
            raw.extend_from_slice(&self.raw[head.target.end..]);
            self.ready = head.len - head.target.len() + marker.len();
            self.raw = raw;
        }
        self.place = match head.body {
            Framing::Length(len) => after_body(len),
            Framing::Chunked => Place::Chunked(Chunks::Size),
        };
        (self.seen, self.fresh) = (0, false);
        (self.held, self.waiting) = (None, None);
    }

    /// Puts the request that stands for `fault` where the head was.
    fn refuse(&mut self, fault: Fault) {
        let marker = self.lane.keep(Err(fault));
        self.raw = BytesMut::from(format!("GET {marker} HTTP/1.1\r\n\r\n").as_bytes());
        self.ready = self.raw.len();
        (self.permit, self.held, self.waiting) = (None, None, None);
        self.place = Place::End;
    }

    /// The client sends no more.
    fn end(&mut self) {
        if matches!(self.place, Place::Head) && !self.raw.is_empty() {
            self.refuse(Fault::BadRequest);
        } else {
            self.place = Place::End;
        }
    }

    fn emit(&mut self, out: &mut ReadBuf<'_>) {
        let len = self.ready.min(out.remaining());
        out.put_slice(&self.raw[..len]);
        self.raw.advance(len);
        self.ready -= len;
    }

    /// Nothing came: ready if nothing more is waited for.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !matches!(self.place, Place::Head) {
            return Poll::Pending;
        }
        if self.lane.is_closing() {
            self.place = Place::End;
            return Poll::Ready(());
        }
        ready!(self.overdue(context));
        if self.raw.is_empty() {
            self.place = Place::End;
        } else {
            self.refuse(Fault::HeadTimeout);
        }
        Poll::Ready(())
    }

    /// Ready when the head, or its first byte, has been waited for long enough. The timer is only moved
    /// when it would ring too late, so that a busy connection seldom touches it.
    fn overdue(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let until = self.deadline();
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if timer.deadline() > until {
            timer.as_mut().reset(until);
        }
        loop {
            ready!(timer.as_mut().poll(context));
            if timer.deadline() >= until {
                return Poll::Ready(());
            }
            timer.as_mut().reset(until);
        }
    }

    /// When the head, or its first byte, is overdue.
    fn deadline(&mut self) -> Instant {
        let begun = self.fresh || !self.raw.is_empty();
        let since = match &self.waiting {
            Some(waiting) if waiting.begun == begun => waiting.since,
            _ => Instant::now(),
        };
        self.waiting = Some(Waiting { begun, since });
        let until = since
            + match begun {
                true => self.limits.head_timeout,
                false if self.lane.place().is_known() => self.limits.idle_timeout,
                false => self.limits.stranger_timeout,
            };
        let more = self.raw.len().saturating_sub(LARGE);
        self.held.map_or(until, |held| until.min(held + large_patience(more)))
    }
}

fn after_body(left: u64) -> Place {
    if left == 0 { Place::Head } else { Place::Body(left) }
}

impl<S: AsyncRead + Unpin> Front<S> {
    /// Reads more into `raw`.
    fn fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.raw.reserve(ROOM);
        // Safe to drop while pending: it has read nothing then.
        pin!(self.inner.read_buf(&mut self.raw)).poll(context)
    }

    /// Takes what the client still sends. Ready when it stops, or has had its time.
    fn linger(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let linger = self.linger.get_or_insert_with(|| Linger {
            taken: 0,
            timer: Box::pin(sleep_until(Instant::now() + LINGER_TIME)),
        });
        if linger.timer.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        let mut taken = linger.taken;
        while taken < LINGER_BYTES {
            self.raw.clear();
            match ready!(self.fill(context)) {
                Ok(len) if len > 0 => taken += len,
                _ => break,
            }
            self.linger.iter_mut().for_each(|it| it.taken = taken);
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Front<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let it = self.get_mut();
        loop {
            if it.advance() {
                it.emit(out);
                return Poll::Ready(Ok(()));
            }
            if matches!(it.place, Place::Rest) {
                return Pin::new(&mut it.inner).poll_read(context, out);
            }
            match it.fill(context) {
                Poll::Ready(Ok(0)) => it.end(),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => ready!(it.wait(context)),
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Front<S> {
    /// Passes on what the connection said of a write; an error when it has been stuck for too long.
    fn written<T>(
        &mut self,
        context: &mut Context<'_>,
        said: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if said.is_ready() {
            if self.stall.is_some() {
                self.stall = None;
            }
            return said;
        }
        let until = Instant::now() + self.limits.write_timeout;
        let timer = self.stall.get_or_insert_with(|| Box::pin(sleep_until(until)));
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Front<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let it = self.get_mut();
        let said = Pin::new(&mut it.inner).poll_write(context, bytes);
        it.written(context, said)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let it = self.get_mut();
        let said = Pin::new(&mut it.inner).poll_write_vectored(context, parts);
        it.written(context, said)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let it = self.get_mut();
        let said = Pin::new(&mut it.inner).poll_flush(context);
        it.written(context, said)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let it = self.get_mut();
        if it.linger.is_none() {
            let said = Pin::new(&mut it.inner).poll_shutdown(context);
            ready!(it.written(context, said))?;
        }
        if it.lane.is_unread() {
            ready!(it.linger(context));
        }
        Poll::Ready(Ok(()))
    }
}
