//! `[landscape]`: a plane in the parameter space of a network, with the loss on it and the paths of the arms.

use miette::Report;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::memory::available_memory;
use super::{ArmSpec, Every, Problem};

/// `[landscape]`: the loss of a network on a plane through its parameters, under the paths of the arms on the first seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LandscapeSpec {
    /// `"pca"` (default): along the two leading principal directions of the iterates; `"eigenvectors"`: along eigenvectors of the Hessian. Either plane
    /// goes through the last iterate of `reference`.
    pub plane: PlaneKind,
    /// Which eigenvectors: `"top"` (default) of the two highest eigenvalues, `"extremes"` of the highest and the lowest.
    pub eigenvectors: PlaneEigenvectors,
    /// Points along each axis at which the loss on the whole training set is evaluated, 5 to 201; 41 by default.
    pub grid: usize,
    /// Iterates that are kept: those of every so many steps (or `"epoch"`, `{ epochs = n }`), and the last
    /// [default: of every step; of every other one, every fourth, … as soon as there are more than 200 an arm, or 1000 together].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<Every>,
    /// Names of the arms shown, all of the study's own network and loss [default: all of these].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arms: Option<Vec<String>>,
    /// The arm through whose last iterate the plane goes [default: the first one shown that did not fail].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Half the width of a plane of eigenvectors, in units of θ [default: along each axis where ½|λ|t² is a tenth of what `reference` has gained, at most
    /// the length of its way].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reach: Option<f64>,
}

/// How a plane is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlaneKind {
    /// By the iterates.
    Pca,
    /// By the Hessian.
    Eigenvectors,
}

/// Which eigenvectors of the Hessian span a plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlaneEigenvectors {
    /// Those of the two highest eigenvalues.
    Top,
    /// Those of the highest and the lowest.
    Extremes,
}

impl Default for LandscapeSpec {
    /// The plane of the iterates, 41 × 41 points.
    fn default() -> Self {
        Self {
            plane: PlaneKind::Pca,
            eigenvectors: PlaneEigenvectors::Top,
            grid: 41,
            every: None,
            arms: None,
            reference: None,
            reach: None,
        }
    }
}

/// Points an arm, where the study leaves `every` open, but for the last one.
const POINTS: usize = 200;
/// Points of all arms together: their Gram matrix takes 9n³ flops.
const POINTS_TOGETHER: usize = 1000;
/// Points of all arms together where the study says how many.
const MOST_POINTS: u64 = 2000;
/// With more, few points are left for each.
const MOST_ARMS: usize = 50;

impl LandscapeSpec {
    /// Whether an arm is shown: it is named, or none is and it has the study's own network and loss.
    pub fn shows(&self, arm: &ArmSpec) -> bool {
        match &self.arms {
            Some(names) => names.contains(&arm.name),
            None => has_own_landscape(arm).is_none(),
        }
    }

    /// The arms that are shown, in the order of the study.
    pub fn shown<'a>(&'a self, arms: &'a [ArmSpec]) -> impl Iterator<Item = &'a ArmSpec> {
        arms.iter().filter(|arm| self.shows(arm))
    }

    /// Points an arm that are kept at most, but for the last one, where `every` is left open.
    pub fn most_points(&self, arms: &[ArmSpec]) -> usize {
        POINTS.min(POINTS_TOGETHER / self.shown(arms).count().max(1))
    }

    fn validate(&self) -> Result<(), (&'static str, String)> {
        let expect = |holds: bool, key: &'static str, expected: &str, found: String| {
            if holds { Ok(()) } else { Err((key, format!("expected {expected}, found {found}"))) }
        };
        expect((5..=201).contains(&self.grid), "grid", "5 to 201", self.grid.to_string())?;
        expect(self.every.is_none_or(|every| !every.is_zero()), "every", "at least 1", "0".into())?;
        let reach = self.reach.unwrap_or(1.0);
        expect(reach > 0.0 && reach.is_finite(), "reach", "a positive number", reach.to_string())?;
        let is_pca = self.plane == PlaneKind::Pca;
        let found = "one with plane = \"pca\", which shows all iterates";
        expect(!(is_pca && self.reach.is_some()), "reach", "none, or plane = \"eigenvectors\"", found.into())?;
        let found = "\"extremes\" with plane = \"pca\"";
        let is_open = self.eigenvectors == PlaneEigenvectors::Top;
        expect(is_open || !is_pca, "eigenvectors", "none, or plane = \"eigenvectors\"", found.into())
    }
}

