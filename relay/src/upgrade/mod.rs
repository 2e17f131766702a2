//! HTTP/1.1 upgrade to a WebSocket (RFC 6455 §4.2, `spec/wire.md §1`), and nothing else of HTTP.
//!
//! Any path will do. The head of the request is at most [`MAX_HEAD`] bytes; what comes behind it belongs
//! to the WebSocket and is not lost.

mod head;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

pub(crate) use head::{Fields, Rejection};

/// Most bytes of a request, with the empty line at its end.
pub(crate) const MAX_HEAD: usize = 8192;

const HEAD_END: &[u8] = b"\r\n\r\n";

/// Why there is no WebSocket.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpgradeError {
    /// The connection ended or broke.
    #[error("the connection ended: {0}")]
    Io(#[from] std::io::Error),
    /// The request is to be answered with an error: [`reject`].
    #[error("refused: {0:?}")]
    Rejected(Rejection),
}

/// Reads a request and accepts it, unless `gate` refuses its fields. Gives what came behind it. Who is not accepted is not
/// answered yet.
pub(crate) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    gate: impl FnOnce(&Fields<'_>) -> Result<(), Rejection>,
) -> Result<Vec<u8>, UpgradeError> {
    let result = match read_head(stream).await? {
        Ok((head, rest)) => head::parse(&head, gate).map(|upgrade| (upgrade, rest)),
        Err(rejection) => Err(rejection),
    };
    match result {
        Ok((upgrade, rest)) => {
            stream.write_all(upgrade.response().as_bytes()).await?;
            stream.flush().await?;
            Ok(rest)
        }
        Err(rejection) => Err(UpgradeError::Rejected(rejection)),
    }
}

/// The answer to a complete head that nobody has anything against, with its status.
pub(crate) fn answer(head: &[u8]) -> (u16, String) {
    match head::parse(head, |_| Ok(())) {
        Ok(upgrade) => (101, upgrade.response()),
        Err(rejection) => (rejection.status(), rejection.response()),
    }
}

/// Answers with an error and sees to it that the answer arrives: closing a connection with unread bytes resets it.
pub(crate) async fn reject<S>(stream: &mut S, rejection: Rejection) -> std::io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream.write_all(rejection.response().as_bytes()).await?;
    stream.shutdown().await?;
    let mut scrap = [0; 256];
    while stream.read(&mut scrap).await? > 0 {}
    Ok(())
}

/// Splits what is read at the end of the head.
async fn read_head<S>(stream: &mut S) -> std::io::Result<Result<(Vec<u8>, Vec<u8>), Rejection>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut head = Vec::with_capacity(1024);
    let mut seen = 0;
    loop {
        let room = MAX_HEAD - head.len();
        if room == 0 {
            return Ok(Err(Rejection::TooLarge));
        }
        if (&mut *stream).take(room as u64).read_buf(&mut head).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        // The end may have begun in what was seen before.
        let from = usize::saturating_sub(seen, HEAD_END.len() - 1);
        if let Some(place) = head[from..].windows(HEAD_END.len()).position(|window| window == HEAD_END) {
            let rest = head.split_off(from + place + HEAD_END.len());
            return Ok(Ok((head, rest)));
        }
        seen = head.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &str = "GET /any?x=1 HTTP/1.1\r\nHost: h\r\nOrigin: https://elsewhere\r\nUpgrade: WebSocket\r\n\
        Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";

    async fn talk(request: &[u8]) -> (String, Result<Vec<u8>, UpgradeError>) {
        let (mut far, mut near) = tokio::io::duplex(64 * 1024);
        far.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        let server = async {
            let result = accept(&mut near, |_| Ok(())).await;
            if let Err(UpgradeError::Rejected(rejection)) = result {
                reject(&mut near, rejection).await.unwrap();
            }
            drop(near);
            result
        };
        let client = async {
            // The end of the writing side is what lets the server stop listening after a rejection.
            far.shutdown().await.unwrap();
            far.read_to_end(&mut answer).await.unwrap();
        };
        let (result, ()) = tokio::join!(server, client);
        (String::from_utf8(answer).unwrap(), result)
    }

    #[tokio::test]
    async fn the_answer_is_the_references_and_deflate_is_not_negotiated() {
        let (answer, result) = talk(REQUEST.as_bytes()).await;
        assert_eq!(
            answer,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
        );
        assert_eq!(result.unwrap(), b"");
    }

    #[tokio::test]
    async fn what_comes_behind_the_request_is_kept() {
        let (_, result) = talk(&[REQUEST.as_bytes(), b"\x81\x00\r\n\r\n"].concat()).await;
        assert_eq!(result.unwrap(), b"\x81\x00\r\n\r\n");
    }

    #[tokio::test]
    async fn the_head_may_come_byte_by_byte() {
        let (mut far, mut near) = tokio::io::duplex(1);
        let client = async {
            far.write_all(REQUEST.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            while !answer.ends_with(HEAD_END) {
                answer.push(far.read_u8().await.unwrap());
            }
            assert!(answer.starts_with(b"HTTP/1.1 101 "));
            far.write_all(b"rest").await.unwrap();
        };
        let server = async {
            let mut rest = accept(&mut near, |_| Ok(())).await.unwrap();
            near.take(4 - rest.len() as u64).read_to_end(&mut rest).await.unwrap();
            assert_eq!(rest, b"rest");
        };
        tokio::time::timeout(std::time::Duration::from_secs(10), async { tokio::join!(client, server) }).await.unwrap();
    }

    #[tokio::test]
    async fn a_head_of_more_than_8_kib_is_refused() {
        let request = format!("GET / HTTP/1.1\r\nCookie: {}", "x".repeat(MAX_HEAD));
        let (answer, result) = talk(request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
        assert!(matches!(result, Err(UpgradeError::Rejected(Rejection::TooLarge))));
    }

    #[tokio::test]
    async fn a_plain_get_is_told_to_upgrade() {
        let (answer, _) = talk(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 426 Upgrade Required\r\n"), "{answer}");
        assert!(answer.ends_with("\r\nContent-Length: 16\r\n\r\nUpgrade Required"), "{answer}");
    }

    #[tokio::test]
    async fn half_a_request_is_no_request() {
        let (answer, result) = talk(&REQUEST.as_bytes()[..50]).await;
        assert_eq!(answer, "");
        assert!(matches!(result, Err(UpgradeError::Io(_))));
    }
}
