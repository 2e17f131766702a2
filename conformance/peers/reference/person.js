// A whole instance of the reference implementation behind the peer control interface: an identity, contacts and chat.
import {runPerson} from '../person.js';
import {load} from './packages.js';
import {Chat} from './chat.js';
import {observe} from './transcript.js';

// Standard output is for events.
for (const level of ['log', 'info', 'debug']) console[level] = (...words) => console.error(...words);
// A part of it that fails is no reason to end the others.
for (const event of ['unhandledRejection', 'uncaughtException']) process.on(event, error => console.error(error));

const core = path => load(`@refinio/one.core/lib/${path}.js`);
const models = path => load(`@refinio/one.models/lib/${path}.js`);
const [{initInstance, closeInstance, getInstanceIdHash}, {createAccess}, {SET_ACCESS_MODE}, {getDefaultKeys}, {getObject}, {objectEvents}] = await Promise.all(
    ['instance', 'access', 'storage-base-common', 'keychain/keychain', 'storage-unversioned-objects'].map(core).concat(models('misc/ObjectEventDispatcher'))
);
const [LeuteModel, ChannelManager, TopicModel, ConnectionsModel, stable, experimental] = (
    await Promise.all(
        ['models/Leute/LeuteModel', 'models/ChannelManager', 'models/Chat/TopicModel', 'models/ConnectionsModel', 'recipes/recipes-stable', 'recipes/recipes-experimental'].map(models)
    )
).map(module => module.default);
const maps = await Promise.all(['recipes/reversemaps-stable', 'recipes/reversemaps-experimental'].map(models));

/** It protects the keys of a folder that lives as long as a test. */
const SECRET = 'conformance';

/** While the reference writes a version of something, nothing is what it reads of it, and whatever needs it fails. */
async function again(look) {
    for (let left = 10; ; left--) {
        try {
            return await look();
        } catch (error) {
            if (left === 0 || error.code !== 'UTC-EHASH') throw error;
            await new Promise(resolve => setTimeout(resolve, 50));
        }
    }
}

async function open({dir, email, instance}) {
    await initInstance({
        name: instance,
        email,
        secret: SECRET,
        directory: dir,
        encryptStorage: false,
        initialRecipes: [...stable, ...experimental],
        initiallyEnabledReverseMapTypes: new Map(maps.flatMap(map => map.ReverseMapsStable ?? map.ReverseMapsExperimental)),
        initiallyEnabledReverseMapTypesForIdObjects: new Map(maps.flatMap(map => map.ReverseMapsForIdObjectsStable ?? map.ReverseMapsForIdObjectsExperimental))
    });
    await objectEvents.init();
}

await runPerson(async (settings, tell, transcript) => {
    const {url, name, invitationMs, makesTopics} = settings;
    await observe(transcript);
    await open(settings);
    const leute = new LeuteModel(url, true);
    const channels = new ChannelManager(leute);
    const topics = new TopicModel(channels, leute);
    const connections = new ConnectionsModel(leute, {
        commServerUrl: url,
        acceptIncomingConnections: true,
        acceptUnknownInstances: true,
        acceptUnknownPersons: false,
        allowPairing: true,
        allowDebugRequests: true,
        establishOutgoingConnections: true,
        pairingTokenExpirationDuration: invitationMs
    });
    await leute.init();
    await channels.init();
    await topics.init();
    const me = await leute.myMainIdentity();
    const chat = new Chat({channels, topics, me, tell});

    const failed = where => error => tell({event: 'error', where, error: {message: error?.message ?? String(error)}});
    const opened = () => connections.connectionsInfo().filter(it => it.isConnected && !it.isCatchAll);
    let online = false;
    let before = '';
    connections.onOnlineStateChange(state => {
        if (state !== online) tell({event: 'online', state: (online = state)});
    });
    connections.onConnectionsChange(() => {
        const now = list().map(it => `${it.personId} ${it.protocol}`).join();
        if (now !== before) tell({event: 'connections', connections: list()});
        before = now;
    });
    connections.onConnectionError(failed('connection'));
    connections.onProtocolStart((initiatedLocally, _, __, remotePersonId, remoteInstanceId, protocol) =>
        tell({event: 'protocolStart', protocol, remotePersonId, remoteInstanceId, initiatedLocally}));
    connections.pairing.onPairingSuccess((initiatedLocally, _, __, remotePersonId, remoteInstanceId) => {
        tell({event: 'pairing', remotePersonId, remoteInstanceId, initiatedLocally});
        again(() => share(remotePersonId)).catch(failed('share'));
        if (makesTopics) again(() => topics.createOneToOneTopic(me, remotePersonId)).catch(failed('topic'));
    });
    const list = () => opened().map(it => ({personId: it.remotePersonId, instanceId: it.remoteInstanceId, protocol: it.protocolName}));
    const profile = async () => (await leute.me()).mainProfile();

    /** A person sees our name once our profile is shared with it: groups are not exported. */
    async function share(person) {
        await createAccess([{id: (await profile()).idHash, person: [person], group: [], mode: SET_ACCESS_MODE.ADD}]);
    }

    async function setName(text) {
        const mine = await profile();
        mine.personDescriptions = mine.personDescriptions.filter(it => it.$type$ !== 'PersonName');
        mine.personDescriptions.push({$type$: 'PersonName', name: text});
        await mine.saveAndLoad();
    }
    if ((await profile()).descriptionsOfType('PersonName').length === 0) await setName(name);
    await connections.init();

    return {
        setName: text => again(() => setName(text)),
        async info() {
            const keys = await getObject(await getDefaultKeys(getInstanceIdHash()));
            const personKeys = await getObject(await getDefaultKeys(me));
            return {
                personId: me,
                instanceId: getInstanceIdHash(),
                publicKey: keys.publicKey,
                personPublicKey: personKeys.publicKey,
                personPublicSignKey: personKeys.publicSignKey
            };
        },
        invite: () => connections.pairing.createInvitation(me),
        accept: invitation => connections.pairing.connectUsingInvitation(invitation, me),
        async contacts() {
            const others = await again(() => leute.others());
            return others.flatMap(someone => someone.identities().map(personId => {
                const known = leute.getPersonName(personId);
                return {personId, ...([personId, 'N/A'].includes(known) ? {} : {name: known})};
            }));
        },
        connections: list,
        async topic(person) {
            return (await again(() => topics.createOneToOneTopic(me, person))).id;
        },
        topics: async () => (await again(() => topics.topics.all())).map(({id, name, channel}) => ({id, name, channel})),
        send: (topic, text) => again(() => chat.send(topic, text)),
        messages: topic => again(() => chat.messages(topic)),
        head: topic => again(() => chat.head(topic)),
        sendFile: (topic, size) => again(() => chat.sendFile(topic, size)),
        async disconnect() {
            await connections.disableAllConnections();
        },
        async reconnect() {
            await connections.enableAllConnections();
        },
        async close() {
            await connections.shutdown();
            await topics.shutdown();
            await channels.shutdown();
            await leute.shutdown();
            closeInstance();
        }
    };
});
