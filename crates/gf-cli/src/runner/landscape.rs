//! The plane of `[landscape]`: its directions, the loss on it, and the paths of the arms.

mod directions;

use gf_layers::Batches;
use gf_spectrum::Plane;
use miette::Report;
use serde::{Deserialize, Serialize};

use super::instance::on_all_training_samples;
use super::path::ArmPath;
use super::result::ArmRun;
use crate::parallel::for_each_task;
use crate::progress::Progress;
use crate::study::{PlaneKind, Problem};
use directions::{of_eigenvectors, of_iterates};

/// `landscape.json`. Losses are those on the whole training set, l2 included; null where they are not finite. Lengths are in units of θ.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Landscape {
    /// How the plane was chosen.
    pub plane: PlaneKind,
    /// The arm through whose last iterate the plane goes: its origin.
    pub reference: Option<String>,
    /// Arms that are not shown, as they have a network or loss of their own, or others were named.
    pub left_out: Vec<String>,
    /// Why there is no plane; everything below is then empty.
    pub failure: Option<String>,
    /// Horizontal and vertical.
    pub axes: Vec<LandscapeAxis>,
    /// The losses: a row for each value of the vertical axis, with a number for each of the horizontal one.
    pub loss: Vec<Vec<Option<f64>>>,
    /// The arms, projected.
    pub paths: Vec<LandscapePath>,
    /// The loss along either axis, where these are eigenvectors.
    pub cuts: Vec<Cut>,
    /// θ at the origin and the two directions, 3 × p, for `landscape-plane.npy`.
    #[serde(skip)]
    pub vectors: Vec<f64>,
}

/// An axis of the plane.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LandscapeAxis {
    /// Coordinates of the grid, ascending; 0 is the origin.
    pub values: Vec<f64>,
    /// Of principal directions: the share of the variance of the iterates, from 0 to 1.
    pub share: Option<f64>,
    /// Of eigenvectors v: λ.
    pub eigenvalue: Option<f64>,
    /// Of eigenvectors: ‖Hv − λv‖.
    pub residual: Option<f64>,
    /// Of eigenvectors: vᵀ∇L at the origin.
    pub slope: Option<f64>,
}

/// The path of an arm on the plane.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LandscapePath {
    /// The arm.
    pub arm: String,
    /// Whether it failed: its iterates then have no part in the principal directions.
    pub failed: bool,
    /// Accepted steps before each iterate.
    pub steps: Vec<u64>,
    /// Its coordinate along the first direction.
    pub x: Vec<f64>,
    /// Its coordinate along the second direction.
    pub y: Vec<f64>,
    /// How far it is from the plane.
    pub distance: Vec<f64>,
    /// The loss at the last iterate.
    pub last_loss: Option<f64>,
    /// The loss on the plane where that is projected to.
    pub last_loss_on_plane: Option<f64>,
}

/// The loss along an eigenvector through the origin, beside the parabola L + t vᵀ∇L + ½λt².
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cut {
    /// Coordinates.
    pub t: Vec<f64>,
    /// The loss.
    pub loss: Vec<Option<f64>>,
    /// The parabola.
    pub parabola: Vec<Option<f64>>,
}

/// Points of a cut.
const CUT: usize = 101;

/// Looks at the plane that the study asks for, with `threads` threads; none where it asks for none. A plane that does not exist is a result.
///
/// # Errors
/// Misfits of network, loss and samples.
pub fn run_landscape(
    problem: &Problem,
    runs: &[ArmRun],
    paths: &[ArmPath],
    threads: usize,
    progress: Progress,
) -> Result<Option<Landscape>, Report> {
    let Some(spec) = &problem.study.landscape else { return Ok(None) };
    let arms = &problem.study.arms;
    let seed = problem.study.run.seeds[0];
    let has_failed =
        |path: &ArmPath| runs.iter().any(|run| run.arm == path.arm && run.seed == seed && run.failure().is_some());
    let mut landscape = Landscape {
        plane: spec.plane,
        reference: None,
        left_out: arms.iter().filter(|arm| !spec.shows(arm)).map(|arm| arm.name.clone()).collect(),
        failure: None,
        axes: Vec::new(),
        loss: Vec::new(),
        paths: Vec::new(),
        cuts: Vec::new(),
        vectors: Vec::new(),
    };
    let sound: Vec<&ArmPath> = paths.iter().filter(|path| !has_failed(path)).collect();
    let reference = match &spec.reference {
        Some(name) => sound.iter().find(|path| path.arm == *name),
        None => sound.first(),
    };
    let Some(reference) = reference else {
        let who = spec.reference.as_ref().map_or("every arm".into(), |name| format!("the arm of reference, {name},"));
        landscape.failure = Some(format!("{who} failed"));
        return Ok(Some(landscape));
    };
    landscape.reference = Some(reference.arm.clone());
    let mut loss = Loss::new(problem, seed)?;
    let found = match spec.plane {
        PlaneKind::Pca => of_iterates(spec, &sound, reference),
        PlaneKind::Eigenvectors => of_eigenvectors(spec, seed, reference, &mut loss),
    };
    let (plane, axes) = match found {
        Ok(found) => found,
        Err(error) => {
            landscape.failure = Some(error.to_string());
            return Ok(Some(landscape));
        }
    };
    landscape.loss = on_grid(problem, &plane, &axes, threads, progress)?;
    landscape.paths = paths.iter().map(|path| projected(&plane, path, has_failed(path), &mut loss)).collect();
    if spec.plane == PlaneKind::Eigenvectors {
        landscape.cuts = (0..2).map(|k| cut(&plane, &axes[k], k, &mut loss)).collect();
    }
    let [u, v] = plane.directions();
    landscape.vectors = [plane.origin(), u, v].concat();
    landscape.axes = axes.into();
    Ok(Some(landscape))
}

