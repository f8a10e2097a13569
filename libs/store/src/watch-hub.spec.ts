import { StateMachine } from './state-machine';
import { WatchHub } from './watch-hub';

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('tells nothing from before a start in the future, though another state has taken the place of the one it was asked of', async () => {
  const machine = new StateMachine();
  const hub = new WatchHub(
    () => machine.keyspace,
    (error) => {
      throw error;
    },
  );
  const told: number[] = [];
  // Somebody has listed at a member that knows more.
  hub.watch(
    { key: 'a', startRevision: 4 },
    { onBatch: ({ revision }) => told.push(revision), onEnd: (error) => expect(error).toBeUndefined() },
  );
  hub.pause();
  hub.resume();
  await nextTurn();
  for (let index = 1; index <= 4; index++) {
    const { changes } = machine.apply(index, 1, { type: 'put', request: { key: 'a', value: Buffer.from('1') } });
    hub.publish(machine.keyspace.revision, changes);
  }
  expect(told).toEqual([4, 5]);
});
