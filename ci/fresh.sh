#!/bin/sh
# The README's programs in a new package, as somebody who has never seen this repository copies them: a native one, and a page in
# Chromium. They depend on what `cargo publish --workspace --dry-run` has packed, and meet over the packed server.
#
#   ci/fresh.sh FOLDER      FOLDER: the target folder of that command. `cargo ci fresh` does both.
#
# It reads WASM_CARGO, WASM_TARGET_DIR, WASM_BINDGEN and CHROMIUM, which `cargo ci setup` prints.
set -eu

packages=$1/package
lock=$(cd "$(dirname "$0")/.." && pwd)/Cargo.lock
# Always the same folder: cargo knows packages by their paths, and would keep what it has built for each.
work=$1/fresh
running=
rm -rf "$work"
mkdir "$work"
trap 'kill $running 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work" || true' EXIT
trap 'exit 130' INT TERM

# The program in the n-th block of Rust in the packed README, with our own port.
program() {
    awk -v wanted="$1" '/^```(rust|rs)/ { block++; if (block == wanted) { inside = 1; next } }
        /^```/ { inside = 0 } inside' "$packages"/webrtc-multiplayer-[0-9]*/README.md |
        sed "s/127\.0\.0\.1:9080/127.0.0.1:$port/"
}

# Waits until a file has this in it.
await() {
    for _ in $(seq 300); do
        if grep -q "$2" "$1" 2>/dev/null; then return 0; fi
        sleep 0.2
    done
    echo "error: no $2 in a minute; $1 has:"
    tail -n 20 "$1"
    return 1
}

# Every package that was packed stands in for that of the registry, for whatever is built in the folder.
mkdir "$work/.cargo"
{
    echo '[patch.crates-io]'
    for folder in "$packages"/*/; do
        folder=${folder%/}
        name=${folder##*/}
        echo "${name%-[0-9]*} = { path = \"$folder\" }"
    done
} >"$work/.cargo/config.toml"
cd "$work"

export CARGO_TARGET_DIR="$1" CARGO_TERM_COLOR=never

echo 'the server'
server=$(echo "$packages"/webrtc-multiplayer-server-[0-9]*/)
cargo build --quiet --manifest-path "$server/Cargo.toml"
"$1/debug/signaling-server" --bind 127.0.0.1:0 >"$work/server.txt" 2>&1 &
running="$running $!"
await "$work/server.txt" 'listening on'
port=$(sed -n 's/.*listening on ws:\/\/127\.0\.0\.1:\([0-9]*\).*/\1/p' "$work/server.txt")

echo 'a native program'
cargo new --quiet --vcs none hello
cd hello
echo 'webrtc-multiplayer = "0.1"' >>Cargo.toml
# The versions of all else are those that the repository is tested with.
cp "$lock" .
program 1 >src/main.rs
cargo build --quiet
# It can be built for the browser, too, though it would stop the page there.
CARGO_TARGET_DIR=$WASM_TARGET_DIR $WASM_CARGO build --quiet --release --target wasm32-unknown-unknown
"$CARGO_TARGET_DIR/debug/hello" >"$work/hello.txt" 2>&1 &
running="$running $!"
await "$work/hello.txt" Joined

echo 'a page'
cd "$work"
cargo new --quiet --vcs none --lib page
cd page
cat >>Cargo.toml <<'TOML'
gloo-timers = { version = "0.3", features = ["futures"] }
wasm-bindgen = "0.2"
wasm-bindgen-futures = "0.4"
web-sys = { version = "0.3", features = ["console"] }
webrtc-multiplayer = "0.1"

[lib]
crate-type = ["cdylib"]
TOML
cp "$lock" .
program 2 >src/lib.rs
CARGO_TARGET_DIR=$WASM_TARGET_DIR $WASM_CARGO build --quiet --release --target wasm32-unknown-unknown
$WASM_BINDGEN --target no-modules --no-typescript --out-dir site \
    "$WASM_TARGET_DIR/wasm32-unknown-unknown/release/page.wasm"
# Of a page from a web server `await wasm_bindgen()` is all. One from a file may not fetch, so nothing has to serve it here.
cat >site/index.html <<'HTML'
<!doctype html>
<script src="page.js"></script>
<script>
  const request = new XMLHttpRequest();
  request.open("GET", "page_bg.wasm");
  request.responseType = "arraybuffer";
  request.onload = () => wasm_bindgen({ module_or_path: request.response });
  request.send();
</script>
HTML
"$CHROMIUM" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --disable-background-networking \
    --allow-file-access-from-files --user-data-dir="$work/profile" --enable-logging=stderr "file://$PWD/site/index.html" \
    >"$work/page.txt" 2>&1 &
running="$running $!"
if ! await "$work/hello.txt" PeerConnected || ! await "$work/hello.txt" 'Packet('; then
    tail -n 20 "$work/page.txt"
    exit 1
fi
echo 'they have met'
