// Phase 6 as one who lies plays it: every message can be another than the true one, or be missing.
import nacl from 'tweetnacl';
import {fromHex} from '../../../interface.js';
import {dial} from '../connector.js';
import {Steps} from '../exchange.js';
import {open, seal} from '../handshake.js';

/** How long is waited for something that is due. */
const SOON_MS = 6000;
/** Longer than phase 6 may take. */
const LATE_MS = 40000;

/** An encrypted connection whose messages are taken one by one, without a deadline. */
export async function meet(url, keys, key) {
    const steps = new Steps(await dial(url, keys, fromHex(key)));
    steps.done();
    return steps;
}

/** `it`, or `open` if that takes too long: then the connection is closed by us. */
export async function within(steps, it, ms = SOON_MS) {
    const late = new Promise(resolve => setTimeout(resolve, ms, 'open'));
    const got = await Promise.race([late, it.catch(error => `closed ${error.message}`)]);
    if (got === 'open') steps.connection.close();
    return got;
}

/** What happens next: the end of the connection, a message, or nothing. */
export async function next(steps, ms = SOON_MS) {
    const told = message => (typeof message === 'string' ? `answered ${JSON.parse(message).command}` : 'answered with bytes');
    const got = await within(steps, steps.next().then(told), ms);
    if (got.startsWith('answered')) steps.connection.close();
    return got;
}

/** Says nothing more, and waits for the end, whatever the other end says before it. */
export const silent = steps => within(steps, ended(steps), LATE_MS);

async function ended(steps) {
    for (;;) await steps.next();
}

class Silence extends Error {}

/** What was sealed, or something: with another's key nobody can read it. */
function read(sealed, shared) {
    try {
        return open(sealed, shared);
    } catch {
        return nacl.randomBytes(64);
    }
}

/**
 * Says who we are, as the initiator. `lies` has functions that change what is sent: `person`, `keys`, `answer`, `instance`;
 * `silentAt` names the message after which we say nothing.
 *
 * @returns undefined, or what came of it if it was over before the end
 */
export function introduce(steps, identity, lies = {}) {
    return within(steps, play(steps, identity, lies), lies.silentAt ? 2 * LATE_MS : SOON_MS);
}

async function play(steps, identity, lies) {
    const lie = (name, truth) => {
        if (lies.silentAt === name) throw new Silence();
        return lies[name] ? lies[name](truth) : truth;
    };
    try {
        steps.send(lie('group', {command: 'connection_group', connectionGroupName: 'pairing'}));
        await steps.command('sync');
        steps.send(lie('person', {command: 'person_id_object', obj: identity.person}));
        await steps.command('person_id_object');
        steps.send(lie('keys', {command: 'keys_object', obj: identity.keys}));
        const {obj: keys} = await steps.command('keys_object');
        const shared = nacl.box.before(fromHex(keys.publicKey), identity.personKeys.secretKey);
        const challenge = read(await steps.bytes(), shared);
        steps.send(seal(lie('answer', challenge.map(byte => ~byte)), shared));
        steps.send(seal(nacl.randomBytes(64), shared));
        await steps.bytes();
        steps.send(lie('instance', {command: 'instance_id_object', obj: identity.instance}));
        await steps.command('instance_id_object');
        return undefined;
    } catch (error) {
        if (error instanceof Silence) return silent(steps);
        throw error;
    }
}
