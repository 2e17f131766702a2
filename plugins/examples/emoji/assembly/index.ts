// Replaces :shortcodes: in the texts that are sent by emoji.
//
// The configuration is a text that adds some, like `tea=🍵 home=🏠`. An emoji may not be longer than what it replaces, in
// bytes of UTF-8: so everything happens in the buffer that the message came in.

import { CLOSED, CONSUMED, ERROR, INCOMING, OUTGOING, PASS, REFUSED, TEXT, because, bit, emit, note } from "./abi";

const COLON: u8 = 0x3a;
const KNOWN = "+1=👍 heart=❤️ rocket=🚀 smile=😄 tada=🎉 wave=👋";

// One replacement, in UTF-8.
class Code {
  constructor(public name: ArrayBuffer, public emoji: ArrayBuffer) {}
}

class Connection {
  codes: Code[] = [];
  replaced: u32 = 0;

  // Reads `name=emoji name=emoji …`. Returns what is wrong, or nothing.
  add(text: string): string {
    const words = text.split(" ");
    for (let i = 0; i < words.length; i++) {
      if (words[i].length == 0) continue;
      const parts = words[i].split("=");
      if (parts.length != 2 || parts[0].length == 0) return words[i] + " is not name=emoji";
      const code = new Code(String.UTF8.encode(parts[0]), String.UTF8.encode(parts[1]));
      if (code.emoji.byteLength > code.name.byteLength + 2) return words[i] + " is longer than :" + parts[0] + ":";
      this.codes.push(code);
    }
    return "";
  }

  // The code whose name these bytes are.
  find(name: usize, len: i32): Code | null {
    // From the end: what the configuration says comes before what is known anyway.
    for (let i = this.codes.length - 1; i >= 0; i--) {
      const code = this.codes[i];
      if (code.name.byteLength == len && memory.compare(changetype<usize>(code.name), name, len) == 0) return code;
    }
    return null;
  }

  // Replaces what there is to replace in `len` bytes. Returns how many bytes are left.
  replace(text: usize, len: usize): usize {
    let read: usize = 0;
    let write: usize = 0;
    while (read < len) {
      if (load<u8>(text + read) == COLON) {
        let end = read + 1;
        while (end < len && load<u8>(text + end) != COLON) end++;
        const code = end < len ? this.find(text + read + 1, <i32>(end - read - 1)) : null;
        if (code) {
          memory.copy(text + write, changetype<usize>(code.emoji), code.emoji.byteLength);
          write += code.emoji.byteLength;
          read = end + 1;
          this.replaced++;
          continue;
        }
        // The second colon may be the first one of a code: only what is in front of it is over.
        memory.copy(text + write, text + read, end - read);
        write += end - read;
        read = end;
      } else {
        store<u8>(text + write++, load<u8>(text + read++));
      }
    }
    return write;
  }
}

// By handle. A connection that is closed leaves a gap for a later one.
const connections: (Connection | null)[] = [];

let buffer: usize = 0;
let capacity: usize = 0;

export function ratatosk_plugin_abi_1(): void {}

export function subscribe(): u32 {
  return bit(OUTGOING, TEXT) | bit(INCOMING, CLOSED);
}

// One buffer for all calls, outside what is garbage-collected.
export function alloc(len: usize): usize {
  if (len > capacity) {
    heap.free(buffer);
    capacity = 1024;
    while (capacity < len) capacity *= 2;
    buffer = heap.alloc(capacity);
  }
  return buffer;
}

export function open(len: usize): i32 {
  const connection = new Connection();
  const problem = connection.add(KNOWN + " " + String.UTF8.decodeUnsafe(buffer, len));
  if (problem.length > 0) {
    because(problem);
    return REFUSED;
  }
  const free = connections.indexOf(null);
  if (free >= 0) {
    connections[free] = connection;
    return free;
  }
  return connections.push(connection) - 1;
}

export function on_event(handle: i32, direction: u32, kind: u32, len: usize): i32 {
  const connection = handle < connections.length ? connections[handle] : null;
  if (!connection) {
    because("no such connection");
    return ERROR;
  }
  if (direction == OUTGOING && kind == TEXT) {
    const before = connection.replaced;
    const left = connection.replace(buffer, len);
    if (connection.replaced == before) return PASS;
    emit(OUTGOING, TEXT, buffer, left);
    return CONSUMED;
  }
  if (direction == INCOMING && kind == CLOSED) {
    note("replaced " + connection.replaced.toString() + " shortcodes");
  }
  return PASS;
}

export function on_timer(handle: i32): i32 {
  return PASS;
}

export function close(handle: i32): void {
  if (handle < connections.length) connections[handle] = null;
  memory.fill(buffer, 0, capacity);
}
