// A person behind the peer control interface: an identity, its contacts and what it says to them.
import {Identity, isProfileOf, personOf, instanceOf} from './identity.js';
import {Links} from './links.js';
import {read} from './objects.js';
import {Invitations} from './pairing.js';
import {Store} from './store.js';
import {Topics} from './topics.js';

export function makePerson({url, name, email, instance, dir, invitationMs, makesTopics}, tell, transcript) {
    const store = new Store(dir);
    const identity = new Identity(store, {email, instance, url});
    const me = identity.ids.personId;
    const contacts = new Map(store.load('contacts') ?? []);
    const invitations = new Invitations(invitationMs);
    let profile = store.load('profile') ?? changeName(name);

    const topics = new Topics(store, identity, {
        keyOf: person => (person === me ? identity.ids.personSignKey : contacts.get(person)?.personSignKey),
        created: topic => tell({event: 'newTopic', topic}),
        message: (topic, message, own) => tell({event: 'message', topic, ...message, own}),
        changed: person => links.announce(person)
    });
    const links = new Links({
        identity, url, invitations, contacts, store, tell, transcript,
        joined(contact, initiatedLocally) {
            store.putId(personOf(contact.email));
            store.putId(instanceOf(contact.instanceName, contact.personId));
            keep({...contacts.get(contact.personId), ...contact});
            tell({event: 'pairing', remotePersonId: contact.personId, remoteInstanceId: contact.instanceId, initiatedLocally});
            if (makesTopics) topics.open(contact.personId);
        },
        roots: person => [
            ...topics.roots(person),
            {type: 'id', idHash: profile.idHash, oneType: profile.type},
            {type: 'version_node', node: profile.node, dataIdHash: profile.idHash, dataType: profile.type}
        ],
        take(person, type, {hash}) {
            if (type === 'Profile') return takeProfile(person, read(store.get(hash)));
            if (type === 'Topic' || type === 'ChannelInfo') topics.take(person, hash);
        }
    });

    function changeName(text) {
        const changed = identity.profile(text);
        store.save('profile', changed);
        return changed;
    }

    function keep(contact) {
        contacts.set(contact.personId, contact);
        store.save('contacts', [...contacts]);
    }

    function takeProfile(person, theirs) {
        if (!isProfileOf(theirs, person)) return;
        const names = theirs.personDescription.map(hash => read(store.get(hash))).filter(it => it.$type$ === 'PersonName');
        if (names.length > 0) keep({...contacts.get(person), name: names[0].name});
    }

    links.start();
    return {
        info: () => ({
            personId: me,
            instanceId: identity.ids.instanceId,
            publicKey: identity.ids.instanceKey,
            personPublicKey: identity.ids.personKey,
            personPublicSignKey: identity.ids.personSignKey
        }),
        invite: () => ({token: invitations.create(), publicKey: identity.ids.instanceKey, url}),
        accept: invitation => links.redeem(invitation),
        contacts: () => [...contacts.values()].map(({personId, name}) => ({personId, name})),
        connections: () => links.list(),
        topic: person => {
            if (!contacts.has(person)) throw new Error('this is no contact');
            return topics.open(person);
        },
        topics: () => topics.all(),
        send: (topic, text) => topics.send(topic, text),
        sendFile: (topic, size) => topics.sendFile(topic, size),
        messages: topic => topics.messages(topic),
        head: topic => topics.head(topic),
        setName(text) {
            profile = changeName(text);
            for (const person of contacts.keys()) links.announce(person);
        },
        disconnect() {
            links.stop();
            tell({event: 'online', state: false});
        },
        reconnect: () => links.start(),
        async close() {
            links.stop();
        }
    };
}
