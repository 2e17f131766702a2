//! How many files the program may open. Each connection is one.

/// Beside the connections: listeners, the runtime, lists, certificates.
#[cfg(unix)]
const OTHERS: usize = 64;

/// Raises the number as far as the system lets it, and says if that is less than what the settings allow. Shells and
/// service managers begin with 1024 for the sake of old programs.
#[cfg(unix)]
pub(crate) fn allow(connections: usize) {
    let wanted = connections.saturating_add(OTHERS);
    match rlimit::increase_nofile_limit(u64::try_from(wanted).unwrap_or(u64::MAX)) {
        Ok(files) if usize::try_from(files).is_ok_and(|files| files < wanted) => {
            tracing::warn!(
                files,
                connections,
                "the system lets this program open fewer files than limits.connections: raise the hard limit \
                 (LimitNOFILE= of systemd, ulimit -n), or lower limits.connections"
            );
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "cannot find out how many files may be opened"),
    }
}

/// Where there is no such number.
#[cfg(not(unix))]
pub(crate) fn allow(_connections: usize) {}
