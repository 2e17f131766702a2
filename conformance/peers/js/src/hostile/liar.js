// Attacks of a contact: what it offers is not what it says, or not its own.
import {randomBytes} from 'node:crypto';
import {post} from '../channel.js';
import {agree, introduce} from '../exchange.js';
import {Exporter} from '../exporter.js';
import {edge} from '../identity.js';
import {idHashOf, writeId} from '../objects.js';
import {Requests} from '../requests.js';
import {intruders, somebody} from './intruder.js';
import {meet} from './meeting.js';

/** After so long the other end has asked for everything that it wants. */
const ENOUGH_MS = 4000;
const ATTEMPTS = 12;
const AGAIN_MS = 1000;

const wait = ms => new Promise(resolve => setTimeout(resolve, ms));

/** Becomes a contact, and gets a connection on which objects are exchanged. */
async function connect(me, {invitation}) {
    const paired = await intruders.honest(me, {invitation});
    if (paired !== 'paired') throw new Error(`it does not pair: ${paired}`);
    for (let attempt = 0; ; attempt++) {
        const steps = await meet(invitation.url, me.identity.instanceKeys, invitation.publicKey);
        try {
            await agree(steps, 'chum');
            const who = await introduce(steps, me.identity, {initiated: true});
            steps.send('synchronisation');
            await steps.next();
            return {steps, who};
        } catch (error) {
            // It may not have written down yet who we are.
            if (attempt >= ATTEMPTS) throw error;
            await wait(AGAIN_MS);
        }
    }
}

/** A topic of two persons with one message by `author`, in our store. @returns {roots, data, topic} */
function topicWith(me, persons, text, author = me.identity) {
    const {store} = me;
    const id = persons.sort().join('<->');
    const channel = store.putId({$type$: 'ChannelInfo', id});
    const topic = store.put({$type$: 'Topic', name: id, id, channel});
    const head = post(store, author, undefined, {text});
    const node = edge(store, store.put({$type$: 'ChannelInfo', id, head}));
    return {
        topic,
        roots: [
            {type: 'unversioned', hash: topic, oneType: 'Topic'},
            {type: 'id', idHash: channel, oneType: 'ChannelInfo'},
            {type: 'version_node', node, dataIdHash: channel, dataType: 'ChannelInfo'}
        ]
    };
}

/**
 * Offers what `offer(who)` says, with services that `lie(services, requests)` has changed. What came of it: `closed REASON`,
 * or how often the other end has asked for roots.
 */
async function serve(me, how, offer, lie = services => services) {
    const {steps, who} = await connect(me, how);
    const {roots} = offer(who);
    const requests = new Requests(steps.connection);
    let asked = 0;
    let closed = null;
    steps.onEnd = (_, reason) => {
        closed = reason;
        requests.end(reason);
    };
    const services = lie(new Exporter(me.store, () => roots).services(), requests);
    const {2: tell} = services;
    requests.serve(tell ? {...services, 2: () => (asked++, tell())} : services);
    steps.release(message => {
        try {
            requests.take(message);
        } catch {
            // Whatever it says, it is the other end that is looked at.
        }
    });
    await wait(ENOUGH_MS);
    return {requests, end: () => steps.connection.close(), got: closed === null ? `asked ${asked > 0 ? 'for roots' : 'for nothing'}` : `closed ${closed}`};
}

async function offered(...attack) {
    const {got, end} = await serve(...attack);
    end();
    return got;
}

/** With one message for the other end, whose text is LIE. */
const withMessage = lie => (me, how) => offered(me, how, who => topicWith(me, [me.identity.ids.personId, who.personId], 'LIE'), lie);
const isOf = (microdata, type) => microdata.includes(`itemtype="//refin.io/${type}"`);

/** Objects that are answered otherwise: `change` gets the true answer. */
const changed = change => services => ({...services, 6: hash => change(services[6](hash))});
/** Lists of children that are answered otherwise. */
const children = change => services => ({...services, 4: hash => JSON.stringify(change(JSON.parse(services[4](hash))))});

/** Asks a service for something, as a contact. */
async function ask(me, how, service, args) {
    const {requests, end} = await serve(me, how, () => ({roots: []}));
    const got = await requests.ask(service, args, ENOUGH_MS).then(
        data => `served ${String(data).slice(0, 60)}`,
        error => `refused ${error.code ?? error.message}`
    );
    end();
    return got;
}

function othersTopic(who, other) {
    const id = [who.personId, other].sort().join('<->');
    return {id, channel: idHashOf({$type$: 'ChannelInfo', id})};
}

