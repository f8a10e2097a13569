import fc from 'fast-check';
import { formatFence, parseFence } from './fence';

describe('a fence in a header', () => {
  it('comes out as it went in (property)', () => {
    const text = fc.string({ minLength: 1, unit: 'grapheme' });
    fc.assert(
      fc.property(text, text, text, fc.nat(), (namespace, name, holder, transitions) => {
        const fence = { lease: { namespace, name }, holder, transitions };
        const formatted = formatFence(fence);
        expect(formatted).toMatch(/^[\x21-\x7e]+$/);
        expect(parseFence(formatted)).toEqual(fence);
      }),
    );
  });

  it.each(['', 'x', 'a/b;transitions=-1;holder=x', 'a/b;transitions=1;holder=', 'a/b;transitions=1;holder=%zz'])(
    'is refused when it is %j',
    (text) => expect(parseFence(text)).toBeUndefined(),
  );
});
