// What passes on the reference's connections, decrypted: its encryption is where everything passes as it was meant.
import {load} from './packages.js';
import {content} from '../interface.js';

/** Notes every message from now on. */
export async function observe(transcript) {
    const {default: EncryptionPlugin} = await load('@refinio/one.models/lib/misc/Connection/plugins/EncryptionPlugin.js');
    const {transformIncomingEvent: incoming, transformOutgoingEvent: outgoing} = EncryptionPlugin.prototype;
    const note = (dir, connection, event) => {
        if (event.type === 'message') transcript({dir, connection, ...content(event.data)});
    };
    EncryptionPlugin.prototype.transformIncomingEvent = function (event) {
        const plain = incoming.call(this, event);
        note('received', this.id, plain);
        return plain;
    };
    EncryptionPlugin.prototype.transformOutgoingEvent = function (event) {
        note('sent', this.id, event);
        return outgoing.call(this, event);
    };
}
