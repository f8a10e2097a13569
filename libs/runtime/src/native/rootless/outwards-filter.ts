import { attribute, bytesOf, text } from '../network/netlink-attributes';
import { outwardsAddress, ownRange } from './addresses';

/** Messages of nf_tables (linux/netfilter/nf_tables.h). Headers are the machine's, little-endian; attributes are in the network's order. */
const messages = {
  batchBegin: 0x10,
  batchEnd: 0x11,
  newTable: 0xa00,
  deleteTable: 0xa02,
  newChain: 0xa03,
  newRule: 0xa06,
} as const;
const flags = { request: 0x1, acknowledge: 0x4, create: 0x400, append: 0x800 } as const;
const families = { any: 0, ipv4: 2 } as const;
/** The batch is for this subsystem. */
const NFNL_SUBSYS_NFTABLES = 10;
const nested = 0x8000;

const hooks = { prerouting: 0, output: 3 } as const;
/** Behind the destinations that the service proxy and ports of the host translate (priority `dstnat`, -100): who comes first decides. */
const priority = -90;
const IPPROTO_TCP = 6;
/** Registers of 16 bytes. */
const [first, second] = [1, 2] as const;

/**
 * Leads TCP connections to the outside to the relay, those of pods and those of the node itself; as one batch, which replaces an earlier one. It is
 * written here since a minimal system has no `nft`.
 * @param inside networks whose connections are left alone
 */
export function outwardsFilter(inside: readonly string[]): Buffer {
  const table = text(1, 'nestor-outwards');
  const chains = Object.entries(hooks).flatMap(([name, hook]) => {
    const chain = text(2, name);
    return [
      message(messages.newChain, families.ipv4, flags.create, [
        text(1, 'nestor-outwards'),
        text(3, name),
        list(4, number(1, hook), number(2, priority)),
        text(7, 'nat'),
      ]),
      message(messages.newRule, families.ipv4, flags.create | flags.append, [
        table,
        chain,
        list(4, ...rule(['127.0.0.0/8', ownRange, ...inside]).map((expression) => list(1, expression))),
      ]),
    ];
  });
  return Buffer.concat([
    message(messages.batchBegin, families.any, 0, [], NFNL_SUBSYS_NFTABLES),
    // Made before it is deleted: what is not there cannot be deleted.
    message(messages.newTable, families.ipv4, flags.create, [table]),
    message(messages.deleteTable, families.ipv4, 0, [table]),
    message(messages.newTable, families.ipv4, flags.create, [table]),
    ...chains.slice(0, -1),
    ...chains.slice(-1).map(acknowledged),
    message(messages.batchEnd, families.any, 0, [], NFNL_SUBSYS_NFTABLES),
  ]);
}

/** `meta l4proto tcp ip daddr != … dnat to …`, each expression with its name. */
function rule(exceptions: readonly string[]): Buffer[] {
  return [
    expression('meta', number(1, first), number(2, 16)),
    compare(0, Buffer.from([IPPROTO_TCP])),
    ...exceptions.flatMap((network) => {
      const [ip = '', length = '32'] = network.split('/');
      return [
        // The destination of the network header.
        expression('payload', number(1, first), number(2, 1), number(3, 16), number(4, 4)),
        masked(Number(length)),
        compare(1, bytesOf(ip)),
      ];
    }),
    expression('immediate', number(1, first), data(2, bytesOf(outwardsAddress.ip))),
    expression('immediate', number(1, second), data(2, Buffer.from([0, outwardsAddress.port]))),
    expression('nat', number(1, 1), number(2, families.ipv4), number(3, first), number(5, second)),
  ];
}

function masked(length: number): Buffer {
  const mask = Buffer.alloc(4);
  mask.writeUInt32BE(length === 0 ? 0 : (0xffff_ffff << (32 - length)) >>> 0);
  return expression(
    'bitwise',
    number(1, first),
    number(2, first),
    number(3, 4),
    data(4, mask),
    data(5, Buffer.alloc(4)),
  );
}

/** @param operation 0: equal, 1: not equal */
function compare(operation: 0 | 1, value: Buffer): Buffer {
  return expression('cmp', number(1, first), number(2, operation), data(3, value));
}

function expression(name: string, ...attributes: readonly Buffer[]): Buffer {
  return Buffer.concat([text(1, name), list(2, ...attributes)]);
}

function message(type: number, family: number, more: number, body: readonly Buffer[], resource = 0): Buffer {
  const payload = Buffer.concat(body);
  // struct nlmsghdr, struct nfgenmsg
  const header = Buffer.alloc(20);
  header.writeUInt32LE(header.length + payload.length, 0);
  header.writeUInt16LE(type, 4);
  header.writeUInt16LE(flags.request | more, 6);
  header.writeUInt8(family, 16);
  header.writeUInt16BE(resource, 18);
  return Buffer.concat([header, payload]);
}

function acknowledged(bytes: Buffer): Buffer {
  bytes.writeUInt16LE(bytes.readUInt16LE(6) | flags.acknowledge, 6);
  return bytes;
}

function list(type: number, ...inner: readonly Buffer[]): Buffer {
  return attribute(type | nested, Buffer.concat(inner));
}

function data(type: number, value: Buffer): Buffer {
  return list(type, attribute(1, value));
}

function number(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return attribute(type, bytes);
}
