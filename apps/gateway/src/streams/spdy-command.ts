import { type Duplex, type Readable } from 'node:stream';
import { type WebSocket } from 'ws';
import { channel, type SpdyStream, spdyServer } from '#streaming';
import { CommandBridge } from './command-bridge';

/** Upstream's `DefaultStreamCreationTimeout`. */
const creationMs = 30_000;
/** How long a client that has been told everything may take to hang up. */
const lingerMs = 5_000;

const outputs: Readonly<Record<number, string>> = {
  [channel.stdout]: 'stdout',
  [channel.stderr]: 'stderr',
  [channel.error]: 'error',
};

/**
 * A command for a client that speaks SPDY, as all did before KEP-4006. The client opens a stream for each of `names`; the command's output
 * waits until all are there. Rejects if the client does not open them.
 */
export async function serveSpdyCommand(
  client: Duplex,
  agent: WebSocket,
  names: readonly string[],
  protocol: string,
): Promise<void> {
  const streams = await openedStreams(client, names);
  const bridge = new CommandBridge(
    agent,
    {
      deliver: (number, data, done) => {
        const stream = streams.get(outputs[number] ?? '');
        if (stream === undefined || data.length === 0) done();
        else stream.write(data, () => done());
      },
      end: () => void endAll(client, streams),
      pause: () => client.pause(),
      resume: () => client.resume(),
    },
    protocol,
  );
  client.once('close', () => bridge.close());
  const stdin = streams.get('stdin');
  stdin?.on('data', (chunk: Buffer) => bridge.send(channel.stdin, chunk));
  stdin?.once('end', () => bridge.send(channel.close, Buffer.of(channel.stdin)));
  const resize = streams.get('resize');
  if (resize !== undefined) onLine(resize, (line) => bridge.send(channel.resize, line));
}

async function openedStreams(client: Duplex, names: readonly string[]): Promise<Map<string, SpdyStream>> {
  const connection = await spdyServer(client);
  const streams = new Map<string, SpdyStream>();
  return new Promise((resolve, reject) => {
    const fail = (): void => reject(new Error('the client did not open its streams'));
    const timer = setTimeout(fail, creationMs);
    client.once('close', () => {
      clearTimeout(timer);
      fail();
    });
    connection.on('error', () => client.destroy());
    connection.on('stream', (stream) => {
      // What breaks a stream breaks the connection.
      stream.on('error', () => client.destroy());
      stream.respond(200, {});
      streams.set(stream.headers.streamtype ?? '', stream);
      if (!names.every((name) => streams.has(name))) return;
      clearTimeout(timer);
      resolve(streams);
    });
    connection.start(3.1);
  });
}

/** Each stream says that it has ended; then the connection does. */
async function endAll(client: Duplex, streams: ReadonlyMap<string, SpdyStream>): Promise<void> {
  await Promise.all([...streams.values()].map((stream) => new Promise<void>((resolve) => stream.end(() => resolve()))));
  client.end();
  const timer = setTimeout(() => client.destroy(), lingerMs);
  client.once('close', () => clearTimeout(timer));
}

/** Sizes of a terminal come as lines of JSON, which frames may divide. A line has at most a kilobyte. */
function onLine(stream: Readable, listener: (line: Buffer) => void): void {
  let rest = '';
  stream.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString('latin1')).split('\n');
    rest = (lines.pop() ?? '').slice(0, 1024);
    for (const line of lines) if (line !== '') listener(Buffer.from(line, 'latin1'));
  });
}
