/** What `connectStore` and `connectOperator` load when they are called, and nobody else. */
export { RemoteOperator } from './operator';
export { RemoteStore } from './remote-store';
