import { type Container, type PodSpec } from '#api';

const image = 'nestor.local/node';

function container(name: string, script: string, more: Partial<Container> = {}): Container {
  return { name, image, imagePullPolicy: 'IfNotPresent', command: ['sh', '-c', script], ...more };
}

const idle = "trap 'exit 0' TERM; while :; do sleep 1; done";

/** Pods of every shape that has something of its own to leave behind. `port` is a free one of the host. */
export const podKinds: Readonly<Record<string, (port: number) => PodSpec>> = {
  idle: () => ({ containers: [container('main', idle)] }),
  stubborn: () => ({ containers: [container('main', "trap '' TERM; while :; do sleep 1; done")] }),
  'short-lived': () => ({ restartPolicy: 'Never', containers: [container('main', 'sleep 0.3; exit 3')] }),
  'two-and-one-before': () => ({
    initContainers: [container('first', 'true')],
    containers: [container('one', idle), container('two', idle)],
  }),
  'one-process-namespace': () => ({
    shareProcessNamespace: true,
    containers: [container('main', `sleep 3600 & sleep 3600 & ${idle}`)],
  }),
  'host-port': (hostPort) => ({
    containers: [container('main', idle, { ports: [{ containerPort: 80, hostPort }] })],
  }),
  'host-network': () => ({ hostNetwork: true, containers: [container('main', idle)] }),
  volumes: () => ({
    volumes: [
      { name: 'memory', emptyDir: { medium: 'Memory' } },
      { name: 'disk', emptyDir: {} },
    ],
    containers: [
      container('main', `echo x > /memory/x; ${idle}`, {
        volumeMounts: [
          { name: 'memory', mountPath: '/memory' },
          { name: 'disk', mountPath: '/disk' },
        ],
      }),
    ],
  }),
  talkative: () => ({
    containers: [container('main', "trap 'exit 0' TERM; while :; do echo something to say; sleep 0.05; done")],
  }),
  'cannot-start': () => ({ restartPolicy: 'Never', containers: [container('main', '', { command: ['no-such'] })] }),
};

/** Kinds that run until they are removed. */
export function isLasting(kind: string): boolean {
  return kind !== 'short-lived' && kind !== 'cannot-start';
}
