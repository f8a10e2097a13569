import { execFileSync } from 'node:child_process';
import { helmPath, kubectlPath } from '../tools/kubernetes-clients';

describe('the real clients that the tests use', () => {
  it.each([
    ['v32', 'v1.32'],
    ['v35', 'v1.35'],
  ] as const)('kubectl %s', async (version, expected) => {
    expect(execFileSync(await kubectlPath(version), ['version', '--client'], { encoding: 'utf8' })).toContain(
      `Client Version: ${expected}`,
    );
  });

  it('Helm', async () => {
    expect(execFileSync(await helmPath(), ['version', '--short'], { encoding: 'utf8' })).toMatch(/^v4/);
  });
});
