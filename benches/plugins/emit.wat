;; Consumes every message, and emits it as it came.
(module
  (import "ratatosk_plugin_1" "emit" (func $emit (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (func (export "ratatosk_plugin_abi_1"))
  (func (export "steady") (result i32) i32.const 1024)
  (func (export "alloc") (param i32) (result i32) i32.const 1024)
  (func (export "open") (param i32) (result i32) i32.const 0)
  (func (export "on_event") (param $handle i32) (param $direction i32) (param $kind i32) (param $len i32) (result i32)
    (call $emit (local.get $direction) (local.get $kind) (i32.const 1024) (local.get $len))
    i32.const 0)
  (func (export "subscribe") (result i32) i32.const 0x60006)
  (func (export "on_timer") (param i32) (result i32) i32.const 0)
  (func (export "close") (param i32)))
