#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the parity data of the optimizers and of gradient clipping, computed by PyTorch in float64.

make_optim.py FOLDER writes optim.txt there, in the format of make_ops.py: the first parameters w0 and w1, their
gradients g0.STEP and g1.STEP, and what four steps make of the parameters, y0 and y1."""
import sys
from pathlib import Path

import torch

from make_ops import case

torch.manual_seed(1)
STEPS = 4


def first():
    return [torch.randn(5, 13, dtype=torch.float64), torch.randn(3, dtype=torch.float64)]


def steps(name, make, clip=lambda p: None, skip=(), **attributes):
    values = first()
    parameters = [v.clone().requires_grad_() for v in values]
    optimizer = make(parameters)
    tensors = {f"w{i}": v for i, v in enumerate(values)}
    norms = []
    for step in range(STEPS):
        for i, p in enumerate(parameters):
            g = torch.randn_like(p) * 0.5
            tensors[f"g{i}.{step}"] = g
            p.grad = None if (i, step) in skip else g.clone()
        norm = clip(parameters)
        norms.append(0.0 if norm is None else float(norm))
        optimizer.step()
    tensors |= {f"y{i}": p for i, p in enumerate(parameters)}
    tensors["norms"] = torch.tensor(norms, dtype=torch.float64)
    return case(name, tensors, skip=",".join(f"{i}.{s}" for i, s in skip), **attributes)


def clipping(norm_type, max_norm, scale=1.0):
    parameters = [v.requires_grad_() for v in first()]
    for p in parameters:
        p.grad = torch.randn_like(p) * scale
    tensors = {f"g{i}": p.grad.clone() for i, p in enumerate(parameters)}
    norm = torch.nn.utils.clip_grad_norm_(parameters, max_norm, norm_type)
    tensors |= {f"y{i}": p.grad for i, p in enumerate(parameters)}
    tensors["norm"] = norm
    return case("clip_grad_norm", tensors, norm_type=norm_type, max_norm=max_norm)


def main():
    optim, utils = torch.optim, torch.nn.utils
    text = ""
    text += steps("adamw", lambda p: optim.AdamW(p), lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, decay=1e-2)
    text += steps("adamw", lambda p: optim.AdamW(p, 0.05, (0.8, 0.95), 1e-3, 0.1), skip=((0, 1),),
                  lr=0.05, beta1=0.8, beta2=0.95, eps=1e-3, decay=0.1)
    text += steps("adamw", lambda p: optim.AdamW(p, 0.05), lambda p: utils.clip_grad_norm_(p, 1.5),
                  lr=0.05, beta1=0.9, beta2=0.999, eps=1e-8, decay=1e-2, norm=1.5)
    text += steps("adamw", lambda p: optim.AdamW(p, 0.05), lambda p: utils.clip_grad_value_(p, 0.25),
                  lr=0.05, beta1=0.9, beta2=0.999, eps=1e-8, decay=1e-2, value=0.25)
    for momentum, dampening, decay, nesterov in ((0, 0, 0, 0), (0, 0, 0.1, 0), (0.9, 0, 0.1, 0), (0.9, 0.3, 0, 0), (0.9, 0, 0.1, 1)):
        text += steps("sgd", lambda p: optim.SGD(p, 0.1, momentum, dampening, decay, bool(nesterov)), skip=((1, 0),),
                      lr=0.1, momentum=momentum, dampening=dampening, decay=decay, nesterov=nesterov)
    text += steps("sgd", lambda p: optim.SGD(p, 0.1, 0.9), lambda p: utils.clip_grad_norm_(p, 1.5),
                  lr=0.1, momentum=0.9, dampening=0, decay=0, nesterov=0, norm=1.5)
    for norm_type in (2.0, 1.0, 3.5, float("inf")):
        text += clipping(norm_type, 1.0)
    text += clipping(2.0, 1000.0)
    text += clipping(2.0, 1.0, 0.0)
    Path(sys.argv[1], "optim.txt").write_text(text)


main()
