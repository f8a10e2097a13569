import { SimulatedFiles } from '../simulated-files.fixture';
import { StateMachine } from '../state-machine';
import { Snapshotter } from './snapshotter';

const DIRECTORY = '/snapshots';

/** A step that the test lets happen. */
class Gate {
  private open: () => void = () => undefined;
  private readonly opened = new Promise<void>((resolve) => (this.open = resolve));
  isReached = false;

  readonly pass = (): Promise<void> => {
    this.isReached = true;
    return this.opened;
  };

  lift(): void {
    this.open();
  }
}

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
};

it('waits when it stops for what followed on a snapshot that was under way', async () => {
  const files = new SimulatedFiles();
  await files.makeDirectory();
  const machine = new StateMachine();
  machine.apply(1, 1, { type: 'put', request: { key: 'a', value: Buffer.from('1') } });
  const [marking, releasing] = [new Gate(), new Gate()];
  const snapshotter = new Snapshotter(
    { files, directory: DIRECTORY, identity: { clusterId: 1n, memberId: 1n }, machine, everyBytes: 1_000 },
    { logBytes: 0, snapshotBytes: 0 },
    () => () => undefined,
    marking.pass,
  );
  const taken = snapshotter.snapshot();
  await until(() => marking.isReached);
  snapshotter.adopted({ index: 2, bytes: 10 }, releasing.pass);
  marking.lift();
  await taken;
  await until(() => releasing.isReached);
  let isStopped = false;
  const stopping = snapshotter.stop().then(() => (isStopped = true));
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(isStopped).toBe(false);
  releasing.lift();
  await stopping;
});
