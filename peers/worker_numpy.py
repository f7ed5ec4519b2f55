"""The original project's formulas in NumPy: gradients by hand, Hessians by central differences of gradients, dense solves.

Also the machine's rate of matrix multiplication, by the BLAS that NumPy comes with.
"""
from __future__ import annotations

import numpy as np

import cases
from protocol import serve

MULTIPLICATION_ORDER = 2048


class Network:
    """The original's network with the mean squared error, on flat parameter vectors."""

    sizes, activations = cases.ORIGINAL_SIZES, cases.ORIGINAL_ACTIVATIONS

    def outputs(self, theta, x):
        a = x
        for (w, b), activation in zip(cases.split_parameters(self.sizes, theta), self.activations):
            a = a @ w + b
            if activation == "relu":
                a = np.maximum(a, 0.0)
        return a

    def loss(self, theta, x, y):
        return np.sum((self.outputs(theta, x) - y) ** 2) / len(x)

    def loss_and_gradient(self, theta, x, y):
        layers = cases.split_parameters(self.sizes, theta)
        inputs, a = [], x
        for (w, b), activation in zip(layers, self.activations):
            inputs.append(a)
            a = a @ w + b
            if activation == "relu":
                a = np.maximum(a, 0.0)
        error = a - y
        delta = 2.0 * error / len(x)
        gradient = np.empty_like(theta)
        into = cases.split_parameters(self.sizes, gradient)
        for k in range(len(layers) - 1, -1, -1):
            # After the activation, a > 0 exactly where z > 0.
            if self.activations[k] == "relu":
                delta = delta * (a > 0.0)
            np.matmul(inputs[k].T, delta, out=into[k][0])
            np.sum(delta, axis=0, out=into[k][1])
            if k > 0:
                delta = delta @ layers[k][0].T
                a = inputs[k]
        return np.sum(error**2) / len(x), gradient

    def difference_hessian(self, theta, x, y, epsilon):
        """Column i is (g(theta + epsilon e_i) - g(theta - epsilon e_i)) / (2 epsilon)."""
        hessian = np.empty((len(theta), len(theta)))
        shifted = theta.copy()
        for i in range(len(theta)):
            shifted[i] = theta[i] + epsilon
            above = self.loss_and_gradient(shifted, x, y)[1]
            shifted[i] = theta[i] - epsilon
            below = self.loss_and_gradient(shifted, x, y)[1]
            shifted[i] = theta[i]
            hessian[:, i] = (above - below) / (2.0 * epsilon)
        return hessian


class NumPy:
    """The original experiment (case `original`) and the machine's rate (case `machine`)."""

    name = "numpy"

    def versions(self):
        blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        return {"numpy": np.__version__, f"NumPy's {blas.get('name', 'blas')}": blas.get("version", "?")}

    def compiles(self, variant):
        return False

    def load(self, case, folder, threads, steps):
        if case == "machine":
            return self.load_machine()
        if case != "original":
            return {}
        inputs = cases.read_inputs(folder)
        self.network, self.start, self.steps = Network(), inputs["theta"], steps
        self.x, self.y = inputs["x"], inputs["y"]
        train = inputs["train"]
        self.batches = [
            (self.x[train[k : k + cases.ORIGINAL_BATCH]], self.y[train[k : k + cases.ORIGINAL_BATCH]])
            for k in range(0, len(train), cases.ORIGINAL_BATCH)
        ]
        methods = {"explicit": self.explicit, "implicit": self.implicit, "newton": self.newton}
        return {f"original-{name}": {"as the original": lambda step=step: lambda: self.run(step)} for name, step in methods.items()}

    def load_machine(self):
        n = MULTIPLICATION_ORDER
        rng = np.random.default_rng(0)
        a, b, out = rng.standard_normal((n, n)), rng.standard_normal((n, n)), np.empty((n, n))
        self.flops = {"matrix-multiplication": 2.0 * n**3}
        self.steps = 1
        return {"matrix-multiplication": {"NumPy": lambda: lambda: np.matmul(a, b, out=out)}}

    def run(self, step):
        """The steps from the start, each on its batch, with the validation error on all data after each."""
        theta = self.start.copy()
        for k in range(self.steps):
            theta = step(theta, *self.batches[k % len(self.batches)])
            self.validation_error = float(np.mean(np.abs(self.network.outputs(theta, self.x) - self.y)))
        return theta

    def explicit(self, theta, x, y):
        return theta - cases.EXPLICIT_STEP_SIZE * self.network.loss_and_gradient(theta, x, y)[1]

    def implicit(self, theta, x, y):
        h = cases.IMPLICIT_STEP_SIZE
        gradient = self.network.loss_and_gradient(theta, x, y)[1]
        hessian = self.network.difference_hessian(theta, x, y, cases.IMPLICIT_DIFFERENCE)
        return np.linalg.solve(np.eye(len(theta)) + h * hessian, theta + h * (hessian @ theta - gradient))

    def newton(self, theta, x, y):
        loss, gradient = self.network.loss_and_gradient(theta, x, y)
        hessian = self.network.difference_hessian(theta, x, y, cases.NEWTON_DIFFERENCE)
        direction = -np.linalg.solve(hessian + cases.NEWTON_DAMPING * np.eye(len(theta)), gradient)
        slope, alpha = gradient @ direction, 1.0
        while alpha > cases.ARMIJO_MINIMUM:
            if self.network.loss(theta + alpha * direction, x, y) <= loss + cases.ARMIJO_C * alpha * slope:
                break
            alpha *= cases.ARMIJO_FACTOR
        return theta + alpha * direction

    def array(self, operation, variant, result):
        return result


if __name__ == "__main__":
    serve(NumPy)
