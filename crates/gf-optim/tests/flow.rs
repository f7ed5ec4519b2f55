//! The reference flow against flows known in closed form.

#![allow(clippy::unwrap_used, reason = "a test that unwraps an error fails, as it should")]

mod support;

use gf_core::problems::{DoubleWell, Quadratic, Quartic, ScalarChain};
use gf_core::{FromClosure, Objective, Streams};
use gf_optim::{Flow, FlowError};
use support::distance;

/// The largest relative distance to `exact` at times that fall anywhere within the steps.
fn error(mut objective: impl Objective, start: &[f64], tolerance: f64, exact: impl Fn(f64) -> Vec<f64>) -> f64 {
    let mut flow = Flow::new(&mut objective, start.to_vec(), tolerance).unwrap();
    let mut theta = vec![0.0; start.len()];
    let times = (0..=200).map(|k| 0.017 * f64::from(k));
    times.fold(0.0, |worst, time| {
        flow.at(&mut objective, time, &mut theta).unwrap();
        f64::max(worst, distance(&theta, &exact(time)))
    })
}

#[test]
fn exact_flows_are_met_at_every_time_to_about_the_tolerance() {
    let quartic = Quartic::new(2);
    let linear = Quadratic::rotated(&[30.0, 0.5, -0.3], &mut Streams::new(2).data());
    for tolerance in [1e-6, 1e-9, 1e-11] {
        let found = [
            error(quartic, &[1.2, -0.7], tolerance, |t| quartic.flow(&[1.2, -0.7], t)),
            error(DoubleWell::default(), &[0.1], tolerance, |t| DoubleWell::default().flow(&[0.1], t)),
            error(linear.clone(), &[1.0, -2.0, 0.5], tolerance, |t| linear.flow(&[1.0, -2.0, 0.5], t)),
        ];
        // Local errors of some tens of steps add up; dense output has one order less.
        assert!(found.iter().all(|error| *error < 100.0 * tolerance), "{tolerance:e}: {found:?}");
        assert!(tolerance > 1e-7 || found.iter().all(|error| *error < 1e-7), "{found:?}");
    }
}

#[test]
fn the_chain_conserves_the_difference_of_squares() {
    let mut flow = Flow::new(&mut ScalarChain, vec![2.0, 0.1], 1e-11).unwrap();
    let mut theta = [0.0; 2];
    for k in 0..50 {
        flow.at(&mut ScalarChain, 0.3 * f64::from(k), &mut theta).unwrap();
        assert!((theta[0] * theta[0] - theta[1] * theta[1] - 3.99).abs() < 1e-9, "{theta:?}");
    }
    assert!((theta[0] * theta[1] - 1.0).abs() < 1e-9);
    let mut other = Flow::by_tsitouras(&mut ScalarChain, vec![2.0, 0.1], 1e-11).unwrap();
    let mut there = [0.0; 2];
    other.at(&mut ScalarChain, 0.3 * 49.0, &mut there).unwrap();
    assert!(distance(&there, &theta) < 1e-9, "{there:?} {theta:?}");
    assert!(flow.steps() > 5 && flow.work().gradients > 7 * flow.steps() - 7);
}

#[test]
fn time_does_not_run_backwards_and_a_flow_that_blows_up_ends() {
    let mut parabola = Quadratic::diagonal(&[1.0]);
    let mut flow = Flow::new(&mut parabola, vec![1.0], 1e-9).unwrap();
    let mut theta = [7.0];
    flow.at(&mut parabola, 5.0, &mut theta).unwrap();
    assert!(matches!(flow.at(&mut parabola, 0.0, &mut theta), Err(FlowError::Passed { .. })));
    // θ' = θ² reaches infinity at time 1.
    let mut explosive = FromClosure::new(1, |t: &[f64], g: &mut [f64]| {
        g[0] = -t[0] * t[0];
        -t[0].powi(3) / 3.0
    });
    let mut flow = Flow::new(&mut explosive, vec![1.0], 1e-6).unwrap();
    flow.at(&mut explosive, 0.9, &mut theta).unwrap();
    assert!((theta[0] - 10.0).abs() < 1e-2);
    let kept = theta;
    assert!(matches!(flow.at(&mut explosive, 1.1, &mut theta), Err(FlowError::Step { .. })));
    assert_eq!(theta, kept);
}
