import { runCli } from './src/cli';

const EXIT_GRACE_MS = 2_000;

// Whoever reads may stop reading (`nestor up | head`): that is no reason to end.
for (const stream of [process.stdout, process.stderr]) stream.on('error', ignoreClosedPipe);

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

void runCli(process.argv).then((exitCode) => {
  process.exitCode = exitCode;
  // What a start that failed half-way left open must not keep a process that has said why it ends.
  if (exitCode !== 0) setTimeout(() => process.exit(), EXIT_GRACE_MS).unref();
});
