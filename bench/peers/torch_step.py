"""PyTorch's training steps at batch 256, timed on request: of the d-500-500-2000-10 autoencoder, and of
DEPICT's convolutional one.

Prints a line with its version, then answers each line `STEPS` of standard input with a line
`SECONDS LOSS`: the time of that many steps and their mean loss.
usage: python3 torch_step.py STEP --inputs D [--threads N] [--mode MODE] [--tf32]
"""
import argparse
import inspect
import math
import sys
import time

import torch
from torch import nn

BATCH = 256
ROWS = 4096
HIDDEN = [500, 500, 2000]
LATENT = 10
CLUSTERS = 10
LAMBDA = 0.5
THRESHOLDS = 0.1, 0.0


def supported(optimizer, **options):
    """Those options that this version's optimiser has."""
    known = inspect.signature(optimizer).parameters
    return {name: value for name, value in options.items() if name in known}


def constant(network, x):
    """network(x), whose gradient flows to x alone."""
    for layer in network:
        if isinstance(layer, nn.Linear):
            x = nn.functional.linear(x, layer.weight.detach(), layer.bias.detach())
        else:
            x = layer(x)
    return x


def perceptron(sizes):
    """ReLU between the layers, none after the last; weights U(±1/√fan_in), biases 0."""
    layers = []
    for i, (fan_in, units) in enumerate(zip(sizes, sizes[1:])):
        layers.append(nn.Linear(fan_in, units))
        nn.init.zeros_(layers[-1].bias)
        if i < len(sizes) - 2:
            layers.append(nn.ReLU())
    return nn.Sequential(*layers)


class Autoencoder(nn.Module):
    """A step of the plain autoencoder: Adam on the mean squared error."""

    shuffled = True
    # Whether the gradient of each loss reaches its own parameters alone.
    separate = False

    def __init__(self, inputs):
        super().__init__()
        self.inputs = inputs
        self.encoder = perceptron([inputs, *HIDDEN, LATENT])
        self.decoder = perceptron([LATENT, *reversed(HIDDEN), inputs])

    def groups(self):
        """What each loss trains."""
        return [[*self.encoder.parameters(), *self.decoder.parameters()]]

    def optimizer(self, parameters, **options):
        return torch.optim.Adam(parameters, lr=1e-4, **supported(torch.optim.Adam, **options))

    def draws(self, x):
        """Random coefficients of a step."""
        return ()

    def losses(self, x):
        """One scalar for each group of parameters."""
        return [nn.functional.mse_loss(self.decoder(self.encoder(x)), x)]


class Pretraining(Autoencoder):
    """A step of DynAE's pre-training without augmentation: interpolation and a trained critic."""

    def __init__(self, inputs):
        super().__init__(inputs)
        self.critic = perceptron([inputs, *HIDDEN, LATENT])

    def groups(self):
        return [*super().groups(), [*self.critic.parameters()]]

    def draws(self, x):
        return 0.5 * torch.rand(len(x), 1, device=x.device), torch.rand(len(x), 1, device=x.device)

    def losses(self, x, alpha, gamma):
        z = self.encoder(x)
        reconstructed = self.decoder(z)
        image = self.decoder(alpha * z + (1 - alpha) * z.flip(0))
        judged = self.critic(image.detach() if self.separate else image).mean(1)
        passing = constant(self.critic, image).mean(1) if self.separate else judged
        mixture = gamma * x + (1 - gamma) * reconstructed.detach()
        mixed = self.critic(mixture).mean(1)
        reconstruction = nn.functional.mse_loss(reconstructed, x)
        return [
            reconstruction + LAMBDA * passing.square().mean(),
            (judged - alpha.squeeze(1)).square().mean() + mixed.square().mean(),
        ]


class Clustering(Autoencoder):
    """A step of DynAE's clustering without augmentation: momentum descent on dynamic targets."""

    shuffled = False

    def __init__(self, inputs):
        super().__init__(inputs)
        self.gamma = inputs / LATENT
        self.register_buffer("centroids", 2 * torch.rand(CLUSTERS, LATENT) - 1)
        self.register_buffer("images", torch.rand(CLUSTERS, inputs))

    def optimizer(self, parameters, **options):
        options = supported(torch.optim.SGD, **options)
        return torch.optim.SGD(parameters, lr=1e-3, momentum=0.9, **options)

    def losses(self, x):
        z = self.encoder(x)
        with torch.no_grad():
            squared = (z[:, None, :] - self.centroids).square().sum(2)
            q = 1 / (1 + squared)
            (first, second), (label, _) = (part.unbind(1) for part in
                                           (q / q.sum(1, keepdim=True)).topk(2, dim=1))
            confident = ((first > THRESHOLDS[0]) & (first - second > THRESHOLDS[1]))[:, None]
            code = torch.where(confident, self.centroids[label], z)
            image = torch.where(confident, self.images[label], x)
        return [
            nn.functional.mse_loss(z, code) +
            self.gamma * nn.functional.mse_loss(self.decoder(z), image)
        ]


