//! What one instance of a module holds: the connections that it serves, and the buffer that they share.

use crate::wipe::{wipe, wipe_stack};
use crate::{Buffer, Direction, Failure, Host, Kind, Plugin, Verdict};

/// The plugins of all connections of one instance, by handle.
#[derive(Debug)]
pub struct Instance<P> {
    transfer: Buffer,
    plugins: Vec<Option<Box<P>>>,
}

impl<P> Default for Instance<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P> Instance<P> {
    /// Without any connection.
    #[must_use]
    pub const fn new() -> Self {
        Self { transfer: Buffer::new(), plugins: Vec::new() }
    }

    /// Where the host may write the next `len` bytes.
    pub fn alloc(&mut self, len: usize) -> &mut [u8] {
        self.transfer.prepare(len)
    }

    /// Where the buffer is: the host writes there again as long as it is not told that this has changed.
    #[must_use]
    pub fn place(&self) -> (usize, usize) {
        self.transfer.place()
    }

    /// The host has written a message of `len` bytes to where [`Self::alloc`] said, perhaps for an earlier one.
    pub fn expect(&mut self, len: usize) {
        self.transfer.expect(len);
    }

    fn plugin(&mut self, handle: u32) -> Result<(&mut P, &mut Buffer), Failure> {
        let plugin = self.plugins.get_mut(handle as usize).and_then(Option::as_deref_mut);
        Ok((plugin.ok_or_else(|| Failure::new("no such connection"))?, &mut self.transfer))
    }
}

impl<P: Plugin> Instance<P> {
    /// The handle that the next connection will have.
    #[must_use]
    pub fn next_handle(&self) -> u32 {
        let free = self.plugins.iter().position(Option::is_none).unwrap_or(self.plugins.len());
        u32::try_from(free).unwrap_or(u32::MAX)
    }

    /// A new connection with the configuration that the host wrote after [`Self::alloc`]; what held it is wiped.
    ///
    /// # Errors
    ///
    /// The plugin's.
    pub fn open(&mut self, host: &mut dyn Host) -> Result<u32, Failure> {
        let handle = self.next_handle();
        let opened = P::open(host, &self.transfer);
        wipe(&mut self.transfer);
        self.transfer.clear();
        let plugin = Some(Box::new(opened?));
        wipe_stack();
        match self.plugins.get_mut(handle as usize) {
            Some(free) => *free = plugin,
            None => self.plugins.push(plugin),
        }
        Ok(handle)
    }

    /// An event for a connection, with the data that the host wrote after [`Self::alloc`]. Kinds that this version does not
    /// know pass.
    ///
    /// # Errors
    ///
    /// The plugin's, or that there is no such connection.
    pub fn on_event(
        &mut self,
        host: &mut dyn Host,
        handle: u32,
        direction: u32,
        kind: u32,
    ) -> Result<Verdict, Failure> {
        let (Some(direction), Some(kind)) = (Direction::from_code(direction), Kind::from_code(kind)) else {
            return Ok(Verdict::Pass);
        };
        let (plugin, data) = self.plugin(handle)?;
        let verdict = plugin.on_event(host, direction, kind, data);
        data.clear();
        verdict
    }

    /// The timer of a connection.
    ///
    /// # Errors
    ///
    /// The plugin's, or that there is no such connection.
    pub fn on_timer(&mut self, host: &mut dyn Host, handle: u32) -> Result<(), Failure> {
        self.plugin(handle)?.0.on_timer(host)
    }

    /// Ends a connection, and wipes what its last message and its key may have left.
    pub fn close(&mut self, handle: u32) {
        if let Some(plugin) = self.plugins.get_mut(handle as usize) {
            *plugin = None;
        }
        self.transfer.wipe();
        wipe_stack();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Emits nothing and knows no time.
    struct Nobody;

    impl Host for Nobody {
        fn emit(&mut self, _direction: Direction, _kind: Kind, _data: &[u8]) {}

        fn random(&mut self, out: &mut [u8]) {
            out.fill(0);
        }

        fn now_ms(&mut self) -> u64 {
            0
        }

        fn set_timer(&mut self, _at_ms: u64) {}
    }

    /// Fails with its configuration.
    struct Says(String);

    impl Plugin for Says {
        fn open(_host: &mut dyn Host, config: &[u8]) -> Result<Self, Failure> {
            String::from_utf8(config.to_vec()).map(Self).map_err(Failure::new)
        }

        fn on_event(
            &mut self,
            _host: &mut dyn Host,
            _direction: Direction,
            _kind: Kind,
            _data: &mut Buffer,
        ) -> Result<Verdict, Failure> {
            Err(Failure::new(&self.0))
        }
    }

    fn open(instance: &mut Instance<Says>, config: &[u8]) -> Result<u32, Failure> {
        instance.alloc(config.len()).copy_from_slice(config);
        instance.open(&mut Nobody)
    }

    #[test]
    fn connections_are_told_apart_and_their_handles_used_again() {
        let mut instance = Instance::new();
        assert_eq!(open(&mut instance, b"a"), Ok(0));
        assert!(open(&mut instance, b"\xff").is_err());
        assert_eq!(open(&mut instance, b"b"), Ok(1));
        let event = |instance: &mut Instance<_>, handle| instance.on_event(&mut Nobody, handle, 0, 1).unwrap_err().0;
        assert_eq!(event(&mut instance, 0), "a");
        assert_eq!(event(&mut instance, 1), "b");
        instance.close(0);
        assert_eq!(event(&mut instance, 0), "no such connection");
        assert_eq!(open(&mut instance, b"c"), Ok(0));
        assert_eq!(event(&mut instance, 0), "c");
    }

    /// Keeps the buffers that it gets.
    struct Keeps(Vec<Buffer>);

    impl Plugin for Keeps {
        fn open(_host: &mut dyn Host, _config: &[u8]) -> Result<Self, Failure> {
            Ok(Self(Vec::new()))
        }

        fn on_event(
            &mut self,
            _host: &mut dyn Host,
            direction: Direction,
            _kind: Kind,
            data: &mut Buffer,
        ) -> Result<Verdict, Failure> {
            if direction == Direction::Outgoing {
                self.0.push(std::mem::take(data));
            }
            Ok(Verdict::Consumed)
        }
    }

    #[test]
    fn a_buffer_that_is_taken_away_is_noticed() {
        let mut instance: Instance<Keeps> = Instance::new();
        instance.alloc(1024);
        let handle = instance.open(&mut Nobody).unwrap();
        instance.alloc(1024);
        let place = instance.place();
        instance.on_event(&mut Nobody, handle, 0, 1).unwrap();
        assert_eq!(instance.place(), place);
        instance.on_event(&mut Nobody, handle, 1, 1).unwrap();
        assert_ne!(instance.place(), place);
    }

    #[test]
    fn kinds_of_a_newer_host_pass() {
        let mut instance = Instance::new();
        let handle = open(&mut instance, b"a").unwrap();
        assert_eq!(instance.on_event(&mut Nobody, handle, 0, 77), Ok(Verdict::Pass));
        assert_eq!(instance.on_event(&mut Nobody, handle, 7, 1), Ok(Verdict::Pass));
    }

    #[test]
    fn the_configuration_does_not_stay_in_the_buffer() {
        let mut instance = Instance::new();
        open(&mut instance, b"secret").unwrap();
        assert_eq!(instance.alloc(6), [0; 6]);
    }
}
