import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Layout } from './layout';
import { Records, type SandboxRecord } from './records';

const directory = mkdtempSync(path.join(tmpdir(), 'nestor-records-'));
afterAll(() => rmSync(directory, { recursive: true }));

test('what lost power has left of a record is told, and the others are read', async () => {
  const layout = new Layout(directory);
  const records = new Records(layout);
  expect(await records.load()).toEqual([]);
  const [whole, broken] = ['a', 'b'].map((id) => ({ id, createdAt: 1 }) as SandboxRecord) as [
    SandboxRecord,
    SandboxRecord,
  ];
  await records.putSandbox(whole);
  await records.putSandbox(broken);
  const file = path.join(layout.sandbox('b'), 'record.json');
  writeFileSync(file, '');
  const next = new Records(layout);
  expect(await next.load()).toEqual([file]);
  expect([...next.sandboxes.values()]).toEqual([whole]);
});
