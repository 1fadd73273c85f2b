# The signaling server, and nothing else: docs/server.md.
FROM rust:1-slim-trixie AS build
WORKDIR /source
COPY . .
RUN cargo build --release --locked --package webrtc-multiplayer-server --features redis && mkdir /keys

# glibc, certificates, a user without rights; no shell.
FROM gcr.io/distroless/cc-debian13:nonroot
COPY --from=build /source/target/release/signaling-server /signaling-server
# For --key-file, and to be written by that user.
COPY --from=build --chown=nonroot:nonroot /keys /keys
ENV SIGNALING_BIND=0.0.0.0:9080
EXPOSE 9080
ENTRYPOINT ["/signaling-server"]
