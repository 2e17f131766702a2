// The reference implementation behind the peer control interface, phases 1 to 5: connections between keys.
import {run, toHex} from '../control.js';
import {load} from './packages.js';

const models = 'one.models/lib/misc/ConnectionEstablishment';
const {default: nacl} = await load('tweetnacl/nacl-fast.js');
const {CryptoApi} = await load('@refinio/one.core/lib/crypto/CryptoApi.js');
const {connectWithEncryption} = await load(`@refinio/${models}/protocols/EncryptedConnectionHandshake.js`);
const {default: IncomingConnectionManager} = await load(`@refinio/${models}/IncomingConnectionManager.js`);
const {CommunicationServerListenerState: State} = await load(`@refinio/${models}/communicationServer/CommunicationServerListener.js`);

/** What the reference notes of an end of its own, as it says it to the other side. */
function asSent(noted) {
    const [, reason, how] = /^(.*) -> (regular close|terminated)$/.exec(noted) ?? [null, noted, ''];
    const verb = how === 'terminated' ? 'Terminate called' : 'Close called';
    return reason === 'no reason given' ? `${verb}.` : `${verb}: ${reason}`;
}

/** One of the reference's connections, as `control.js` wants it. */
function wrap(connection, key) {
    const wrapped = {
        key,
        onMessage: () => {},
        onEnd: () => {},
        send: message => connection.send(message),
        close: () => connection.close()
    };
    // Its queue of unread messages is for those who wait for single ones: the eleventh would end the connection.
    connection.removePlugin('promise');
    connection.onMessage(message => wrapped.onMessage(typeof message === 'string' ? message : new Uint8Array(message)));
    const ended = state => {
        if (state !== 'closed') return;
        const {reason = '', origin} = connection.statistics.closeEvent ?? {};
        wrapped.onEnd(origin === 'local', origin === 'local' ? asSent(reason) : reason);
    };
    connection.state.onEnterState(ended);
    return wrapped;
}

await run(({secretKey, url, hooks}) => {
    const crypto = new CryptoApi(nacl.box.keyPair.fromSecretKey(secretKey));
    let manager = null;
    return {
        publicKey: crypto.publicEncryptionKey,
        async dial(remote) {
            const {connection} = await connectWithEncryption(url, crypto.createEncryptionApiWithKeysAndPerson(remote));
            return wrap(connection, remote);
        },
        async listen() {
            if (manager) return;
            const current = (manager = new IncomingConnectionManager());
            current.onConnection((connection, _, remote) => hooks.accepted(wrap(connection, remote)));
            await current.listenForCommunicationServerConnections(url, crypto);
            // Its own event comes a second later.
            const {listener} = current.commServerListener.get(url).get(toHex(crypto.publicEncryptionKey));
            listener.onStateChange(state => current === manager && hooks.online(state === State.Listening));
        },
        async stop() {
            const current = manager;
            manager = null;
            await current?.shutdown();
        }
    };
});
