//! Methods, solvers and step controls on samples that are spread over ranks: they run unchanged, decide alike on all ranks, and stay beside the run of one process.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::sync::Arc;

use gf_core::{
    Communicator, DenseHessian, Distributed, EvalError, HessianProduct, Objective, Observer, Samples, StepRecord,
    Streams, Targets, ThreadCommunicator, Triangle, standard_normal,
};
use gf_layers::{Activation, Batches, Initialization, Loss, Network, NetworkObjective, Part};
use gf_linalg::lanczos::{End, extreme_eigenvalue};
use gf_linalg::{Factorization, ShiftedMatrix};
use gf_optim::control::Constant;
use gf_optim::methods::ExplicitEuler;
use gf_optim::registry::{AnyObjective, ControlSettings, MethodSettings};
use gf_optim::{Budget, Outcome, integrate};
use support::all_controls;

const ROWS: usize = 96;
const L2: f64 = 0.02;

fn network() -> Network {
    Network::new(3).dense(6, Activation::Tanh).dense(5, Activation::Tanh).dense(2, Activation::Identity)
}

fn samples() -> Samples {
    let mut rng = Streams::new(8).data();
    let inputs: Vec<f64> = (0..3 * ROWS).map(|_| standard_normal(&mut rng)).collect();
    let target = |x: &[f64]| [(x[0] - x[1]).sin(), x[1] * x[2]];
    let values = inputs.chunks_exact(3).flat_map(target).collect();
    Samples::new(3, inputs, Targets::Values { width: 2, values }).unwrap()
}

fn start() -> Vec<f64> {
    network().init(&Initialization::Auto, &mut Streams::new(3).init())
}

fn serial(batches: Batches) -> NetworkObjective {
    network().objective(Loss::mse(), &samples(), batches).unwrap().with_l2(L2).unwrap()
}

/// Every third sample and so on, so that no batch lies in one rank.
fn spread(batches: Batches, rank: ThreadCommunicator) -> Distributed<NetworkObjective, ThreadCommunicator> {
    let rows: Vec<usize> = (rank.rank()..ROWS).step_by(rank.size()).collect();
    let own = Arc::new(samples().select(&rows));
    let part = Part::new(rows, ROWS).unwrap();
    let l2 = if rank.rank() == 0 { L2 } else { 0.0 };
    let objective = network().objective_of_part(Loss::mse(), own, &part, batches).unwrap().with_l2(l2).unwrap();
    Distributed::new(objective, rank)
}

fn run(
    objective: &mut AnyObjective,
    settings: &MethodSettings,
    control: Option<&ControlSettings>,
    steps: u64,
) -> Outcome {
    let (mut method, mut control) = (settings.build().unwrap(), settings.build_control(control).unwrap());
    integrate(objective, &mut *method, &mut *control, &mut [], start(), &Budget::steps(steps)).unwrap()
}

fn method(text: &str) -> MethodSettings {
    toml::from_str(text).unwrap()
}

fn relative_distance(a: &[f64], b: &[f64]) -> f64 {
    let difference: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    gf_core::vector::norm(&difference) / gf_core::vector::norm(b)
}

/// Whether H + shift·I is positive definite, as a Cholesky factorization says.
fn is_positive_definite(theta: &[f64], shift: f64) -> bool {
    let mut matrix = ShiftedMatrix::new(theta.len()).unwrap();
    serial(Batches::full()).dense_hessian(theta, Triangle::Lower, matrix.fill()).unwrap();
    matrix.factorize(Factorization::Cholesky, shift).is_ok()
}

/// The largest eigenvalue of H.
fn sharpness(theta: &[f64]) -> f64 {
    let mut objective = serial(Batches::full());
    let mut products = objective.hessian_at(theta).unwrap();
    extreme_eigenvalue(&mut products, End::Dominant, &vec![1.0; theta.len()], 1e-6, 400).unwrap().value
}

