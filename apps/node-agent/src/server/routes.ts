import { HttpFailure } from './http-failure';
import { type Parameters } from './server-dependencies';

const container = '/:namespace/:pod/:container';

/** What the server answers to: the kubelet's paths, and `podTunnel`, by which the API server's proxy reaches pods. */
const routes = {
  health: ['/healthz'],
  pods: ['/pods', '/pods/'],
  logs: [`/containerLogs${container}`],
  exec: [`/exec${container}`, '/exec/:namespace/:pod/:uid/:container'],
  attach: [`/attach${container}`, '/attach/:namespace/:pod/:uid/:container'],
  portForward: ['/portForward/:namespace/:pod', '/portForward/:namespace/:pod/:uid'],
  podTunnel: ['/podTunnel/:namespace/:pod'],
  summary: ['/stats/summary'],
  resourceMetrics: ['/metrics/resource'],
  metrics: ['/metrics'],
} as const;

export interface RouteMatch {
  readonly name: keyof typeof routes;
  readonly parameters: Parameters;
  readonly query: URLSearchParams;
}

/** Throws 404 for anything else. */
export function matchRoute(target: string): RouteMatch {
  const url = new URL(target, 'http://node');
  const steps = url.pathname.split('/');
  for (const [name, patterns] of Object.entries(routes)) {
    for (const pattern of patterns) {
      const parameters = matchSteps(pattern.split('/'), steps);
      if (parameters !== undefined) return { name: name as RouteMatch['name'], parameters, query: url.searchParams };
    }
  }
  throw new HttpFailure(404, '404 page not found');
}

function matchSteps(pattern: readonly string[], steps: readonly string[]): Parameters | undefined {
  if (pattern.length !== steps.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const step = steps[index]!;
    if (part.startsWith(':')) {
      if (step === '') return undefined;
      parameters[part.slice(1)] = decode(step);
    } else if (part !== step) return undefined;
  }
  return parameters;
}

function decode(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    throw new HttpFailure(400, 'the path is not properly encoded');
  }
}
