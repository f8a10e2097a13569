import { outwardsFilter } from './outwards-filter';

interface Message {
  readonly type: number;
  readonly flags: number;
  readonly body: Buffer;
}

function messagesOf(batch: Buffer): Message[] {
  const found: Message[] = [];
  for (let at = 0; at < batch.length; at += batch.readUInt32LE(at)) {
    const end = at + batch.readUInt32LE(at);
    found.push({
      type: batch.readUInt16LE(at + 4),
      flags: batch.readUInt16LE(at + 6),
      body: batch.subarray(at + 20, end),
    });
  }
  return found;
}

const filter = outwardsFilter(['10.244.0.0/16', '10.96.0.0/12']);

test('it is one batch that replaces the table, and whose last message alone is acknowledged', () => {
  const messages = messagesOf(filter);
  const [begin, newTable, deleteTable, newChain, newRule, end] = [0x10, 0xa00, 0xa02, 0xa03, 0xa06, 0x11];
  expect(messages.map(({ type }) => type)).toEqual([
    ...[begin, newTable, deleteTable, newTable],
    ...[newChain, newRule, newChain, newRule],
    end,
  ]);
  expect(messages.map(({ flags }) => flags & 4)).toEqual([0, 0, 0, 0, 0, 0, 0, 4, 0]);
});

test('networks inside are left alone, and others led to the relay', () => {
  const [rule] = messagesOf(filter).filter(({ type }) => type === 0xa06);
  for (const bytes of [
    ...[
      [10, 244, 0, 0],
      [255, 255, 0, 0],
      [10, 96, 0, 0],
      [255, 240, 0, 0],
      [127, 0, 0, 0],
    ],
    [198, 18, 0, 2],
  ]) {
    expect(rule?.body.includes(Buffer.from(bytes))).toBe(true);
  }
  expect(outwardsFilter([]).includes(Buffer.from([10, 244, 0, 0]))).toBe(false);
});

test('every attribute is as long as it says, and aligned', () => {
  const check = (bytes: Buffer): void => {
    for (let at = 0; at < bytes.length; at += (bytes.readUInt16LE(at) + 3) & ~3) {
      const length = bytes.readUInt16LE(at);
      expect(length).toBeGreaterThanOrEqual(4);
      expect(at + length).toBeLessThanOrEqual(bytes.length);
      if ((bytes.readUInt16LE(at + 2) & 0x8000) !== 0) check(bytes.subarray(at + 4, at + length));
    }
  };
  for (const { body } of messagesOf(filter)) check(body);
});
