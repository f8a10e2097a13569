import { type CronJob, resources } from '#api';
import { ageOf } from '../common/duration';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { NONE, UNSET, selectorText } from '../common/text';
import { setPodTemplateDefaults } from '../pods/pod-defaults';
import { type ResourceStrategy } from '../strategy';
import { templateColumns } from '../workloads/template-columns';
import { cronJobValidation } from './cron-job-validation';

export const cronJobs: ResourceStrategy<CronJob> = {
  resource: resources.cronJobs,
  ...cronJobValidation,

  setDefaults({ spec }) {
    if (spec === undefined) return;
    spec.concurrencyPolicy ||= 'Allow';
    spec.suspend ??= false;
    spec.successfulJobsHistoryLimit ??= 3;
    spec.failedJobsHistoryLimit ??= 1;
    setPodTemplateDefaults(spec.jobTemplate.spec?.template);
  },

  table: tableOf(resources.cronJobs, [
    nameColumn,
    { name: 'Schedule', about: '.spec.schedule', cell: ({ spec }) => spec?.schedule ?? '' },
    { name: 'Timezone', about: '.spec.timeZone', cell: ({ spec }) => spec?.timeZone ?? NONE },
    { name: 'Suspend', type: 'boolean', about: '.spec.suspend', cell: ({ spec }) => truth(spec?.suspend) },
    { name: 'Active', type: 'integer', about: '.status.active', cell: ({ status }) => status?.active?.length ?? 0 },
    {
      name: 'Last Schedule',
      about: '.status.lastScheduleTime',
      cell: ({ status }, nowMs) =>
        status?.lastScheduleTime === undefined ? NONE : ageOf(status.lastScheduleTime, nowMs),
    },
    ageColumn,
    ...templateColumns<CronJob>(({ spec }) => spec?.jobTemplate.spec?.template),
    {
      name: 'Selector',
      wide: true,
      about: '.spec.jobTemplate.spec.selector',
      cell: ({ spec }) => selectorText(spec?.jobTemplate.spec?.selector),
    },
  ]),
};

function truth(value: boolean | undefined): string {
  if (value === undefined) return UNSET;
  return value ? 'True' : 'False';
}
