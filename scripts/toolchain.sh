# Sourced by the other scripts: where the project is, which compiler, which Node, how many jobs.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
jobs=${JOBS:-$(nproc)}

# The compiler that releases are made with first, then newer clangs, then g++. CXX overrides.
pick_compiler() {
  local candidate
  for candidate in ${CXX:-clang++-16 clang++-17 clang++-18 clang++-19 clang++-20 clang++ g++}; do
    if command -v "$candidate" >/dev/null; then
      echo "$candidate"
      return
    fi
  done
  echo "no C++ compiler found (looked for: ${CXX:-clang++-16 or newer, g++}); run scripts/setup" >&2
  return 1
}

# Node 20 or newer with npm: the folder of both, or nothing. First the system's, then what scripts/setup installed for
# this user (tests/oracles/node_seal/CMakeLists.txt looks in the same places).
installed_node=${XDG_DATA_HOME:-${HOME:-}/.local/share}/blindproof/node
pick_node() {
  local folder version
  for folder in "$(dirname "$(command -v node || echo /nowhere/node)")" "$installed_node/bin"; do
    version=$("$folder/node" --version 2>/dev/null) || continue
    version=${version#v}
    if [ "${version%%.*}" -ge 20 ] && { [ -x "$folder/npm" ] || command -v npm >/dev/null; }; then
      echo "$folder"
      return
    fi
  done
}

# configure PRESET: makes build/PRESET unless it is there; ninja re-runs CMake by itself when its files change.
# BLINDPROOF_CMAKE_ARGS adds arguments, e.g. -DBLINDPROOF_WARNINGS_AS_ERRORS=ON.
configure() {
  local preset=$1
  if [ ! -f "$root/build/$preset/build.ninja" ] || [ -n "${BLINDPROOF_CMAKE_ARGS:-}" ]; then
    local compiler
    compiler=$(pick_compiler)
    # shellcheck disable=SC2086  # a list of arguments
    (cd "$root" && CXX=$compiler cmake --preset "$preset" ${BLINDPROOF_CMAKE_ARGS:-})
  fi
}
