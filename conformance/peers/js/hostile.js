// A partner that does what no contact may do: `{"cmd":"attack","name":NAME,"invitation":INVITATION}` is answered with what
// came of it, `{"event":"result","got":TEXT}`. `other` is the id of somebody else whom the one under attack knows.
//
//     COMM_SERVER_URL=ws://127.0.0.1:8000 PEER_EMAIL=m@example.test node hostile.js
import {runPerson} from '../person.js';
import {Identity} from './src/identity.js';
import {Store} from './src/store.js';
import {intruders} from './src/hostile/intruder.js';
import {liars} from './src/hostile/liar.js';

await runPerson(({url, email, instance, dir, name}) => {
    const store = new Store(dir);
    const identity = new Identity(store, {email, instance, url});
    const me = {store, identity, url, name, settings: {email, instance, url}};
    const attacks = {...intruders, ...liars};
    return {
        info: () => ({personId: identity.ids.personId, publicKey: identity.ids.instanceKey}),
        commands: {
            async attack({name, invitation, other}) {
                if (!Object.hasOwn(attacks, name)) throw new Error(`there is no attack ${name}`);
                return {got: await attacks[name](me, {invitation, other})};
            }
        },
        async close() {}
    };
});
