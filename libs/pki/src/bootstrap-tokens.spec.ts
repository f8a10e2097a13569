import fc from 'fast-check';
import {
  createBootstrapToken,
  expirationOf,
  formatBootstrapToken,
  isSignedBy,
  parseBootstrapToken,
  signDetached,
} from './bootstrap-tokens';

describe('bootstrap tokens', () => {
  it('are read as they are written', () => {
    for (let i = 0; i < 100; i++) {
      const token = createBootstrapToken();
      expect(parseBootstrapToken(formatBootstrapToken(token))).toEqual(token);
    }
    expect(parseBootstrapToken('abcdef.0123456789abcde')).toBeUndefined();
    expect(parseBootstrapToken(' abcdef.0123456789abcdef')).toBeUndefined();
  });

  it('sign what only they can have signed (property)', () => {
    const token = { id: 'abcdef', secret: '0123456789abcdef' };
    fc.assert(
      fc.property(fc.string(), fc.string(), (content, other) => {
        const signature = signDetached(content, token);
        expect(isSignedBy(signature, content, token)).toBe(true);
        expect(isSignedBy(signature, other, token)).toBe(content === other);
        expect(isSignedBy(signature, content, { ...token, secret: '0123456789abcdee' })).toBe(false);
      }),
    );
  });

  it('sign as go-jose does', () => {
    // RFC 7515, appendix F; the header's keys are in alphabetical order.
    expect(signDetached('x', { id: 'abcdef', secret: '0123456789abcdef' }).split('.').slice(0, 2)).toEqual([
      Buffer.from('{"alg":"HS256","kid":"abcdef"}').toString('base64url'),
      '',
    ]);
  });

  it.each([
    [undefined, Infinity],
    ['', Infinity],
    ['2026-01-01T00:00:00Z', Date.UTC(2026, 0, 1)],
    ['2026-01-01T01:00:00+01:00', Date.UTC(2026, 0, 1)],
    ['2026-01-01', -Infinity],
    ['soon', -Infinity],
  ])('with the expiration %j end at %p', (text, expected) => expect(expirationOf(text)).toBe(expected));
});
