#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The work of bench/conv.cpp in PyTorch: conv.py THREADS. Writes one JSON object: seconds of each round, warm."""
import argparse
import json

import torch

from common import seconds

parser = argparse.ArgumentParser()
parser.add_argument("threads", type=int)
parser.add_argument("--batches", default="1,16")
parser.add_argument("--seconds", type=float, default=0.1, help="at least so long for each work")
options = parser.parse_args()
torch.set_num_threads(options.threads)
torch.manual_seed(1)

# input channels, extent, output channels, kernel, stride
resnet50 = [
    (3, 224, 64, 7, 2), (64, 56, 64, 1, 1), (64, 56, 64, 3, 1), (64, 56, 256, 1, 1), (256, 56, 64, 1, 1),
    (256, 56, 128, 1, 1), (128, 56, 128, 3, 2), (128, 28, 512, 1, 1), (256, 56, 512, 1, 2), (512, 28, 128, 1, 1),
    (128, 28, 128, 3, 1), (512, 28, 256, 1, 1), (256, 28, 256, 3, 2), (256, 14, 1024, 1, 1), (512, 28, 1024, 1, 2),
    (1024, 14, 256, 1, 1), (256, 14, 256, 3, 1), (1024, 14, 512, 1, 1), (512, 14, 512, 3, 2), (512, 7, 2048, 1, 1),
    (1024, 14, 2048, 1, 2), (2048, 7, 512, 1, 1), (512, 7, 512, 3, 1),
]
depthwise = [(32, 112, 32, 3, 1), (96, 112, 96, 3, 2), (144, 56, 144, 3, 1), (384, 14, 384, 3, 1), (576, 14, 576, 3, 2),
             (960, 7, 960, 3, 1)]
example = [(1, 28, 32, 3, 1), (32, 26, 64, 3, 1)]


def measure(result, layer, batch, pad, groups=1):
    channels, extent, out, kernel, stride = layer
    args = f"{'d' if groups > 1 else 'c'}{channels}_{extent}x{extent}_o{out}_k{kernel}_s{stride}_n{batch}"
    x, w = torch.randn(batch, channels, extent, extent), torch.randn(out, channels // groups, kernel, kernel)
    forward = lambda: torch.nn.functional.conv2d(x, w, stride=stride, padding=pad, groups=groups)  # noqa: E731
    gy = torch.randn_like(forward())
    result["forward/" + args] = seconds(forward, warm=2, least=options.seconds)
    for name, mask in (("input_gradient", [True, False, False]), ("weight_gradient", [False, True, False]),
                       ("both_gradients", [True, True, False])):
        result[f"{name}/{args}"] = seconds(lambda: torch.ops.aten.convolution_backward(
            gy, x, w, None, [stride] * 2, [pad] * 2, [1, 1], False, [0, 0], groups, mask), warm=2, least=options.seconds)


result = {}
with torch.no_grad():
    batches = [int(n) for n in options.batches.split(",")]
    for batch in batches:
        for layer in resnet50:
            measure(result, layer, batch, layer[3] // 2)
        for layer in depthwise:
            measure(result, layer, batch, layer[3] // 2, layer[0])
    for layer in example:
        measure(result, layer, 128, 0)
print(json.dumps(result))
