// What one contact tells us: everything is checked against its hash before it is kept, and nothing is kept whose references
// we do not have (spec/one.md §5).
import {VERSION} from './exporter.js';
import {idHashOf, read, references, sha256, typeOf} from './objects.js';

const POLL_MS = 5000;
/** After `synchronisation` the other end may not be listening yet. */
const START_MS = 300;
const VERSION_MS = 2000;
const ATTEMPTS = 15;
/** Requests under way. */
const WINDOW = 32;
const MAX_ROOTS = 100000;
/** Complaints of one connection that are shown. */
const MAX_LOG = 20;
const MAX_CHILDREN = 1000000;
const MAX_OBJECT = 16 * 1024 * 1024;
/** They say who may have what: nobody else tells us that. */
const REFUSED = ['Access', 'IdAccess', 'Group'];
const KINDS = ['object', 'id', 'blob', 'clob'];

const isHash = it => typeof it === 'string' && /^[0-9a-f]{64}$/.test(it);
const wait = ms => new Promise(resolve => setTimeout(resolve, ms));

export class Importer {
    #requests;
    #store;
    #take;
    #log;
    #running = true;
    #poll = null;
    #hurried = false;

    /** `take(type, root)` is told of roots whose objects are all there. */
    constructor(requests, store, take, log) {
        let logged = 0;
        const some = error => logged++ < MAX_LOG && log(error);
        [this.#requests, this.#store, this.#take, this.#log] = [requests, store, take, some];
    }

    /** Asks at once. */
    hurry() {
        this.#hurried = true;
        this.#poll?.();
    }

    stop() {
        this.#running = false;
        this.hurry();
    }

    async run() {
        await wait(START_MS);
        await this.#version();
        while (this.#running) {
            this.#hurried = false;
            const roots = list(await this.#requests.ask(2), MAX_ROOTS);
            for (const root of roots) {
                // One that is wrong is no reason to leave out the others.
                await this.#root(root).catch(error => this.#running && this.#log(error));
            }
            // What came to be while we asked may not be in the answer.
            if (this.#hurried) continue;
            await new Promise(resolve => {
                const timer = setTimeout(resolve, POLL_MS);
                this.#poll = () => (clearTimeout(timer), resolve());
            });
            this.#poll = null;
        }
    }

    async #version() {
        for (let attempt = 0; ; attempt++) {
            try {
                const version = await this.#requests.ask(1, [], VERSION_MS);
                if (version !== VERSION) throw Object.assign(new Error(`CHUM of version ${version}`), {isFinal: true});
                return;
            } catch (error) {
                if (error.isFinal || attempt >= ATTEMPTS || !this.#running) throw error;
                await wait(START_MS);
            }
        }
    }

    async #root(root) {
        const {type, hash, idHash, node, oneType, dataIdHash, dataType} = root ?? {};
        if (type === 'unversioned' && isHash(hash)) {
            await this.#fetch(hash, false, microdata => expectType(microdata, oneType));
            this.#take(oneType, {hash});
        } else if (type === 'id' && isHash(idHash)) {
            await this.#fetch(idHash, true, microdata => expectType(microdata, oneType));
        } else if (type === 'version_node' && isHash(node) && ['ChannelInfo', 'Profile'].includes(dataType)) {
            if (this.#store.has(node)) return;
            const check = microdata => {
                const {$type$, data} = read(microdata);
                const object = read(this.#store.get(data));
                if (!$type$.startsWith('VersionNode') || object.$type$ !== dataType || idHashOf(object) !== dataIdHash) throw new Error('this node is of something else');
            };
            await this.#fetch(node, false, check);
            this.#take(dataType, {hash: read(this.#store.get(node)).data});
        }
    }

    /** Fetches an object and all that it needs. */
    async #fetch(hash, isId, check) {
        if (this.#store.has(hash)) return;
        const children = list(await this.#requests.ask(isId ? 5 : 4, [hash]), MAX_CHILDREN).reverse();
        if (!children.every(it => KINDS.includes(it?.type) && isHash(it.hash))) throw new Error('this is no list of children');
        const missing = children.filter(it => !this.#store.has(it.hash));
        for (let at = 0; at < missing.length; at += WINDOW) {
            const answers = missing.slice(at, at + WINDOW).map(child => [child, this.#ask(child)]);
            for (const [, answer] of answers) answer.catch(() => {});
            for (const [child, answer] of answers) this.#keep(child, await answer);
        }
        this.#keep({type: isId ? 'id' : 'object', hash}, await this.#ask({type: isId ? 'id' : 'object', hash}), check);
    }

    async #ask({type, hash}) {
        if (type === 'object') return this.#requests.ask(6, [hash]);
        if (type === 'id') return this.#requests.ask(7, [hash]);
        // A file that cannot be had is no reason to leave out the messages around it.
        return this.#requests.ask(8, [hash, type === 'clob' ? 'utf8' : undefined]).catch(error => void this.#log(error));
    }

    #keep({type, hash}, answer, check = () => {}) {
        const isFile = type === 'blob' || type === 'clob';
        if (isFile && answer === undefined) return;
        if (!isFile && (typeof answer !== 'string' || answer.length > MAX_OBJECT)) throw new Error(`${hash} is not microdata`);
        if (sha256(answer) !== hash) {
            if (isFile) return this.#log(new Error(`the file ${hash} has another hash`));
            throw new Error(`what came as ${hash} has another hash`);
        }
        if (isFile) return void this.#store.putBlob(answer);
        const kind = typeOf(answer);
        if (!kind || kind.isId !== (type === 'id')) throw new Error(`${hash} is something else`);
        if (REFUSED.includes(kind.type)) throw new Error(`${kind.type} is not taken from others`);
        const lost = references(answer).find(it => !it.type.endsWith('lob') && !this.#store.has(it.hash));
        if (lost) throw new Error(`${hash} needs ${lost.hash}, which did not come before it`);
        check(answer);
        this.#store.putMicrodata(answer);
    }
}

function expectType(microdata, type) {
    if (typeOf(microdata).type !== type) throw new Error(`this is no ${type}`);
}

/** JSON in JSON. */
function list(text, most) {
    const found = JSON.parse(text);
    if (!Array.isArray(found) || found.length > most) throw new Error('this is no list');
    return found;
}
