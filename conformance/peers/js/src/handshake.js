// The messages before encryption (§2, §3), and what is wrong with others (§6). Reasons are those of recorded peers.
import nacl from 'tweetnacl';
import {fromHex, isHex, toHex} from '../../control.js';

const NONCE = 24;
const KEY = 32;

/** What each command has to have beside its name. */
const FIELDS = {
    authentication_request: {publicKey: 'string', challenge: 'string'},
    authentication_success: {pingInterval: 'defined'},
    connection_handover: {},
    communication_request: {sourcePublicKey: 'string', targetPublicKey: 'string'},
    communication_ready: {}
};

/** The message with that command. @throws whatever is wrong, to be the reason of a close */
export function expect(command, message) {
    const value = parse(message);
    if (value.command !== command) throw new Error(`Received unexpected type '${value.command}'. Expected type '${command}'.`);
    const wrong = Object.entries(FIELDS[command]).some(([name, type]) => value[name] === undefined || (type !== 'defined' && typeof value[name] !== type));
    const notHex = command === 'communication_request' && ![value.sourcePublicKey, value.targetPublicKey].every(isHex);
    if (wrong || notHex) throw new Error(`Received data does not match the data expected for command '${command}'`);
    return value;
}

/** A message with a command. */
export function parse(message) {
    if (typeof message !== 'string') throw new Error('Received message that is not a string message.');
    let value;
    try {
        value = JSON.parse(message);
    } catch (error) {
        throw new Error(`Received message that does not conform to JSON: ${error}`);
    }
    if (value === null || typeof value !== 'object' || typeof value.command !== 'string') throw new Error("Received message without a 'command' member.");
    return value;
}

/** A public key of its digits. */
export function publicKey(digits) {
    if (digits.length % 2 !== 0) throw new RangeError('Expected string to be an even number of characters');
    const key = isHex(digits) ? fromHex(digits) : new Uint8Array(0);
    if (key.length !== KEY) throw new Error('CYENC-ENSPUB: Data is not a public key');
    return key;
}

/** nonce ‖ box */
export function seal(plain, sharedKey) {
    const nonce = nacl.randomBytes(NONCE);
    return new Uint8Array([...nonce, ...nacl.secretbox(plain, nonce, sharedKey)]);
}

export function open(sealed, sharedKey) {
    if (sealed.length < NONCE) throw new Error('bad nonce size');
    const plain = nacl.secretbox.open(sealed.subarray(NONCE), sealed.subarray(0, NONCE), sharedKey);
    if (!plain) throw new Error('CYENC-SYMDEC: Decryption with symmetric key failed');
    return plain;
}

/** Step 3 of §2. */
export function answerChallenge({publicKey: server, challenge}, secretKey) {
    const sharedKey = nacl.box.before(publicKey(server), secretKey);
    if (challenge.length % 2 !== 0) throw new RangeError('Expected string to be an even number of characters');
    const plain = open(fromHex(isHex(challenge) ? challenge : ''), sharedKey).map(byte => ~byte);
    return JSON.stringify({command: 'authentication_response', response: toHex(seal(plain, sharedKey))});
}

/** One end's part of the key exchange, steps 6 to 8 of §3. */
export class KeyExchange {
    #temporary = nacl.box.keyPair();
    #longTerm;

    constructor(remote, secretKey) {
        this.#longTerm = nacl.box.before(remote, secretKey);
    }

    message() {
        return seal(this.#temporary.publicKey, this.#longTerm);
    }

    /** The session key. */
    take(message) {
        if (typeof message === 'string') throw new Error('Received message that is not a binary message.');
        const theirs = open(message, this.#longTerm);
        if (theirs.length !== KEY) throw new Error('bad public key size');
        // Of a point of low order everybody knows the shared secret: zeros. Our own key, sent back, is nobody's.
        if (nacl.verify(nacl.scalarMult(this.#temporary.secretKey, theirs), new Uint8Array(KEY))) throw new Error('bad public key (low order)');
        if (nacl.verify(theirs, this.#temporary.publicKey)) throw new Error('bad public key (it is ours)');
        return nacl.box.before(theirs, this.#temporary.secretKey);
    }
}
