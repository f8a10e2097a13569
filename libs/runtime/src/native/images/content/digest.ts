import { createHash, type Hash } from 'node:crypto';

export interface Digest {
  readonly algorithm: 'sha256' | 'sha512';
  readonly hex: string;
}

const lengths: Readonly<Record<Digest['algorithm'], number>> = { sha256: 64, sha512: 128 };

/** `algorithm:hex`, of the algorithms that the OCI image specification registers. Undefined: not a digest that can be checked here. */
export function parseDigest(text: string): Digest | undefined {
  const [, algorithm = '', hex = ''] = /^(sha256|sha512):([0-9a-f]+)$/.exec(text) ?? [];
  if (algorithm !== 'sha256' && algorithm !== 'sha512') return undefined;
  return hex.length === lengths[algorithm] ? { algorithm, hex } : undefined;
}

export function digestOf(content: Buffer | string, algorithm: Digest['algorithm'] = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(content).digest('hex')}`;
}

/** Of the algorithm that `digest` names. */
export function hashFor(digest: string): Hash {
  return createHash(parseDigest(digest)?.algorithm ?? 'sha256');
}

/**
 * What a layer is once it lies on those below it (OCI image specification, "Layer ChainID"): lowest layer first in, and out.
 */
export function chainIds(diffIds: readonly string[]): string[] {
  const chain: string[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`));
  }
  return chain;
}
