//! The built-in studies.

use crate::arguments::Scale;
use crate::study::Document;

/// A built-in study.
#[derive(Debug, Clone, Copy)]
pub struct Experiment {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it shows, in a line.
    pub about: &'static str,
    text: &'static str,
    /// What is changed at every scale, as `--set` does: experiments that differ in a network or a loss share their text.
    changes: &'static [&'static str],
    /// What smoke scale changes, as `--set` does.
    smoke: &'static [&'static str],
    /// What full scale changes.
    full: &'static [&'static str],
    /// What full scale adds: one common grid of step sizes for every method.
    full_arms: &'static str,
}

/// The layers of the digits' network with relu.
const RELU_LAYERS: &str = r#"network.layers=[{ units = 32, activation = "relu" }, { units = 32, activation = "relu" }, { units = 10, activation = "identity" }]"#;

/// Arms of the classifiers that have steps of their own take few too.
const CLASSIFICATION_SMOKE: &[&str] =
    &["run.steps=5", "run.seeds=[0]", "arm.3.steps=5", "arm.4.steps=3", "arm.5.steps=3"];

const LANDSCAPE_EIGENVECTORS: &str = r#"about="The runs of landscape-network where gradient descent ends, along the two eigenvectors of its Hessian with the highest eigenvalues. The methods came from far away, but not along these directions: steep ones are descended first. Near the end the loss is the parabola of gradient and Hessian; a few tenths away it is not symmetric any more.""#;

