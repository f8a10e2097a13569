import http from 'node:http';
import https from 'node:https';
import { type HTTPGetAction } from '#api';
import { type DeepReadonly, goQuote } from '#machinery';
import { startDeadline } from './deadline';
import { dialError } from './dial-error';
import { type ProbeResult } from './probe-state';

export interface HttpTarget {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

const maxRedirects = 10;
/** As much of a body as goes into a message. */
const maxBodyBytes = 10 * 1024;

export function httpTarget(
  { scheme = 'HTTP', host, path = '/', httpHeaders = [] }: DeepReadonly<HTTPGetAction>,
  port: number,
  podIp: string,
  userAgent = 'kube-probe/1.36',
): HttpTarget {
  const address = host === undefined || host === '' ? podIp : host;
  const bracketed = address.includes(':') && !address.startsWith('[') ? `[${address}]` : address;
  const slash = path.startsWith('/') ? '' : '/';
  const headers: Record<string, string> = { 'User-Agent': userAgent, Accept: '*/*', Connection: 'close' };
  for (const { name, value } of httpHeaders) {
    const known = Object.keys(headers).find((header) => header.toLowerCase() === name.toLowerCase());
    if (known !== undefined) delete headers[known];
    if (value !== '' || known === undefined) headers[name] = value;
  }
  return { url: new URL(`${scheme.toLowerCase()}://${bracketed}:${port}${slash}${path}`), headers };
}

/** GET; 200 to 399 is success. Redirects are followed on the same host; one that leads elsewhere is a success, too. */
export async function httpGet({ url, headers }: HttpTarget, timeoutMs: number): Promise<ProbeResult> {
  const deadline = new AbortController();
  const stop = startDeadline(timeoutMs, () => deadline.abort());
  let current = url;
  try {
    for (let redirects = 0; ; redirects++) {
      const { status, location, body } = await get(current, headers, deadline.signal);
      if (status >= 300 && status < 400 && location !== undefined) {
        const next = new URL(location, current);
        if (next.hostname !== url.hostname) {
          return { outcome: 'success', message: `Probe terminated redirects, Response body: ${body}` };
        }
        if (redirects >= maxRedirects) {
          return { outcome: 'failure', message: `Get ${goQuote(url.href)}: stopped after ${maxRedirects} redirects` };
        }
        current = next;
        continue;
      }
      if (status >= 200 && status < 400) return { outcome: 'success', message: body };
      return { outcome: 'failure', message: `HTTP probe failed with statuscode: ${status}` };
    }
  } catch (error) {
    const cause = deadline.signal.aborted
      ? 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
      : dialError(error, `${current.hostname}:${current.port}`);
    return { outcome: 'failure', message: `Get ${goQuote(url.href)}: ${cause}` };
  } finally {
    stop();
  }
}

function get(
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<{ status: number; location?: string; body: string }> {
  return new Promise((resolve, reject) => {
    const options = { headers, signal, agent: false as const, rejectUnauthorized: false };
    const request = (url.protocol === 'https:' ? https : http).get(url, options, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const finish = (): void => {
        const { statusCode = 0, headers } = response;
        resolve({ status: statusCode, location: headers.location, body: Buffer.concat(chunks).toString('utf8') });
      };
      response.on('data', (chunk: Buffer) => {
        if (size < maxBodyBytes) chunks.push(chunk.subarray(0, maxBodyBytes - size));
        size += chunk.length;
        if (size >= maxBodyBytes) {
          finish();
          response.destroy();
        }
      });
      response.on('end', finish);
      response.on('error', reject);
    });
    request.on('error', reject);
  });
}
