import { type Job, type JobSpec, resources } from '#api';
import { type DeepReadonly, jsonEquals } from '#machinery';
import { humanDuration } from '../common/duration';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { selectorText } from '../common/text';
import { setPodTemplateDefaults } from '../pods/pod-defaults';
import { type ResourceStrategy } from '../strategy';
import { templateColumns } from '../workloads/template-columns';
import { jobValidation } from './job-validation';

/** With and without the domain that label names should have had from the start. */
const uidLabels = ['batch.kubernetes.io/controller-uid', 'controller-uid'] as const;
const nameLabels = ['batch.kubernetes.io/job-name', 'job-name'] as const;

export const jobs: ResourceStrategy<Job> = {
  resource: resources.jobs,
  ...jobValidation,

  setDefaults(job) {
    const { spec } = job;
    if (spec === undefined) return;
    if (spec.completions === undefined && spec.parallelism === undefined) {
      spec.completions = 1;
      spec.parallelism = 1;
    }
    spec.parallelism ??= 1;
    setJobSpecDefaults(spec);
    labelLikeTemplate(job, spec);
    if (spec.podFailurePolicy !== undefined) {
      for (const { onPodConditions = [] } of spec.podFailurePolicy.rules) {
        for (const pattern of onPodConditions) pattern.status ||= 'True';
      }
    }
    setPodTemplateDefaults(spec.template);
  },

  prepareForCreate(job) {
    if (job.spec === undefined || job.spec.manualSelector === true) return;
    const { labels } = job.spec.template.metadata ?? {};
    const sharesLabels = labels !== undefined && jsonEquals(job.metadata?.labels, labels);
    selectByUid(job, job.spec);
    if (sharesLabels) (job.metadata ??= {}).labels = { ...job.spec.template.metadata?.labels };
  },

  // Once they are known to be good: complaints are about the template alone.
  canonicalize(job) {
    if (job.spec !== undefined) labelLikeTemplate(job, job.spec);
  },

  fieldSelectors: { 'status.successful': ({ status }) => String(status?.succeeded ?? 0) },
  unknownFieldMessage: (field) => `field label "${field}" not supported for Job`,
  defaultPropagation: 'orphan',
  warningsOnDelete: (namesPolicy) =>
    namesPolicy
      ? []
      : [
          'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set ' +
            'propagationPolicy=Orphan to suppress this warning',
        ],

  table: tableOf(resources.jobs, [
    nameColumn,
    { name: 'Status', about: 'Status of the job.', cell: statusOf },
    { name: 'Completions', about: '.status.succeeded', cell: completionsOf },
    { name: 'Duration', about: 'Time required to complete the job.', cell: durationOf },
    ageColumn,
    ...templateColumns<Job>(({ spec }) => spec?.template),
    { name: 'Selector', wide: true, about: '.spec.selector', cell: ({ spec }) => selectorText(spec?.selector) },
  ]),
};

function setJobSpecDefaults(spec: JobSpec): void {
  spec.completionMode ??= 'NonIndexed';
  spec.suspend ??= false;
  // Without a limit for all indexes a limit for each makes the common one pointless.
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : 2_147_483_647;
  spec.podReplacementPolicy ??= spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed';
  spec.manualSelector ??= false;
}

/** A job without labels has those of its pods. */
function labelLikeTemplate(job: Job, { template }: JobSpec): void {
  const metadata = (job.metadata ??= {});
  const labels = template.metadata?.labels;
  if (labels !== undefined && Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
}

/** A job finds its pods by its own uid, so that jobs with the same template never meet. */
function selectByUid(job: Job, spec: JobSpec): void {
  const { name = '', uid = '' } = job.metadata ?? {};
  const metadata = (spec.template.metadata ??= {});
  const labels = (metadata.labels ??= {});
  for (const label of nameLabels) if (!Object.hasOwn(labels, label)) labels[label] = name;
  for (const label of uidLabels) if (!Object.hasOwn(labels, label)) labels[label] = uid;
  const selector = (spec.selector ??= {});
  selector.matchLabels ??= {};
  if (!Object.hasOwn(selector.matchLabels, uidLabels[0])) selector.matchLabels[uidLabels[0]] = uid;
}

/** The first condition that holds, in this order, else `Running`. */
const conditionOrder = ['Complete', 'Failed', 'Suspended', 'FailureTarget', 'SuccessCriteriaMet'] as const;

function statusOf({ metadata, status }: DeepReadonly<Job>): string {
  const holds = (wanted: string): boolean =>
    (status?.conditions ?? []).some(({ type, status: value }) => type === wanted && value === 'True');
  const [complete, failed, ...others] = conditionOrder;
  if (holds(complete)) return complete;
  if (holds(failed)) return failed;
  if (metadata?.deletionTimestamp !== undefined) return 'Terminating';
  return others.find(holds) ?? 'Running';
}

function completionsOf({ spec, status }: DeepReadonly<Job>): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec?.completions !== undefined) return `${succeeded}/${spec.completions}`;
  const parallelism = spec?.parallelism ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function durationOf({ status }: DeepReadonly<Job>, nowMs: number): string {
  if (status?.startTime === undefined) return '';
  const end = status.completionTime === undefined ? nowMs : Date.parse(status.completionTime);
  return humanDuration(end - Date.parse(status.startTime));
}
