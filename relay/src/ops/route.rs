//! Requests and answers, without sockets.

use std::net::IpAddr;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, FORWARDED, ORIGIN, X_CONTENT_TYPE_OPTIONS,
};
use hyper::http::HeaderValue;
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};

use super::{Sources, page};
use crate::metrics::MEDIA_TYPE;

const PLAIN: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

/// The page loads nothing and sends nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

/// Answers a request.
pub(super) fn answer(head: &Parts, body: &[u8], peer: IpAddr, sources: &Sources) -> Response<Full<Bytes>> {
    let reads = [Method::GET, Method::HEAD].contains(&head.method);
    match head.uri.path() {
        "/log" if head.method == Method::PUT => set_log(head, body, peer, sources),
        "/log" if !reads => not_allowed("GET, HEAD, PUT"),
        "/" | "/livez" | "/readyz" | "/metrics" if !reads => not_allowed("GET, HEAD"),
        "/" => {
            let mut response = respond(StatusCode::OK, HTML, page::render(sources));
            response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
            response
        }
        "/livez" => alive(sources).unwrap_or_else(|| text(StatusCode::OK, "alive\n")),
        "/readyz" => match alive(sources) {
            Some(dead) => dead,
            None if sources.view.is_draining() => text(StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
            None => text(StatusCode::OK, "ready\n"),
        },
        "/metrics" => respond(StatusCode::OK, MEDIA_TYPE, sources.view.metrics()),
        "/log" => text(StatusCode::OK, sources.log.filter() + "\n"),
        _ => text(StatusCode::NOT_FOUND, "/ /livez /readyz /metrics /log\n"),
    }
}

/// The bad news, if there is some.
fn alive(sources: &Sources) -> Option<Response<Full<Bytes>>> {
    (!sources.view.is_alive()).then(|| text(StatusCode::SERVICE_UNAVAILABLE, "the relay has ended\n"))
}

/// Only who is on this machine may change something: not who comes through a proxy, and no page in a browser, which
/// cannot leave out its origin.
fn may_change(head: &Parts, peer: IpAddr) -> bool {
    let relayed = [ORIGIN, FORWARDED].iter().any(|name| head.headers.contains_key(name));
    peer.to_canonical().is_loopback() && !relayed && !head.headers.contains_key("x-forwarded-for")
}

fn set_log(head: &Parts, body: &[u8], peer: IpAddr, sources: &Sources) -> Response<Full<Bytes>> {
    if !may_change(head, peer) {
        return text(StatusCode::FORBIDDEN, "the log can be changed from this machine only\n");
    }
    let Ok(filter) = std::str::from_utf8(body) else {
        return text(StatusCode::BAD_REQUEST, "a filter is text\n");
    };
    let filter = filter.trim();
    match sources.log.set_filter(filter) {
        Ok(()) => {
            tracing::info!(?filter, "the log filter was changed");
            text(StatusCode::OK, sources.log.filter() + "\n")
        }
        Err(error) => text(StatusCode::BAD_REQUEST, format!("{error}\n")),
    }
}

fn not_allowed(methods: &'static str) -> Response<Full<Bytes>> {
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    response
}

/// A line or two.
pub(super) fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    respond(status, PLAIN, body)
}

fn respond(status: StatusCode, media_type: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn may(peer: &str, field: Option<(&str, &str)>) -> bool {
        let mut request = Request::put("/log");
        if let Some((name, value)) = field {
            request = request.header(name, value);
        }
        may_change(&request.body(()).unwrap().into_parts().0, peer.parse().unwrap())
    }

    #[test]
    fn only_this_machine_may_change_something() {
        for peer in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert!(may(peer, None), "{peer}");
        }
        for peer in ["192.0.2.1", "0.0.0.0", "2001:db8::1", "::ffff:192.0.2.1"] {
            assert!(!may(peer, None), "{peer}");
        }
        for name in ["Origin", "Forwarded", "X-Forwarded-For"] {
            assert!(!may("127.0.0.1", Some((name, "x"))), "{name}");
        }
    }
}
