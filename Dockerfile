# The server with local speech, for docker, podman or buildah: see docs/deploy.md.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --profile dist --locked -p ringback-server --bin ringback

FROM debian:bookworm-slim
# PocketSphinx hears; the voice of Pico is inside the binary; the certificates are for providers.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libpocketsphinx3 pocketsphinx-en-us \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 ringback \
    && useradd --system --uid 10001 --gid ringback --home-dir /var/lib/ringback --shell /usr/sbin/nologin ringback \
    && install -d -o ringback -g ringback -m 0700 /var/lib/ringback
COPY --from=build /src/target/dist/ringback /usr/local/bin/ringback

# Everything that is written goes to the volume, so that the root file system may be read-only.
ENV HOST=0.0.0.0 \
    PORT=8080 \
    DATA_DIR=/var/lib/ringback \
    LOG_DIR=/var/lib/ringback/logs
WORKDIR /var/lib/ringback
VOLUME /var/lib/ringback
USER 10001:10001
EXPOSE 8080
# Live calls end by themselves, within DRAIN_SECONDS: give `docker stop` that long and 20 s more.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 CMD ["ringback", "health"]
ENTRYPOINT ["ringback"]
CMD ["serve"]
