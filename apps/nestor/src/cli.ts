import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { down } from './commands/down';
import { printKubeconfig } from './commands/kubeconfig';
import { status } from './commands/status';
import { up } from './commands/up';
import { defaultDataDirectory } from './data-directory';
import { UserError } from './user-error';

/** Parses the command line and runs one command. Resolves with the exit code; prints errors a person can act on. */
export async function runCli(argv: readonly string[]): Promise<number> {
  try {
    await program().parseAsync([...argv]);
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    if (error instanceof UserError) {
      console.error(`nestor: ${error.message}`);
      return 1;
    }
    console.error(error);
    return 1;
  }
}

function program(): Command {
  const root = new Command('nestor')
    .description('Kubernetes on your machine: one process, no VM.')
    .exitOverride()
    .showHelpAfterError('(nestor --help lists the commands)');
  const dataDir = (): Option =>
    new Option('--data-dir <directory>', 'where state, keys and kubeconfig live').default(
      defaultDataDirectory(process.env),
      'NESTOR_HOME, or ~/.nestor',
    );

  root
    .command('up')
    .description('start a cluster, in the foreground unless told otherwise')
    .addOption(dataDir())
    .option('--port <port>', 'port of the API server', integer(0, 65535), 6443)
    .addOption(
      new Option('--runtime <runtime>', 'what runs containers').choices(['auto', 'docker', 'fake']).default('auto'),
    )
    .option('--nodes <count>', 'how many node agents to run', integer(1, 5000), 1)
    .option('--bus <url>', 'exchange events over this NATS server (loopback only) instead of in process')
    .option('--detach', 'return when the cluster is ready, and leave it running', false)
    .option('--log-level <level>', 'trace, debug, info, warn, error or silent', 'warn')
    .addHelpText(
      'after',
      '\nExamples:\n  nestor up                      a cluster of one node on Docker\n  nestor up --detach             … in the background\n  nestor up --runtime fake --nodes 100   a hundred simulated nodes',
    )
    .action(up);
  root
    .command('down')
    .description('stop the control plane; containers keep running')
    .addOption(dataDir())
    .option('--purge', 'also remove containers, networks, rules and all data', false)
    .action(down);
  root.command('status').description('tell what runs').addOption(dataDir()).action(status);
  root
    .command('kubeconfig')
    .description('print the kubeconfig of the administrator')
    .addOption(dataDir())
    .option('--path', 'print the path of the file instead', false)
    .action(printKubeconfig);
  return root;
}

function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new InvalidArgumentError(`must be a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}
