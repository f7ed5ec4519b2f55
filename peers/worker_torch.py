"""PyTorch, and curvlinops on top of it, in float64 on the CPU (`--system torch` or `--system curvlinops`)."""
from __future__ import annotations

import importlib.metadata

import numpy as np
import scipy.linalg as sla
import torch
import torch.nn.functional as F
from torch.func import grad, grad_and_value, hessian, jacrev, jvp, vjp, vmap

import cases
import eigenpairs
import plan
from protocol import serve

torch.set_default_dtype(torch.float64)

ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh, "identity": lambda z: z}
MODULES = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}
CHUNKS = (16, 32, 64, 128, 256, 512)
SOLVERS = ("lu", "cholesky", "single-cholesky", "scipy-lu", "scipy-cholesky")


class Torch:
    """The operations of one case."""

    def __init__(self, name="torch"):
        self.name = name

    def versions(self):
        packages = {"torch": ("torch", "scipy"), "curvlinops": ("torch", "curvlinops-for-pytorch")}[self.name]
        return {package: importlib.metadata.version(package) for package in packages}

    def compiles(self, variant):
        return variant.startswith("torch.compile")

    def load(self, key, folder, threads, steps):
        if key not in cases.CASES:
            return {}
        torch.set_num_threads(threads)
        self.case = cases.CASES[key]
        inputs = cases.read_inputs(folder)
        self.x, self.y = torch.from_numpy(inputs["x"]), torch.from_numpy(inputs["y"])
        self.theta, self.v = torch.from_numpy(inputs["theta"]), torch.from_numpy(inputs["direction"])
        layers = cases.split_parameters(self.case.sizes, inputs["theta"])
        self.leaves = [torch.from_numpy(a.copy()).requires_grad_() for layer in layers for a in layer]
        self.v_list = [c.clone() for c in self.split(self.v)]
        self.net = self.module(layers)
        if self.name == "curvlinops":
            return self.curvlinops()
        operations = {
            "gradient": self.gradients(),
            "fresh-hessian-product": self.fresh_products(),
            "hessian-product": {**self.kept_products(), **self.fresh_products()},
            # torch.lobpcg wants a matrix.
            "top-eigenpairs": eigenpairs.variants(("double backward, graph kept", "jvp(grad)"), self.numpy_products, self.case.dim),
        }
        if self.case.dense:
            self.hessians = self.all_hessians()
            operations["full-hessian"] = {
                name: lambda name=name: lambda: self.hessians[name](self.theta) for name in self.hessians
            }
            operations["dense-implicit-step"] = {
                f"{name} + {solver}": lambda name=name, solver=solver: lambda: self.dense_step(name, solver)
                for name in self.hessians
                for solver in SOLVERS
            }
        return operations

    # ---- the loss

    def split(self, theta):
        shapes = [leaf.shape for leaf in self.leaves]
        return [part.view(shape) for part, shape in zip(theta.split([leaf.numel() for leaf in self.leaves]), shapes)]

    def list_loss(self, parameters):
        a = self.x
        for k, activation in enumerate(self.case.activations):
            a = ACTIVATIONS[activation](torch.addmm(parameters[2 * k + 1], a, parameters[2 * k]))
        if self.case.loss == "mse":
            return ((a - self.y) ** 2).sum() / self.x.shape[0]
        return F.cross_entropy(a, self.y)

    def flat_loss(self, theta):
        return self.list_loss(self.split(theta))

    def module(self, layers):
        """The same network as a module, for libraries that insist on one; its weights are units x inputs."""
        modules = []
        for (w, b), activation in zip(layers, self.case.activations):
            linear = torch.nn.Linear(*w.shape)
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(w.T.copy()))
                linear.bias.copy_(torch.from_numpy(b))
            modules.append(linear)
            if activation != "identity":
                modules.append(MODULES[activation]())
        return torch.nn.Sequential(*modules)

    def module_loss(self):
        # Outputs have one column in the mse cases, so the element mean is the sum / n.
        return torch.nn.MSELoss() if self.case.loss == "mse" else torch.nn.CrossEntropyLoss()

    def module_order(self):
        """Where each of the module's parameters stands in our vector."""
        places = torch.arange(self.theta.numel())
        return torch.cat([(part.T if part.dim() == 2 else part).reshape(-1) for part in self.split(places)])

    # ---- gradients and products

    def gradients(self):
        def autograd():
            value = self.list_loss(self.leaves)
            return value, torch.autograd.grad(value, self.leaves)

        def module():
            net, loss = self.net, self.module_loss()

            def call():
                net.zero_grad(set_to_none=True)
                value = loss(net(self.x), self.y)
                value.backward()
                return value, None  # the gradients stay in the module: `array` takes them from there

            return call

        def compiled():
            loss = torch.compile(lambda *parameters: self.list_loss(parameters))

            def call():
                value = loss(*self.leaves)
                return value, torch.autograd.grad(value, self.leaves)

            return call

        return {
            "autograd": lambda: autograd,
            "nn.Module backward": module,
            "func.grad_and_value flat": lambda: lambda: grad_and_value(self.flat_loss)(self.theta)[::-1],
            "torch.compile, autograd": compiled,
        }

    def fresh_products(self):
        parameters = tuple(leaf.detach() for leaf in self.leaves)
        g = grad(self.flat_loss)

        def double_backward():
            gradient = torch.autograd.grad(self.list_loss(self.leaves), self.leaves, create_graph=True)
            return torch.autograd.grad(gradient, self.leaves, self.v_list)

        def of_lists():
            return jvp(lambda *p: grad(self.list_loss)(p), parameters, tuple(self.v_list))[1]

        functional = torch.autograd.functional

        def on_list(*p):
            return self.list_loss(p)

        def compiled():
            product = torch.compile(lambda t, v: jvp(g, (t,), (v,))[1])
            return lambda: product(self.theta, self.v)

        return {
            "double backward": lambda: double_backward,
            "func.jvp(grad) flat": lambda: lambda: jvp(g, (self.theta,), (self.v,))[1],
            "func.jvp(grad) list": lambda: of_lists,
            "func.vjp(grad) flat": lambda: lambda: vjp(g, self.theta)[1](self.v)[0],
            "autograd.functional.hvp": lambda: lambda: functional.hvp(on_list, parameters, tuple(self.v_list))[1],
            "autograd.functional.vhp": lambda: lambda: functional.vhp(on_list, parameters, tuple(self.v_list))[1],
            "torch.compile, func.jvp(grad) flat": compiled,
        }

    def kept_products(self):
        def graph():
            gradient = torch.autograd.grad(self.list_loss(self.leaves), self.leaves, create_graph=True)
            return lambda: torch.autograd.grad(gradient, self.leaves, self.v_list, retain_graph=True)

        def linearized():
            linear = torch.func.linearize(grad(self.flat_loss), self.theta)[1]
            return lambda: linear(self.v)

        return {"double backward, graph kept": graph, "func.linearize(grad) beforehand": linearized}

    # ---- eigenpairs

    def numpy_products(self):
        """Makers of products of NumPy vectors, at the point anew for every call."""

        def graph():
            gradient = torch.autograd.grad(self.list_loss(self.leaves), self.leaves, create_graph=True)

            def product(v):
                parts = torch.autograd.grad(gradient, self.leaves, self.split(torch.from_numpy(v)), retain_graph=True)
                return torch.cat([part.reshape(-1) for part in parts]).numpy()

            return product

        def by_jvp():
            g = grad(self.flat_loss)
            return lambda v: jvp(g, (self.theta,), (torch.from_numpy(v),))[1].detach().numpy()

        return {"double backward, graph kept": graph, "jvp(grad)": by_jvp}

    def judge(self, found):
        return eigenpairs.judge(found, self.numpy_products()["jvp(grad)"]())

    # ---- full Hessians and steps

    def all_hessians(self):
        g = grad(self.flat_loss)

        def forward(size):
            return lambda t: vmap(lambda u: jvp(g, (t,), (u,))[1], chunk_size=size)(torch.eye(t.numel()))

        def reverse(size):
            def full(t):
                pull = vjp(g, t)[1]
                return vmap(lambda u: pull(u)[0], chunk_size=size)(torch.eye(t.numel()))

            return full

        def batched(size):
            def full(t):
                t = t.detach().requires_grad_()
                gradient = torch.autograd.grad(self.flat_loss(t), t, create_graph=True)[0]
                blocks = torch.eye(t.numel()).split(size)
                parts = [torch.autograd.grad(gradient, t, e, retain_graph=True, is_grads_batched=True)[0] for e in blocks]
                return torch.cat(parts)

            return full

        def compiled(of, size):
            """A compiled block of columns; the compiler runs when the first is asked for."""
            block = torch.compile(of)

            def full(t):
                return torch.cat([block(t, e) for e in torch.eye(t.numel()).split(size)])

            return full

        def forward_block(t, e):
            return vmap(lambda u: jvp(g, (t,), (u,))[1])(e)

        def reverse_block(t, e):
            pull = vjp(g, t)[1]
            return vmap(lambda u: pull(u)[0])(e)

        return {
            "func.hessian": hessian(self.flat_loss),
            **{f"jacrev(jacrev), {c} at a time": jacrev(jacrev(self.flat_loss), chunk_size=c) for c in (64, 256)},
            **{f"vmap(jvp), {c} at a time": forward(c) for c in CHUNKS},
            **{f"vmap(vjp), {c} at a time": reverse(c) for c in CHUNKS},
            **{f"batched grad, {c} at a time": batched(c) for c in CHUNKS},
            **{f"torch.compile, vmap(jvp), {c} at a time": compiled(forward_block, c) for c in (64, 256)},
            **{f"torch.compile, vmap(vjp), {c} at a time": compiled(reverse_block, c) for c in (64, 256)},
            "autograd.functional.hessian": lambda t: torch.autograd.functional.hessian(self.flat_loss, t),
            "autograd.functional.hessian, vectorized": lambda t: torch.autograd.functional.hessian(
                self.flat_loss, t, vectorize=True
            ),
        }

    def dense_step(self, name, solver):
        """(H + I/h) d = -g, the matrix overwritten where the library can."""
        b = -grad(self.flat_loss)(self.theta)
        matrix = self.hessians[name](self.theta).detach()
        matrix.diagonal().add_(1.0 / cases.STEP_SIZE)
        if solver == "lu":
            return self.theta + torch.linalg.solve(matrix, b)
        if solver == "cholesky":
            return self.theta + torch.cholesky_solve(b[:, None], torch.linalg.cholesky(matrix))[:, 0]
        if solver == "single-cholesky":
            factor, d = torch.linalg.cholesky(matrix.float()), torch.zeros_like(b)
            for _ in range(plan.REFINEMENTS):
                d += torch.cholesky_solve((b - matrix @ d).float()[:, None], factor)[:, 0].double()
            return self.theta + d
        # Symmetric, so the transpose of the C order is the Fortran order that LAPACK overwrites.
        matrix, b, options = matrix.numpy().T, b.numpy(), {"overwrite_a": True, "check_finite": False}
        if solver == "scipy-lu":
            return self.theta + torch.from_numpy(sla.lu_solve(sla.lu_factor(matrix, **options), b, check_finite=False))
        return self.theta + torch.from_numpy(sla.cho_solve(sla.cho_factor(matrix, **options), b, check_finite=False))

    def residual(self, after):
        delta = torch.from_numpy(after) - self.theta
        g, product = grad(self.flat_loss)(self.theta), jvp(grad(self.flat_loss), (self.theta,), (delta,))[1]
        return float((product + delta / cases.STEP_SIZE + g).norm() / g.norm())

    # ---- curvlinops

    def curvlinops(self):
        from curvlinops import HessianLinearOperator

        parameters = list(self.net.parameters())
        data = [(self.x, self.y)]
        operator = HessianLinearOperator(self.net, self.module_loss(), parameters, data, check_deterministic=False)
        self.order = self.module_order()
        v = self.v[self.order].clone()
        product = {"HessianLinearOperator @ v": lambda: lambda: operator @ v}
        operations = {"fresh-hessian-product": product, "hessian-product": product}
        if self.case.dense:

            def blocks(size):
                def call():
                    columns = torch.eye(self.theta.numel()).split(size, dim=1)
                    return torch.cat([operator @ block.contiguous() for block in columns], dim=1)

                return lambda: call

            operations["full-hessian"] = {
                "HessianLinearOperator @ I": lambda: lambda: operator @ torch.eye(self.theta.numel()),
                **{f"HessianLinearOperator @ I, {c} at a time": blocks(c) for c in (64, 256)},
            }
        return operations

    def array(self, operation, variant, result):
        if operation == "top-eigenpairs":
            return result.values
        if operation == "gradient":
            value, gradient = result
            if gradient is None:
                gradient = [p.grad.T if p.dim() == 2 else p.grad for p in self.net.parameters()]
            parts = [gradient] if isinstance(gradient, torch.Tensor) else gradient
            return torch.cat([value.detach().reshape(1), *[part.detach().reshape(-1) for part in parts]]).numpy()
        if isinstance(result, (tuple, list)):
            result = torch.cat([part.reshape(-1) for part in result])
        result = result.detach()
        if self.name == "curvlinops":
            back = torch.argsort(self.order)
            result = result[back][:, back] if result.dim() == 2 else result[back]
        return result.numpy()


if __name__ == "__main__":
    serve(Torch)
