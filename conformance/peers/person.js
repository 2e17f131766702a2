// The peer control interface with identities: phase 6, contacts and chat. A program is such a peer if PEER_EMAIL is set.
//
// What is behind it gives `runPerson` a function that makes a peer of its settings:
//
//     {url, name, email, instance, dir, invitationMs, makesTopics}
//
// and of `tell` and `transcript`. The peer has a method for each command and `close()`. It tells the events by itself,
// `ready` excepted. `commands` are more of them, which get the line as it is.
import {mkdirSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {commServer, finisher, need, obey, openTranscript, tell} from './interface.js';

/** How long an invitation holds. */
const INVITATION_MS = 60000;
/** Posts that one command may ask for. */
const MAX_BURST = 100000;
/** The largest attachment. */
const MAX_FILE = 100 * 1024 * 1024;

/** Whether this program is to have an identity. */
export const hasIdentity = () => Boolean(process.env.PEER_EMAIL);

/** Runs until it is told to quit, its input ends or its time is over. */
export async function runPerson(make) {
    const {env} = process;
    const url = commServer();
    const dir = env.PEER_DIR || mkdtempSync(join(tmpdir(), 'peer-'));
    mkdirSync(dir, {recursive: true, mode: 0o700});
    const transcript = openTranscript();
    const finish = finisher(async () => {
        await peer.close();
        if (!env.PEER_DIR && env.KEEP_DIR !== '1') rmSync(dir, {recursive: true, force: true});
    });

    const email = env.PEER_EMAIL;
    const settings = {
        url,
        dir,
        email,
        name: env.PEER_NAME || email,
        instance: env.PEER_INSTANCE || `instance of ${email}`,
        invitationMs: Number(env.INVITE_EXPIRY_MS ?? INVITATION_MS),
        makesTopics: env.AUTO_TOPIC !== '0'
    };
    const peer = await make(settings, tell, transcript);

    const commands = {
        info: async () => ({phases: 6, ...(await peer.info())}),
        invite: async () => ({event: 'invitation', invitation: await peer.invite()}),
        async accept({invitation}) {
            for (const field of ['token', 'publicKey', 'url']) need(invitation?.[field], `an invitation needs "${field}"`);
            await peer.accept(invitation);
            return {event: 'accepted'};
        },
        contacts: async () => ({contacts: await peer.contacts()}),
        connections: async () => ({connections: await peer.connections()}),
        topic: async ({with: person}) => ({topic: await peer.topic(need(person, 'topic needs "with"'))}),
        topics: async () => ({topics: await peer.topics()}),
        send: async ({topic, text}) => void (await peer.send(need(topic, 'send needs "topic"'), need(text, 'send needs "text"'))),
        messages: async ({topic}) => ({messages: await peer.messages(need(topic, 'messages needs "topic"'))}),
        async burst({topic, text, n}) {
            const count = number(n, MAX_BURST, 'burst needs "n"');
            for (let i = 0; i < count; i++) await peer.send(need(topic, 'burst needs "topic"'), `${need(text, 'burst needs "text"')} ${i}`);
        },
        head: async ({topic}) => ({hash: await peer.head(need(topic, 'head needs "topic"'))}),
        sendFile: async ({topic, size}) => void (await peer.sendFile(need(topic, 'sendFile needs "topic"'), number(size, MAX_FILE, 'sendFile needs "size"'))),
        setName: async ({name}) => void (await peer.setName(need(name, 'setName needs "name"'))),
        async mark({text}) {
            transcript({mark: need(text, 'mark needs "text"')});
        },
        disconnect: async () => void (await peer.disconnect()),
        reconnect: async () => void (await peer.reconnect()),
        ...peer.commands
    };
    tell({event: 'ready', ...(await peer.info())});
    const refused = cmd => (cmd === 'raw' ? 'raw is for peers without an identity: start this one without PEER_EMAIL' : undefined);
    await obey(commands, refused, finish);
}

function number(value, most, problem) {
    if (!Number.isInteger(value) || value < 0 || value > most) throw new Error(problem);
    return value;
}
