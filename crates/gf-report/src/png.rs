//! PNG from SVG, with an embedded font: the same picture on every machine.

use std::sync::{Arc, OnceLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

use crate::ReportError;

/// Latin, Greek, mathematical signs; licence beside the files.
const FONTS: [&[u8]; 2] =
    [include_bytes!("../assets/DejaVuSans-subset.ttf"), include_bytes!("../assets/DejaVuSans-Bold-subset.ttf")];

pub(crate) fn render(id: &str, svg: &str, scale: f32) -> Result<Vec<u8>, ReportError> {
    static FONT_DATABASE: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    let fonts = FONT_DATABASE.get_or_init(|| {
        let mut database = fontdb::Database::new();
        FONTS.iter().for_each(|font| database.load_font_data(font.to_vec()));
        database.set_sans_serif_family("DejaVu Sans");
        Arc::new(database)
    });
    let options = Options { fontdb: Arc::clone(fonts), font_family: "DejaVu Sans".into(), ..Options::default() };
    let tree =
        Tree::from_str(svg, &options).map_err(|source| ReportError::Svg { id: id.into(), source: Box::new(source) })?;
    let size = tree.size().to_int_size().scale_by(scale);
    let failed = |reason: &str| ReportError::Png { id: id.into(), reason: reason.into() };
    let size = size.ok_or_else(|| failed("the size is zero"))?;
    let mut pixels = Pixmap::new(size.width(), size.height()).ok_or_else(|| failed("the size is too large"))?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
    let encoded = pixels.encode_png().map_err(|error| failed(&error.to_string()))?;
    Ok(with_density(encoded, f64::from(scale) * SVG_PIXELS_PER_INCH))
}

/// A panel of 520 pixels is 3.5 inches wide in print.
const SVG_PIXELS_PER_INCH: f64 = 150.0;

/// Says in a `pHYs` chunk, after the header, how many pixels make an inch (PNG, third edition, 11.3.4.3); the encoder behind resvg cannot.
fn with_density(mut png: Vec<u8>, pixels_per_inch: f64) -> Vec<u8> {
    /// Signature 8, length and name 8, header 13, checksum 4.
    const AFTER_HEADER: usize = 33;
    let per_meter = ((pixels_per_inch / 0.0254).round() as u32).to_be_bytes();
    let mut chunk = b"pHYs".to_vec();
    chunk.extend(per_meter);
    chunk.extend(per_meter);
    // The unit is the meter.
    chunk.push(1);
    let checksum = crc32fast::hash(&chunk);
    let framed = 9_u32.to_be_bytes().into_iter().chain(chunk).chain(checksum.to_be_bytes());
    png.splice(AFTER_HEADER..AFTER_HEADER, framed);
    png
}
