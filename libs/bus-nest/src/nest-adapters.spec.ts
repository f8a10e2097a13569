import { createInProcessBus } from '#bus';
import { systemClock } from '#machinery';
import { nestAdaptersContract } from '../../../test/bus/nest-adapters.contract';

describe('Nest over the in-process bus', () => {
  nestAdaptersContract(async () => createInProcessBus({ clock: systemClock, random: Math.random }));
});
