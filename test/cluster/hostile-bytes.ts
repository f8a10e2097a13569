import { randomBytes } from 'node:crypto';
import type net from 'node:net';

const CRLF = '\r\n';
const http = (...lines: string[]): string => [...lines, '', ''].join(CRLF);

/** Two requests in one, for whoever disagrees with its neighbour about where the first ends (CWE-444). */
export const smuggled: Readonly<Record<string, string>> = {
  'a length and chunks': `${http('POST /healthz HTTP/1.1', 'Host: a', 'Content-Length: 4', 'Transfer-Encoding: chunked')}0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
  'two lengths': `${http('POST /healthz HTTP/1.1', 'Host: a', 'Content-Length: 0', 'Content-Length: 30')}GET /smuggled HTTP/1.1\r\n\r\n`,
  'a negative length': http('POST /healthz HTTP/1.1', 'Host: a', 'Content-Length: -1'),
  'chunks of another name': `${http('POST /healthz HTTP/1.1', 'Host: a', 'Transfer-Encoding: xchunked')}0\r\n\r\n`,
  'a space before the colon': http('GET /healthz HTTP/1.1', 'Host: a', 'Transfer-Encoding : chunked'),
  'a header that goes on': http('GET /healthz HTTP/1.1', 'Host: a', 'X: a', ' Transfer-Encoding: chunked'),
  'a line feed alone': 'GET /healthz HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n0\n\n',
  'a chunk without end': `${http('POST /healthz HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked')}ffffffffffffffff\r\n`,
  'no host': http('GET /healthz HTTP/1.1'),
  'an absolute path to elsewhere': http('GET http://169.254.169.254/latest HTTP/1.1', 'Host: a'),
};

/** What has no place on a port, whatever it speaks. */
export function hostileBytes(): [string, Buffer][] {
  const hello = Buffer.from(`16030100${'a0'}01000000030300`, 'hex');
  const all: [string, string | Buffer][] = [
    ['nothing', ''],
    ['one byte', Buffer.from([0])],
    ...[10, 1000, 100_000].map((size): [string, Buffer] => [`${size} random bytes`, randomBytes(size)]),
    ['half a TLS hello', hello],
    ['a TLS hello and noise', Buffer.concat([hello, randomBytes(500)])],
    ['a TLS record of the largest length', Buffer.concat([Buffer.from('160301ffff01', 'hex'), randomBytes(70_000)])],
    ['a TLS alert', Buffer.from('15030100020228', 'hex')],
    ['half a request', 'GET /healthz HTTP/1.1\r\nHost: a\r\nX-Half'],
    ['a line without end', `GET /${'a'.repeat(200_000)}`],
    ['headers without end', `GET / HTTP/1.1\r\nHost: a\r\n${'X-Many: '.padEnd(120, 'a').concat(CRLF).repeat(5000)}`],
    [
      'a request to switch to what nobody speaks',
      http('GET / HTTP/1.1', 'Host: a', 'Connection: upgrade', 'Upgrade: x'),
    ],
    ['CONNECT', http('CONNECT 127.0.0.1:22 HTTP/1.1', 'Host: a')],
    [
      'HTTP/2 and frames that are none',
      Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), randomBytes(5000)]),
    ],
    [
      'HTTP/2 with settings that never end',
      Buffer.concat([
        Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
        Buffer.from('000000040000000000'.repeat(5000), 'hex'),
      ]),
    ],
    [
      'a NATS client that claims much',
      'CONNECT {"verbose":true,"user":"a","pass":"b"}\r\nPUB nestor.event.core.pods 99999999999\r\n',
    ],
    ['a NATS line without end', `SUB ${'a.'.repeat(50_000)}`],
    ...Object.entries(smuggled),
  ];
  return all.map(([name, bytes]) => [name, Buffer.from(bytes)]);
}

/**
 * Sends the bytes to a port and takes what comes back, until the other side hangs up or has been silent for a while: most of this is left
 * waiting for more. Resolves with the answer.
 */
export function throwAt(socket: net.Socket, bytes: Buffer, silenceMs = 200): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const end = (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(silenceMs, end);
    socket.on('error', end).on('close', end);
    socket.on('data', (data: Buffer) => {
      if (answer.length < 10_000) answer += data.toString('latin1');
    });
    socket.write(bytes);
  });
}
