import { type Pod } from '#api';
import { makeImage } from '../runtime/images/made-image';
import { FakeRegistry } from '../runtime/images/fake-registry';
import { KubernetesApi } from '../tools/kubernetes-api';
import { type NestorCluster } from '../tools/nestor';
import { container, PodLab } from '../tools/pod-lab';

interface BadPod {
  /** What the pod is made of; `host` is a registry that does as the name says. */
  readonly pod: (lab: PodLab, name: string, host: string) => Pod;
  /** Of the container that waits; absent: it has none yet. */
  readonly reasons?: readonly string[];
  readonly message?: RegExp;
  /** Its last end. */
  readonly exitCode?: number;
  readonly events: readonly RegExp[];
}

function pulling(answer: string): BadPod['pod'] {
  return (lab, name, host) => lab.pod(name, [container('main', 'true', { image: `${host}/${answer}:v1` })]);
}

function notPulled(cause: RegExp, reason = 'ErrImagePull'): Omit<BadPod, 'pod'> {
  return {
    reasons: [reason, 'ImagePullBackOff'],
    message: cause,
    events: [
      /^Normal Pulling: /,
      new RegExp(`^Warning Failed: Failed to pull image .*${cause.source}`),
      /^Normal BackOff: Back-off pulling image/,
    ],
  };
}

/** By the pod's name. */
const badPods: Readonly<Record<string, BadPod>> = {
  'no-command': {
    pod: (lab, name) => lab.pod(name, [container('main', ['no-such-command'])]),
    reasons: ['RunContainerError', 'CrashLoopBackOff'],
    exitCode: 127,
    events: [/^Warning Failed: Error: .*exec: \\*"no-such-command\\*": executable file not found in \$PATH/],
  },
  'no-directory': {
    pod: (lab, name) => lab.pod(name, [container('main', ['/etc'])]),
    reasons: ['RunContainerError', 'CrashLoopBackOff'],
    exitCode: 126,
    events: [/^Warning Failed: Error: .*exec: \\*"\/etc\\*": (is a directory|permission denied)/],
  },
  'no-user': {
    pod: pulling('no-user'),
    reasons: ['CreateContainerError'],
    events: [/^Warning Failed: Error: unable to find user nobody-here: no matching entries in passwd file$/],
  },
  'no-source': {
    pod: (lab, name) =>
      lab.pod(name, [container('main', 'true', { volumeMounts: [{ name: 'data', mountPath: '/data' }] })], {
        volumes: [{ name: 'data', hostPath: { path: '/no-such-directory', type: 'Directory' } }],
      }),
    events: [
      /^Warning FailedMount: MountVolume.SetUp failed for volume "data" : hostPath type check failed: \/no-such-directory is not a directory$/,
    ],
  },
  misnamed: {
    pod: (lab, name) => lab.pod(name, [container('main', 'true', { image: 'Not//An:Image:Name' })]),
    reasons: ['InvalidImageName'],
    events: [/^Warning InspectFailed: Failed to apply default image tag/, /^Warning Failed: Error: InvalidImageName$/],
  },
  missing: { pod: pulling('missing'), ...notPulled(/not found/) },
  forbidden: { pod: pulling('forbidden'), ...notPulled(/: 403$/) },
  'too-many': { pod: pulling('too-many'), ...notPulled(/: 429$/) },
  away: { pod: pulling('away'), ...notPulled(/: 503$/, 'RegistryUnavailable') },
  liar: { pod: pulling('liar'), ...notPulled(/wrong|unexpected|digest/) },
};

/** Pods that cannot run, and what upstream says of each. */
export function describeBadPods(cluster: NestorCluster): void {
  let registry: FakeRegistry;
  let api: KubernetesApi;
  let lab: PodLab;

  beforeAll(async () => {
    registry = await FakeRegistry.start();
    registry.put(
      'no-user',
      'v1',
      await makeImage([[{ name: 'etc/passwd', content: 'root:x:0:0::/:\n' }]], { User: 'nobody-here' }),
    );
    const honest = await makeImage([[{ name: 'file' }]]);
    registry.put('liar', 'v1', honest);
    const statuses: Readonly<Record<string, number>> = { forbidden: 403, 'too-many': 429, away: 503 };
    registry.twist = ({ url = '' }, response, content) => {
      const [, name = ''] = /^\/v2\/([^/]+)\//.exec(url) ?? [];
      const status = statuses[name];
      if (status !== undefined) response.writeHead(status).end();
      // As many bytes as were promised, but others.
      else if (name === 'liar' && url.includes('/blobs/')) response.end(Buffer.alloc(content?.length ?? 0, 1));
      else return false;
      return true;
    };
    api = await KubernetesApi.connect(cluster);
    lab = new PodLab(cluster, api);
    await lab.apply(...Object.entries(badPods).map(([name, { pod }]) => pod(lab, name, registry.host)));
  });
  afterAll(async () => {
    api?.close();
    await registry?.stop();
  });

  it.each(Object.entries(badPods))(
    '%s: its status and events say what is wrong',
    async (name, { reasons, message, exitCode, events }) => {
      for (const event of events) await lab.event(name, event);
      if (reasons !== undefined) {
        await lab.until(name, ({ containerStatuses = [] }) => {
          const [{ state, lastState } = {}] = containerStatuses;
          expect(reasons).toContain(state?.waiting?.reason);
          if (message !== undefined) expect(state?.waiting?.message).toMatch(message);
          if (exitCode !== undefined) expect(lastState?.terminated).toMatchObject({ exitCode });
        });
      }
    },
  );

  it('they go as others do', async () => {
    await cluster.kubectl('delete', 'pods', ...Object.keys(badPods), '--timeout=60s');
  });
}
