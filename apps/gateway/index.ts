/** The API server: see README.md. */
export { createGateway, type GatewayDependencies, type RunningGateway } from './src/gateway';
export { type GatewayConfig } from './src/config';
export { type StaticToken, parseTokenFile } from './src/authn/static-tokens';
