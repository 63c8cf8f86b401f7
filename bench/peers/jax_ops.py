#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The work of bench/fused.cpp and bench/rows.cpp under JAX's jit: jax_ops.py THREADS. Writes one JSON object: seconds
of each round, warm. XLA sizes its threads by the cores it may run on, so the process pins itself to as many."""
import argparse
import json
import os

from common import seconds

parser = argparse.ArgumentParser()
parser.add_argument("threads", type=int)
parser.add_argument("--rounds", type=int, default=15)
options = parser.parse_args()
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
os.environ["JAX_PLATFORMS"] = "cpu"
if options.threads == 1:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import jax  # noqa: E402  (the environment decides its threads)
import jax.numpy as jnp  # noqa: E402

n = 1 << 22


def chain(x, w, b):
    return jnp.tanh(x * w + b) * jax.nn.sigmoid(x) + jnp.exp(w * b)


def layer_norm(x, weight, bias):
    centred = x - x.mean(-1, keepdims=True)
    return centred / jnp.sqrt((centred * centred).mean(-1, keepdims=True) + 1e-5) * weight + bias


def timed(round_):
    return seconds(lambda: jax.block_until_ready(round_()), options.rounds)


def main():
    keys = jax.random.split(jax.random.key(1), 6)
    x, w, b = (jax.random.normal(k, (n,), jnp.float32) for k in keys[:3])
    rows = jax.random.normal(keys[3], (4096, 1024), jnp.float32)
    weight, bias = (jax.random.normal(k, (1024,), jnp.float32) for k in keys[4:])
    forward = jax.jit(chain)
    backward = jax.jit(jax.value_and_grad(lambda x, w, b: chain(x, w, b).sum(), argnums=(0, 1, 2)))
    softmax, norm = jax.jit(lambda r: jax.nn.softmax(r, -1)), jax.jit(layer_norm)
    multiply_add = jax.jit(lambda x, w, b: x * w + b)
    print(json.dumps({
        "chain_forward": timed(lambda: forward(x, w, b)),
        "chain_backward": timed(lambda: backward(x, w, b)),
        "multiply_add": timed(lambda: multiply_add(x, w, b)),
        "softmax": timed(lambda: softmax(rows)),
        "layer_norm": timed(lambda: norm(rows, weight, bias)),
    }))


main()
