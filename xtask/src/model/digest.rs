//! SHA-256, by a program that every machine has.

use std::path::Path;
use std::process::Command;

/// Programs that write the digest as the first word.
const PROGRAMS: [(&str, &[&str]); 3] =
    [("sha256sum", &[]), ("shasum", &["-a", "256"]), ("openssl", &["dgst", "-sha256", "-r"])];

/// The SHA-256 of the file, in lower-case hex.
///
/// # Errors
///
/// If no program for it is there, or the file cannot be read.
pub(super) fn sha256(path: &Path) -> Result<String, String> {
    for (program, arguments) in PROGRAMS {
        let Ok(output) = Command::new(program).args(arguments).arg(path).output() else { continue };
        let text = String::from_utf8_lossy(&output.stdout);
        // sha256sum begins a line with a backslash if the name has one.
        let digest = text.split_whitespace().next().map(|word| word.trim_start_matches('\\'));
        match digest {
            Some(digest) if output.status.success() && digest.len() == 64 => return Ok(digest.to_ascii_lowercase()),
            _ => return Err(format!("{program} failed: {}", String::from_utf8_lossy(&output.stderr).trim())),
        }
    }
    Err("there is no sha256sum, shasum or openssl to check the model with".to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_known_text_has_the_known_digest() {
        let path = std::env::temp_dir().join(format!("ratatosk-digest-{}", std::process::id()));
        fs::write(&path, "abc").unwrap();
        let digest = sha256(&path);
        fs::remove_file(&path).unwrap();
        assert_eq!(digest.unwrap(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(sha256(&path).is_err());
    }
}
