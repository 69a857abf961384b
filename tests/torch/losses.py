"""Every deep method's losses in PyTorch, in float64: values, gradients by autograd, a few steps of its
optimisers. Written from the papers' formulas; knows nothing of the TypeScript but variables' names.

Reads {"optimizers": ..., "steps": N, "losses": [{"name", "variables", "targets"}]} from standard input;
answers {"version", "losses": [{"loss", "gradients", "paths"}]}, tensors as flat lists.
"""
import json
import sys

import torch
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

INTERPOLATION, MIX, INPUT_DROPOUT, HIDDEN_DROPOUT = 3, 4, 10, 11


class Scene:
    """Variables by name, and networks made of them."""

    def __init__(self, variables):
        self.variables = variables
        self.has_all_kinds = True

    def __getitem__(self, name):
        return self.variables[name]

    def layer(self, name, x):
        return x @ self[f"{name}.weight"] + self[f"{name}.bias"]

    def perceptron(self, name, x):
        """ReLU between the layers, none after the last."""
        layers = sum(key.startswith(f"{name}.") for key in self.variables) // 2
        for i in range(layers - 1):
            x = torch.relu(self.layer(f"{name}.{i}", x))
        return self.layer(f"{name}.{layers - 1}", x)

    def encode(self, x):
        return self.perceptron("encoder", x)

    def decode(self, z):
        return self.perceptron("decoder", z)

    def critic(self, x):
        return self.perceptron("critic", x).mean(1)


def squares(a, b):
    return ((a - b) ** 2).sum()


def student(z, centroids):
    """DEC, eq. 1, with one degree of freedom."""
    kernel = 1 / (1 + torch.cdist(z, centroids, compute_mode="donot_use_mm_for_euclid_dist") ** 2)
    return kernel / kernel.sum(1, keepdim=True)


def divergence(p, q):
    """KL(p‖q), the mean over rows."""
    return (p * (p / q).log()).sum(1).mean()


def dec(s):
    return divergence(s["frozen p"], student(s.encode(s["audit x"]), s["audit centroids"]))


def idec(s):
    x = s["audit x"]
    return F.mse_loss(s.decode(s.encode(x)), x) + 0.5 * dec(s)


def dcn(s):
    x = s["audit x"]
    z = s.encode(x)
    return (squares(s.decode(z), x) + 3 / 2 * squares(z, s["audit own centroids"])) / len(x)


def dkm(s):
    x = s["audit x"]
    z = s.encode(x)
    distances = ((z[:, None] - s["audit centroids"][None]) ** 2).sum(2)
    shares = torch.softmax(-s["audit alpha"] * distances, 1)
    return (squares(s.decode(z), x) + 0.5 * (shares * distances).sum()) / len(x)


def reconstruction(s):
    x = s["audit x"]
    return F.mse_loss(s.decode(s.encode(x)), x)


def interpolated(s):
    z = s.encode(s["audit x"])
    alpha = s[f"audit coefficients {INTERPOLATION}"]
    return alpha, s.critic(s.decode(alpha[:, None] * z + (1 - alpha[:, None]) * z.flip(0)))


def autoencoder_with_critic(s):
    """ACAI, eq. 1."""
    x = s["audit x"]
    _, judged = interpolated(s)
    return F.mse_loss(s.decode(s.encode(x)), x) + 0.5 * (judged ** 2).mean()


def critic(s):
    """ACAI, eq. 2."""
    x = s["audit x"]
    alpha, judged = interpolated(s)
    gamma = s[f"audit coefficients {MIX}"][:, None]
    mixed = gamma * x + (1 - gamma) * s.decode(s.encode(x)).detach()
    return ((judged - alpha) ** 2).mean() + (s.critic(mixed) ** 2).mean()


def dynamic(source):
    def loss(s):
        """DynAE's code: mean (f(x̃) − t)² + γ·mean (g(f(x̃)) − r)²."""
        x = s[source]
        z = s.encode(s["audit augmented"])
        codes = s.encode(x)
        q, order = student(codes, s["audit centroids"]).sort(1, descending=True)
        beta1, beta2 = s["audit thresholds"]
        sure = ((q[:, 0] > beta1) & (q[:, 0] - q[:, 1] > beta2))[:, None]
        s.has_all_kinds = bool(sure.any() and not sure.all())
        nearest = order[:, 0]
        code = torch.where(sure, s["audit centroids"][nearest], codes).detach()
        image = torch.where(sure, s["audit images"][nearest], x).detach()
        return F.mse_loss(z, code) + 10 * F.mse_loss(s.decode(z), image)

    return loss


