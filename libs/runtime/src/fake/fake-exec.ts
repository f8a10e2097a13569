import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Clock, delay } from '#machinery';
import { type ExecOptions } from '../container-runtime';
import { simulateCommand } from './behaviour';

/** Runs a simulated command: `cat` copies its input, what is not understood prints itself. */
export async function fakeExec(clock: Clock, options: ExecOptions): Promise<number> {
  const { command, stdin, stdout, signal } = options;
  if (command.length === 1 && command[0] === 'cat' && stdin !== undefined) {
    await pipeline(stdin, stdout, { end: false, ...(signal === undefined ? {} : { signal }) });
    return 0;
  }
  const result = simulateCommand(command);
  for (const line of result.output) {
    if (!stdout.write(`${line}${options.tty ? '\r' : ''}\n`)) await once(stdout, 'drain');
  }
  const milliseconds = result.exitAfterMs ?? 0;
  if (milliseconds > 0) await delay(clock, milliseconds, signal);
  return result.exitCode;
}

/** A connection to a server that sends back what it gets. */
export function echoStream(): Duplex {
  const stream: Duplex = new Duplex({
    read() {
      // Data comes from `write`.
    },
    write(chunk: Buffer, _encoding, done) {
      stream.push(chunk);
      done();
    },
    final(done) {
      stream.push(null);
      done();
    },
  });
  return stream;
}
