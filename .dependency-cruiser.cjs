'use strict';

/** Layering: libs know nothing of apps; apps know nothing of each other, except the one composition root. */
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'libs-not-to-apps', severity: 'error', from: { path: '^libs/' }, to: { path: '^apps/' } },
    {
      name: 'apps-are-islands',
      comment: 'Only the composition root apps/nestor/src/cluster.ts may start other apps.',
      severity: 'error',
      from: { path: '^apps/([^/]+)/', pathNot: '^apps/nestor/src/cluster[.]ts$' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'libs-by-their-index',
      comment: "A lib's index.ts is its whole public surface; a contract suite is for every implementation.",
      severity: 'error',
      from: { path: '^(libs/([^/]+)|apps/([^/]+)|test)/' },
      to: { path: '^libs/([^/]+)/src/', pathNot: '^$1/|[.]contract[.]ts$' },
    },
    {
      name: 'raft-and-machinery-are-pure',
      comment: 'The pure core does no I/O.',
      severity: 'error',
      from: { path: '^libs/(machinery|raft)/', pathNot: '[.]spec[.]ts$' },
      to: {
        dependencyTypes: ['core'],
        path: '^(fs|net|tls|http|https|http2|dgram|child_process|worker_threads|cluster)(/|$)',
      },
    },
    {
      name: 'no-test-from-source',
      severity: 'error',
      from: {
        path: '^(apps|libs)/',
        pathNot: '[.](spec|contract|fixture)[.]ts$|^libs/testing/|^apps/[^/]+/src/testing/',
      },
      to: { path: '(^test/|[.](spec|fixture)[.]ts$|^libs/testing/)' },
    },
    {
      name: 'not-to-unresolvable',
      comment: 'Of dockerode only the types are installed, and used.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^dockerode$' },
    },
    {
      name: 'no-dev-deps-in-source',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: '[.]spec[.]ts$|^libs/testing/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only', 'npm'], pathNot: '@types/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Another project's.
    exclude: { path: '^test/package/consumer/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      conditionNames: ['nestor-source', 'node', 'require', 'import', 'default', 'types'],
      exportsFields: ['exports'],
      extensions: ['.ts', '.js', '.json'],
    },
  },
};
