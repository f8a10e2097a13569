import { firstOf, labelsText, selectorText } from './text';

describe('labelsText', () => {
  it('sorts by key', () => {
    expect(labelsText({ z: '1', a: '2' })).toBe('a=2,z=1');
  });

  it('shows that there are none', () => {
    expect(labelsText({})).toBe('<none>');
    expect(labelsText(undefined)).toBe('<none>');
  });
});

describe('selectorText', () => {
  it('writes every operator as kubectl reads it, by key', () => {
    const selector = {
      matchLabels: { app: 'web' },
      matchExpressions: [
        { key: 'zone', operator: 'In', values: ['b', 'a'] },
        { key: 'old', operator: 'DoesNotExist' },
        { key: 'new', operator: 'Exists' },
        { key: 'tier', operator: 'NotIn', values: ['x'] },
      ],
    };
    expect(selectorText(selector)).toBe('app=web,new,!old,tier notin (x),zone in (a,b)');
  });

  it.each([[undefined], [{}]])('selects nothing in particular with %j', (selector) => {
    expect(selectorText(selector)).toBe('<none>');
  });
});

describe('firstOf', () => {
  it('shows everything that fits', () => {
    expect(firstOf(['a', 'b', 'c'], 3)).toBe('a,b,c');
  });

  it('counts what does not', () => {
    expect(firstOf(['a', 'b', 'c', 'd', 'e'], 3)).toBe('a,b,c + 2 more...');
  });
});
