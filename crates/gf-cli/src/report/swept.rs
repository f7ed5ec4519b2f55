//! Groups of arms that differ in several numbers: what each number does, and two together.

use std::collections::BTreeMap;

use gf_report::{Axis, Block, Figure, Mark, Panel, significant};
use toml::Value;

use crate::folder::Folder;
use crate::study::ArmSpec;

/// Above this ratio of the largest value of a setting to the smallest, its axis is logarithmic.
const WIDE: f64 = 30.0;
/// Losses above this multiple of the median are cut off: those of arms on their way to infinity.
const FAR: f64 = 1e3;
/// Deviation of values from equal steps, relative to a step, that is rounding.
const ROUNDING: f64 = 1e-6;

/// Figures of every group whose arms differ in at least two numbers; those of one number are curves over step sizes.
pub(super) fn blocks(folder: &Folder) -> Vec<Block> {
    let mut blocks = Vec::new();
    for (number, group) in groups(folder).into_iter().enumerate() {
        let Some(swept) = Swept::new(folder, group) else { continue };
        blocks.push(Block::Figure(swept.one_by_one(number)));
        blocks.extend(swept.together(number).map(Block::Figure));
    }
    blocks
}

/// Whether the arms of a group are shown here.
pub(super) fn has(folder: &Folder, group: &str) -> bool {
    Swept::new(folder, group).is_some()
}

fn groups(folder: &Folder) -> Vec<&str> {
    let mut groups: Vec<&str> = folder.study.arms.iter().filter_map(|arm| arm.group.as_deref()).collect();
    groups.dedup();
    groups
}

/// The arms of a group by the numbers in which they differ.
struct Swept<'a> {
    group: &'a str,
    /// The last part of each key, or all of it where that is not enough.
    names: Vec<String>,
    /// An arm's numbers, in the order of the names, and its final validation loss: the median over seeds, infinite where it failed.
    arms: Vec<(Vec<f64>, f64)>,
    failed: usize,
}

impl<'a> Swept<'a> {
    /// None where fewer than two numbers differ, or where an arm lacks one.
    fn new(folder: &Folder, group: &'a str) -> Option<Self> {
        let of_group: Vec<(BTreeMap<String, f64>, f64)> = folder
            .study
            .arms
            .iter()
            .zip(&folder.summary.arms)
            .filter(|(spec, _)| spec.group.as_deref() == Some(group))
            .map(|(spec, arm)| (numbers(spec), arm.final_val_loss_quartiles[1].unwrap_or(f64::INFINITY)))
            .collect();
        let (first, _) = of_group.first()?;
        let differs = |key: &&String| of_group.iter().any(|(numbers, _)| numbers.get(*key) != first.get(*key));
        let keys: Vec<&String> = first.keys().filter(differs).collect();
        if keys.len() < 2 {
            return None;
        }
        let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
        let is_ambiguous = |key: &str| keys.iter().filter(|other| last(other) == last(key)).count() > 1;
        let names = keys.iter().map(|key| if is_ambiguous(key) { (*key).clone() } else { last(key) }).collect();
        let arms: Option<Vec<_>> = of_group
            .iter()
            .map(|(numbers, loss)| {
                Some((keys.iter().map(|key| numbers.get(*key).copied()).collect::<Option<_>>()?, *loss))
            })
            .collect();
        let arms = arms?;
        let failed = arms.iter().filter(|(_, loss)| !loss.is_finite()).count();
        Some(Self { group, names, arms, failed })
    }

    /// The values of a setting, ascending.
    fn values(&self, key: usize) -> Vec<f64> {
        let mut values: Vec<f64> = self.arms.iter().map(|(numbers, _)| numbers[key]).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        values
    }

    /// Lowest and highest loss that is shown; none where there is none.
    fn losses(&self) -> Option<(f64, f64)> {
        let mut losses: Vec<f64> =
            self.arms.iter().map(|(_, loss)| *loss).filter(|loss| loss.is_finite() && *loss > 0.0).collect();
        losses.sort_by(f64::total_cmp);
        let (low, high, middle) = (*losses.first()?, *losses.last()?, losses[losses.len() / 2]);
        Some((low, high.min(FAR * middle)))
    }

    /// The loss of every arm against each setting, and the best one of each value.
    fn one_by_one(&self, number: usize) -> Figure {
        let mut panels = Vec::new();
        for (key, name) in self.names.iter().enumerate() {
            let values = self.values(key);
            let mut y = Axis::log("final validation loss");
            if let Some((low, high)) = self.losses() {
                y = y.within(low / 1.5, 1.5 * high);
            }
            let best: Vec<f64> = values
                .iter()
                .map(|value| {
                    let of_value = self.arms.iter().filter(|(numbers, _)| numbers[key] == *value);
                    of_value.map(|(_, loss)| *loss).fold(f64::INFINITY, f64::min)
                })
                .collect();
            let (x, all): (Vec<f64>, Vec<f64>) = self.arms.iter().map(|(numbers, loss)| (numbers[key], *loss)).unzip();
            panels.push(
                Panel::new("", axis(name, &values), y).with(Mark::points("an arm", 0, x, all)).with(Mark::line(
                    "the best arm of each value",
                    1,
                    values,
                    best,
                )),
            );
        }
        let caption = format!(
            "{}: the final validation loss of {} arms against each setting that was swept, medians over seeds. {} arms \
             failed and have no dot. Where the line is flat, the setting does not matter as long as the others fit it.",
            self.group,
            self.arms.len(),
            self.failed
        );
        Figure::new(format!("swept-{}", number + 1), caption, panels)
    }

