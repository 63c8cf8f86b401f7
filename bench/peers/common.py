# SPDX-License-Identifier: MIT
"""What the scripts beside it share. It imports neither PyTorch nor NumPy: not every script has use for them."""
import gzip
import os
import struct
import time


def seconds(round_, rounds=5, warm=3, least=0.0, calls=1):
    """Seconds of each of `rounds` rounds, after some to warm up; of more until `least` seconds have passed. A round is so
    many calls, its time that of one."""
    for _ in range(warm):
        round_()
    found = []
    end = time.perf_counter() + least
    while len(found) < rounds or time.perf_counter() < end:
        start = time.perf_counter()
        for _ in range(calls):
            round_()
        found.append((time.perf_counter() - start) / calls)
    return found


def calls_in(round_, least):
    """How many calls take `least` seconds, for rounds shorter than the clock can time."""
    (once,) = seconds(round_, rounds=1)
    return max(1, int(least / max(1e-9, once)))


def idx(folder, name):
    """The array of unsigned bytes in a gzipped idx file of Fashion-MNIST."""
    import numpy

    with gzip.open(os.path.join(folder, name)) as file:
        data = file.read()
    rank = data[3]
    shape = struct.unpack(f">{rank}I", data[4 : 4 + 4 * rank])
    return numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * rank).reshape(shape).copy()
