# One image for every service: `node dist/apps/<app>/main.js`, or the command line, `bin/nestor`.
#
# NODE_IMAGE is any Debian with Node 24 and npm. NPM_REGISTRY is for those who have a mirror. RUN_AS owns the store's files.
ARG NODE_IMAGE=node:24-slim

FROM ${NODE_IMAGE} AS build
ARG NPM_REGISTRY
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# `npm install` and not `npm ci`: see docs/adr/0004-npm-install.md.
RUN ${NPM_REGISTRY:+env npm_config_registry="$NPM_REGISTRY"} npm install --no-save --loglevel=error
COPY . .
RUN node scripts/prepare.mjs && npm prune --omit=dev --no-save --loglevel=error

FROM ${NODE_IMAGE}
# What node agents set packet filters, routes and mounts with. A base that has it all needs no mirror of Debian.
RUN set -e; \
    for program in nft iptables ip mount nsenter; do command -v "$program" >/dev/null || missing=yes; done; \
    if [ -n "$missing" ]; then \
      apt-get update -qq; \
      apt-get install -y -qq --no-install-recommends nftables iptables iproute2 mount util-linux >/dev/null; \
      rm -rf /var/lib/apt/lists/*; \
    fi
# Volumes take their owner from here.
ARG RUN_AS=1000
RUN install -d -o "$RUN_AS" -g "$RUN_AS" -m 0700 /var/lib/nestor/store
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY package.json LICENSE ./
COPY bin bin
COPY deploy/bin deploy/bin
COPY --from=build /app/dist dist
ENV NODE_ENV=production PATH=/app/bin:/app/deploy/bin:$PATH
USER ${RUN_AS}:${RUN_AS}
ENTRYPOINT ["node"]
CMD ["bin/nestor", "--help"]
