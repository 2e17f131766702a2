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
import {createWriteStream, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {randomBytes} from 'node:crypto';
import {join} from 'node:path';

export const toHex = bytes => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
export const isHex = digits => typeof digits === 'string' && digits.length % 2 === 0 && !/[^0-9a-f]/i.test(digits);
export const fromHex = digits => new Uint8Array(Buffer.from(digits, 'hex'));

/** The longest line: a message of 100 MiB would be one of 200 MiB. */
const MAX_LINE = 64 * 1024 * 1024;
/** How long connections may take to close. */
const CLOSING_MS = 2000;
/** The exit code when the time is over. */
const TIMED_OUT = 3;
const NEEDS_IDENTITIES = ['invite', 'accept', 'contacts', 'topic', 'topics', 'send', 'messages', 'burst', 'head', 'sendFile', 'setName'];

const tell = event => process.stdout.write(JSON.stringify(event) + '\n');
const content = message => (typeof message === 'string' ? {text: message} : {hex: toHex(message)});

/** Runs until it is told to quit, its input ends or its time is over. */
export async function run(make) {
    const url = process.env.COMM_SERVER_URL;
    if (!url) {
        tell({event: 'error', where: 'start', error: {message: 'COMM_SERVER_URL is not set'}});
        process.exit(1);
    }
    const limit = Number(process.env.PEER_TIMEOUT_MS ?? 0);
    if (limit > 0) setTimeout(() => finish(TIMED_OUT), limit);

    const connections = new Map(); // number -> {connection, role, key}
    const dialling = new Map(); // key -> promise of a number
    let next = 1;
    let isOnline = false;
    const transcript = openTranscript(process.env.TRANSCRIPT);

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

    async function finish(code) {
        setTimeout(() => process.exit(code), 2 * CLOSING_MS).unref();
        await commands.disconnect();
        tell({event: 'exit'});
        // Standard output is a pipe: what was written to it before is on its way.
        process.stdout.write('', () => process.exit(code));
    }

    async function obey(line) {
        let request;
        try {
            request = JSON.parse(line);
            need(request?.cmd, 'a line needs "cmd"');
        } catch (error) {
            return tell({event: 'error', where: 'command', id: request?.id, error: {message: error.message}});
        }
        const {cmd, id} = request;
        if (cmd === 'quit') return finish(0);
        try {
            if (NEEDS_IDENTITIES.includes(cmd)) throw new Error(`${cmd} needs identities (phase 6), which this peer does not have`);
            if (!Object.hasOwn(commands, cmd)) throw new Error(`unknown command ${cmd}`);
            tell({...(await commands[cmd](request)), event: 'result', cmd, id});
        } catch (error) {
            tell({event: 'error', where: cmd, id, error: {message: error?.message ?? String(error)}});
        }
    }

    await peer.listen();
    for await (const line of lines(process.stdin)) obey(line);
    if (process.env.STAY !== '1') await finish(0);
}

function need(value, problem) {
    if (typeof value !== 'string') throw new Error(problem);
    return value;
}

/** Lines that are not blank, none longer than may be. */
async function* lines(stream) {
    let parts = [];
    let length = 0;
    for await (let chunk of stream) {
        for (let end; (end = chunk.indexOf(10)) >= 0; chunk = chunk.subarray(end + 1)) {
            parts.push(chunk.subarray(0, end));
            const line = Buffer.concat(parts).toString('utf8').trim();
            [parts, length] = [[], 0];
            if (line) yield line;
        }
        parts.push(chunk);
        if ((length += chunk.length) > MAX_LINE) throw new Error('a line is too long');
    }
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

function openTranscript(path) {
    if (!path) return () => {};
    const file = createWriteStream(path);
    const start = performance.now();
    return entry => file.write(JSON.stringify({...entry, t: performance.now() - start}) + '\n');
}
