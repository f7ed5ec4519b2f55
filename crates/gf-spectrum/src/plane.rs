//! A plane in parameter space.

use gf_core::vector;

use crate::SpectrumError;

/// θ(x, y) = θ₀ + x u + y v with orthonormal u and v.
#[derive(Debug, Clone, PartialEq)]
pub struct Plane {
    origin: Vec<f64>,
    directions: [Vec<f64>; 2],
}

/// Where a point lies in relation to a plane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Projection {
    /// x and y of the nearest point of the plane, in units of θ.
    pub coordinates: [f64; 2],
    /// How far away that is, in units of θ.
    pub distance: f64,
}

impl Plane {
    /// Through `origin` along two directions, p numbers each: the first is brought to length 1, and so is what of the second is orthogonal to it.
    ///
    /// # Errors
    /// [`SpectrumError::Rank`] when the directions are parallel to rounding, or vanish; [`SpectrumError::NotFinite`].
    ///
    /// # Panics
    /// When lengths differ.
    pub fn new(origin: Vec<f64>, mut directions: [Vec<f64>; 2]) -> Result<Self, SpectrumError> {
        let p = origin.len();
        assert!(directions.iter().all(|direction| direction.len() == p), "vectors of {p} numbers");
        if !directions.iter().chain([&origin]).all(|vector| vector::all_finite(vector)) {
            return Err(SpectrumError::NotFinite { what: "a vector of the plane".into() });
        }
        let [u, v] = &mut directions;
        let parallel = |found| SpectrumError::Rank { found, asked: 2 };
        normalize(u, 0.0).ok_or(parallel(0))?;
        normalize(v, 0.0).ok_or(parallel(1))?;
        // Twice: what the first subtraction leaves of a nearly parallel direction is not orthogonal yet.
        for _ in 0..2 {
            let overlap = vector::dot(u, v);
            vector::add_scaled(v, -overlap, u);
            normalize(v, 1e-12).ok_or(parallel(1))?;
        }
        Ok(Self { origin, directions })
    }

    /// θ₀, p numbers.
    pub fn origin(&self) -> &[f64] {
        &self.origin
    }

    /// u and v, p numbers each.
    pub fn directions(&self) -> &[Vec<f64>; 2] {
        &self.directions
    }

    /// Turns a direction around where `theta` has a positive coordinate along it, so that a path from there to θ₀ goes right and up.
    pub fn seen_from_below(&mut self, theta: &[f64]) {
        let coordinates = self.project(theta).coordinates;
        for (direction, coordinate) in self.directions.iter_mut().zip(coordinates) {
            if coordinate > 0.0 {
                direction.iter_mut().for_each(|x| *x = -*x);
            }
        }
    }

    /// The orthogonal projection of `theta` (p numbers): x = uᵀ(θ − θ₀), y = vᵀ(θ − θ₀), and how far θ is from θ(x, y).
    pub fn project(&self, theta: &[f64]) -> Projection {
        let mut rest: Vec<f64> = theta.iter().zip(&self.origin).map(|(x, origin)| x - origin).collect();
        let coordinates = self.directions.each_ref().map(|direction| vector::dot(direction, &rest));
        for (direction, coordinate) in self.directions.iter().zip(coordinates) {
            vector::add_scaled(&mut rest, -coordinate, direction);
        }
        Projection { coordinates, distance: vector::norm(&rest) }
    }

    /// Overwrites `theta` (p numbers) with θ(x, y).
    pub fn point(&self, coordinates: [f64; 2], theta: &mut [f64]) {
        theta.copy_from_slice(&self.origin);
        for (direction, coordinate) in self.directions.iter().zip(coordinates) {
            vector::add_scaled(theta, coordinate, direction);
        }
    }
}

/// Brings `x` to length 1, where it is longer than `least`.
fn normalize(x: &mut [f64], least: f64) -> Option<()> {
    let length = vector::norm(x);
    (length > least && length.is_finite()).then(|| x.iter_mut().for_each(|x| *x /= length))
}
