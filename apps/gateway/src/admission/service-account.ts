import { type Container, type Pod, type PodSpec, type ServiceAccount, type Volume } from '#api';
import { forbidden, goQuote } from '#machinery';
import { generateName } from '../registry/names';
import { type AdmissionPlugin, type LookUp } from './admission';

const mirrorAnnotation = 'kubernetes.io/config.mirror';
const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
const volumePrefix = 'kube-api-access-';
/** An hour and a little, so that a reload by the hour always meets a fresh token. */
const expirationSeconds = 3607;

/** Every pod runs as a service account that exists, and finds its token mounted. */
export function serviceAccountAdmission(lookUp: LookUp<ServiceAccount>, random: () => number): AdmissionPlugin {
  return {
    name: 'ServiceAccount',
    async mutate({ operation, resource, subresource, namespace, object, name }) {
      const { group, plural } = resource.definition;
      if (operation !== 'CREATE' || group !== '' || plural !== 'pods' || subresource !== '') return;
      const pod = object as Pod;
      if (pod.metadata?.annotations?.[mirrorAnnotation] !== undefined || pod.spec === undefined) return;
      const { spec } = pod;
      if ((spec.serviceAccountName ?? '') === '') {
        spec.serviceAccountName =
          spec.serviceAccount === undefined || spec.serviceAccount === '' ? 'default' : spec.serviceAccount;
      }
      spec.serviceAccount = spec.serviceAccountName;
      const accountName = spec.serviceAccountName ?? '';
      const account = await lookUp(namespace, accountName);
      if (account === undefined) {
        throw forbidden(
          resource.groupResource,
          name === '' ? (pod.metadata?.generateName ?? '') : name,
          `error looking up service account ${namespace}/${accountName}: serviceaccount ${goQuote(accountName)} not found`,
        );
      }
      if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) mountToken(spec, random);
      if ((spec.imagePullSecrets ?? []).length === 0 && (account.imagePullSecrets ?? []).length > 0) {
        spec.imagePullSecrets = structuredClone(account.imagePullSecrets) as PodSpec['imagePullSecrets'];
      }
    },
  };
}

function mountToken(spec: PodSpec, random: () => number): void {
  const existing = (spec.volumes ?? []).find(
    ({ name, projected }) => projected !== undefined && name.startsWith(volumePrefix),
  );
  const volumeName = existing?.name ?? generateName(volumePrefix, random);
  let isNeeded = false;
  const mount = (container: Container): void => {
    if ((container.volumeMounts ?? []).some((volumeMount) => volumeMount.mountPath === mountPath)) return;
    (container.volumeMounts ??= []).push({ name: volumeName, readOnly: true, mountPath });
    isNeeded = true;
  };
  spec.initContainers?.forEach(mount);
  (spec.containers ?? []).forEach(mount);
  if (existing === undefined && isNeeded) (spec.volumes ??= []).push(tokenVolume(volumeName));
}

function tokenVolume(name: string): Volume {
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
      defaultMode: 0o644,
    },
  };
}
