# shellcheck shell=bash
# Programs of Debian packages for the tests, unpacked below target/test-tools and installed nowhere.
# Read in by tests/run and tests/with-postgres, from the root of the repository.

tools=$PWD/target/test-tools

# Whether this machine has what fetches and unpacks a package.
can_fetch() {
  command -v apt-get >/dev/null && command -v dpkg >/dev/null
}

# Fetches packages into target/test-tools/deb and unpacks those that came.
fetch() {
  local package came=1
  mkdir -p "$tools/deb"
  for package in "$@"; do
    [ -e "$tools/deb/$package.done" ] && continue
    # As root apt warns that it cannot change to its own user; that is no failure.
    if (cd "$tools/deb" && timeout --foreground 600 apt-get download -q "$package" >"$package.log" 2>&1) &&
      dpkg -x "$tools/deb/${package}"_*.deb "$tools"; then
      touch "$tools/deb/$package.done"
    else
      came=0
    fi
  done
  [ "$came" = 1 ]
}

# The folders of an unpacked tree that hold libraries, as the dynamic loader wants them.
library_path() {
  find "$1/usr/lib" "$1/lib" -name '*.so*' -printf '%h\n' 2>/dev/null | sort -u | paste -sd: -
}

# Libraries that programs want and that neither the system nor target/test-tools has.
missing_libraries() {
  LD_LIBRARY_PATH=$(library_path "$tools") ldd "$@" | awk '/not found/ { print $1 }' | sort -u | paste -sd' '
}

# The libraries that packages depend on, by package name. The C library stays the system's: it must fit the loader.
# libllvm is large, and only PostgreSQL's JIT module asks for it, which the tests do not use.
library_packages() {
  apt-cache depends "$@" 2>/dev/null | awk '/^ *[|]?Depends: lib/ && $2 !~ /^lib(c6|llvm)/ { print $2 }' | sort -u
}

# Fetches the libraries that this machine lacks for programs of a package, first what the package asks for, then what
# those ask for. Fails if some cannot be had; missing_libraries names them.
fetch_libraries() {
  local packages=$1
  shift
  for _ in 1 2 3; do
    [ -n "$(missing_libraries "$@")" ] || return 0
    # shellcheck disable=SC2086 # a list of names
    packages=$(library_packages $packages)
    # shellcheck disable=SC2086
    fetch $packages || echo "some libraries cannot be fetched (see target/test-tools/deb)"
  done
  [ -z "$(missing_libraries "$@")" ]
}

# wrap FOLDER TREE PROGRAM...: a small program in FOLDER for each PROGRAM of an unpacked TREE, that starts it with the
# tree's libraries, so that nothing else sees them.
wrap() {
  local folder=$1 tree=$2 program name
  shift 2
  mkdir -p "$folder"
  for program in "$@"; do
    name=${program##*/}
    cat >"$folder/$name" <<WRAP
#!/bin/sh
LD_LIBRARY_PATH='$(library_path "$tree")' exec '$tree/$program' "\$@"
WRAP
    chmod 755 "$folder/$name"
  done
}
