import { busSettings, electionSettings, type SettingsTable } from '#process';

/** What the process can be told by its environment. */
export const settings = {
  ...busSettings,
  ...electionSettings,
  SCHEDULER_NAME: {
    kind: 'string',
    default: 'default-scheduler',
    help: 'pods name their scheduler in spec.schedulerName; this is the one to be',
  },
} as const satisfies SettingsTable;
