import { type MemberStatus, StoreError, type StoreOperator } from '#store';
import { alignColumns } from '../columns';
import { findStore, operateEach, type StoreConnectionOptions } from '../store-connection';
import { UserError } from '../user-error';
import { idOf } from './store-member';

const HEAD = [
  ...['ENDPOINT', 'ID', 'VERSION', 'SIZE', 'LEADER', 'LEARNER'],
  ...['TERM', 'INDEX', 'APPLIED', 'REVISION', 'ERRORS'],
];

/** Prints what each endpoint says of itself; fails if one of them does not answer, or has something to complain about. */
export async function storeStatus(options: StoreConnectionOptions): Promise<void> {
  await operateEach(await findStore(options), async (operators) => {
    const answers = await Promise.all(operators.map(async (operator) => ({ operator, answer: await ask(operator) })));
    const rows = answers.map(({ operator, answer }) => rowOf(operator.endpoint, answer));
    console.log(alignColumns([HEAD, ...rows]));
    const bad = answers.filter(({ answer }) => answer instanceof StoreError || answer.errors.length > 0);
    if (bad.length > 0) throw new UserError(`${bad.length} of ${answers.length} members are not well`);
  });
}

async function ask(operator: StoreOperator): Promise<MemberStatus | StoreError> {
  try {
    return await operator.status();
  } catch (error) {
    if (error instanceof StoreError) return error;
    throw error;
  }
}

function rowOf(endpoint: string, answer: MemberStatus | StoreError): string[] {
  if (answer instanceof StoreError) return [endpoint, ...Array<string>(9).fill('-'), answer.message];
  return [
    endpoint,
    idOf({ id: answer.memberId }),
    answer.version,
    bytes(answer.size),
    String(answer.leader === answer.memberId),
    String(answer.isLearner),
    String(answer.term),
    String(answer.raftIndex),
    String(answer.appliedIndex),
    String(answer.revision),
    answer.errors.join('; ').trim() || '-',
  ];
}

/** As a person reads it: powers of 1,024. */
export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  const power = count < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(count) / 10));
  return `${power === 0 ? count : (count / 1024 ** power).toFixed(1)} ${units[power]}`;
}
