/** How components talk: requests and events over NATS or within one process, behind one contract. */
export {
  type Bus,
  BusError,
  type BusErrorCode,
  type BusSubscription,
  type Message,
  type Payload,
  type RequestOptions,
  type SubscribeOptions,
} from './src/bus';
export {
  type EventMessage,
  type ObjectEvent,
  apiSubject,
  base32,
  eventSubject,
  isEventMessage,
  unbase32,
} from './src/event-message';
export { type Faults, withFaults } from './src/faults';
export { type BusCredentials, type BusIdentity, inboxPrefix, requestSubjects } from './src/identity';
export { type InProcessBusOptions, createInProcessBus } from './src/in-process-bus';
export { type BusTls, type NatsBusOptions, createNatsBus } from './src/nats-bus';
