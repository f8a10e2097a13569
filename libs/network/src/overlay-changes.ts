import { type OverlayBackend, type OverlayDevice, type OverlayPlan, type OverlayRoute } from './overlay';

/** What a host's kernel has of the overlay now. */
export interface OverlayState extends OverlayPlan {
  readonly device?: OverlayDevice & { readonly mtu: number; readonly isUp: boolean };
}

/** Lines for `ip -batch` and then for `bridge -batch`. */
export interface OverlayChanges {
  readonly ip: readonly string[];
  readonly bridge: readonly string[];
}

/** Marks routes as ours (`rtnetlink`'s protocols above 4 are for whoever takes one). */
export const OVERLAY_ROUTE_PROTOCOL = 78;

/** IPv4, UDP and VXLAN headers and the inner Ethernet header (RFC 7348). */
const VXLAN_OVERHEAD = 50;

/** The longest packet that pods can send each other whole, given what passes between the hosts. */
export function overlayMtu(backend: OverlayBackend, underlayMtu: number): number {
  return backend === 'vxlan' ? underlayMtu - VXLAN_OVERHEAD : underlayMtu;
}

/**
 * The commands that turn one state into another. What is right is not touched; what goes is removed before what comes, since a
 * block of addresses may move from one host to another.
 * @param name of the overlay's device
 * @param underlayMtu of the interface that leads to the other hosts
 */
export function overlayChanges(
  is: OverlayState,
  wanted: OverlayPlan,
  { name, underlayMtu }: { readonly name: string; readonly underlayMtu: number },
): OverlayChanges {
  const mtu = overlayMtu('vxlan', underlayMtu);
  const isNew = wanted.device !== undefined && (is.device === undefined || !isSameTunnel(is.device, wanted.device));
  const isGone = is.device !== undefined && (wanted.device === undefined || isNew);
  // With the device everything on it goes.
  const has = isGone
    ? { ...is, neighbours: [], forwarding: [], routes: is.routes.filter(({ device }) => device !== name) }
    : is;

  const ip: string[] = [];
  if (isGone) ip.push(`link del ${name}`);
  if (wanted.device !== undefined) ip.push(...deviceLines(isNew ? undefined : is.device, wanted.device, mtu));
  for (const route of missing(has.routes, wanted.routes, routeKey)) ip.push(`route del ${routeText(route)}`);
  for (const { ip: address } of missing(has.neighbours, wanted.neighbours, ({ ip: key }) => key)) {
    ip.push(`neigh del ${address} dev ${name}`);
  }
  for (const { ip: address, mac } of missing(
    wanted.neighbours,
    has.neighbours,
    (entry) => `${entry.ip} ${entry.mac}`,
  )) {
    ip.push(`neigh replace ${address} lladdr ${mac} dev ${name} nud permanent`);
  }
  for (const route of missing(wanted.routes, has.routes, routeKey)) ip.push(`route replace ${routeText(route)}`);

  const fdbKey = (entry: OverlayPlan['forwarding'][number]): string => `${entry.mac} ${entry.ip}`;
  const bridge = [
    ...missing(has.forwarding, wanted.forwarding, fdbKey).map(
      ({ mac, ip: dst }) => `fdb del ${mac} dev ${name} dst ${dst}`,
    ),
    ...missing(wanted.forwarding, has.forwarding, fdbKey).map(
      ({ mac, ip: dst }) => `fdb replace ${mac} dev ${name} dst ${dst} self permanent`,
    ),
  ];
  return { ip, bridge };
}

/** A tunnel's identifier, port and address cannot be changed, only made anew. */
function isSameTunnel(a: OverlayDevice, b: OverlayDevice): boolean {
  return a.vni === b.vni && a.port === b.port && a.localIp === b.localIp;
}

function deviceLines(is: OverlayState['device'], wanted: OverlayDevice, mtu: number): string[] {
  const { name, mac, vni, port, localIp, address } = wanted;
  const lines: string[] = [];
  if (is === undefined) {
    const tunnel = `id ${vni} dstport ${port} local ${localIp} nolearning`;
    lines.push(`link add ${name} mtu ${mtu} address ${mac} type vxlan ${tunnel}`, `link set ${name} addrgenmode none`);
  } else {
    if (is.mac !== mac) lines.push(`link set ${name} address ${mac}`);
    if (is.mtu !== mtu) lines.push(`link set ${name} mtu ${mtu}`);
    if (is.address !== address && is.address !== '') lines.push(`addr del ${is.address}/32 dev ${name}`);
  }
  if (is?.address !== address) lines.push(`addr add ${address}/32 dev ${name}`);
  if (is?.isUp !== true) lines.push(`link set ${name} up`);
  return lines;
}

function routeText({ destination, gateway, device }: OverlayRoute): string {
  const way = device === undefined ? `via ${gateway}` : `via ${gateway} dev ${device} onlink`;
  return `${destination} ${way} proto ${OVERLAY_ROUTE_PROTOCOL}`;
}

function routeKey({ destination, gateway, device = '' }: OverlayRoute): string {
  return `${destination} ${gateway} ${device}`;
}

/** Those of `a` that `b` has not. */
function missing<T>(a: readonly T[], b: readonly T[], key: (entry: T) => string): T[] {
  const known = new Set(b.map(key));
  return a.filter((entry) => !known.has(key(entry)));
}
