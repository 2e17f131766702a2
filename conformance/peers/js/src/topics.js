// The 1:1 topics of a person: what is in them, and what their participants are told of them (spec/one.md §5, §6).
import {randomBytes} from 'node:crypto';
import {entries, merge, post, tellEntry} from './channel.js';
import {edge} from './identity.js';
import {read} from './objects.js';

export class Topics {
    #store;
    #identity;
    #hooks;
    /** id -> {with, topic, channel, hash, head, node} */
    #topics;

    /**
     * `hooks`: `keyOf(person)`, the sign key of a contact; `created(topic)`, `message(topic, message, isOwn)` and
     * `changed(person)`, which is when that person has something to fetch.
     */
    constructor(store, identity, hooks) {
        [this.#store, this.#identity, this.#hooks] = [store, identity, hooks];
        this.#topics = new Map(store.load('topics') ?? []);
    }

    idFor(person) {
        return [this.#identity.ids.personId, person].sort().join('<->');
    }

    all() {
        return [...this.#topics].map(([id, it]) => ({id, name: id, channel: it.channel}));
    }

    #get(id) {
        const topic = this.#topics.get(id);
        if (!topic) throw new Error('there is no such topic');
        return topic;
    }

    /** Finds or makes the topic with a contact. */
    open(person) {
        const id = this.idFor(person);
        if (this.#topics.has(id)) return id;
        const channel = this.#store.putId({$type$: 'ChannelInfo', id});
        const topic = this.#store.put({$type$: 'Topic', name: id, id, channel});
        this.#topics.set(id, {with: person, topic, channel});
        this.#setHead(id, undefined);
        this.#hooks.created(id);
        return id;
    }

    #setHead(id, head) {
        const topic = this.#get(id);
        topic.head = head;
        topic.hash = this.#store.put({$type$: 'ChannelInfo', id, head});
        topic.node = edge(this.#store, topic.hash);
        this.#store.save('topics', [...this.#topics]);
        this.#hooks.changed(topic.with);
    }

    /** What a contact may fetch. */
    roots(person) {
        const topic = this.#topics.get(this.idFor(person));
        if (!topic) return [];
        return [
            {type: 'unversioned', hash: topic.topic, oneType: 'Topic'},
            {type: 'id', idHash: topic.channel, oneType: 'ChannelInfo'},
            {type: 'version_node', node: topic.node, dataIdHash: topic.channel, dataType: 'ChannelInfo'}
        ];
    }

    /** A topic or a channel has come from a contact. Those of others are none of its business. */
    take(person, hash) {
        const {$type$, id, owner, head} = read(this.#store.get(hash));
        if (id !== this.idFor(person) || owner !== undefined) return;
        this.open(person);
        if ($type$ !== 'ChannelInfo') return;
        const topic = this.#get(id);
        const merged = merge(this.#store, topic.head, head);
        if (merged.head !== topic.head) this.#setHead(id, merged.head);
        for (const entry of merged.news) this.#tell(id, entry);
    }

    #tell(id, entry) {
        const message = tellEntry(this.#store, entry, this.#hooks.keyOf);
        if (message) this.#hooks.message(id, message, message.author === this.#identity.ids.personId);
    }

    send(id, text, attachments) {
        const head = post(this.#store, this.#identity, this.#get(id).head, {text, attachments});
        this.#setHead(id, head);
        this.#tell(id, entries(this.#store, head).next().value);
    }

    sendFile(id, size) {
        const data = this.#store.putBlob(randomBytes(size));
        const file = {$type$: 'BlobDescriptor', data, lastModified: Date.now(), name: 'file', size, type: 'application/octet-stream'};
        this.send(id, 'file', [this.#store.put(file)]);
    }

    messages(id) {
        const told = [...entries(this.#store, this.#get(id).head)].map(entry => tellEntry(this.#store, entry, this.#hooks.keyOf));
        return told.filter(Boolean).reverse();
    }

    head(id) {
        return this.#get(id).hash;
    }
}
