#!/bin/sh
# The target wasm32-unknown-unknown on Debian, where no other registry can be reached: std, built from the sources in Debian's
# packages, and a cargo that uses it. `cargo ci setup` calls it with CI_WASM=debian, and where there is no rustup.
#
#   wasm-sysroot.sh packages      prints the packages that lack
#   wasm-sysroot.sh make PLACE    makes it in PLACE, which appears as a whole; whoever comes second waits and makes nothing
#   wasm-sysroot.sh stamp PLACE   prints what the one in PLACE was made of, if that is the compiler that is installed now
set -eu

target=wasm32-unknown-unknown
rustlib=/usr/lib/rustlib
linker=/usr/bin/rust-lld

packages() {
    # rustc and cargo of the kind that Debian keeps new enough for browsers.
    if ! [ -x /usr/bin/cargo ] || ! [ -e $rustlib/src/rust/library/std/Cargo.toml ] || ! { [ -L $linker ] || [ -e $linker ]; }; then
        echo rustc-web cargo-web rust-web-src rust-web-llvm
    elif ! [ -e $linker ]; then
        # The name that rustc calls is a link to a program of another package, which none of them depends on.
        basename "$(readlink $linker)"
    fi
}

make() {
    place=$1 folder=$1.part
    mkdir -p "$(dirname "$place")"
    exec 9>"$place.lock"
    flock 9
    ! stamp "$place" >/dev/null 2>&1 || return 0
    # What an ended process left half done.
    rm -rf "$folder"
    build=$folder/build
    mkdir -p "$build/src" "$folder/bin" "$folder/lib/rustlib/$target/lib"

    # A crate that needs nothing, so that what is built is std alone, and `test`, which the tests in browsers need.
    printf '[package]\nname = "dummy"\nedition = "2024"\n\n[workspace]\n' >"$build/Cargo.toml"
    echo '#![no_std]' >"$build/src/lib.rs"
    # `-Z` is for a nightly compiler or one that is told not to mind. Without bitcode a later build with link-time optimisation
    # fails.
    RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Cembed-bitcode=yes CARGO_TERM_COLOR=never \
        CARGO_TARGET_DIR=$build/target /usr/bin/cargo build --release --target $target \
        -Zbuild-std=std,panic_abort,panic_unwind,proc_macro,test --manifest-path "$build/Cargo.toml"
    for library in "$build/target/$target/release/deps"/*.rlib; do
        case $library in
        */libdummy-*) ;;
        *) cp "$library" "$folder/lib/rustlib/$target/lib/" ;;
        esac
    done

    # Build scripts and procedural macros are built for the host, with the libraries that came with the compiler.
    host=$(/usr/bin/rustc -vV | sed -n 's/^host: //p')
    ln -s "$rustlib/$host" "$folder/lib/rustlib/$host"
    ln -s $rustlib/src "$folder/lib/rustlib/src"

    # Programs that use it without being told.
    for program in rustc rustdoc; do
        printf '#!/bin/sh\nexec /usr/bin/%s --sysroot '\''%s'\'' "$@"\n' $program "$place" >"$folder/bin/$program"
    done
    printf '#!/bin/sh\nRUSTC='\''%s/bin/rustc'\'' RUSTDOC='\''%s/bin/rustdoc'\'' exec /usr/bin/cargo "$@"\n' \
        "$place" "$place" >"$folder/bin/cargo"
    chmod +x "$folder"/bin/*
    rm -r "$build"

    # Last, because it says that all is there. The moment tells two builds of one compiler's std apart: crates compiled against
    # the first are of no use with the second.
    { /usr/bin/rustc -Vv && echo "made: $(date +%s%N)"; } >"$folder/stamp"
    rm -rf "$place"
    mv "$folder" "$place"
}

stamp() {
    [ "$(sed '$d' "$1/stamp")" = "$(/usr/bin/rustc -Vv)" ] && cat "$1/stamp"
}

case "${1-}" in
packages) packages ;;
make) make "$2" ;;
stamp) stamp "$2" ;;
*)
    echo "usage: wasm-sysroot.sh packages | make PLACE | stamp PLACE" >&2
    exit 2
    ;;
esac