export const liars = {
    'honest-message': withMessage(),
    'wrong-hash': withMessage(changed(text => (isOf(text, 'ChatMessage') ? text.replace('LIE', 'LIES') : text))),
    'no-object': withMessage(changed(text => (isOf(text, 'ChatMessage') ? 17 : text))),
    'no-microdata': withMessage(changed(text => (isOf(text, 'ChatMessage') ? 'LIE' : text))),
    'missing-child': withMessage(children(list => list.slice(0, -2))),
    'no-children': withMessage(children(() => [])),
    'turned-children': withMessage(children(list => list.reverse())),
    'false-children': withMessage(children(list => [...list, {type: 'object', hash: 'ff'.repeat(32)}])),
    'strange-children': withMessage(children(list => [...list, {type: 'dance', hash: '../../etc'}, null, 17])),
    'many-children': withMessage(children(list => [...list, ...Array.from({length: 200000}, (_, i) => ({type: 'object', hash: i.toString(16).padStart(64, '0')}))])),
    'id-for-object': withMessage(services => ({...services, 6: hash => (isOf(services[6](hash), 'ChatMessage') ? writeId({$type$: 'Person', email: 'x'}) : services[6](hash))})),
    'no-roots': withMessage(services => ({...services, 2: () => 'hello'})),
    'strange-roots': withMessage(services => ({...services, 2: () => JSON.stringify([null, 17, {type: 'version_node'}, {type: 'unversioned', hash: '../..'}, ...JSON.parse(services[2]())])})),
    'many-roots': withMessage(services => ({...services, 2: () => JSON.stringify(Array.from({length: 100000}, (_, i) => ({type: 'unversioned', hash: i.toString(16).padStart(64, '0'), oneType: 'Topic'})))})),
    'other-version': withMessage(services => ({...services, 1: () => 9})),
    'silent-service': withMessage(() => ({1: () => 8, 2: () => new Promise(() => {})})),
    'no-services': withMessage(() => ({})),
    'stray-bytes': withMessage((services, requests) => {
        requests.stray(randomBytes(1000));
        return services;
    }),

    async access(me, how) {
        let secret;
        const {requests, end} = await serve(me, how, who => {
            const {id, channel} = othersTopic(who, how.other);
            secret = me.store.put({$type$: 'Topic', name: id, id, channel});
            me.store.putId({$type$: 'ChannelInfo', id});
            const access = me.store.put({$type$: 'Access', object: secret, person: [me.identity.ids.personId], group: []});
            return {roots: [{type: 'unversioned', hash: access, oneType: 'Access'}]};
        });
        const roots = await requests.ask(2, [], ENOUGH_MS).catch(error => error.message);
        end();
        return roots.includes(secret) ? 'granted' : 'refused';
    },
    async 'not-shared'(me, how) {
        let secret;
        const {requests, end} = await serve(me, how, who => {
            secret = othersTopic(who, how.other).channel;
            return {roots: []};
        });
        const got = await requests.ask(7, [secret], ENOUGH_MS).then(() => 'served', error => `refused ${error.code ?? error.message}`);
        end();
        return got;
    },
    'no-such-object': (me, how) => ask(me, how, 6, ['00'.repeat(32)]),
    'no-hash': (me, how) => ask(me, how, 6, ['../../secret']),
    'no-file': (me, how) => ask(me, how, 8, ['00'.repeat(32), null]),
    'unknown-service': (me, how) => ask(me, how, 99, []),

    forged: (me, how) => offered(me, how, who => {
        const forger = {ids: me.identity.ids, sign: hash => ({...somebody(me).sign(hash), issuer: me.identity.ids.personId})};
        return topicWith(me, [me.identity.ids.personId, who.personId], 'LIE', forger);
    }),
    zeros: (me, how) => offered(me, how, who => {
        const forger = {ids: me.identity.ids, sign: data => ({$type$: 'Signature', issuer: me.identity.ids.personId, data, signature: '00'.repeat(64)})};
        return topicWith(me, [me.identity.ids.personId, who.personId], 'LIE', forger);
    }),
    'as-another': (me, how) => offered(me, how, who => {
        // Of whom only the id is known: the object that it is of is left out.
        const forger = {ids: {personId: how.other}, sign: data => ({...me.identity.sign(data), issuer: how.other})};
        return topicWith(me, [me.identity.ids.personId, who.personId], 'LIE', forger);
    }),
    'others-topic': (me, how) => offered(me, how, who => topicWith(me, [how.other, who.personId], 'LIE'))
};