def vade(is_bernoulli):
    def loss(s):
        """VaDE, eq. 12, without constants, in the form of its code."""
        x = s["audit x"]
        n = len(x)
        features = torch.relu(s.layer("encoder.1", torch.relu(s.layer("encoder.0", x))))
        mean = s.layer("encoder.2", features)
        log_variance = 10 * torch.tanh(s.layer("log variance", features) / 10)
        z = mean + (log_variance / 2).exp() * s["audit noise"]
        variances = s["audit log variances"].exp() + 1e-4
        log_pi = torch.log_softmax(s["audit logits"], 0)
        centroids = s["audit centroids"]
        joint = log_pi - 0.5 * (
            variances.log()[None] + (z[:, None] - centroids) ** 2 / variances).sum(2)
        gamma = torch.softmax(joint, 1)
        expected = (log_variance.exp()[:, None] + (mean[:, None] - centroids) ** 2) / variances
        cost = 0.5 * (variances.log() + expected).sum(2) - log_pi + gamma.log()
        kl = (gamma * cost).sum() - 0.5 * (1 + log_variance).sum()
        output = s.decode(z)
        reconstruction = F.binary_cross_entropy_with_logits(
            output, x, reduction="sum") if is_bernoulli else squares(output, x)
        return (0.7 * reconstruction + kl) / n

    return loss


class Convolutional:
    """DEPICT's network on images of 5×4: patches of 5, a padding of 2, a stride of 2."""

    def __init__(self, scene):
        self.scene = scene

    def parameters(self, name):
        weight = self.scene[f"convolutional {name}.weight"]
        return weight.permute(3, 2, 0, 1), self.scene[f"convolutional {name}.bias"]

    def encode(self, images, factor):
        h1 = F.leaky_relu(
            F.conv2d(factor * images, *self.parameters("encoder.0"), stride=2, padding=2), 0.01)
        h2 = F.leaky_relu(
            F.conv2d(factor * h1, *self.parameters("encoder.1"), stride=2, padding=2), 0.01)
        rows = h2.permute(0, 2, 3, 1).flatten(1)
        return h1, h2, torch.tanh(self.scene.layer("convolutional encoder.2", rows))

    def decode(self, z, h1, h2, images):
        d2 = F.leaky_relu(self.scene.layer("convolutional decoder.0", z), 0.01)
        d2 = d2.reshape(len(z), *h2.shape[2:], h2.shape[1]).permute(0, 3, 1, 2)
        d1 = F.leaky_relu(self.transposed("decoder.1", d2, h1), 0.01)
        return d2, d1, torch.tanh(self.transposed("decoder.2", d1, images))

    def transposed(self, name, x, like):
        added = [size - 2 * (of - 1) - 1 for size, of in zip(like.shape[2:], x.shape[2:])]
        return F.conv_transpose2d(
            x, *self.parameters(name), stride=2, padding=2, output_padding=added)


def depict(is_clustering):
    def loss(s):
        """DEPICT's reconstruction of image and layers, and the cross-entropy of the noisy path."""
        images = 2 * s["audit images"].reshape(-1, 1, 5, 4) - 1
        net = Convolutional(s)
        h1, h2, _ = net.encode(images, 1)
        _, _, noisy = net.encode(images, 0.8)
        d2, d1, decoded = net.decode(noisy, h1, h2, images)
        total = F.mse_loss(decoded, images) + 0.1 * (F.mse_loss(d1, h1) + F.mse_loss(d2, h2))
        if not is_clustering:
            return total
        logs = torch.log_softmax(s.layer("head", noisy), 1)
        return total - (s["audit targets"] * logs).sum(1).mean()

    return loss


def layer_pair(index):
    def loss(s):
        """A denoising autoencoder of one layer, with half the mean squared error."""
        h = s["audit h"]
        def kept(x, stream):
            return x * (s[f"audit mask {stream}"] >= 0.2)
        units = s.layer(f"encoder.{index}", h if index == 0 else kept(h, INPUT_DROPOUT))
        if index < 2:
            units = kept(torch.relu(units), HIDDEN_DROPOUT)
        output = s.layer(f"decoder.{2 - index}", units)
        return F.mse_loss(output if index == 0 else torch.relu(output), h) / 2

    return loss


def module(s, x):
    """γ and U of the Clustering Module."""
    gamma = torch.softmax(s.layer("module encoder.0", x), 1)
    return gamma, s["module decoder.0.weight"] + s["module decoder.0.bias"]


