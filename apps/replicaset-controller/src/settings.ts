import { busSettings, electionSettings, type SettingsTable } from '#process';

/** What the process can be told by its environment. */
export const settings = {
  ...busSettings,
  ...electionSettings,
} as const satisfies SettingsTable;
