import { type ChildProcess } from 'node:child_process';
import http from 'node:http';
import { type NestorCluster } from './nestor';

export interface ApiAnswer<T = unknown> {
  readonly code: number;
  readonly body: T;
}

/** The API over HTTP, through `kubectl proxy`: for many requests at once, and for seeing status codes. */
export class KubernetesApi {
  private readonly agent = new http.Agent({ keepAlive: true, maxSockets: 256 });

  private constructor(
    private readonly proxy: ChildProcess,
    private readonly port: number,
  ) {}

  static async connect(cluster: NestorCluster): Promise<KubernetesApi> {
    const proxy = await cluster.kubectlStream('proxy', '--port=0');
    const port = await new Promise<number>((resolve, reject) => {
      let said = '';
      proxy.once('exit', () => reject(new Error(`kubectl proxy has ended: ${said}`)));
      proxy.stdout?.on('data', (chunk) => {
        said += String(chunk);
        const found = /127\.0\.0\.1:(\d+)/.exec(said)?.[1];
        if (found !== undefined) resolve(Number(found));
      });
    });
    return new KubernetesApi(proxy, port);
  }

  /** Resolves whatever the status code. */
  request<T>(method: string, path: string, body?: unknown): Promise<ApiAnswer<T>> {
    const headers = { 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' };
    return new Promise((resolve, reject) => {
      const request = http.request({ port: this.port, agent: this.agent, method, path, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('error', reject);
        response.on('end', () => resolve({ code: response.statusCode ?? 0, body: JSON.parse(text) as T }));
      });
      request.on('error', reject);
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  /** As `request`; rejects unless it succeeds. */
  async must<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.request<T>(method, path, body);
    if (answer.code >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  close(): void {
    this.agent.destroy();
    this.proxy.kill();
  }
}
