// Objects as microdata, and what names them: hash and id hash (spec/one.md §4). Only the types that a small peer needs;
// all others stay texts, of which only the references are known.
import {createHash} from 'node:crypto';

/**
 * The properties of each type, in the order in which they are written: `name:kind`, `*` behind those that identify, `?`
 * behind those that may be missing.
 */
const RECIPES = {
    Person: 'email* name?',
    Instance: 'name* owner:id*',
    Keys: 'owner:id publicKey publicSignKey',
    OneInstanceEndpoint: 'personId:id instanceId:id personKeys:obj instanceKeys:obj url?',
    SignKey: 'key',
    PersonName: 'name',
    Profile: 'profileId* personId:id* owner:id* communicationEndpoint:bag-obj personDescription:bag-obj',
    License: 'name description',
    AffirmationCertificate: 'data:obj license:obj',
    Signature: 'issuer:id data:obj signature',
    Topic: 'name? id channel:id',
    ChannelInfo: 'id* owner:id*? head:obj?',
    LinkedListEntry: 'data:obj metadata:bag-obj? previous:obj?',
    CreationTime: 'timestamp:number data:obj',
    ChatMessage: 'text attachments:array-obj? sender:id thumbnails:array-obj?',
    BlobDescriptor: 'data:blob lastModified:number name size:number type',
    Access: 'object:obj* person:bag-id group:bag-id',
    VersionNodeEdge: 'data:obj depth:number creationTime:number',
    VersionNodeChange: 'prev:obj? data:obj depth:number creationTime:number',
    VersionNodeMerge: 'nodes:bag-obj data:obj depth:number creationTime:number'
};

const rules = {};
for (const [type, text] of Object.entries(RECIPES)) {
    rules[type] = text.split(' ').map(rule => {
        const [, name, kind = 'text', isId, optional] = /^(\w+)(?::([\w-]+))?(\*)?(\?)?$/.exec(rule);
        return {name, kind, isId: Boolean(isId), optional: Boolean(optional)};
    });
}

/** Of a text or bytes. A lone surrogate counts as U+FFFD. */
export const sha256 = data => createHash('sha256').update(data).digest('hex');

const escape = text => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const unescape = text => text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');

function value(kind, name, it) {
    const prop = name && ` itemprop="${name}"`;
    if (kind.startsWith('bag-') || kind.startsWith('array-')) {
        const [container, item] = kind.split('-');
        const items = it.map(one => `<li>${value(item, '', one)}</li>`);
        const tag = container === 'bag' ? 'ul' : 'ol';
        return `<${tag}${prop}>${(container === 'bag' ? items.sort() : items).join('')}</${tag}>`;
    }
    if (kind === 'text' || kind === 'number') return `<span${prop}>${escape(String(it))}</span>`;
    return `<a${prop} data-type="${kind}">${it}</a>`;
}

function body(object, wanted) {
    const rulesOfType = rules[object.$type$];
    if (!rulesOfType) throw new Error(`there is no recipe for ${object.$type$}`);
    return rulesOfType.filter(wanted).map(({name, kind, optional}) => {
        if (object[name] !== undefined) return value(kind, name, object[name]);
        if (!optional) throw new Error(`${object.$type$} has no ${name}`);
        return '';
    }).join('');
}

/** The microdata of an object. */
export const write = object => `<div itemscope itemtype="//refin.io/${object.$type$}">${body(object, () => true)}</div>`;

/** The microdata of its id object. */
export const writeId = object => `<div data-id-object="true" itemscope itemtype="//refin.io/${object.$type$}">${body(object, rule => rule.isId)}</div>`;

export const hashOf = object => sha256(write(object));
export const idHashOf = object => sha256(writeId(object));

/** The type that a microdata names, and whether it is an id object; undefined if it is none of both. */
export function typeOf(microdata) {
    const found = /^<div (data-id-object="true" )?itemscope itemtype="\/\/refin\.io\/([\w$]+)">/.exec(microdata);
    return found && {isId: Boolean(found[1]), type: found[2]};
}

/** The object of a microdata whose type has a recipe. @throws if it would be written otherwise */
export function read(microdata) {
    const {isId, type} = typeOf(microdata) ?? {};
    if (!rules[type]) throw new Error('no microdata of a known type');
    const object = {$type$: type};
    const kinds = new Map(rules[type].map(({name, kind}) => [name, kind]));
    const property = /<(span|a|ul|ol) itemprop="(\w+)"(?: data-type="\w+")?>(.*?)<\/\1>/gs;
    for (const [, , name, inner] of microdata.matchAll(property)) {
        const kind = kinds.get(name) ?? '';
        if (kind.includes('-')) object[name] = [...inner.matchAll(/<li><a data-type="\w+">([0-9a-f]{64})<\/a><\/li>/g)].map(([, hash]) => hash);
        else object[name] = kind === 'number' ? Number(inner) : unescape(inner);
    }
    if ((isId ? writeId : write)(object) !== microdata) throw new Error(`this ${type} would be written otherwise`);
    return object;
}

/** What a microdata refers to, each once, in the order in which it stands there. */
export function references(microdata) {
    const found = new Map();
    for (const [, kind, hash] of microdata.matchAll(/<a (?:itemprop="[^"<>]*" )?data-type="(obj|id|blob|clob)">([0-9a-f]{64})<\/a>/g)) {
        found.set(hash, {type: kind === 'obj' ? 'object' : kind, hash});
    }
    return [...found.values()];
}
