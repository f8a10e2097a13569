import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { defaultDataDirectory } from './data-directory';
import { addImageCommands } from './image-cli';
import { later } from './later';
import { EndedWith } from './rootless';
import { addStoreCommands } from './store-commands';
import { UserError } from './user-error';

/** Parses the command line and runs one command. Resolves with the exit code; prints errors a person can act on. */
export async function runCli(argv: readonly string[]): Promise<number> {
  try {
    await program().parseAsync([...argv]);
    return 0;
  } catch (error) {
    if (error instanceof CommanderError || error instanceof EndedWith) return error.exitCode;
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
      new Option('--runtime <runtime>', 'what runs containers')
        .choices(['auto', 'docker', 'native', 'fake'])
        .default('auto'),
    )
    .option('--nodes <count>', 'how many node agents to run', integer(1, 5000), 1)
    .option('--bus <url>', 'exchange events over this NATS server (loopback only) instead of in process')
    .option('--ha', 'keep the state in three members of the store, processes of their own', false)
    .option('--detach', 'return when the cluster is ready, and leave it running', false)
    .option('--log-level <level>', 'trace, debug, info, warn, error or silent', 'warn')
    .addHelpText(
      'after',
      '\nExamples:\n  nestor up                      a cluster of one node on Docker\n  nestor up --detach             … in the background\n  nestor up --runtime fake --nodes 100   a hundred simulated nodes',
    )
    .action(later(async () => (await import('./commands/up.js')).up));
  root
    .command('down')
    .description('stop the control plane; containers keep running')
    .addOption(dataDir())
    .option('--purge', 'also remove containers, networks, rules and all data', false)
    .action(later(async () => (await import('./commands/down.js')).down));
  root
    .command('status')
    .description('tell what runs')
    .addOption(dataDir())
    .action(later(async () => (await import('./commands/status.js')).status));
  root
    .command('kubeconfig')
    .description('print the kubeconfig of the administrator')
    .addOption(dataDir())
    .option('--path', 'print the path of the file instead', false)
    .action(later(async () => (await import('./commands/kubeconfig.js')).printKubeconfig));
  addTokenCommands(root.command('token').description('tokens with which nodes join'), dataDir);
  addNodeCommands(root.command('node').description('this machine as a node of a cluster'), dataDir);
  addStoreCommands(root.command('store').description("where a cluster's state is kept"), dataDir);
  addImageCommands(root.command('image').description('images of nodes that run containers without an engine'), dataDir);
  addPkiCommands(root.command('pki').description('keys and certificates of a cluster of many processes'));
  return root;
}

function addPkiCommands(pki: Command): void {
  const collect = (value: string, more: string[]): string[] => [
    ...more,
    ...value.split(',').filter((one) => one !== ''),
  ];
  pki
    .command('init')
    .description('make, or renew, keys, certificates and the configuration of NATS: a folder for each component')
    .requiredOption('--directory <directory>', 'where to')
    .option('--gateway-host <names>', 'names and addresses of the gateways, comma separated', collect, [])
    .option('--store-host <names>', 'of the store', collect, [])
    .option('--store-member <names>', 'of its members, if there are several: a folder each', collect, [])
    .option('--nats-host <names>', 'of NATS', collect, [])
    .option('--node <names>', 'nodes that need not join by token', collect, [])
    .option('--server <url>', 'where kubectl finds the API; the first gateway unless told')
    .option('--service-cidr <cidr>', 'addresses of Services', '10.96.0.0/16')
    .option('--cluster-domain <domain>', 'the zone of Services and pods', 'cluster.local')
    .option('--nats-mount <directory>', 'where NATS sees its folder, if elsewhere')
    .option('--nats-port <port>', 'where NATS listens', integer(1, 65535), 4222)
    .option('--owner <id>', 'user and group id of the components', integer(0, 2 ** 31))
    .addHelpText(
      'after',
      '\nRepeat it to renew what is about to expire, then restart the components whose certificates were made.',
    )
    .action(later(async () => (await import('./commands/pki-init.js')).initPki));
}

function addTokenCommands(token: Command, dataDir: () => Option): void {
  const kubeconfigHelp = "of the cluster's administrator, if it is not in the data directory";
  token
    .command('create')
    .description('make a token, and print the command that joins a node with it')
    .argument('[token]', 'of the form abcdef.0123456789abcdef; made up unless given')
    .addOption(dataDir())
    .option('--kubeconfig <file>', kubeconfigHelp)
    .option('--ttl <duration>', 'how long it can be used: 30m, 24h, 7d; 0: for ever', durationMs, 24 * 3_600_000)
    .option('--description <text>', 'what it is for')
    .action(later(async () => (await import('./commands/token.js')).createToken));
  token
    .command('list')
    .description('print the tokens')
    .addOption(dataDir())
    .option('--kubeconfig <file>', kubeconfigHelp)
    .action(later(async () => (await import('./commands/token.js')).listTokens));
  token
    .command('delete')
    .description('delete a token; nodes that joined with it stay')
    .argument('<token>', 'its first six characters, or all of it')
    .addOption(dataDir())
    .option('--kubeconfig <file>', kubeconfigHelp)
    .action(later(async () => (await import('./commands/token.js')).deleteToken));
}

function addNodeCommands(node: Command, dataDir: () => Option): void {
  node
    .command('join')
    .description('make this machine a node of a running cluster; nestor token create prints the command')
    .addOption(dataDir())
    .requiredOption(
      '--server <url>',
      'the API server, https://…; may be repeated',
      (url: string, more: string[]) => [...more, url],
      [],
    )
    .option('--token <token>', 'bootstrap token; not needed once the node has a certificate')
    .option(
      '--ca-hash <hash>',
      "sha256:… of the key of the cluster's authority, without which the token alone is trusted",
    )
    .option('--node-name <name>', "the machine's name unless told")
    .option('--node-ip <address>', "the machine's first address unless told")
    .option('--identity-only', 'get the certificates, print the environment of the agent, and end', false)
    .option('--log-level <level>', 'trace, debug, info, warn, error or silent', 'warn')
    .action(later(async () => (await import('./commands/node-join.js')).joinNode));
  node
    .command('reset')
    .description('remove what stopped node agents have left on this machine: containers, networks, rules, files')
    .requiredOption(
      '--data-dir <directory>',
      "the agents' DATA_DIR, or a directory around several; everything in it goes",
    )
    .requiredOption('--cluster-name <name>', 'CLUSTER_NAME')
    .requiredOption('--cluster-cidr <network>', 'CLUSTER_CIDR', '10.244.0.0/16')
    .action(later(async () => (await import('./commands/node-reset.js')).resetNode));
}

function durationMs(text: string): number {
  const [, amount, unit = 'h'] = /^(\d{1,6})([smhd]?)$/.exec(text) ?? [];
  const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  if (amount === undefined || (amount !== '0' && !/[smhd]$/.test(text))) {
    throw new InvalidArgumentError('must be a duration such as 30m, 24h or 7d, or 0.');
  }
  return Number(amount) * (units[unit] ?? 0);
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
