// Generates libs/etcd/src/generated from libs/etcd/proto: one TypeScript file a `.proto` file, with an interface and a codec a
// message, and the services as plain data; and fields.ts, the messages as data. buf parses and ts-proto writes; neither touches the network.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateFields } from './fields.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const output = join(root, 'libs/etcd/src/generated');

const template = {
  version: 'v2',
  plugins: [
    {
      local: [process.execPath, join(root, 'node_modules/ts-proto/protoc-gen-ts_proto')],
      out: output,
      opt: [
        'esModuleInterop=true',
        // Exact, and cheaper than going through text as ts-proto's `number` does.
        'forceLong=bigint',
        'oneof=unions',
        'outputServices=generic-definitions',
        'outputJsonMethods=false',
        'outputIndex=false',
        'exportCommonSymbols=false',
        'useExactTypes=false',
        'addUnrecognizedEnum=false',
        'removeEnumPrefix=true',
      ],
    },
  ],
};

rmSync(output, { recursive: true, force: true });
const { status, error } = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules/@bufbuild/buf/bin/buf'),
    'generate',
    'libs/etcd/proto',
    '--template',
    JSON.stringify(template),
  ],
  { cwd: root, stdio: 'inherit' },
);
if (error) throw error;
if (status !== 0) process.exit(status ?? 1);
generateFields(root, output);
