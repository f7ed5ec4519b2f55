//! Whole steps of every method (`step/METHOD/CASE`), their linear solvers (`SOLVER/CASE`), and the time to a loss (`loss-target/METHOD`).
//!
//! The last column says how good the result is: the relative residual of a linear system, the steps to a loss. Dense work on case C is left to its
//! Cholesky factorization, and case E has no dense work, so that all of it takes less than three minutes.

#![allow(clippy::unwrap_used, reason = "a bench that unwraps an error fails")]

use criterion::{Criterion, criterion_group};
use gf_bench::cases::STEP_SIZE;
use gf_bench::{Case, CaseName, Picture, in_the_pool};
use gf_core::{
    Counted, DenseHessian, HessianProduct, Objective, Samples, Streams, SymmetricOperator, Targets, Triangle, vector,
};
use gf_layers::{Activation, Batches, Initialization, Loss, Network, NetworkObjective};
use gf_linalg::{Factorization, ShiftedMatrix};
use gf_optim::control::StepController;
use gf_optim::registry::{AnyMethod, AnyObjective, AnySolver, LinearSolver, MethodSettings, SolverSettings};
use gf_optim::{Budget, Outcome, Stop, integrate};

/// Cases that are run: only small ones where the bench is tested and not measured.
fn cases() -> Vec<Case> {
    let tested = std::env::args().any(|argument| argument == "--test");
    let names = CaseName::ALL.into_iter().filter(|name| !tested || matches!(name, CaseName::A | CaseName::B));
    names.map(Case::synthetic).collect()
}

/// All methods as they come, and the variants that the original experiment and its comparisons use.
fn methods() -> Vec<(String, MethodSettings)> {
    let defaults =
        MethodSettings::all_defaults().into_iter().map(|settings| (settings.info().name.to_owned(), settings));
    let variants = [
        ("implicit-cholesky", "implicit = { solver = \"cholesky\" }"),
        ("implicit-lblt", "implicit = { solver = \"lblt\", indefinite = \"accept\" }"),
        ("newton-original", "newton = { solver = \"lblt\", ascent = \"accept\" }"),
    ];
    defaults.chain(variants.map(|(name, text)| (name.to_owned(), toml::from_str(text).unwrap()))).collect()
}

fn run(
    objective: &mut AnyObjective,
    method: &mut AnyMethod,
    control: &mut dyn StepController,
    theta: &[f64],
    budget: &Budget,
) -> Outcome {
    integrate(objective, method, control, &mut [], theta.to_vec(), budget).unwrap()
}

/// The methods that are timed on every case; the others on the two smallest, so that the bench ends within minutes.
const EVERYWHERE: [&str; 6] =
    ["explicit", "implicit", "newton", "implicit-cholesky", "implicit-lblt", "newton-original"];

/// Whether a step is timed: dense ones where the matrix is small, eigendecompositions (seconds a step here) on the loss target only.
fn is_timed(name: &str, settings: &MethodSettings, case: &Case) -> bool {
    let matrices = settings.settings().dense_matrices();
    let small = matches!(case.name, CaseName::A | CaseName::B);
    let definite = name != "implicit-cholesky" || !case.name.is_indefinite();
    let fits = matrices == 0 || matrices == 1 && !matches!(case.name, CaseName::C | CaseName::E);
    definite && fits && (small || EVERYWHERE.contains(&name))
}

/// What a step did, and for one of linearly implicit Euler its relative residual.
fn describe(name: &str, objective: &mut NetworkObjective, theta: &[f64], outcome: &Outcome) -> String {
    let work = outcome.work;
    let mut words = Vec::new();
    for (count, what) in [(work.products, "product"), (work.factorizations, "factorization"), (work.values, "value")] {
        if count > 0 {
            words.push(format!("{count} {what}{}", if count == 1 { "" } else { "s" }));
        }
    }
    if let (Some(h), true) = (outcome.time, name.starts_with("implicit") && name != "implicit-midpoint") {
        let (mut g, mut r) = (vec![0.0; theta.len()], vec![0.0; theta.len()]);
        objective.value_and_gradient(theta, &mut g).unwrap();
        let delta: Vec<f64> = outcome.theta.iter().zip(theta).map(|(to, from)| to - from).collect();
        objective.hessian_at(theta).unwrap().apply(&delta, &mut r);
        r.iter_mut().zip(&g).zip(&delta).for_each(|((r, g), d)| *r += g + d / h);
        words.push(format!("residual {:.0e}", vector::norm(&r) / vector::norm(&g)));
    }
    words.join(", ")
}

fn steps(criterion: &mut Criterion, picture: &mut Picture) {
    for case in cases() {
        let mut objective = case.objective().unwrap();
        for (name, settings) in methods() {
            if !is_timed(&name, &settings, &case) {
                continue;
            }
            let mut method = settings.build().unwrap();
            let mut control = settings.build_control(None).unwrap();
            let id = format!("step/{name}/{}", case.name.letter());
            let mut step = || run(&mut objective, &mut *method, &mut *control, &case.theta, &Budget::steps(1));
            let outcome = step();
            criterion.bench_function(&id, |bencher| {
                bencher.iter_custom(|iterations| {
                    picture.time(&id, Some(outcome.work.flops), iterations, || {
                        step();
                    })
                });
            });
            picture.note(&id, describe(&name, &mut objective, &case.theta, &outcome));
        }
    }
}

