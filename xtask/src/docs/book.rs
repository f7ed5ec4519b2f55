//! The book as HTML that needs no network and no scripts.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use minijinja::Environment;
use minijinja::value::{Serde, Value};
use pulldown_cmark::{CodeBlockKind, CowStr, Event, Parser, Tag, TagEnd, html};
use pulldown_latex::config::{DisplayMode, RenderConfig};
use pulldown_latex::event::{Content, DelimiterType, Event as Piece};
use pulldown_latex::{Parser as Formula, Storage, push_mathml};
use serde::Serialize;

use super::page::{Page, Slugs, options};
use super::references::{beside, remote};

/// The table of contents.
pub(super) const SUMMARY: &str = "docs/SUMMARY.md";

/// A part of the book.
#[derive(Debug, Serialize)]
pub(super) struct Part {
    pub(super) title: String,
    pub(super) chapters: Vec<Chapter>,
}

/// A chapter.
#[derive(Debug, Serialize)]
pub(super) struct Chapter {
    pub(super) title: String,
    /// From `docs/`.
    pub(super) path: String,
}

/// What the template of a page is given.
#[derive(Serialize)]
struct Sheet<'a> {
    chapter: &'a Chapter,
    /// From the page to the book's folder.
    up: String,
    style: &'static str,
    body: String,
    parts: &'a [Part],
    before: Option<&'a Chapter>,
    after: Option<&'a Chapter>,
}

/// The parts and chapters of the table of contents: `# Part` and `- [Title](path)`, as mdBook has them.
pub(super) fn summary(root: &Path) -> Result<Vec<Part>> {
    let path = root.join(SUMMARY);
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let mut parts: Vec<Part> = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let chapter = line
            .strip_prefix("- [")
            .and_then(|line| line.strip_suffix(')'))
            .and_then(|line| line.split_once("]("))
            .filter(|(title, path)| !title.is_empty() && !path.is_empty());
        match (line.strip_prefix("# "), chapter, parts.last_mut()) {
            (Some("Summary"), _, None) => {}
            (Some(title), ..) => parts.push(Part { title: title.into(), chapters: Vec::new() }),
            (None, Some((title, path)), Some(part)) => {
                part.chapters.push(Chapter { title: title.into(), path: path.into() });
            }
            _ => bail!("{SUMMARY}:{}: expected `# Part` and below it `- [Title](path)`, found {line:?}", index + 1),
        }
    }
    Ok(parts)
}

/// Writes the book below `out` and returns its first page.
pub(super) fn build(root: &Path, out: &Path, pages: &[Page]) -> Result<PathBuf> {
    let parts = summary(root)?;
    let chapters: Vec<&Chapter> = parts.iter().flat_map(|part| &part.chapters).collect();
    let first = chapters.first().with_context(|| format!("{SUMMARY}: no chapter"))?;
    if out.exists() {
        std::fs::remove_dir_all(out).with_context(|| format!("removing {}", out.display()))?;
    }
    let docs = root.join("docs");
    copy(&docs.join("figures"), &out.join("figures"))?;
    let mut templates = Environment::new();
    templates.add_template("page.html", include_str!("page.html"))?;
    let template = templates.get_template("page.html")?;
    for (index, chapter) in chapters.iter().enumerate() {
        let path = docs.join(&chapter.path);
        let page = pages
            .iter()
            .find(|page| page.path == path)
            .with_context(|| format!("{SUMMARY}: no page {}", chapter.path))?;
        let sheet = Sheet {
            chapter,
            up: "../".repeat(chapter.path.matches('/').count()),
            style: include_str!("page.css"),
            body: body(&docs, page)?,
            parts: &parts,
            before: index.checked_sub(1).map(|index| chapters[index]),
            after: chapters.get(index + 1).copied(),
        };
        let text = template.render(Value::from(Serde(&sheet)))?;
        write(&out.join(&chapter.path).with_extension("html"), &text)?;
    }
    let index = out.join("index.html");
    let start = Path::new(&first.path).with_extension("html");
    write(&index, &template_of_index(&start.display().to_string()))?;
    Ok(index)
}

fn template_of_index(start: &str) -> String {
    format!(
        "<!DOCTYPE html><meta charset=\"utf-8\"><title>gf</title><meta http-equiv=\"refresh\" content=\"0; url={start}\"><a href=\"{start}\">gf</a>\n"
    )
}

