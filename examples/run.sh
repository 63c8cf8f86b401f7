#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what is missing, builds the main example and trains: a convolutional network learns Fashion-MNIST.
# Every option goes to the example (--help lists them).
set -euo pipefail
here=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. cmake/setup.sh

install_packages
build release fashion_mnist
program=$PWD/build/release/examples/fashion_mnist
cd "$here"  # files are read and written where the user stands
say "Training: fashion_mnist $*"
exec "$program" "$@"