CHANNELS = 50
DROPOUT = 0.1
HIDDEN_WEIGHT = 0.1


def halve(side):
    """Kernel, padding and side after a convolution of stride 2 that leaves no pixel out."""
    even = side % 2 == 0
    kernel = 4 if even else 5
    padding = (1 if side < kernel else 0) if even else 2
    return kernel, padding, (side + 2 * padding - kernel) // 2 + 1


class Depict(Autoencoder):
    """A step of DEPICT's pre-training: a clean and a noisy path through two convolutions."""

    def __init__(self, inputs):
        nn.Module.__init__(self)
        self.inputs = inputs
        self.side = math.isqrt(inputs)
        if self.side**2 != inputs:
            sys.exit(f"DEPICT's step needs square images, and {inputs} columns are none")
        kernel1, padding1, self.side1 = halve(self.side)
        kernel2, padding2, self.side2 = halve(self.side1)
        units = CHANNELS * self.side2**2

        def transposed(outputs, kernel, padding, before, after):
            added = after - (2 * (before - 1) - 2 * padding + kernel)
            return nn.ConvTranspose2d(CHANNELS, outputs, kernel, 2, padding, added)

        self.encoder = nn.ModuleList([
            nn.Conv2d(1, CHANNELS, kernel1, 2, padding1),
            nn.Conv2d(CHANNELS, CHANNELS, kernel2, 2, padding2),
            nn.Linear(units, LATENT),
        ])
        self.decoder = nn.ModuleList([
            nn.Linear(LATENT, units),
            transposed(CHANNELS, kernel2, padding2, self.side2, self.side1),
            transposed(1, kernel1, padding1, self.side1, self.side),
        ])
        for layer in [*self.encoder, *self.decoder]:
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def activations(self, x, drop):
        """Both hidden layers."""
        h1 = nn.functional.leaky_relu(self.encoder[0](drop(x)), 0.01)
        return h1, nn.functional.leaky_relu(self.encoder[1](drop(h1)), 0.01)

    def losses(self, x):
        images = (2 * x - 1).view(-1, 1, self.side, self.side)
        h1, h2 = self.activations(images, lambda x: x)
        _, noisy = self.activations(images, lambda x: nn.functional.dropout(x, DROPOUT))
        z = torch.tanh(self.encoder[2](noisy.flatten(1)))
        d2 = nn.functional.leaky_relu(self.decoder[0](z), 0.01).view_as(h2)
        d1 = nn.functional.leaky_relu(self.decoder[1](d2), 0.01)
        decoded = torch.tanh(self.decoder[2](d1))
        layers = nn.functional.mse_loss(d1, h1) + nn.functional.mse_loss(d2, h2)
        return [nn.functional.mse_loss(decoded, images) + HIDDEN_WEIGHT * layers]


class Vade(Autoencoder):
    """A step of VaDE's clustering: network and mixture on the evidence lower bound."""

    def __init__(self, inputs):
        super().__init__(inputs)
        self.head = nn.Linear(HIDDEN[-1], LATENT)
        nn.init.xavier_uniform_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.logits = nn.Parameter(torch.zeros(CLUSTERS))
        self.centroids = nn.Parameter(2 * torch.rand(CLUSTERS, LATENT) - 1)
        self.log_variances = nn.Parameter(torch.zeros(CLUSTERS, LATENT))

    def groups(self):
        return [[*self.parameters()]]

    def draws(self, x):
        return (torch.randn(len(x), LATENT, device=x.device),)

    def losses(self, x, noise):
        features = self.encoder[:-1](x)
        mean = self.encoder[-1](features)
        log_variance = 10 * torch.tanh(self.head(features) / 10)
        z = mean + (0.5 * log_variance).exp() * noise
        reconstruction = nn.functional.binary_cross_entropy_with_logits(
            self.decoder(z), x, reduction="sum")
        variances = self.log_variances.clamp(max=20).exp() + 1e-4
        spread = variances.log().sum(1)
        weights = nn.functional.log_softmax(self.logits, 0)

        def distances(codes):
            return ((codes[:, None, :] - self.centroids).square() / variances).sum(2)

        gamma = nn.functional.log_softmax(weights - 0.5 * (distances(z) + spread), 1)
        expected = distances(mean) + log_variance.exp() @ variances.reciprocal().t()
        costs = 0.5 * (expected + spread) - weights
        clusters = (gamma.exp() * (costs + gamma)).sum()
        entropy = 0.5 * (1 + log_variance).sum()
        return [(reconstruction + clusters - entropy) / len(x)]


