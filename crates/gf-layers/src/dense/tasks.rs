//! The lower triangle cut into tasks that own their entries.
//!
//! A task holds mutable slices of columns, so that two tasks cannot write the same entry, by types. The cut depends on the
//! network alone, and within a task the order of summation is fixed.

use crate::{
    products::Curvature,
    shape::{LayerShape, Shape},
};

/// Which entries.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// Columns (i, j) for i in a range and all j; rows of layers l to `end`, by products of pairs of inputs.
    Inputs { first: usize, last: usize, end: usize },
    /// Columns (i, j) for one j and all i; rows of layers l + 2 and on.
    Unit { j: usize },
}

/// Some entries of the columns of layer `l`.
#[derive(Debug)]
pub(super) struct Task<'a> {
    pub(super) l: usize,
    pub(super) kind: Kind,
    /// For `Inputs`: column (i, j) at (i − first)·units + j, from the first row of layer l. For `Unit`: column (i, j) at i, from
    /// the first row of layer l + 2.
    pub(super) columns: Vec<&'a mut [f64]>,
}

/// Whether the blocks beyond the next layer come from products of pairs of inputs: always without residual terms, and where a
/// layer has few inputs. There the residual terms as a second product cost less than forming the columns for each unit.
pub(super) fn far_by_pairs(of: Curvature, layer: &LayerShape) -> bool {
    of == Curvature::GaussNewton || layer.rows() <= 12
}

/// Inputs a task: a few, so that the products are wide enough and the tasks many enough.
fn inputs_a_task(layer: &LayerShape) -> usize {
    (layer.rows() / 8).clamp(2, 8)
}

/// Cuts `matrix` (p × p column-major). Allocates the lists.
pub(super) fn cut<'a>(of: Curvature, shape: &Shape, matrix: &'a mut [f64]) -> Vec<Task<'a>> {
    let p = shape.dim();
    let count = shape.layers.len();
    let mut tasks = Vec::new();
    let mut columns = matrix.chunks_exact_mut(p);
    for (l, layer) in shape.layers.iter().enumerate() {
        let (q, u) = (layer.rows(), layer.units);
        let by_unit = l + 2 < count && !far_by_pairs(of, layer);
        let end = if by_unit { l + 2 } else { count };
        let split = if end < count { shape.layers[end].offset } else { p };
        let step = inputs_a_task(layer);
        let inputs = (0..q).step_by(step).map(|first| {
            let last = (first + step).min(q);
            Task { l, kind: Kind::Inputs { first, last, end }, columns: Vec::with_capacity((last - first) * u) }
        });
        let base = tasks.len();
        tasks.extend(inputs);
        let units = tasks.len();
        if by_unit {
            tasks.extend((0..u).map(|j| Task { l, kind: Kind::Unit { j }, columns: Vec::with_capacity(q) }));
        }
        for i in 0..q {
            for (j, column) in columns.by_ref().take(u).enumerate() {
                let (near, far) = column.split_at_mut(split);
                tasks[base + i / step].columns.push(&mut near[layer.offset..]);
                if by_unit {
                    tasks[units + j].columns.push(far);
                }
            }
        }
    }
    tasks
}
