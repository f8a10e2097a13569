import { type Command, InvalidArgumentError, Option } from 'commander';
import { later } from './later';

/** `nestor store …`. */
export function addStoreCommands(store: Command, dataDir: () => Option): void {
  store.addHelpText(
    'after',
    '\nWithout --endpoints a command is about the members of the cluster on the data directory (nestor up --ha, or nestor store trio).',
  );
  store
    .command('trio')
    .description('run three members of a store, and nothing else, in the foreground: to try it with etcdctl')
    .addOption(dataDir())
    .option('--log-level <level>', 'trace, debug, info, warn, error or silent', 'warn')
    .action(later(async () => (await import('./commands/store-trio.js')).storeTrio));
  connected(store.command('status'), dataDir)
    .description('ask each member how it is: who leads, how far each has come')
    .addHelpText('after', '\nFails if a member does not answer or has something to complain about.')
    .action(later(async () => (await import('./commands/store-status.js')).storeStatus));
  addMemberCommands(
    store.command('member').description('who the members are; change them one at a time, and only while all are well'),
    dataDir,
  );
  addSnapshotCommands(store.command('snapshot').description('backups, and beginning again from one'), dataDir);
  connected(store.command('migrate'), dataDir)
    .description('copy every key to a real etcd, or to another store of ours')
    .requiredOption(
      '--to <urls>',
      'where to: etcd://host:port (without TLS) or https://host:port; several, with commas',
      list,
    )
    .option('--to-ca-file <file>', 'who signs its certificates')
    .option('--to-cert-file <file>', 'the certificate to show to it')
    .option('--to-key-file <file>', 'the key of that')
    .option('--overwrite', 'although it has keys: those of the same name are overwritten, others stay', false)
    .addHelpText(
      'after',
      "\nStop who writes first (the gateways). The target's revision is moved beyond this store's, so that no client sees time go back:" +
        '\nthat takes a write a revision. Keys with a lease become plain keys. All keys are compared in the end.\n' +
        '\nExample:\n  nestor store migrate --to etcd://10.0.0.1:2379,etcd://10.0.0.2:2379',
    )
    .action(later(async () => (await import('./commands/store-migrate.js')).migrate));
}

function addMemberCommands(member: Command, dataDir: () => Option): void {
  connected(member.command('list'), dataDir)
    .description('print the members')
    .action(later(async () => (await import('./commands/store-member.js')).listMembers));
  connected(member.command('add'), dataDir)
    .description('make room for a member, and print what it has to be started with')
    .argument('<name>', 'its STORE_NAME')
    .requiredOption('--peer-urls <urls>', 'where the other members will reach it', list)
    .option('--learner', 'without a vote until it is promoted: the safe way, since a majority stays what it is', false)
    .addHelpText('after', '\nExample:\n  nestor store member add m4 --peer-urls https://10.0.0.4:2380 --learner')
    .action(later(async () => (await import('./commands/store-member.js')).addMember));
  connected(member.command('remove'), dataDir)
    .description('take a member out for good; one that is dead, too')
    .argument('<member>', 'its id or name')
    .addHelpText(
      'after',
      '\nA member that lost its disk cannot come back: remove it, and add another on an empty directory.',
    )
    .action(later(async () => (await import('./commands/store-member.js')).removeMember));
  connected(member.command('promote'), dataDir)
    .description('give a learner that has caught up a vote')
    .argument('<member>', 'its id or name')
    .action(later(async () => (await import('./commands/store-member.js')).promoteMember));
  connected(member.command('update'), dataDir)
    .description('say that a member is reached elsewhere')
    .argument('<member>', 'its id or name')
    .requiredOption('--peer-urls <urls>', 'where the other members reach it from now on', list)
    .action(later(async () => (await import('./commands/store-member.js')).updateMember));
}

function addSnapshotCommands(snapshot: Command, dataDir: () => Option): void {
  connected(snapshot.command('save'), dataDir)
    .description('download a snapshot of a running store, and check it')
    .argument('<file>', 'where to; it is there whole or not at all')
    .action(later(async () => (await import('./commands/store-snapshot.js')).saveSnapshot));
  const bare = '--skip-hash-check';
  const bareHelp = 'it has no SHA-256 at its end: it was copied out of a member’s directory';
  snapshot
    .command('status')
    .description('read a snapshot from end to end and print what is in it, or what is wrong with it')
    .argument('<file>', 'a saved snapshot')
    .option(bare, bareHelp, false)
    .action(later(async () => (await import('./commands/store-snapshot.js')).showSnapshot));
  snapshot
    .command('restore')
    .description('make the directory of a member of a new cluster from a snapshot')
    .argument('<file>', 'a saved snapshot; the same for all members')
    .requiredOption('--data-dir <directory>', 'its STORE_DATA_DIR: new, or empty')
    .option('--name <name>', 'its STORE_NAME', 'store')
    .option('--initial-cluster <members>', 'all members, as STORE_INITIAL_CLUSTER: name=peer URL, with commas', list)
    .option('--initial-cluster-token <token>', 'STORE_INITIAL_CLUSTER_TOKEN', 'nestor')
    .option('--initial-peer-urls <urls>', 'its STORE_PEER_URLS; those of --initial-cluster unless told', list)
    .option('--bump-revision <count>', 'how far revisions move on; a thousand million unless told', wholeNumber)
    .option(bare, bareHelp, false)
    .addHelpText(
      'after',
      '\nWithout --initial-cluster the store has one member. Members and ids are new: nobody of the old cluster talks to them.\n' +
        '\nClients have seen revisions after the snapshot, and the new cluster must not give their numbers to something else. So it begins' +
        '\n--bump-revision later, with its history compacted: whoever watches is told so, and reads everything anew. The default is a' +
        '\nthousand writes a second for eleven days; more is as good, less only if you know how far the old cluster had come.',
    )
    .action(later(async () => (await import('./commands/store-snapshot.js')).restore));
}

function connected(command: Command, dataDir: () => Option): Command {
  return command
    .addOption(dataDir())
    .addOption(new Option('--endpoints <urls>', 'members of a store: https://host:port,…').argParser(list))
    .option('--ca-file <file>', 'who signs their certificates')
    .option('--cert-file <file>', 'the certificate to show to them')
    .option('--key-file <file>', 'the key of that');
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('must be a whole number.');
  return value;
}
