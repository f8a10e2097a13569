import { type ClusterReport } from './control-socket';

/** What `up` and `status` say of a running cluster. */
export function describe(report: ClusterReport, now: number): string {
  const age = Math.max(0, Math.round((now - report.startedAt) / 1000));
  const lines = [
    `Cluster     ${report.phase}${report.phase === 'ready' ? '' : ` (${report.activity})`}`,
    `API server  ${report.server}`,
    `Kubeconfig  ${report.kubeconfig}`,
    `Runtime     ${report.runtime}, ${report.nodes} ${report.nodes === 1 ? 'node' : 'nodes'}`,
    `Process     ${report.pid}, up for ${age} s`,
  ];
  return [...lines, ...report.notes.map((note) => `\nNote: ${note}`)].join('\n');
}

/** What to type next. */
export function nextSteps(kubeconfig: string): string {
  return [
    '',
    'Try it:',
    `  export KUBECONFIG=${kubeconfig}`,
    '  kubectl get nodes',
    '  kubectl apply -f examples/hello',
    '  kubectl rollout status deployment/hello',
  ].join('\n');
}
