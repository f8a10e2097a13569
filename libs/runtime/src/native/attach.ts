import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type ExecOptions, RuntimeError } from '../container-runtime';
import { followSizes } from './exec';
import { type Supervisor } from './oci-runtime/supervisor';

/**
 * The supervisor's socket keeps the bounds of packets (SOCK_SEQPACKET), which Node cannot speak: copies standard input to it, and its packets, each
 * after its length in four bytes, to standard output.
 */
const bridge = `
use strict; use Socket;
socket(my $s, PF_UNIX, SOCK_SEQPACKET, 0) or die "socket: $!";
connect($s, pack_sockaddr_un("attach")) or die "connect: $!";
my $reader = $$;
my $writer = fork() // die "fork: $!";
if ($writer == 0) {
  while (my $n = sysread(STDIN, my $data, 8192)) { defined(syswrite($s, $data)) or last; }
  shutdown($s, 1);
  exit 0;
}
close(STDIN);
while (my $n = sysread($s, my $data, 65536)) {
  my $frame = pack("N", $n) . $data;
  while (length $frame) { my $m = syswrite(STDOUT, $frame) // last; substr($frame, 0, $m) = ""; }
}
kill 9, $writer;
`;

const headerBytes = 4;
/** Its number of a stream, in the first byte of a packet. */
const stderrStream = 3;

/** Input, output and window size of a container's main process, until it ends or `signal` aborts. */
export async function attachToContainer(
  { supervisor, bundle, id }: { readonly supervisor: Supervisor; readonly bundle: string; readonly id: string },
  { stdin, stdout, stderr, resize, signal }: Omit<ExecOptions, 'command'>,
): Promise<void> {
  signal?.throwIfAborted();
  const child = spawn('perl', ['-e', bridge], { cwd: bundle, stdio: 'pipe', detached: true });
  const kill = (): void => {
    // Both of its processes.
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
  };
  signal?.addEventListener('abort', kill, { once: true });
  let problem = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (problem += text));
  child.stdin.on('error', () => undefined);
  const closed = once(child, 'close').catch((error: Error) => {
    throw new RuntimeError('unavailable', `cannot run perl: ${error.message}`);
  });
  // Without input the socket stays open: what is written to nobody must not end the container's input.
  stdin?.pipe(child.stdin);
  const sizes = resize?.[Symbol.asyncIterator]();
  if (sizes !== undefined) void followSizes(sizes, (size) => supervisor.resize(id, size));
  try {
    for await (const packet of packetsOf(child.stdout)) {
      const output = packet[0] === stderrStream && stderr !== undefined ? stderr : stdout;
      if (output.destroyed) break;
      if (!output.write(packet.subarray(1))) await once(output, 'drain', signal === undefined ? {} : { signal });
    }
    kill();
    await closed;
    signal?.throwIfAborted();
    if (problem !== '') throw new RuntimeError('invalid-argument', `cannot attach: ${problem.trim()}`);
  } finally {
    signal?.removeEventListener('abort', kill);
    stdin?.unpipe(child.stdin);
    void sizes?.return?.();
    kill();
  }
}

async function* packetsOf(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0);
  for await (const chunk of source) {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= headerBytes && rest.length >= headerBytes + rest.readUInt32BE(0)) {
      const end = headerBytes + rest.readUInt32BE(0);
      yield rest.subarray(headerBytes, end);
      rest = rest.subarray(end);
    }
  }
}
