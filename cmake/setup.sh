# SPDX-License-Identifier: MIT
# Read by examples/run.sh and tests/run.sh: what a machine needs, and how it gets it. Debian 12 and Ubuntu 22.04, or newer.

wick_packages=(cmake ninja-build python3 libxsimd-dev doctest-dev libbenchmark-dev zlib1g-dev libstb-dev
               nlohmann-json3-dev)
wick_optional_packages=(dataset-fashion-mnist libthrust-dev)  # the images of the main example; tests of the GPU's kernels
wick_least_gcc=12
wick_least_cuda=13

say() { printf '==> %s\n' "$*"; }
stop() { printf '%s\n' "$*" >&2; exit 1; }

installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# True when $1 is a compiler new enough for Wick: g++ 12, or any clang that the user asked for by CXX.
compiler_fits() {
  command -v "$1" >/dev/null || return 1
  if "$1" --version | grep -q clang; then return 0; fi
  local version
  version=$("$1" -dumpversion)
  [ "${version%%.*}" -ge "$wick_least_gcc" ] 2>/dev/null
}

# Exports CXX; false when there is no compiler that fits. A compiler that the user chose is never replaced.
choose_compiler() {
  local candidate
  if [ -n "${CXX:-}" ]; then
    compiler_fits "$CXX" || stop "CXX is $CXX, which is not g++ $wick_least_gcc or newer (or clang): unset CXX or name another."
    return 0
  fi
  for candidate in g++ g++-16 g++-15 g++-14 g++-13 g++-12; do
    if compiler_fits "$candidate"; then
      export CXX=$candidate
      return 0
    fi
  done
  return 1
}

# Exports CUDACXX, the nvcc that $1 needs; without one the script ends, with a sentence.
choose_nvcc() {
  local release
  if [ -n "${CUDACXX:-}" ]; then
    command -v "$CUDACXX" >/dev/null || stop "$1 needs nvcc, and CUDACXX is $CUDACXX, which is not there: unset it or name another."
  else
    CUDACXX=$(command -v nvcc || command -v "${CUDA_HOME:-/usr/local/cuda}/bin/nvcc") ||
      stop "$1 needs nvcc, which was not found: install the CUDA toolkit $wick_least_cuda or newer and put nvcc on the PATH, or set CUDACXX."
    export CUDACXX
  fi
  release=$("$CUDACXX" --version | sed -n 's/.*release \([0-9]*\)\..*/\1/p')
  [ "${release:-0}" -ge "$wick_least_cuda" ] ||
    stop "$1 needs the CUDA toolkit $wick_least_cuda or newer; $CUDACXX is of ${release:-an unknown release}."
}

# The architecture of the first GPU here as CMake names it (90); nothing without a GPU.
gpu_architecture() {
  { nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null || true; } | sed -n '1s/^\([0-9]*\)\.\([0-9]*\)$/\1\2/p'
}

# The list for a machine on which nothing is installed for the user.
needs() {
  cat >&2 <<END
This system is not Debian 12, Ubuntu 22.04 or newer, so nothing is installed for you. Wick's tests and examples need:
  g++ $wick_least_gcc or newer, cmake 3.22 or newer, ninja, python3,
  xsimd 8.1 or newer, doctest, Google Benchmark, zlib, stb, nlohmann-json (headers and libraries),
  and for the main example the four files of Fashion-MNIST.
On Debian these are: g++ ${wick_packages[*]} ${wick_optional_packages[*]}
When they are there, run again with WICK_SKIP_INSTALL=1.
END
  exit 1
}

# Installs what is missing. Touches neither the network nor sudo when nothing is.
install_packages() {
  local id='' like='' version='' missing=() optional=() package as_root=()
  choose_compiler || missing+=(g++)
  if [ -n "${WICK_SKIP_INSTALL:-}" ]; then
    [ ${#missing[@]} -eq 0 ] || stop "No C++ compiler was found that Wick can use: it needs g++ $wick_least_gcc or newer."
    return 0
  fi
  if [ -r /etc/os-release ]; then
    id=$(. /etc/os-release && echo "${ID:-}")
    like=$(. /etc/os-release && echo "${ID_LIKE:-}")
    version=$(. /etc/os-release && echo "${VERSION_ID:-}")
  fi
  command -v apt-get >/dev/null && command -v dpkg-query >/dev/null || needs
  case "$id:${version%%.*}" in
    debian:[1-9]|debian:1[01]) needs ;;
    ubuntu:1[0-9]|ubuntu:2[01]) needs ;;
    debian:*) ;;
    ubuntu:2[23])  # an older g++ is the default, and an older xsimd, so that one is fetched by CMake
      [ ${#missing[@]} -eq 0 ] || missing=(g++-12)
      wick_packages+=(git ca-certificates) ;;
    ubuntu:*) ;;
    *) case " $like " in *" debian "*|*" ubuntu "*) ;; *) needs ;; esac ;;
  esac

  for package in "${wick_packages[@]}"; do installed "$package" || missing+=("$package"); done
  for package in "${wick_optional_packages[@]}"; do installed "$package" || optional+=("$package"); done
  [ ${#missing[@]} -gt 0 ] || [ ${#optional[@]} -gt 0 ] || return 0

  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      say "There is no sudo here; as root, run: apt-get install ${missing[*]} ${optional[*]}"
      [ ${#missing[@]} -eq 0 ] || stop "Not installed: ${missing[*]}"
      return 0
    fi
    as_root=(sudo)
  fi
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -o DPkg::Lock::Timeout=300)
  if [ ${#missing[@]} -gt 0 ]; then
    say "Installing ${missing[*]}"
    "${apt[@]}" update -qq </dev/null || say "The package lists could not be refreshed; going on with the ones that are here"
    "${apt[@]}" install -y -qq --no-install-recommends "${missing[@]}" </dev/null ||
      stop "Could not install ${missing[*]}. Is there a network? By hand: apt-get install ${missing[*]}"
    choose_compiler || stop "The C++ compiler of this system is too old: Wick needs g++ $wick_least_gcc or newer."
  fi
  for package in "${optional[@]}"; do
    if apt-cache show "$package" >/dev/null 2>&1; then
      say "Installing $package"
      "${apt[@]}" install -y -qq --no-install-recommends "$package" </dev/null && continue
    fi
    say "Without $package (this system's package list lacks it, or the download failed): what reads it will say so"
  done
}

# As many compilers at once as there are cores, and 1.5 GB of free memory for each.
parallel_jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable/ {print int($2 / 1500000)}' /proc/meminfo)
  [ "$memory" -ge 1 ] || memory=1
  echo $((cores < memory ? cores : memory))
}

# build PRESET [TARGET...]: configures and builds, in the repository's folder.
build() {
  local preset=$1 log=build/$1/configure.log targets=() options=() architecture
  shift
  [ $# -eq 0 ] || targets=(--target "$@")
  if [ "$preset" = cuda ]; then
    architecture=$(gpu_architecture)
    [ -z "$architecture" ] || options=("-DCMAKE_CUDA_ARCHITECTURES=$architecture")
  fi
  say "Configuring build/$preset"
  mkdir -p "build/$preset"
  cmake --preset "$preset" "${options[@]}" </dev/null >"$log" 2>&1 || { cat "$log" >&2; stop "Configuring failed; the messages above say why."; }
  say "Building ${*:-everything} in build/$preset"
  cmake --build "build/$preset" -j "$(parallel_jobs)" "${targets[@]}" </dev/null || stop "Building failed; the messages above say where."
}
