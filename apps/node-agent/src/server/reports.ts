import os from 'node:os';
import { formatTime } from '#machinery';
import { type ContainerStats } from '#runtime';
import { type PlainRequest } from './server-dependencies';

export async function serveHealth({ response }: PlainRequest): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end('ok');
}

export async function servePods({ response, dependencies }: PlainRequest): Promise<void> {
  json(response, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: dependencies.manager.pods() });
}

export async function serveMetrics({ response, dependencies }: PlainRequest): Promise<void> {
  const { metrics } = dependencies;
  response.writeHead(200, { 'content-type': metrics.contentType }).end(await metrics.metrics());
}

/** GET /stats/summary: what every container uses. */
export async function serveSummary({ response, dependencies }: PlainRequest): Promise<void> {
  const { runtime, nodeName, clock } = dependencies;
  const stats = await runtime.stats();
  const pods = [...groupByPod(stats).values()].map((containers) => {
    const { namespace, name, uid } = containers[0]!.pod;
    return { podRef: { namespace, name, uid }, containers: containers.map(containerSummary), ...totals(containers) };
  });
  const time = formatTime(clock.now());
  const usedBytes = os.totalmem() - os.freemem();
  json(response, {
    node: {
      nodeName,
      startTime: formatTime(clock.now() - os.uptime() * 1000),
      cpu: { time, usageCoreNanoSeconds: Math.round(hostCpuSeconds() * 1e9) },
      memory: { time, availableBytes: os.freemem(), usageBytes: usedBytes, workingSetBytes: usedBytes },
    },
    pods,
  });
}

function containerSummary({ name, timestamp, cpuNanoseconds, ...memory }: ContainerStats): object {
  const time = formatTime(timestamp);
  return {
    name,
    cpu: { time, usageCoreNanoSeconds: cpuNanoseconds },
    memory: {
      time,
      usageBytes: memory.memoryUsageBytes,
      workingSetBytes: memory.memoryWorkingSetBytes,
      rssBytes: memory.memoryRssBytes,
    },
  };
}

function totals(containers: readonly ContainerStats[]): object {
  const time = formatTime(Math.max(...containers.map(({ timestamp }) => timestamp)));
  const sum = (value: (stats: ContainerStats) => number): number => containers.map(value).reduce((a, b) => a + b, 0);
  return {
    cpu: { time, usageCoreNanoSeconds: sum(({ cpuNanoseconds }) => cpuNanoseconds) },
    memory: {
      time,
      usageBytes: sum(({ memoryUsageBytes }) => memoryUsageBytes),
      workingSetBytes: sum(({ memoryWorkingSetBytes }) => memoryWorkingSetBytes),
    },
  };
}

/** GET /metrics/resource: what metrics-server reads. */
export async function serveResourceMetrics({ response, dependencies }: PlainRequest): Promise<void> {
  const stats = await dependencies.runtime.stats();
  const now = dependencies.clock.now();
  const lines: string[] = [];
  const metric = (name: string, type: 'counter' | 'gauge', help: string, samples: readonly string[]): void => {
    lines.push(
      `# HELP ${name} [STABLE] ${help}`,
      `# TYPE ${name} ${type}`,
      ...samples.map((sample) => `${name}${sample}`),
    );
  };
  const labels = ({ name, pod }: ContainerStats): string =>
    `{container="${name}",namespace="${pod.namespace}",pod="${pod.name}"}`;
  metric(
    'container_cpu_usage_seconds_total',
    'counter',
    'Cumulative cpu time consumed by the container in core-seconds',
    stats.map((one) => `${labels(one)} ${one.cpuNanoseconds / 1e9} ${one.timestamp}`),
  );
  metric(
    'container_memory_working_set_bytes',
    'gauge',
    'Current working set of the container in bytes',
    stats.map((one) => `${labels(one)} ${one.memoryWorkingSetBytes} ${one.timestamp}`),
  );
  metric('node_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed by the node in core-seconds', [
    ` ${hostCpuSeconds()} ${now}`,
  ]);
  metric('node_memory_working_set_bytes', 'gauge', 'Current working set of the node in bytes', [
    ` ${os.totalmem() - os.freemem()} ${now}`,
  ]);
  metric('resource_scrape_error', 'gauge', '1 if there was an error while getting container metrics, 0 otherwise', [
    ' 0',
  ]);
  response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(`${lines.join('\n')}\n`);
}

function groupByPod(stats: readonly ContainerStats[]): Map<string, ContainerStats[]> {
  const groups = new Map<string, ContainerStats[]>();
  for (const one of stats) groups.set(one.pod.uid, [...(groups.get(one.pod.uid) ?? []), one]);
  return groups;
}

function hostCpuSeconds(): number {
  const spent = os.cpus().map(({ times }) => times.user + times.nice + times.sys + times.irq);
  return spent.reduce((a, b) => a + b, 0) / 1000;
}

function json(response: PlainRequest['response'], body: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
