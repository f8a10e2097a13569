import { type Service, type ServicePort, type ServiceSpec } from '#api';
import {
  type ApiError,
  type DeepReadonly,
  type FieldError,
  type KubernetesObject,
  field,
  goQuote,
  internalError,
  invalid,
} from '#machinery';
import { type Compare, type RequestOp } from '#store';
import { type ResourceCache } from '../cache/resource-cache';
import { type Reservations } from '../registry/writer';
import { type TransactionPart } from '../storage/object-storage';
import { setFamilies } from './service-families';
import { type AddressRange, chooseFree, contains, formatAddress, lowerBandSize, parseAddress } from './service-cidr';

type Spec = DeepReadonly<ServiceSpec>;

const addressKey = (address: string): string => `/nestor/allocations/clusterip/${address}`;
const portKey = (port: number): string => `/nestor/allocations/nodeport/${port}`;

/**
 * Cluster IPs and node ports. A service and its reservations are written in one transaction that fails if somebody else
 * has one of them, so they are unique whatever happens; the cache only makes good guesses.
 */
export class ServiceAllocator implements Reservations {
  private readonly addresses = new Map<string, string>();
  private readonly ports = new Map<number, string>();
  /** What was chosen here for an object that is not written yet, so that another attempt chooses again. */
  private readonly chosen = new WeakMap<
    object,
    { address: boolean; ports: ReadonlySet<ServicePort>; health: boolean }
  >();

  constructor(
    private readonly range: AddressRange,
    private readonly portRange: readonly [number, number],
    services: ResourceCache,
    private readonly random: () => number,
  ) {
    const takeAll = (): void => {
      for (const { key, object } of services.range(services.prefix)) this.take(key, (object as Service).spec);
    };
    takeAll();
    services.subscribe({
      onEvents: (events) => {
        for (const { object, previous, type } of events) {
          this.forget(previous?.key ?? '', (previous?.object as Service | undefined)?.spec);
          if (type !== 'DELETED') this.take(object.key, (object.object as Service).spec);
        }
      },
      onReset: () => {
        this.addresses.clear();
        this.ports.clear();
        takeAll();
      },
    });
  }

  /** Upstream's addresses are objects that name their service: one without a name fails at that, before it is validated. */
  begin(object: DeepReadonly<KubernetesObject>): void {
    const { metadata, spec = {} } = object as DeepReadonly<Service>;
    if (metadata?.name || spec.type === 'ExternalName' || spec.clusterIP === 'None') return;
    const wanted = spec.clusterIP ?? '';
    const address = wanted === '' ? this.freeAddress() : wanted;
    const which = wanted === '' ? '' : ` ${wanted}`;
    const cause = `IPAddress.networking.k8s.io ${goQuote(address)} is invalid: spec.parentRef.name: Required value`;
    const text = `failed to allocate IP${which}: ${cause}`;
    throw this.refuse(object, [field.invalid('spec.clusterIPs', [wanted], text)]);
  }

  reserve(object: KubernetesObject, old: DeepReadonly<KubernetesObject> | undefined): TransactionPart | undefined {
    const service = object as Service;
    const spec = (service.spec ??= {});
    const oldService: DeepReadonly<Service> | undefined = old;
    const oldSpec = oldService?.spec;
    this.undo(service);
    keepAllocated(spec, oldSpec);
    const ports = new Set<ServicePort>();
    const choice = { address: this.allocateAddress(service, spec, oldSpec), ports, health: false };
    this.chosen.set(service, choice);
    this.allocatePorts(service, spec, oldSpec, ports);
    choice.health = this.allocateHealthPort(spec, oldSpec);
    return difference(`${service.metadata?.namespace ?? ''}/${service.metadata?.name ?? ''}`, spec, oldSpec);
  }

  release(old: DeepReadonly<KubernetesObject>): TransactionPart | undefined {
    return difference('', {}, (old as DeepReadonly<Service>).spec);
  }

  /** Forgets what an attempt that failed had chosen. */
  private undo(service: Service): void {
    const previous = this.chosen.get(service);
    if (previous === undefined || service.spec === undefined) return;
    if (previous.address) {
      delete service.spec.clusterIP;
      delete service.spec.clusterIPs;
    }
    for (const port of previous.ports) delete port.nodePort;
    if (previous.health) delete service.spec.healthCheckNodePort;
  }

