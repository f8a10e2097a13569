/**
 * What every process needs of its surroundings: settings, signals, health, connections. See README.md.
 *
 * ```ts
 * main({
 *   name: 'deployment-controller',
 *   description: 'rolls Deployments out',
 *   settings: { ...busSettings, ...electionSettings },
 *   async start(process) {
 *     const connected = await connectElected(process, users.controller(process.name));
 *     process.add(await createDeploymentController({}, connected.forController(process.name)));
 *   },
 * });
 * ```
 */
export { ClientFactory } from './src/client-factory';
export { busSettings, electionSettings, natsSettings, processSettings } from './src/common-settings';
export { ComponentDependencies } from './src/component-dependencies';
export { actsAs, componentNames, processUser } from './src/components';
export { connect, connectBus, connectElected, type ProcessIdentity } from './src/connect';
export { holdHostMutex, withHostMutex } from './src/host-mutex';
export { hostAddresses } from './src/host-addresses';
export { groupsOf, users } from './src/identities';
export { main } from './src/main';
export { type App, type ProcessContext } from './src/process-context';
export { type Address } from './src/setting-kinds';
export { defaultOf, kindOf, type Setting, type Settings, SettingsError, type SettingsTable } from './src/settings';