/// The loss on the whole training set.
struct Loss(Box<gf_optim::registry::AnyObjective>);

impl Loss {
    fn new(problem: &Problem, seed: u64) -> Result<Self, Report> {
        on_all_training_samples(problem, seed).map(Self)
    }

    /// None where it is not finite.
    fn at(&mut self, theta: &[f64]) -> Option<f64> {
        self.0.value(theta).ok().filter(|loss| loss.is_finite())
    }
}

/// The loss at every point of the grid, rows shared by threads.
fn on_grid(
    problem: &Problem,
    plane: &Plane,
    [x, y]: &[LandscapeAxis; 2],
    threads: usize,
    progress: Progress,
) -> Result<Vec<Vec<Option<f64>>>, Report> {
    let train = problem.data(problem.study.run.seeds[0])?.train;
    let at_once = problem.ranks.tasks_at_once(threads);
    let parts: Vec<&[f64]> = y.values.chunks(y.values.len().div_ceil(at_once)).collect();
    let bar = progress.bar(y.values.len() as u64, "landscape");
    let rows = for_each_task(&parts, at_once, threads, |part| {
        let mut loss = Loss(Box::new(problem.objective(&train, Batches::full())?));
        let mut theta = plane.origin().to_vec();
        let mut row = |y: f64| -> Vec<Option<f64>> {
            bar.inc(1);
            let mut at = |x: f64| {
                plane.point([x, y], &mut theta);
                loss.at(&theta)
            };
            x.values.iter().map(|x| at(*x)).collect()
        };
        Ok(part.iter().map(|y| row(*y)).collect::<Vec<_>>())
    });
    bar.finish_and_clear();
    Ok(rows.into_iter().collect::<Result<Vec<_>, Report>>()?.concat())
}

/// The points of a path that lie at a finite distance: those of a run that failed may be beyond all numbers.
fn projected(plane: &Plane, path: &ArmPath, failed: bool, loss: &mut Loss) -> LandscapePath {
    let points = path.steps.iter().zip(path.points()).map(|(step, theta)| (*step, theta, plane.project(theta)));
    let points: Vec<_> = points.filter(|(_, _, projection)| projection.distance.is_finite()).collect();
    let (last_loss, last_loss_on_plane) = points.last().map_or((None, None), |(_, theta, projection)| {
        let mut nearest = theta.to_vec();
        plane.point(projection.coordinates, &mut nearest);
        (loss.at(theta), loss.at(&nearest))
    });
    LandscapePath {
        arm: path.arm.clone(),
        failed,
        steps: points.iter().map(|(step, ..)| *step).collect(),
        x: points.iter().map(|(.., projection)| projection.coordinates[0]).collect(),
        y: points.iter().map(|(.., projection)| projection.coordinates[1]).collect(),
        distance: points.iter().map(|(.., projection)| projection.distance).collect(),
        last_loss,
        last_loss_on_plane,
    }
}

fn cut(plane: &Plane, axis: &LandscapeAxis, k: usize, loss: &mut Loss) -> Cut {
    let (first, last) = (axis.values[0], axis.values[axis.values.len() - 1]);
    let t = grid(first, last, CUT);
    let mut theta = plane.origin().to_vec();
    let taylor = loss.at(&theta).zip(axis.slope).zip(axis.eigenvalue);
    let parabola = |t: f64| taylor.map(|((loss, slope), eigenvalue)| loss + slope * t + 0.5 * eigenvalue * t * t);
    let mut at = |t: f64| {
        let mut coordinates = [0.0; 2];
        coordinates[k] = t;
        plane.point(coordinates, &mut theta);
        loss.at(&theta)
    };
    Cut { loss: t.iter().map(|t| at(*t)).collect(), parabola: t.iter().map(|t| parabola(*t)).collect(), t }
}

/// Equidistant numbers, both ends among them.
fn grid(low: f64, high: f64, points: usize) -> Vec<f64> {
    (0..points).map(|k| low + (high - low) * k as f64 / (points - 1) as f64).collect()
}
