//! After set-up, a step allocates nothing.

#![allow(clippy::unwrap_used, reason = "a test that unwraps an error fails, as it should")]

use gf_core::problems::Quadratic;
use gf_core::{Observer, StepRecord};
use gf_optim::registry::{AnyObjective, LinearSolver, MethodSettings};
use gf_optim::{Budget, integrate};
use gf_testing::{CountingAllocator, allocations};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Notes the allocation count at steps 1 and 20.
struct Watch([u64; 2]);
impl Observer for Watch {
    fn accepted(&mut self, record: &StepRecord<'_>) {
        match record.step {
            1 => self.0[0] = allocations(),
            20 => self.0[1] = allocations(),
            _ => {}
        }
    }
}

#[test]
fn steps_allocate_nothing() {
    let eigenvalues: Vec<f64> = (0..80).map(|k| 0.5 + f64::from(k)).collect();
    let mut quadratic = Quadratic::diagonal(&eigenvalues);
    // Writing down this test's matrix allocates one vector a step.
    const DENSE: u64 = 19;
    for (text, allowed) in [
        ("explicit = { h = 0.01 }", 0),
        ("explicit = { h = 0.01, clip_norm = 1.0, clip_value = 0.5 }", 0),
        ("normalized = {}", 0),
        ("midpoint = {}", 0),
        ("heun = {}", 0),
        ("rk4 = {}", 0),
        ("dormand-prince = {}", 0),
        ("tsitouras = {}", 0),
        ("rkc2 = {}", 0),
        ("heavy-ball = {}", 0),
        ("nesterov = { clip_norm = 1.0 }", 0),
        ("rmsprop = {}", 0),
        ("adam = {}", 0),
        ("adamw = {}", 0),
        ("implicit = { h = 0.05 }", 0),
        ("implicit = { h = 0.05, warm_start = true }", 0),
        ("implicit = { h = 0.05, solver = \"cg\" }", 0),
        ("implicit = { h = 0.05, solver = \"cholesky\" }", DENSE),
        ("implicit = { h = 0.05, solver = \"lblt\" }", DENSE),
        ("implicit = { h = 0.05, solver = \"auto\" }", 0),
        ("newton = { solver = \"minres\" }", 0),
        ("newton = { solver = \"lblt\" }", DENSE),
        ("newton = { solver = \"auto\" }", DENSE),
        ("backward-euler = {}", 0),
        ("implicit-midpoint = {}", 0),
        ("trapezoidal = {}", 0),
        ("sdirk2 = {}", 0),
        ("tr-bdf2 = {}", 0),
        ("bdf2 = {}", 0),
        ("ros2 = {}", 0),
        ("rodas3 = {}", 0),
        ("ros2 = { solver = \"lblt\" }", DENSE),
        ("exponential-euler = {}", 0),
        ("modified-newton = {}", DENSE),
        ("saddle-free = {}", DENSE),
        ("gauss-newton = {}", 0),
        ("gauss-newton = { solver = \"lblt\" }", DENSE),
        ("levenberg-marquardt = {}", 0),
        ("levenberg-marquardt = { solver = \"lblt\" }", DENSE),
        ("trust-region = {}", DENSE),
        ("steihaug = {}", 0),
        ("cubic = {}", DENSE),
        ("lbfgs = {}", 0),
        ("newton-cg = {}", 0),
    ] {
        assert_fewest(toml::from_str(text).unwrap(), allowed, &mut quadratic);
    }
    // No method is forgotten.
    for settings in MethodSettings::all_defaults() {
        let writes_matrix =
            settings.settings().dense_matrices() > 0 || settings.settings().solver() == Some(LinearSolver::Auto);
        assert_fewest(settings, if writes_matrix { DENSE } else { 0 }, &mut quadratic);
    }
}

/// Runs it three times: the harness has a thread of its own that may allocate, but hardly in every run.
fn assert_fewest(settings: MethodSettings, allowed: u64, quadratic: &mut Quadratic) {
    let counts = [(); 3].map(|()| {
        let mut method = settings.build().unwrap();
        let mut control = settings.build_control(None).unwrap();
        let mut watch = Watch([0; 2]);
        integrate(
            &mut *quadratic as &mut AnyObjective,
            &mut *method,
            &mut *control,
            &mut [&mut watch],
            vec![1.0; 80],
            &Budget::steps(20),
        )
        .unwrap();
        watch.0[1] - watch.0[0]
    });
    let found = counts.into_iter().min().unwrap();
    assert!(found <= allowed, "{settings:?}: {found} allocations in 19 steps, allowed {allowed}");
}
