// A minimal peer, written from the specification of the wire protocol and from nothing else: a second opinion.
//
//     npm install && COMM_SERVER_URL=ws://127.0.0.1:8000 node peer.js
import nacl from 'tweetnacl';
import {run} from '../control.js';
import {dial} from './src/connector.js';
import {Listener} from './src/listener.js';

await run(({secretKey, url, hooks}) => {
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
});
