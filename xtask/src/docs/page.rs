//! A page of the documentation: its formulas, links, pictures and headings, with the lines they stand in.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// A Markdown file.
pub(super) struct Page {
    /// Its path from the root of the workspace, with forward slashes.
    pub(super) name: String,
    /// Where it lies.
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// Something a page says, and where.
pub(super) struct At<T> {
    pub(super) line: usize,
    pub(super) what: T,
}

/// What a page refers to.
#[derive(Default)]
pub(super) struct Contents {
    /// Formulas, and whether each is displayed.
    pub(super) formulas: Vec<At<(String, bool)>>,
    /// Destinations of links.
    pub(super) links: Vec<At<String>>,
    /// Destinations of pictures.
    pub(super) pictures: Vec<At<String>>,
    /// Names that `#name` leads to.
    pub(super) anchors: Vec<String>,
    /// Lines with a dollar sign in text, which an unclosed formula leaves behind.
    pub(super) dollars: Vec<usize>,
}

impl Page {
    /// Reads the page at `path`.
    pub(super) fn read(root: &Path, path: PathBuf) -> Result<Self> {
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let name = path.strip_prefix(root).unwrap_or(&path).display().to_string().replace('\\', "/");
        Ok(Self { name, path, text })
    }

    /// What stands in it.
    pub(super) fn contents(&self) -> Contents {
        let starts: Vec<usize> =
            std::iter::once(0).chain(self.text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let mut contents = Contents::default();
        let mut slugs = Slugs::default();
        let mut heading: Option<String> = None;
        let mut code = false;
        for (event, range) in Parser::new_ext(&self.text, options()).into_offset_iter() {
            let line = starts.partition_point(|&start| start <= range.start);
            match event {
                Event::InlineMath(formula) => contents.formulas.push(At { line, what: (formula.to_string(), false) }),
                Event::DisplayMath(formula) => contents.formulas.push(At { line, what: (formula.to_string(), true) }),
                Event::Start(Tag::Link { dest_url, .. }) => {
                    contents.links.push(At { line, what: dest_url.to_string() });
                }
                Event::Start(Tag::Image { dest_url, .. }) => {
                    contents.pictures.push(At { line, what: dest_url.to_string() });
                }
                Event::Start(Tag::CodeBlock(_)) => code = true,
                Event::End(TagEnd::CodeBlock) => code = false,
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    if let Some(title) = heading.take() {
                        contents.anchors.push(slugs.next(&title));
                    }
                }
                Event::Text(text) => {
                    if !code && text.contains('$') {
                        contents.dollars.push(line);
                    }
                    if let Some(title) = &mut heading {
                        title.push_str(&text);
                    }
                }
                Event::Code(text) => {
                    if let Some(title) = &mut heading {
                        title.push_str(&text);
                    }
                }
                _ => {}
            }
        }
        contents
    }
}

/// The Markdown that pages are written in.
pub(super) fn options() -> Options {
    Options::ENABLE_MATH | Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES
}

/// Names of headings, as the hosts of repositories and mdBook make them.
#[derive(Default)]
pub(super) struct Slugs {
    seen: HashMap<String, usize>,
}

impl Slugs {
    /// The name of the next heading of a page: lower case, blanks as hyphens, no punctuation; a repeated one is numbered.
    pub(super) fn next(&mut self, title: &str) -> String {
        let slug: String = title
            .trim()
            .to_lowercase()
            .chars()
            .filter_map(|letter| match letter {
                ' ' => Some('-'),
                '-' | '_' => Some(letter),
                letter => letter.is_alphanumeric().then_some(letter),
            })
            .collect();
        let count = self.seen.entry(slug.clone()).or_insert(0);
        *count += 1;
        if *count == 1 { slug } else { format!("{slug}-{}", *count - 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_formulas_links_and_headings_with_their_lines() {
        let text = "# A *b* `c`, d\n\nText $x^2$ and [there](other.md#a-b).\n\n$$\ny\n$$\n\n## A b c d\n\n![p](f.svg)\n\n`$5` costs $5\n";
        let page = Page { name: "p.md".into(), path: "p.md".into(), text: text.into() };
        let contents = page.contents();
        let formulas: Vec<_> = contents.formulas.iter().map(|at| (at.line, at.what.0.trim(), at.what.1)).collect();
        assert_eq!(formulas, [(3, "x^2", false), (5, "y", true)]);
        assert_eq!((contents.links[0].line, contents.links[0].what.as_str()), (3, "other.md#a-b"));
        assert_eq!((contents.pictures[0].line, contents.pictures[0].what.as_str()), (11, "f.svg"));
        assert_eq!(contents.anchors, ["a-b-c-d", "a-b-c-d-1"]);
        assert_eq!(contents.dollars, [13]);
    }
}
