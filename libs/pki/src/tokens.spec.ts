import { FakeClock } from '#testing';
import crypto from 'node:crypto';
import fc from 'fast-check';
import {
  type BoundClaims,
  createSigningKey,
  createTokenIssuer,
  createTokenVerifier,
  jsonWebKeySet,
  keyId,
} from '../index';

const issuer = 'https://kubernetes.default.svc.cluster.local';
const keyPem = createSigningKey();
const bound: BoundClaims = {
  namespace: 'default',
  serviceaccount: { name: 'web', uid: 'u1' },
  pod: { name: 'web-1', uid: 'p1' },
  node: { name: 'a', uid: 'n1' },
};

function setUp() {
  const clock = new FakeClock(Date.UTC(2026, 0, 1));
  return {
    clock,
    tokens: createTokenIssuer({ issuer, keyPem, clock, createId: () => 'id-1' }),
    verifier: createTokenVerifier({ issuer, keyPems: [keyPem], clock }),
  };
}

const request = { bound, audiences: [issuer], expirationSeconds: 3600 };

describe('ServiceAccount tokens', () => {
  it('carry who they are for and what they are bound to', async () => {
    const { clock, tokens, verifier } = setUp();
    const { token, expiresAt } = await tokens.issue(request);
    const now = clock.now() / 1000;
    expect(expiresAt).toBe(now + 3600);
    expect(await verifier.verify(token, [issuer])).toEqual({
      subject: 'system:serviceaccount:default:web',
      audiences: [issuer],
      issuedAt: now,
      expiresAt,
      id: 'id-1',
      bound,
    });
  });

  it('expire', async () => {
    const { clock, tokens, verifier } = setUp();
    const { token } = await tokens.issue(request);
    await clock.advance(3_599_000);
    await verifier.verify(token, [issuer]);
    await clock.advance(2_000);
    await expect(verifier.verify(token, [issuer])).rejects.toMatchObject({
      message: 'service account token has expired',
      foreign: false,
    });
  });

  it('are good for their audiences only', async () => {
    const { tokens, verifier } = setUp();
    const { token } = await tokens.issue({ ...request, audiences: ['vault'] });
    await expect(verifier.verify(token, [issuer])).rejects.toThrow('is invalid for the target audiences');
    expect((await verifier.verify(token, ['other', 'vault'])).audiences).toEqual(['vault']);
  });

  it('survive the rotation of keys', async () => {
    const { clock, tokens } = setUp();
    const { token } = await tokens.issue(request);
    const rotated = createTokenVerifier({ issuer, keyPems: [createSigningKey(), keyPem], clock });
    expect((await rotated.verify(token, [issuer])).bound.pod?.name).toBe('web-1');
    const forgotten = createTokenVerifier({ issuer, keyPems: [createSigningKey()], clock });
    await expect(forgotten.verify(token, [issuer])).rejects.toMatchObject({ foreign: true });
  });

  it('are foreign when of another issuer, or no tokens at all', async () => {
    const { clock, tokens } = setUp();
    const { token } = await tokens.issue(request);
    const other = createTokenVerifier({ issuer: 'https://example.com', keyPems: [keyPem], clock });
    await expect(other.verify(token, [issuer])).rejects.toMatchObject({ name: 'TokenError', foreign: true });
    await expect(other.verify('opaque', [issuer])).rejects.toMatchObject({ name: 'TokenError', foreign: true });
  });

  it('are refused after any change', async () => {
    const { tokens, verifier } = setUp();
    const { token } = await tokens.issue(request);
    await fc.assert(
      fc.asyncProperty(fc.nat(token.length - 2), fc.constantFrom('A', 'b', '.', '-'), async (position, character) => {
        fc.pre(token[position] !== character);
        const changed = token.slice(0, position) + character + token.slice(position + 1);
        await expect(verifier.verify(changed, [issuer])).rejects.toMatchObject({ name: 'TokenError' });
      }),
      { numRuns: 60 },
    );
  });

  it('are refused when unsigned', async () => {
    const { verifier } = setUp();
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const unsigned = `${part({ alg: 'none' })}.${part({ iss: issuer, sub: 'system:serviceaccount:kube-system:admin' })}.`;
    await expect(verifier.verify(unsigned, [issuer])).rejects.toMatchObject({ name: 'TokenError' });
  });

  it('can be verified by others', async () => {
    const { keys } = await jsonWebKeySet([keyPem]);
    expect(keys).toEqual([
      {
        use: 'sig',
        alg: 'ES256',
        kid: keyId(crypto.createPublicKey(keyPem)),
        kty: 'EC',
        crv: 'P-256',
        x: expect.any(String),
        y: expect.any(String),
      },
    ]);
  });
});
