#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what is missing, builds everything and runs every test.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. cmake/setup.sh

usage() {
  cat <<'END'
usage: bash tests/run.sh [--preset NAME] [--only FOLDER]

Installs what is missing (Debian 12 and Ubuntu 22.04, or newer; with sudo when not root), builds everything in
build/NAME and runs every test. The last line is "N passed, N failed"; the exit status is 0 when nothing failed.

  --preset NAME   release (default), debug, asan, tsan, clang, cuda: see CMakePresets.json. cuda needs nvcc, and
                  compiles every test by it as well, which takes long; what needs a GPU says so where there is none.
  --only FOLDER   only the test cases of tests/FOLDER (autograd, ops, ...): nothing is installed, and nothing else is built
  --help          this text

CXX=... chooses the compiler. WICK_SKIP_INSTALL=1 installs nothing.
END
}

preset=release
only=
while [ $# -gt 0 ]; do
  case $1 in
    --help|-h) usage; exit 0 ;;
    --preset)
      [ $# -ge 2 ] || stop "--preset needs a name; bash tests/run.sh --help lists them."
      preset=$2; shift 2 ;;
    --only)
      [ $# -ge 2 ] || stop "--only needs a folder; bash tests/run.sh --help explains it."
      only=${2%/}; only=${only#tests/}; shift 2
      compgen -G "tests/$only/*_test.cpp" >/dev/null || stop "--only: there are no test cases in tests/$only." ;;
    *) stop "Unknown option '$1'; bash tests/run.sh --help lists them all." ;;
  esac
done
case $preset in
  release|debug|asan|tsan|clang|cuda) ;;
  *) stop "Unknown preset '$preset'; bash tests/run.sh --help lists them." ;;
esac

[ "$preset" != cuda ] || choose_nvcc "--preset cuda"
if [ -n "$only" ]; then
  choose_compiler || stop "No C++ compiler was found that Wick can use: it needs g++ $wick_least_gcc or newer."
  build "$preset" "wick_only_$only"
  exec "build/$preset/tests/wick_only_$only"
fi
install_packages
build "$preset"
say "Testing"
report=$PWD/build/$preset/tests.xml
rm -f "$report"
# The report keeps the whole output: the number of test cases stands at its end.
ctest_status=0
ctest --preset "$preset" -j2 --no-tests=error --output-junit "$report" \
  --test-output-size-passed 100000000 --test-output-size-failed 100000000 </dev/null || ctest_status=$?
python3 tests/count_results.py "$report" || exit 1
exit "$ctest_status"
