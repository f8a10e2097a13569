import { systemClock } from '#machinery';
import { createInProcessBus } from './in-process-bus';
import { nestAdaptersContract } from '../../../test/bus/nest-adapters.contract';

describe('Nest over the in-process bus', () => {
  nestAdaptersContract(async () => createInProcessBus({ clock: systemClock, random: Math.random }));
});
