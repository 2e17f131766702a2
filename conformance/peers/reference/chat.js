// Topics and messages of the reference implementation, as the control interface tells them.
import {randomBytes} from 'node:crypto';
import {load} from './packages.js';

const {getObject} = await load('@refinio/one.core/lib/storage-unversioned-objects.js');
const {getObjectByIdHash} = await load('@refinio/one.core/lib/storage-versioned-objects.js');
const {objectEvents} = await load('@refinio/one.models/lib/misc/ObjectEventDispatcher.js');
const {readBlobAsArrayBuffer} = await load('@refinio/one.core/lib/storage-blob.js');

/** The author as the reference sees it: the issuer of an affirmation, which it does not verify. */
async function authorOf(metadata = []) {
    for (const hash of metadata) {
        const signature = await getObject(hash);
        if (signature.$type$ !== 'Signature') continue;
        const {$type$} = await getObject(signature.data);
        if ($type$ === 'AffirmationCertificate') return signature.issuer;
    }
    return undefined;
}

/** What there is of an attachment. */
async function attachment(hash) {
    const {data, name, type} = await getObject(hash);
    const bytes = await readBlobAsArrayBuffer(data);
    return {name, type, hash: data, size: bytes.byteLength};
}

export class Chat {
    #channels;
    #topics;
    #me;
    #known = new Set();
    /** Channels that were seen, and messages that were told. */
    #seen = new Set();
    #told = new Set();
    #telling = Promise.resolve();

    constructor({channels, topics, me, tell}) {
        [this.#channels, this.#topics, this.#me] = [channels, topics, me];
        const inOrder = step => (this.#telling = this.#telling.then(step).catch(error => console.error(error)));
        inOrder(async () => {
            for (const {id, channel} of await topics.topics.all()) {
                this.#known.add(id);
                this.#seen.add(channel);
            }
        });
        topics.onNewTopicEvent(() => void inOrder(() => this.#tellTopics(tell)));
        channels.onUpdated((_, topic, __, ___, entries) => void inOrder(() => this.#tellMessages(tell, topic, entries)));
        // It says nothing of what is in the first version of a channel that it gets.
        objectEvents.onNewVersion(({idHash, obj}) => void inOrder(() => this.#tellFirst(tell, idHash, obj)), 'messages', 'ChannelInfo');
    }

    async #tellFirst(tell, idHash, channel) {
        if (this.#seen.has(idHash)) return;
        this.#seen.add(idHash);
        const entries = [];
        for await (const entry of this.#channels.constructor.entryIterator(channel)) entries.push({...entry, isNew: true});
        await this.#tellMessages(tell, channel.id, entries);
    }

    async #tellTopics(tell) {
        for (const {id} of await this.#topics.topics.all()) {
            if (this.#known.has(id)) continue;
            this.#known.add(id);
            tell({event: 'newTopic', topic: id});
        }
    }

    async #tellMessages(tell, topic, entries) {
        for (const {isNew, dataHash, creationTime, creationTimeHash, metaDataHashes} of [...entries].reverse()) {
            const data = isNew && !this.#told.has(creationTimeHash) ? await getObject(dataHash) : {};
            if (data.$type$ !== 'ChatMessage') continue;
            this.#told.add(creationTimeHash);
            const author = await authorOf(metaDataHashes);
            tell({event: 'message', topic, text: data.text, author, own: author === this.#me, creationTime});
        }
    }

    async send(topic, text) {
        await (await this.#topics.enterTopicRoom(topic)).sendMessage(text, this.#me, null);
    }

    async sendFile(topic, size) {
        const bytes = randomBytes(size);
        const file = {
            name: 'file',
            size,
            type: 'application/octet-stream',
            lastModified: Date.now(),
            arrayBuffer: async () => bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + size)
        };
        await (await this.#topics.enterTopicRoom(topic)).sendMessageWithAttachmentAsFile('file', [file], this.#me, null);
    }

    async messages(topic) {
        const entries = await (await this.#topics.enterTopicRoom(topic)).retrieveAllMessages();
        return Promise.all(entries.map(async ({author, creationTime, data}) => ({
            text: data.text,
            author,
            creationTime: creationTime.getTime(),
            attachments: await Promise.all((data.attachments ?? []).map(attachment))
        })));
    }

    async head(topic) {
        const found = await this.#topics.topics.queryById(topic);
        if (!found) throw new Error('there is no such topic');
        return (await getObjectByIdHash(found.channel)).hash;
    }
}
