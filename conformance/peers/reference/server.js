// The CommServer of the network's reference implementation, started like ours; its first line says where it listens.
//
//     RATATOSK_REFERENCE=/path/to/it node server.js --listen 127.0.0.1:8000 [--ping-interval-ms N] [--pong-timeout-ms N]
import {parseArgs} from 'node:util';
import {load} from './packages.js';

/** How long it may take to stop: it waits for sockets that never said who they are. */
const STOPPING_MS = 1000;

const {values} = parseArgs({
    options: {
        listen: {type: 'string', default: '127.0.0.1:8000'},
        'ping-interval-ms': {type: 'string', default: '25000'},
        'pong-timeout-ms': {type: 'string', default: '1000'}
    }
});
const {hostname, port} = new URL(`http://${values.listen}`);

const {default: CommunicationServer} = await load(
    '@refinio/one.models/lib/misc/ConnectionEstablishment/communicationServer/CommunicationServer.js'
);
const server = new CommunicationServer();
await server.start(hostname, Number(port || 80), Number(values['ping-interval-ms']), Number(values['pong-timeout-ms']));
// With port 0 the system has chosen one.
console.log(`the reference listens on ws://${hostname}:${server.webSocketListener.webSocketServer.address().port}`);

async function stop() {
    setTimeout(() => process.exit(0), STOPPING_MS);
    await server.stop().catch(error => console.error(error));
}
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);
