import { type Engine } from './engine';
import { type Usage } from './cgroup-stats';

interface Answer {
  readonly cpu_stats?: { readonly cpu_usage?: { readonly total_usage?: number } };
  readonly memory_stats?: { readonly usage?: number; readonly stats?: Readonly<Record<string, number>> };
}

/** Usage as the engine tells it: for when cgroups cannot be seen. Engines before 20.10 take a second for it. */
export async function engineUsageOf(engine: Engine, id: string): Promise<Usage> {
  const answer = (await engine.call((docker) => docker.containerStats(id))) as Answer;
  const { usage = 0, stats = {} } = answer.memory_stats ?? {};
  const inactive = stats['total_inactive_file'] ?? stats['inactive_file'] ?? 0;
  return {
    cpuNanoseconds: answer.cpu_stats?.cpu_usage?.total_usage ?? 0,
    memoryUsageBytes: usage,
    memoryWorkingSetBytes: Math.max(0, usage - inactive),
    memoryRssBytes: stats['total_rss'] ?? stats['anon'] ?? 0,
  };
}
