import { parseProxyName } from './proxy-name';

it.each([
  ['web', { scheme: '', name: 'web', port: '' }],
  ['web:80', { scheme: '', name: 'web', port: '80' }],
  ['web:', { scheme: '', name: 'web', port: '' }],
  ['https:web:', { scheme: 'https', name: 'web', port: '' }],
  [':web:metrics', { scheme: '', name: 'web', port: 'metrics' }],
  ['', undefined],
  [':80', undefined],
  ['ftp:web:21', undefined],
  ['http:web:80:1', undefined],
])('reads %p', (text, expected) => {
  expect(parseProxyName(text)).toEqual(expected);
});
