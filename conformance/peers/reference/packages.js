// The packages of the network's reference implementation. Nothing of them lies here: they are imported from the folder
// that RATATOSK_REFERENCE names (or from the node_modules in it).
import {existsSync} from 'node:fs';
import {join, resolve} from 'node:path';
import {pathToFileURL} from 'node:url';

const folder = process.env.RATATOSK_REFERENCE;
const root = folder && [join(folder, 'node_modules'), folder].find(it => existsSync(join(it, '@refinio/one.models/package.json')));
if (!root) {
    console.error('RATATOSK_REFERENCE has to name a folder in which @refinio/one.models and @refinio/one.core are installed');
    process.exit(2);
}

/** Imports a module of a package. */
export const load = path => import(pathToFileURL(resolve(root, path)));

// It has to come first: it makes the reference's WebSockets those of Node.
await load('@refinio/one.core/lib/system/load-nodejs.js');