def prior_term(gamma, alpha):
    return (1 - alpha) * (gamma.mean(0) + 1e-10).log().sum()


def cm(alpha, normalized):
    def loss(s):
        """Σ_i Σ_k γ_ik·‖x_i − μ_k‖², which E1 + E2 + E3 are, and E4."""
        x = s["audit x"]
        gamma, centroids = module(s, x)
        distances = ((x[:, None] - centroids) ** 2).sum(2)
        return (gamma * distances).sum() / (x.numel() if normalized else 1) \
            + prior_term(gamma, alpha)

    return loss


def ae_cm(norm, normalized):
    def loss(s):
        x = s["audit x"]
        z = s.encode(x)
        gamma, centroids = module(s, z)
        if norm == "hard":
            # Gram–Schmidt: the orthonormal factor whose triangle has a positive diagonal.
            q, r = torch.linalg.qr(centroids.T)
            centroids = (q * torch.sign(torch.diagonal(r))).T
        excess = centroids @ centroids.T - torch.eye(len(centroids))
        penalty = {"l1": excess.abs().sum(), "frobenius": (excess ** 2).sum(), "hard": 0}[norm]
        clusters = squares(z, gamma @ centroids) + (gamma * (1 - gamma)).sum()
        data = 0.5 * squares(s.decode(z), x)
        if normalized:
            clusters, data = clusters / z.numel(), data / x.numel()
        return data + clusters + penalty + prior_term(gamma, 3)

    return loss


LOSSES = {
    "dynae: pre-training, autoencoder": autoencoder_with_critic,
    "dynae: pre-training, critic": critic,
    "dynae: clustering, clean targets": dynamic("audit x"),
    "dynae: clustering, augmented targets": dynamic("audit augmented"),
    "vade: gaussian output": vade(False),
    "vade: bernoulli output": vade(True),
    "dec: clustering": dec,
    "idec: clustering": idec,
    "dcn: clustering": dcn,
    "dkm: α 0.1": dkm,
    "dkm: α 30": dkm,
    "depict: reconstruction": depict(False),
    "depict: clustering": depict(True),
    "ae-kmeans: reconstruction": reconstruction,
    "ae-kmeans: layer pair of the data": layer_pair(0),
    "ae-kmeans: layer pair within": layer_pair(1),
    "ae-kmeans: layer pair of the code": layer_pair(2),
    "cm: sums over the batch": cm(8, False),
    "cm: means over the batch": cm(1.1, True),
    "n2d: reconstruction": reconstruction,
    "ae-cm: sums, L1 penalty": ae_cm("l1", False),
    "ae-cm: means, Frobenius penalty": ae_cm("frobenius", True),
    "ae-cm: orthonormal by construction": ae_cm("hard", False),
}

OPTIMIZERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}


def flat(tensors):
    return [tensor.detach().flatten().tolist() for tensor in tensors]


def evaluate(case, optimizers, steps):
    """Loss, gradients, and the targets after some steps of each optimiser from the same start."""
    loss_of = LOSSES[case["name"]]

    def start():
        values = {
            name: torch.tensor(values).reshape(shape)
            for name, (shape, values) in case["variables"].items()
        }
        targets = [values[name].requires_grad_() for name in case["targets"]]
        return Scene(values), targets

    scene, targets = start()
    loss = loss_of(scene)
    if not scene.has_all_kinds:
        sys.exit(f"{case['name']}: all samples are of one kind, so that the other is not compared")
    gradients = torch.autograd.grad(loss, targets)
    paths = {}
    for name, (kind, options) in optimizers.items():
        scene, parameters = start()
        optimizer = OPTIMIZERS[kind](parameters, **options)
        for _ in range(steps):
            optimizer.zero_grad()
            loss_of(scene).backward(inputs=parameters)
            optimizer.step()
        paths[name] = flat(parameters)
    return {"loss": loss.item(), "gradients": flat(gradients), "paths": paths}


def main():
    asked = json.load(sys.stdin)
    unknown = [case["name"] for case in asked["losses"] if case["name"] not in LOSSES]
    if unknown:
        sys.exit(f"losses.py has no {', '.join(unknown)}")
    losses = [evaluate(case, asked["optimizers"], asked["steps"]) for case in asked["losses"]]
    json.dump({"version": torch.__version__, "losses": losses}, sys.stdout)


if __name__ == "__main__":
    main()
