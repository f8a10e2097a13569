import { ConnectionTable } from './connection-table';

test('there is room until all places are taken', () => {
  const table = new ConnectionTable<string>(2);
  expect(table.add('a', 'one')).toBeUndefined();
  expect(table.add('b', 'one')).toBeUndefined();
  table.delete('a');
  expect(table.add('c', 'two')).toBeUndefined();
  expect(table.all()).toEqual(['b', 'c']);
});

test('who holds the most gives up the one that was silent longest', () => {
  const table = new ConnectionTable<string>(4);
  table.add('quiet', 'modest');
  for (const name of ['a', 'b', 'c']) table.add(name, 'greedy');
  table.touch('a');
  expect(table.add('d', 'greedy')).toBe('b');
  expect(table.add('new', 'another')).toBe('c');
  expect(table.all()).toEqual(['quiet', 'a', 'd', 'new']);
});

test('what has gone already is not touched', () => {
  const table = new ConnectionTable<string>(1);
  table.add('a', 'one');
  expect(table.add('b', 'two')).toBe('a');
  table.touch('a');
  expect(table.all()).toEqual(['b']);
});
