//! What can be wrong with the certificate and its key, for those who have to put it right.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// One of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsFile {
    /// The certificate of the server and those between it and the root.
    Certificate,
    /// The private key.
    Key,
    /// Who certifies the ACME server.
    AcmeRoot,
}

impl fmt::Display for TlsFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate => "TLS certificate",
            Self::Key => "private key of the TLS certificate",
            Self::AcmeRoot => "root certificate of the ACME server",
        })
    }
}

/// Why there is no certificate to listen with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The program cannot speak TLS.
    #[error(
        "this program was built without TLS: build it with the cargo feature \"tls\", or let a proxy end TLS and listen without"
    )]
    NotBuilt,
    /// A file cannot be read.
    #[error(
        "the {file} cannot be read from {}: {source} (does the file exist, and may the user that runs the relay read it?)",
        path.display()
    )]
    Unreadable {
        /// Which one.
        file: TlsFile,
        /// Where it should be.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A file is far too large to be what it should be.
    #[error("the {file} in {} is larger than {} KiB: is it the right file?", path.display(), super::error::MAX_FILE / 1024)]
    TooLarge {
        /// Which one.
        file: TlsFile,
        /// Where it is.
        path: PathBuf,
    },
    /// A file has nothing of its kind in it.
    #[error("there is no {file} in {}: it must be a PEM file, with a line \"-----BEGIN {}-----\"", path.display(), label(*file))]
    Missing {
        /// Which one.
        file: TlsFile,
        /// Where it should be.
        path: PathBuf,
    },
    /// A file cannot be understood.
    #[error("the {file} in {} cannot be used: {reason}", path.display())]
    Broken {
        /// Which one.
        file: TlsFile,
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it. Nothing of what is in the file.
        reason: String,
    },
    /// The two files do not belong together.
    #[error(
        "the key in {} is not that of the first certificate in {}: the certificate of the server must come first, and both \
         files must be of the same renewal",
        key.display(),
        certificate.display()
    )]
    Mismatch {
        /// Where the certificate is.
        certificate: PathBuf,
        /// Where the key is.
        key: PathBuf,
    },
    /// The program gets no certificates.
    #[error(
        "this program was built without ACME: build it with the cargo feature \"acme\", or give it the files of a certificate"
    )]
    AcmeNotBuilt,
    /// Nothing can be kept in the folder of the ACME account.
    #[error(
        "nothing can be kept in the ACME folder {}: {source} (the user that runs the relay must be able to write there)",
        path.display()
    )]
    AcmeCache {
        /// The folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

/// The largest file that is read, in bytes. Chains are some KiB.
pub(super) const MAX_FILE: usize = 256 * 1024;

fn label(file: TlsFile) -> &'static str {
    match file {
        TlsFile::Certificate | TlsFile::AcmeRoot => "CERTIFICATE",
        TlsFile::Key => "PRIVATE KEY",
    }
}
