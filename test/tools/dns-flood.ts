import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { promisify } from 'node:util';
import * as dnsPacket from 'dns-packet';

const HOST = '127.0.0.1';
const NAME = 'kubernetes.default.svc.cluster.local';
const CONNECTIONS = 400;
/** As resolvers do. */
const REPEAT_MS = 200;
const PATIENCE_MS = 10_000;

/** Datagrams whose source port is 0: no socket sends such, but a network may carry them. */
const FROM_PORT_0 = `
use Socket;
my ($host, $port) = @ARGV;
socket(my $raw, AF_INET, SOCK_RAW, 17) or die "socket: $!";
my $query = pack('nnnnnn', 7, 0x100, 1, 0, 0, 0) . "\\0" . pack('nn', 1, 1);
my $datagram = pack('nnnn', 0, $port, 8 + length $query, 0) . $query;
for (1 .. 1000) { send($raw, $datagram, 0, sockaddr_in(0, inet_aton($host))) or die "send: $!"; }
`;

/** A name server's bad day: everything at once that clients should not do, from loopback. */
export class DnsFlood {
  private isOver = false;
  private readonly sockets: net.Socket[] = [];

  constructor(private readonly port: number) {}

  /** Floods while `body` runs, which may ask as a client that behaves: for the address of the API's Service. */
  async run(body: (ask: () => Promise<string>) => Promise<void>): Promise<void> {
    const udp = await Promise.all(['127.0.0.2', '127.0.0.2', '127.0.0.3'].map((address) => bound(address)));
    const floods = udp.map((socket, i) => this.datagrams(socket, i));
    for (let i = 0; i < CONNECTIONS; i++) this.connect(i);
    try {
      await promisify(execFile)('perl', ['-e', FROM_PORT_0, HOST, String(this.port)]);
      await body(() => this.ask());
    } finally {
      this.isOver = true;
      await Promise.all(floods);
      for (const socket of udp) socket.close();
      for (const socket of this.sockets) socket.destroy();
    }
  }

  /** As fast as this process can, with room for others to run. */
  private async datagrams(socket: dgram.Socket, seed: number): Promise<void> {
    for (let i = seed; !this.isOver; i++) {
      for (let n = 0; n < 50; n++) socket.send(message(i * 50 + n), this.port, HOST);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Idle, slow, lying, half closed, and busy ones. */
  private connect(i: number): void {
    const socket = net.connect({ port: this.port, host: HOST, localAddress: '127.0.0.2' });
    this.sockets.push(socket);
    socket
      .on('error', () => socket.destroy())
      .on('connect', () => {
        if (i % 5 === 1) socket.write(Buffer.from([0xff]));
        if (i % 5 === 2) socket.write(Buffer.concat([Buffer.from([0xff, 0xff]), randomBytes(1000)]));
        if (i % 5 === 3) socket.end(Buffer.from([0, 40, 1, 2, 3]));
        if (i % 5 === 4) for (let n = 0; n < 100; n++) socket.write(framed(message(n)));
      });
    if (i % 5 !== 0) socket.resume();
  }

  /** Over UDP, again until there is an answer, and once over TCP. */
  private async ask(): Promise<string> {
    const query = dnsPacket.encode({ id: 7, type: 'query', flags: 0x100, questions: [{ name: NAME, type: 'A' }] });
    const socket = await bound(HOST);
    const repeat = setInterval(() => socket.send(query, this.port, HOST), REPEAT_MS);
    try {
      socket.send(query, this.port, HOST);
      const [answer] = (await once(socket, 'message', { signal: AbortSignal.timeout(PATIENCE_MS) })) as [Buffer];
      const overTcp = await this.askOverTcp(query);
      const [first, second] = [answer, overTcp].map((one) => dnsPacket.decode(one).answers[0]?.data as string);
      return first === second ? String(first) : `${first}, but over TCP ${second}`;
    } finally {
      clearInterval(repeat);
      socket.close();
    }
  }

  private async askOverTcp(query: Buffer): Promise<Buffer> {
    const socket = net.connect({ port: this.port, host: HOST });
    try {
      socket.write(framed(query));
      const [answer] = (await once(socket, 'data', { signal: AbortSignal.timeout(PATIENCE_MS) })) as [Buffer];
      return answer.subarray(2);
    } finally {
      socket.destroy();
    }
  }
}

async function bound(address: string): Promise<dgram.Socket> {
  const socket = dgram.createSocket('udp4').bind(0, address);
  await once(socket, 'listening');
  return socket;
}

function framed(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
}

/** Names that are there, names nobody has, other people's names, noise, answers nobody asked for. */
function message(i: number): Buffer {
  const names = [NAME, `x${i}.default.svc.cluster.local`, `x${i}.example`, `${'a'.repeat(60)}.`.repeat(4) + 'a'];
  const name = names[i % 6];
  if (name === undefined) return randomBytes(i % 600);
  const type = i % 12 < 6 ? 'query' : 'response';
  return dnsPacket.encode({ id: i & 0xffff, type, flags: 0x100, questions: [{ name, type: 'A' }] });
}
