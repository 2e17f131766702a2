//! Who may ask: whoever has the token, and no web page.
//!
//! A page in a browser can send requests to loopback. It does not know the token; and a name that leads to 127.0.0.1 (DNS rebinding)
//! or a foreign origin is refused before the token is looked at, so that it cannot be guessed from there either.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, HOST, ORIGIN, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ratatosk_protocol::driver::os_entropy;
use ratatosk_protocol::entropy::array;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::refusal::Refusal;

/// Who may ask.
pub(super) struct Guard {
    token: Zeroizing<String>,
    /// What clients call us.
    hosts: [String; 2],
}

impl Guard {
    /// A guard of the server on this port, with a token of its own.
    pub(super) fn new(port: u16) -> Self {
        let token = Zeroizing::new(hex::encode(*Zeroizing::new(array::<32>(os_entropy().as_mut()))));
        Self { token, hosts: [format!("127.0.0.1:{port}"), format!("localhost:{port}")] }
    }

    /// What is asked for.
    pub(super) fn token(&self) -> &str {
        &self.token
    }

    fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let forbidden = |message, help| Refusal::new(StatusCode::FORBIDDEN, "forbidden", message, help);
        let host = only(headers, &HOST).unwrap_or_default();
        if !self.hosts.iter().any(|known| known.eq_ignore_ascii_case(host)) {
            return Err(forbidden("this is not the host that was asked for", "ask 127.0.0.1, with the port"));
        }
        if headers.contains_key(ORIGIN) {
            let origin = only(headers, &ORIGIN).and_then(|origin| origin.strip_prefix("http://")).unwrap_or_default();
            if !self.hosts.iter().any(|known| known.eq_ignore_ascii_case(origin)) {
                return Err(forbidden("web pages of others may not ask here", "use a program, not a page"));
            }
        }
        let given = only(headers, &AUTHORIZATION).and_then(|given| given.strip_prefix("Bearer ")).unwrap_or_default();
        if bool::from(given.as_bytes().ct_eq(self.token.as_bytes())) {
            return Ok(());
        }
        let help = "send Authorization: Bearer TOKEN, with the token in daemon.json in the folder of the node";
        Err(Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", "the token is missing or wrong", help))
    }
}

/// The value of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let first = all.next()?.to_str().ok()?;
    all.next().is_none().then_some(first)
}

/// Lets a request pass or not.
pub(super) async fn guard(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let mut response = match guard.check(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    let headers = response.headers_mut();
    // Files are of other people, whatever they say they are.
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(headers: &[(HeaderName, &str)]) -> Option<&'static str> {
        let guard = Guard { token: "secret".to_owned().into(), ..Guard::new(7000) };
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect();
        guard.check(&headers).err().map(|refusal| refusal.code())
    }

    #[test]
    fn only_the_token_opens() {
        let host = (HOST, "127.0.0.1:7000");
        assert_eq!(refused(&[host.clone(), (AUTHORIZATION, "Bearer secret")]), None);
        assert_eq!(refused(&[(HOST, "LOCALHOST:7000"), (AUTHORIZATION, "Bearer secret")]), None);
        for wrong in ["Bearer secreT", "Bearer secret ", "Bearer ", "secret", "bearer secret", "Basic secret", ""] {
            assert_eq!(refused(&[host.clone(), (AUTHORIZATION, wrong)]), Some("unauthorized"), "{wrong:?}");
        }
        assert_eq!(refused(&[host]), Some("unauthorized"));
    }

    #[test]
    fn other_hosts_and_origins_are_refused_whatever_they_know() {
        let token = (AUTHORIZATION, "Bearer secret");
        for host in ["evil.test:7000", "127.0.0.1", "127.0.0.1:7001", "127.0.0.1:7000.evil.test", ""] {
            assert_eq!(refused(&[(HOST, host), token.clone()]), Some("forbidden"), "{host:?}");
        }
        assert_eq!(refused(std::slice::from_ref(&token)), Some("forbidden"));
        let host = (HOST, "127.0.0.1:7000");
        for origin in ["https://evil.test", "null", "http://127.0.0.1:7001", "https://127.0.0.1:7000", ""] {
            assert_eq!(refused(&[host.clone(), (ORIGIN, origin), token.clone()]), Some("forbidden"), "{origin:?}");
        }
        assert_eq!(refused(&[host, (ORIGIN, "http://localhost:7000"), token]), None);
    }

    #[test]
    fn a_header_that_is_there_twice_is_not_believed() {
        let mut headers = HeaderMap::new();
        headers.append(HOST, HeaderValue::from_static("127.0.0.1:7000"));
        headers.append(HOST, HeaderValue::from_static("evil.test"));
        assert_eq!(only(&headers, &HOST), None);
    }

    #[test]
    fn tokens_are_long_and_never_the_same() {
        let (one, other) = (Guard::new(1), Guard::new(1));
        assert_eq!(one.token().len(), 64);
        assert_ne!(one.token(), other.token());
    }
}
