// Drives the network's reference implementation behind the peer control interface.
//
//     export RATATOSK_REFERENCE=/path/to/it COMM_SERVER_URL=ws://127.0.0.1:8000
//     node peer.js                                # a key and its connections, phases 1 to 5
//     PEER_EMAIL=a@example.test node peer.js      # a person: pairing, contacts, chat
import {hasIdentity} from '../person.js';

await import(hasIdentity() ? './person.js' : './connections.js');
