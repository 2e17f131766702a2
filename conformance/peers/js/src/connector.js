// Opens an encrypted connection to a key, through a CommServer (§3).
import {toHex} from '../../control.js';
import {Encrypted} from './encrypted.js';
import {KeyExchange, expect} from './handshake.js';
import {Socket} from './socket.js';

/** How long the other end may take for each step. */
const STEP_MS = 10000;

/** @returns a promise of an {@link Encrypted} */
export function dial(url, keys, remote) {
    return new Promise((resolve, reject) => {
        const exchange = new KeyExchange(remote, keys.secretKey);
        const failing = step => message => {
            try {
                step(message);
            } catch (error) {
                socket.close(String(error));
            }
        };
        const end = (_, reason) => reject(new Error(reason || 'the connection was closed'));
        const takeKey = failing(message => {
            const sessionKey = exchange.take(message);
            // From here on it reads, so that nothing can come too early.
            resolve(new Encrypted(socket, remote, sessionKey, false));
        });
        const takeReady = failing(message => {
            expect('communication_ready', message);
            socket.reader = {message: takeKey, end};
            socket.deadline(STEP_MS);
            socket.send(exchange.message()).catch(reject);
        });
        const open = () => {
            socket.deadline(STEP_MS);
            const request = {command: 'communication_request', sourcePublicKey: toHex(keys.publicKey), targetPublicKey: toHex(remote)};
            socket.send(JSON.stringify(request)).catch(reject);
        };
        const socket = new Socket(url, {open, message: takeReady, end});
    });
}
