import { type RecordsAnswer } from './wire/encode';
import { type Query } from './wire/query';

export interface DnsRequest {
  readonly query: Query;
  readonly transport: 'udp' | 'tcp';
  /** The client's address: who floods is held back, not everybody. */
  readonly source: string;
}

/** Either records, still to be encoded, or the message of another server, with this query's id and question. */
export type DnsAnswer = { readonly by: string } & (
  | { readonly kind: 'records'; readonly answer: RecordsAnswer }
  | { readonly kind: 'message'; readonly message: Buffer; readonly rcode: number }
);

/**
 * One link of the chain, as a CoreDNS plugin: answers, or passes the request on to `next`. A rejection becomes SERVFAIL.
 */
export type Handler = (request: DnsRequest, next: () => Promise<DnsAnswer>) => Promise<DnsAnswer>;

/** The first handler is asked first. What nobody answers is refused. */
export function chain(handlers: readonly Handler[]): (request: DnsRequest) => Promise<DnsAnswer> {
  const from =
    (index: number) =>
    async (request: DnsRequest): Promise<DnsAnswer> => {
      const handler = handlers[index];
      return handler === undefined ? refused : handler(request, () => from(index + 1)(request));
    };
  return from(0);
}

const refused: DnsAnswer = {
  by: '',
  kind: 'records',
  answer: { rcode: 'REFUSED', isAuthoritative: false, answers: [] },
};
