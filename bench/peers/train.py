#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The work of bench/train.cpp in PyTorch and torchvision: train.py THREADS [--work optimizer|loader]. Writes one JSON
object: seconds of each round, warm; of `loader/W`, of an epoch over 10,000 images with W workers."""
import argparse
import json

import torch
from torch.utils.data import DataLoader, Dataset

from common import idx, seconds

parser = argparse.ArgumentParser()
parser.add_argument("threads", type=int)
parser.add_argument("--work", choices=("optimizer", "loader"))
parser.add_argument("--rounds", type=int, default=15)
parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist")
options = parser.parse_args()
torch.set_num_threads(options.threads)
torch.manual_seed(1)


class FashionMNIST(Dataset):
    """The test images, each through torchvision's transforms when it is read."""

    def __init__(self, transform):
        self.images, self.labels = (idx(options.data, f"t10k-{part}-ubyte.gz") for part in ("images-idx3", "labels-idx1"))
        self.transform = transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.transform(self.images[i]), int(self.labels[i])


def optimizer_work(result):
    parameters = [torch.randn(250, 200).requires_grad_() for _ in range(200)]

    def fill():
        for p in parameters:
            p.grad = torch.randn_like(p) * 1e-3

    fill()
    for name, make in (
        ("adamw", lambda: torch.optim.AdamW(parameters, fused=True)),
        ("sgd_momentum", lambda: torch.optim.SGD(parameters, lr=1e-3, momentum=0.9, fused=True)),
    ):
        optimizer = make()
        result[name] = seconds(optimizer.step, options.rounds)
    optimizer = torch.optim.AdamW(parameters, fused=True)

    def clipped():
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()

    result["clip_adamw"] = seconds(clipped, options.rounds)


def loader_work(result):
    from torchvision import transforms

    images = FashionMNIST(transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.286,), (0.353,))]))
    for workers in (0, 2):
        loader = DataLoader(images, batch_size=128, shuffle=True, num_workers=workers)

        def epoch():
            for _ in loader:
                pass

        result[f"loader/{workers}"] = seconds(epoch, 4, warm=1)


def main():
    result = {}
    if options.work != "loader":
        optimizer_work(result)
    if options.work != "optimizer":
        loader_work(result)
    print(json.dumps(result))


main()
