//! Discretizations of the gradient flow: explicit and implicit Euler, Newton, their solvers, step control and the driver.
