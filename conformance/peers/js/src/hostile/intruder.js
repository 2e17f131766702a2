// Attacks on pairing: somebody who was not invited, or is somebody else than he says.
import nacl from 'tweetnacl';
import {randomBytes} from 'node:crypto';
import {toHex} from '../../../interface.js';
import {Identity, personOf} from '../identity.js';
import {idHashOf} from '../objects.js';
import {introduce, meet, next, silent, within} from './meeting.js';

/** Somebody else, with keys of his own. */
export function somebody(me, settings = {}) {
    const nothing = {load: () => undefined, save: () => {}, putId: () => {}, put: () => {}};
    return new Identity(nothing, {...me.settings, ...settings});
}

/** Pairs with `lies` in it. `identity` is who we are, `lies.token` and `lies.identity` what is said at the end. */
async function pair(me, {invitation}, lies = {}, identity = me.identity) {
    const steps = await meet(invitation.url, identity.personKeys, invitation.publicKey);
    const over = await introduce(steps, identity, lies);
    if (over) return over;
    if (lies.silentAt === 'token') return silent(steps);
    steps.send({command: 'authentication_token', token: lies.token ?? invitation.token});
    const answer = await within(steps, steps.command('identity').then(() => 'answered identity'));
    if (answer !== 'answered identity') return answer;
    if (lies.silentAt === 'identity') return silent(steps);
    const said = {command: 'identity', obj: identity.public};
    steps.send(lies.identity ? lies.identity(said) : said);
    if (lies.identity) return next(steps);
    // Whoever is honest closes; the other end needs a moment.
    await new Promise(resolve => setTimeout(resolve, 500));
    steps.connection.close();
    return 'paired';
}

const withObject = change => message => ({...message, obj: {...message.obj, ...change(message.obj)}});
const quietAt = step => (me, how) => pair(me, how, {silentAt: step});

/** Asks for objects without being a contact, or as one with other keys. */
async function chum(me, {invitation}, identity) {
    const steps = await meet(invitation.url, identity.instanceKeys, invitation.publicKey);
    const over = await introduce(steps, identity, {group: it => ({...it, connectionGroupName: 'chum'})});
    if (over) return over;
    steps.send('synchronisation');
    const got = await within(steps, steps.next().then(message => `answered ${String(message).slice(0, 40)}`));
    if (got.startsWith('answered')) steps.connection.close();
    return got;
}

/** Sends one message in place of the first that is due. */
async function instead(me, {invitation}, message) {
    const steps = await meet(invitation.url, me.identity.personKeys, invitation.publicKey);
    steps.send(message);
    return next(steps);
}

export const intruders = {
    honest: (me, how) => pair(me, how),
    'keys-owner': (me, how) => pair(me, how, {keys: withObject(() => ({owner: idHashOf(personOf('somebody@else'))}))}),
    'no-keys': (me, how) => pair(me, how, {keys: withObject(() => ({publicKey: 'abc'}))}),
    'wrong-proof': (me, how) => pair(me, how, {answer: bytes => bytes.map(byte => ~byte)}),
    'short-proof': (me, how) => pair(me, how, {answer: bytes => bytes.slice(1)}),
    'no-keys-of-his': (me, how) => pair(me, how, {keys: withObject(() => ({publicKey: toHex(nacl.box.keyPair().publicKey)}))}),
    'other-instance': (me, how) => pair(me, how, {instance: withObject(() => ({owner: idHashOf(personOf('somebody@else'))}))}),
    'wrong-token': (me, how) => pair(me, how, {token: 'x'.repeat(64)}),
    'no-token': (me, how) => pair(me, how, {token: 17}),
    'long-token': (me, how) => pair(me, how, {token: randomBytes(500000).toString('hex')}),
    'other-person': (me, how) => pair(me, how, {identity: withObject(() => ({personEmail: 'somebody@else'}))}),
    'other-keys': (me, how) => pair(me, how, {identity: withObject(() => ({personKeyPublic: toHex(randomBytes(32))}))}),
    'other-name': (me, how) => pair(me, how, {identity: withObject(() => ({instanceName: 'another'}))}),
    'no-identity': (me, how) => pair(me, how, {identity: withObject(() => ({personSignKeyPublic: undefined}))}),
    'same-person': (me, how) => pair(me, how, {}, somebody(me, {instance: 'another'})),
    'unknown-group': (me, how) => pair(me, how, {group: it => ({...it, connectionGroupName: 'video'})}),
    'no-group': (me, how) => instead(me, how, {command: 'connection_group'}),
    'no-json': (me, how) => instead(me, how, 'hello'),
    'no-text': (me, how) => instead(me, how, new Uint8Array(100)),
    'chum-unknown': (me, how) => chum(me, how, me.identity),
    'chum-other-keys': (me, how) => chum(me, how, somebody(me)),
    'silent-group': quietAt('group'),
    'silent-person': quietAt('person'),
    'silent-answer': quietAt('answer'),
    'silent-token': quietAt('token'),
    'silent-identity': quietAt('identity')
};
