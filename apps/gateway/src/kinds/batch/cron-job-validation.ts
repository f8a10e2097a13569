import { type CronJob, type CronJobSpec } from '#api';
import { type DeepReadonly, field, type FieldError, FieldPath } from '#machinery';
import { hostNameWarnings } from '../common/warnings';
import { nonNegative, required, requiredOneOf } from '../validation/checks';
import { type Validation } from '../validation/validation';
import { newTemplateWarnings } from '../workloads/template-validation';
import { scheduleProblem } from './cron-schedule';
import { jobSpecWarnings, validateJobSpec } from './job-validation';

const spec = FieldPath.of('spec');
const template = spec.child('jobTemplate', 'spec', 'template');

/** Jobs are named after their cron job, with eleven characters more, and their names are labels. */
const MAXIMUM_NAME = 52;

export const cronJobValidation: Validation<CronJob> = {
  validateCreate: (cronJob) => [...validateCronJob(cronJob), ...validateName(cronJob.metadata?.name ?? '')],
  validateUpdate: validateCronJob,
  warningsOnCreate: ({ metadata, spec: own }) => [
    ...hostNameWarnings(metadata),
    ...jobSpecWarnings(own?.jobTemplate.spec, spec.child('jobTemplate', 'spec')),
  ],
  warningsOnUpdate: (cronJob, old) =>
    newTemplateWarnings(cronJob.spec?.jobTemplate.spec?.template, old.spec?.jobTemplate.spec?.template, template),
};

function validateName(name: string): FieldError[] {
  if (name.length <= MAXIMUM_NAME) return [];
  return [field.invalid('metadata.name', name, `must be no more than ${MAXIMUM_NAME} characters`)];
}

function validateCronJob({ spec: own }: DeepReadonly<CronJob>): FieldError[] {
  if (own === undefined) return [];
  const errors = required(own.schedule, spec.child('schedule'));
  if (own.schedule !== '') errors.push(...validateSchedule(own));
  for (const name of ['startingDeadlineSeconds', 'successfulJobsHistoryLimit', 'failedJobsHistoryLimit'] as const) {
    errors.push(...nonNegative(own[name], spec.child(name)));
  }
  errors.push(
    ...validateTimeZone(own.timeZone),
    ...requiredOneOf(own.concurrencyPolicy, ['Allow', 'Forbid', 'Replace'], spec.child('concurrencyPolicy')),
  );
  const job = own.jobTemplate.spec;
  if (job === undefined) return errors;
  const path = spec.child('jobTemplate', 'spec');
  errors.push(...validateJobSpec(job, path));
  if (job.selector !== undefined) {
    errors.push(field.invalid(path.child('selector'), job.selector, '`selector` will be auto-generated'));
  }
  if (job.manualSelector === true) {
    errors.push(field.notSupported(path.child('manualSelector'), true, ['nil', 'false']));
  }
  return errors;
}

function validateSchedule({ schedule }: DeepReadonly<CronJobSpec>): FieldError[] {
  const path = spec.child('schedule');
  if (schedule.includes('TZ')) {
    return [field.invalid(path, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead')];
  }
  const problem = scheduleProblem(schedule);
  return problem === undefined ? [] : [field.invalid(path, schedule, problem)];
}

function validateTimeZone(zone: string | undefined): FieldError[] {
  if (zone === undefined) return [];
  const path = spec.child('timeZone');
  if (zone === '') return [field.invalid(path, zone, 'timeZone must be nil or non-empty string')];
  if (zone.toLowerCase() === 'local') {
    const text = 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones';
    return [field.invalid(path, zone, text)];
  }
  return isTimeZone(zone) ? [] : [field.invalid(path, zone, `unknown time zone ${zone}`)];
}

/** Offsets such as `+02:00` are zones to JavaScript, but not names in the database. */
function isTimeZone(zone: string): boolean {
  if (!/^[A-Za-z]/.test(zone)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
