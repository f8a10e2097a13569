export type SpawnCommand = readonly [string, ...string[]];
