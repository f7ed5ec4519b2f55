//! What gradient flow conserves between consecutive layers.

use gf_core::vector;
use gf_linalg::{Update, View, ViewMut, product};

use crate::{
    Activation, Network, NetworkError,
    shape::{LayerShape, Shape},
};

/// The quantities of a network that its gradient flow leaves alone: its balancedness.
///
/// **Formula**: between layers l and l + 1, with Θ = \[W; b\] of layer l and W' of layer l + 1 (without its biases),
/// - Θᵀ Θ − W' W'ᵀ (units × units) where layer l has no activation;
/// - its diagonal, ‖w_in‖² + b² − ‖w_out‖² per unit, where f(z) = z f'(z): relu and leaky_relu.
///
/// Both follow from Θᵀ ∂L/∂Θ = zᵀδ and ∂L/∂W' W'ᵀ = aᵀ ∂L/∂a, which are equal (their diagonals for the second). The activation of layer l + 1
/// does not matter. Nothing is conserved for other activations, where a skip connection leads around layer l or l + 1, or with l2.
/// Any loss and any batch conserve them, so switching batches does too.
///
/// **Use**: a discretization drifts away by its local errors, with its order. No drift is necessary for following the flow and not sufficient.
/// **Reference**: S. Du, W. Hu, J. Lee, *NeurIPS* (2018); S. Arora, N. Cohen, E. Hazan, *ICML* (2018).
///
/// ```
/// use gf_layers::{Activation::{Identity, Relu}, Balancedness, Network};
/// let network = Network::new(2).dense(3, Identity).dense(2, Relu).dense(1, Identity);
/// let balancedness = Balancedness::new(&network, 0.0)?;
/// assert_eq!(balancedness.len(), 3 * 3 + 2);
/// # Ok::<(), gf_layers::NetworkError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Balancedness {
    dim: usize,
    pairs: Vec<Pair>,
    /// W' W'ᵀ of one pair.
    outer: Vec<f64>,
}

#[derive(Debug, Clone, Copy)]
struct Pair {
    inner: LayerShape,
    next: LayerShape,
    is_matrix: bool,
}

impl Pair {
    fn new(inner: LayerShape, next: LayerShape) -> Option<Self> {
        let is_matrix = match inner.activation {
            Activation::Identity => true,
            Activation::Relu | Activation::LeakyRelu => false,
            _ => return None,
        };
        (!inner.skip && !next.skip).then_some(Self { inner, next, is_matrix })
    }

    fn len(&self) -> usize {
        if self.is_matrix { self.inner.units * self.inner.units } else { self.inner.units }
    }
}

impl Balancedness {
    /// Of a network with (λ/2)‖θ‖², λ = `l2`, in its loss.
    ///
    /// # Errors
    /// [`NetworkError::NothingConserved`]; those of [`Network::validate`].
    pub fn new(network: &Network, l2: f64) -> Result<Self, NetworkError> {
        network.validate()?;
        let shape = Shape::new(network);
        if l2 != 0.0 {
            return Err(NetworkError::NothingConserved { found: format!("l2 = {l2}") });
        }
        let pairs: Vec<Pair> = shape.layers.windows(2).filter_map(|pair| Pair::new(pair[0], pair[1])).collect();
        if pairs.is_empty() {
            let name = |layer: &LayerShape| {
                format!("{}{}", layer.activation.name(), if layer.skip { " with skip" } else { "" })
            };
            let found = shape.layers.iter().map(name).collect::<Vec<_>>().join(", ");
            return Err(NetworkError::NothingConserved { found });
        }
        let widest = shape.widest();
        Ok(Self { dim: shape.dim(), pairs, outer: vec![0.0; widest * widest] })
    }

    /// How many numbers are conserved.
    #[expect(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        self.pairs.iter().map(Pair::len).sum()
    }

    /// Overwrites `out` with the conserved numbers at θ, pair after pair. Returns their size: the Frobenius norm of Θᵀ Θ and W' W'ᵀ (or their
    /// diagonals) of all pairs together, by which a drift becomes relative; the numbers themselves may all be near 0.
    ///
    /// # Errors
    /// [`NetworkError::Length`] when a slice has the wrong length.
    pub fn values(&mut self, theta: &[f64], out: &mut [f64]) -> Result<f64, NetworkError> {
        let expect = |what, expected: usize, found: usize| {
            if expected == found { Ok(()) } else { Err(NetworkError::Length { what, expected, found }) }
        };
        expect("theta", self.dim, theta.len())?;
        expect("out", self.len(), out.len())?;
        let (mut rest, mut size) = (out, 0.0);
        for pair in &self.pairs {
            let (values, after) = rest.split_at_mut(pair.len());
            rest = after;
            let (d, q, u) = (pair.inner.units, pair.inner.rows(), pair.next.units);
            let (theta_inner, theta_next) = (pair.inner.part(theta), pair.next.part(theta));
            let outgoing = |unit: usize| &theta_next[unit * u..(unit + 1) * u];
            if !pair.is_matrix {
                for (unit, value) in values.iter_mut().enumerate() {
                    let incoming = theta_inner.iter().skip(unit).step_by(d).map(|w| w * w).sum::<f64>();
                    let outgoing = vector::dot(outgoing(unit), outgoing(unit));
                    size += incoming * incoming + outgoing * outgoing;
                    *value = incoming - outgoing;
                }
                continue;
            }
            // Row-major Θ is column-major Θᵀ.
            let inner = View::columns(theta_inner, d, q);
            product(inner, inner.transpose(), Update::Replace, ViewMut::columns(values, d, d));
            let next = View::columns(theta_next, u, d);
            let outer = &mut self.outer[..d * d];
            product(next.transpose(), next, Update::Replace, ViewMut::columns(outer, d, d));
            size += vector::dot(values, values) + vector::dot(outer, outer);
            vector::add_scaled(values, -1.0, outer);
        }
        Ok(size.sqrt())
    }
}
