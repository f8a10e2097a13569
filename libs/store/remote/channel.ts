import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import { type ChannelCredentials, type ChannelOptions, Client, credentials } from '@grpc/grpc-js';
import { storeErrors } from '../src/errors';
import { type ConnectTls } from '../src/connect-store';
import { parseEndpoint } from './endpoint';

/**
 * A gRPC client of one endpoint, which connects when it is first used. @param keepAliveMs silence after which the connection is pinged
 * @throws StoreError `invalid-argument`
 */
export function openClient(endpoint: string, tls: ConnectTls | undefined, keepAliveMs: number): Client {
  const { host, port, isSecure } = parseEndpoint(endpoint);
  const name = isIP(host) === 6 ? `[${host}]` : host;
  return new Client(`dns:${name}:${port}`, isSecure ? secure(host, tls) : credentials.createInsecure(), {
    ...channelOptions(keepAliveMs),
    // RFC 6066 has no addresses in the server name; grpc-js would put them there.
    ...(isIP(host) === 0 ? {} : { 'grpc.ssl_target_name_override': 'store.invalid' }),
  });
}

function secure(host: string, tls: ConnectTls | undefined): ChannelCredentials {
  if (tls === undefined) throw storeErrors.invalid('an https:// endpoint needs the CA that signs its certificate');
  const { caPem, certificatePem, keyPem } = tls;
  if ((certificatePem === undefined) !== (keyPem === undefined)) {
    throw storeErrors.invalid('a client certificate needs its key, and a key its certificate');
  }
  const pem = (text: string | undefined): Buffer | null => (text === undefined ? null : Buffer.from(text));
  return credentials.createSsl(
    Buffer.from(caPem),
    pem(keyPem),
    pem(certificatePem),
    isIP(host) === 0 ? {} : { checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate) },
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
