// The connections of a person: to each contact one on which objects are exchanged, kept up from both ends; and those on
// which somebody becomes a contact.
import {fromHex, toHex, content} from '../../interface.js';
import {dial} from './connector.js';
import {Steps, agree, introduce} from './exchange.js';
import {Exporter} from './exporter.js';
import {Importer} from './importer.js';
import {Listener} from './listener.js';
import {admit, redeem} from './pairing.js';
import {Requests} from './requests.js';

/** Of two connections to one contact so soon one after the other, the second is dropped; later the first. */
const DUPLICATE_MS = 2000;
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 10000;
/** A new contact dials first if it was invited. */
const COURTESY_MS = 1500;
const SYNCHRONISATION = 'synchronisation';

export class Links {
    #it;
    #listener = null;
    #links = new Map(); // person -> {connection, since, requests, importer}
    #dials = new Map(); // person -> {timer, failures}
    #next = 1;

    /**
     * `it` is the person: `identity`, `url`, `invitations`, `contacts` (a map), `store`, `tell`, `transcript`, and
     * `joined(contact, initiated)`, `roots(person)`, `take(person, type, root)`.
     */
    constructor(it) {
        this.#it = it;
    }

    list() {
        return [...this.#links].map(([personId, {instanceId}]) => ({personId, instanceId, protocol: 'chum'}));
    }

    start() {
        const {identity, url, tell} = this.#it;
        let isOnline = false;
        const online = state => {
            if (state !== isOnline) tell({event: 'online', state: (isOnline = state)});
        };
        this.#listener ??= new Listener(url, identity.instanceKeys, {online, accepted: connection => void this.#accept(this.#watch(connection))});
        for (const person of this.#it.contacts.keys()) this.dial(person, 0);
    }

    stop() {
        this.#listener?.stop();
        this.#listener = null;
        for (const {timer} of this.#dials.values()) clearTimeout(timer);
        this.#dials.clear();
        for (const {connection} of this.#links.values()) connection.close();
    }

    /** A contact has something to fetch. One that polls at its own pace does not mind. */
    announce(person) {
        this.#links.get(person)?.requests.ask(3).catch(() => {});
    }

    /** Notes what passes. */
    #watch(connection) {
        const {transcript} = this.#it;
        const number = this.#next++;
        return {
            key: toHex(connection.key),
            send(message) {
                transcript({dir: 'sent', connection: number, ...content(message)});
                return connection.send(message);
            },
            close: reason => connection.close(reason),
            set onMessage(take) {
                connection.onMessage = message => {
                    transcript({dir: 'received', connection: number, ...content(message)});
                    take(message);
                };
            },
            set onEnd(take) {
                connection.onEnd = (isLocal, reason) => {
                    transcript({dir: isLocal ? 'closed' : 'closed by the other end', connection: number, text: reason});
                    take(isLocal, reason);
                };
            }
        };
    }

    async #dialTo(url, keys, key) {
        return this.#watch(await dial(url, keys, fromHex(key)));
    }

    /** Becomes a contact of whoever has made this invitation. */
    async redeem(invitation) {
        const {identity} = this.#it;
        const steps = new Steps(await this.#dialTo(invitation.url, identity.personKeys, invitation.publicKey));
        try {
            await agree(steps, 'pairing');
            const who = await introduce(steps, identity, {initiated: true});
            this.#expectKey(who);
            const contact = await redeem(steps, identity, who, invitation);
            steps.done();
            steps.connection.close();
            this.#it.joined(contact, true);
            this.dial(contact.personId, 0);
        } catch (error) {
            steps.fail(String(error));
            throw error;
        }
    }

    /** Somebody whom we know has the keys that we know. */
    #expectKey({personId, personKey}) {
        const known = this.#it.contacts.get(personId);
        if (known && known.personKey !== personKey) throw new Error('EP-KEYMISSMATCH: Key does not match your previous visit');
    }

    async #accept(connection) {
        const {identity, invitations, contacts} = this.#it;
        const steps = new Steps(connection);
        try {
            const group = await agree(steps);
            const known = [...contacts.values()].find(contact => contact.instanceKey === connection.key);
            if (group !== 'pairing' && group !== 'chum') throw new Error(`ConnectionRoutesGroupName ${group} not supported`);
            const who = await introduce(steps, identity, {initiated: false, known});
            this.#expectKey(who);
            if (group === 'pairing') {
                if (who.personKey !== connection.key) throw new Error('The person key is not the one of this connection.');
                const contact = await admit(steps, identity, who, invitations);
                steps.done();
                this.#it.joined(contact, false);
                this.dial(contact.personId, COURTESY_MS);
            } else if (known) {
                await this.#exchange(steps, known, false);
            } else {
                throw new Error('Unable to start chum because you are unknown');
            }
        } catch (error) {
            steps.fail(String(error));
        }
    }

    /** Connects to a contact in so many milliseconds, unless there is a connection by then. */
    dial(person, ms) {
        const entry = this.#dials.get(person) ?? {failures: 0};
        this.#dials.set(person, entry);
        clearTimeout(entry.timer);
        entry.timer = setTimeout(() => void this.#connect(person, entry), ms);
    }

    async #connect(person, entry) {
        const contact = this.#it.contacts.get(person);
        if (!this.#listener || !contact?.url || this.#links.has(person)) return;
        let steps;
        try {
            steps = new Steps(await this.#dialTo(contact.url, this.#it.identity.instanceKeys, contact.instanceKey));
            await agree(steps, 'chum');
            await introduce(steps, this.#it.identity, {initiated: true, known: contact});
            await this.#exchange(steps, contact, true);
            entry.failures = 0;
        } catch (error) {
            steps?.fail(String(error));
            this.#again(person, entry);
        }
    }

    #again(person, entry = this.#dials.get(person)) {
        if (!this.#listener || !entry || this.#links.has(person)) return;
        const longest = Math.min(FIRST_RETRY_MS * 2 ** entry.failures++, LAST_RETRY_MS);
        this.dial(person, longest * (1 + Math.random()));
    }

    /** Objects pass from here on, in both directions. */
    async #exchange(steps, {personId, instanceId}, initiated) {
        const {connection} = steps;
        const old = this.#links.get(personId);
        if (old && performance.now() - old.since < DUPLICATE_MS) return steps.fail('Duplicate connection - dropped new connection');
        old?.connection.close('New connection replaced old one');

        const {store, tell} = this.#it;
        const log = error => console.error(`${personId.slice(0, 8)}: ${error?.message ?? error}`);
        const requests = new Requests(connection);
        const importer = new Importer(requests, store, (type, root) => this.#it.take(personId, type, root), log);
        const link = {connection, requests, importer, instanceId, since: performance.now()};
        this.#links.set(personId, link);
        steps.onEnd = (_, reason) => {
            importer.stop();
            requests.end(reason || 'the connection was closed');
            if (this.#links.get(personId) !== link) return;
            this.#links.delete(personId);
            tell({event: 'connections', connections: this.list()});
            this.#again(personId);
        };
        tell({event: 'protocolStart', protocol: 'chum', remotePersonId: personId, initiatedLocally: initiated});
        tell({event: 'connections', connections: this.list()});
        steps.send(SYNCHRONISATION);
        await steps.next();
        requests.serve({...new Exporter(store, () => this.#it.roots(personId)).services(), 3: () => importer.hurry()});
        steps.release(message => {
            try {
                requests.take(message);
            } catch (error) {
                connection.close(String(error));
            }
        });
        importer.run().catch(error => connection.close(String(error)));
    }
}
