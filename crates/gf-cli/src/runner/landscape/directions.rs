//! Where the plane lies: through iterates or along eigenvectors, and how far the view of it reaches.

use gf_core::{Streams, vector};
use gf_spectrum::{EigenpairSettings, EigenpairSolver, Matrix, Plane, SpectrumError, principal_directions};

use super::{LandscapeAxis, Loss, grid};
use crate::runner::path::ArmPath;
use crate::study::{LandscapeSpec, PlaneEigenvectors};

/// A plane with the axes of the view on it, or why there is none.
pub(super) type Found = Result<(Plane, [LandscapeAxis; 2]), SpectrumError>;

fn end(path: &ArmPath) -> &[f64] {
    path.points().next_back().expect("a run that did not fail has a start, which is finite")
}

fn start(path: &ArmPath) -> &[f64] {
    path.points().next().expect("a run that did not fail has a start, which is finite")
}

/// Along the principal directions of all iterates; the view holds them all.
pub(super) fn of_iterates(spec: &LandscapeSpec, paths: &[&ArmPath], reference: &ArmPath) -> Found {
    let points = paths.iter().map(|path| path.points.as_slice()).collect::<Vec<_>>().concat();
    let principal = principal_directions(end(reference).len(), &points, 2)?;
    let directions = [0, 1].map(|k| principal.direction(k).to_vec());
    let mut plane = Plane::new(end(reference).to_vec(), directions)?;
    plane.seen_from_below(start(reference));
    let mut ranges = [(0.0f64, 0.0f64); 2];
    for point in paths.iter().flat_map(|path| path.points()) {
        for (range, x) in ranges.iter_mut().zip(plane.project(point).coordinates) {
            *range = (range.0.min(x), range.1.max(x));
        }
    }
    let axis = |k: usize| {
        let (low, high) = ranges[k];
        let margin = MARGIN * (high - low);
        let values = grid(low - margin, high + margin, spec.grid);
        LandscapeAxis { values, share: Some(principal.share(k)), ..LandscapeAxis::default() }
    };
    Ok((plane, [axis(0), axis(1)]))
}

/// Along eigenvectors of the Hessian at the end of the reference; probes of the eigensolver are those of `seed`.
pub(super) fn of_eigenvectors(spec: &LandscapeSpec, seed: u64, reference: &ArmPath, loss: &mut Loss) -> Found {
    let (start, end) = (start(reference), end(reference));
    let (top, bottom) = match spec.eigenvectors {
        PlaneEigenvectors::Top => (2, 0),
        PlaneEigenvectors::Extremes => (1, 1),
    };
    let mut solver = EigenpairSolver::new(end.len(), EigenpairSettings { top, bottom, ..Default::default() })?;
    let mut gradient = vec![0.0; end.len()];
    loss.0.value_and_gradient(end, &mut gradient)?;
    let gained = loss.at(start).zip(loss.at(end)).map_or(0.0, |(start, end)| start - end);
    let mut hessian = Matrix::Hessian.at(&mut *loss.0, end)?;
    let pairs = solver.solve(&mut hessian, &mut Streams::new(seed).probes())?;
    let mut plane = Plane::new(end.to_vec(), [0, 1].map(|k| pairs.vector(k).to_vec()))?;
    plane.seen_from_below(start);
    let way = start.iter().zip(end).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    let axis = |k: usize| {
        let pair = pairs.all()[k];
        let reach = spec.reach.unwrap_or_else(|| reach(pair.value, gained, way));
        LandscapeAxis {
            values: grid(-reach, reach, spec.grid),
            share: None,
            eigenvalue: Some(pair.value),
            residual: Some(pair.residual),
            slope: Some(vector::dot(&plane.directions()[k], &gradient)),
        }
    };
    let axes = [axis(0), axis(1)];
    Ok((plane, axes))
}

/// Where ½|λ|t² is a tenth of what the run has gained, but no longer than its way; 1 where it has taken none. Paths along steep directions end long before
/// the parabola has risen to where they began.
fn reach(eigenvalue: f64, gained: f64, way: f64) -> f64 {
    let reach = (0.2 * gained.max(0.0) / eigenvalue.abs()).sqrt();
    let way = if way > 0.0 { way } else { 1.0 };
    if reach > 0.0 { reach.min(way) } else { way }
}

/// What the view of a plane of iterates adds on either side, as a share of their extent.
const MARGIN: f64 = 0.15;
