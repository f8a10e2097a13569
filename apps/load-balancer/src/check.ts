import { request } from 'node:https';
import { type Clock } from '#machinery';
import { type Address } from '#process';
import { type BackendState } from './backends';

/**
 * Asks a gateway for `/readyz`. Its certificate is not verified: nothing secret is sent, and whoever pretends to be a gateway gets
 * connections whose clients verify it themselves. Never rejects.
 */
export function checkReady({ host, port }: Address, timeoutMs: number, clock: Clock): Promise<BackendState> {
  return new Promise((resolve) => {
    const question = request(
      { host, port, path: '/readyz', agent: false, rejectUnauthorized: false, servername: '' },
      (answer) => {
        answer.resume();
        answer.on('error', () => end('dead'));
        answer.on('end', () => end(answer.statusCode === 200 ? 'ready' : 'draining'));
      },
    );
    const timer = clock.setTimer(timeoutMs, () => end('dead'));
    const end = (state: BackendState): void => {
      timer.cancel();
      question.destroy();
      resolve(state);
    };
    // Also what comes after the end.
    question.on('error', () => end('dead'));
    question.end();
  });
}
