//! Figures (SVG, PNG) and the self-contained HTML report of gf.
