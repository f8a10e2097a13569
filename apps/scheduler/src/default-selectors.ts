import { resources } from '#api';
import { type InformerFactory } from '#controller';
import {
  controllerOf,
  type DeepReadonly,
  type KubernetesObject,
  type LabelMatcher,
  type Labels,
  labelSelectorMatcher,
  labelsMatcher,
} from '#machinery';
import { type PodInfo } from './pod-info';

/** Looks up what pods belong to: the selectors of their Services and of the controller that made them. */
export class DefaultSelectors {
  private readonly services;
  private readonly namespaces;
  private readonly replicaSets;
  private readonly statefulSets;
  private readonly replicationControllers;
  /** Compiled selectors, dropped with their objects. */
  private readonly compiled = new WeakMap<object, LabelMatcher>();

  constructor(informers: InformerFactory) {
    this.services = informers.informer(resources.services).lister;
    this.namespaces = informers.informer(resources.namespaces).lister;
    this.replicaSets = informers.informer(resources.replicaSets).lister;
    this.statefulSets = informers.informer(resources.statefulSets).lister;
    this.replicationControllers = informers.informer(resources.replicationControllers).lister;
  }

  namespaceLabels(namespace: string): Labels {
    return this.namespaces.get('', namespace)?.metadata?.labels ?? {};
  }

  of(pod: PodInfo): LabelMatcher[] {
    const selectors: LabelMatcher[] = [];
    for (const service of this.services.list(pod.namespace)) {
      const selector = service.spec?.selector;
      if (selector === undefined || Object.keys(selector).length === 0) continue;
      const matcher = this.compile(service, () => labelsMatcher(selector));
      if (matcher.matches(pod.labels)) selectors.push(matcher);
    }
    const own = this.ofController(pod);
    if (own !== undefined) selectors.push(own);
    return selectors;
  }

  private ofController(pod: PodInfo): LabelMatcher | undefined {
    const owner = controllerOf(pod.pod);
    if (owner === undefined) return undefined;
    if (owner.kind === 'ReplicationController') {
      const controller = this.replicationControllers.get(pod.namespace, owner.name);
      const selector = controller?.spec?.selector;
      return controller && selector && this.compile(controller, () => labelsMatcher(selector));
    }
    const lister =
      owner.kind === 'ReplicaSet' ? this.replicaSets : owner.kind === 'StatefulSet' ? this.statefulSets : undefined;
    const controller = lister?.get(pod.namespace, owner.name);
    return controller && this.compile(controller, () => labelSelectorMatcher(controller.spec?.selector));
  }

  private compile(object: DeepReadonly<KubernetesObject>, make: () => LabelMatcher): LabelMatcher {
    let matcher = this.compiled.get(object);
    if (matcher === undefined) {
      matcher = make();
      this.compiled.set(object, matcher);
    }
    return matcher;
  }
}
