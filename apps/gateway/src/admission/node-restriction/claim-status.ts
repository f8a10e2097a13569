import { type PersistentVolumeClaim } from '#api';
import { type DeepReadonly, goQuote, jsonEquals } from '#machinery';
import { type AdmissionRequest, refusal } from '../admission';

/** While a volume is being resized, its node reports how far that is; nothing else of a claim is a node's to write. */
export function checkClaimStatus(node: string, request: AdmissionRequest): void {
  if (request.subresource !== 'status') throw refusal(request, 'may only update PVC status');
  if (request.operation !== 'UPDATE') throw refusal(request, `unexpected operation ${goQuote(request.operation)}`);
  const before = withoutReport(request.old as DeepReadonly<PersistentVolumeClaim>);
  const after = withoutReport(request.object as PersistentVolumeClaim);
  if (jsonEquals(before, after)) return;
  throw refusal(
    request,
    `node ${goQuote(node)} is not allowed to update fields other than status.capacity and status.conditions`,
  );
}

function withoutReport({ metadata, spec, status }: DeepReadonly<PersistentVolumeClaim>): object {
  const { resourceVersion: _version, managedFields: _fields, ...meta } = metadata ?? {};
  const {
    capacity: _capacity,
    conditions: _conditions,
    allocatedResources: _resources,
    allocatedResourceStatuses: _statuses,
    ...rest
  } = status ?? {};
  return { metadata: meta, spec: spec ?? {}, status: rest };
}
