//! `gf methods`: what the registry holds.

use gf_optim::registry::METHODS;
use miette::Report;
use serde_json::json;

use super::{print, table};
use crate::study::misuse;

pub(super) fn execute(as_json: bool) -> Result<u8, Report> {
    if as_json {
        let methods: Vec<_> = METHODS
            .iter()
            .map(|info| {
                json!({
                    "name": info.name,
                    "title": info.title,
                    "family": info.family,
                    "order": info.order,
                    "curvature": info.curvature,
                    "stability": info.stability,
                    "cost": info.cost,
                })
            })
            .collect();
        print(&serde_json::to_string_pretty(&methods).map_err(misuse)?);
        return Ok(0);
    }
    let rows = METHODS.iter().map(|info| {
        vec![
            info.name.to_string(),
            info.title.to_string(),
            info.family.to_string(),
            info.order.map_or_else(|| "–".to_string(), |order| order.to_string()),
            info.curvature.to_string(),
            info.stability.to_string(),
            info.cost.to_string(),
        ]
    });
    let header = ["name", "method", "family", "order", "curvature", "stable for", "work per step"];
    print(&table::list(&header, rows.collect()));
    Ok(0)
}
