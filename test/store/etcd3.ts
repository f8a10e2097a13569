import { Etcd3, type IOptions } from 'etcd3';

/** What depends on the server, and not on what it does. */
const CHANCE = /^(ID|lease|leader|raftTerm|raftIndex|raftAppliedIndex|dbSize|dbSizeInUse)$/;
/** A server's version, not a key's. */
const VERSION = /^\d+\.\d+\.\d+$/;

/**
 * An answer of the client in a form that can be compared: bytes are text, headers have a revision only, what chance has chosen is there
 * or not.
 */
export function plain(answer: unknown): unknown {
  const text = JSON.stringify(answer ?? null, (key, value: unknown) => {
    // Of answers about alarms and fragments, etcd 3.4 has none.
    if (key === 'header') return { revision: (value as { revision: string } | null)?.revision };
    const bytes = value as { type?: string; data?: number[] } | null;
    if (bytes?.type === 'Buffer' && bytes.data !== undefined) return Buffer.from(bytes.data).toString('latin1');
    if (CHANCE.test(key)) return isNothing(value) ? undefined : '<given>';
    return typeof value === 'string' && VERSION.test(value) ? '<version>' : value;
  });
  return JSON.parse(text) as unknown;
}

function isNothing(value: unknown): boolean {
  return (
    value === '0' || value === 0 || value === false || value === '' || (Array.isArray(value) && value.length === 0)
  );
}

/** The answer, or which of the client's errors it was and what it said. */
export async function told(answer: unknown): Promise<unknown> {
  try {
    return plain(await answer);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return `${error.constructor.name}: ${error.message}`;
  }
}

/** Each question's answer under its name, one after the other. */
export async function answers(questions: Readonly<Record<string, () => unknown>>): Promise<unknown> {
  const all: [string, unknown][] = [];
  for (const [name, ask] of Object.entries(questions)) all.push([name, await told(ask())]);
  return all;
}

/** @param host `host:port` */
export async function withEtcd3<T>(
  host: string,
  work: (client: Etcd3) => Promise<T>,
  options: Omit<IOptions, 'hosts'> = {},
): Promise<T> {
  const client = new Etcd3({ hosts: `http://${host}`, ...options });
  try {
    return await work(client);
  } finally {
    client.close();
  }
}