/// All of them, the default first.
pub const EXPERIMENTS: &[Experiment] = &[
    Experiment {
        name: "convergence",
        about: "the original experiment: explicit, implicit and Newton on a 2161-parameter network, and its claims",
        text: include_str!("experiments/convergence.toml"),
        changes: &[],
        smoke: &["run.steps=12", "run.seeds=[0]", "first_steps.starts=2", "first_steps.difference_steps=[]"],
        full: &["run.seeds=[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"],
        full_arms: include_str!("experiments/convergence-grid.toml"),
    },
    Experiment {
        name: "digits",
        about: "handwritten digits with softmax cross-entropy: accuracy on five stratified splits",
        text: include_str!("experiments/digits.toml"),
        changes: &[],
        smoke: &["run.steps=5", "run.seeds=[0]"],
        full: &["run.seeds=[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"],
        full_arms: include_str!("experiments/digits-grid.toml"),
    },
    Experiment {
        name: "family",
        about: "every matrix-free method on the original problem, over steps, flow time, work and seconds",
        text: include_str!("experiments/family.toml"),
        changes: &[],
        smoke: &["run.steps=3", "run.seeds=[0]"],
        full: &[],
        full_arms: "",
    },
    Experiment {
        name: "family-digits",
        about: "the same on handwritten digits",
        text: include_str!("experiments/family-digits.toml"),
        changes: &[],
        smoke: &["run.steps=3", "run.seeds=[0]"],
        full: &[],
        full_arms: "",
    },
    Experiment {
        name: "work-precision",
        about: "distance to the flow against work, with fitted orders",
        text: include_str!("experiments/work-precision.toml"),
        changes: &[],
        smoke: &["run.flow_time=0.012"],
        full: &[],
        full_arms: "",
    },
    Experiment {
        name: "work-precision-stiff",
        about: "the same in Rosenbrock's valley, which is stiff",
        text: include_str!("experiments/work-precision-stiff.toml"),
        changes: &[],
        smoke: &["run.flow_time=0.05"],
        full: &[],
        full_arms: "",
    },
    Experiment {
        name: "continuum",
        about: "linearly implicit Euler from h = 1e-4 to 1e6: from gradient descent to Newton, poles marked",
        text: include_str!("experiments/continuum.toml"),
        changes: &[],
        smoke: &["run.steps=5"],
        full: &[],
        full_arms: "",
    },
    Experiment {
        name: "robust-newton",
        about: "what cures Newton's instability on the original problem",
        text: include_str!("experiments/robust-newton.toml"),
        changes: &[],
        smoke: &["run.steps=4", "run.seeds=[0]"],
        full: &[],
        full_arms: "",
    },
    Experiment {
        name: "stability",
        about: "stable, oscillating and divergent steps on a quadratic, beside the map of |R(hλ)|",
        text: include_str!("experiments/stability.toml"),
        changes: &[],
        smoke: &["run.steps=20"],
        full: &[],
        full_arms: "",
    },
    Experiment {
        name: "learning-rate",
        about: "gradient descent on f = x² with three learning rates",
        text: include_str!("experiments/learning-rate.toml"),
        changes: &[],
        smoke: &[],
        full: &[],
        full_arms: "",
    },
    Experiment {
        name: "landscape",
        about: "paths of the family on Himmelblau's function from beside its maximum, and basins of attraction",
        text: include_str!("experiments/landscape.toml"),
        changes: &[],
        smoke: &["run.steps=20", "basins.grid=4"],
        full: &[],
        full_arms: "",
    },
    Experiment {
        name: "landscape-network",
        about: "paths of four methods on a network's loss, on the plane that their iterates span",
        text: include_str!("experiments/landscape-network.toml"),
        changes: &[],
        smoke: &["run.steps=20", "arm.1.steps=5", "arm.2.steps=5", "landscape.grid=9"],
        full: &[],
        full_arms: "",
    },
    Experiment {
        name: "landscape-eigenvectors",
        about: "the same loss along eigenvectors of the Hessian where gradient descent ends, beside its parabolas",
        text: include_str!("experiments/landscape-network.toml"),
        changes: &[
            r#"name="landscape-eigenvectors""#,
            r#"title="The loss of a network along eigenvectors of its Hessian""#,
            LANDSCAPE_EIGENVECTORS,
            r#"landscape.plane="eigenvectors""#,
        ],
        smoke: &["run.steps=20", "arm.1.steps=5", "arm.2.steps=5", "landscape.grid=9"],
        full: &[],
        full_arms: "",
    },
    Experiment {
        name: "batching",
        about: "full batch, mini-batch and single samples: work, noise floor",
        text: include_str!("experiments/batching.toml"),
        changes: &[],
        smoke: &["run.steps=20", "run.seeds=[0]"],
        full: &[],
        full_arms: "",
    },
    Experiment {
        name: "noise",
        about: "gradient noise that leaves a poor minimum",
        text: include_str!("experiments/noise.toml"),
        changes: &[],
        smoke: &["run.seeds=[0]"],
        full: &[],
        full_arms: "",
    },
    Experiment {
        name: "saddle",
        about: "how methods leave a saddle, or do not",
        text: include_str!("experiments/saddle.toml"),
        changes: &[],
        smoke: &["run.seeds=[0]"],
        full: &[],
        full_arms: "",
    },
    Experiment {
        name: "plateau",
        about: "how methods cross a plateau, where gradient and curvature vanish together",
        text: include_str!("experiments/plateau.toml"),
        changes: &[],
        smoke: &["run.seeds=[0]", "run.steps=50"],
        full: &[],
        full_arms: "",
    },
    Experiment {
        name: "edge-of-stability",
        about: "gradient descent, momentum and the flow on the published small problem: sharpness against 2/h",
        text: include_str!("experiments/edge-of-stability.toml"),
        changes: &[],
        smoke: &["run.steps=40", "run.flow_time=8"],
        full: &[],
        full_arms: "",
    },
    Experiment {
        name: "central-flow",
        about: "the time average of gradient descent past the edge, predicted by exact third derivatives",
        text: include_str!("experiments/central-flow.toml"),
        changes: &[],
        smoke: &["run.steps=30"],
        full: &[],
        full_arms: "",
    },
    Experiment {
        name: "edge-of-stability-digits",
        about: "the same on handwritten digits: tanh, cross-entropy",
        text: include_str!("experiments/edge-of-stability-digits.toml"),
        changes: &[],
        smoke: &["run.steps=10"],
        full: &[],
        full_arms: "",
    },
    Experiment {
        name: "edge-of-stability-digits-relu",
        about: "the same with relu",
        text: include_str!("experiments/edge-of-stability-digits.toml"),
        changes: &[
            "name=\"edge-of-stability-digits-relu\"",
            "title=\"The edge of stability on handwritten digits: relu\"",
            RELU_LAYERS,
        ],
        smoke: &["run.steps=10"],
        full: &[],
        full_arms: "",
    },
    Experiment {
        name: "edge-of-stability-digits-mse",
        about: "the same with tanh and squared errors",
        text: include_str!("experiments/edge-of-stability-digits.toml"),
        changes: &[
            "name=\"edge-of-stability-digits-mse\"",
            "title=\"The edge of stability on handwritten digits: squared errors\"",
            "loss.kind=\"mse\"",
            "arm=[{ name = \"gd\", method = { explicit = { h = [0.05, 0.1, 0.2] } } }]",
        ],
        smoke: &["run.steps=10"],
        full: &[],
        full_arms: "",
    },
    Experiment {
        name: "edge-of-stability-digits-relu-mse",
        about: "the same with relu and squared errors",
        text: include_str!("experiments/edge-of-stability-digits.toml"),
        changes: &[
            "name=\"edge-of-stability-digits-relu-mse\"",
            "title=\"The edge of stability on handwritten digits: relu, squared errors\"",
            RELU_LAYERS,
            "loss.kind=\"mse\"",
            "arm=[{ name = \"gd\", method = { explicit = { h = [0.05, 0.1, 0.2] } } }]",
        ],
        smoke: &["run.steps=10"],
        full: &[],
        full_arms: "",
    },
    Experiment {
        name: "self-stabilization",
        about: "a valley that gets steeper, in two dimensions: why the sharpness hovers at 2/h",
        text: include_str!("experiments/self-stabilization.toml"),
        changes: &[],
        smoke: &["run.flow_time=100"],
        full: &[],
        full_arms: "",
    },
    Experiment {
        name: "self-stabilization-1d",
        about: "steps beyond 2/λ that end in a cycle, in one dimension",
        text: include_str!("experiments/self-stabilization-1d.toml"),
        changes: &[],
        smoke: &[],
        full: &[],
        full_arms: "",
    },
    Experiment {
        name: "spectrum",
        about: "all eigenvalues over training on the original problem",
        text: include_str!("experiments/spectrum.toml"),
        changes: &[],
        smoke: &["run.steps=4", "spectrum.every=4"],
        full: &[],
        full_arms: "",
    },
    Experiment {
        name: "spectrum-digits",
        about: "all eigenvalues over training on handwritten digits",
        text: include_str!("experiments/spectrum-digits.toml"),
        changes: &[],
        smoke: &["run.steps=2", "spectrum.every=2"],
        full: &[],
        full_arms: "",
    },
    Experiment {
        name: "depth",
        about: "vanishing and exploding gradients: 2 to 50 layers, activations, initializations, skip connections, clipping",
        text: include_str!("experiments/depth.toml"),
        changes: &[],
        smoke: &[
            "run.steps=5",
            "run.seeds=[0]",
            "depth.depths=[2, 5, 8]",
            "depth.activations=[\"tanh\", \"relu\"]",
            "depth.samples=32",
            "depth.jacobian_samples=1",
        ],
        full: &["run.seeds=[0, 1, 2, 3, 4]"],
        full_arms: "",
    },
    Experiment {
        name: "losses",
        about: "losses on one linear classifier: why squared errors of a saturated sigmoid do not learn, and what a sum does to h",
        text: include_str!("experiments/losses.toml"),
        changes: &[],
        smoke: &["run.steps=10", "run.seeds=[0]"],
        full: &["run.seeds=[0, 1, 2, 3, 4]"],
        full_arms: "",
    },
    Experiment {
        name: "classification",
        about: "classifiers end to end: tumors, two classes by one logit; accuracy, confusion, calibration",
        text: include_str!("experiments/classification.toml"),
        changes: &[],
        smoke: CLASSIFICATION_SMOKE,
        full: &["run.seeds=[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"],
        full_arms: "",
    },
    Experiment {
        name: "classification-wine",
        about: "the same on wines, three classes",
        text: include_str!("experiments/classification.toml"),
        changes: &[
            r#"name="classification-wine""#,
            r#"title="Three classes: wines""#,
            r#"loss.kind="softmax_cross_entropy""#,
            r#"data.builtin="wine""#,
            r#"network.input=13"#,
            r#"network.layers=[{ units = 16, activation = "tanh" }, { units = 3, activation = "identity" }]"#,
            r#"claim=[{ text = "Adam classifies at least 97 % of the wines rightly", check = { reaches = { arm = "adam", level = 0.97, metric = "val_accuracy" } } }, { text = "Implicit steps classify at least 97 % of the wines rightly", check = { reaches = { arm = "implicit", level = 0.97, metric = "val_accuracy" } } }, { text = "Levenberg–Marquardt has a lower training loss after 40 steps than Adam after as many", check = { ahead = { leader = "levenberg-marquardt", follower = "adam", steps = [40, 40], metric = "train_loss" } } }]"#,
        ],
        smoke: CLASSIFICATION_SMOKE,
        full: &["run.seeds=[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"],
        full_arms: "",
    },
    Experiment {
        name: "classification-digits",
        about: "the same on handwritten digits, ten classes",
        text: include_str!("experiments/classification.toml"),
        changes: &[
            r#"name="classification-digits""#,
            r#"title="Ten classes: handwritten digits""#,
            r#"loss.kind="softmax_cross_entropy""#,
            r#"data={ builtin = "digits" }"#,
            r#"network.input=64"#,
            r#"network.layers=[{ units = 32, activation = "tanh" }, { units = 10, activation = "identity" }]"#,
            r#"claim=[{ text = "Adam classifies at least 97 % of the digits rightly", check = { reaches = { arm = "adam", level = 0.97, metric = "val_accuracy" } } }, { text = "Implicit steps classify at least 97 % of the digits rightly", check = { reaches = { arm = "implicit", level = 0.97, metric = "val_accuracy" } } }, { text = "Levenberg–Marquardt classifies at least 97 % of the digits rightly", check = { reaches = { arm = "levenberg-marquardt", level = 0.97, metric = "val_accuracy" } } }, { text = "Levenberg–Marquardt has a lower training loss after 40 steps than Adam after as many", check = { ahead = { leader = "levenberg-marquardt", follower = "adam", steps = [40, 40], metric = "train_loss" } } }]"#,
        ],
        smoke: CLASSIFICATION_SMOKE,
        full: &["run.seeds=[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"],
        full_arms: "",
    },
    Experiment {
        name: "conservation",
        about: "drift from what the flow of a deep linear network conserves, against step size: the order of each method",
        text: include_str!("experiments/conservation.toml"),
        changes: &[],
        smoke: &["run.flow_time=0.0625"],
        full: &[],
        full_arms: "",
    },
    Experiment {
        name: "conservation-relu",
        about: "the same for a relu network, whose kinks cost orders",
        text: include_str!("experiments/conservation-relu.toml"),
        changes: &[],
        smoke: &["run.flow_time=0.0625"],
        full: &[],
        full_arms: "",
    },
    Experiment {
        name: "schedules",
        about: "warm-up and decay of the step size: large steps that start, and noise that ends",
        text: include_str!("experiments/schedules.toml"),
        changes: &[],
        smoke: &["run.steps=40", "run.seeds=[0]", "run.evaluate_every=10"],
        full: &["run.seeds=[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"],
        full_arms: "",
    },
    Experiment {
        name: "lr-range",
        about: "the learning-rate range test beside 2/λmax, and what its suggestion is worth",
        text: include_str!("experiments/lr-range.toml"),
        changes: &[],
        smoke: &["run.steps=5", "run.seeds=[0]", "lr_range.steps=30"],
        full: &["run.seeds=[0, 1, 2, 3, 4]"],
        full_arms: "",
    },
];

impl Experiment {
    /// The study at a scale.
    ///
    /// # Errors
    /// Never for the texts that gf carries; a test loads all.
    pub fn document(&self, scale: Scale) -> Result<Document, miette::Report> {
        let text = match scale {
            Scale::Full => format!("{}\n{}", self.text, self.full_arms),
            _ => self.text.to_string(),
        };
        let mut document = Document::builtin(&format!("experiment {}", self.name), text);
        let of_scale = match scale {
            Scale::Smoke => self.smoke,
            Scale::Standard => &[],
            Scale::Full => self.full,
        };
        document.set(&self.changes.iter().chain(of_scale).map(ToString::to_string).collect::<Vec<_>>())?;
        document.name = format!("experiment {}", self.name);
        Ok(document)
    }
}
