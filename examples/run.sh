#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what is missing, builds the main example and trains: a convolutional network learns Fashion-MNIST.
# Every option goes to the example (--help lists them). Where --device names a GPU, the example is built with nvcc, which
# must be there; it is never the CPU instead.
set -euo pipefail
here=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. cmake/setup.sh

preset=release
if [[ " $* " =~ " --de"[a-z]*[=\ ]cuda ]]; then  # --device cuda, --device=cuda:1
  preset=cuda
  choose_nvcc "--device cuda"
fi

install_packages
build "$preset" fashion_mnist
program=$PWD/build/$preset/examples/fashion_mnist
cd "$here"  # files are read and written where the user stands
say "Training: fashion_mnist $*"
exec "$program" "$@"
