import { type LogOptions } from '#runtime';
import { findContainer } from '../pods/pod-containers';
import { findContainers, findPod } from './find-container';
import { HttpFailure } from './http-failure';
import { type PlainRequest } from './server-dependencies';

/** GET /containerLogs/{namespace}/{pod}/{container}: as long as the client listens. */
export async function serveLogs({ parameters, query, response, dependencies, signal }: PlainRequest): Promise<void> {
  const options = logOptions(query, dependencies.clock.now());
  const containers = await findContainers(dependencies, parameters);
  const where = `container "${parameters.container}" in pod "${parameters.pod}"`;
  const [latest] = containers;
  const isPrevious = query.get('previous') === 'true';
  const started = containers.filter(({ state }) => state !== 'created');
  // After a restart that has not come about yet, the latest container is the one that ended.
  const wanted = isPrevious
    ? latest?.state === 'exited' && isWaiting(dependencies, parameters)
      ? latest
      : started[1]
    : started[0];
  if (wanted === undefined) {
    if (isPrevious) throw new HttpFailure(400, `previous terminated ${where} not found`);
    throw new HttpFailure(400, `${where} is waiting to start: ${waitingReason(dependencies, parameters)}`);
  }
  const ended = new AbortController();
  response.on('close', () => ended.abort(new Error('the client is gone')));
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
  response.flushHeaders();
  await dependencies.runtime.logs(wanted.id, options, response, response, AbortSignal.any([signal, ended.signal]));
  if (!response.writableEnded) response.end();
}

function statusOf({ dependencies, parameters }: Pick<PlainRequest, 'dependencies' | 'parameters'>) {
  const { status } = findPod(dependencies, parameters);
  const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  return all.find(({ name }) => name === parameters.container);
}

function isWaiting(dependencies: PlainRequest['dependencies'], parameters: PlainRequest['parameters']): boolean {
  return statusOf({ dependencies, parameters })?.state?.waiting !== undefined;
}

function waitingReason(dependencies: PlainRequest['dependencies'], parameters: PlainRequest['parameters']): string {
  const kind = findContainer(findPod(dependencies, parameters), parameters.container ?? '')?.kind;
  return (
    statusOf({ dependencies, parameters })?.state?.waiting?.reason ??
    (kind === 'init' ? 'PodInitializing' : 'ContainerCreating')
  );
}

/** Throws 400 for what is not a number or a time. */
export function logOptions(query: URLSearchParams, now: number): LogOptions {
  const count = (name: string): number | undefined => {
    const text = query.get(name);
    if (text === null || text === '') return undefined;
    const value = Number(text);
    if (!Number.isInteger(value) || value < 0) throw new HttpFailure(400, `unable to decode ${name} "${text}"`);
    return value;
  };
  const sinceSeconds = count('sinceSeconds');
  const sinceTime = query.get('sinceTime');
  const since =
    sinceSeconds !== undefined ? now - sinceSeconds * 1000 : sinceTime === null ? undefined : Date.parse(sinceTime);
  if (since !== undefined && Number.isNaN(since))
    throw new HttpFailure(400, `unable to decode sinceTime "${sinceTime}"`);
  const tailLines = count('tailLines');
  const limitBytes = count('limitBytes');
  const stream = query.get('stream');
  return {
    follow: query.get('follow') === 'true',
    timestamps: query.get('timestamps') === 'true',
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(since === undefined ? {} : { since }),
    ...(stream === 'Stdout' || stream === 'Stderr' ? { stream } : {}),
  };
}
