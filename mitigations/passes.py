"""Forward and backward passes of a stack of networks, written out.

Only the logits need automatic differentiation (a penalty may be anything); the layers below do
not, and without it no step allocates memory, blocks of slices stay in the processor's cache, and
a CUDA graph can hold the whole step.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor

#: Rows times slices that go through the layers at once on a processor.
BLOCK = 8192


def parameter_count(sizes: Sequence[int]) -> int:
    """Weights and biases of one network."""
    return sum((a + 1) * b for a, b in itertools.pairwise(sizes))


def views(flat: Tensor, count: int, sizes: Sequence[int]) -> tuple[list[Tensor], list[Tensor]]:
    """Weights and biases of every layer as views of one flat tensor."""
    weights, biases, at = [], [], 0
    for a, b in itertools.pairwise(sizes):
        weights.append(flat[at : at + count * a * b].view(count, a, b))
        at += count * a * b
        biases.append(flat[at : at + count * b].view(count, 1, b))
        at += count * b
    return weights, biases


def block_of(device: torch.device, rows: int, count: int) -> int:
    """Slices that go through the layers at once."""
    return count if device.type == "cuda" else max(1, min(count, BLOCK // max(rows, 1)))


def logits(flat: Tensor, count: int, sizes: Sequence[int], x: Tensor) -> Tensor:
    """Logits (C, n) of rows (n, d), without gradient, in blocks."""
    weights, biases = views(flat.detach(), count, sizes)
    out = torch.empty((count, len(x)), device=x.device)
    rows = 2048 if x.device.type == "cpu" else max(1024, 2**24 // max(count, 1))
    with torch.no_grad():
        for start in range(0, len(x), rows):
            part = x[start : start + rows]
            size = block_of(x.device, len(part), count)
            for first in range(0, count, size):
                here = slice(first, first + size)
                h = part.expand(len(weights[0][here]), -1, -1)
                for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
                    h = torch.baddbmm(bias[here], h, weight[here]).relu_()
                last = (h * weights[-1][here].transpose(1, 2)).sum(-1) + biases[-1][here, 0]
                out[here, start : start + rows] = last
    return out


class Passes:
    """Both passes over minibatches of one size.

    Parameters
    ----------
    flat : (P,)
        Parameters of C networks, as in `nets.Stack`; read at every pass.
    count, sizes
        C and the widths; the last is 1.
    batch
        Rows of every minibatch.
    precision
        ``float32``, or ``bfloat16`` for the matrix products.
    """

    def __init__(
        self,
        flat: Tensor,
        count: int,
        sizes: Sequence[int],
        batch: int,
        precision: str = "float32",
    ) -> None:
        self.count, self.batch = count, batch
        self.dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        self.weights, self.biases = views(flat.detach(), count, sizes)
        self.grad = torch.zeros_like(flat, requires_grad=False)
        self.grad_weights, self.grad_biases = views(self.grad, count, sizes)
        self.block = block_of(flat.device, batch, count)
        self.hidden = [self._buffer(count, width) for width in sizes[1:-1]]
        self.back = [self._buffer(self.block, width) for width in sizes[1:-1]]
        self.z = torch.empty((count, batch), device=flat.device)
        self.x = torch.empty(0)
        self._cast: list[Tensor] = self.weights

    def _buffer(self, count: int, width: int) -> Tensor:
        device = self.weights[0].device
        return torch.empty((count, self.batch, width), device=device, dtype=self.dtype)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (C, B) of rows (B, d); the same memory at every call."""
        self.x = x.to(self.dtype)
        low = self.dtype is not torch.float32
        self._cast = [w.to(self.dtype) for w in self.weights] if low else self.weights
        biases = [b.to(self.dtype) for b in self.biases] if low else self.biases
        for first in range(0, self.count, self.block):
            here = slice(first, first + self.block)
            h = self.x.expand(len(self.z[here]), -1, -1)
            for hidden, weight, bias in zip(self.hidden, self._cast, biases, strict=False):
                torch.baddbmm(bias[here], h, weight[here], out=hidden[here])
                h = hidden[here].relu_()
            top = self.weights[-1][here]
            if self.hidden:
                # one output: a sum of products is much faster than a matrix product
                torch.sum(h * top.transpose(1, 2), -1, out=self.z[here])
            else:
                torch.matmul(h.float(), top, out=self.z[here].unsqueeze(-1))
            self.z[here] += self.biases[-1][here, 0]
        return self.z

    def backward(self, pull: Tensor) -> Tensor:
        """Gradient like `flat`, from the derivative (C, B) of the loss by the logits."""
        for first in range(0, self.count, self.block):
            self._back(slice(first, first + self.block), pull.unsqueeze(-1))
        return self.grad

    def _back(self, here: slice, pull: Tensor) -> None:
        delta = pull[here]
        torch.sum(delta, 1, keepdim=True, out=self.grad_biases[-1][here])
        last = len(self.hidden) - 1
        for i in range(last, -1, -1):
            below, back = self.hidden[i][here], self.back[i][: len(delta)]
            weight = self._cast[i + 1][here]
            if i == last:
                torch.sum(below * delta, 1, out=self.grad_weights[-1][here].squeeze(-1))
                torch.mul(delta, self.weights[-1][here].transpose(1, 2), out=back)
            else:
                self._product(below.transpose(1, 2), delta, self.grad_weights[i + 1][here])
                torch.bmm(delta, weight.transpose(1, 2), out=back)
            # derivative of ReLU, in place
            torch.ops.aten.threshold_backward.grad_input(back, below, 0, grad_input=back)
            delta = back
            self._sum(delta, self.grad_biases[i][here])
        rows = self.x.t().expand(len(delta), -1, -1)
        self._product(
            rows, delta if self.hidden else delta.to(self.dtype), self.grad_weights[0][here]
        )

    def _product(self, a: Tensor, b: Tensor, out: Tensor) -> None:
        if self.dtype is torch.float32:
            torch.bmm(a, b, out=out)
        else:
            out.copy_(torch.bmm(a, b))

    def _sum(self, delta: Tensor, out: Tensor) -> None:
        if self.dtype is torch.float32:
            torch.sum(delta, 1, keepdim=True, out=out)
        else:
            out.copy_(torch.sum(delta, 1, keepdim=True, dtype=torch.float32))
