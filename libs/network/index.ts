/**
 * Networking as data: addresses, and what a node does with traffic to services. Everything here is pure; see README.md.
 *
 * ```ts
 * const rules = computeServiceRules(services, endpointSlices, { localNodes: new Set(['n1']) });
 * const table = compileNft(rules, { table: nftTableName('demo'), clusterCidr: '10.244.0.0/16', masqueradeMark: 0x4000, masqueradesPods: false });
 * renderNft(table); // for `nft -f -`
 * ```
 */
export { compileNft, type NftOptions, nftTableName } from './src/compile-nft';
export { computeServiceRules, type ServiceRulesOptions } from './src/compute-service-rules';
export { addressOfReverseName, canonicalIp, ipBytes, ipFamily, type IpFamily, ipOfBytes, reverseName } from './src/ip';
export { IpAllocator, type IpAllocatorOptions } from './src/ip-allocator';
export { isInCidr, isIpv4, nthAddress } from './src/ipv4';
export {
  type NftChain,
  type NftSet,
  type NftTable,
  renderNft,
  renderNftChange,
  renderNftRemoval,
} from './src/nft-table';
export { NodeCidrAllocator } from './src/node-cidr-allocator';
export {
  computeOverlay,
  type OverlayBackend,
  overlayDeviceName,
  type OverlayOptions,
  type OverlayPlan,
} from './src/overlay';
export {
  OVERLAY_ROUTE_PROTOCOL,
  type OverlayChanges,
  overlayChanges,
  overlayMtu,
  type OverlayState,
} from './src/overlay-changes';
export {
  type Backend,
  type Decision,
  type RuleSet,
  type ServicePortRule,
  type TransportProtocol,
} from './src/service-rules';