fn factorizations(criterion: &mut Criterion, picture: &mut Picture) {
    for case in cases().into_iter().filter(|case| case.name.is_dense()) {
        let (p, letter) = (case.dim(), case.name.letter());
        let mut matrix = ShiftedMatrix::new(p).unwrap();
        case.objective().unwrap().dense_hessian(&case.theta, Triangle::Lower, matrix.fill()).unwrap();
        // A shift that makes the matrix definite, and one that does not.
        for (name, kind, shift) in [("cholesky", Factorization::Cholesky, 1e3), ("lblt", Factorization::Lblt, 1e-4)] {
            if kind == Factorization::Lblt && case.name == CaseName::C {
                continue;
            }
            matrix.factorize(kind, shift).unwrap();
            let id = format!("{name}/{letter}");
            let flops = Some(matrix.factorization_flops());
            criterion.bench_function(&id, |bencher| {
                bencher.iter_custom(|iterations| {
                    picture.time(&id, flops, iterations, || matrix.factorize(kind, shift).unwrap())
                });
            });
            let (mut x, mut scratch) = (case.direction.clone(), vec![0.0; p]);
            let solve = format!("{name}-solve/{letter}");
            criterion.bench_function(&solve, |bencher| {
                bencher.iter_custom(|iterations| {
                    picture.time(&solve, Some(2.0 * (p * p) as f64), iterations, || {
                        x.copy_from_slice(&case.direction);
                        matrix.solve_in_place(&mut x);
                    })
                });
            });
            let residual = matrix.relative_residual(shift, &case.direction, &x, &mut scratch);
            picture.note(&id, format!("{} negative eigenvalues", matrix.inertia().negative));
            picture.note(&solve, format!("residual {residual:.0e}"));
        }
    }
}

fn iterations(criterion: &mut Criterion, picture: &mut Picture) {
    for case in cases() {
        let mut objective = case.objective().unwrap();
        let objective: &mut AnyObjective = &mut objective;
        let mut g = vec![0.0; case.dim()];
        objective.value_and_gradient(&case.theta, &mut g).unwrap();
        for solver in [LinearSolver::Minres, LinearSolver::Cg] {
            if solver == LinearSolver::Cg && case.name.is_indefinite() {
                continue;
            }
            let mut built: Box<AnySolver> = SolverSettings { solver, ..Default::default() }.build();
            built.init(case.dim()).unwrap();
            let mut x = vec![0.0; case.dim()];
            let mut solve = || {
                let mut counted = Counted::new(&mut *objective);
                built.linearize(&mut counted, &case.theta).unwrap();
                let info = built.solve(&mut counted, &case.theta, 1.0 / STEP_SIZE, &g, &mut x).unwrap();
                (counted.work(), info.relative_residual)
            };
            let (work, residual) = solve();
            let id = format!("{}/{}", solver.name(), case.name.letter());
            criterion.bench_function(&id, |bencher| {
                bencher.iter_custom(|iterations| {
                    picture.time(&id, Some(work.flops), iterations, || {
                        solve();
                    })
                });
            });
            picture.note(&id, format!("{} products, residual {residual:.0e}", work.products));
        }
    }
}

/// A tanh network 2-16-8-1 on 64 points of the original curve without noise.
fn small() -> (NetworkObjective, Vec<f64>) {
    let t: Vec<f64> = (0..64).map(|i| f64::from(i) / 31.5 - 1.0).collect();
    let inputs = t.iter().flat_map(|t| [*t, t.powi(3)]).collect();
    let values = t.iter().map(|t| (0.5 * (t + 0.2).powi(5) + 0.3 * (t - 0.1)).abs()).collect();
    let samples = Samples::new(2, inputs, Targets::Values { width: 1, values }).unwrap();
    let hidden = Network::new(2).dense(16, Activation::Tanh).dense(8, Activation::Tanh);
    let network = hidden.dense(1, Activation::Identity);
    let theta = network.init(&Initialization::XavierNormal, &mut Streams::new(1).init());
    (network.objective(Loss::mse(), &samples, Batches::full()).unwrap(), theta)
}

/// A loss that all methods reach.
const TARGET: f64 = 1e-3;

fn targets(criterion: &mut Criterion, picture: &mut Picture) {
    let (mut objective, theta) = small();
    let budget = Budget { loss: TARGET, ..Budget::steps(20_000) };
    let faster = [("explicit-h0.1", "explicit = { h = 0.1 }"), ("implicit-h1", "implicit = { h = 1.0 }")];
    let defaults = MethodSettings::all_defaults().into_iter().map(|settings| (settings.info().name, settings));
    for (name, settings) in defaults.chain(faster.map(|(name, text)| (name, toml::from_str(text).unwrap()))) {
        let mut method = settings.build().unwrap();
        let mut control = settings.build_control(None).unwrap();
        let mut reach = || run(&mut objective, &mut *method, &mut *control, &theta, &budget);
        let outcome = reach();
        let id = format!("loss-target/{name}");
        criterion.bench_function(&id, |bencher| {
            bencher.iter_custom(|iterations| {
                picture.time(&id, None, iterations, || {
                    reach();
                })
            });
        });
        let end = if outcome.stop == Stop::Loss { format!("to {TARGET:e}") } else { outcome.stop.to_string() };
        let gradients = outcome.gradient_equivalents;
        picture.note(&id, format!("{} steps {end}, worth {gradients:.0} gradients", outcome.steps));
    }
}

fn all(criterion: &mut Criterion) {
    let mut picture = Picture::new();
    steps(criterion, &mut picture);
    factorizations(criterion, &mut picture);
    iterations(criterion, &mut picture);
    targets(criterion, &mut picture);
    picture.print();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(std::time::Duration::from_millis(100))
        .measurement_time(std::time::Duration::from_millis(500))
        .without_plots();
    targets = all
}

fn main() {
    in_the_pool(|| {
        benches();
        Criterion::default().configure_from_args().final_summary();
    });
}
