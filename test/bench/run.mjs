// `npm run bench [name …]`: runs every `*.bench.mjs` below this folder, or those whose path contains one of the names.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const wanted = process.argv.slice(2);

function* benches(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* benches(path);
    else if (entry.name.endsWith('.bench.mjs')) yield path;
  }
}

let failed = 0;
for (const path of benches(here)) {
  const name = relative(here, path);
  if (wanted.length > 0 && !wanted.some((part) => name.includes(part))) continue;
  process.stdout.write(`\n== ${name}\n`);
  if (spawnSync(process.execPath, [path], { stdio: 'inherit' }).status !== 0) failed++;
}
process.exit(failed === 0 ? 0 : 1);
