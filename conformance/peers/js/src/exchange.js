// The first messages of an encrypted connection, both roles: group, sync, and who is at the two ends (spec/one.md §2).
import nacl from 'tweetnacl';
import {fromHex} from '../../interface.js';
import {open, parse, seal} from './handshake.js';
import {idHashOf} from './objects.js';

/** How long phase 6 may take. */
const PHASE_MS = 30000;
const CHALLENGE = 64;

/** Takes the messages of a connection one by one. */
export class Steps {
    #messages = [];
    #waiting = null;
    #ended = null;
    #timer;

    constructor(connection) {
        this.connection = connection;
        connection.onMessage = message => {
            this.#messages.push(message);
            this.#wake();
        };
        connection.onEnd = (isLocal, reason) => {
            this.#ended = reason || 'the connection was closed';
            this.onEnd?.(isLocal, reason);
            this.#wake();
        };
        this.#timer = setTimeout(() => this.fail('Connection timed out'), PHASE_MS);
    }

    #wake() {
        this.#waiting?.();
        this.#waiting = null;
    }

    async next() {
        while (this.#messages.length === 0) {
            if (this.#ended) throw new Error(this.#ended);
            await new Promise(resolve => (this.#waiting = resolve));
        }
        return this.#messages.shift();
    }

    /** The next message, which has to have that command. */
    async command(name) {
        const value = parse(await this.next());
        if (value.command !== name) throw new Error(`Received unexpected type '${value.command}'. Expected type '${name}'.`);
        return value;
    }

    async bytes() {
        const message = await this.next();
        if (typeof message === 'string') throw new Error('Received message that is not a binary message.');
        return message;
    }

    /** Whoever has to know that it has left waits for it; an end is told anyway. */
    send(message) {
        const sent = Promise.resolve(this.connection.send(message instanceof Uint8Array || typeof message === 'string' ? message : JSON.stringify(message)));
        sent.catch(() => {});
        return sent;
    }

    /** Ends the connection, unless it has ended. */
    fail(reason) {
        this.done();
        this.connection.close(reason);
    }

    done() {
        clearTimeout(this.#timer);
    }

    /** From here on somebody else takes the messages, and first those that nobody has taken. */
    release(take) {
        this.done();
        this.connection.onMessage = take;
        for (const message of this.#messages.splice(0)) take(message);
    }
}

/** What is said of a message that has not what its command needs. */
export const unexpected = command => new Error(`Received data does not match the data expected for command '${command}'`);

/** The group that the initiator wants; `group` is given by the initiator alone. */
export async function agree(steps, group) {
    if (group === undefined) {
        const {connectionGroupName} = await steps.command('connection_group');
        if (typeof connectionGroupName !== 'string') throw unexpected('connection_group');
        steps.send({command: 'sync'});
        return connectionGroupName;
    }
    steps.send({command: 'connection_group', connectionGroupName: group});
    await steps.command('sync');
    return group;
}

/** Says who we are, and finds out who is there. `known` is the contact that it has to be, if it has to be one. */
export async function introduce(steps, identity, {initiated, known}) {
    steps.send({command: 'person_id_object', obj: identity.person});
    const {obj: person} = await steps.command('person_id_object');
    if (person?.$type$ !== 'Person' || typeof person.email !== 'string') throw new Error('This is not a person.');
    const personId = idHashOf(person);

    steps.send({command: 'keys_object', obj: identity.keys});
    const {obj: keys} = await steps.command('keys_object');
    if (keys?.$type$ !== 'Keys' || ![keys.publicKey, keys.publicSignKey].every(key => /^[0-9a-f]{64}$/.test(key))) throw new Error('These are not keys.');
    if (keys.owner !== personId) throw new Error('EP-KEYS-OWNER-MISMATCH: Received keys object does not belong to the transmitted person id object');

    const shared = nacl.box.before(fromHex(keys.publicKey), identity.personKeys.secretKey);
    if (initiated) await prove(steps, shared);
    await challenge(steps, shared);
    if (!initiated) await prove(steps, shared);

    if (known && known.personId !== personId) throw new Error('EP-PERSONIDMISMATCH: The person id does not match the one we have on record.');
    if (known && known.personKey !== keys.publicKey) throw new Error('EP-KEYMISSMATCH: Key does not match your previous visit');

    steps.send({command: 'instance_id_object', obj: identity.instance});
    const {obj: instance} = await steps.command('instance_id_object');
    if (instance?.$type$ !== 'Instance' || typeof instance.name !== 'string' || instance.owner !== personId) throw new Error('This is not an instance of this person.');
    const instanceId = idHashOf(instance);
    if (known && known.instanceId !== instanceId) {
        throw new Error('The instance id we have on record for your specified public key does not match the instance id that you sent us.');
    }
    return {personId, instanceId, personKey: keys.publicKey, personSignKey: keys.publicSignKey};
}

async function challenge(steps, shared) {
    const plain = nacl.randomBytes(CHALLENGE);
    steps.send(seal(plain, shared));
    const answer = open(await steps.bytes(), shared);
    if (answer.length !== CHALLENGE || !nacl.verify(answer, plain.map(byte => ~byte))) throw new Error('Failed to authenticate connection.');
}

async function prove(steps, shared) {
    steps.send(seal(open(await steps.bytes(), shared).map(byte => ~byte), shared));
}
