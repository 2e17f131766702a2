//! What a plugin of the connection stack is written with.
//!
//! A plugin is one type with the trait [`Plugin`]. The same source runs natively (the host links it and lends it a [`Host`])
//! and as a WebAssembly module, whose exports [`export_plugin!`] writes:
//!
//! ```
//! use ratatosk_plugin::{Buffer, Direction, Failure, Host, Kind, Plugin, Verdict, export_plugin};
//!
//! /// Says goodbye to everybody who says it first.
//! struct Polite;
//!
//! impl Plugin for Polite {
//!     fn open(_host: &mut dyn Host, _config: &[u8]) -> Result<Self, Failure> {
//!         Ok(Self)
//!     }
//!
//!     fn on_event(&mut self, host: &mut dyn Host, from: Direction, kind: Kind, data: &mut Buffer) -> Result<Verdict, Failure> {
//!         if from == Direction::Incoming && kind == Kind::Text && &data[..] == b"bye" {
//!             host.emit(Direction::Outgoing, Kind::Text, b"bye");
//!         }
//!         Ok(Verdict::Pass)
//!     }
//! }
//!
//! export_plugin!(Polite);
//! ```
//!
//! Built with `cargo build --target wasm32-unknown-unknown` as a `cdylib`, that is a module for the host. The ABI beneath is
//! in [`abi`] and in `plugins/README.md`; a plugin in another language follows it without this crate.
//!
//! No IO, no clock and no randomness of its own: all of it comes from the [`Host`].

pub mod abi;
mod buffer;
mod event;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod guest;
mod instance;
pub mod keyword;
mod plugin;
pub mod text;
mod wipe;

pub use buffer::Buffer;
pub use event::{Direction, Kind, close};
pub use instance::Instance;
pub use plugin::{Failure, Host, Plugin, Verdict};
pub use wipe::wipe;

/// Exports a [`Plugin`] from a WebAssembly module. Of a native build nothing changes.
///
/// Once for each module, at its top.
#[macro_export]
macro_rules! export_plugin {
    ($plugin:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            use $crate::guest;

            thread_local! {
                static INSTANCE: guest::Cell<$plugin> = const { guest::Cell::new($crate::Instance::new()) };
            }

            #[unsafe(no_mangle)]
            extern "C" fn ratatosk_plugin_abi_1() {}

            #[unsafe(export_name = "subscribe")]
            extern "C" fn subscribe() -> u32 {
                <$plugin as $crate::Plugin>::SUBSCRIBE
            }

            #[unsafe(export_name = "steady")]
            extern "C" fn steady() -> u32 {
                guest::STEADY_LEN
            }

            #[unsafe(export_name = "alloc")]
            extern "C" fn alloc(len: u32) -> *mut u8 {
                INSTANCE.with_borrow_mut(|instance| guest::alloc(instance, len))
            }

            #[unsafe(export_name = "open")]
            extern "C" fn open(_len: u32) -> i32 {
                INSTANCE.with_borrow_mut(guest::open)
            }

            #[unsafe(export_name = "on_event")]
            extern "C" fn on_event(handle: u32, direction: u32, kind: u32, len: u32) -> i32 {
                INSTANCE.with_borrow_mut(|instance| guest::on_event(instance, handle, direction, kind, len))
            }

            #[unsafe(export_name = "on_timer")]
            extern "C" fn on_timer(handle: u32) -> i32 {
                INSTANCE.with_borrow_mut(|instance| guest::on_timer(instance, handle))
            }

            #[unsafe(export_name = "close")]
            extern "C" fn close(handle: u32) {
                INSTANCE.with_borrow_mut(|instance| guest::close(instance, handle))
            }
        };
    };
}
