// tweetnacl as a contender of `cargo xtask bench plugins`: what an encryption plugin in JavaScript does with a message.
//
// Seal: one random byte says how long the padding is; header, random bytes and message in one array; secretbox. Open: secretbox,
// then the message without its padding. Nonces count, as on a connection.
//
// Says `ready` and what it is. Then each line `BYTES TIMES` is a turn: so many messages of that size are sealed and opened, and
// the seconds that this took are the answer. Ends with its input.
//
//     node tweetnacl.mjs FOLDER     takes FOLDER/node_modules/tweetnacl or FOLDER/tweetnacl

import {existsSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join, resolve} from 'node:path';
import {createInterface} from 'node:readline';

const folder = resolve(process.argv.at(-1));
const modules = existsSync(join(folder, 'tweetnacl')) ? folder : join(folder, 'node_modules');
const require = createRequire(join(modules, 'x.js'));
const path = join(modules, 'tweetnacl');
const nacl = require(path);
const {version} = require(join(path, 'package.json'));

const key = new Uint8Array(32).fill(7);

function nonce(counter) {
    const bytes = new Uint8Array(nacl.secretbox.nonceLength);
    new DataView(bytes.buffer).setBigUint64(bytes.length - 8, BigInt(counter));
    return bytes;
}

function seal(message, counter) {
    const random = nacl.randomBytes(1)[0];
    const padded = new Uint8Array(1 + random + message.length);
    if (random > 0) {
        padded[0] = 1;
        padded[1] = random - 1;
        padded.set(nacl.randomBytes(random - 1), 2);
    }
    padded.set(message, 1 + random);
    return nacl.secretbox(padded, nonce(counter), key);
}

function open(sealed, counter) {
    const padded = nacl.secretbox.open(sealed, nonce(counter), key);
    if (padded === null) throw new Error('cannot be opened');
    return padded.slice(padded[0] === 0 ? 1 : 2 + padded[1]);
}

let counter = 0;

function turn(message, times) {
    let opened = message;
    for (let time = 0; time < times; time += 1) {
        counter += 2;
        opened = open(seal(message, counter), counter);
    }
    return opened;
}

// Until everything that will be compiled is.
turn(new Uint8Array(100), 5000);
turn(new Uint8Array(65536), 200);
console.log(`ready tweetnacl ${version}, Node ${process.version.slice(1)}`);
for await (const line of createInterface({input: process.stdin})) {
    const [size, times] = line.split(' ').map(Number);
    const message = new Uint8Array(size).fill(0xa5);
    const began = process.hrtime.bigint();
    const opened = turn(message, times);
    const took = process.hrtime.bigint() - began;
    if (Buffer.compare(opened, message) !== 0) throw new Error('what was opened is not what was sealed');
    console.log(Number(took) / 1e9);
}
