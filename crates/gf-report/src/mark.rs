//! What is drawn in a panel.

/// Something drawn in a panel. Points that are not finite, or not positive on a logarithmic axis, leave gaps.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    /// A line through points, in order.
    Line {
        /// In the legend; empty for none.
        label: String,
        /// Color and dash.
        style: usize,
        /// Abscissas.
        x: Vec<f64>,
        /// Ordinates.
        y: Vec<f64>,
    },
    /// An area between two curves, translucent, without legend.
    Band {
        /// Color.
        style: usize,
        /// Abscissas.
        x: Vec<f64>,
        /// Lower ordinates.
        low: Vec<f64>,
        /// Upper ordinates.
        high: Vec<f64>,
    },
    /// Dots.
    Points {
        /// In the legend; empty for none.
        label: String,
        /// Color.
        style: usize,
        /// Abscissas.
        x: Vec<f64>,
        /// Ordinates.
        y: Vec<f64>,
    },
    /// Squares that nearly touch where points lie on a grid of some thirty a side.
    Cells {
        /// In the legend; empty for none.
        label: String,
        /// Color.
        style: usize,
        /// Abscissas.
        x: Vec<f64>,
        /// Ordinates.
        y: Vec<f64>,
    },
    /// Thin gray lines where a function of both coordinates has given values.
    Contours {
        /// Abscissas of the grid, ascending.
        x: Vec<f64>,
        /// Ordinates of the grid, ascending.
        y: Vec<f64>,
        /// The values: a row per ordinate, with one number per abscissa.
        values: Vec<Vec<f64>>,
        /// Where lines are drawn.
        levels: Vec<f64>,
    },
    /// Colored cells of equal size, with a color bar: the color is the value.
    Heat {
        /// First and last abscissa, the edges of the outer cells.
        x: (f64, f64),
        /// First and last ordinate.
        y: (f64, f64),
        /// A row of cells per ordinate, from the first ordinate on, with one number per abscissa.
        values: Vec<Vec<f64>>,
        /// Whether each cell shows its value too.
        shows_values: bool,
    },
    /// How often each row (ordinate) met each column (abscissa), both numbered from 0: cells that are white for the lowest count and bluer
    /// the larger its logarithm. Counts above 0 stand in the cells where there are at most twelve a side.
    Counts {
        /// A row per ordinate, from 0 on, with one count per abscissa.
        counts: Vec<Vec<u64>>,
    },
    /// A gray horizontal rule with a label at it.
    Horizontal {
        /// Where.
        y: f64,
        /// Text at the rule.
        label: String,
    },
    /// A gray vertical rule with a label at it.
    Vertical {
        /// Where.
        x: f64,
        /// Text at the rule.
        label: String,
    },
}

impl Mark {
    /// A line.
    pub fn line(label: impl Into<String>, style: usize, x: Vec<f64>, y: Vec<f64>) -> Self {
        Self::Line { label: label.into(), style, x, y }
    }

    /// A band.
    pub fn band(style: usize, x: Vec<f64>, low: Vec<f64>, high: Vec<f64>) -> Self {
        Self::Band { style, x, low, high }
    }

    /// Dots.
    pub fn points(label: impl Into<String>, style: usize, x: Vec<f64>, y: Vec<f64>) -> Self {
        Self::Points { label: label.into(), style, x, y }
    }

    /// The same with abscissas and ordinates multiplied.
    pub(crate) fn scaled(&self, x_factor: f64, y_factor: f64) -> Self {
        let mut mark = self.clone();
        let scale = |values: &mut Vec<f64>, factor: f64| values.iter_mut().for_each(|value| *value *= factor);
        match &mut mark {
            Self::Line { x, y, .. } | Self::Points { x, y, .. } | Self::Cells { x, y, .. } => {
                scale(x, x_factor);
                scale(y, y_factor);
            }
            Self::Band { x, low, high, .. } => {
                scale(x, x_factor);
                scale(low, y_factor);
                scale(high, y_factor);
            }
            Self::Contours { x, y, .. } => {
                scale(x, x_factor);
                scale(y, y_factor);
            }
            Self::Heat { x, y, .. } => {
                *x = (x.0 * x_factor, x.1 * x_factor);
                *y = (y.0 * y_factor, y.1 * y_factor);
            }
            // Rows and columns are numbers of their own, on linear axes, which are never scaled.
            Self::Counts { .. } => {}
            Self::Horizontal { y, .. } => *y *= y_factor,
            Self::Vertical { x, .. } => *x *= x_factor,
        }
        mark
    }

    /// Its abscissas and ordinates, for axis ranges.
    pub(crate) fn extent(&self) -> (Vec<f64>, Vec<f64>) {
        match self {
            Self::Line { x, y, .. }
            | Self::Points { x, y, .. }
            | Self::Cells { x, y, .. }
            | Self::Contours { x, y, .. } => (x.clone(), y.clone()),
            Self::Band { x, low, high, .. } => (x.clone(), low.iter().chain(high).copied().collect()),
            Self::Heat { x, y, .. } => (vec![x.0, x.1], vec![y.0, y.1]),
            Self::Counts { counts } => {
                let edge = |count: usize| count as f64 - 0.5;
                (vec![-0.5, edge(counts.first().map_or(0, Vec::len))], vec![-0.5, edge(counts.len())])
            }
            Self::Horizontal { y, .. } => (vec![], vec![*y]),
            Self::Vertical { x, .. } => (vec![*x], vec![]),
        }
    }
}

/// The runs of consecutive drawable points.
pub(crate) fn segments(points: impl Iterator<Item = Option<(f64, f64)>>) -> Vec<Vec<(f64, f64)>> {
    let mut runs: Vec<Vec<(f64, f64)>> = vec![vec![]];
    for point in points {
        match point {
            Some(point) => runs.last_mut().expect("there is always a run").push(point),
            None if runs.last().is_some_and(|run| !run.is_empty()) => runs.push(vec![]),
            None => {}
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_split_a_line() {
        let points = [None, Some((0.0, 1.0)), Some((1.0, 1.0)), None, None, Some((3.0, 1.0)), None];
        let found = segments(points.into_iter());
        assert_eq!(found, vec![vec![(0.0, 1.0), (1.0, 1.0)], vec![(3.0, 1.0)]]);
    }
}
