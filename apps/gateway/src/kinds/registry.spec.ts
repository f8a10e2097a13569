import { allResources, formatGroupVersion, schemaFor } from '#api';
import { copyJson, zeroStruct } from '#machinery';
import { strategies, strategyFor } from './registry';

const named = strategies.map((strategy) => {
  const { group, version, plural } = strategy.resource;
  return [`${formatGroupVersion(group, version)} ${plural}`, strategy] as const;
});

describe('the list of kinds', () => {
  it('has each resource once', () => {
    expect(new Set(named.map(([name]) => name)).size).toBe(named.length);
  });

  it('has every resource that is stored', () => {
    const stored = allResources.filter(({ verbs }) => verbs.includes('watch'));
    const missing = stored.filter((resource) => !strategies.some((strategy) => strategy.resource === resource));
    expect(missing.map(({ plural }) => plural)).toEqual([]);
  });

  it('answers with an empty strategy for what it does not know', () => {
    const resource = { ...strategies[0]!.resource, plural: 'widgets' };
    expect(strategyFor(resource)).toEqual({ resource });
  });

  it.each(named)('%s: defaults of an empty object are the same when set twice', (_name, strategy) => {
    const { group, version, kind } = strategy.resource;
    const once = zeroStruct(schemaFor(group, version, kind));
    strategy.setDefaults?.(once);
    const twice = copyJson<typeof once>(once);
    strategy.setDefaults?.(twice);
    expect(twice).toEqual(once);
  });

  it.each(named)('%s: every column is described, and has a cell', (_name, strategy) => {
    const { group, version, kind } = strategy.resource;
    const object = zeroStruct(schemaFor(group, version, kind));
    const { columns = [] } = strategy.table ?? {};
    expect(columns.filter(({ description }) => description === '')).toEqual([]);
    expect(strategy.table?.cells(object, 0) ?? []).toHaveLength(columns.length);
  });
});
