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
    pixels.encode_png().map_err(|error| failed(&error.to_string()))
}
