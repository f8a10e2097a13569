import { type LifecycleHandler, type Probe } from '#api';
import { type DeepReadonly, goQuote } from '#machinery';
import { type ContainerRuntime } from '#runtime';
import { type ContainerSpec } from '../pods/pod-containers';
import { goDuration } from '../pods/back-off';
import { grpcCheck } from './grpc-action';
import { httpGet, httpTarget } from './http-action';
import { resolvePort } from './port';
import { type ProbeResult } from './probe-state';
import { tcpConnect } from './tcp-action';

export interface ProbeTarget {
  readonly containerId: string;
  readonly container: ContainerSpec;
  /** Address of the pod, or of the node with `hostNetwork`. */
  readonly ip: string;
}

/** Runs a probe once. Never rejects: what keeps it from running is `unknown`. */
export async function runProbe(
  runtime: ContainerRuntime,
  probe: DeepReadonly<Probe>,
  target: ProbeTarget,
  timeoutMs: number,
): Promise<ProbeResult> {
  const { httpGet: http, tcpSocket, grpc, exec } = probe;
  const { container, ip, containerId } = target;
  try {
    if (exec !== undefined) return await execProbe(runtime, containerId, exec.command ?? [], timeoutMs);
    if (http !== undefined) return await httpGet(httpTarget(http, resolvePort(http.port, container), ip), timeoutMs);
    if (tcpSocket !== undefined) {
      const host = tcpSocket.host === undefined || tcpSocket.host === '' ? ip : tcpSocket.host;
      return await tcpConnect(host, resolvePort(tcpSocket.port, container), timeoutMs);
    }
    if (grpc !== undefined) return await grpcCheck(ip, grpc.port, grpc.service ?? '', timeoutMs);
    return { outcome: 'unknown', message: `missing probe handler for ${container.name}` };
  } catch (error) {
    return { outcome: 'unknown', message: error instanceof Error ? error.message : String(error) };
  }
}

async function execProbe(
  runtime: ContainerRuntime,
  containerId: string,
  command: readonly string[],
  timeoutMs: number,
): Promise<ProbeResult> {
  const { exitCode, stdout, stderr, timedOut } = await runtime.execSync(containerId, command, timeoutMs);
  if (timedOut) {
    return {
      outcome: 'failure',
      message: `command timed out: ${goQuote(command.join(' '))} timed out after ${goDuration(timeoutMs)}`,
    };
  }
  const output = Buffer.concat([stdout, stderr])
    .subarray(0, 10 * 1024)
    .toString('utf8');
  return { outcome: exitCode === 0 ? 'success' : 'failure', message: output };
}

/** Runs a postStart or preStop hook. Rejects when it failed. `sleep` waits through `wait`. */
export async function runHook(
  runtime: ContainerRuntime,
  hook: DeepReadonly<LifecycleHandler>,
  { containerId, container, ip }: ProbeTarget,
  timeoutMs: number,
  wait: (ms: number) => Promise<void>,
): Promise<void> {
  if (hook.sleep !== undefined) return wait(hook.sleep.seconds * 1000);
  if (hook.exec !== undefined) {
    const command = hook.exec.command ?? [];
    const { exitCode, stdout, stderr, timedOut } = await runtime.execSync(containerId, command, timeoutMs);
    if (timedOut) throw new Error(`command '${command.join(' ')}' timed out`);
    const output = Buffer.concat([stdout, stderr]).toString('utf8');
    if (exitCode !== 0) throw new Error(`command '${command.join(' ')}' exited with ${exitCode}: ${output}`);
    return;
  }
  if (hook.httpGet !== undefined) {
    const port = resolvePort(hook.httpGet.port, container);
    const target = httpTarget(hook.httpGet, port, ip, 'kube-lifecycle/1.36');
    const { outcome, message } = await httpGet(target, timeoutMs);
    // Upstream: any answer at all is good enough.
    if (outcome !== 'success' && !message.startsWith('HTTP probe failed with statuscode')) throw new Error(message);
  }
}
