// What a peer keeps: objects under their hashes, files, and a small state. A folder holds it across restarts.
import {appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {references, sha256, write, writeId} from './objects.js';

export class Store {
    #objects = new Map();
    #dir;

    constructor(dir) {
        this.#dir = dir;
        mkdirSync(join(dir, 'blobs'), {recursive: true, mode: 0o700});
        // The last line may be half of one.
        const lines = existsSync(this.#path('objects')) ? readFileSync(this.#path('objects'), 'utf8').split('\n') : [];
        for (const line of lines.slice(0, -1)) {
            try {
                const microdata = JSON.parse(line);
                this.#objects.set(sha256(microdata), microdata);
            } catch {
                // It came to nothing when this peer was killed.
            }
        }
        if (lines.at(-1)) appendFileSync(this.#path('objects'), '\n');
    }

    #path(...names) {
        return join(this.#dir, ...names);
    }

    /** What `save` has kept under a name. */
    load(name) {
        const path = this.#path(`${name}.json`);
        return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
    }

    save(name, value) {
        const path = this.#path(`${name}.json`);
        writeFileSync(`${path}.new`, JSON.stringify(value), {mode: 0o600});
        renameSync(`${path}.new`, path);
    }

    has(hash) {
        return this.#objects.has(hash) || this.hasBlob(hash);
    }

    get(hash) {
        const microdata = this.#objects.get(hash);
        if (microdata === undefined) throw new Error(`there is no object ${hash}`);
        return microdata;
    }

    /** Keeps a microdata; its hash. */
    putMicrodata(microdata) {
        const hash = sha256(microdata);
        if (!this.#objects.has(hash)) {
            this.#objects.set(hash, microdata);
            appendFileSync(this.#path('objects'), JSON.stringify(microdata) + '\n', {mode: 0o600});
        }
        return hash;
    }

    put(object) {
        return this.putMicrodata(write(object));
    }

    putId(object) {
        return this.putMicrodata(writeId(object));
    }

    hasBlob(hash) {
        return existsSync(this.#path('blobs', hash));
    }

    blob(hash) {
        return readFileSync(this.#path('blobs', hash));
    }

    putBlob(bytes) {
        const hash = sha256(bytes);
        writeFileSync(this.#path('blobs', `${hash}.new`), bytes, {mode: 0o600});
        renameSync(this.#path('blobs', `${hash}.new`), this.#path('blobs', hash));
        return hash;
    }

    /** Everything that an object needs, dependants in front of what they need, without itself. */
    closure(root) {
        const done = new Set([root]);
        const order = [];
        // A chain of messages is too long for a recursion.
        const stack = [{left: references(this.get(root)), self: undefined}];
        while (stack.length > 0) {
            const top = stack.at(-1);
            const next = top.left.shift();
            if (next === undefined) {
                stack.pop();
                if (top.self) order.push(top.self);
            } else if (!done.has(next.hash)) {
                done.add(next.hash);
                const isFile = next.type === 'blob' || next.type === 'clob';
                stack.push({left: isFile || !this.#objects.has(next.hash) ? [] : references(this.get(next.hash)), self: next});
            }
        }
        return order.reverse();
    }
}
