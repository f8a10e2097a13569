import { type ClientRequest, type IncomingMessage } from 'node:http';
import { type SnapshotMessage } from '../src/replication/peer-transport';
import { type Connector, readAnswer } from './connector';
import { encodeMessage } from './message-codec';
import { type Envelope, MESSAGE_HEADER, PATHS, writeEnvelope } from './protocol';

/** See `PeerTransport.sendSnapshot`. */
export async function sendSnapshot(
  connector: Connector,
  envelope: Envelope,
  message: SnapshotMessage,
  body: AsyncIterable<Buffer>,
): Promise<void> {
  const headers = { ...writeEnvelope(envelope), [MESSAGE_HEADER]: encodeMessage(message).toString('base64url') };
  const request = connector.request('POST', PATHS.snapshot, headers);
  const answered = answerTo(request);
  // It may be refused at any time; who waits for something else hears of it first.
  answered.catch(() => undefined);
  try {
    for await (const chunk of body) await Promise.race([written(request, chunk), answered]);
    request.end();
    await answered;
  } finally {
    // Nothing, if it is over.
    request.destroy();
  }
}

function answerTo(request: ClientRequest): Promise<void> {
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', (response: IncomingMessage) => {
      readAnswer(response).then(() => resolve(), reject);
    });
  });
}

function written(request: ClientRequest, chunk: Buffer): Promise<void> {
  return new Promise((resolve) => {
    request.write(chunk, () => resolve());
  });
}
