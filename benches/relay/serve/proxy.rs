//! Bytes between two TCP connections: what the kernel and tokio can do at best.

use tokio::io::copy_bidirectional_with_sizes;

use super::{accept, listen};
use crate::Outcome;

const BUFFER: usize = 128 * 1024;

/// Connects the second connection with the first, the fourth with the third, and so on.
pub(super) async fn serve() -> Outcome<()> {
    let listener = listen().await?;
    loop {
        let mut one = accept(&listener).await?;
        let mut other = accept(&listener).await?;
        tokio::spawn(async move { copy_bidirectional_with_sizes(&mut one, &mut other, BUFFER, BUFFER).await });
    }
}
