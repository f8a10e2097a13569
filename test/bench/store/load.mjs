// Load from h2load (Debian's nghttp2-client), which takes a fraction of what a gRPC client in Node does: the servers are measured, not it.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';

const require = createRequire(import.meta.url);
const { etcdserverpb } = require('../../../dist/libs/etcd/index.js');
const run = promisify(execFile);

/** How long one round of one case lasts. */
export const ROUND_SECONDS = Number(process.env.ROUND_SECONDS ?? 2);

/** A request as it goes over the wire: gRPC's five bytes and the message. */
function framed(type, fields) {
  const message = Buffer.from(etcdserverpb[type].encode(etcdserverpb[type].fromPartial(fields)).finish());
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

export const put = (key, value) => ({
  path: '/etcdserverpb.KV/Put',
  body: framed('PutRequest', { key: Buffer.from(key), value }),
});

export const range = (key, fields = {}) => ({
  path: '/etcdserverpb.KV/Range',
  body: framed('RangeRequest', { key: Buffer.from(key), ...fields }),
});

/** One round. @returns calls a second, milliseconds, and what the server's process worked for each call */
export async function load(store, { path: method, body }, clients, directory) {
  const [bodyFile, log] = [path.join(directory, 'body'), path.join(directory, 'log')];
  fs.writeFileSync(bodyFile, body);
  fs.rmSync(log, { force: true });
  const { leader } = store;
  const cpuBefore = leader.cpuMs();
  const headers = ['content-type: application/grpc', 'te: trailers'].flatMap((header) => ['-H', header]);
  const args = [
    '--warm-up-time',
    '1',
    '-D',
    String(ROUND_SECONDS),
    '-c',
    String(clients),
    '-m',
    '1',
    '-d',
    bodyFile,
    `--log-file=${log}`,
  ];
  const { stdout } = await run('h2load', [...args, ...headers, `${leader.endpoint}${method}`]);
  const cpuMs = leader.cpuMs() - cpuBefore;
  const lines = fs.readFileSync(log, 'utf8').trim().split('\n');
  const all = lines.map((line) => line.split('\t').map(Number));
  // Those under way when the time was over have no status.
  const failed = all.filter(([, status]) => status > 0 && status !== 200).length;
  if (failed > 0) throw new Error(`${failed} calls of ${all.length} failed`);
  const calls = all.filter(([, status]) => status === 200);
  const micros = calls.map(([, , duration]) => duration).sort((a, b) => a - b);
  return {
    calls: calls.length,
    perSecond: calls.length / ROUND_SECONDS,
    p50: micros[Math.floor(micros.length * 0.5)] / 1000,
    p99: micros[Math.floor(micros.length * 0.99)] / 1000,
    cpuMicros: (cpuMs * 1000) / calls.length,
    bytesEach: Number(/\((\d+)\) data$/m.exec(stdout)[1]) / calls.length,
  };
}

export const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
