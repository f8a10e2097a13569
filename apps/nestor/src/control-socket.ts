import { chmodSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';

/** What a running `nestor up` tells about itself. */
export interface ClusterReport {
  readonly pid: number;
  readonly phase: 'starting' | 'ready' | 'stopping' | 'failed';
  /** What it is doing, while starting or stopping. */
  readonly activity: string;
  readonly server: string;
  readonly kubeconfig: string;
  readonly runtime: string;
  readonly nodes: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** What the person should know: a missing runtime, for instance. */
  readonly notes: readonly string[];
  readonly error?: string;
}

type Command = 'report' | 'stop';
const MAX_REQUEST_BYTES = 1024;
const ANSWER_TIMEOUT_MS = 2_000;

/** One JSON line in, one JSON line out, over a Unix socket that only its owner may open. */
export class ControlSocket {
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly path: string,
  ) {}

  /** The caller holds the data directory's lock: whatever socket is there is stale. */
  static async listen(path: string, report: () => ClusterReport, stop: () => void): Promise<ControlSocket> {
    await rm(path, { force: true });
    const server = createServer();
    const control = new ControlSocket(server, path);
    server.on('connection', (socket) => control.converse(socket, report, stop));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, () => resolve());
    });
    chmodSync(path, 0o600);
    return control;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
    await rm(this.path, { force: true });
  }

  private converse(socket: Socket, report: () => ClusterReport, stop: () => void): void {
    this.sockets.add(socket);
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy());
    socket.on('close', () => this.sockets.delete(socket));
    // A caller that goes away in the middle concerns nobody.
    socket.on('error', () => socket.destroy());
    let request = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      request += chunk;
      if (request.length > MAX_REQUEST_BYTES) return void socket.destroy();
      if (!request.includes('\n')) return;
      socket.end(`${JSON.stringify(report())}\n`);
      if (request.trim() === ('stop' satisfies Command)) stop();
    });
  }
}

/** Asks the holder of the socket; undefined if nobody answers. */
export function ask(path: string, command: Command): Promise<ClusterReport | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    let answer = '';
    const finish = (): void => {
      socket.destroy();
      resolve(answer.endsWith('\n') ? (JSON.parse(answer) as ClusterReport) : undefined);
    };
    socket.setTimeout(ANSWER_TIMEOUT_MS, finish);
    socket.on('error', finish);
    socket.on('end', finish);
    socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
    socket.on('connect', () => socket.write(`${command}\n`));
  });
}
