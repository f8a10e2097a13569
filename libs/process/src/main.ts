import { systemClock } from '#machinery';
import { createLogger } from '#telemetry';
import { type App } from './process-context';
import { runApp } from './run-app';
import { type SettingsTable } from './settings';

/** The whole of a `main.ts`: runs the app in this process, and ends the process when it is done. */
export function main<T extends SettingsTable>(app: App<T>): void {
  void runApp(app, {
    args: process.argv.slice(2),
    env: process.env,
    clock: systemClock,
    random: Math.random,
    print: (to, text) => void (to === 'out' ? process.stdout : process.stderr).write(text),
    createLogger: (name, level) => createLogger(name, { level }),
    on: (event, listener) => {
      process.on(event, listener);
      // A child with a channel to its parent ends with it, however the parent ends.
      if (event === 'SIGTERM') process.once('disconnect', () => listener('disconnect'));
    },
    exit: (code) => process.exit(code),
  });
}
