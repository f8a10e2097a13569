import { defaultGarbagePolicy, type ImageCollection } from '#runtime';
import { FakeClock, settle } from '#testing';
import { silentLogger } from '#telemetry';
import { ImageCollector } from './image-collector';

const minute = 60_000;
const gib = 2 ** 30;
const disk = { capacityBytes: 100 * gib, availableBytes: 10 * gib };
const enough: ImageCollection = { disk, wantedBytes: 10 * gib, freedBytes: 11 * gib, images: ['sha256:1'] };
const tooLittle: ImageCollection = { ...enough, freedBytes: gib };
const words =
  "Insufficient free disk space on the node's image filesystem (90% of 100.0 GiB used). Failed to free sufficient space by deleting unused images " +
  '(freed 1073741824 bytes). Investigate disk usage, as it could be used by active images, logs, volumes, or other data.';

describe('collecting images', () => {
  const clock = new FakeClock();
  let collector: ImageCollector;
  let events: string[];
  let calls: number;

  function begin(found: readonly (ImageCollection | Error | undefined)[], highThresholdPercent = 85): void {
    events = [];
    calls = 0;
    const collectImages = async (): Promise<ImageCollection | undefined> => {
      const next = found[calls++];
      if (next instanceof Error) throw next;
      return next;
    };
    const event = (type: string, reason: string, message: string): void =>
      void events.push(`${type} ${reason}: ${message}`);
    const policy = { ...defaultGarbagePolicy, highThresholdPercent };
    collector = new ImageCollector({ runtime: { collectImages }, policy, clock, logger: silentLogger(), event });
    collector.start();
  }
  const pass = async (ms: number): Promise<void> => {
    await settle();
    await clock.advance(ms);
    await settle();
  };
  afterEach(() => collector.stop());

  test('happens at once, and every five minutes', async () => {
    begin([enough, undefined, enough]);
    await pass(5 * minute - 1);
    expect(calls).toBe(1);
    await pass(1);
    await pass(5 * minute);
    expect([calls, events]).toEqual([3, []]);
  });

  test('tells each time that there is too little room, and that it failed from the second time in a row on', async () => {
    begin([tooLittle, tooLittle, enough, tooLittle]);
    await pass(0);
    expect(events).toEqual([`Warning FreeDiskSpaceFailed: ${words}`]);
    await pass(5 * minute);
    expect(events.slice(1)).toEqual([`Warning FreeDiskSpaceFailed: ${words}`, `Warning ImageGCFailed: ${words}`]);
    await pass(5 * minute);
    await pass(5 * minute);
    expect(events.slice(3)).toEqual([`Warning FreeDiskSpaceFailed: ${words}`]);
  });

  test('tells of a runtime that cannot, once it cannot again', async () => {
    begin([new Error('read-only file system'), new Error('read-only file system')]);
    await pass(0);
    expect(events).toEqual([]);
    await pass(5 * minute);
    expect(events).toEqual(['Warning ImageGCFailed: read-only file system']);
  });

  test('tells of a disk without size', async () => {
    begin([{ disk: { capacityBytes: 0, availableBytes: 0 }, wantedBytes: 0, freedBytes: 0, images: [] }]);
    await pass(0);
    expect(events).toEqual(['Warning InvalidDiskCapacity: invalid capacity 0 on image filesystem']);
  });

  test('is off with a threshold of 100 %, and when it was stopped', async () => {
    begin([], 100);
    await pass(10 * minute);
    expect(calls).toBe(0);
    begin([]);
    await collector.stop();
    await pass(10 * minute);
    expect(calls).toBe(1);
  });
});
