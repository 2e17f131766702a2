//! Tells the service manager that the daemon is up, or goes down, as `sd_notify(3)` says it: a datagram to the socket that
//! `NOTIFY_SOCKET` names. Without a manager that wants to know, nothing happens.

/// Tells it.
#[cfg(unix)]
pub(super) fn notify(state: &str) {
    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return };
    if let Err(error) = tell(&name, state) {
        tracing::warn!(%error, "the service manager could not be told that the node is {state}");
    }
}

#[cfg(unix)]
fn tell(name: &std::ffi::OsStr, state: &str) -> std::io::Result<()> {
    use std::os::unix::net::UnixDatagram;
    let socket = UnixDatagram::unbound()?;
    // It is there or it is not: nobody waits for it.
    socket.set_nonblocking(true)?;
    #[cfg(target_os = "linux")]
    {
        use std::os::linux::net::SocketAddrExt;
        use std::os::unix::ffi::OsStrExt;
        use std::os::unix::net::SocketAddr;
        if let Some(name) = name.as_bytes().strip_prefix(b"@") {
            let address = SocketAddr::from_abstract_name(name)?;
            return socket.send_to_addr(state.as_bytes(), &address).map(drop);
        }
    }
    socket.send_to(state.as_bytes(), name).map(drop)
}

/// There is no such manager here.
#[cfg(not(unix))]
pub(super) fn notify(_: &str) {}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    #[test]
    fn the_manager_hears_it() {
        let path = std::env::temp_dir().join(format!("ratatosk-notify-{}", std::process::id()));
        let socket = UnixDatagram::bind(&path).unwrap();
        tell(path.as_os_str(), "READY=1").unwrap();
        let mut heard = [0; 32];
        let length = socket.recv(&mut heard).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(&heard[..length], b"READY=1");
        assert!(tell(path.as_os_str(), "READY=1").is_err());
    }
}
