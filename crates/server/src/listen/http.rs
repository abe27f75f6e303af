//! A call and its answer as HTTP carries them, and the service that stands between hyper and a
//! [`Handler`]. Nothing here knows JSON: what a refusal looks like is the handler's to say.

use std::{convert::Infallible, future::Future, net::SocketAddr, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri,
    header::{CONNECTION, CONTENT_TYPE},
};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use tokio::time::{Instant, timeout_at};

use super::{Limits, lane::Lane, share::Hold};

/// Bodies and heads longer than this many bytes count against [`Limits::large`].
pub(super) const LARGE: usize = 64 * 1024;

/// Bytes that must come each second while a permit for large requests is held, so that few slow
/// clients cannot hold them all. Our choice.
const LARGE_RATE: u64 = 64 * 1024;
/// What a client may lag behind that rate.
const LARGE_GRACE: Duration = Duration::from_secs(2);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-acs-request-id");

/// One request, read whole.
#[derive(Debug)]
pub struct HttpCall {
    /// Any token: methods that nobody serves come here too.
    pub method: Method,
    /// The request target byte for byte as the client sent it, 1 byte to 256 KiB. Usually `/?query`,
    /// but any form may come. Source: clients.md §0.2.
    pub target: Bytes,
    /// At most 100 headers; values may hold bytes that are not ASCII. `Host` may be absent, or hold a
    /// whole URL. Source: identity.md §1.1.
    pub headers: HeaderMap,
    /// At most [`Limits::body_bytes`], chunks joined.
    pub body: Bytes,
    /// Whether it came over TLS.
    pub tls: bool,
    /// The other end of the connection.
    pub peer: SocketAddr,
}

/// One answer. `Content-Length` and `Date` are added to it.
#[derive(Debug)]
pub struct HttpReply {
    /// 200 to 599; anything else goes out as 500.
    pub status: u16,
    /// Sent as `Content-Type`. Clients compare it exactly. Source: identity.md §1.7.
    pub content_type: &'static str,
    /// Sent as `x-acs-request-id`. Visible ASCII; anything else is left out.
    pub request_id: String,
    /// Sent besides those.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body, sent whole.
    pub body: Bytes,
    /// Whether the handler knows who called. A connection that has carried no such call is not kept
    /// idle for longer than [`Limits::stranger_timeout`], and not at all when connections are short.
    pub known: bool,
}

/// Why a request was refused before it became an [`HttpCall`]. The connection closes after each.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// The head or the framing of the body breaks HTTP/1.1, or the client stopped half-way: 400.
    BadRequest,
    /// The head did not come whole within [`Limits::head_timeout`], or a large one came too slowly: 408.
    HeadTimeout,
    /// The body did not come whole within [`Limits::body_timeout`], or a large one came too slowly: 408.
    BodyTimeout,
    /// The body is, or says it is, longer than [`Limits::body_bytes`]: 413.
    BodyTooLarge,
    /// The request target is longer than 256 KiB: 414.
    TargetTooLong,
    /// The head is longer than 384 KiB or has more than 100 headers: 431.
    HeadTooLarge,
    /// As many large requests are being held as may be ([`Limits::large`]), or the connection must
    /// make room for another: 503.
    Busy,
}

/// What happens to connections.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Traffic {
    /// One was accepted.
    Opened,
    /// One is over.
    Closed,
    /// One was turned away: its source has its share already.
    TurnedAway,
    /// A TLS handshake was done.
    Handshake,
    /// A TLS handshake failed, or took too long.
    NoHandshake,
}

/// What serves the calls.
///
/// A call is not cancelled when its client goes away, only when the grace at shutdown runs out
/// ([`Limits::grace`]) or the connection fails while an earlier answer is being written.
pub trait Handler: Send + Sync + 'static {
    /// Serves one call.
    fn handle(&self, call: HttpCall) -> impl Future<Output = HttpReply> + Send;

    /// Is told of what happens to connections, for counting.
    fn notice(&self, _: Traffic) {}

    /// Words a refusal. `peer` is for counting refusals by their source (architecture.md, "Audit").
    fn refuse(&self, fault: Fault, peer: SocketAddr) -> HttpReply;
}

/// What the calls of one connection share.
pub(super) struct Connection<H> {
    pub(super) handler: Arc<H>,
    pub(super) limits: Limits,
    pub(super) lane: Arc<Lane>,
    pub(super) tls: bool,
    pub(super) peer: SocketAddr,
}

