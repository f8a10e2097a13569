/** What the two ends of a remote command or a forwarded port have in common. */
export { channel } from './src/channel';
export { spdyServer } from './src/spdy-server';
export { type SpdyConnection, type SpdyStream } from 'spdy-transport';
