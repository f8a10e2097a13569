import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  type ClientDuplexStream,
  connectivityState,
  credentials,
  type MethodDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { type Clock } from '#machinery';
import { storeErrors } from '../src/errors';
import { type ConnectTls } from '../src/connect-store';

/** One endpoint and the HTTP/2 connection to it, made when it is first asked for and made again when it breaks. */
export class Connection {
  /** When, on the monotonic clock, this endpoint last let somebody down. */
  failedAt = -Infinity;
  private readonly client: Client;

  constructor(
    readonly endpoint: string,
    tls: ConnectTls | undefined,
    private readonly clock: Clock,
    keepAliveMs: number,
    onChange: () => void,
  ) {
    const { host, port, isSecure } = parseEndpoint(endpoint);
    this.client = new Client(`dns:${host}:${port}`, isSecure ? secure(host, tls) : credentials.createInsecure(), {
      ...channelOptions(keepAliveMs),
      // RFC 6066 has no addresses in the server name; grpc-js would put them there.
      ...(addressOf(host) === undefined ? {} : { 'grpc.ssl_target_name_override': 'store.invalid' }),
    });
    this.follow(onChange);
  }

  get isReady(): boolean {
    return this.client.getChannel().getConnectivityState(false) === connectivityState.READY;
  }

  /** Begins to connect unless it is, or does. */
  connect(): void {
    this.client.getChannel().getConnectivityState(true);
  }

  /** Rejects with grpc-js's `ServiceError`; with code CANCELLED when the time is over or the signal aborts. */
  unary<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      const { path, requestSerialize, responseDeserialize } = method;
      const settle = (error: ServiceError | null, response?: Response): void => {
        timer.cancel();
        signal.removeEventListener('abort', cancel);
        if (error !== null) reject(error);
        else resolve(response!);
      };
      const call = this.client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, settle);
      const cancel = (): void => call.cancel();
      const timer = this.clock.setTimer(timeoutMs, cancel);
      signal.addEventListener('abort', cancel, { once: true });
    });
  }

  stream<Request, Response>(method: MethodDefinition<Request, Response>): ClientDuplexStream<Request, Response> {
    return this.client.makeBidiStreamRequest(method.path, method.requestSerialize, method.responseDeserialize);
  }

  close(): void {
    this.client.close();
  }

  private follow(onChange: () => void): void {
    const channel = this.client.getChannel();
    const wait = (): void => {
      const state = channel.getConnectivityState(false);
      if (state === connectivityState.SHUTDOWN) return;
      channel.watchConnectivityState(state, Infinity, () => {
        onChange();
        wait();
      });
    };
    wait();
  }
}

/** @throws StoreError `invalid-argument` */
function parseEndpoint(endpoint: string): { host: string; port: string; isSecure: boolean } {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  const isPlain = url?.protocol === 'http:';
  if (url === undefined || url.hostname === '' || (!isPlain && url.protocol !== 'https:')) {
    throw storeErrors.invalid(`${endpoint} is not an endpoint: it has to be https://host:port or http://host:port`);
  }
  const port = url.port === '' ? (isPlain ? '80' : '443') : url.port;
  return { host: url.hostname, port, isSecure: !isPlain };
}

/** Without the brackets of IPv6; undefined for a name. */
function addressOf(host: string): string | undefined {
  const address = host.replace(/^\[|\]$/g, '');
  return isIP(address) === 0 ? undefined : address;
}

function secure(host: string, tls: ConnectTls | undefined): ChannelCredentials {
  if (tls === undefined) throw storeErrors.invalid('an https:// endpoint needs the CA that signs its certificate');
  const { caPem, certificatePem, keyPem } = tls;
  if ((certificatePem === undefined) !== (keyPem === undefined)) {
    throw storeErrors.invalid('a client certificate needs its key, and a key its certificate');
  }
  const pem = (text: string | undefined): Buffer | null => (text === undefined ? null : Buffer.from(text));
  const address = addressOf(host);
  return credentials.createSsl(
    Buffer.from(caPem),
    pem(keyPem),
    pem(certificatePem),
    address === undefined ? {} : { checkServerIdentity: (_, certificate) => checkServerIdentity(address, certificate) },
  );
}

function channelOptions(keepAliveMs: number): ChannelOptions {
  return {
    // A proxy from the environment has no business between us and the store.
    'grpc.enable_http_proxy': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.use_local_subchannel_pool': 1,
    // Addresses change when a container comes back.
    'grpc.dns_min_time_between_resolutions_ms': 1_000,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 2_000,
    'grpc.keepalive_time_ms': keepAliveMs,
    'grpc.keepalive_timeout_ms': keepAliveMs / 2,
    // A range is as large as the caller wanted it.
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
    // With HTTP/2's 64 KiB a large answer would wait for many round trips.
    'grpc-node.flow_control_window': 8 * 1024 * 1024,
  };
}

export function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'details' in error;
}
