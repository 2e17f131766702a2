// Requests and answers of CHUM in both directions on one connection, and streams of files (spec/one.md §5).
const UNDEFINED = '$__undefined$';
/** Bytes of a file in one frame: below the size at which frames are cut. */
const CHUNK = 60000;
const ID_BYTES = 8;
/** How long an answer may take. */
const ANSWER_MS = 30000;
/** The largest file that is taken. */
const MAX_FILE = 100 * 1024 * 1024;

/** Bytes that a service answers with are a stream of this. */
export class Stream {
    constructor(bytes) {
        this.bytes = bytes;
    }
}

export class Requests {
    #connection;
    #services = {};
    #waiting = new Map();
    #next = 0;

    constructor(connection) {
        this.#connection = connection;
    }

    /** From now on these functions answer, by the number of the service. */
    serve(services) {
        this.#services = services;
    }

    /** The answer. A stream is answered with its bytes. */
    ask(serviceId, args = [], ms = ANSWER_MS) {
        const requestId = this.#next++;
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => this.#settle(requestId, it => it.reject(new Error(`no answer to service ${serviceId}`))), ms);
            this.#waiting.set(requestId, {resolve, reject, timer, chunks: [], length: 0});
            this.#send({requestId, type: 'request', serviceId, args});
        });
    }

    /** Sends bytes that belong to no request, or to anybody's: for those who want to know what comes of it. */
    stray(bytes) {
        Promise.resolve(this.#connection.send(new Uint8Array(bytes))).catch(() => {});
    }

    /** Nothing more comes. */
    end(reason) {
        for (const requestId of [...this.#waiting.keys()]) this.#settle(requestId, it => it.reject(new Error(reason)));
    }

    #settle(requestId, how) {
        const waiting = this.#waiting.get(requestId);
        if (!waiting) return;
        this.#waiting.delete(requestId);
        clearTimeout(waiting.timer);
        how(waiting);
    }

    #send(message) {
        const text = JSON.stringify(message, (_, value) => (value === undefined ? UNDEFINED : value));
        Promise.resolve(this.#connection.send(text)).catch(() => {});
    }

    take(message) {
        if (typeof message !== 'string') return this.#takeChunk(message);
        const it = JSON.parse(message, (_, value) => (value === UNDEFINED ? undefined : value));
        if (it.responseId !== undefined) return this.#takeAnswer(it);
        if (it.type === 'request') this.#answer(it);
    }

    #takeChunk(frame) {
        // The reference loses what its chunks hold: they come as empty frames.
        if (frame.length < ID_BYTES) return;
        const requestId = new DataView(frame.buffer, frame.byteOffset).getFloat64(0, true);
        this.#keep(requestId, frame.slice(ID_BYTES));
    }

    #keep(requestId, bytes) {
        const waiting = this.#waiting.get(requestId);
        if (!waiting) return;
        waiting.length += bytes.length;
        if (waiting.length > MAX_FILE) return this.#settle(requestId, it => it.reject(new Error('the file is too large')));
        waiting.chunks.push(bytes);
    }

    #takeAnswer({responseId, type, data, error, chunk}) {
        if (type === 'stream') return this.#keep(responseId, Buffer.from(String(chunk)));
        this.#settle(responseId, it => {
            if (type === 'data') return it.resolve(data);
            if (type === 'stream-end') return it.resolve(Buffer.concat(it.chunks));
            it.reject(Object.assign(new Error(error?.message ?? String(error)), {code: error?.code}));
        });
    }

    async #answer({requestId, serviceId, args}) {
        const responseId = requestId;
        const service = Object.hasOwn(this.#services, serviceId) ? this.#services[serviceId] : undefined;
        if (!service) {
            const message = `Not a function: Servcie ID ${serviceId} [${typeof serviceId}]`;
            return this.#send({responseId, type: 'error', error: {name: 'TypeError', message, code: 'UNKNOWN-SERVICE'}});
        }
        try {
            const data = await service(...(Array.isArray(args) ? args : []));
            if (data instanceof Stream) return await this.#stream(responseId, data.bytes);
            this.#send({responseId, type: 'data', data});
        } catch (error) {
            this.#send({responseId, type: 'error', error: {name: 'Error', message: error.message, code: error.code}});
        }
    }

    async #stream(responseId, bytes) {
        for (let at = 0; at < bytes.length; at += CHUNK) {
            const part = bytes.subarray(at, at + CHUNK);
            const frame = new Uint8Array(ID_BYTES + part.length);
            new DataView(frame.buffer).setFloat64(0, responseId, true);
            frame.set(part, ID_BYTES);
            await this.#connection.send(frame);
        }
        this.#send({responseId, type: 'stream-end'});
    }
}
