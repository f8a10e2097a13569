import { attribute, bytesOf, text } from './netlink-attributes';

/** Messages of rtnetlink(7). Numbers are the machine's, which is little-endian on x86-64 and AArch64. */
const types = { newLink: 16, deleteLink: 17, newAddress: 20, newRoute: 24 } as const;
const flags = { request: 0x1, acknowledge: 0x4, replace: 0x100, exclusive: 0x200, create: 0x400 } as const;
const AF_INET = 2;
const IFF_UP = 1;

/** Attributes of links (linux/if_link.h), and inside of IFLA_LINKINFO. */
const link = { name: 3, mtu: 4, master: 10, info: 18, namespaceOfPid: 19 } as const;
const info = { kind: 1, data: 2, slaveKind: 4, slaveData: 5 } as const;
const VETH_INFO_PEER = 1;
const IFLA_BRPORT_MODE = 4;
const address = { address: 1, local: 2, broadcast: 4 } as const;
const route = { destination: 1, interface: 4, gateway: 5, source: 7 } as const;

/** A message, and where the number of an interface is to be put into it that is known by its name only when it is sent. */
export interface LinkMessage {
  readonly bytes: Buffer;
  readonly interface?: { readonly offset: number; readonly name: string };
}

const headerBytes = 16;
/** Of the number in `struct ifinfomsg` and `struct ifaddrmsg`. */
const numberOffset = headerBytes + 4;

export function addBridge(name: string): LinkMessage {
  const body = [linkHead(), text(link.name, name), nested(link.info, text(info.kind, 'bridge'))];
  return message(types.newLink, flags.create | flags.exclusive, body);
}

/** A pair of interfaces: one here, the other as `eth0` in the network namespace of a process. */
export function addVeth(name: string, pid: number, mtu?: number): LinkMessage {
  const size = mtu === undefined ? [] : [number(link.mtu, mtu)];
  const peer = [linkHead(), text(link.name, 'eth0'), number(link.namespaceOfPid, pid), ...size];
  const data = nested(info.data, nested(VETH_INFO_PEER, ...peer));
  const body = [linkHead(), text(link.name, name), ...size, nested(link.info, text(info.kind, 'veth'), data)];
  return message(types.newLink, flags.create | flags.exclusive, body);
}

/** A pair of interfaces, both here. */
export function addPair(name: string, peer: string): LinkMessage {
  const data = nested(info.data, nested(VETH_INFO_PEER, linkHead(), text(link.name, peer)));
  const body = [linkHead(), text(link.name, name), nested(link.info, text(info.kind, 'veth'), data)];
  return message(types.newLink, flags.create | flags.exclusive, body);
}

/** Makes an interface a port of a bridge, and takes it up. */
export function attachToBridge(name: string, bridge: string): LinkMessage {
  const body = [linkHead(IFF_UP), number(link.master, 0), text(link.name, name)];
  const offset = headerBytes + 16 + 4;
  return { ...message(types.newLink, 0, body), interface: { offset, name: bridge } };
}

/** Lets what came by a port of a bridge go back by it: a pod that reaches itself by a port of the host. */
export function allowHairpin(name: string): LinkMessage {
  const data = nested(info.slaveData, attribute(IFLA_BRPORT_MODE, Buffer.from([1])));
  return message(types.newLink, 0, [
    linkHead(),
    text(link.name, name),
    nested(link.info, text(info.slaveKind, 'bridge'), data),
  ]);
}

export function takeUp(name: string): LinkMessage {
  return message(types.newLink, 0, [linkHead(IFF_UP), text(link.name, name)]);
}

export function setMtu(name: string, mtu: number): LinkMessage {
  return message(types.newLink, 0, [linkHead(), text(link.name, name), number(link.mtu, mtu)]);
}

export function deleteLink(name: string): LinkMessage {
  return message(types.deleteLink, 0, [linkHead(), text(link.name, name)]);
}

/** Gives an interface an address of IPv4, and a route to its network. Succeeds if it has it. */
export function addAddress(name: string, ip: string, prefixLength: number): LinkMessage {
  const value = bytesOf(ip);
  const all = 0xffff_ffff >>> prefixLength;
  const broadcast = Buffer.alloc(4);
  broadcast.writeUInt32BE((value.readUInt32BE() | (prefixLength === 32 ? 0 : all)) >>> 0);
  const head = Buffer.from([AF_INET, prefixLength, 0, 0, 0, 0, 0, 0]);
  const body = [
    head,
    ...[attribute(address.local, value), attribute(address.address, value), attribute(address.broadcast, broadcast)],
  ];
  return {
    ...message(types.newAddress, flags.create | flags.replace, body),
    interface: { offset: numberOffset, name },
  };
}

/** Everything else goes to a gateway. */
export function addDefaultRoute(name: string, gateway: string): LinkMessage {
  // struct rtmsg: family, lengths, table main, protocol boot, scope universe, unicast
  const head = Buffer.from([AF_INET, 0, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0]);
  const body = [head, number(route.interface, 0), attribute(route.gateway, bytesOf(gateway))];
  const offset = headerBytes + head.length + 4;
  return { ...message(types.newRoute, flags.create | flags.exclusive, body), interface: { offset, name } };
}

/** Everything else goes out by an interface. */
export function addDefaultRouteBy(name: string, source: string): LinkMessage {
  // struct rtmsg: family, lengths, table main, protocol boot, scope link, unicast
  const head = Buffer.from([AF_INET, 0, 0, 0, 254, 3, 253, 1, 0, 0, 0, 0]);
  return routed(head, [attribute(route.source, bytesOf(source))], name);
}

/** All addresses of a network are this machine's own: what listens on one of them is reached by it (ip-route(8), "local"). */
export function addLocalNetwork(network: string, prefixLength: number, source: string): LinkMessage {
  // struct rtmsg: family, lengths, table local, protocol boot, scope host, local
  const head = Buffer.from([AF_INET, prefixLength, 0, 0, 255, 3, 254, 2, 0, 0, 0, 0]);
  return routed(head, [attribute(route.destination, bytesOf(network)), attribute(route.source, bytesOf(source))], 'lo');
}

/** Succeeds if there is one like it. */
function routed(head: Buffer, attributes: readonly Buffer[], name: string): LinkMessage {
  const body = [head, number(route.interface, 0), ...attributes];
  const offset = headerBytes + head.length + 4;
  return { ...message(types.newRoute, flags.create | flags.replace, body), interface: { offset, name } };
}

/** struct ifinfomsg: of any interface, by its name. @param up IFF_UP: it is taken up */
function linkHead(up = 0): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt32LE(up, 8);
  head.writeUInt32LE(up, 12);
  return head;
}

function message(type: number, more: number, body: readonly Buffer[]): LinkMessage {
  const payload = Buffer.concat(body);
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32LE(headerBytes + payload.length, 0);
  header.writeUInt16LE(type, 4);
  header.writeUInt16LE(flags.request | flags.acknowledge | more, 6);
  return { bytes: Buffer.concat([header, payload]) };
}

function nested(type: number, ...inner: readonly Buffer[]): Buffer {
  return attribute(type, Buffer.concat(inner));
}

function number(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return attribute(type, bytes);
}