  /** Returns whether it chose the address. */
  private allocateAddress(service: Service, spec: ServiceSpec, old: Spec | undefined): boolean {
    if (spec.type === 'ExternalName') {
      delete spec.clusterIP;
      delete spec.clusterIPs;
      delete spec.ipFamilies;
      delete spec.ipFamilyPolicy;
      return false;
    }
    const errors = setFamilies(spec);
    if (errors.length > 0) throw this.refuse(service, errors);
    const wanted = spec.clusterIP ?? spec.clusterIPs?.[0] ?? '';
    if (wanted !== '') {
      spec.clusterIP = wanted;
      spec.clusterIPs ??= [wanted];
      if (wanted !== 'None' && wanted !== old?.clusterIP) this.requireAddress(service, wanted);
      return false;
    }
    spec.clusterIP = this.freeAddress();
    spec.clusterIPs = [spec.clusterIP];
    return true;
  }

  private freeAddress(): string {
    const { first, size } = this.range;
    // The first address is `default/kubernetes`, the last one broadcast.
    const found = chooseFree(
      first + 1,
      size - 2,
      lowerBandSize(size),
      (value) => this.addresses.has(formatAddress(value)),
      this.random,
    );
    if (found === undefined) throw internalError('failed to allocate a serviceIP: range is full');
    return formatAddress(found);
  }

  private requireAddress(service: Service, wanted: string): void {
    const address = parseAddress(wanted);
    const refuse = (cause: string): ApiError =>
      this.refuse(service, [field.invalid('spec.clusterIPs', [wanted], `failed to allocate IP ${wanted}: ${cause}`)]);
    if (address === undefined || !contains(this.range, address)) {
      throw refuse(
        `the provided IP (${wanted}) is not in the valid range. The range of valid IPs is ${this.range.cidr}`,
      );
    }
    if (this.addresses.has(wanted)) throw refuse('provided IP is already allocated');
  }

  private allocatePorts(service: Service, spec: ServiceSpec, old: Spec | undefined, chosen: Set<ServicePort>): void {
    if (!needsNodePorts(spec)) {
      if (spec.type !== 'NodePort' && spec.type !== 'LoadBalancer')
        for (const port of spec.ports ?? []) delete port.nodePort;
      return;
    }
    const owned = new Set((old?.ports ?? []).map(({ nodePort = 0 }) => nodePort));
    const mine = new Set<number>();
    (spec.ports ?? []).forEach((port, index) => {
      const wanted = port.nodePort ?? 0;
      if (wanted === 0) return;
      if (!owned.has(wanted) && !mine.has(wanted)) this.requirePort(service, wanted, index);
      mine.add(wanted);
    });
    const byNumber = new Map<number, { port: ServicePort; protocols: Set<string> }>();
    for (const port of spec.ports ?? []) {
      if ((port.nodePort ?? 0) !== 0) continue;
      // The same port with another protocol gets the same node port.
      const shared = byNumber.get(port.port);
      const protocol = port.protocol ?? 'TCP';
      if (shared !== undefined && !shared.protocols.has(protocol)) {
        shared.protocols.add(protocol);
        port.nodePort = shared.port.nodePort;
      } else {
        port.nodePort = this.freePort(mine);
        byNumber.set(port.port, { port, protocols: new Set([protocol]) });
      }
      mine.add(port.nodePort ?? 0);
      chosen.add(port);
    }
  }

  private allocateHealthPort(spec: ServiceSpec, old: Spec | undefined): boolean {
    const isNeeded = spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
    if (!isNeeded) {
      delete spec.healthCheckNodePort;
      return false;
    }
    if ((spec.healthCheckNodePort ?? 0) !== 0) return false;
    if (old?.healthCheckNodePort !== undefined) {
      spec.healthCheckNodePort = old.healthCheckNodePort;
      return false;
    }
    spec.healthCheckNodePort = this.freePort(new Set((spec.ports ?? []).map(({ nodePort = 0 }) => nodePort)));
    return true;
  }

