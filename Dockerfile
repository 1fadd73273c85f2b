# The signaling server, and nothing else: docs/server.md.
FROM rust:1-slim-bookworm AS build
# ring has parts in C.
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN cargo build --release --locked --package signaling-server && mkdir /keys

# glibc, certificates, a user without rights; no shell.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /source/target/release/signaling-server /signaling-server
# For --key-file, and to be written by that user.
COPY --from=build --chown=nonroot:nonroot /keys /keys
ENV SIGNALING_BIND=0.0.0.0:9080
EXPOSE 9080
ENTRYPOINT ["/signaling-server"]
