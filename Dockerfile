# One image for every node; its role comes from the environment (docker/start-node.sh).
#   docker build .                   the managed engine alone
#   docker build --target cpu .      with the torch engine on a CPU
#   docker build --target cuda .     with the torch engine on NVIDIA GPUs: docker run --gpus all ... (docs/gpu.md)
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS source
WORKDIR /source
COPY . .

# ./distributed finds out which packages the feed has; with Akka.Cluster the fabric `akka` is built in.
FROM source AS build
RUN ./distributed --version && cp -r artifacts/bin/Distributed.Node/release /program

FROM source AS build-cpu
RUN Torch=cpu ./distributed --version && cp -r artifacts/bin/Distributed.Node/release /program

FROM source AS build-cuda
RUN Torch=cuda ./distributed --version && cp -r artifacts/bin/Distributed.Node/release /program

FROM mcr.microsoft.com/dotnet/aspnet:10.0 AS base
RUN apt-get update && apt-get install -y --no-install-recommends curl python3 && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 node && mkdir /runs && chown node /runs
COPY recipes /home/distributed/recipes
COPY --chmod=755 docker/start-node.sh /usr/local/bin/start-node
ENV DISTRIBUTED_HOME=/home/distributed DOTNET_gcServer=0
USER node
WORKDIR /runs
VOLUME /runs
EXPOSE 7400 4055
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 CMD curl -fsS http://127.0.0.1:7400/health/live || exit 1
ENTRYPOINT ["start-node"]

FROM base AS cpu
COPY --from=build-cpu /program /program

# The driver's libraries come from the host (NVIDIA's container toolkit).
FROM base AS cuda
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=build-cuda /program /program

FROM base
COPY --from=build /program /program
