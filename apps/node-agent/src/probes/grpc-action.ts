import http2 from 'node:http2';
import { goQuote } from '#machinery';
import { goDuration } from '../pods/back-off';
import { startDeadline } from './deadline';
import { dialError } from './dial-error';
import { type ProbeResult } from './probe-state';

const statusNames = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];

/** Calls `grpc.health.v1.Health/Check` without TLS (github.com/grpc/grpc/blob/master/doc/health-checking.md). */
export function grpcCheck(host: string, port: number, service: string, timeoutMs: number): Promise<ProbeResult> {
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return new Promise((resolve) => {
    let isDone = false;
    const session = http2.connect(`http://${address}`);
    const stop = startDeadline(timeoutMs, () => {
      const within = goDuration(timeoutMs);
      const what = session.connecting ? `failed to connect service ${goQuote(address)}` : 'health rpc did not complete';
      finish({ outcome: 'failure', message: `timeout: ${what} within ${within}` });
    });
    const finish = (result: ProbeResult): void => {
      if (isDone) return;
      isDone = true;
      stop();
      session.destroy();
      resolve(result);
    };
    const fail = (error: Error): void => {
      // A stream that waited for the connection wraps what went wrong with that.
      const cause = dialError(error.cause ?? error, address);
      finish({
        outcome: 'failure',
        message: `error: health rpc failed: connection error: desc = "transport: Error while dialing: ${cause}"`,
      });
    };
    session.once('error', fail);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      'user-agent': 'kube-probe/1.36',
      te: 'trailers',
    });
    const chunks: Buffer[] = [];
    let grpcStatus: string | undefined;
    let grpcMessage = '';
    const readStatus = (headers: http2.IncomingHttpHeaders): void => {
      if (headers['grpc-status'] === undefined) return;
      grpcStatus = String(headers['grpc-status']);
      grpcMessage = decodeURIComponent(String(headers['grpc-message'] ?? ''));
    };
    stream.on('response', readStatus);
    stream.on('trailers', readStatus);
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', fail);
    stream.on('end', () => {
      if (grpcStatus === '12') {
        const message = 'error: this server does not implement the grpc health protocol (grpc.health.v1.Health)';
        return finish({ outcome: 'failure', message: `${message}: ${grpcMessage}` });
      }
      if (grpcStatus !== '0') {
        const message = `error: health rpc failed: rpc error: code = ${grpcStatus ?? 'Unknown'} desc = ${grpcMessage}`;
        return finish({ outcome: 'failure', message });
      }
      const status = servingStatus(Buffer.concat(chunks));
      if (status === 1) return finish({ outcome: 'success', message: 'service healthy' });
      const name = statusNames[status] ?? String(status);
      return finish({ outcome: 'failure', message: `service unhealthy (responded with ${goQuote(name)})` });
    });
    stream.end(checkRequest(service));
  });
}

/** A gRPC frame (flag, length) around `HealthCheckRequest{service = 1}`. */
export function checkRequest(service: string): Buffer {
  const name = Buffer.from(service);
  const length: number[] = [];
  for (let rest = name.length; ; rest >>>= 7) {
    if (rest < 0x80) {
      length.push(rest);
      break;
    }
    length.push((rest & 0x7f) | 0x80);
  }
  const message = name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, ...length]), name]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** `HealthCheckResponse{status = 1}`; absent is 0, unknown. */
export function servingStatus(frame: Buffer): number {
  return frame[5] === 0x08 ? (frame[6] ?? 0) : 0;
}
