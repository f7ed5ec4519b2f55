//! The loss on samples that are spread over ranks is the loss on all of them.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::sync::Arc;

use common::{normals, parameters, relative_error, samples};
use gf_core::{
    Communicator, DenseHessian, Distributed, EvalError, GaussNewton, HessianProduct, Objective, Samples, Streams,
    SymmetricOperator, ThirdDerivative, ThreadCommunicator, Triangle,
};
use gf_layers::{Activation, Batches, Loss, LossFunction, Network, NetworkError, NetworkObjective, Part, Reduction};

/// Everything there is to know at θ on the batch of `step`.
#[derive(Clone, PartialEq, Debug)]
struct Known {
    value: f64,
    gradient: Vec<f64>,
    hessian_products: Vec<f64>,
    gauss_newton_product: Vec<f64>,
    hessian: Vec<f64>,
    gauss_newton: Vec<f64>,
    third: Vec<f64>,
    cost: f64,
}

fn know(
    objective: &mut (impl HessianProduct + DenseHessian + GaussNewton + ThirdDerivative),
    theta: &[f64],
    step: u64,
) -> Known {
    let p = objective.dim();
    objective.begin_step(step);
    let mut gradient = vec![0.0; p];
    let value = objective.value_and_gradient(theta, &mut gradient).unwrap();
    let scale = value.abs().max(1e-3);
    assert!((objective.value(theta).unwrap() - value).abs() <= 1e-14 * scale);
    let v = normals(5, 3 * p);
    let (mut hessian_products, mut gauss_newton_product) = (vec![0.0; 3 * p], vec![0.0; p]);
    objective.hessian_at(theta).unwrap().apply_block(3, &v, &mut hessian_products);
    objective.gauss_newton_at(theta).unwrap().apply(&v[..p], &mut gauss_newton_product);
    let (mut hessian, mut gauss_newton, mut third) = (vec![0.0; p * p], vec![7.0; p * p], vec![0.0; p]);
    objective.dense_hessian(theta, Triangle::Both, &mut hessian).unwrap();
    objective.dense_gauss_newton(theta, Triangle::Lower, &mut gauss_newton).unwrap();
    objective.curvature_gradient(theta, &v[..p], &v[p..2 * p], &mut third).unwrap();
    let cost = objective.cost().value_and_gradient;
    Known { value, gradient, hessian_products, gauss_newton_product, hessian, gauss_newton, third, cost }
}

impl Known {
    fn assert_near(&self, other: &Self, what: &str) {
        let near = |found: &[f64], expected: &[f64], tolerance: f64, name: &str| {
            let error = relative_error(found, expected);
            assert!(error <= tolerance, "{what}, {name}: {error:e}");
        };
        near(&[self.value], &[other.value], 1e-13, "value");
        near(&self.gradient, &other.gradient, 1e-13, "gradient");
        near(&self.hessian_products, &other.hessian_products, 1e-12, "Hessian products");
        near(&self.gauss_newton_product, &other.gauss_newton_product, 1e-12, "Gauss-Newton product");
        near(&self.hessian, &other.hessian, 1e-12, "Hessian");
        near(&self.gauss_newton, &other.gauss_newton, 1e-12, "Gauss-Newton matrix");
        near(&self.third, &other.third, 1e-12, "third derivative");
        assert_eq!(self.cost, other.cost, "{what}: model flops");
    }
}

/// Sample i belongs to rank i² mod 7 mod size: uneven, interleaved, and from the fourth rank on without any.
fn part(total: usize, rank: &impl Communicator) -> Vec<usize> {
    (0..total).filter(|i| i * i % 7 % rank.size() == rank.rank()).collect()
}

fn distributed<'a>(
    network: &Network,
    loss: &Loss,
    all: &Samples,
    batches: Batches,
    rank: &'a ThreadCommunicator,
) -> Distributed<NetworkObjective, RankOf<'a>> {
    let rows = part(all.len(), rank);
    let own = Arc::new(all.select(&rows));
    let mut part = Part::new(rows, all.len()).unwrap();
    if let gf_core::Targets::Classes { labels, .. } = all.targets() {
        part = part.with_labels(labels.clone()).unwrap();
    }
    let objective = network.objective_of_part(loss.clone(), own, &part, batches).unwrap();
    let l2 = if rank.rank() == 0 { 0.03 } else { 0.0 };
    Distributed::new(objective.with_l2(l2).unwrap(), RankOf(rank))
}

/// A rank that several objectives share.
struct RankOf<'a>(&'a ThreadCommunicator);

impl Communicator for RankOf<'_> {
    fn rank(&self) -> usize {
        self.0.rank()
    }
    fn size(&self) -> usize {
        self.0.size()
    }
    fn sum(&self, numbers: &mut [f64]) {
        self.0.sum(numbers);
    }
    fn broadcast(&self, numbers: &mut [f64]) {
        self.0.broadcast(numbers);
    }
    fn barrier(&self) {
        self.0.barrier();
    }
}

fn losses() -> Vec<Loss> {
    let weighted = LossFunction::SoftmaxCrossEntropy { label_smoothing: 0.1, class_weights: Some(vec![0.5, 2.0, 0.0]) };
    let cross_entropy = LossFunction::SoftmaxCrossEntropy { label_smoothing: 0.0, class_weights: None };
    let mean = |function| Loss { function, reduction: Reduction::Mean };
    vec![
        Loss::mse(),
        Loss { function: LossFunction::HalfMse, reduction: Reduction::Sum },
        mean(LossFunction::Huber { delta: 0.5 }),
        mean(weighted),
        mean(cross_entropy),
    ]
}

