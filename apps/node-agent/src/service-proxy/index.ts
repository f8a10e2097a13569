/** The service proxy: one per network namespace of a host, whatever the number of agents in it. */
export { type HostFiles } from '../host/host-files';
export {
  createHostNetwork,
  type HostNetwork,
  type HostNetworkOptions,
  type HostNetworkState,
  removeServiceRules,
  whyNoHostNetwork,
} from './host-network';
export {
  createServiceProxy,
  type LeavingPod,
  type ServiceProxy,
  type ServiceProxyConfig,
  type ServiceProxyDependencies,
} from './service-proxy';
