//! Principal directions and planes, against numbers of numpy.

#![allow(clippy::unwrap_used, reason = "tests")]

use gf_core::vector;
use gf_spectrum::{Plane, SpectrumError, principal_directions};

mod common;

/// Five points of four numbers.
const POINTS: [[f64; 4]; 5] =
    [[0.0, 0.0, 0.0, 0.0], [3.0, 1.0, 0.0, 1.0], [5.0, 1.0, 1.0, 2.0], [6.0, 3.0, 1.0, 2.0], [7.0, 2.0, 3.0, 2.0]];

/// As numpy has them: `c = x - x.mean(axis=0); u, s, v = np.linalg.svd(c, full_matrices=False)`, `v[:2]`, `s[:2]**2 / 4` and `(s**2).sum() / 4`.
#[test]
fn directions_and_variances_are_those_of_a_singular_value_decomposition() {
    let directions = [
        [0.8603277426446609, 0.3007141416169706, 0.3145260637033869, 0.2654817046780507],
        [-0.045896804472419485, -0.5879623015021489, 0.7971115688488833, -0.12964166829684706],
    ];
    let variances = [10.372231903889856, 0.6664665078090704];
    let found = principal_directions(4, POINTS.as_flattened(), 2).unwrap();
    for k in 0..2 {
        let sign = vector::dot(found.direction(k), &directions[k]).signum();
        for (found, expected) in found.direction(k).iter().zip(directions[k]) {
            assert!((sign * found - expected).abs() < 1e-13, "direction {k}: {found} for {expected}");
        }
        assert!((found.variances()[k] - variances[k]).abs() < 1e-13 * variances[0]);
        assert!((found.share(k) - variances[k] / 11.3).abs() < 1e-14);
    }
    assert!((found.total_variance() - 11.3).abs() < 1e-13);
    for (found, expected) in found.mean().iter().zip([4.2, 1.4, 1.0, 1.4]) {
        assert!((found - expected).abs() < 1e-15);
    }
}

/// σ₁ a million times σ₂, far from the origin: what the Gram matrix can still tell apart. Directions are orthonormal to rounding.
#[test]
fn a_weak_direction_is_found_beside_a_strong_one() {
    let p = 500;
    let (strong, weak) = (common::normal(p, 1), common::normal(p, 2));
    let unit = |x: &[f64]| -> Vec<f64> {
        let length = vector::norm(x);
        x.iter().map(|x| x / length).collect()
    };
    let (strong, mut weak) = (unit(&strong), unit(&weak));
    let overlap = vector::dot(&strong, &weak);
    vector::add_scaled(&mut weak, -overlap, &strong);
    let weak = unit(&weak);
    let mut points = Vec::new();
    for k in 0..20 {
        let mut point = common::normal(p, 3);
        vector::add_scaled(&mut point, f64::from(k), &strong);
        vector::add_scaled(&mut point, if k % 2 == 0 { 1e-6 } else { -1e-6 }, &weak);
        points.extend(point);
    }
    let found = principal_directions(p, &points, 2).unwrap();
    assert!(1.0 - vector::dot(found.direction(0), &strong).abs() < 1e-12);
    // Weak by 1e-12 in variance: known to 1e-16 · 20/1e-12 by the Gram matrix, and the points to 1e-16/1e-6.
    assert!(1.0 - vector::dot(found.direction(1), &weak).abs() < 1e-5);
    assert!(vector::dot(found.direction(0), found.direction(1)).abs() < 1e-14);
}

#[test]
fn points_on_a_line_have_one_direction_and_one_point_none() {
    let line: Vec<f64> = (0..6).flat_map(|k| [1.0 + f64::from(k), 2.0 - 0.5 * f64::from(k), 3.0]).collect();
    for (points, known) in [(&line[..], 1), (&line[..6], 1), (&line[..3], 0), (&[][..], 0)] {
        let error = principal_directions(3, points, 2).unwrap_err();
        assert_eq!(error, SpectrumError::Rank { found: known, asked: 2 });
    }
    let same: Vec<f64> = [1.5, 2.5, 3.5].repeat(4);
    assert_eq!(principal_directions(3, &same, 1).unwrap_err(), SpectrumError::Rank { found: 0, asked: 1 });
    let message = principal_directions(3, &line, 2).unwrap_err().to_string();
    assert_eq!(message, "the points differ along 1 of the 2 directions asked for");
    assert!(matches!(principal_directions(1, &[0.0, f64::NAN], 1), Err(SpectrumError::Eigen(_))));
}

#[test]
fn projection_and_point_are_inverse_on_the_plane_and_orthogonal_beside_it() {
    let found = principal_directions(4, POINTS.as_flattened(), 2).unwrap();
    let directions = [found.direction(0).to_vec(), found.direction(1).to_vec()];
    let mut plane = Plane::new(POINTS[4].to_vec(), directions).unwrap();
    plane.seen_from_below(&POINTS[0]);
    assert!(plane.project(&POINTS[0]).coordinates.iter().all(|x| *x < 0.0));
    let mut theta = vec![0.0; 4];
    plane.point([-2.5, 0.75], &mut theta);
    let projection = plane.project(&theta);
    assert!((projection.coordinates[0] + 2.5).abs() < 1e-14 && (projection.coordinates[1] - 0.75).abs() < 1e-14);
    assert!(projection.distance < 1e-14);
    for point in POINTS {
        let projection = plane.project(&point);
        plane.point(projection.coordinates, &mut theta);
        vector::add_scaled(&mut theta, -1.0, &point);
        assert!((vector::norm(&theta) - projection.distance).abs() < 1e-14);
        assert!(plane.directions().iter().all(|direction| vector::dot(direction, &theta).abs() < 1e-14));
    }
}

#[test]
fn a_plane_makes_its_directions_orthonormal_and_refuses_parallel_ones() {
    let plane = Plane::new(vec![1.0; 3], [vec![2.0, 0.0, 0.0], vec![5.0, 0.0, -1e-3]]).unwrap();
    assert_eq!(plane.directions()[0], [1.0, 0.0, 0.0]);
    assert!(
        plane.directions()[1].iter().zip([0.0, 0.0, -1.0]).all(|(found, expected)| (found - expected).abs() < 1e-15)
    );
    let cases = [([0.0, 0.0], [1.0, 0.0], 0), ([1.0, 2.0], [0.0, 0.0], 1), ([1.0, 2.0], [-2.0, -4.0], 1)];
    for (u, v, found) in cases {
        let error = Plane::new(vec![0.0; 2], [u.to_vec(), v.to_vec()]).unwrap_err();
        assert_eq!(error, SpectrumError::Rank { found, asked: 2 });
    }
    let error = Plane::new(vec![f64::NAN], [vec![1.0], vec![1.0]]).unwrap_err();
    assert!(matches!(error, SpectrumError::NotFinite { .. }));
}