/// The bar: 200 steps below the edge of stability, with positive definite H + λI, to 1e-8.
#[test]
fn two_hundred_steps_on_ranks_are_those_of_one_process() {
    let (h, damping) = (0.02, 2.0);
    let methods = [
        method(&format!("[explicit]\nh = {h}")),
        method("[implicit]\nh = 0.4\nsolver = \"minres\""),
        method(&format!("[newton]\ndamping = {damping}\nsolver = \"minres\"")),
        method(&format!("[newton]\ndamping = {damping}\nsolver = \"cholesky\"")),
    ];
    for settings in methods {
        let expected = run(&mut serial(Batches::full()), &settings, None, 200);
        assert_eq!(expected.steps, 200);
        for theta in [start(), expected.theta.clone()] {
            assert!(is_positive_definite(&theta, damping) && is_positive_definite(&theta, 1.0 / 0.4));
            let sharpness = sharpness(&theta);
            assert!(sharpness < 2.0 / h, "expected to be below the edge of stability, found {sharpness}");
        }
        for size in 1..=4 {
            let repeat =
                || ThreadCommunicator::run(size, |rank| run(&mut spread(Batches::full(), rank), &settings, None, 200));
            let outcomes = repeat();
            let first = &outcomes[0];
            let apart = relative_distance(&first.theta, &expected.theta);
            let loss_apart = (first.loss - expected.loss).abs() / expected.loss;
            assert!(apart < 1e-8 && loss_apart < 1e-8, "{size} ranks, {settings:?}: {apart:e}, {loss_apart:e}");
            assert!(outcomes.iter().all(|other| same(first, other)), "the same bits on all ranks");
            assert!(repeat().iter().all(|other| same(first, other)), "the same bits again");
            if size == 1 {
                assert!(same(first, &expected), "one rank has the bits of the plain objective");
            }
        }
    }
}

fn same(a: &Outcome, b: &Outcome) -> bool {
    (&a.theta, a.loss.to_bits(), a.steps, a.rejected, &a.stop, a.work)
        == (&b.theta, b.loss.to_bits(), b.steps, b.rejected, &b.stop, b.work)
}

/// Nothing in gf-optim knows of ranks: what it decides on is the same everywhere.
#[test]
fn every_method_under_every_control_decides_alike_on_all_ranks() {
    let controls = all_controls();
    let mut tried = 0;
    for settings in MethodSettings::all_defaults() {
        for control in controls.iter().map(Option::as_ref) {
            if settings.build_control(control).is_err() {
                continue;
            }
            for batches in [Batches::full(), Batches::shuffled(20, Streams::new(1))] {
                let outcomes =
                    ThreadCommunicator::run(3, |rank| run(&mut spread(batches, rank), &settings, control, 12));
                let name = format!("{settings:?}, {control:?}, {batches:?}");
                assert!(outcomes.iter().all(|other| same(&outcomes[0], other)), "{name}");
                // Beside one process for as long as curvature of either sign does not amplify what additions in another order round.
                let near = ThreadCommunicator::run(3, |rank| run(&mut spread(batches, rank), &settings, control, 2));
                let expected = run(&mut serial(batches), &settings, control, 2);
                assert_eq!((near[0].steps, near[0].stop.name()), (expected.steps, expected.stop.name()), "{name}");
                let apart = relative_distance(&near[0].theta, &expected.theta);
                assert!(apart < 1e-8, "{name}: {apart:e}");
                tried += 1;
            }
        }
    }
    assert!(tried > 60, "{tried}");
}

/// Fails on one rank from the fourth gradient on.
struct FailsLater {
    objective: NetworkObjective,
    fails: bool,
    gradients: u64,
}

impl Objective for FailsLater {
    fn dim(&self) -> usize {
        self.objective.dim()
    }
    fn value(&mut self, theta: &[f64]) -> Result<f64, EvalError> {
        self.objective.value(theta)
    }
    fn value_and_gradient(&mut self, theta: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        self.gradients += 1;
        match self.fails && self.gradients >= 4 {
            true => Err(EvalError::NotFinite { what: "a sample" }),
            false => self.objective.value_and_gradient(theta, gradient),
        }
    }
}

/// The steps that were accepted.
struct Steps(u64);

impl Observer for Steps {
    fn accepted(&mut self, record: &StepRecord<'_>) {
        self.0 = record.step;
    }
}

#[test]
fn a_rank_that_cannot_be_evaluated_ends_the_run_on_all_with_its_words() {
    let ends = ThreadCommunicator::run(3, |rank| {
        let fails = rank.rank() == 2;
        let local = FailsLater { objective: serial(Batches::full()), fails, gradients: 0 };
        let mut objective = Distributed::new(local, rank);
        let mut steps = Steps(0);
        let budget = Budget::steps(9);
        let control = &mut Constant::new(0.01);
        let end = integrate(&mut objective, &mut ExplicitEuler, control, &mut [&mut steps], start(), &budget);
        (end.err().map(|error| error.to_string()), steps.0)
    });
    let expected = (Some("on rank 2: a sample is not finite".to_string()), 3);
    assert!(ends.iter().all(|end| *end == expected), "{ends:?}");
}
