// Invitations, and how two become contacts (spec/one.md §3).
import {randomBytes} from 'node:crypto';
import {unexpected} from './exchange.js';
import {readIdentity} from './identity.js';

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_';
const TOKEN = 64;

/** Those that hold: each for one use and a while. */
export class Invitations {
    #tokens = new Map();
    #ms;

    constructor(ms) {
        this.#ms = ms;
    }

    create() {
        const token = [...randomBytes(TOKEN)].map(byte => ALPHABET[byte % TOKEN]).join('');
        this.#tokens.set(token, performance.now() + this.#ms);
        return token;
    }

    /** Nobody else can use it from here on; `giveBack` it if it came to nothing. */
    take(token) {
        const until = this.#tokens.get(token);
        this.#tokens.delete(token);
        if (until === undefined || until < performance.now()) throw new Error('Authentication token is not existing.');
        return until;
    }

    giveBack(token, until) {
        this.#tokens.set(token, until);
    }
}

/** What was said has to be what was proven. */
function check(identity, who, instanceKey) {
    const contact = readIdentity(identity);
    if (!contact) throw unexpected('identity');
    const same = ['personId', 'instanceId', 'personKey', 'personSignKey'].every(name => contact[name] === who[name]);
    if (!same || (instanceKey && contact.instanceKey !== instanceKey)) throw new Error('The identity is not the one that was proven.');
    return contact;
}

/** The side that was invited. @returns the new contact */
export async function redeem(steps, identity, who, invitation) {
    steps.send({command: 'authentication_token', token: invitation.token});
    const contact = check((await steps.command('identity')).obj, who, invitation.publicKey);
    await steps.send({command: 'identity', obj: identity.public});
    return contact;
}

/** The side that has invited. @returns the new contact */
export async function admit(steps, identity, who, invitations) {
    const {token} = await steps.command('authentication_token');
    if (typeof token !== 'string') throw unexpected('authentication_token');
    const until = invitations.take(token);
    try {
        steps.send({command: 'identity', obj: identity.public});
        return check((await steps.command('identity')).obj, who);
    } catch (error) {
        invitations.giveBack(token, until);
        throw error;
    }
}
