import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { type Payload, writePayload } from './atomic-writer';

describe('writePayload', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await fs.mkdtemp(path.join(os.tmpdir(), 'atomic-'));
  });
  afterEach(() => fs.rm(directory, { recursive: true, force: true }));

  const payload = (files: Record<string, string>, mode = 0o644): Payload =>
    new Map(Object.entries(files).map(([name, text]) => [name, { data: Buffer.from(text), mode }]));
  const read = (name: string): Promise<string> => fs.readFile(path.join(directory, name), 'utf8');
  const visible = async (): Promise<string[]> =>
    (await fs.readdir(directory)).filter((name) => !name.startsWith('..')).sort();

  it('publishes files through ..data', async () => {
    await writePayload(directory, payload({ a: '1', 'deep/b': '2' }, 0o400), 0);
    expect([await read('a'), await read('deep/b')]).toEqual(['1', '2']);
    expect(await fs.readlink(path.join(directory, 'a'))).toBe('..data/a');
    expect(await fs.readlink(path.join(directory, 'deep'))).toBe('..data/deep');
    expect((await fs.stat(path.join(directory, 'a'))).mode & 0o777).toBe(0o400);
  });

  it('changes all files at once, removes what is gone, and keeps one generation', async () => {
    await writePayload(directory, payload({ a: '1', b: '1' }), 0);
    const first = await fs.readlink(path.join(directory, '..data'));
    expect(await writePayload(directory, payload({ b: '2', c: '2' }), 1000)).toBe(true);
    expect(await visible()).toEqual(['b', 'c']);
    expect([await read('b'), await read('c')]).toEqual(['2', '2']);
    const generations = (await fs.readdir(directory)).filter((name) => name.startsWith('..') && name !== '..data');
    expect(generations).toHaveLength(1);
    expect(generations).not.toContain(first);
  });

  it('does nothing when nothing changed', async () => {
    await writePayload(directory, payload({ a: '1' }), 0);
    const link = await fs.readlink(path.join(directory, '..data'));
    expect(await writePayload(directory, payload({ a: '1' }), 1000)).toBe(false);
    expect(await fs.readlink(path.join(directory, '..data'))).toBe(link);
  });

  it.each(['../x', '/x', 'a/../../x', '..x', ''])('refuses the path %j', async (name) => {
    await expect(writePayload(directory, payload({ [name]: 'x' }), 0)).rejects.toThrow('invalid path');
    expect(await fs.readdir(directory)).toEqual([]);
  });

  it('always shows the last payload (property)', async () => {
    const files = fc.dictionary(fc.constantFrom('a', 'b', 'c/d', 'c/e', 'f'), fc.string({ maxLength: 5 }), {
      maxKeys: 5,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(files, { minLength: 1, maxLength: 4 }), async (rounds) => {
        for (const [index, round] of rounds.entries()) {
          await writePayload(directory, payload(round), index * 1000);
          for (const [name, text] of Object.entries(round)) expect(await read(name)).toBe(text);
          expect(await visible()).toEqual([...new Set(Object.keys(round).map((name) => name.split('/')[0]!))].sort());
        }
      }),
      { numRuns: 25 },
    );
  });
});
