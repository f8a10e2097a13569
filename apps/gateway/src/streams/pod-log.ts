import { type FieldError, badRequest, field, goQuote, invalid } from '#machinery';
import { type SubresourceDependencies } from '../api/subresource-list';
import { type SubresourceHandler } from '../api/subresources';
import { type ApiResult } from '../request/api-result';
import { isTrue } from '../request/request-info';
import { type NodeConnection, refusalOf } from './node-connection';
import { targetContainer, targetPod } from './pod-target';

/** Options that go to the agent as they are. */
const numbers = ['sinceSeconds', 'tailLines', 'limitBytes'] as const;
const switches = ['follow', 'previous', 'timestamps'] as const;

/** `pods/log`: the container's output, streamed from its node. */
export function logHandler(deps: SubresourceDependencies, nodes: NodeConnection): SubresourceHandler {
  return {
    async get(request, info): Promise<ApiResult> {
      const { query } = request;
      const pod = await targetPod(deps.table, deps.reader, info);
      const options = logOptions(query, info.name);
      const container = targetContainer(pod, query.get('container') ?? '');
      const agent = nodes.agentOf(pod);
      const path = `/containerLogs/${info.namespace}/${info.name}/${container}?${options.toString()}`;
      const response = await nodes.get(agent, path, request.signal);
      if (response.statusCode !== 200) throw await refusalOf(response);
      return { type: 'stream', status: 200, headers: { 'content-type': 'text/plain' }, body: response };
    },
  };
}

function logOptions(query: URLSearchParams, name: string): URLSearchParams {
  const options = new URLSearchParams();
  const errors: FieldError[] = [];
  for (const key of numbers) {
    const text = query.get(key);
    if (text === null || text === '') continue;
    if (!/^-?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${goQuote(text)}: invalid syntax`);
    const least = key === 'tailLines' ? 0 : 1;
    if (Number(text) < least) {
      errors.push(field.invalid(key, Number(text), `must be greater than ${least === 0 ? 'or equal to ' : ''}0`));
    }
    options.set(key, text);
  }
  for (const key of switches) if (isTrue(query.get(key))) options.set(key, 'true');
  const sinceTime = query.get('sinceTime');
  if (sinceTime !== null && sinceTime !== '') {
    if (options.has('sinceSeconds')) {
      errors.push(field.forbidden('', 'at most one of `sinceTime` or `sinceSeconds` may be specified'));
    }
    options.set('sinceTime', sinceTime);
  }
  if (errors.length > 0) throw invalid({ group: '', kind: 'PodLogOptions' }, name, errors);
  return options;
}
