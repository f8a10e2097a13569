import { type StoreMember, type StoreOperator } from '#store';
import { alignColumns } from '../columns';
import { findStore, operate, type StoreConnectionOptions } from '../store-connection';
import { UserError } from '../user-error';

/** As etcdctl writes them. */
export function idOf(member: { readonly id: bigint }): string {
  return member.id.toString(16);
}

export async function listMembers(options: StoreConnectionOptions): Promise<void> {
  const members = await operate(await findStore(options), (operator) => operator.memberList());
  const rows = members.map((member) => [
    idOf(member),
    member.name === '' ? 'unstarted' : 'started',
    member.name || '<none>',
    member.peerUrls.join(',') || '<none>',
    member.clientUrls.join(',') || '<none>',
    String(member.isLearner),
  ]);
  console.log(alignColumns([['ID', 'STATUS', 'NAME', 'PEER URLS', 'CLIENT URLS', 'LEARNER'], ...rows]));
}

export async function addMember(
  name: string,
  options: StoreConnectionOptions & { readonly peerUrls: readonly string[]; readonly learner: boolean },
): Promise<void> {
  const { peerUrls, learner } = options;
  await operate(await findStore(options), async (operator) => {
    const added = await operator.memberAdd(peerUrls, learner);
    const members = await operator.memberList();
    const entries = members.flatMap((member) =>
      member.peerUrls.map((url) => `${member.id === added.id ? name : member.name || idOf(member)}=${url}`),
    );
    console.log(
      `Member ${idOf(added)} added${learner ? ' as a learner' : ''}. Start it, on an empty directory, with:\n`,
    );
    console.log(`STORE_NAME=${name}`);
    console.log(`STORE_INITIAL_CLUSTER=${entries.join(',')}`);
    console.log('STORE_INITIAL_CLUSTER_STATE=existing');
    if (learner) console.log(`\nWhen it has caught up: nestor store member promote ${idOf(added)}`);
  });
}

export async function removeMember(which: string, options: StoreConnectionOptions): Promise<void> {
  await change(which, options, async (operator, member) => {
    await operator.memberRemove(member.id);
    console.log(`Member ${idOf(member)} removed: its process ends, and its directory is of no use any more.`);
  });
}

export async function promoteMember(which: string, options: StoreConnectionOptions): Promise<void> {
  await change(which, options, async (operator, member) => {
    await operator.memberPromote(member.id);
    console.log(`Member ${idOf(member)} promoted: it has a vote.`);
  });
}

export async function updateMember(
  which: string,
  options: StoreConnectionOptions & { readonly peerUrls: readonly string[] },
): Promise<void> {
  await change(which, options, async (operator, member) => {
    await operator.memberUpdate(member.id, options.peerUrls);
    console.log(`Member ${idOf(member)} is reached at ${options.peerUrls.join(', ')}.`);
  });
}

/** @param which a member's id or name */
async function change(
  which: string,
  options: StoreConnectionOptions,
  use: (operator: StoreOperator, member: StoreMember) => Promise<void>,
): Promise<void> {
  const address = await findStore(options);
  const members = await operate(address, (operator) => operator.memberList());
  const found =
    members.find((member) => idOf(member) === which) ?? onlyOne(members.filter(({ name }) => name === which));
  if (found === undefined) {
    const known = members.map((member) => `${idOf(member)} ${member.name}`.trim()).join(', ');
    throw new UserError(`there is no member ${which}; there are ${known}`);
  }
  await operate(address, (operator) => use(operator, found), found.id);
}

function onlyOne<T>(list: readonly T[]): T | undefined {
  return list.length === 1 ? list[0] : undefined;
}
