// Keeps spare connections registered (§2, §5), and does the acceptor's part of the key exchange (§3) on those that are
// handed over.
import {toHex} from '../../control.js';
import {Encrypted} from './encrypted.js';
import {KeyExchange, answerChallenge, expect, parse, publicKey} from './handshake.js';
import {Socket} from './socket.js';

const SPARES = 2;
const RETRY_MS = 1000;
const STEP_MS = 5000;
/** How much later than announced a ping may come. */
const PING_GRACE_MS = 4000;

export class Listener {
    #stopped = false;
    #spares = new Set();
    #opening = null;
    #retry = null;

    constructor(url, keys, hooks) {
        Object.assign(this, {url, keys, hooks});
        this.#fill();
    }

    stop() {
        this.#stopped = true;
        clearTimeout(this.#retry);
        for (const socket of [...this.#spares, this.#opening]) socket?.close();
        this.#spares.clear();
    }

    /** One at a time, up to the limit. */
    #fill() {
        if (this.#stopped || this.#opening || this.#retry || this.#spares.size >= SPARES) return;
        this.#opening = this.#register();
    }

    #register() {
        const steps = [
            message => void socket.send(answerChallenge(expect('authentication_request', message), this.keys.secretKey)).catch(() => {}),
            message => this.#registered(socket, expect('authentication_success', message).pingInterval)
        ];
        const message = text => this.#try(socket, () => {
            socket.deadline(STEP_MS);
            steps.shift()(text);
        });
        const open = () => {
            socket.deadline(STEP_MS);
            socket.send(JSON.stringify({command: 'register', publicKey: toHex(this.keys.publicKey)})).catch(() => {});
        };
        const socket = new Socket(this.url, {open, message, end: () => this.#lost(socket)});
        return socket;
    }

    #registered(socket, pingInterval) {
        this.#opening = null;
        this.#spares.add(socket);
        this.#online();
        // Of an interval that is no number nothing can be said.
        const ms = typeof pingInterval === 'number' ? pingInterval + PING_GRACE_MS : 0;
        const patience = () => socket.deadline(ms, 'Terminate called: Pong: Connection timed out');
        patience();
        const message = text => this.#try(socket, () => {
            if (parse(text).command === 'ping') {
                patience();
                return void socket.send('{"command":"pong"}').catch(() => {});
            }
            expect('connection_handover', text);
            this.#spares.delete(socket);
            this.#handedOver(socket);
            this.#fill();
        });
        socket.reader = {message, end: () => this.#lost(socket)};
        this.#fill();
    }

    #handedOver(socket) {
        const end = () => {};
        socket.deadline(STEP_MS);
        const takeRequest = text => this.#try(socket, () => {
            const {sourcePublicKey, targetPublicKey} = expect('communication_request', text);
            const [source, target] = [publicKey(sourcePublicKey), publicKey(targetPublicKey)];
            // Ready is said first, §3.
            socket.send('{"command":"communication_ready"}').catch(() => {});
            if (toHex(target) !== toHex(this.keys.publicKey)) throw new Error('We do not accept connections for this target public key');
            socket.deadline(STEP_MS);
            socket.reader = {message: takeKey(source), end};
        });
        const takeKey = source => message => this.#try(socket, () => {
            const exchange = new KeyExchange(source, this.keys.secretKey);
            const sessionKey = exchange.take(message);
            const connection = new Encrypted(socket, source, sessionKey, true);
            socket.send(exchange.message()).catch(() => {});
            this.hooks.accepted(connection);
        });
        socket.reader = {message: takeRequest, end};
    }

    #try(socket, step) {
        try {
            step();
        } catch (error) {
            socket.close(String(error));
        }
    }

    /** A spare, or one that was to become one. */
    #lost(socket) {
        const wasOpening = this.#opening === socket;
        if (wasOpening) this.#opening = null;
        if (!this.#spares.delete(socket) && !wasOpening) return;
        this.#online();
        if (this.#stopped) return;
        this.#retry ??= setTimeout(() => {
            this.#retry = null;
            this.#fill();
        }, RETRY_MS);
    }

    #online() {
        if (!this.#stopped) this.hooks.online(this.#spares.size > 0);
    }
}