impl<H: Handler> Connection<H> {
    /// Serves one request of hyper's.
    pub(super) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let reply = match self.read(request).await {
            // The permits live until the answer is there: what they count is held until then.
            Ok((call, _permits)) => self.serve(call).await,
            Err(fault) => self.refuse(fault),
        };
        let place = self.lane.place();
        let unwanted = !place.is_known() && place.is_crowded();
        Ok(response(reply, unwanted || self.lane.is_last()))
    }

    async fn serve(&self, call: HttpCall) -> HttpReply {
        if !self.lane.place().begin_call() {
            return self.refuse(Fault::Busy);
        }
        let reply = self.handler.handle(call).await;
        self.lane.place().end_call(reply.known);
        reply
    }

    fn refuse(&self, fault: Fault) -> HttpReply {
        self.lane.refuse_rest();
        self.handler.refuse(fault, self.peer)
    }

    async fn read(&self, request: Request<Incoming>) -> Result<(HttpCall, Permits), Fault> {
        let (head, body) = request.into_parts();
        let (target, head_permit) = self.target(&head.uri)?;
        let (body, body_permit) = self.body(body, head_permit.is_some()).await?;
        let call = HttpCall {
            method: head.method,
            target,
            headers: head.headers,
            body,
            tls: self.tls,
            peer: self.peer,
        };
        Ok((call, (head_permit, body_permit)))
    }

    fn target(&self, uri: &Uri) -> Result<(Bytes, Permit), Fault> {
        let shown = uri.path_and_query().map_or("", |it| it.as_str());
        match self.lane.original(shown) {
            Some(kept) => kept,
            None => Ok((Bytes::copy_from_slice(shown.as_bytes()), None)),
        }
    }

    async fn body(&self, body: Incoming, held: bool) -> Result<(Bytes, Permit), Fault> {
        if body.is_end_stream() {
            return Ok((Bytes::new(), None));
        }
        let least = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if least > self.limits.body_bytes {
            return Err(Fault::BodyTooLarge);
        }
        self.gather(body, least, held).await
    }

    /// Reads a body of at least `least` bytes; `held` if its head holds a permit.
    async fn gather(
        &self,
        mut body: Incoming,
        least: usize,
        held: bool,
    ) -> Result<(Bytes, Permit), Fault> {
        let begun = Instant::now();
        let mut permit = self.permit(least, None)?;
        let mut len = 0;
        // A body that comes in one piece, as most do, is not copied.
        let mut first = Bytes::new();
        let mut whole = BytesMut::new();
        loop {
            let patience = self.patience(len, held || permit.is_some());
            let frame = timeout_at(begun + patience, body.frame()).await;
            let Some(frame) = frame.map_err(|_| Fault::BodyTimeout)? else { break };
            let Ok(data) = frame.map_err(|_| Fault::BadRequest)?.into_data() else { continue };
            len += data.len();
            if len > self.limits.body_bytes {
                return Err(Fault::BodyTooLarge);
            }
            permit = self.permit(len, permit)?;
            if len == data.len() {
                first = data;
                continue;
            }
            if whole.is_empty() {
                whole.reserve(least.max(len));
                whole.extend_from_slice(&std::mem::take(&mut first));
            }
            whole.extend_from_slice(&data);
        }
        Ok((if whole.is_empty() { first } else { whole.freeze() }, permit))
    }

    /// How long after its begin more of a body may come when `len` bytes have come.
    fn patience(&self, len: usize, held: bool) -> Duration {
        let whole = self.limits.body_timeout;
        if held { whole.min(large_patience(len)) } else { whole }
    }

    fn permit(&self, size: usize, permit: Permit) -> Result<Permit, Fault> {
        if size <= LARGE || permit.is_some() {
            return Ok(permit);
        }
        self.lane.hold_large().map(Some).ok_or(Fault::Busy)
    }
}

/// How long a permit may be held before more than `len` bytes have come.
pub(super) fn large_patience(len: usize) -> Duration {
    let millis = (len as u64).saturating_mul(1000) / LARGE_RATE;
    LARGE_GRACE.saturating_add(Duration::from_millis(millis))
}

/// The right to hold one large head or body.
pub(super) type Permit = Option<Hold>;
type Permits = (Permit, Permit);

fn response(reply: HttpReply, close: bool) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() = match reply.status {
        200..=599 => StatusCode::from_u16(reply.status),
        _ => Ok(StatusCode::INTERNAL_SERVER_ERROR),
    }
    .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.reserve(reply.headers.len() + 3);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    if let Ok(id) = HeaderValue::try_from(reply.request_id) {
        headers.insert(REQUEST_ID, id);
    }
    for (name, value) in reply.headers {
        headers.append(name, value);
    }
    if close {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
