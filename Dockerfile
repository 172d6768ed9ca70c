# Locum in a container. As it is, it runs the stand-in (`locum dev`), whose secrets everybody knows:
#   docker build -t locum . && docker run --rm -p 127.0.0.1:8080:8080 locum

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
# The image's C compiler is all that aws-lc-sys needs on x86-64 and ARM64.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin locum && cp target/release/locum /usr/local/bin/locum

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/locum locum
COPY --from=build /usr/local/bin/locum /usr/local/bin/locum
# By number, so that Kubernetes can see that it is not root.
USER 10001:10001
WORKDIR /var/lib/locum
EXPOSE 8080
# The image has no curl, but bash speaks TCP.
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD ["bash", "-c", "\
    exec 3<>/dev/tcp/127.0.0.1/8080 && \
    printf 'GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && \
    read -r -u 3 version status reason && [[ $status == 200 ]]"]
ENTRYPOINT ["locum"]
CMD ["dev", "--listen", "0.0.0.0:8080", "--allow-remote"]
