// A small peer, written from the specification of the protocol and from nothing else: a second opinion.
//
//     npm install && export COMM_SERVER_URL=ws://127.0.0.1:8000
//     node peer.js                                # a key and its connections, phases 1 to 5
//     PEER_EMAIL=a@example.test node peer.js      # a person: pairing, contacts, chat
import nacl from 'tweetnacl';
import {run} from '../control.js';
import {hasIdentity, runPerson} from '../person.js';
import {dial} from './src/connector.js';
import {Listener} from './src/listener.js';
import {makePerson} from './src/person.js';

const makeConnections = ({secretKey, url, hooks}) => {
    const keys = nacl.box.keyPair.fromSecretKey(secretKey);
    let listener = null;
    return {
        publicKey: keys.publicKey,
        dial: remote => dial(url, keys, remote),
        listen() {
            listener ??= new Listener(url, keys, hooks);
        },
        stop() {
            listener?.stop();
            listener = null;
        }
    };
};

await (hasIdentity() ? runPerson(makePerson) : run(makeConnections));
