// Generates libs/api/src/generated from the API models that `@kubernetes/client-node` publishes:
//
//   types.ts        one interface a definition, for people and the compiler
//   definitions.ts  the same as compact data, linked to schemas by libs/api/src/link.ts
//
// The models are read as text, never loaded. Only definitions reachable from a GA version of the API are kept. The
// output depends on nothing but the package's contents.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nameDefinitions, packages } from './definition-names.mjs';
import { emitDefinitions } from './emit-definitions.mjs';
import { emitTypes } from './emit-types.mjs';
import { openModels } from './models.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const models = openModels(join(root, 'node_modules/@kubernetes/client-node/dist/gen'));
const names = nameDefinitions(models);

const output = join(root, 'libs/api/src/generated');
mkdirSync(output, { recursive: true });
writeFileSync(join(output, 'types.ts'), emitTypes(models, names));
writeFileSync(join(output, 'definitions.ts'), emitDefinitions(models, names, packages));
