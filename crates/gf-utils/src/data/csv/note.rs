//! What a part of a CSV file tells the others, as numbers.

use super::labels::Naming;
use super::missing::Totals;

/// Rows, missing values, columns and classes of a part.
pub(super) struct Note {
    pub(super) totals: Totals,
    /// CRC-32 of the names of the inputs.
    pub(super) columns: u32,
    /// How the classes of the part are written; none where there are no classes, or no rows.
    pub(super) naming: Option<Naming>,
}

/// Which kind of [`Naming`] follows.
const NONE: usize = 0;
const NUMBERS: usize = 1;
const NAMES: usize = 2;

impl Note {
    /// Counts, then classes: nothing; their number; or their number, and the length and the bytes of each name.
    pub(super) fn encode(&self) -> Vec<f64> {
        let Totals { rows, complete, missing } = self.totals;
        let mut numbers = vec![rows, complete, missing, self.columns as usize];
        match &self.naming {
            None => numbers.push(NONE),
            Some(Naming::Numbers { classes }) => numbers.extend([NUMBERS, *classes]),
            Some(Naming::Names(names)) => {
                numbers.extend([NAMES, names.len()]);
                for name in names {
                    numbers.push(name.len());
                    numbers.extend(name.bytes().map(usize::from));
                }
            }
        }
        numbers.into_iter().map(|number| number as f64).collect()
    }

    /// # Panics
    /// When it is not what `encode` wrote.
    pub(super) fn decode(numbers: &[f64]) -> Self {
        let mut numbers = numbers.iter().map(|&number| number as usize);
        let mut next = || numbers.next().expect("a note is as long as it says");
        let totals = Totals { rows: next(), complete: next(), missing: next() };
        let columns = next() as u32;
        let naming = match next() {
            NUMBERS => Some(Naming::Numbers { classes: next() }),
            NAMES => {
                let count = next();
                let name = |_| {
                    let length = next();
                    String::from_utf8((0..length).map(|_| next() as u8).collect()).expect("names are text")
                };
                Some(Naming::Names((0..count).map(name).collect()))
            }
            _ => None,
        };
        Self { totals, columns, naming }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let names = match &self.naming {
            Some(Naming::Names(names)) => &names[..],
            _ => &[],
        };
        names.iter().map(String::as_str)
    }
}
