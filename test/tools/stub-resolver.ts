import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';

const NXDOMAIN = 3;

/**
 * A name server on port 53 of a loopback address that knows a few names: the host's resolver, as a test wants it. Over UDP it
 * sends an answer with more than 20 records truncated.
 */
export class StubResolver {
  private readonly udp = dgram.createSocket('udp4');
  private readonly tcp = net.createServer((socket) => this.serve(socket));

  /** @param names addresses by name */
  constructor(
    readonly address: string,
    private readonly names: Readonly<Record<string, readonly string[]>>,
  ) {}

  async start(): Promise<void> {
    this.udp.on('message', (query, from) => this.udp.send(this.answer(query, 20), from.port, from.address));
    this.udp.bind(53, this.address);
    this.tcp.listen(53, this.address);
    await Promise.all([once(this.udp, 'listening'), once(this.tcp, 'listening')]);
  }

  async stop(): Promise<void> {
    this.udp.close();
    this.tcp.close();
    await once(this.tcp, 'close');
  }

  private serve(socket: net.Socket): void {
    socket.on('error', () => socket.destroy());
    socket.once('data', (data) => {
      const answer = this.answer(data.subarray(2), Infinity);
      const length = Buffer.alloc(2);
      length.writeUInt16BE(answer.length);
      socket.end(Buffer.concat([length, answer]));
    });
  }

  private answer(query: Buffer, limit: number): Buffer {
    const labels: string[] = [];
    let at = 12;
    for (let length = query[at++] ?? 0; length > 0; length = query[at++] ?? 0) {
      labels.push(query.toString('latin1', at, at + length));
      at += length;
    }
    const end = at + 4;
    const isForAddress = query.readUInt16BE(at) === 1;
    const known = this.names[labels.join('.').toLowerCase()];
    const addresses = isForAddress ? (known ?? []) : [];
    const isTruncated = addresses.length > limit;
    const records = isTruncated ? [] : addresses;
    const header = Buffer.from(query.subarray(0, 12));
    header.writeUInt16BE(0x8180 | (isTruncated ? 0x200 : 0) | (known === undefined ? NXDOMAIN : 0), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    header.writeUInt32BE(0, 8);
    const encoded = records.map((address) =>
      Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4, ...address.split('.').map(Number)]),
    );
    return Buffer.concat([header, query.subarray(12, end), ...encoded]);
  }
}
