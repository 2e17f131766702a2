//! Attachments: files of ours that go out, and files of others that are saved.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ratatosk_node::api::types::{Attachment, Message, NewAttachment, NewMessage};
use ratatosk_node::client::Client;

use crate::cli::problem::Problem;
use crate::cli::text;

/// Names that are tried for a file before it is given up.
const NAMES: u32 = 100;

/// Media types by the end of the name; what is not here is bytes.
const TYPES: &[(&str, &str)] = &[
    ("gif", "image/gif"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("json", "application/json"),
    ("md", "text/markdown"),
    ("mp4", "video/mp4"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain"),
    ("webp", "image/webp"),
    ("zip", "application/zip"),
];

/// Posts a file.
///
/// # Errors
///
/// What is wrong with the file or the topic.
pub(super) async fn send(client: &Client, topic: &str, path: &Path) -> Result<Message, Problem> {
    let shown = text::line(&path.to_string_lossy());
    let metadata = tokio::fs::metadata(path)
        .await
        .map_err(|error| Problem::new(format!("cannot read {shown}: {error}"), "check the path; nothing was sent"))?;
    if !metadata.is_file() {
        return Err(Problem::new(format!("{shown} is no file"), "only files can be sent; pack folders first"));
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let stored = client.store_file(path, &name, media_type(&name)).await?;
    let attachments = vec![NewAttachment { file: stored.file }];
    Ok(client.say(topic, &NewMessage { text: name, attachments }).await?)
}

fn media_type(name: &str) -> &'static str {
    let end = name.rsplit_once('.').map(|(_, end)| end.to_lowercase()).unwrap_or_default();
    TYPES.iter().find(|(known, _)| *known == end).map_or("application/octet-stream", |(_, media_type)| media_type)
}

/// Saves an attachment, there or under its own name in the present folder. Nothing is overwritten.
///
/// # Errors
///
/// That it is not here yet, or cannot be written.
pub(super) async fn save(client: &Client, attachment: &Attachment, there: Option<&Path>) -> Result<PathBuf, Problem> {
    // Only then is there anything to make a file for.
    let bytes = client.file(&attachment.file).await.map_err(|error| match error.code() {
        Some("not_found") => Problem::new("this file has not arrived yet", "try again when its sender is connected"),
        _ => error.into(),
    })?;
    let (path, file) = match there {
        Some(path) if !path.is_dir() => (path.to_owned(), create(path)?),
        folder => create_in(folder.unwrap_or(Path::new(".")), &text::file_name(&attachment.name))?,
    };
    if let Err(error) = bytes.write(&mut tokio::fs::File::from_std(file)).await {
        // Half of a file is none; that it cannot be removed changes nothing about that.
        let _ = tokio::fs::remove_file(&path).await;
        return Err(error.into());
    }
    Ok(path)
}

/// A new file under this name, or under one like it that is free.
fn create_in(folder: &Path, name: &str) -> Result<(PathBuf, File), Problem> {
    let (stem, end) = name.rsplit_once('.').map_or((name, String::new()), |(stem, end)| (stem, format!(".{end}")));
    for number in 0..NAMES {
        let name = if number == 0 { name.to_owned() } else { format!("{stem} ({number}){end}") };
        let path = folder.join(name);
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(cannot_write(&path, &error)),
        }
    }
    Err(Problem::new(format!("there are too many files called {name}"), "say where: /save N FILE"))
}

fn create(path: &Path) -> Result<File, Problem> {
    OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Problem {
    Problem::new(format!("cannot write {}: {error}", path.display()), "say where: /save N FILE")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_overwritten() {
        let folder = std::env::temp_dir().join(format!("ratatosk-save-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let names: Vec<PathBuf> = (0..3).map(|_| create_in(&folder, "a.txt").unwrap().0).collect();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(names, ["a.txt", "a (1).txt", "a (2).txt"].map(|name| folder.join(name)));
    }

    #[test]
    fn the_end_of_a_name_says_what_it_is() {
        assert_eq!(media_type("a.PNG"), "image/png");
        assert_eq!(media_type("png"), "application/octet-stream");
    }
}
