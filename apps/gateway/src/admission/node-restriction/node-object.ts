import { type Node } from '#api';
import { type DeepReadonly, goQuote, jsonEquals } from '#machinery';
import { type AdmissionRequest, refusal } from '../admission';
import { forbiddenLabels } from './labels';

/** A node writes its own Node only, and nothing in it by which it could draw pods to itself or have itself removed. */
export function checkNode(node: string, request: AdmissionRequest): void {
  const quoted = goQuote(node);
  if (request.name !== node) {
    throw refusal(request, `node ${quoted} is not allowed to modify node ${goQuote(request.name)}`);
  }
  const object: Node | undefined = request.object;
  const old: DeepReadonly<Node> | undefined = request.old;
  if (request.operation === 'CREATE') {
    if (object?.spec?.configSource !== undefined) {
      throw refusal(request, `node ${quoted} is not allowed to create pods with a non-nil configSource`);
    }
    const labels = forbiddenLabels(object?.metadata?.labels, undefined);
    if (labels.length > 0) {
      throw refusal(request, `node ${quoted} is not allowed to set the following labels: ${labels.join(', ')}`);
    }
  }
  if (request.operation === 'UPDATE') {
    const { configSource } = object?.spec ?? {};
    if (configSource !== undefined && !same(configSource, old?.spec?.configSource)) {
      throw refusal(request, `node ${quoted} is not allowed to update configSource to a new non-nil configSource`);
    }
    if (!same(object?.spec?.taints ?? [], old?.spec?.taints ?? [])) {
      throw refusal(request, `node ${quoted} is not allowed to modify taints`);
    }
    if (!same(object?.metadata?.ownerReferences ?? [], old?.metadata?.ownerReferences ?? [])) {
      throw refusal(request, `node ${quoted} is not allowed to modify ownerReferences`);
    }
    const labels = forbiddenLabels(object?.metadata?.labels, old?.metadata?.labels);
    if (labels.length > 0) throw refusal(request, `is not allowed to modify labels: ${labels.join(', ')}`);
  }
}

function same(a: unknown, b: unknown): boolean {
  return jsonEquals(a, b);
}