/// The key by which an arm has a network or loss of its own, and with it another landscape.
fn has_own_landscape(arm: &ArmSpec) -> Option<&'static str> {
    let keys = [("loss", arm.loss.is_some()), ("skip", arm.skip.is_some()), ("output", arm.output.is_some())];
    keys.into_iter().find(|(_, is_set)| *is_set).map(|(key, _)| key)
}

impl Problem {
    /// Checks `[landscape]`, where the study has it.
    pub(super) fn check_landscape(&self) -> Result<(), Report> {
        let Some(spec) = &self.study.landscape else { return Ok(()) };
        let fail = |key: &str, message: String| Err(self.document.error_at(&["landscape", key], message));
        if self.study.problem.is_some() {
            let message = "expected [network], found a function: those of two parameters are drawn without [landscape]";
            return Err(self.document.error_at(&["landscape"], message));
        }
        spec.validate().map_err(|(key, message)| self.document.error_at(&["landscape", key], message))?;
        let names = || self.study.arms.iter().map(|arm| arm.name.as_str());
        for name in spec.arms.iter().flatten() {
            let Some(arm) = self.study.arms.iter().find(|arm| arm.name == *name) else {
                let hint = gf_utils::suggest(name, names()).map(|near| format!(" (did you mean \"{near}\"?)"));
                return fail("arms", format!("no arm has the name \"{name}\"{}", hint.unwrap_or_default()));
            };
            if let Some(key) = has_own_landscape(arm) {
                return fail(
                    "arms",
                    format!(
                        "expected arms of the study's own network and loss, found \"{name}\" with its own {key}: its \
                         loss is another function of θ"
                    ),
                );
            }
        }
        let shown = spec.shown(&self.study.arms).count();
        // A study without arms is a point to look at.
        if !(1..=MOST_ARMS).contains(&shown) && !self.study.arms.is_empty() {
            return fail(
                "arms",
                format!("expected 1 to {MOST_ARMS} arms of the study's own network and loss, found {shown}"),
            );
        }
        if let Some(name) = &spec.reference
            && !spec.shown(&self.study.arms).any(|arm| arm.name == *name)
        {
            return fail("reference", format!("expected an arm that is shown, found \"{name}\""));
        }
        if self.dim() < 2 {
            return Err(self.document.error_at(&["landscape"], "expected at least 2 parameters, found 1"));
        }
        let points = self.landscape_points(spec)?;
        if points > MOST_POINTS {
            let message = format!("expected at most {MOST_POINTS} iterates of all arms together, found {points}");
            return fail("every", message);
        }
        // Ranks may have different memories.
        self.ranks.agree(match self.landscape_shortage(points) {
            Some(message) => fail("every", message),
            None => Ok(()),
        })
    }

    /// Iterates that are kept at most, of all arms together.
    fn landscape_points(&self, spec: &LandscapeSpec) -> Result<u64, Report> {
        let arms = &self.study.arms;
        spec.shown(arms).try_fold(0u64, |sum, arm| {
            let batches = self.batches_per_epoch(arm)?;
            // The start, and the last.
            let points = match spec.every {
                Some(every) => self.study.run.steps_of(arm, batches) / every.steps(batches).max(1) + 2,
                None => spec.most_points(arms) as u64 + 1,
            };
            Ok(sum.saturating_add(points))
        })
    }

    /// Says so when the iterates, with the copy that their principal directions are found in, exceed the memory that is free.
    fn landscape_shortage(&self, points: u64) -> Option<String> {
        let (p, free) = (self.dim() as u64, available_memory()?);
        let bytes = points.saturating_mul(p).saturating_mul(16);
        (bytes > free).then(|| {
            format!(
                "expected iterates that fit in memory, found {points} of {p} parameters: they need {:.1} GiB of the {:.1} GiB \
                 free; fewer are kept with a larger every",
                bytes as f64 / 2f64.powi(30),
                free as f64 / 2f64.powi(30)
            )
        })
    }
}
