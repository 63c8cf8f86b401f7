#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The work of bench/cnn.cpp in PyTorch: cnn.py THREADS [--compile]. Writes one JSON object: seconds of each round, warm.
`--compile` runs the same network through torch.compile."""
import argparse
import json
import time

import torch
from torch import nn
from torch.nn import functional as F

parser = argparse.ArgumentParser()
parser.add_argument("threads", type=int)
parser.add_argument("--compile", action="store_true")
parser.add_argument("--rounds", type=int, default=12)
options = parser.parse_args()
torch.set_num_threads(options.threads)
torch.manual_seed(1)


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3)
        self.drop1, self.drop2 = nn.Dropout(0.25), nn.Dropout(0.5)
        self.fc1, self.fc2 = nn.Linear(9216, 128), nn.Linear(128, 10)

    def forward(self, x):
        x = self.drop1(F.max_pool2d(F.relu(self.conv2(F.relu(self.conv1(x)))), 2))
        x = self.drop2(F.relu(self.fc1(torch.flatten(x, 1))))
        return F.log_softmax(self.fc2(x), 1)


def seconds(round_, rounds, warm=3):
    for _ in range(warm):
        round_()
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        round_()
        found.append(time.perf_counter() - start)
    return found


def main():
    model = Cnn()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    image, label = torch.randn(128, 1, 28, 28), torch.arange(128) % 10
    network = torch.compile(model) if options.compile else model

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
