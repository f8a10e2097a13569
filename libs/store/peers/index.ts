/** How members of a store talk: Raft's messages, snapshots and questions over gRPC. Loaded on demand, by `createPeerTransport`. */
export { GrpcPeerTransport } from './grpc-peer-transport';
