import { created, defaulted, row } from '../common/strategy.fixture';
import { cronJobs } from './cron-jobs';
import { jobs } from './jobs';

const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'app:1' }] } };

describe('defaults of jobs', () => {
  it.each<[string, object, object]>([
    [
      'nothing is given',
      {},
      { completions: 1, parallelism: 1, backoffLimit: 6, completionMode: 'NonIndexed', suspend: false },
    ],
    ['it is a queue', { parallelism: 3 }, { parallelism: 3 }],
    ['it ends after some', { completions: 5 }, { completions: 5, parallelism: 1 }],
    ['indexes fail one by one', { backoffLimitPerIndex: 1 }, { backoffLimit: 2_147_483_647 }],
    ['failures have a policy', { podFailurePolicy: { rules: [] } }, { podReplacementPolicy: 'Failed' }],
  ])('when %s', (_name, spec, expected) => {
    expect(defaulted(jobs, { spec: { template, ...spec } }).spec).toMatchObject(expected);
  });

  it('leaves a queue without completions', () => {
    expect(defaulted(jobs, { spec: { template, parallelism: 3 } }).spec).not.toHaveProperty('completions');
  });
});

describe('new jobs', () => {
  const metadata = { name: 'j', uid: 'u' };
  const generated = {
    'batch.kubernetes.io/controller-uid': 'u',
    'batch.kubernetes.io/job-name': 'j',
    'controller-uid': 'u',
    'job-name': 'j',
  };

  it('find their pods by their uid', () => {
    const job = created(jobs, { metadata, spec: { template } });
    expect(job.spec?.selector).toEqual({ matchLabels: { 'batch.kubernetes.io/controller-uid': 'u' } });
    expect(job.spec?.template.metadata?.labels).toEqual(generated);
  });

  it('are labelled like their pods', () => {
    const labelled = { ...template, metadata: { labels: { app: 'x' } } };
    expect(created(jobs, { metadata, spec: { template } }).metadata?.labels).toEqual(generated);
    expect(created(jobs, { metadata, spec: { template: labelled } }).metadata?.labels).toEqual({
      app: 'x',
      ...generated,
    });
  });

  it('keep labels of their own', () => {
    const job = created(jobs, { metadata: { ...metadata, labels: { mine: 'yes' } }, spec: { template } });
    expect(job.metadata?.labels).toEqual({ mine: 'yes' });
  });

  it('select what the client says, if asked to', () => {
    const selector = { matchLabels: { a: 'b' } };
    const job = created(jobs, { metadata, spec: { template, manualSelector: true, selector } });
    expect(job.spec?.selector).toEqual(selector);
    expect(job.spec?.template.metadata?.labels).toBeUndefined();
  });
});

describe('deleted jobs', () => {
  it('leave their pods, and say so unless the client knows', () => {
    expect(jobs.defaultPropagation).toBe('orphan');
    expect(jobs.warningsOnDelete?.(false)).toEqual([expect.stringContaining('child pods are preserved by default')]);
    expect(jobs.warningsOnDelete?.(true)).toEqual([]);
  });
});

describe('tables of jobs', () => {
  it.each<[object, object, object]>([
    [
      { completions: 3 },
      { succeeded: 1, startTime: '2026-01-01T11:59:00Z' },
      { Completions: '1/3', Duration: '60s', Status: 'Running' },
    ],
    [{ parallelism: 2 }, {}, { Completions: '0/1 of 2', Duration: '' }],
    [
      { completions: 1 },
      {
        succeeded: 1,
        startTime: '2026-01-01T11:00:00Z',
        completionTime: '2026-01-01T11:00:07Z',
        conditions: [{ type: 'Complete', status: 'True' }],
      },
      { Completions: '1/1', Duration: '7s', Status: 'Complete' },
    ],
    [{}, { conditions: [{ type: 'FailureTarget', status: 'True' }] }, { Status: 'FailureTarget' }],
  ])('%j %j', (spec, status, expected) => {
    expect(row(jobs, { metadata: { name: 'j' }, spec: { template, ...spec }, status })).toMatchObject(expected);
  });
});

describe('cron jobs', () => {
  it('keep three good jobs and a bad one', () => {
    expect(
      defaulted(cronJobs, { spec: { schedule: '* * * * *', jobTemplate: { spec: { template } } } }).spec,
    ).toMatchObject({
      concurrencyPolicy: 'Allow',
      suspend: false,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
    });
  });

  it('show when they last ran', () => {
    const object = {
      metadata: { name: 'c' },
      spec: { schedule: '@daily', suspend: false, jobTemplate: { spec: { template } } },
      status: { lastScheduleTime: '2026-01-01T11:55:00Z', active: [{}] },
    };
    expect(row(cronJobs, object)).toMatchObject({
      Schedule: '@daily',
      Timezone: '<none>',
      Suspend: 'False',
      Active: 1,
      'Last Schedule': '5m',
      Images: 'app:1',
    });
  });
});
