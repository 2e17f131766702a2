//! Files to the daemon and from it, in pieces, so that their size does not matter.

use std::io;
use std::path::Path;

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use hyper::Method;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::calls::escape;
use super::transport::{PATIENCE, pieces, whole};
use super::{Client, ClientError};
use crate::api::types::StoredFile;

/// Bytes of a piece.
const PIECE: usize = 64 * 1024;
/// How long a daemon may take to store a file once it has begun.
const STORING: std::time::Duration = std::time::Duration::from_secs(3600);

impl Client {
    /// Stores a file, so that a message can have it as an attachment.
    ///
    /// # Errors
    ///
    /// [`ClientError::File`] if it cannot be read, and what the daemon says.
    pub async fn store_file(&self, path: &Path, name: &str, media_type: &str) -> Result<StoredFile, ClientError> {
        let file = File::open(path).await.map_err(ClientError::File)?;
        let length = file.metadata().await.map_err(ClientError::File)?.len();
        // What the file grows meanwhile is not of it.
        let body = stream::try_unfold(file.take(length), |mut file| async move {
            let mut piece = BytesMut::with_capacity(PIECE);
            let read = file.read_buf(&mut piece).await?;
            Ok::<_, io::Error>((read > 0).then(|| (piece.freeze(), file)))
        });
        let path = format!("/v1/files?name={}&type={}", escape(name), escape(media_type));
        let kind = "application/octet-stream";
        let answer = self.transport.begin(Method::POST, &path, kind, Some(length), pieces(body), STORING).await?;
        let bytes = answer.all(PATIENCE).await?;
        serde_json::from_slice(&bytes).map_err(|error| ClientError::Answer(error.to_string()))
    }

    /// Begins to fetch a file; that it is there is known before anything is written.
    ///
    /// # Errors
    ///
    /// What the daemon says.
    pub async fn file(&self, file: &str) -> Result<Download, ClientError> {
        let (path, nothing) = (format!("/v1/files/{}", escape(file)), whole(Bytes::new()));
        let kind = "application/octet-stream";
        let answer = self.transport.begin(Method::GET, &path, kind, None, nothing, PATIENCE).await?;
        Ok(Download(answer))
    }
}

/// A file that is being fetched.
pub struct Download(super::transport::Answer);

impl Download {
    /// Writes all of it.
    ///
    /// # Errors
    ///
    /// [`ClientError::File`] if it cannot be written; [`ClientError::Gone`] if it ended too early.
    pub async fn write(mut self, to: &mut (impl AsyncWrite + Unpin)) -> Result<(), ClientError> {
        while let Some(piece) = self.0.piece(PATIENCE).await? {
            to.write_all(&piece).await.map_err(ClientError::File)?;
        }
        to.flush().await.map_err(ClientError::File)
    }
}