/// A page's Markdown as HTML: formulas as MathML, headings with names, links to chapters as links to their pages.
fn body(docs: &Path, page: &Page) -> Result<String> {
    let mut events: Vec<Event<'_>> = Vec::new();
    let mut slugs = Slugs::default();
    let mut heading: Option<(usize, String)> = None;
    // Links to files of the repository that are no chapters have nowhere to lead to in a book that stands alone.
    let mut unlinked = false;
    let mut rust = false;
    for event in Parser::new_ext(&page.text, options()) {
        if let (Some((_, title)), Event::Text(text) | Event::Code(text)) = (&mut heading, &event) {
            title.push_str(text);
        }
        let shown = match event {
            Event::InlineMath(formula) => Event::InlineHtml(converted(page, &formula, false)?.into()),
            Event::DisplayMath(formula) => Event::InlineHtml(converted(page, &formula, true)?.into()),
            Event::Start(tag @ Tag::Heading { .. }) => {
                heading = Some((events.len(), String::new()));
                Event::Start(tag)
            }
            Event::End(tag @ TagEnd::Heading(_)) => {
                if let Some((start, title)) = heading.take()
                    && let Event::Start(Tag::Heading { id, .. }) = &mut events[start]
                {
                    *id = Some(slugs.next(&title).into());
                }
                Event::End(tag)
            }
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => match target(docs, page, &dest_url) {
                Some(dest_url) => Event::Start(Tag::Link { link_type, dest_url: dest_url.into(), title, id }),
                None => {
                    unlinked = true;
                    continue;
                }
            },
            Event::End(TagEnd::Link) if std::mem::take(&mut unlinked) => continue,
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                rust = language.starts_with("rust");
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language)))
            }
            Event::End(TagEnd::CodeBlock) => {
                rust = false;
                Event::End(TagEnd::CodeBlock)
            }
            // What rustdoc compiles and hides.
            Event::Text(code) if rust => Event::Text(
                code.split_inclusive('\n').filter(|line| !line.starts_with("# ")).collect::<String>().into(),
            ),
            // A table wider than a phone scrolls by itself.
            Event::Start(tag @ Tag::Table(_)) => {
                events.push(Event::Html(CowStr::Borrowed("<div class=\"table\" tabindex=\"0\">")));
                Event::Start(tag)
            }
            Event::End(tag @ TagEnd::Table) => {
                events.push(Event::End(tag));
                Event::Html(CowStr::Borrowed("</div>"))
            }
            other => other,
        };
        events.push(shown);
    }
    let mut body = String::new();
    html::push_html(&mut body, events.into_iter());
    Ok(captioned(&body))
}

/// `body` with its captions marked: paragraphs that are written in italics from end to end, which a style sheet cannot see.
fn captioned(body: &str) -> String {
    const START: &str = "<p><em>";
    let mut pieces = body.split(START);
    let mut marked = String::from(pieces.next().unwrap_or_default());
    for piece in pieces {
        let paragraph = piece.split("</p>").next().unwrap_or_default();
        let whole = paragraph.find("</em>").is_some_and(|at| at + "</em>".len() == paragraph.len());
        marked.push_str(if whole { "<p class=\"caption\"><em>" } else { START });
        marked.push_str(piece);
    }
    marked
}

fn converted(page: &Page, formula: &str, displayed: bool) -> Result<String> {
    mathml(formula, displayed).map_err(|error| anyhow::anyhow!("{}: formula {formula:?}: {error}", page.name))
}

/// Where a link of `page` leads in the book, or nothing where that is a file that the book does not hold.
fn target(docs: &Path, page: &Page, link: &str) -> Option<String> {
    if remote(link) || link.starts_with('#') {
        return Some(link.into());
    }
    let (file, anchor) =
        link.split_once('#').map_or((link, String::new()), |(file, anchor)| (file, format!("#{anchor}")));
    let path = beside(page, file);
    let inside = path.starts_with(docs);
    match file.strip_suffix(".md") {
        Some(stem) if inside => Some(format!("{stem}.html{anchor}")),
        None if path.starts_with(docs.join("figures")) => Some(link.into()),
        _ => None,
    }
}

