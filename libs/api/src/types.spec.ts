import {
  type CoreEvent,
  type Deployment,
  type JSONSchemaProps,
  type Pod,
  type Resource,
  type V2HorizontalPodAutoscaler,
  resources,
} from '../index';
import { type DeepReadonly, type KubernetesObject } from '#machinery';

/** Compiles, or does not: what the rest of the project relies on. */
function get<T extends KubernetesObject>(_resource: Resource<T>): DeepReadonly<T> {
  return {} as DeepReadonly<T>;
}

describe('generated types', () => {
  it('type a call by its resource', () => {
    const pod: DeepReadonly<Pod> = get(resources.pods);
    const deployment: DeepReadonly<Deployment> = get(resources.deployments);
    const event: DeepReadonly<CoreEvent> = get(resources.events);
    const autoscaler: DeepReadonly<V2HorizontalPodAutoscaler> = get(resources.horizontalPodAutoscalers);
    // @ts-expect-error a Pod is not a Deployment
    const wrong: DeepReadonly<Deployment> = get(resources.pods);
    expect([pod, deployment, event, autoscaler, wrong]).toHaveLength(5);
  });

  it('write dates as text, ports as number or text, and schemas under their names on the wire', () => {
    const pod: Pod = {
      metadata: { name: 'web', creationTimestamp: '2026-01-01T00:00:00Z' },
      spec: { containers: [{ name: 'web', readinessProbe: { httpGet: { port: 'http' } } }] },
    };
    const schema: JSONSchemaProps = {
      type: 'object',
      'x-kubernetes-list-type': 'map',
      items: { type: 'string' },
      default: 1,
    };
    expect(pod.spec?.containers[0]?.name).toBe('web');
    expect(schema['x-kubernetes-list-type']).toBe('map');
  });
});
