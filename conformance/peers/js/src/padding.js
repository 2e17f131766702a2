// §4, plaintext of an encrypted message: F1 | F2 | F3 | value.
import {randomBytes} from 'node:crypto';

const TEXT = 0x10;
const encoder = new TextEncoder();
const decoder = new TextDecoder(); // not fatal, and drops a byte order mark

/** Pads with up to 255 bytes. */
export function pad(message) {
    const isText = typeof message === 'string';
    const value = isText ? encoder.encode(message) : message;
    const r = randomBytes(1)[0];
    const out = new Uint8Array(1 + r + value.length);
    out[0] = (isText ? TEXT : 0) | (r > 0 ? 1 : 0);
    if (r > 0) {
        out[1] = r - 1;
        out.set(randomBytes(r - 1), 2);
    }
    out.set(value, 1 + r);
    return out;
}

/** @throws whatever is wrong, to be the reason of a close */
export function unpad(plain) {
    if (plain.length === 0) throw new RangeError('Invalid typed array length: 0');
    const lengthBytes = plain[0] & 0x0f;
    if (plain.length < 1 + lengthBytes) throw new RangeError(`Invalid typed array length: ${lengthBytes}`);
    let padding = 0n;
    // Only the first eight count.
    for (const byte of plain.subarray(1, 1 + Math.min(lengthBytes, 8))) padding = (padding << 8n) | BigInt(byte);
    if (padding > BigInt(Number.MAX_SAFE_INTEGER)) throw new Error('paddingLength must not be larger than Number.MAX_SAFE_INTEGER');
    const start = 1 + lengthBytes + Number(padding);
    if (start > plain.length) throw new RangeError(`Start offset ${start} is outside the bounds of the buffer`);
    const value = plain.slice(start);
    return plain[0] & TEXT ? decoder.decode(value) : value;
}
