// Who a peer is: a person with one instance, their keys, and the profile that tells others of them.
import nacl from 'tweetnacl';
import {fromHex, toHex} from '../../interface.js';
import {idHashOf} from './objects.js';

const PROFILE = 'default';

export const personOf = email => ({$type$: 'Person', email});
export const instanceOf = (name, owner) => ({$type$: 'Instance', name, owner});

/** The ids and keys that stand in the public identity of somebody (spec/one.md §3); undefined if it is none. */
export function readIdentity(it) {
    const texts = ['personEmail', 'instanceName'].every(name => typeof it?.[name] === 'string');
    const keys = ['personKeyPublic', 'personSignKeyPublic', 'instanceKeyPublic', 'instanceSignKeyPublic'];
    if (!texts || it.type !== 'public' || !keys.every(name => /^[0-9a-f]{64}$/.test(it[name]))) return undefined;
    if (it.url !== undefined && typeof it.url !== 'string') return undefined;
    const personId = idHashOf(personOf(it.personEmail));
    return {
        personId,
        instanceId: idHashOf(instanceOf(it.instanceName, personId)),
        email: it.personEmail,
        instanceName: it.instanceName,
        personKey: it.personKeyPublic,
        personSignKey: it.personSignKeyPublic,
        instanceKey: it.instanceKeyPublic,
        instanceSignKey: it.instanceSignKeyPublic,
        url: it.url
    };
}

export class Identity {
    constructor(store, {email, instance, url}) {
        let secrets = store.load('identity');
        if (!secrets) {
            const [person, ours, personSign, oursSign] = [nacl.box.keyPair(), nacl.box.keyPair(), nacl.sign.keyPair(), nacl.sign.keyPair()];
            secrets = {
                email,
                instance,
                keys: [person, ours, personSign, oursSign].map(pair => ({publicKey: toHex(pair.publicKey), secretKey: toHex(pair.secretKey)}))
            };
            store.save('identity', secrets);
        }
        const [person, ours, personSign, oursSign] = secrets.keys.map(pair => ({publicKey: fromHex(pair.publicKey), secretKey: fromHex(pair.secretKey)}));
        Object.assign(this, {store, personKeys: person, instanceKeys: ours, signKeys: personSign});
        this.public = {
            type: 'public',
            personEmail: secrets.email,
            instanceName: secrets.instance,
            personKeyPublic: toHex(person.publicKey),
            personSignKeyPublic: toHex(personSign.publicKey),
            instanceKeyPublic: toHex(ours.publicKey),
            instanceSignKeyPublic: toHex(oursSign.publicKey),
            url
        };
        this.ids = readIdentity(this.public);
        this.person = personOf(this.ids.email);
        this.instance = instanceOf(this.ids.instanceName, this.ids.personId);
        this.keys = {$type$: 'Keys', owner: this.ids.personId, publicKey: this.ids.personKey, publicSignKey: this.ids.personSignKey};
        store.putId(this.person);
        store.putId(this.instance);
    }

    /** Keeps a new version of our profile. @returns {node, idHash} */
    profile(name) {
        const {store, ids} = this;
        const instanceKeys = store.put({$type$: 'Keys', owner: ids.instanceId, publicKey: ids.instanceKey, publicSignKey: ids.instanceSignKey});
        const endpoint = store.put({
            $type$: 'OneInstanceEndpoint',
            personId: ids.personId,
            instanceId: ids.instanceId,
            personKeys: store.put(this.keys),
            instanceKeys,
            url: ids.url
        });
        const profile = {
            $type$: 'Profile',
            profileId: PROFILE,
            personId: ids.personId,
            owner: ids.personId,
            communicationEndpoint: [endpoint],
            personDescription: [store.put({$type$: 'SignKey', key: ids.personSignKey}), store.put({$type$: 'PersonName', name})]
        };
        return {node: edge(store, store.put(profile)), idHash: store.putId(profile), type: 'Profile'};
    }

    /** The signature of an object. */
    sign(hash) {
        const signature = toHex(nacl.sign.detached(new TextEncoder().encode(hash), this.signKeys.secretKey));
        return {$type$: 'Signature', issuer: this.ids.personId, data: hash, signature};
    }
}

/** A version node without a history: the only kind that we tell of. */
export const edge = (store, data) => store.put({$type$: 'VersionNodeEdge', data, depth: 0, creationTime: Date.now()});

export function verify(signature, signKey) {
    const bytes = /^[0-9a-f]{128}$/.test(signature.signature) ? fromHex(signature.signature) : new Uint8Array(64);
    return nacl.sign.detached.verify(new TextEncoder().encode(signature.data), bytes, fromHex(signKey));
}

export const isProfileOf = (profile, person) => profile.$type$ === 'Profile' && profile.profileId === PROFILE && profile.personId === person && profile.owner === person;
