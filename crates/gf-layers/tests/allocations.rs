//! After set-up nothing allocates, the lists of tasks of a dense matrix excepted.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use gf_core::{
    DenseHessian, GaussNewton, HessianProduct, Objective, Streams, SymmetricOperator, ThirdDerivative, Triangle,
};
use gf_layers::{Activation, Batches, Loss, Network};
use gf_testing::{CountingAllocator, fewest_allocations};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// One test, so that no other test allocates meanwhile.
#[test]
fn evaluations_allocate_nothing() {
    use Activation::{Gelu, Identity, Sigmoid, Tanh};
    let plain = Network::new(13).dense(20, Tanh).dense(15, Gelu).dense(4, Sigmoid).dense(3, Identity);
    let deep = Network::new(13).residual(Tanh).dense(15, Gelu).residual(Sigmoid).residual(Identity).dense(3, Identity);
    for network in [plain, deep.residual(Tanh)] {
        check(&network);
    }
}

fn check(network: &Network) {
    for loss in
        [Loss::mse(), Loss::huber(0.5), Loss::bce_with_logits(), Loss::softmax_cross_entropy(), Loss::focal(2.0)]
    {
        let samples = common::samples(1, 700, network, &loss);
        let mut objective = network.objective(loss, &samples, Batches::shuffled(300, Streams::new(1))).unwrap();
        let theta = common::parameters(1, network);
        let p = theta.len();
        let (mut v, mut out, mut matrix) = (common::normals(2, p), vec![0.0; p], vec![0.0; p * p]);
        let mut everything = || {
            for step in 1..=8 {
                objective.begin_step(step);
                objective.value_and_gradient(&theta, &mut out).unwrap();
                objective.value(&v).unwrap();
                objective.hessian_at(&theta).unwrap().apply(&v, &mut out);
                objective.gauss_newton_at(&v).unwrap().apply(&theta, &mut out);
                objective.gauss_newton_at(&theta).unwrap().apply_block(1, &v, &mut out);
                objective.curvature_gradient(&theta, &v, &theta, &mut out).unwrap();
            }
        };
        everything();
        assert_eq!(fewest_allocations(everything), 0);
        v[0] = 0.0;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let mut dense = || {
            objective.begin_step(1);
            objective.dense_hessian(&theta, Triangle::Both, &mut matrix).unwrap();
            objective.dense_gauss_newton(&theta, Triangle::Lower, &mut matrix).unwrap();
        };
        pool.install(&mut dense);
        // A list of columns a task, and the growing list of tasks, of two matrices; less than a tenth of p in all.
        let counted = pool.install(|| fewest_allocations(&mut dense));
        assert!(counted < 200, "{counted} allocations");
    }
}
