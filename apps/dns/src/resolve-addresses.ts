import { ipFamily, ipOfBytes } from '#network';
import { type DnsAnswer, type DnsRequest } from './handler';
import { CLASS_IN, types } from './wire/constants';
import { isEncodable, readName } from './wire/names';
import { parseQuery } from './wire/query';
import { type DnsRecord, readAnswer } from './wire/records';

/** The address records of one type (and the aliases that lead to them) of a name, asked through a chain as a client would. */
export async function resolveAddresses(
  handle: (request: DnsRequest) => Promise<DnsAnswer>,
  name: string,
  type: 'A' | 'AAAA',
  source: string,
): Promise<DnsRecord[]> {
  const parsed = parseQuery(questionFor(name, type));
  if (parsed.kind !== 'query') throw new Error(`not a name: ${JSON.stringify(name)}`);
  const answer = await handle({ query: parsed.query, transport: 'udp', source });
  if (answer.kind === 'records') return [...answer.answer.answers];
  const { message } = answer;
  return readAnswer(message).answers.flatMap((record): DnsRecord[] => {
    const { ttl, dataOffset } = record;
    if (record.type !== types[type] && record.type !== types.CNAME) return [];
    const { name: owner } = readName(message, record.nameOffset);
    if (!isEncodable(owner) || owner.includes('\\')) return [];
    if (record.type === types[type]) {
      const address = ipOfBytes(message.subarray(dataOffset, record.end));
      const isOfType = address !== undefined && ipFamily(address) === (type === 'A' ? 'IPv4' : 'IPv6');
      return isOfType ? [{ name: owner, ttl, type, address }] : [];
    }
    const target = readName(message, dataOffset).name;
    return isEncodable(target) && !target.includes('\\') ? [{ name: owner, ttl, type: 'CNAME', target }] : [];
  });
}

function questionFor(name: string, type: 'A' | 'AAAA'): Buffer {
  if (!isEncodable(name)) throw new Error(`not a name: ${JSON.stringify(name)}`);
  const header = Buffer.from([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  const labels = name.split('.').flatMap((label) => [Buffer.from([label.length]), Buffer.from(label, 'latin1')]);
  return Buffer.concat([header, ...labels, Buffer.from([0, 0, types[type], 0, CLASS_IN])]);
}
