#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The main job, examples/fashion_mnist.cpp, in PyTorch: the same network, AdamW 1e-3, batches of 128, a DataLoader with
two workers that decodes and normalises image by image. Writes one JSON object: seconds of an epoch, test accuracy."""
import argparse
import json
import time

import numpy
import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from common import idx
from network import Cnn

parser = argparse.ArgumentParser()
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--workers", type=int, default=2)
parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist")
parser.add_argument("--limit", type=int, default=60000, help="train on this many images only")
options = parser.parse_args()
torch.set_num_threads(options.threads)
torch.manual_seed(1)


class FashionMNIST(Dataset):
    def __init__(self, part, limit=None):
        self.images = torch.from_numpy(idx(options.data, f"{part}-images-idx3-ubyte.gz")[:limit])
        self.labels = torch.from_numpy(idx(options.data, f"{part}-labels-idx1-ubyte.gz")[:limit].astype(numpy.int64))

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return (self.images[i].float().div(255).sub(0.286).div(0.353).unsqueeze(0), self.labels[i])


def main():
    train = DataLoader(FashionMNIST("train", options.limit), batch_size=128, shuffle=True, num_workers=options.workers)
    test = DataLoader(FashionMNIST("t10k"), batch_size=1000)
    model = Cnn()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    start = time.perf_counter()
    for image, label in train:
        optimizer.zero_grad()
        loss = F.nll_loss(model(image), label)
        loss.backward()
        optimizer.step()
    seconds = time.perf_counter() - start
    model.eval()
    with torch.no_grad():
        right = sum(int((model(image).argmax(1) == label).sum()) for image, label in test)
    print(json.dumps({"epoch": [seconds], "accuracy": right / len(test.dataset), "images": len(train.dataset)}))


main()
