// One WebSocket: who reads it can change from message to message, and it ends once, with a reason.
import WebSocket from 'ws';

/** Close frames have room for so many bytes of reason. */
const MAX_REASON = 123;
/** §5 */
const OPEN_MS = 5000;
/** The largest message, §1. */
const MAX_MESSAGE = 104857600;

export class Socket {
    #ws;
    #timer = null;
    #ended = null;
    #closing = false;

    /** `reader` has `open()`, `message(string | Uint8Array)` and `end(isLocal, reason)`. It can be replaced at any time. */
    constructor(url, reader) {
        this.reader = reader;
        this.#ws = new WebSocket(url, {perMessageDeflate: false, maxPayload: MAX_MESSAGE, handshakeTimeout: OPEN_MS});
        this.#ws.binaryType = 'nodebuffer';
        this.#ws.on('open', () => this.reader.open?.());
        this.#ws.on('message', (data, isBinary) => {
            // A frame that was under way when we closed is still read (§4, errors).
            this.reader.message(isBinary ? new Uint8Array(data) : data.toString('utf8'));
        });
        this.#ws.on('error', error => this.#end(false, error.message));
        this.#ws.on('close', (code, reason) => this.#end(false, reason.toString('utf8') || (code === 1006 ? 'the connection was lost' : '')));
    }

    get isOpen() {
        return this.#ws.readyState === WebSocket.OPEN;
    }

    /** Resolves when the message has left. */
    send(message) {
        return new Promise((resolve, reject) => {
            if (!this.isOpen) return reject(new Error('the connection is closed'));
            this.#ws.send(message, {binary: typeof message !== 'string'}, error => (error ? reject(error) : resolve()));
        });
    }

    /** §6: closes are "Close called." or "Close called: REASON". */
    close(reason) {
        this.closeWith(reason === undefined ? 'Close called.' : `Close called: ${reason}`);
    }

    closeWith(reason) {
        if (this.#closing) return;
        this.#closing = true;
        this.#ended = {isLocal: true, reason};
        this.deadline(0);
        let text = reason;
        while (Buffer.byteLength(text) > MAX_REASON) text = text.slice(0, -1);
        if (this.#ws.readyState === WebSocket.CONNECTING) return this.#ws.terminate();
        this.#ws.close(1000, text);
        setTimeout(() => this.#ws.terminate(), OPEN_MS).unref();
    }

    /** Closes unless something else is said within so many milliseconds; 0 for none. */
    deadline(ms, reason = 'Terminate called: Connection timed out') {
        clearTimeout(this.#timer);
        this.#timer = ms > 0 ? setTimeout(() => this.closeWith(reason), ms) : null;
    }

    #end(isLocal, reason) {
        const end = this.#ended ?? {isLocal, reason};
        this.#closing = true;
        this.#ended = end;
        this.deadline(0);
        const {reader} = this;
        this.reader = {message() {}, end() {}};
        reader.end(end.isLocal, end.reason);
    }
}
