import { runCli } from './src/cli';

void runCli(process.argv).then((exitCode) => {
  process.exitCode = exitCode;
});
