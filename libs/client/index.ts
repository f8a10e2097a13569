/** A typed client of the API, over the bus or HTTPS. */
export {
  type DeleteOptions,
  type ListOptions,
  type ObjectClient,
  type ObjectList,
  type PatchType,
  type RawCall,
  type WriteOptions,
} from './src/object-client';
export { type BusCredentialsOptions, type RenewedBusIdentity, obtainBusIdentity } from './src/bus-credentials';
export { type BusCall, type BusClientOptions, createBusClient } from './src/bus-client';
export { collectionPath, withQuery } from './src/paths';
export { type Fence, fenceHeader, formatFence, parseFence } from './src/fence';
export { expandGenerateName } from './src/generate-name';
export { type HttpClientOptions, createHttpClient } from './src/http-client';
export { type ClosableObjectClient } from './src/transport-client';
