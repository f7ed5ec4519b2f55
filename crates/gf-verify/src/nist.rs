//! NIST's Statistical Reference Datasets, nonlinear regression: 27 problems with two starts and certified answers of 11 digits.
//!
//! The files are NIST's own (see DATA-LICENSES.md) and are parsed, not transcribed. Certified values were computed by NIST in quadruple precision.
//! Source: NIST/ITL StRD, <https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml>.

use serde::Serialize;
use thiserror::Error;

use crate::models::{self, Model};
use crate::{Problem, problem};

/// NIST's word for how hard a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Lower.
    Lower,
    /// Average.
    Average,
    /// Higher.
    Higher,
}

impl Level {
    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lower => "lower",
            Self::Average => "average",
            Self::Higher => "higher",
        }
    }
}

/// A nonlinear regression y = f(b; x) + e with certified answers.
#[derive(Debug, Clone)]
pub struct Regression {
    /// NIST's name.
    pub name: String,
    /// How hard it is.
    pub level: Level,
    /// Two starts, far and near, n numbers each.
    pub starts: [Vec<f64>; 2],
    /// The certified parameters.
    pub certified: Vec<f64>,
    /// Their certified standard deviations.
    pub deviations: Vec<f64>,
    /// The certified residual sum of squares ‖r‖².
    pub residual_sum_of_squares: f64,
    /// The certified √(‖r‖²/(m − n)).
    pub residual_deviation: f64,
    /// y, m numbers, as the model has it (Nelson: log y).
    pub response: Vec<f64>,
    /// x, m × `width` row-major.
    pub predictors: Vec<f64>,
    /// Predictors an observation.
    pub width: usize,
    /// f.
    pub model: Model,
}

impl Regression {
    /// The number m of observations.
    pub fn observations(&self) -> usize {
        self.response.len()
    }

    /// m − n. (The file of Rat43 prints 9 for 15 − 4; its residual deviation belongs to 11.)
    pub fn degrees_of_freedom(&self) -> usize {
        self.observations() - self.certified.len()
    }

    /// r = f(b; x) − y with its Jacobian.
    pub fn objective(&self) -> Problem {
        let (m, n) = (self.observations(), self.certified.len());
        let (response, predictors, width, model) =
            (self.response.clone(), self.predictors.clone(), self.width, self.model);
        problem(&self.name, m, n, move |b, r, j| {
            let mut row = [0.0; MOST_PARAMETERS];
            for (i, x) in predictors.chunks_exact(width).enumerate() {
                r[i] = model(b, x, &mut row[..n]) - response[i];
                for (k, d) in row[..n].iter().enumerate() {
                    j[i + k * m] = *d;
                }
            }
        })
    }
}

/// Of ENSO.
const MOST_PARAMETERS: usize = 9;

/// A file that is not in NIST's format.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{file}: expected {expected}")]
pub struct ParseError {
    /// The data set.
    pub file: String,
    /// What is missing or wrong.
    pub expected: String,
}

struct Entry {
    name: &'static str,
    text: &'static str,
    model: Model,
}

macro_rules! entries {
    ($($name:literal: $model:expr),* $(,)?) => {
        &[$(Entry { name: $name, text: include_str!(concat!("../data/", $name, ".dat")), model: $model }),*]
    };
}

/// In NIST's order: by level, then as NIST lists them.
const ENTRIES: &[Entry] = entries! {
    "Misra1a": models::saturation,
    "Chwirut2": models::chwirut,
    "Chwirut1": models::chwirut,
    "Lanczos3": models::lanczos,
    "Gauss1": models::gauss,
    "Gauss2": models::gauss,
    "DanWood": models::dan_wood,
    "Misra1b": models::misra1b,
    "Kirby2": models::rational::<3>,
    "Hahn1": models::rational::<4>,
    "Nelson": models::nelson,
    "MGH17": models::mgh17,
    "Lanczos1": models::lanczos,
    "Lanczos2": models::lanczos,
    "Gauss3": models::gauss,
    "Misra1c": models::misra1c,
    "Misra1d": models::misra1d,
    "Roszman1": models::roszman1,
    "ENSO": models::enso,
    "MGH09": models::mgh09,
    "Thurber": models::rational::<4>,
    "BoxBOD": models::saturation,
    "Rat42": models::rat42,
    "MGH10": models::mgh10,
    "Eckerle4": models::eckerle4,
    "Rat43": models::rat43,
    "Bennett5": models::bennett5,
};

/// The names of the 27, from lower to higher level.
pub fn names() -> impl Iterator<Item = &'static str> {
    ENTRIES.iter().map(|entry| entry.name)
}

