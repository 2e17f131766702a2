//! Attachments: files of ours that go out, and files of others that are saved.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use ratatosk_node::model::{Attachment, FileInfo, Node};

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

/// Posts a file. Blocks on the disk.
///
/// # Errors
///
/// What is wrong with the file or the topic.
pub(super) fn send(node: &Node, topic: &str, path: &Path) -> Result<String, Problem> {
    let problem = |error: std::io::Error| {
        Problem::new(format!("cannot read {}: {error}", path.display()), "check the path; nothing was sent")
    };
    let mut file = File::open(path).map_err(problem)?;
    let metadata = file.metadata().map_err(problem)?;
    if !metadata.is_file() {
        return Err(Problem::new(
            format!("{} is no file", path.display()),
            "only files can be sent; pack folders first",
        ));
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let info = FileInfo {
        media_type: media_type(&name).to_owned(),
        name: name.clone(),
        last_modified: u64::try_from(changed.as_millis()).unwrap_or_default(),
    };
    let attachment = node.attach(info, &mut file)?;
    node.post(topic, &name, vec![attachment])?;
    Ok(name)
}

fn media_type(name: &str) -> &'static str {
    let end = name.rsplit_once('.').map(|(_, end)| end.to_lowercase()).unwrap_or_default();
    TYPES.iter().find(|(known, _)| *known == end).map_or("application/octet-stream", |(_, media_type)| media_type)
}

/// Saves an attachment, there or under its own name in the present folder. Nothing is overwritten. Blocks on the disk.
///
/// # Errors
///
/// That it is not here yet, or cannot be written.
pub(super) fn save(node: &Node, attachment: &Attachment, there: Option<&Path>) -> Result<PathBuf, Problem> {
    if !attachment.present {
        return Err(Problem::new("this file has not arrived yet", "try again when its sender is connected"));
    }
    let mut bytes = node.attachment(&attachment.data)?;
    let (path, mut file) = match there {
        Some(path) if !path.is_dir() => (path.to_owned(), create(path)?),
        folder => create_in(folder.unwrap_or(Path::new(".")), &text::file_name(&attachment.name))?,
    };
    std::io::copy(&mut bytes, &mut file).map_err(|error| cannot_write(&path, &error))?;
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
