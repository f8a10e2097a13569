/** How the client wants an answer: encoding, and the object as it is or transformed. */
export interface Representation {
  readonly encoding: 'json' | 'yaml';
  readonly as: '' | 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList';
  /** Version of `meta.k8s.io` for transformations. */
  readonly version: 'v1' | 'v1beta1';
  /** All parameters of the chosen clause, for documents with representations of their own (discovery). */
  readonly parameters: ReadonlyMap<string, string>;
}

interface Clause {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

const json: Representation = { encoding: 'json', as: '', version: 'v1', parameters: new Map() };
const cache = new Map<string, readonly Clause[]>();
const cacheLimit = 500;

/** The clauses of an Accept header, best first. */
export function acceptClauses(header: string): readonly Clause[] {
  let clauses = cache.get(header);
  if (clauses === undefined) {
    clauses = header
      .split(',')
      .map(parseClause)
      .filter((clause) => clause.type !== '')
      .sort((a, b) => b.quality - a.quality);
    if (cache.size < cacheLimit) cache.set(header, clauses);
  }
  return clauses;
}

function parseClause(text: string): Clause {
  const [type = '', ...rest] = text.split(';').map((part) => part.trim());
  const parameters = new Map<string, string>();
  for (const part of rest) {
    const equals = part.indexOf('=');
    if (equals > 0) parameters.set(part.slice(0, equals).trim().toLowerCase(), part.slice(equals + 1).trim());
  }
  const quality = Number(parameters.get('q') ?? '1');
  return { type: type.toLowerCase(), parameters, quality: Number.isFinite(quality) ? quality : 0 };
}

/**
 * Chooses the first clause that can be satisfied.
 * @returns undefined if none can: 406
 */
export function negotiate(header: string | undefined, transforms: boolean): Representation | undefined {
  if (header === undefined || header === '') return json;
  for (const { type, parameters } of acceptClauses(header)) {
    const encoding = encodings[type];
    if (encoding === undefined) continue;
    const as = parameters.get('as') ?? '';
    if (as === '') return { ...json, encoding, parameters };
    const version = parameters.get('v') ?? '';
    if (!transforms || parameters.get('g') !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) continue;
    if (as === 'Table' || as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') {
      return { encoding, as, version, parameters };
    }
  }
  return undefined;
}

const encodings: Readonly<Record<string, 'json' | 'yaml'>> = {
  'application/json': 'json',
  'application/*': 'json',
  '*/*': 'json',
  'application/yaml': 'yaml',
};
