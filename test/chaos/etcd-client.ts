import { type ChannelCredentials, Client, credentials, type MethodDefinition } from '@grpc/grpc-js';
import { clusterService, type etcdserverpb, maintenanceService } from '#etcd';
import { type ConnectTls } from '#store';

/** What an operator asks of one member, by etcd's API. */
export class EtcdClient {
  private readonly client: Client;

  /** @param endpoint `http://host:port`, or `https://` with `tls` */
  constructor(endpoint: string, tls?: ConnectTls) {
    this.client = new Client(endpoint.replace(/^https?:\/\//, ''), credentialsOf(tls));
  }

  status(): Promise<etcdserverpb.StatusResponse> {
    return this.call(maintenanceService.status, {});
  }

  members(): Promise<etcdserverpb.MemberListResponse> {
    return this.call(clusterService.memberList, { linearizable: true });
  }

  add(peerUrl: string): Promise<etcdserverpb.MemberAddResponse> {
    return this.call(clusterService.memberAdd, { peerURLs: [peerUrl], isLearner: false });
  }

  remove(id: bigint): Promise<etcdserverpb.MemberRemoveResponse> {
    return this.call(clusterService.memberRemove, { ID: id });
  }

  close(): void {
    this.client.close();
  }

  private call<Request, Response>(method: MethodDefinition<Request, Response>, request: Request): Promise<Response> {
    const { path, requestSerialize, responseDeserialize } = method;
    return new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + 5_000 };
      this.client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, options, (error, response) => {
        if (error !== null) reject(error);
        else resolve(response!);
      });
    });
  }
}

function credentialsOf(tls: ConnectTls | undefined): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  const pem = (text: string | undefined): Buffer | null => (text === undefined ? null : Buffer.from(text));
  return credentials.createSsl(Buffer.from(tls.caPem), pem(tls.keyPem), pem(tls.certificatePem));
}
