// The list of a channel's messages: newest first, a canonical one for what is in it (spec/one.md §5).
import {verify} from './identity.js';
import {read} from './objects.js';

const object = (store, hash) => read(store.get(hash));

/** The entries from a head on, newest first. */
export function* entries(store, head) {
    for (let at = head; at !== undefined; ) {
        const {data, metadata, previous} = object(store, at);
        const {timestamp, data: message} = object(store, data);
        yield {at, time: data, timestamp, message, metadata, previous};
        at = previous;
    }
}

const key = entry => `${entry.time} ${entry.metadata ?? ''}`;
const isNewer = (one, other) => one.timestamp > other.timestamp || (one.timestamp === other.timestamp && key(one) > key(other));

/** The head of a list with the entries of both, and what is new to the first. */
export function merge(store, ours, theirs) {
    const lists = [entries(store, ours), entries(store, theirs)];
    const tops = lists.map(list => list.next().value);
    const above = [];
    const news = [];
    // Down to where both are the same list.
    while ((tops[0] ?? tops[1]) && tops[0]?.at !== tops[1]?.at) {
        const side = !tops[0] || (tops[1] && isNewer(tops[1], tops[0])) ? 1 : 0;
        const entry = tops[side];
        if (above.length === 0 || key(above.at(-1)) !== key(entry)) above.push(entry);
        const isSame = tops[0] && tops[1] && key(tops[0]) === key(tops[1]);
        if (side === 1 && !isSame) news.push(entry);
        tops[side] = lists[side].next().value;
        if (isSame) tops[1 - side] = lists[1 - side].next().value;
    }
    let head = tops[0]?.at;
    for (const {time, metadata} of above.reverse()) head = append(store, head, time, metadata);
    return {head, news: news.reverse()};
}

const append = (store, previous, data, metadata) => store.put({$type$: 'LinkedListEntry', data, metadata, previous});

const AFFIRMATION = {$type$: 'License', name: 'Affirmation', description: '[signature.issuer] affirms that content of [data] is correct.'};

/** A new message on top. @returns the head */
export function post(store, identity, head, message) {
    // It must not be older than what it stands on.
    const top = head === undefined ? 0 : object(store, object(store, head).data).timestamp;
    const data = store.put({$type$: 'ChatMessage', sender: identity.ids.personId, ...message});
    const time = store.put({$type$: 'CreationTime', timestamp: Math.max(Date.now(), top + 1), data});
    const certificate = store.put({$type$: 'AffirmationCertificate', data: time, license: store.put(AFFIRMATION)});
    return append(store, head, time, [store.put(identity.sign(certificate))]);
}

/** Who has written an entry, and whether that is proven: `keyOf(person)` is the sign key that we know of somebody. */
function authorOf(store, {time, metadata = []}, keyOf) {
    for (const hash of metadata) {
        const signature = attempt(() => object(store, hash));
        const certificate = signature?.$type$ === 'Signature' && attempt(() => object(store, signature.data));
        if (!certificate || certificate.$type$ !== 'AffirmationCertificate' || certificate.data !== time) continue;
        const signKey = keyOf(signature.issuer);
        if (!signKey) return {author: signature.issuer, affirmed: 'unverified'};
        return {author: signature.issuer, affirmed: verify(signature, signKey) ? 'verified' : 'forged'};
    }
    return {affirmed: 'unverified'};
}

function attempt(it) {
    try {
        return it();
    } catch {
        return undefined;
    }
}

/** An entry as the control interface tells it; undefined if it is no message. */
export function tellEntry(store, entry, keyOf) {
    const message = attempt(() => object(store, entry.message));
    if (message?.$type$ !== 'ChatMessage') return undefined;
    const attachments = (message.attachments ?? []).flatMap(hash => {
        const file = attempt(() => object(store, hash));
        if (file?.$type$ !== 'BlobDescriptor' || !store.hasBlob(file.data)) return [];
        return [{name: file.name, type: file.type, hash: file.data, size: store.blob(file.data).length}];
    });
    const {author, affirmed} = authorOf(store, entry, keyOf);
    // Nobody is shown as the author of what another has sent.
    const isForged = affirmed === 'verified' && author !== message.sender;
    return {text: message.text, author, creationTime: entry.timestamp, attachments, affirmed: isForged ? 'forged' : affirmed};
}