#[test]
fn ranks_together_know_what_one_process_knows() {
    let networks = [
        Network::new(4).dense(6, Activation::Tanh).dense(3, Activation::Identity),
        // Merged, and with a skip connection.
        Network::new(4).dense(5, Activation::Identity).dense(5, Activation::Softplus).dense(3, Activation::Identity),
    ];
    let mut cases = 0;
    for (number, network) in networks.iter().enumerate() {
        for loss in losses() {
            let all = samples(number as u64, 301, network, &loss);
            for batches in
                [Batches::full(), Batches::shuffled(3, Streams::new(4)), Batches::shuffled(150, Streams::new(4))]
            {
                let theta = parameters(number as u64 + 3, network);
                let mut serial = network.objective(loss.clone(), &all, batches).unwrap().with_l2(0.03).unwrap();
                let steps = [1, 2, 104];
                let expected = steps.map(|step| know(&mut serial, &theta, step));
                for size in 1..=5 {
                    let found = ThreadCommunicator::run(size, |rank| {
                        let mut objective = distributed(network, &loss, &all, batches, &rank);
                        assert_eq!(objective.local().batches_per_epoch(), serial.batches_per_epoch());
                        steps.map(|step| know(&mut objective, &theta, step))
                    });
                    for (rank, found) in found.iter().enumerate() {
                        let what = format!("{loss:?}, {batches:?}, rank {rank} of {size}");
                        found.iter().zip(&expected).for_each(|(found, expected)| found.assert_near(expected, &what));
                    }
                    assert!(found.iter().all(|other| *other == found[0]), "the same bits on all ranks");
                    if size == 1 {
                        assert_eq!(found[0], expected, "one rank has the bits of the plain objective");
                    }
                    cases += 1;
                }
            }
        }
    }
    assert_eq!(cases, 150);
}

#[test]
fn repetitions_have_the_same_bits() {
    let network = Network::new(4).dense(6, Activation::Tanh).dense(3, Activation::Identity);
    let all = samples(1, 500, &network, &Loss::mse());
    let theta = parameters(1, &network);
    let run = || {
        ThreadCommunicator::run(3, |rank| {
            know(&mut distributed(&network, &Loss::mse(), &all, Batches::fixed(70), &rank), &theta, 3)
        })
    };
    let first = run();
    (0..20).for_each(|_| assert_eq!(run(), first));
}

#[test]
fn a_part_that_does_not_fit_is_refused() {
    let network = Network::new(4).dense(3, Activation::Identity);
    let weighted = losses().remove(3);
    let own = Arc::new(samples(1, 3, &network, &weighted));
    let of = |loss: &Loss, part: &Part| {
        network.objective_of_part(loss.clone(), Arc::clone(&own), part, Batches::full()).unwrap_err()
    };
    assert_eq!(Part::new(vec![0, 5], 5), Err(NetworkError::Part { sample: 1, row: 5, total: 5 }));
    assert_eq!(Part::new(vec![2, 1, 2], 5), Err(NetworkError::Part { sample: 2, row: 2, total: 5 }));
    let part = Part::new(vec![0, 1, 4], 5).unwrap();
    assert_eq!(of(&weighted, &part), NetworkError::PartWithoutLabels);
    let short = Part::new(vec![0, 1], 5).unwrap();
    let expected = NetworkError::Length { what: "samples of the part", expected: 2, found: 3 };
    assert_eq!(of(&Loss::mse(), &short), expected);
    let expected = NetworkError::Length { what: "labels of the whole set", expected: 5, found: 1 };
    assert_eq!(part.with_labels(vec![1]), Err(expected));
}

/// A summand that fails on one rank.
struct Fails(bool);

impl Objective for Fails {
    fn dim(&self) -> usize {
        1
    }
    fn value(&mut self, _theta: &[f64]) -> Result<f64, EvalError> {
        if self.0 { Err(EvalError::NotFinite { what: "input 7" }) } else { Ok(1.0) }
    }
    fn value_and_gradient(&mut self, theta: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        gradient[0] = 1.0;
        self.value(theta)
    }
}

impl HessianProduct for Fails {
    fn hessian_at<'a>(&'a mut self, theta: &[f64]) -> Result<gf_core::CurvatureAt<'a>, EvalError> {
        self.value(theta).map(|_| unreachable!("not reached in this test"))
    }
}

impl DenseHessian for Fails {
    fn dense_hessian(&mut self, theta: &[f64], _: Triangle, _: &mut [f64]) -> Result<(), EvalError> {
        self.value(theta).map(|_| ())
    }
}

#[test]
fn a_failure_on_one_rank_is_named_on_all_and_nobody_waits() {
    let errors = ThreadCommunicator::run(3, |rank| {
        let fails = rank.rank() == 1;
        let mut objective = Distributed::new(Fails(fails), rank);
        let mut gradient = [0.0];
        let errors = [
            objective.value(&[0.0]).unwrap_err(),
            objective.value_and_gradient(&[0.0], &mut gradient).unwrap_err(),
            objective.dense_hessian(&[0.0], Triangle::Both, &mut gradient).unwrap_err(),
        ];
        objective.local_mut().0 = false;
        assert_eq!(objective.value(&[0.0]), Ok(3.0));
        errors
    });
    for error in errors.iter().flatten() {
        assert_eq!(error.to_string(), "on rank 1: input 7 is not finite");
    }
    let errors = ThreadCommunicator::run(2, |rank| {
        let mut objective = Distributed::new(Fails(true), rank);
        objective.hessian_at(&[0.0]).err().unwrap().to_string()
    });
    assert_eq!(errors, ["on rank 0: input 7 is not finite", "on rank 0: input 7 is not finite"]);
}