    /// The loss over two settings, where there are two, in equal steps, linear or geometric, and every combination is there.
    fn together(&self, number: usize) -> Option<Figure> {
        let [first, second] = self.names.as_slice() else { return None };
        let (x, y) = (self.values(0), self.values(1));
        let (x_axis, y_axis) = (regular(first, &x)?, regular(second, &y)?);
        let (_, high) = self.losses()?;
        let mut values = vec![vec![f64::NAN; x.len()]; y.len()];
        for (numbers, loss) in &self.arms {
            let (column, row) = (x.iter().position(|x| *x == numbers[0])?, y.iter().position(|y| *y == numbers[1])?);
            values[row][column] = loss.min(high).log10();
        }
        if !values.iter().flatten().all(|value| value.is_finite()) {
            return None;
        }
        let map = Mark::Heat { x: x_axis.1, y: y_axis.1, values, shows_values: false };
        let panel = Panel::new("log₁₀ of the final validation loss", x_axis.0, y_axis.0).with(map);
        let caption = format!(
            "{}: the final validation loss over {first} and {second}, medians over seeds. Arms that failed, and losses above {}, have the color of \
             the highest.",
            self.group,
            significant(high, 3)
        );
        Some(Figure::new(format!("swept-{}-map", number + 1), caption, vec![panel]))
    }
}

/// What a setting is called on an axis.
fn label(name: &str) -> &str {
    if name == "h" { "step size h" } else { name }
}

fn axis(name: &str, values: &[f64]) -> Axis {
    let (low, high) = (values[0], values[values.len() - 1]);
    if low > 0.0 && high > WIDE * low { Axis::log(label(name)) } else { Axis::linear(label(name)) }
}

/// A linear axis of values in equal steps, or of the logarithms of such in equal ratios, with the edges of the outer cells.
fn regular(name: &str, values: &[f64]) -> Option<(Axis, (f64, f64))> {
    let in_steps = |values: &[f64]| {
        let (low, high) = (*values.first()?, *values.last()?);
        let step = (high - low) / (values.len() - 1) as f64;
        let is_equal = |(k, value): (usize, &f64)| (value - low - k as f64 * step).abs() <= ROUNDING * step;
        (values.len() > 1 && values.iter().enumerate().all(is_equal)).then_some((low - 0.5 * step, high + 0.5 * step))
    };
    let logarithms: Vec<f64> = values.iter().map(|value| value.log10()).collect();
    let linear = in_steps(values).map(|edges| (label(name).to_owned(), edges));
    let (text, edges) = linear.or_else(|| in_steps(&logarithms).map(|edges| (format!("log₁₀ {name}"), edges)))?;
    Some((Axis::linear(text).within(edges.0, edges.1), edges))
}

/// The numbers among an arm's settings, by the paths of their keys.
fn numbers(arm: &ArmSpec) -> BTreeMap<String, f64> {
    let mut found = BTreeMap::new();
    if let Ok(table) = Value::try_from(arm) {
        for key in ["method", "control", "schedule"] {
            if let Some(value) = table.get(key) {
                collect(key, value, &mut found);
            }
        }
    }
    found
}

fn collect(path: &str, value: &Value, found: &mut BTreeMap<String, f64>) {
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                collect(&format!("{path}.{key}"), value, found);
            }
        }
        Value::Float(number) => _ = found.insert(path.to_owned(), *number),
        Value::Integer(number) => _ = found.insert(path.to_owned(), *number as f64),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_equal_steps_or_ratios_make_a_map() {
        let edges = |values: &[f64]| regular("h", values).map(|(axis, edges)| (axis.label, edges));
        assert_eq!(edges(&[1.0, 2.0, 3.0]), Some(("step size h".into(), (0.5, 3.5))));
        assert_eq!(edges(&[0.01, 0.1, 1.0]), Some(("log₁₀ h".into(), (-2.5, 0.5))));
        assert_eq!(edges(&[1.0, 2.0, 10.0]), None);
        assert_eq!(edges(&[0.0, 1.0, 10.0]), None);
        assert_eq!(edges(&[1.0]), None);
    }

    #[test]
    fn numbers_have_the_paths_of_their_keys() {
        let arm: ArmSpec = toml::from_str("name = \"a\"\nmethod.implicit = { h = 1.0, solver = \"auto\" }\nschedule.step = { every = 2, factor = 0.5 }")
            .expect("an arm");
        let found = numbers(&arm);
        assert_eq!(found["method.implicit.h"], 1.0);
        assert_eq!(found["schedule.step.factor"], 0.5);
        assert!(!found.contains_key("method.implicit.solver"));
    }
}
