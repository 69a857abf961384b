"""PyTorch's training step of the d-500-500-2000-10 autoencoder, timed on request.

Reads lines `STEPS` from standard input; answers each with the seconds that STEPS steps took.
usage: python3 torch_step.py INPUTS BATCH THREADS
"""
import sys
import time

import torch
from torch import nn

inputs, batch, threads = map(int, sys.argv[1:4])
torch.set_num_threads(threads)
torch.manual_seed(0)
sizes = [inputs, 500, 500, 2000, 10, 2000, 500, 500, inputs]
layers = []
for i, (a, b) in enumerate(zip(sizes, sizes[1:])):
    layers.append(nn.Linear(a, b))
    if i not in (3, len(sizes) - 2):
        layers.append(nn.ReLU())
model = nn.Sequential(*layers)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
data = torch.rand(4096, inputs)
print(f"torch {torch.__version__}", flush=True)
row = 0
for line in sys.stdin:
    started = time.perf_counter()
    for _ in range(int(line)):
        x = data[row:row + batch]
        row = (row + batch) % 4096
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), x)
        loss.backward()
        optimizer.step()
    print(time.perf_counter() - started, flush=True)
