// The ABI of plugins, version 1, as far as this plugin needs it. All of it: plugins/README.md.

export const INCOMING: u32 = 0;
export const OUTGOING: u32 = 1;

export const TEXT: u32 = 1;
export const CLOSED: u32 = 4;
export const NOTE: u32 = 6;

export const CONSUMED: i32 = 0;
export const PASS: i32 = 1;
export const ERROR: i32 = 2;
export const REFUSED: i32 = -1;

@external("ratatosk_plugin_1", "emit")
export declare function emit(direction: u32, kind: u32, ptr: usize, len: usize): void;

@external("ratatosk_plugin_1", "fail")
declare function fail(ptr: usize, len: usize): void;

// The bit of an event in the mask that `subscribe` returns.
export function bit(direction: u32, kind: u32): u32 {
  return 1 << (kind + 16 * direction);
}

// Tells something to whoever runs the host.
export function note(text: string): void {
  const bytes = String.UTF8.encode(text);
  emit(OUTGOING, NOTE, changetype<usize>(bytes), bytes.byteLength);
}

// The reason for the REFUSED or ERROR that is returned next.
export function because(text: string): void {
  const bytes = String.UTF8.encode(text);
  fail(changetype<usize>(bytes), bytes.byteLength);
}

// What AssemblyScript calls when something goes wrong, in place of the `abort` that it would import.
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  because((message ? message : "abort") + " at " + (file ? file : "?") + ":" + line.toString());
  unreachable();
}
