/** The API server: see README.md. */
export { createGateway, type GatewayDependencies, type RunningGateway } from './src/gateway';
export { type GatewayIdentityOptions, gatewayBusIdentity } from './src/bus/gateway-identity';
export { type GatewayConfig } from './src/config';
export { type StaticToken, parseTokenFile } from './src/authn/static-tokens';
