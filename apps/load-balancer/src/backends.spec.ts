import { addressText, Backends } from './backends';

const [a, b, c] = ['a', 'b', 'c'].map((name) => ({ name })) as [object, object, object];

describe('the backends of a load balancer', () => {
  it('come first in turn', () => {
    const backends = new Backends([a, b, c]);
    for (const backend of [a, b, c]) backends.mark(backend, 'ready');
    expect([1, 2, 3, 4].map(() => backends.order()[0])).toEqual([a, b, c, a]);
    expect(backends.order()).toEqual([b, c, a]);
  });

  it('come last when they are not ready, and are tried all the same', () => {
    const backends = new Backends([a, b, c]);
    expect(backends.order()).toEqual([a, b, c]);
    expect(backends.available()).toBe(0);
    backends.mark(b, 'ready');
    backends.mark(c, 'dead');
    expect(backends.available()).toBe(1);
    expect(backends.order()).toEqual([b, a, c]);
    expect(backends.order()).toEqual([b, a, c]);
  });

  it('say whether a check was news', () => {
    const backends = new Backends([a]);
    expect(backends.mark(a, 'ready')).toBe(true);
    expect(backends.mark(a, 'ready')).toBe(false);
    expect(backends.mark(a, 'dead')).toBe(true);
  });

  it('are written as URLs have them', () => {
    expect(addressText({ host: '::1', port: 6443 })).toBe('[::1]:6443');
    expect(addressText({ host: 'gateway-0', port: 6443 })).toBe('gateway-0:6443');
  });
});