/// The 27 problems, from lower to higher level.
pub fn regressions() -> impl Iterator<Item = Regression> {
    ENTRIES.iter().map(embedded)
}

/// The problem of this name.
pub fn regression(name: &str) -> Option<Regression> {
    ENTRIES.iter().find(|entry| entry.name == name).map(embedded)
}

fn embedded(entry: &Entry) -> Regression {
    parse(entry.name, entry.text, entry.model).expect("the embedded files are NIST's, and a test parses all of them")
}

/// Reads NIST's format: the level, the table of starts and certified values, three certified numbers, then rows of y and x.
fn parse(name: &str, text: &str, model: Model) -> Result<Regression, ParseError> {
    let fail = |expected: &str| ParseError { file: name.into(), expected: expected.into() };
    let level = match text.lines().find_map(|line| line.trim().strip_suffix(" Level of Difficulty")) {
        Some("Lower") => Level::Lower,
        Some("Average") => Level::Average,
        Some("Higher") => Level::Higher,
        _ => return Err(fail("a line \"… Level of Difficulty\"")),
    };
    let certified_number = |label: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(label)?.strip_prefix(':'));
        value.and_then(|value| value.trim().parse::<f64>().ok()).ok_or_else(|| fail(&format!("\"{label}: NUMBER\"")))
    };
    let mut columns: [Vec<f64>; 4] = Default::default();
    for line in text.lines() {
        let Some((label, values)) = line.split_once('=') else { continue };
        if label.trim() != format!("b{}", columns[0].len() + 1) {
            continue;
        }
        let values = numbers(values).filter(|row| row.len() == 4);
        let values = values.ok_or_else(|| fail("two starts, a value and a deviation after \"bK =\""))?;
        columns.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
    }
    let [first, second, certified, deviations] = columns;
    let mut rows = Vec::new();
    let data = text.lines().skip_while(|line| !(line.starts_with("Data:") && line[5..].trim_start().starts_with('y')));
    for line in data.skip(1).filter(|line| !line.trim().is_empty()) {
        rows.push(numbers(line).ok_or_else(|| fail("rows of numbers after \"Data: y x\""))?);
    }
    let width = rows.first().map_or(0, Vec::len).saturating_sub(1);
    let count = certified_number("Number of Observations")? as usize;
    if width == 0 || rows.len() != count || rows.iter().any(|row| row.len() != width + 1) {
        return Err(fail(&format!("{count} rows of as many numbers each, found {}", rows.len())));
    }
    let parameters = text.lines().find_map(|line| line.trim().split_once(" Parameters (b1")?.0.parse::<usize>().ok());
    if parameters != Some(certified.len()) || certified.len() >= count {
        return Err(fail(&format!("a line \"bK =\" for every parameter, found {}", certified.len())));
    }
    let of_logarithm = text.lines().any(|line| line.trim_start().starts_with("log[y] ="));
    let response = |row: &Vec<f64>| if of_logarithm { row[0].ln() } else { row[0] };
    Ok(Regression {
        name: name.into(),
        level,
        starts: [first, second],
        certified,
        deviations,
        residual_sum_of_squares: certified_number("Residual Sum of Squares")?,
        residual_deviation: certified_number("Residual Standard Deviation")?,
        response: rows.iter().map(response).collect(),
        predictors: rows.iter().flat_map(|row| row[1..].iter().copied()).collect(),
        width,
        model,
    })
}

fn numbers(text: &str) -> Option<Vec<f64>> {
    text.split_whitespace().map(|word| word.parse().ok()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps an error fails, as it should")]
mod tests {
    use super::*;

    #[test]
    fn a_broken_file_is_named_with_what_is_missing() {
        let entry = &ENTRIES[0];
        let parsed = |text: String| parse("broken", &text, entry.model).map(|_| ()).map_err(|error| error.to_string());
        assert_eq!(parsed(entry.text.into()), Ok(()));
        let without = |line: &str| entry.text.lines().filter(|l| !l.contains(line)).collect::<Vec<_>>().join("\n");
        for (line, expected) in [
            ("Lower Level", "broken: expected a line \"… Level of Difficulty\""),
            ("Residual Sum", "broken: expected \"Residual Sum of Squares: NUMBER\""),
            ("b2 =", "broken: expected a line \"bK =\" for every parameter, found 1"),
            ("81.78E0", "broken: expected 14 rows of as many numbers each, found 13"),
        ] {
            assert_eq!(parsed(without(line)).unwrap_err(), expected);
        }
        let shown = parsed(entry.text.replace("75.47E0     689.1E0", "75.47E0     many")).unwrap_err();
        assert_eq!(shown, "broken: expected rows of numbers after \"Data: y x\"");
    }
}
