/** What `connectStore` loads when it is called, and nobody else. */
export { RemoteStore } from './remote-store';
