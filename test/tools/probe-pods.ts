import { readFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { type Container, type Pod, type PodSpec, type Service, type ServiceSpec } from '#api';
import { eventually } from './eventually';
import { type KubernetesApi } from './kubernetes-api';

const NAMESPACE = '/api/v1/namespaces/default';
const CONFIG_MAP = 'probe-app';

export interface ProbePodOptions {
  readonly labels?: Readonly<Record<string, string>>;
  /** Default 8080. */
  readonly port?: number;
  /** Whether it says that it is ready when it starts. */
  readonly isReady?: boolean;
  readonly spec?: Partial<PodSpec>;
}

/** What a load of requests has come to. */
export interface LoadResult {
  readonly answers: number;
  /** Answers by the name of the pod. */
  readonly by: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
}

/** Pods that are server and client at once (`probe-app.js`), and Services, made through the API. */
export class ProbePods {
  constructor(private readonly api: KubernetesApi) {}

  /** Has to come before the first pod. */
  async install(): Promise<void> {
    const data = { 'app.js': readFileSync(join(__dirname, 'probe-app.js'), 'utf8') };
    await this.api.must('POST', `${NAMESPACE}/configmaps`, { metadata: { name: CONFIG_MAP }, data });
  }

  template({ labels = {}, port = 8080, isReady = true, spec = {} }: ProbePodOptions): Pod {
    const container: Container = {
      name: 'probe',
      image: 'nestor.local/node',
      imagePullPolicy: 'IfNotPresent',
      command: ['node', '/app/app.js'],
      ports: [{ name: 'http', containerPort: port }],
      env: [
        { name: 'PORT', value: String(port) },
        { name: 'READY', value: isReady ? 'yes' : 'no' },
        { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      ],
      readinessProbe: { httpGet: { path: '/ready', port: 'http' }, periodSeconds: 1, failureThreshold: 1 },
      volumeMounts: [{ name: 'app', mountPath: '/app' }],
    };
    const volumes = [{ name: 'app', configMap: { name: CONFIG_MAP } }];
    return { metadata: { labels: { ...labels } }, spec: { containers: [container], volumes, ...spec } };
  }

  async pod(name: string, options: ProbePodOptions = {}): Promise<void> {
    const pod = this.template(options);
    await this.api.must('POST', `${NAMESPACE}/pods`, { ...pod, metadata: { ...pod.metadata, name } });
  }

  async deployment(name: string, replicas: number): Promise<void> {
    const labels = { app: name };
    const strategy = { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } };
    const spec = { replicas, strategy, selector: { matchLabels: labels }, template: this.template({ labels }) };
    await this.api.must('POST', '/apis/apps/v1/namespaces/default/deployments', { metadata: { name }, spec });
  }

  /** A Service with a port `http` 80 to the pods' port of that name, unless the spec says otherwise. */
  async service(name: string, spec: ServiceSpec): Promise<Service> {
    const ports = [{ name: 'http', port: 80, targetPort: 'http' }];
    return this.api.must('POST', `${NAMESPACE}/services`, { metadata: { name }, spec: { ports, ...spec } });
  }

  /** The pod's address once it runs. */
  async address(name: string): Promise<string> {
    return eventually(async () => {
      const { status } = await this.api.must<Pod>('GET', `${NAMESPACE}/pods/${name}`);
      if (status?.podIP === undefined || status.containerStatuses?.[0]?.state?.running === undefined) {
        throw new Error(`${name} does not run: ${JSON.stringify(status)}`);
      }
      return status.podIP;
    }, 30_000);
  }

  /** Ready pods with the label, by name. */
  async ready(selector: string): Promise<Map<string, string>> {
    const { items } = await this.api.must<{ items: Pod[] }>('GET', `${NAMESPACE}/pods?labelSelector=${selector}`);
    const ready = items.filter(
      ({ metadata, status }) =>
        metadata?.deletionTimestamp === undefined &&
        status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') === true,
    );
    return new Map(ready.map(({ metadata, status }) => [metadata?.name ?? '', status?.podIP ?? '']));
  }
}

/** Asks a probe to do something from where it is; the pod's address is reached from the host. */
export class Probe {
  constructor(private readonly ip: string) {}

  /** `times` connections to the URL: what each was answered, or the error's code. */
  get(url: string, times = 1): Promise<string[]> {
    return this.ask('get', { url, times });
  }

  udp(host: string, port: number): Promise<string> {
    return this.ask('udp', { host, port });
  }

  /** What the C library makes of a name, with the search path. */
  lookup(name: string): Promise<string> {
    return this.ask('lookup', name);
  }

  /** Asks the DNS for exactly this name; the answer, or an error code as c-ares has it. */
  resolve(type: 'resolve4' | 'resolve6' | 'resolveSrv' | 'resolveCname' | 'reverse', name: string): Promise<unknown> {
    return this.ask(type, name);
  }

  dnsOverTcp(name: string, server: string): Promise<{ rcode: number; count: number; last: string }> {
    return this.ask('dnsOverTcp', { name, server });
  }

  setReady(value: boolean): Promise<void> {
    return this.ask('setReady', value);
  }

  startLoad(url: string, clients: number, keepAlive = false): Promise<void> {
    return this.ask('startLoad', { url, clients, keepAlive });
  }

  loadSoFar(): Promise<LoadResult> {
    return this.ask('loadSoFar');
  }

  stopLoad(): Promise<LoadResult> {
    return this.ask('stopLoad');
  }

  private ask<T>(task: string, options?: unknown): Promise<T> {
    return new Promise((resolve, reject) => {
      const target = { host: this.ip, port: 8080, method: 'POST', agent: false, timeout: 60_000 };
      const request = http.request(target, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('error', reject);
        response.on('end', () => resolve(JSON.parse(text) as T));
      });
      request.on('timeout', () => request.destroy(new Error(`${task} takes too long`)));
      request.on('error', reject);
      request.end(JSON.stringify({ task, options }));
    });
  }
}
