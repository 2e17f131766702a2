// The peer control interface, phases 1 to 5: commands as JSON lines on standard input, events on standard output.
//
// What is behind it gives `run` a function that makes a peer of a secret key, the address of the CommServer and hooks:
//
//     peer.publicKey             Uint8Array
//     peer.listen()              begins to register; peer.stop() ends that
//     peer.dial(publicKey)       a promise of a connection
//     hooks.online(boolean)      whether the peer can be reached
//     hooks.accepted(connection) somebody has connected
//
// A connection has `key` (Uint8Array), `send(string | Uint8Array)`, `close()` and, set by us before anything can come,
// `onMessage(message)` and `onEnd(isLocal, reason)`.
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {randomBytes} from 'node:crypto';
import {join} from 'node:path';
import {CLOSING_MS, commServer, content, finisher, fromHex, isHex, need, obey, openTranscript, tell, toHex} from './interface.js';

export {fromHex, isHex, toHex};

const NEEDS_IDENTITIES = ['invite', 'accept', 'contacts', 'topic', 'topics', 'send', 'messages', 'burst', 'head', 'sendFile', 'setName'];

/** Runs until it is told to quit, its input ends or its time is over. */
export async function run(make) {
    const url = commServer();
    const finish = finisher(async () => commands.disconnect());
    const connections = new Map(); // number -> {connection, role, key}
    const dialling = new Map(); // key -> promise of a number
    let next = 1;
    let isOnline = false;
    const transcript = openTranscript();

    const hooks = {
        online(online) {
            if (online !== isOnline) tell({event: 'online', state: (isOnline = online)});
        },
        accepted: connection => void add(connection, 'listener')
    };
    const peer = await make({secretKey: loadKey(process.env.PEER_DIR), url, hooks});
    const publicKey = toHex(peer.publicKey);
    tell({event: 'ready', publicKey});

    function add(connection, role) {
        const number = next++;
        const key = toHex(connection.key);
        connections.set(number, {connection, role, key});
        tell({event: 'connected', connection: number, key, role});
        connection.onMessage = message => {
            transcript({dir: 'received', connection: number, ...content(message)});
            tell({event: 'raw', connection: number, key, ...content(message)});
        };
        connection.onEnd = (isLocal, reason) => {
            if (!connections.delete(number)) return;
            tell({event: 'disconnected', connection: number, role, origin: isLocal ? 'local' : 'remote', reason});
        };
        return number;
    }

    /** The newest connection to a key, or a new one. */
    async function connectionTo(key) {
        const there = [...connections].reverse().find(([, entry]) => entry.key === key);
        if (there) return there[0];
        if (!dialling.has(key)) {
            const attempt = peer.dial(fromHex(key)).then(connection => add(connection, 'initiator'));
            dialling.set(key, attempt.finally(() => dialling.delete(key)));
        }
        return dialling.get(key);
    }

    async function closeAll() {
        const open = [...connections.values()];
        const ends = open.map(({connection}) => new Promise(resolve => {
            const told = connection.onEnd;
            connection.onEnd = (...end) => resolve(told(...end));
            connection.close();
        }));
        let timer;
        await Promise.race([Promise.all(ends), new Promise(resolve => { timer = setTimeout(resolve, CLOSING_MS); })]);
        clearTimeout(timer);
    }

    const commands = {
        info: () => ({publicKey, phases: 5}),
        connections: () => ({
            connections: [...connections].map(([connection, {role, key}]) => ({connection, key, role, state: 'open'}))
        }),
        mark({text}) {
            transcript({mark: need(text, 'mark needs "text"')});
        },
        async raw({key, text, hex}) {
            if (!/^[0-9a-f]{64}$/i.test(key ?? '')) throw new Error('raw needs "key", 64 hex digits');
            if ((typeof text === 'string') === (typeof hex === 'string')) throw new Error('raw needs either "text" or "hex"');
            if (hex !== undefined && !isHex(hex)) throw new Error('"hex" is not hex');
            const number = await connectionTo(key.toLowerCase());
            const entry = connections.get(number);
            if (!entry) throw new Error('the connection is closed');
            const message = text ?? fromHex(hex);
            transcript({dir: 'sent', connection: number, ...content(message)});
            await entry.connection.send(message);
            return {connection: number};
        },
        async disconnect() {
            await peer.stop();
            hooks.online(false);
            await closeAll();
        },
        async reconnect() {
            await peer.listen();
        }
    };

    await peer.listen();
    const refused = cmd => (NEEDS_IDENTITIES.includes(cmd) ? `${cmd} needs identities: start this peer with PEER_EMAIL` : undefined);
    await obey(commands, refused, finish);
}

/** The key of the folder, or a new one. */
function loadKey(dir) {
    if (!dir) return new Uint8Array(randomBytes(32));
    const path = join(dir, 'secret.key');
    try {
        return fromHex(readFileSync(path, 'utf8').trim());
    } catch (error) {
        if (error.code !== 'ENOENT') throw error;
        const key = new Uint8Array(randomBytes(32));
        mkdirSync(dir, {recursive: true, mode: 0o700});
        writeFileSync(path, toHex(key), {mode: 0o600});
        return key;
    }
}
