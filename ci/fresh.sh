#!/bin/sh
# The README's two programs in new packages, as somebody who has never seen this repository copies them: a native one, and a page in
# Chromium. They depend on packed files alone, and meet over the packed server. Then the adapters are packed, and built from their packed
# files in the same way.
#
# `cargo ci fresh` calls it. It reads WASM_CARGO, WASM_BINDGEN and CHROMIUM, which `cargo ci setup` prints, and takes python3 to serve
# the page. Everything is built from nothing, in a folder for temporary files that is removed at the end: two gigabytes.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# Outside of the repository: cargo would take a package inside for one of its workspace.
work=$(mktemp -d "${TMPDIR:-/tmp}/fresh-XXXXXX")
target=$work/target
running=
trap 'kill $running 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work" || true' EXIT
trap 'exit 130' INT TERM
begun=$(date +%s)
export CARGO_TARGET_DIR="$target" CARGO_TERM_COLOR=never

say() {
    echo "$(($(date +%s) - begun)) s: $1"
}

# The program in the first block of the packed README that begins so, with the port of our server.
program() {
    awk -v opening="\`\`\`$1" 'index($0, opening) == 1 && !found { found = inside = 1; next } /^```/ { inside = 0 } inside' \
        "$work"/packages/webrtc-multiplayer-[0-9]*/README.md | sed "s/127\.0\.0\.1:9080/127.0.0.1:$port/"
}

# Waits until a file has this in it; the process that writes it must live.
await() {
    for _ in $(seq 600); do
        if grep -q "$3" "$2"; then return 0; fi
        if ! kill -0 "$1" 2>/dev/null; then break; fi
        sleep 0.2
    done
    echo "error: no $3 in two minutes, or its program has ended; this is what it printed last:"
    tail -n 20 "$2"
    return 1
}

# Starts a program that writes into a file of this name; `$!` is its number.
begin() {
    file=$work/$1.txt
    shift
    "$@" >"$file" 2>&1 &
    running="$running $!"
}

# A new package with this name and further lines of its manifest. What is in our lock file is built in the version that is there, as
# wasm-bindgen's program is of that version, too.
package() {
    mkdir -p "$work/$1/src"
    printf '[package]\nname = "%s"\nversion = "0.1.0"\nedition = "2024"\n\n[dependencies]\nwebrtc-multiplayer = "0.1"\n%s\n' "$1" "$2" >"$work/$1/Cargo.toml"
    cp "$root/Cargo.lock" "$work/$1/"
}

# What is published; what is not committed yet is packed, too.
set --
for manifest in $(grep -l '^publish = true' "$root"/Cargo.toml "$root"/*/Cargo.toml); do
    set -- "$@" --package "$(sed -n 's/^name = "\(.*\)"/\1/p' "$manifest" | head -n 1)"
done
cargo package --quiet --no-verify --allow-dirty --manifest-path "$root/Cargo.toml" "$@"
mkdir "$work/packages" "$work/.cargo"
for packed in "$target"/package/webrtc-multiplayer*.crate; do
    tar -xzf "$packed" -C "$work/packages"
done
# Every one stands in for that of the registry, for whatever is built in the folder.
{
    echo '[patch.crates-io]'
    for folder in "$work"/packages/*; do
        name=${folder##*/}
        echo "${name%-[0-9]*} = { path = \"$folder\" }"
    done
} >"$work/.cargo/config.toml"
cd "$work"
say "packed and unpacked $(ls packages | wc -l) packages"

cargo build --quiet --manifest-path packages/webrtc-multiplayer-server-[0-9]*/Cargo.toml
begin server "$target/debug/signaling-server" --bind 127.0.0.1:0
await $! server.txt 'listening on'
port=$(sed -n 's/.*listening on ws:\/\/127\.0\.0\.1:\([0-9]*\).*/\1/p' server.txt)
say "the server is built, and listens on port $port"

package hello ''
program rust,no_run >hello/src/main.rs
cargo build --quiet --manifest-path hello/Cargo.toml
begin hello "$target/debug/hello"
hello=$!
await $hello hello.txt Joined
say 'the native program is built, and has joined'

package page 'gloo-timers = { version = "0.3", features = ["futures"] }
wasm-bindgen = "0.2"
wasm-bindgen-futures = "0.4"
web-sys = { version = "0.3", features = ["console"] }

[lib]
crate-type = ["cdylib"]'
program rs >page/src/lib.rs
CARGO_TARGET_DIR=$work/wasm "$WASM_CARGO" build --quiet --release --target wasm32-unknown-unknown --manifest-path page/Cargo.toml
"$WASM_BINDGEN" --target web --no-typescript --out-dir site wasm/wasm32-unknown-unknown/release/page.wasm
echo '<!doctype html><script type="module">import init from "./page.js"; init();</script>' >site/index.html
say 'the page is built'

begin site python3 -u -m http.server --bind 127.0.0.1 --directory site 0
await $! site.txt 'port [0-9]'
site=$(sed -n 's/.* port \([0-9]*\).*/\1/p' site.txt | head -n 1)
begin page "$CHROMIUM" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --disable-background-networking \
    --disable-component-update --user-data-dir="$work/profile" --enable-logging=stderr "http://127.0.0.1:$site/"
page=$!
for seen in PeerConnected 'Packet('; do
    await $page page.txt "$seen"
    await $hello hello.txt "$seen"
done
say 'they have met, and hear each other'

# With the core from the packed files, as they will have it from the registry. The licences are links into the repository.
cp -RL "$root/adapters" adapters
rm -rf adapters/target
sed -i.former 's/path = "\.\.[^"]*", //' adapters/Cargo.toml
cargo publish --quiet --workspace --dry-run --allow-dirty --manifest-path adapters/Cargo.toml
say 'the adapters are packed, and built from their packed files'
