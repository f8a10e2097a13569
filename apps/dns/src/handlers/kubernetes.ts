import { lookup, type RecordsOptions, startOfAuthority } from '../cluster-records';
import { type ClusterView } from '../cluster-view';
import { type DnsAnswer, type Handler } from '../handler';
import { types } from '../wire/constants';
import { type RecordsAnswer } from '../wire/encode';
import { lowerCase } from '../wire/names';
import { type DnsRecord } from '../wire/records';

export interface KubernetesOptions extends RecordsOptions {
  readonly view: ClusterView;
  /** Whether the view is complete; before, nothing is known not to exist. */
  readonly isReady: () => boolean;
  /** Addresses of a name outside of the zone, for aliases (ExternalName). Rejects if nobody knows. */
  readonly resolve: (name: string, type: 'A' | 'AAAA', source: string) => Promise<readonly DnsRecord[]>;
  /** Seconds since the epoch, for the zone's serial number. */
  readonly now: () => number;
  readonly random: () => number;
}

/** How many aliases of the zone are followed one after the other. */
const MAX_ALIASES = 8;

/** Answers for the cluster's zone, and reverse lookups of its addresses; passes everything else on. */
export function kubernetes(options: KubernetesOptions): Handler {
  const { view, random } = options;
  const authority = (): DnsRecord[] => [startOfAuthority(options, options.now())];
  const isOurs = (name: string): boolean => name === options.zone || name.endsWith(`.${options.zone}`);

  return async ({ query, source }, next) => {
    if (!options.isReady()) return isOurs(query.name) || query.name.endsWith('.arpa') ? failed : next();
    const aliases: DnsRecord[] = [];
    let name = query.name;
    for (;;) {
      const result = lookup(view, options, name, query.type);
      if (result.kind === 'outside') {
        if (aliases.length === 0) return next();
        // RFC 1034, 4.3.2: the alias, and what can be found out about its target.
        const type = query.type === types.A ? 'A' : query.type === types.AAAA ? 'AAAA' : undefined;
        const target = type === undefined ? [] : await options.resolve(name, type, source).catch(() => []);
        return respond({ rcode: 'NOERROR', answers: [...aliases, ...target] });
      }
      if (result.kind === 'missing') {
        const rcode = aliases.length === 0 ? 'NXDOMAIN' : 'NOERROR';
        return respond({ rcode, answers: aliases, authorities: authority() });
      }
      if (result.kind === 'alias') {
        aliases.push(result.record);
        name = lowerCase(result.record.target);
        if (query.type === types.CNAME || aliases.length >= MAX_ALIASES)
          return respond({ rcode: 'NOERROR', answers: aliases });
        continue;
      }
      const answers = [...aliases, ...shuffle(result.answers, random)];
      const authorities = answers.length === 0 ? authority() : [];
      return respond({ rcode: 'NOERROR', answers, authorities, additionals: result.additionals });
    }
  };
}

const failed: DnsAnswer = {
  by: 'kubernetes',
  kind: 'records',
  answer: { rcode: 'SERVFAIL', isAuthoritative: false, answers: [] },
};

function respond(answer: Omit<RecordsAnswer, 'isAuthoritative'>): DnsAnswer {
  return { by: 'kubernetes', kind: 'records', answer: { isAuthoritative: true, ...answer } };
}

/** Clients take the first address: everyone gets another order. */
function shuffle(records: readonly DnsRecord[], random: () => number): DnsRecord[] {
  return records
    .map((record) => ({ record, order: random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ record }) => record);
}
