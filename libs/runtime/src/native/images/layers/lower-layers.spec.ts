import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lowerFile } from './lower-layers';

const home = mkdtempSync(join(tmpdir(), 'nestor-layers-'));
afterAll(() => rmSync(home, { recursive: true }));

/** A layer with a file `etc/passwd`; or something else in its place, or in that of `etc`. */
function layer(name: string, make: (etc: string) => void): string {
  const root = join(home, name);
  mkdirSync(root);
  make(join(root, 'etc'));
  return root;
}

const withFile = (text: string) => (etc: string) => {
  mkdirSync(etc);
  writeFileSync(join(etc, 'passwd'), text);
};

const low = layer('low', withFile('low'));
const high = layer('high', withFile('higher'));
const none = layer('none', (etc) => mkdirSync(etc));
const linked = layer('linked', (etc) => {
  mkdirSync(etc);
  symlinkSync('/etc/passwd', join(etc, 'passwd'));
});
const linkedAbove = layer('linked-above', (etc) => symlinkSync('/etc', etc));

test.each([
  ['the highest shows', [high, low], 'higher'],
  ['what a layer does not have is below', [none, low], 'low'],
  ['there is none', [none], undefined],
  ['a link is no file, and hides one', [linked, low], undefined],
  ['a directory that is a link hides what is below', [linkedAbove, low], undefined],
  ['too many bytes', [high], undefined, 5],
])('a file of layers: %s', async (_, layers, text, most = 100) => {
  expect(await lowerFile(layers, 'etc/passwd', most)).toBe(text);
});