STEPS = {
    "ae": Autoencoder,
    "pretraining": Pretraining,
    "clustering": Clustering,
    "depict": Depict,
    "vade": Vade,
}


class Training:
    """Batches, gradients and updates of a model on a device."""

    def __init__(self, model, device, mode):
        self.model = model.to(device)
        self.mode = mode
        self.data = torch.rand(ROWS, model.inputs, device=device)
        self.total = torch.zeros((), device=device)
        self.losses = model.losses
        if mode == "compile":
            # A compiled backward pass computes all gradients: one pass must serve both losses.
            model.separate = True
            self.losses = torch.compile(model.losses)
        options = {}
        if device == "cuda" and mode != "eager":
            options["fused"] = True
        if mode == "graph":
            options["capturable"] = True
        self.optimizers = [model.optimizer(group, **options) for group in model.groups()]
        self.order = None
        self.batch = 0
        self.graph = None
        if mode == "graph":
            self.capture(device)

    def next_rows(self):
        """Row numbers of the next batch: a new permutation each epoch, or the rows in order."""
        if self.batch == 0:
            device = self.data.device
            rows = torch.randperm(ROWS, device=device) if self.model.shuffled else torch.arange(
                ROWS, device=device)
            self.order = rows.view(-1, BATCH)
        rows = self.order[self.batch]
        self.batch = (self.batch + 1) % len(self.order)
        return rows

    def update(self, rows):
        """Gather, forward, losses, backward, update."""
        x = self.data.index_select(0, rows)
        losses = self.losses(x, *self.model.draws(x))
        groups = self.model.groups()
        parameters = [parameter for group in groups for parameter in group]
        if self.model.separate:
            gradients = torch.autograd.grad(sum(losses), parameters)
        else:
            gradients = [
                gradient for i, (loss, group) in enumerate(zip(losses, groups))
                for gradient in torch.autograd.grad(loss, group, retain_graph=i < len(losses) - 1)
            ]
        for parameter, gradient in zip(parameters, gradients):
            parameter.grad = gradient
        for optimizer in self.optimizers:
            optimizer.step()
        self.total += sum(loss.detach() for loss in losses)

    def capture(self, device):
        """Records the whole step; what is captured allocates from the graph's own pool."""
        self.rows = torch.arange(BATCH, device=device)
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                self.update(self.rows)
        torch.cuda.current_stream().wait_stream(stream)
        for parameter in self.model.parameters():
            parameter.grad = None
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.update(self.rows)
        self.graph = graph

    def run(self, steps):
        """The mean loss of so many steps."""
        self.total.zero_()
        for _ in range(steps):
            rows = self.next_rows()
            if self.graph is None:
                self.update(rows)
            else:
                self.rows.copy_(rows)
                self.graph.replay()
        return self.total.item() / steps


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("step", choices=STEPS)
    parser.add_argument("--inputs", type=int, required=True)
    parser.add_argument("--threads", type=int, help="on the CPU; absent: the GPU")
    parser.add_argument("--mode", choices=["eager", "compile", "graph"], default="eager")
    parser.add_argument("--tf32", action="store_true")
    args = parser.parse_args()
    device = "cuda" if args.threads is None else "cpu"
    if args.threads is not None:
        torch.set_num_threads(args.threads)
    elif not torch.cuda.is_available():
        sys.exit("torch.cuda.is_available() is false")
    torch.set_float32_matmul_precision("high" if args.tf32 else "highest")
    # Convolutions have a switch of their own, which is on by default, and a search for the fastest.
    torch.backends.cudnn.allow_tf32 = args.tf32
    torch.backends.cudnn.benchmark = True
    torch.manual_seed(0)
    training = Training(STEPS[args.step](args.inputs), device, args.mode)
    place = f" on {torch.cuda.get_device_name()}" if device == "cuda" else ""
    print(f"{torch.__version__}{place}", flush=True)
    for line in sys.stdin:
        if device == "cuda":
            torch.cuda.synchronize()
        started = time.perf_counter()
        loss = training.run(int(line))
        if device == "cuda":
            torch.cuda.synchronize()
        print(time.perf_counter() - started, loss, flush=True)


if __name__ == "__main__":
    main()
