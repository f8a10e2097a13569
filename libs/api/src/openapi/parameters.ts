// The parameters of requests. `group: 'x'` in the operation tables refers to the lists at the end.

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly type: 'string' | 'integer' | 'boolean';
  readonly description: string;
}

const query = (name: string, type: Parameter['type'], description: string): Parameter => ({
  name,
  in: 'query',
  type,
  description,
});
const path = (name: string, description: string): Parameter => ({ name, in: 'path', type: 'string', description });

export const namespaceParameter = path('namespace', 'object name and auth scope, such as for teams and projects');
export const nameParameter = (kind: string): Parameter => path('name', `name of the ${kind}`);
export const proxyPathParameter = path('path', 'path to the resource');
export const pretty = query('pretty', 'string', "If 'true', the answer is indented for people to read.");

const dryRun = query('dryRun', 'string', 'When set to All, the request is processed in full but nothing is persisted.');
const fieldManager = query(
  'fieldManager',
  'string',
  'The name under which the fields that this request sets are tracked, at most 128 printable characters. Required for apply.',
);
const fieldValidation = query(
  'fieldValidation',
  'string',
  'What happens to unknown or duplicate fields: Ignore drops them, Warn (the default) drops them and warns, Strict fails the request.',
);
const continueToken = query(
  'continue',
  'string',
  'The token of a previous page. A token that has expired is answered with 410 ResourceExpired.',
);
const fieldSelector = query(
  'fieldSelector',
  'string',
  'Restricts the objects by their fields. Defaults to everything.',
);
const labelSelector = query(
  'labelSelector',
  'string',
  'Restricts the objects by their labels. Defaults to everything.',
);
const limit = query('limit', 'integer', 'The largest number of objects to answer with; more can be had with continue.');
const resourceVersion = query(
  'resourceVersion',
  'string',
  'A constraint on the version of the data that a request may be served from.',
);
const resourceVersionMatch = query(
  'resourceVersionMatch',
  'string',
  'How resourceVersion is applied to list calls: Exact or NotOlderThan.',
);
const sendInitialEvents = query(
  'sendInitialEvents',
  'boolean',
  'With watch=true: begin with the present objects as synthetic events, ended by a bookmark.',
);
const shardSelector = query(
  'shardSelector',
  'string',
  'Restricts the objects to a shard, as a CEL expression of shardRange() calls. Ignored while sharding is off.',
);
const timeoutSeconds = query('timeoutSeconds', 'integer', 'Limits the duration of a list or watch call.');
const allowWatchBookmarks = query('allowWatchBookmarks', 'boolean', 'Asks a watch for events of type BOOKMARK.');
const watch = query('watch', 'boolean', 'Answer with a stream of added, modified and deleted objects.');

export const writeParameters: readonly Parameter[] = [dryRun, fieldManager, fieldValidation];

export const patchParameters: readonly Parameter[] = [
  ...writeParameters,
  query('force', 'boolean', 'For apply: take over fields that others manage.'),
];

export const deleteParameters: readonly Parameter[] = [
  dryRun,
  query('gracePeriodSeconds', 'integer', 'How long the object may take to end; zero means to delete it at once.'),
  query(
    'ignoreStoreReadErrorWithClusterBreakingPotential',
    'boolean',
    'Allows to delete an object that cannot be read any more, without any of the usual processing.',
  ),
  query('orphanDependents', 'boolean', 'Deprecated: use propagationPolicy.'),
  query('propagationPolicy', 'string', 'What becomes of dependents: Orphan, Background or Foreground.'),
];

const selection: readonly Parameter[] = [
  continueToken,
  fieldSelector,
  labelSelector,
  limit,
  resourceVersion,
  resourceVersionMatch,
  sendInitialEvents,
  shardSelector,
  timeoutSeconds,
];

export const listParameters: readonly Parameter[] = [allowWatchBookmarks, ...selection, watch];

export const deleteCollectionParameters: readonly Parameter[] = [...deleteParameters, ...selection];

const container = query('container', 'string', 'The container; may be left out where there is only one.');
const streams = (...names: string[]): Parameter[] =>
  names.map((name) => query(name, 'boolean', `Whether ${name} is part of the call.`));
const proxyTarget = query('path', 'string', 'The part of the URL after the service endpoint.');

/** Of subresources that are streams or text, by the kind of their options. */
export const optionsParameters: Readonly<Record<string, readonly Parameter[]>> = {
  NodeProxyOptions: [proxyTarget],
  PodAttachOptions: [container, ...streams('stderr', 'stdin', 'stdout', 'tty')],
  PodExecOptions: [
    query('command', 'string', 'The command and its arguments; not run in a shell.'),
    container,
    ...streams('stderr', 'stdin', 'stdout', 'tty'),
  ],
  PodPortForwardOptions: [query('ports', 'integer', 'The ports to forward.')],
  PodProxyOptions: [proxyTarget],
  ServiceProxyOptions: [proxyTarget],
};

export const logParameters: readonly Parameter[] = [
  container,
  query('follow', 'boolean', 'Keep the stream open and send what is logged from now on.'),
  query('insecureSkipTLSVerifyBackend', 'boolean', "Do not verify the serving certificate of the pod's node."),
  query('limitBytes', 'integer', 'Stop after this many bytes.'),
  query('previous', 'boolean', 'Logs of the previous, terminated container.'),
  query('sinceSeconds', 'integer', 'Logs of the last so many seconds.'),
  query('stream', 'string', 'Which stream: All, Stdout or Stderr.'),
  query('tailLines', 'integer', 'Only so many lines from the end.'),
  query('timestamps', 'boolean', 'Begin each line with the time it was logged.'),
];
