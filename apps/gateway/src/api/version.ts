import { genericServerResponse } from '#machinery';
import { jsonResult } from '../request/api-result';
import { type PathRoute } from './paths';

/** What clients compare themselves with: the API that we speak, not our own release. */
export const serverVersion = { major: '1', minor: '36', gitVersion: 'v1.36.2' } as const;

export interface BuildInfo {
  readonly gitCommit: string;
  readonly buildDate: string;
}

export function versionRoute(build: BuildInfo): PathRoute {
  return (request) => {
    if (request.path.replace(/\/$/, '') !== '/version') return undefined;
    if (request.method !== 'GET' && request.method !== 'HEAD') throw genericServerResponse(405);
    const { major, minor, gitVersion } = serverVersion;
    return jsonResult(200, {
      major,
      minor,
      emulationMajor: major,
      emulationMinor: minor,
      minCompatibilityMajor: major,
      minCompatibilityMinor: String(Number(minor) - 1),
      gitVersion,
      gitCommit: build.gitCommit,
      gitTreeState: 'clean',
      buildDate: build.buildDate,
      goVersion: process.version,
      compiler: 'node',
      platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
    });
  };
}
