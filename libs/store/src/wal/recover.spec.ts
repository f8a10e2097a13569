import { SimulatedFiles } from '../simulated-files.fixture';
import { lastMark, readLog, recoverLog } from './recover';
import { Wal } from './wal';

it("knows of another member's snapshot though an older one of its own was finished after it", async () => {
  const files = new SimulatedFiles();
  const identity = { clusterId: 1n, memberId: 2n };
  const open = async (): Promise<Wal> =>
    Wal.open(
      { files, directory: '/wal', identity, segmentBytes: 64 * 1024 },
      recoverLog(await readLog(files, '/wal'), 0, () => undefined),
    );
  const wal = await open();
  const entry = { term: 1, index: 1, type: 'normal', data: Buffer.from('x') } as const;
  await wal.save({ entries: [entry], hardState: { term: 1, vote: 0n, commit: 1 } });
  const theirs = { index: 9, term: 4 };
  await wal.save({ snapshot: theirs, entries: [], hardState: { term: 4, vote: 0n, commit: 9 } });
  await wal.mark({ index: 1, term: 1 });
  await wal.close();

  const log = await readLog(files, '/wal');
  expect(lastMark(log)).toBe(9);
  expect(recoverLog(log, 9, () => undefined)).toMatchObject({ mark: theirs, lastIndex: 9, tail: [] });
});
