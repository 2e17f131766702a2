//! Writing what we send as text, with the fields in the order of the reference.

use serde::Serialize;

use super::{Service, UNDEFINED};
use crate::draft::Draft;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<T: Serialize> {
    request_id: i64,
    r#type: &'static str,
    service_id: i64,
    args: T,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a, T: Serialize> {
    response_id: i64,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chunk: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorBody<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ErrorBody<'a> {
    Fields { name: &'static str, message: &'a str, code: &'a str },
    Text(&'static str),
}

impl<'a, T: Serialize> Response<'a, T> {
    fn new(response_id: i64, r#type: &'static str) -> Self {
        Self { response_id, r#type, data: None, chunk: None, encoding: None, error: None }
    }
}

fn written<T: Serialize>(message: &T) -> String {
    // Texts and numbers under texts: there is nothing that could not be written.
    serde_json::to_string(message).unwrap_or_default()
}

/// A request. An argument that is left out at the end is sent as `undefined` by whoever passes [`UNDEFINED`].
#[must_use]
pub fn request(id: i64, service: Service, args: &[&str]) -> String {
    written(&Request { request_id: id, r#type: "request", service_id: service.id(), args })
}

/// A piece of a draft.
pub(crate) fn draft_request(id: i64, draft: &Draft) -> String {
    let args = (&draft.topic, draft.answer.to_string(), draft.offset, &draft.text, draft.state.name());
    written(&Request { request_id: id, r#type: "request", service_id: Service::Draft.id(), args })
}

/// Tells the sender of a stream to stop.
#[must_use]
pub fn write_stream_error(id: i64) -> String {
    format!(r#"{{"requestId":{id},"type":"write-stream-error"}}"#)
}

/// An answer: a number, or a text.
#[must_use]
pub fn answer_data(id: i64, data: impl Serialize) -> String {
    written(&Response { data: Some(data), ..Response::new(id, "data") })
}

/// An answer without a value.
#[must_use]
pub fn answer_undefined(id: i64) -> String {
    answer_data(id, UNDEFINED)
}

/// An error as the answer.
#[must_use]
pub fn answer_error(id: i64, name: &'static str, code: &str, message: &str) -> String {
    let error = Some(ErrorBody::Fields { name, message, code });
    written(&Response::<()> { error, ..Response::new(id, "error") })
}

/// A piece of a CLOB; only the first one names the encoding.
#[must_use]
pub fn stream_chunk(id: i64, chunk: &str, first: bool) -> String {
    let encoding = first.then_some("utf8");
    written(&Response::<()> { chunk: Some(chunk), encoding, ..Response::new(id, "stream") })
}

/// The end of a stream.
#[must_use]
pub fn stream_end(id: i64) -> String {
    written(&Response::<()>::new(id, "stream-end"))
}

/// The end of a stream that cannot go on.
#[must_use]
pub fn stream_error(id: i64) -> String {
    let error = Some(ErrorBody::Text("Error while reading the file stream"));
    written(&Response::<()> { error, ..Response::new(id, "stream-error") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_reference_writes_them() {
        assert_eq!(request(0, Service::Version, &[]), r#"{"requestId":0,"type":"request","serviceId":1,"args":[]}"#);
        assert_eq!(
            request(4, Service::Blob, &["ab", UNDEFINED]),
            r#"{"requestId":4,"type":"request","serviceId":8,"args":["ab","$__undefined$"]}"#
        );
        assert_eq!(answer_data(0, 8), r#"{"responseId":0,"type":"data","data":8}"#);
        assert_eq!(
            answer_data(2, "[\"\u{20ac}\"]"),
            "{\"responseId\":2,\"type\":\"data\",\"data\":\"[\\\"\u{20ac}\\\"]\"}"
        );
        assert_eq!(answer_undefined(9), r#"{"responseId":9,"type":"data","data":"$__undefined$"}"#);
        assert_eq!(
            answer_error(0, "TypeError", "UNKNOWN-SERVICE", "Not a function: Servcie ID 1 [number]"),
            r#"{"responseId":0,"type":"error","error":{"name":"TypeError","message":"Not a function: Servcie ID 1 [number]","code":"UNKNOWN-SERVICE"}}"#
        );
        assert_eq!(stream_chunk(5, "x", true), r#"{"responseId":5,"type":"stream","chunk":"x","encoding":"utf8"}"#);
        assert_eq!(stream_chunk(5, "x", false), r#"{"responseId":5,"type":"stream","chunk":"x"}"#);
        assert_eq!(stream_end(5), r#"{"responseId":5,"type":"stream-end"}"#);
        assert_eq!(
            stream_error(5),
            r#"{"responseId":5,"type":"stream-error","error":"Error while reading the file stream"}"#
        );
        assert_eq!(write_stream_error(5), r#"{"requestId":5,"type":"write-stream-error"}"#);
    }
}
