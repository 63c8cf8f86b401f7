#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The work of bench/cnn.cpp in PyTorch: cnn.py THREADS [--compile]. Writes one JSON object: seconds of each round, warm.
`--compile` runs the same network through torch.compile."""
import argparse
import json

import torch
from torch.nn import functional as F

from common import seconds
from network import Cnn

parser = argparse.ArgumentParser()
parser.add_argument("threads", type=int)
parser.add_argument("--compile", action="store_true")
parser.add_argument("--rounds", type=int, default=12)
options = parser.parse_args()
torch.set_num_threads(options.threads)
torch.manual_seed(1)


def main():
    model = Cnn()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    image, label = torch.randn(128, 1, 28, 28), torch.arange(128) % 10
    # One kernel for each batch size: the second size would else make a slower one for all sizes.
    network = torch.compile(model, dynamic=False) if options.compile else model

    def step():
        optimizer.zero_grad()
        F.nll_loss(network(image), label).backward()
        optimizer.step()

    result = {"training_step": seconds(step, options.rounds)}
    model.eval()
    with torch.no_grad():
        for batch, rounds in ((1, 200), (128, options.rounds)):
            x = image[:batch].clone()
            result[f"inference/{batch}"] = seconds(lambda: network(x), rounds)
    print(json.dumps(result))


main()
