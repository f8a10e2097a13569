import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { defaultOf, kindOf, processSettings, type SettingsTable } from '#process';
import { settings as deploymentController } from '../../apps/deployment-controller/src/settings';
import { settings as dns } from '../../apps/dns/src/settings';
import { settings as gateway } from '../../apps/gateway/src/settings';
import { settings as loadBalancer } from '../../apps/load-balancer/src/settings';
import { settings as nodeAgent } from '../../apps/node-agent/src/settings';
import { settings as nodeController } from '../../apps/node-controller/src/settings';
import { settings as replicaSetController } from '../../apps/replicaset-controller/src/settings';
import { settings as resourceController } from '../../apps/resource-controller/src/settings';
import { settings as scheduler } from '../../apps/scheduler/src/settings';
import { settings as serviceController } from '../../apps/service-controller/src/settings';
import { settings as store } from '../../apps/store/src/settings';

const root = join(__dirname, '../..');
const apps: Readonly<Record<string, SettingsTable>> = {
  'deployment-controller': deploymentController,
  dns,
  gateway,
  'load-balancer': loadBalancer,
  'node-agent': nodeAgent,
  'node-controller': nodeController,
  'replicaset-controller': replicaSetController,
  'resource-controller': resourceController,
  scheduler,
  'service-controller': serviceController,
  store,
};

/** A line for each variable and meaning: apps that mean the same by a name share one. */
function documentedRows(): string[] {
  const rows = new Map<string, string[]>();
  for (const [app, table] of Object.entries(apps)) {
    for (const [name, setting] of Object.entries({ ...table, ...processSettings })) {
      const meaning = `| ${kindOf(setting).replaceAll('|', '\\|')} | ${defaultOf(setting)} | ${setting.help} |`;
      const key = `| \`${name}\` ${meaning}`;
      rows.set(key, [...(rows.get(key) ?? []), app]);
    }
  }
  const everybody = Object.keys(apps).length;
  return [...rows].map(([row, who]) => `${row} ${who.length === everybody ? 'all' : who.join(', ')} |`).sort();
}

const normalized = (line: string): string => line.replace(/\s+/g, ' ').trim();

describe('docs/configuration.md', () => {
  it('covers every app that is a process of its own', () => {
    const mains = readdirSync(join(root, 'apps')).filter(
      (app) => app !== 'nestor' && existsSync(join(root, 'apps', app, 'main.ts')),
    );
    expect(Object.keys(apps)).toEqual(mains.sort());
  });

  it('says what the code says', () => {
    const rows = readFileSync(join(root, 'docs/configuration.md'), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map(normalized)
      .sort();
    expect(rows).toEqual(documentedRows().map(normalized));
  });
});
