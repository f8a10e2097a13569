import { type HealthCheck } from '#telemetry';
import { type RawResult } from '../request/api-result';
import { type PathRoute } from './paths';
import { type ResourceTable } from './resource-table';

const plainPaths = [
  '/.well-known/openid-configuration',
  '/api',
  '/apis',
  '/metrics',
  '/openapi/v2',
  '/openapi/v3',
  '/openapi/v3/',
  '/openid/v1/jwks',
  '/version',
];

/** `/`: everything that can be asked for, as a list of paths. */
export function indexRoute(table: ResourceTable, checks: readonly HealthCheck[]): PathRoute {
  return ({ path }): RawResult | undefined => {
    if (path !== '/' && path !== '/index.html') return undefined;
    const groups = table.definitions.flatMap(({ group, version }) =>
      group === '' ? [`/api/${version}`] : [`/apis/${group}`, `/apis/${group}/${version}`],
    );
    const health = checks.flatMap(({ name, on }) => on.flatMap((place) => [`/${place}`, `/${place}/${name}`]));
    const paths = [...new Set([...plainPaths, ...groups, ...health])].sort();
    return {
      type: 'raw',
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify({ paths }, undefined, 2)),
    };
  };
}
