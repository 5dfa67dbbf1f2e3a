# One image for every node; its role comes from the environment (docker/start-node.sh).
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source
COPY . .
# ./distributed finds out which packages the feed has; with Akka.Cluster the fabric `akka` is built in.
RUN ./distributed --version && cp -r artifacts/bin/Distributed.Node/release /program

FROM mcr.microsoft.com/dotnet/aspnet:10.0
RUN apt-get update && apt-get install -y --no-install-recommends curl python3 && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 node && mkdir /runs && chown node /runs
COPY --from=build /program /program
COPY --from=build /source/recipes /home/distributed/recipes
COPY --chmod=755 docker/start-node.sh /usr/local/bin/start-node
ENV DISTRIBUTED_HOME=/home/distributed DOTNET_gcServer=0
USER node
WORKDIR /runs
VOLUME /runs
EXPOSE 7400 4055
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 CMD curl -fsS http://127.0.0.1:7400/health/live || exit 1
ENTRYPOINT ["start-node"]
