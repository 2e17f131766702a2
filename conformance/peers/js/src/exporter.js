// What we tell one contact: roots, what they need, and the objects themselves, none that was not announced (spec/one.md §5).
import {typeOf} from './objects.js';
import {Stream} from './requests.js';

export const VERSION = 8;

export class Exporter {
    #store;
    #roots;
    #announced = new Set();

    /** `roots()` is what the contact may have now. */
    constructor(store, roots) {
        [this.#store, this.#roots] = [store, roots];
    }

    services() {
        return {
            1: () => VERSION,
            2: () => JSON.stringify(this.#listRoots()),
            4: hash => this.#children(hash, false, 'CES-GOC1'),
            5: hash => this.#children(hash, true, 'CES-GIDOC1'),
            6: hash => this.#object(hash, false, 'CES-GO1'),
            7: hash => this.#object(hash, true, 'CES-GIDO1'),
            8: hash => new Stream(this.#store.blob(this.#may(hash, 'CES-GBL1')))
        };
    }

    #listRoots() {
        const roots = this.#roots();
        for (const {hash, idHash, node} of roots) for (const it of [hash, idHash, node]) if (it) this.#announced.add(it);
        return roots;
    }

    #may(hash, code) {
        if (this.#announced.has(hash) && this.#store.has(hash)) return hash;
        throw Object.assign(new Error(`${code}: this is not accessible`), {code});
    }

    #children(hash, isId, code) {
        this.#ofKind(hash, isId, code);
        const children = this.#store.closure(hash);
        for (const child of children) this.#announced.add(child.hash);
        return JSON.stringify(children);
    }

    #object(hash, isId, code) {
        return this.#ofKind(hash, isId, code);
    }

    #ofKind(hash, isId, code) {
        const microdata = this.#store.get(this.#may(hash, code));
        if (typeOf(microdata).isId !== isId) throw Object.assign(new Error(`${code}: this is something else`), {code});
        return microdata;
    }
}
