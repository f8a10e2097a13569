import { runCli } from './src/cli';

const EXIT_GRACE_MS = 2_000;

void runCli(process.argv).then((exitCode) => {
  process.exitCode = exitCode;
  // What a start that failed half-way left open must not keep a process that has said why it ends.
  if (exitCode !== 0) setTimeout(() => process.exit(), EXIT_GRACE_MS).unref();
});