/// A formula as MathML, or what is wrong with it.
pub(super) fn mathml(formula: &str, displayed: bool) -> Result<String, String> {
    let storage = Storage::new();
    let events: Vec<_> =
        Formula::new(formula, &storage).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    let display_mode = if displayed { DisplayMode::Block } else { DisplayMode::Inline };
    let config = RenderConfig { display_mode, annotation: None, ..RenderConfig::default() };
    let mut text = String::new();
    let bars: Vec<DelimiterType> = events.iter().filter_map(bar).collect();
    let events = events.into_iter().map(Ok::<_, std::convert::Infallible>);
    push_mathml(&mut text, events, config).map_err(|error| error.to_string())?;
    // pulldown-latex 0.8 escapes its own entity for a blank.
    Ok(sided(&text.replace("&amp;nbsp;", "\u{a0}"), &bars))
}

/// The side of a bar, |x| or ‖x‖, of a size that is not asked for.
fn bar(piece: &Piece<'_>) -> Option<DelimiterType> {
    match piece {
        Piece::Content(Content::Delimiter { content: '|' | '‖', size: None, ty }) if *ty != DelimiterType::Fence => {
            Some(*ty)
        }
        _ => None,
    }
}

/// `text` with the sides of its bars said: pulldown-latex 0.8 writes both alike, and a browser spaces a bar whose side it cannot see as an operator.
fn sided(text: &str, bars: &[DelimiterType]) -> String {
    const MARK: &str = "<mo symmetric=\"false\" stretchy=\"false\">";
    let mut bars = bars.iter();
    let mut pieces = text.split(MARK);
    let mut sided = String::from(pieces.next().unwrap_or_default());
    for piece in pieces {
        let form = if piece.starts_with(['|', '‖']) { bars.next() } else { None };
        sided.push_str(match form {
            Some(DelimiterType::Open) => "<mo form=\"prefix\" symmetric=\"false\" stretchy=\"false\">",
            Some(DelimiterType::Close) => "<mo form=\"postfix\" symmetric=\"false\" stretchy=\"false\">",
            Some(DelimiterType::Fence) | None => MARK,
        });
        sided.push_str(piece);
    }
    sided
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to).with_context(|| format!("creating {}", to.display()))?;
    for entry in std::fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        std::fs::copy(entry.path(), &place).with_context(|| format!("writing {}", place.display()))?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    }
    std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn formulas_become_mathml_and_faulty_ones_are_refused() {
        let formula = mathml(r"\lambda = 82,\ 25", true).unwrap();
        assert!(formula.starts_with("<math display=\"block\"") && !formula.contains("&amp;"), "{formula}");
        assert!(mathml(r"\frac{1}", false).is_err());
    }

    #[test]
    fn bars_have_sides() {
        let formula = mathml(r"(a)\lvert x\rvert < \lVert y\rVert^2", false).unwrap();
        let forms: Vec<&str> = formula.split("form=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(forms, ["prefix", "postfix", "prefix", "postfix"], "{formula}");
    }

    #[test]
    fn links_to_pages_lead_to_pages_and_others_end() {
        let docs = Path::new("/w/docs");
        let page = Page { name: "docs/theory/a.md".into(), path: docs.join("theory/a.md"), text: String::new() };
        assert_eq!(target(docs, &page, "../losses.md#b").as_deref(), Some("../losses.html#b"));
        assert_eq!(target(docs, &page, "#b").as_deref(), Some("#b"));
        assert_eq!(target(docs, &page, "../../README.md"), None);
    }

    #[test]
    fn pages_hold_no_scripts_and_captions_are_marked() {
        let page = Page {
            name: "a.md".into(),
            path: "/w/docs/a.md".into(),
            text:
                "# A B\n\n| a |\n|---|\n| $x$ |\n\n*Caption.*\n\n*Proof.* Text.\n\n[out](../README.md)\n\n```rust\nf();\n# hidden\n```\n"
                    .into(),
        };
        let body = body(Path::new("/w/docs"), &page).unwrap();
        for expected in [
            "<h1 id=\"a-b\">",
            "<div class=\"table\"",
            "<p class=\"caption\"><em>Caption.",
            "<p><em>Proof.</em> Text.</p>",
            "<p>out</p>",
        ] {
            assert!(body.contains(expected), "{expected}\n{body}");
        }
        assert!(!body.contains("<script") && !body.contains("hidden"));
    }
}
