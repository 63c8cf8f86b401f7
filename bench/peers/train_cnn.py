#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The main job, examples/fashion_mnist.cpp, in PyTorch: the same network, AdamW 1e-3, batches of 128, a DataLoader with
two workers that decodes and normalises image by image. Writes one JSON object: seconds of an epoch, test accuracy."""
import argparse
import gzip
import json
import os
import struct
import time

import numpy
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

parser = argparse.ArgumentParser()
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--workers", type=int, default=2)
parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist")
parser.add_argument("--limit", type=int, default=60000, help="train on this many images only")
options = parser.parse_args()
torch.set_num_threads(options.threads)
torch.manual_seed(1)


def idx(name):
    """The array in a gzipped idx file of unsigned bytes."""
    with gzip.open(os.path.join(options.data, name)) as file:
        data = file.read()
    rank = data[3]
    shape = struct.unpack(f">{rank}I", data[4 : 4 + 4 * rank])
    return numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * rank).reshape(shape)


class FashionMNIST(Dataset):
    def __init__(self, part, limit=None):
        self.images = torch.from_numpy(idx(f"{part}-images-idx3-ubyte.gz")[:limit].copy())
        self.labels = torch.from_numpy(idx(f"{part}-labels-idx1-ubyte.gz")[:limit].astype(numpy.int64))

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return (self.images[i].float().div(255).sub(0.286).div(0.353).unsqueeze(0), self.labels[i])


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
