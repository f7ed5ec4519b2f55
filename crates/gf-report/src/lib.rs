//! Figures (SVG, PNG) and the self-contained HTML report of gf.
//!
//! Figures and pages are plain descriptions, [`Figure`] and [`Page`]; what draws them is hidden. The same description gives the same bytes.
//! A page is complete without scripts. With them, figures of lines and dots are drawn anew from the same (thinned) numbers, and can be read off, rescaled
//! and taken apart; a page draws at most [`Page::MOST_POINTS`] points.
//!
//! ```
//! use gf_report::{Axis, Block, Figure, Mark, Page, Panel, Section};
//! let panel = Panel::new("decay", Axis::linear("step"), Axis::log("loss"))
//!     .with(Mark::line("explicit", 0, vec![0.0, 1.0, 2.0], vec![1.0, 0.1, 0.01]));
//! let figure = Figure::new("loss", "The loss falls tenfold a step.", vec![panel]);
//! let page = Page::new("A run").with(Section::new("Loss", vec![Block::Figure(figure)]));
//! assert!(page.to_html()?.contains("<svg"));
//! # Ok::<(), gf_report::ReportError>(())
//! ```

mod axes;
mod export;
mod figure;
mod interactive;
mod latex;
mod maps;
mod mark;
mod moving;
mod number;
mod page;
mod panel;
mod paths;
mod png;
mod style;
mod table;
mod thinning;

use thiserror::Error;

pub use export::TableFormat;
pub use figure::{Axis, Figure, Panel, Scale, View};
pub use mark::Mark;
pub use number::significant;
pub use page::{Block, Page, Section};
pub use style::{COLORS, style};
pub use table::{Align, Column, Table};

/// Why a report could not be made.
#[derive(Debug, Error)]
pub enum ReportError {
    /// The SVG could not be read back for the PNG.
    #[error("figure \"{id}\": the drawing is not valid SVG: {source}")]
    Svg {
        /// The figure.
        id: String,
        /// Where.
        source: Box<resvg::usvg::Error>,
    },
    /// The PNG could not be made.
    #[error("figure \"{id}\": no picture: {reason}")]
    Png {
        /// The figure.
        id: String,
        /// Why.
        reason: String,
    },
    /// The numbers of a figure could not be written down.
    #[error("the page's figures could not be described: {0}")]
    Description(#[from] serde_json::Error),
    /// The page's template failed.
    #[error("the page could not be filled in: {0}")]
    Template(#[from] minijinja::Error),
}
