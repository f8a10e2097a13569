/** How members of a store talk: Raft's messages, snapshots and questions over HTTP. Loaded on demand, by `createPeerTransport`. */
export { HttpPeerTransport } from './http-peer-transport';
