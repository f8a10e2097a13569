/** What starts processes takes as long as the machine is busy: the limit is for what never ends. */
jest.setTimeout(240_000);
