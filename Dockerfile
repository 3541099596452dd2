# JupyterLab with the lab in it, for docker-compose.yml, where an etcd stands beside it.
FROM node:24-bookworm-slim

RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 python3-venv \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -o node -g node /lab

WORKDIR /lab
USER node
ENV PIP_NO_CACHE_DIR=1 npm_config_cache=/tmp/npm

# Packages first, with a library of one line: an edit of the real one does not install them again. That line's
# output goes, since it is newer than the real sources and tsc would take it for theirs.
COPY --chown=node:node package.json package-lock.json .npmrc tsconfig.json ./
COPY --chown=node:node tools tools
COPY --chown=node:node lib/package.json lib/tsconfig.json lib/
RUN mkdir -p lib/src notebooks \
 && echo 'export {};' >lib/src/index.ts \
 && node tools/bootstrap.mjs build \
 && rm -rf lib/src lib/dist /tmp/npm

COPY --chown=node:node lib lib
COPY --chown=node:node notebooks notebooks
# Whoever's number the container runs under (see docker-compose.yml) has to write here.
RUN node tools/bootstrap.mjs build && mkdir -p .lab && chmod -R a+rwX .lab

# In a container 127.0.0.1 is out of the host's reach: this makes JupyterLab listen on the container's address.
ENV ETCD_WATCH_LAB_IN_CONTAINER=1 HOME=/tmp
CMD ["node", "tools/bootstrap.mjs", "start", "--no-browser", "--port", "8888"]
