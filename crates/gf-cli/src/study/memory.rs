//! What fits in the memory of this machine.

use gf_layers::Network;

/// Says so when `bytes` of dense matrix for `dim` parameters exceed the memory that is free.
pub(crate) fn memory_shortage(dim: usize, bytes: usize) -> Option<String> {
    let free = available_memory()?;
    (bytes as u64 > free).then(|| {
        format!(
            "expected a dense matrix that fits in memory, found {dim} parameters: it needs {:.1} GiB of the {:.1} GiB free; use a matrix-free solver: solver = \"minres\"",
            bytes as f64 / 2f64.powi(30),
            free as f64 / 2f64.powi(30)
        )
    })
}

/// Why a network on so many samples does not fit in the memory of this machine, if it does not.
pub(super) fn network_shortage(network: &Network, samples: usize) -> Option<String> {
    /// Vectors of p numbers that a run of the leanest method keeps: parameters, gradients, products, the best so far.
    const VECTORS: usize = 8;
    let (parameters, outputs) = (network.dim(), samples.saturating_mul(network.outputs()));
    let bytes = parameters.saturating_mul(VECTORS).saturating_add(outputs.saturating_mul(3)).saturating_mul(8);
    let free = available_memory()?;
    (bytes as u64 > free).then(|| {
        format!(
            "expected a network that fits in memory, found {parameters} parameters and {outputs} outputs of {samples} samples: \
             at least {:.1} GiB of the {:.1} GiB free",
            bytes as f64 / 2f64.powi(30),
            free as f64 / 2f64.powi(30)
        )
    })
}

/// Free memory in bytes, where the system says (Linux).
pub(super) fn available_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}
