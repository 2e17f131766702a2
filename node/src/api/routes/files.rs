//! Files, piece by piece: none of them is ever in memory as a whole.

use std::io::{self, Read};
use std::str::FromStr;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use ratatosk_objects::BlobHash;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{Answer, Daemon, Named, Params, Refusal};
use crate::api::types::{ErrorBody, StoredFile, UploadQuery};
use crate::daemon::{Failure, blocking, now, view};
use crate::model::{FileInfo, MAX_ATTACHMENT};

/// How long the next piece of a file may take to come.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pieces that wait between the socket and the disk.
const PIECES: usize = 4;

/// Stores a file, so that a message can bring it. It waits for an hour.
#[utoipa::path(
    post, path = "/v1/files", tag = "talk", params(UploadQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "the file, 1 GiB at most"),
    responses((status = 200, body = StoredFile), (status = "default", description = "why not", body = ErrorBody)),
)]
pub(in super::super) async fn store(
    State(core): Daemon,
    Params(query): Params<UploadQuery>,
    request: Request,
) -> Answer<StoredFile> {
    let told = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if told.is_some_and(|length| length > MAX_ATTACHMENT) {
        return Err(too_large());
    }
    let info = FileInfo {
        name: query.name,
        media_type: query.media_type.unwrap_or_else(|| "application/octet-stream".to_owned()),
        last_modified: now(),
    };
    let (pieces, come) = mpsc::channel(PIECES);
    let node = core.node.clone();
    let stored = tokio::spawn(blocking(move || Ok(node.attach(info, &mut Coming { come, piece: Bytes::new() })?)));
    let mut length = 0;
    let mut body = request.into_body().into_data_stream();
    loop {
        let piece = match timeout(PATIENCE, body.next()).await {
            Ok(None) => break,
            Ok(Some(Ok(piece))) => piece,
            Ok(Some(Err(_))) => return Err(interrupted(&pieces, "the file broke off").await),
            Err(_) => return Err(interrupted(&pieces, "the file did not come in time").await),
        };
        length += piece.len() as u64;
        if length > MAX_ATTACHMENT {
            // What is here so far is no file: the reader must not take this for its end.
            let _ = interrupted(&pieces, "too large").await;
            return Err(too_large());
        }
        // If nobody takes it, storing has failed, and says why.
        if pieces.send(Ok(piece)).await.is_err() {
            break;
        }
    }
    drop(pieces);
    let file = stored.await.map_err(Failure::broken)??;
    let size = file.size();
    Ok(Json(StoredFile { file: core.files.add(file)?, size }))
}

fn too_large() -> Refusal {
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the file is larger than 1 GiB", "pack it in parts")
}

/// Tells the thread that stores that this is no end of a file.
async fn interrupted(pieces: &mpsc::Sender<io::Result<Bytes>>, why: &'static str) -> Refusal {
    // If it has gone already, the better.
    let _ = pieces.send(Err(io::Error::other(why))).await;
    Refusal::new(StatusCode::BAD_REQUEST, "invalid", why, "nothing was stored")
}

/// A file that is coming, for a thread that may wait.
struct Coming {
    come: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Read for Coming {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.come.blocking_recv() {
                None => return Ok(0),
                Some(piece) => self.piece = piece?,
            }
        }
        let length = into.len().min(self.piece.len());
        into[..length].copy_from_slice(&self.piece.split_to(length));
        Ok(length)
    }
}

/// A file of a message, once it is here. What it is, the message says; here it is bytes.
#[utoipa::path(
    get, path = "/v1/files/{file}", tag = "talk",
    params(("file", description = "hash of the content")),
    responses(
        (status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = "default", description = "why not", body = ErrorBody),
    ),
)]
pub(in super::super) async fn fetch(State(core): Daemon, Named(file): Named) -> Result<Response, Refusal> {
    let wrong = |_| Failure::invalid(format!("{:?} is no hash of a file", view::clipped(&file)), "");
    let hash = BlobHash::from_str(&file).map_err(wrong)?;
    let reader = core.on_disk(move |node| node.attachment(&hash)).await?;
    let length = reader.length();
    let pieces = stream::try_unfold(reader, |mut reader| async move {
        let read = tokio::task::spawn_blocking(move || {
            let piece = reader.piece();
            (piece, reader)
        });
        let (piece, reader) = read.await.map_err(io::Error::other)?;
        Ok::<_, io::Error>(piece.map_err(io::Error::other)?.map(|piece| (Bytes::from(piece), reader)))
    });
    let headers = [(CONTENT_TYPE, "application/octet-stream".to_owned()), (CONTENT_LENGTH, length.to_string())];
    Ok((headers, Body::from_stream(pieces)).into_response())
}
