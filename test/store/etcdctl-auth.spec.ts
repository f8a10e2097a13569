import { describeWith } from '../tools/requirements';
import { expectSame, type Pair, startPair, type Step, transcript } from './etcdctl';

const step = (line: string, input?: string): Step => ({ args: line.split(' '), input });
const root = (line: string, input?: string): Step => step(`--user=root:secret ${line}`, input);
const alice = (line: string, input?: string): Step => step(`--user=alice:wonder ${line}`, input);

/** One after the other on an empty store. */
const steps: readonly Step[] = [
  step('auth enable'),
  step('user add alice:wonder'),
  step('user add alice:again'),
  step('user add :nobody'),
  step('user add nopass --no-password'),
  step('user get alice'),
  step('user get bob'),
  step('user list'),
  step('role add reader'),
  step('role add reader'),
  step('role add writer'),
  step('role grant-permission reader read shared/ shared0'),
  step('role grant-permission reader read extra'),
  step('role grant-permission writer readwrite own/ --prefix'),
  step('role grant-permission writer write drop'),
  step('role grant-permission missing read a'),
  step('role get reader'),
  step('role get writer'),
  step('role get missing'),
  step('role revoke-permission reader extra'),
  step('role revoke-permission reader extra'),
  step('role list'),
  step('user grant-role alice reader'),
  step('user grant-role alice writer'),
  step('user grant-role alice writer'),
  step('user grant-role alice missing'),
  step('user grant-role bob reader'),
  step('user get alice --detail'),
  step('user add root:secret'),
  step('auth enable'),
  step('user grant-role root root'),
  step('role add root'),
  step('put shared/1 one'),
  step('put own/1 mine'),
  step('put other secret'),
  step('auth enable'),
  step('get shared/1'),
  step('put shared/1 x'),
  step('user list'),
  step('--user=alice:wrong get shared/1'),
  step('--user=bob:wonder get shared/1'),
  alice('get shared/1'),
  alice('get shared/ --prefix'),
  alice('get shared --prefix'),
  alice('put shared/1 x'),
  alice('put own/2 two'),
  alice('put own/2 three --prev-kv'),
  alice('put drop x'),
  alice('put drop x --prev-kv'),
  alice('del drop --prev-kv'),
  alice('del drop'),
  alice('get own/ --prefix'),
  alice('get other'),
  alice('get a --from-key'),
  alice('del own/ --prefix'),
  alice('del other'),
  alice('txn', 'value("shared/1") = "one"\n\nput own/3 x\n\n\n'),
  alice('txn', 'value("other") = "one"\n\nput own/3 x\n\n\n'),
  alice('txn', '\nget other\n\n\n'),
  alice('txn', '\nput own/3 y\n\nput other z\n\n'),
  alice('user list'),
  alice('user get alice'),
  alice('user get root'),
  alice('role get reader'),
  alice('role get root'),
  alice('role add mine'),
  alice('auth disable'),
  root('get shared/ --prefix'),
  root('get own/ --prefix'),
  root('put anything x'),
  root('user delete root'),
  root('user revoke-role root root'),
  root('role delete root'),
  root('user revoke-role alice reader'),
  root('user revoke-role alice reader'),
  alice('get shared/1'),
  root('user passwd alice --interactive=false', 'land\n'),
  alice('get own/3'),
  step('--user=alice:land get own/3'),
  root('role delete writer'),
  step('--user=alice:land get own/3'),
  root('user delete nopass'),
  root('user delete nopass'),
  root('user list'),
  root('role list'),
  root('auth disable'),
  step('auth disable'),
  step('get shared/1'),
];

describeWith(['etcd'], 'etcdctl with users and roles', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair();
  });
  afterAll(() => pair.stop());

  it('sees no difference between our server and etcd', async () => {
    await expectSame(pair, (endpoint) => transcript(endpoint, steps));
  }, 240_000);
});
