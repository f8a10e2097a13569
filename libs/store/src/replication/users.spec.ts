import { type AuthRequest, type LocalStore } from '../administration';
import { StoreCluster } from './store-cluster.fixture';

let cluster: StoreCluster;
afterEach(() => cluster.close());

const CHANGES: readonly AuthRequest[] = [
  { kind: 'user-add', name: 'root', password: 'secret' },
  { kind: 'user-grant-role', name: 'root', role: 'root' },
  { kind: 'enable' },
];

async function stores(): Promise<LocalStore[]> {
  cluster = await new StoreCluster(3).start();
  return [await cluster.leader(), ...(await cluster.followers())].map(({ store }) => store!);
}

it('lets a user show to every member what any has given them', async () => {
  const all = await stores();
  for (const change of CHANGES) await cluster.during(all[0]!.administration.changeAuth(change));
  for (const giver of all) {
    // Though it has just been enabled by another.
    const token = await cluster.during(giver.administration.authenticate('root', 'secret'));
    for (const { administration } of all) {
      await cluster.during(administration.settleToken(token) ?? Promise.resolve());
      expect(administration.userOf(token)).toBe('root');
    }
  }
  await cluster.during(all[1]!.administration.changeAuth({ kind: 'user-change-password', name: 'root', password: '' }));
  const refused = expect(cluster.during(all[2]!.administration.authenticate('root', 'secret'))).rejects;
  await refused.toThrow('etcdserver: authentication failed, invalid user ID or password');
});

it('has nobody wait long for a token that nobody gave', async () => {
  const all = await stores();
  for (const change of CHANGES) await cluster.during(all[0]!.administration.changeAuth(change));
  for (const { administration } of all) {
    await cluster.during(administration.settleToken('stranger.999999999') ?? Promise.resolve());
    expect(administration.userOf('stranger.999999999')).toBeUndefined();
    expect(administration.settleToken('stranger.1')).toBeUndefined();
  }
});
