// An encrypted connection, §4: fragmentation over keepalive over encryption, in both directions.
import nacl from 'tweetnacl';
import {pad, unpad} from './padding.js';

const KEEPALIVE = 'keepalive';
const START = {string: 'fragmentation_start_string', binary: 'fragmentation_start_binary'};
const END = 'fragmentation_end';
const KEYWORDS = [START.string, START.binary, END];
const PULSE_MS = 20000;
const SILENCE_MS = 25000;
const SHORT_TEXT = 16384; // UTF-16 units; shorter ones are not fragmented
const CHUNK = 65536;
const MAX_COUNTER = 2 ** 53 - 2;
/** What chunks may amount to. */
const MAX_ASSEMBLED = 104857600;

function nonce(counter) {
    const bytes = new Uint8Array(24);
    new DataView(bytes.buffer).setBigUint64(16, BigInt(counter));
    return bytes;
}

/** The text as it is, or with one unit more if it begins like a keyword. */
const escape = (text, keywords) => (keywords.some(word => text.startsWith(word)) ? `${text}x` : text);
const unescape = (text, keywords) => (keywords.some(word => text.startsWith(word)) ? text.slice(0, -1) : text);

export class Encrypted {
    /** What came before somebody was there to take it: the next message may lie behind the key in the same read. */
    #early = [];
    #onMessage = null;
    #onEnd = null;
    #socket;
    #sessionKey;
    #sendCounter;
    #receiveCounter;
    #pulse;
    #silence;
    /** {type, chunks, length} while chunks are coming */
    #assembly = null;
    /** What may not be sent yet; null if it may. */
    #waiting;
    #ended = null;

    /** `isAcceptor`: sends even nonces (§4), and nothing before it has heard from the connector (§5). */
    constructor(socket, key, sessionKey, isAcceptor) {
        this.key = key;
        this.#socket = socket;
        this.#sessionKey = sessionKey;
        [this.#sendCounter, this.#receiveCounter] = isAcceptor ? [0, 1] : [1, 0];
        this.#waiting = isAcceptor ? [] : null;
        socket.deadline(0);
        socket.reader = {message: frame => this.#receive(frame), end: (isLocal, reason) => this.#end(isLocal, reason)};
        this.#heard();
        this.#spoke();
    }

    set onMessage(take) {
        this.#onMessage = take;
        for (const message of this.#early.splice(0)) take(message);
    }

    set onEnd(take) {
        this.#onEnd = take;
        if (this.#ended) take(...this.#ended);
    }

    get onEnd() {
        return this.#onEnd;
    }

    /** Sends a text or bytes. */
    send(message) {
        if (this.#waiting) return new Promise((resolve, reject) => this.#waiting.push({message, resolve, reject}));
        if (typeof message === 'string') {
            if (message.length < SHORT_TEXT) return this.#sendText(escape(message, KEYWORDS));
            return this.#sendChunks(START.string, new TextEncoder().encode(message));
        }
        return message.length > CHUNK ? this.#sendChunks(START.binary, message) : this.#sendFrame(message);
    }

    close(reason) {
        this.#socket.close(reason);
    }

    #sendChunks(start, bytes) {
        const sent = [this.#sendText(start)];
        for (let at = 0; at < bytes.length; at += CHUNK) sent.push(this.#sendFrame(bytes.subarray(at, at + CHUNK)));
        return Promise.all([...sent, this.#sendText(END)]);
    }

    #sendText(text) {
        return this.#sendFrame(escape(text, [KEEPALIVE]));
    }

    #sendFrame(message) {
        if (this.#sendCounter >= MAX_COUNTER) throw new Error('Nonce counter reached its maximum value.');
        const frame = nacl.secretbox(pad(message), nonce(this.#sendCounter), this.#sessionKey);
        this.#sendCounter += 2;
        this.#spoke();
        return this.#socket.send(frame);
    }

    #receive(frame) {
        try {
            this.#heard();
            const message = this.#decrypt(frame);
            if (message === KEEPALIVE) return;
            this.#assemble(typeof message === 'string' ? unescape(message, [KEEPALIVE]) : message);
        } catch (error) {
            this.#socket.close(error.message);
        }
    }

    #decrypt(frame) {
        if (typeof frame === 'string') throw new Error('Incoming encrypted message is a string, it needs to be binary');
        const counter = this.#receiveCounter;
        // It goes on even if the message cannot be decrypted.
        this.#receiveCounter += 2;
        const plain = nacl.secretbox.open(frame, nonce(counter), this.#sessionKey);
        if (!plain) throw new Error('Decryption of message failed.');
        const message = unpad(plain);
        this.#allowSending();
        return message;
    }

    #assemble(message) {
        const current = this.#assembly;
        const type = Object.keys(START).find(type => START[type] === message);
        if (type && current) throw new Error(`Already processing ${current.type} chunks. ${message} message not allowed.`);
        if (type) {
            this.#assembly = {type, chunks: [], length: 0};
        } else if (message === END) {
            if (!current) throw new Error(`No chunks processing in progress. ${END} message not allowed.`);
            this.#assembly = null;
            const whole = new Uint8Array(Buffer.concat(current.chunks));
            this.#deliver(current.type === 'string' ? new TextDecoder().decode(whole) : whole);
        } else if (!current) {
            this.#deliver(typeof message === 'string' ? unescape(message, KEYWORDS) : message);
        } else if (typeof message === 'string') {
            throw new Error(`Currently processing ${current.type} chunks. No string messages allowed except the ${END} message.`);
        } else {
            current.length += message.length;
            if (current.length > MAX_ASSEMBLED) throw new Error('The chunks amount to too much.');
            current.chunks.push(message);
        }
    }

    #deliver(message) {
        if (this.#onMessage) this.#onMessage(message);
        else this.#early.push(message);
    }

    #allowSending() {
        const waiting = this.#waiting ?? [];
        this.#waiting = null;
        for (const {message, resolve, reject} of waiting) Promise.resolve(this.send(message)).then(resolve, reject);
    }

    #heard() {
        clearTimeout(this.#silence);
        this.#silence = setTimeout(() => this.#socket.closeWith('Terminate called: Keepalive: No lifesign of the other side'), SILENCE_MS);
    }

    #spoke() {
        clearTimeout(this.#pulse);
        // An acceptor that may not speak yet says nothing.
        this.#pulse = setTimeout(() => {
            if (this.#waiting) return this.#spoke();
            this.#sendFrame(KEEPALIVE).catch(() => {});
        }, PULSE_MS);
    }

    #end(isLocal, reason) {
        clearTimeout(this.#pulse);
        clearTimeout(this.#silence);
        const waiting = this.#waiting ?? [];
        this.#waiting = null;
        for (const {reject} of waiting) reject(new Error(`the connection is closed: ${reason}`));
        this.#ended = [isLocal, reason];
        this.#onEnd?.(isLocal, reason);
    }
}
