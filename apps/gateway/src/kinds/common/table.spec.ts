import { resources } from '#api';
import { columnFieldDescriptions, withLineBreaks } from './field-descriptions';
import { ageColumn, columnsOf, nameColumn, tableOf } from './table';

describe('columns of a table', () => {
  it('are described by the fields they show', () => {
    const { columns } = columnsOf(resources.pods, [{ name: 'IP', about: '.status.podIP', wide: true }]);
    expect(columns).toEqual([
      { name: 'IP', type: 'string', format: '', description: expect.stringContaining('IP address'), priority: 1 },
    ]);
  });

  it('have paragraphs where the description has', () => {
    const { columns } = tableOf(resources.pods, [nameColumn, ageColumn]);
    expect(columns[1]?.description).toContain('is in UTC.\n\nPopulated by the system.');
  });

  it('are described by another version of the kind if told so', () => {
    const columns = [{ name: 'MaxPods', about: '.spec.maxReplicas', cell: () => 1 }];
    const { columns: built } = tableOf(
      resources.horizontalPodAutoscalersV1,
      columns,
      resources.horizontalPodAutoscalers,
    );
    expect(built[0]?.description).toBe(columnFieldDescriptions['HorizontalPodAutoscaler.spec.maxReplicas']);
  });

  it('refuse a field that the kind does not have', () => {
    const table = columnsOf(resources.pods, [{ name: 'X', about: '.spec.bogus' }]);
    expect(() => table.columns).toThrow('Pod has no field spec.bogus');
  });
});

describe('withLineBreaks', () => {
  it('leaves double spaces that are none', () => {
    expect(withLineBreaks('will be used).  The desired')).toBe('will be used).  The desired');
  });
});
