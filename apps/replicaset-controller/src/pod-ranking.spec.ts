import { type PodBuilder, pod } from '#testing';
import { podsToDelete } from './pod-ranking';

const now = Date.parse('2026-01-02T00:00:00Z');
const cost = (value: string) => ({ 'controller.kubernetes.io/pod-deletion-cost': value });
const ready = (name: string) => pod(name).on('n1').ready('2026-01-01T00:00:00Z').uid(name);

describe('podsToDelete', () => {
  it.each<[string, PodBuilder, PodBuilder]>([
    ['unassigned before assigned', pod('first'), pod('last').on('n1')],
    ['pending before running', pod('first').on('n1'), pod('last').on('n1').phase('Running')],
    ['not ready before ready', pod('first').on('n1').notReady(), ready('last')],
    ['cheap before dear', ready('first').annotations(cost('-1')), ready('last')],
    [
      'a cost with a leading zero counts for nothing',
      ready('first').annotations(cost('2')),
      ready('last').annotations(cost('3')),
    ],
    ['from the crowded node', ready('first').on('crowded'), ready('last')],
    ['ready for a shorter time', pod('first').on('n1').ready('2026-01-01T23:00:00Z'), ready('last')],
    ['more restarts', ready('first').restarts(3), ready('last').restarts(1)],
    ['younger', ready('first').created('2026-01-01T23:00:00Z'), ready('last')],
    ['about as old: by UID', ready('first').created('2026-01-01T00:01:00Z').uid('a'), ready('last').uid('b')],
  ])('%s', (_name, first, last) => {
    const related = [ready('x').on('crowded').build(), ready('y').on('crowded').build()];
    for (const pods of [
      [first.build(), last.build()],
      [last.build(), first.build()],
    ]) {
      expect(podsToDelete(pods, related, 1, now).map(({ metadata }) => metadata?.name)).toEqual(['first']);
    }
  });
});