  private freePort(mine: ReadonlySet<number>): number {
    const [first, last] = this.portRange;
    const size = last - first + 1;
    const band = Math.min(Math.max(16, Math.floor(size / 32)), 128);
    const isTaken = (port: number): boolean => this.ports.has(port) || mine.has(port);
    const found = chooseFree(first, size, size < 17 ? 0 : band, isTaken, this.random);
    if (found === undefined) throw internalError('failed to allocate a nodePort: range is full');
    return found;
  }

  private requirePort(service: Service, wanted: number, index: number): void {
    const [first, last] = this.portRange;
    const path = `spec.ports[${index}].nodePort`;
    if (wanted < first || wanted > last) {
      const detail = `provided port is not in the valid range. The range of valid ports is ${first}-${last}`;
      throw this.refuse(service, [field.invalid(path, wanted, detail)]);
    }
    if (this.ports.has(wanted))
      throw this.refuse(service, [field.invalid(path, wanted, 'provided port is already allocated')]);
  }

  private refuse(service: DeepReadonly<Service>, errors: readonly FieldError[]): ApiError {
    return invalid({ group: '', kind: 'Service' }, service.metadata?.name ?? '', errors);
  }

  private take(key: string, spec: Spec | undefined): void {
    for (const address of addressesOf(spec)) this.addresses.set(address, key);
    for (const port of portsOf(spec)) this.ports.set(port, key);
  }

  private forget(key: string, spec: Spec | undefined): void {
    for (const address of addressesOf(spec)) if (this.addresses.get(address) === key) this.addresses.delete(address);
    for (const port of portsOf(spec)) if (this.ports.get(port) === key) this.ports.delete(port);
  }
}

function needsNodePorts({ type, allocateLoadBalancerNodePorts }: Spec): boolean {
  return type === 'NodePort' || (type === 'LoadBalancer' && allocateLoadBalancerNodePorts !== false);
}

/** Clients that leave out what was allocated mean to keep it. */
function keepAllocated(spec: ServiceSpec, old: Spec | undefined): void {
  if (old === undefined || spec.type === 'ExternalName') return;
  if ((spec.clusterIP ?? '') === '' && (spec.clusterIPs ?? []).length === 0 && old.type !== 'ExternalName') {
    if (old.clusterIP !== undefined) spec.clusterIP = old.clusterIP;
    if (old.clusterIPs !== undefined) spec.clusterIPs = [...old.clusterIPs];
  }
  if (!needsNodePorts(spec)) return;
  const used = new Set((spec.ports ?? []).map(({ nodePort = 0 }) => nodePort));
  for (const port of spec.ports ?? []) {
    if ((port.nodePort ?? 0) !== 0) continue;
    const same = (old.ports ?? []).find(
      (candidate) =>
        candidate.port === port.port &&
        (candidate.protocol ?? 'TCP') === (port.protocol ?? 'TCP') &&
        !used.has(candidate.nodePort ?? 0),
    );
    if ((same?.nodePort ?? 0) !== 0) port.nodePort = same?.nodePort;
  }
}

/** What the transaction must claim and give back. */
function difference(owner: string, spec: Spec, old: Spec | undefined): TransactionPart | undefined {
  const keysOf = (of: Spec | undefined): Set<string> =>
    new Set([...addressesOf(of).map(addressKey), ...portsOf(of).map(portKey)]);
  const [wanted, held] = [keysOf(spec), keysOf(old)];
  const compare: Compare[] = [];
  const success: RequestOp[] = [];
  for (const key of wanted) {
    if (held.has(key)) continue;
    compare.push({ key, target: 'create', result: 'equal', operand: 0 });
    success.push({ type: 'put', request: { key, value: Buffer.from(owner) } });
  }
  for (const key of held) if (!wanted.has(key)) success.push({ type: 'delete', request: { key } });
  return success.length === 0 ? undefined : { compare, success };
}

function addressesOf(spec: Spec | undefined): string[] {
  const { clusterIP, clusterIPs, type } = spec ?? {};
  if (type === 'ExternalName') return [];
  return (clusterIPs ?? (clusterIP === undefined ? [] : [clusterIP])).filter(
    (address) => address !== '' && address !== 'None',
  );
}

function portsOf(spec: Spec | undefined): number[] {
  const ports = (spec?.ports ?? []).map(({ nodePort = 0 }) => nodePort);
  return [...ports, spec?.healthCheckNodePort ?? 0].filter((port) => port !== 0);
}
