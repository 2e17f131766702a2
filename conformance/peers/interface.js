// What every peer behind the control interface does alike: commands as JSON lines on standard input, events on standard
// output, an end in good order.
import {createWriteStream} from 'node:fs';

export const toHex = bytes => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
export const isHex = digits => typeof digits === 'string' && digits.length % 2 === 0 && !/[^0-9a-f]/i.test(digits);
export const fromHex = digits => new Uint8Array(Buffer.from(digits, 'hex'));
export const content = message => (typeof message === 'string' ? {text: message} : {hex: toHex(message)});

/** The longest line: a message of 100 MiB would be one of 200 MiB. */
const MAX_LINE = 64 * 1024 * 1024;
/** How long an end may take. */
export const CLOSING_MS = 2000;
/** The exit code when the time is over. */
const TIMED_OUT = 3;

export const tell = event => process.stdout.write(JSON.stringify(event) + '\n');

export function need(value, problem) {
    if (typeof value !== 'string') throw new Error(problem);
    return value;
}

/** The address of the CommServer. Without one there is no peer. */
export function commServer() {
    const url = process.env.COMM_SERVER_URL;
    if (url) return url;
    tell({event: 'error', where: 'start', error: {message: 'COMM_SERVER_URL is not set'}});
    process.exit(1);
}

/**
 * Sets the time that the peer has.
 *
 * @returns what ends the program, once `close` has put everything in order
 */
export function finisher(close) {
    const finish = async code => {
        setTimeout(() => process.exit(code), 2 * CLOSING_MS).unref();
        await close().catch(error => console.error(error));
        tell({event: 'exit'});
        // Standard output is a pipe: what was written to it before is on its way.
        process.stdout.write('', () => process.exit(code));
    };
    const limit = Number(process.env.PEER_TIMEOUT_MS ?? 0);
    if (limit > 0) setTimeout(() => finish(TIMED_OUT), limit);
    return finish;
}

/** Obeys `commands` until it is told to quit or its input ends. `refused` says why a command is none, if it knows. */
export async function obey(commands, refused, finish) {
    const answer = async line => {
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
            if (!Object.hasOwn(commands, cmd)) throw new Error(refused(cmd) ?? `unknown command ${cmd}`);
            tell({event: 'result', cmd, id, ...(await commands[cmd](request))});
        } catch (error) {
            tell({event: 'error', where: cmd, id, error: {message: error?.message ?? String(error)}});
        }
    };
    for await (const line of lines(process.stdin)) answer(line);
    if (process.env.STAY !== '1') await finish(0);
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

/** What writes an entry into the file that TRANSCRIPT names, if it names one. */
export function openTranscript() {
    const path = process.env.TRANSCRIPT;
    if (!path) return () => {};
    const file = createWriteStream(path);
    const start = performance.now();
    return entry => file.write(JSON.stringify({...entry, t: performance.now() - start}) + '\n');
}
