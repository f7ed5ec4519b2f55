// Draws the figures of a report from their numbers, so that they can be read off, rescaled and taken apart. Without this script the page shows drawings of
// the same numbers. No library; nothing is fetched.
"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const MARGIN = { left: 64, right: 14, top: 30, bottom: 46 };
  const NARROWEST_PANEL = 330;
  /** Side of a square mark. */
  const SQUARE = 9;
  let charts = 0;

  /** An element with attributes and children; texts among these are never read as HTML. */
  function element(name, attributes = {}, ...children) {
    const isSvg = ["svg", "g", "path", "line", "text", "rect", "circle", "clipPath"].includes(name);
    const made = isSvg ? document.createElementNS(SVG, name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  // Numbers ---------------------------------------------------------------------------------------------------------------------

  const superscript = (text) => [...text].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c])).join("");

  /** A number for people, of so many significant digits. */
  function number(x, digits = 4) {
    if (x === null || Number.isNaN(x)) return "–";
    if (x === 0) return "0";
    const size = Math.abs(x);
    const rounded = Number(x.toPrecision(digits));
    return size >= 1e-4 && size < 1e6 ? rounded.toLocaleString("en-US", { maximumSignificantDigits: digits }) : rounded.toExponential().replace("e+", "e");
  }

  /** The label of a tick: powers of ten on logarithmic axes. */
  function tickLabel(x, isLog) {
    const exponent = Math.log10(x);
    if (isLog && Math.abs(exponent - Math.round(exponent)) < 1e-9 && Math.abs(exponent) > 1.5) return "10" + superscript(String(Math.round(exponent)));
    const text = number(x);
    if (!text.includes("e")) return text;
    const [digits, power] = text.split("e");
    return `${digits === "1" ? "" : `${digits}·`}10${superscript(power)}`;
  }

  // Axes ------------------------------------------------------------------------------------------------------------------------

  /** An axis from `low` to `high` over pixels `from` to `to`: where a number lies, and its ticks. */
  function scale(low, high, isLog, from, to) {
    const place = isLog ? Math.log10 : (x) => x;
    const [a, b] = [place(low), place(high)];
    const at = (x) => from + ((place(x) - a) / (b - a)) * (to - from);
    return { at, isLog, low, high, ticks: ticks(low, high, isLog, Math.abs(to - from) / (to > from ? 70 : 38)) };
  }

  function ticks(low, high, isLog, room) {
    const most = Math.max(2, Math.floor(room));
    if (isLog) return logarithmic(low, high, most) ?? ticks(low, high, false, room);
    const inside = (x) => x >= low * (1 - 1e-12 * Math.sign(low)) && x <= high * (1 + 1e-12 * Math.sign(high));
    const rough = (high - low) / most;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((step) => step >= rough) ?? rough;
    const found = [];
    for (let k = Math.ceil(low / step); k * step <= high * (1 + 1e-12) && found.length < 50; k += 1) found.push(Number((k * step).toPrecision(12)));
    return found.filter(inside);
  }

  /** Ticks at powers of ten, at 2 and 5 times them where there is room; null where fewer than two fit. */
  function logarithmic(low, high, most) {
    const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
    const stride = Math.max(1, Math.ceil(Math.log10(high / low) / most));
    const factors = 3 * Math.log10(high / low) <= most ? [1, 2, 5] : [1];
    const found = [];
    for (let decade = first; decade <= last; decade += 1) {
      if (decade % stride === 0) found.push(...factors.map((factor) => Number(`${factor}e${decade}`)));
    }
    const inside = found.filter((x) => x >= low * (1 - 1e-12) && x <= high * (1 + 1e-12));
    return inside.length > 1 ? inside : null;
  }

  /** The range of an axis: the given one where it fits, else that of the numbers with a margin; none without numbers. */
  function range(given, values, isLog, margin) {
    if (given && (!isLog || given[0] > 0)) return given;
    const fitting = values.filter((x) => x !== null && Number.isFinite(x) && (!isLog || x > 0));
    if (fitting.length === 0) return null;
    let low = fitting.reduce((a, b) => Math.min(a, b));
    let high = fitting.reduce((a, b) => Math.max(a, b));
    if (given) high = Math.min(high, given[1]);
    if (isLog) {
      low = Math.max(Math.min(low, high), high * 1e-30);
      const factor = Math.max((high / low) ** margin, margin ? 1.05 : 1.0000001);
      return [low / factor, high * factor];
    }
    const spread = high > low ? high - low : Math.abs(high) || 1;
    if (high === low) return low === 0 ? [0, spread] : [low - spread, high + spread];
    return [low >= 0 && low < margin * spread ? 0 : low - margin * spread, high + margin * spread];
  }

  // One panel -------------------------------------------------------------------------------------------------------------------

  const values = (mark, axis) =>
    axis === "x" ? mark.x ?? (mark.kind === "vertical" ? [mark.at] : []) : mark.y ?? (mark.kind === "band" ? mark.low.concat(mark.high) : mark.kind === "horizontal" ? [mark.at] : []);

  /** Whether a mark is shown: a band goes with the lines of its style. */
  function isShown(mark, marks, hidden) {
    if (mark.label) return !hidden.has(mark.label);
    const owners = marks.filter((other) => other.label && other.style === mark.style);
    return mark.style === undefined || owners.length === 0 || owners.some((owner) => !hidden.has(owner.label));
  }

  /** The path of a line; numbers that cannot be drawn leave gaps, and those far outside are drawn just outside. */
  function linePath(x, y, across, up, height) {
    let path = "";
    let isDown = false;
    x.forEach((abscissa, k) => {
      const [px, py] = [position(across, abscissa), position(up, y[k])];
      if (px === null || py === null) isDown = false;
      else {
        path += `${isDown ? "L" : "M"}${px.toFixed(1)} ${Math.max(-height, Math.min(2 * height, py)).toFixed(1)}`;
        isDown = true;
      }
    });
    return path;
  }

  const isScattered = (mark) => mark.kind === "points" || mark.kind === "cells";

  const position = (axis, x) => (x === null || (axis.isLog && x <= 0) ? null : axis.at(x));

  function bandPath(mark, across, up, height) {
    const clip = (y) => Math.max(-height, Math.min(2 * height, y));
    let path = "";
    let run = [];
    const close = () => {
      if (run.length > 1) path += `M${run.map((p) => `${p[0]} ${p[1]}`).join("L")}L${run.reverse().map((p) => `${p[0]} ${p[2]}`).join("L")}Z`;
      run = [];
    };
    mark.x.forEach((x, k) => {
      const at = [position(across, x), position(up, mark.low[k]), position(up, mark.high[k])];
      if (at.includes(null)) close();
      else run.push([at[0].toFixed(1), clip(at[1]).toFixed(1), clip(at[2]).toFixed(1)]);
    });
    close();
    return path;
  }

  /** Draws a panel into `host`; answers what is needed to read values off. */
  function drawPanel(host, panel, state, width) {
    host.replaceChildren();
    const view = panel.views.find((view) => view.x.label === state.abscissa) ?? panel.views[0];
    const height = Math.round(Math.max(260, Math.min(360, width * 0.69)));
    host.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const text = (x, y, content, attributes = {}) => host.append(element("text", { x, y, "font-size": 12, ...attributes }, content));
    text(width / 2, 18, panel.title, { "text-anchor": "middle", "font-size": 14 });
    const marks = view.marks.filter((mark) => isShown(mark, view.marks, state.hidden));
    const isLog = { x: state.logX ?? view.x.is_log, y: state.logY ?? panel.y.is_log };
    const all = (axis) => view.marks.flatMap((mark) => values(mark, axis));
    const hasDots = view.marks.some(isScattered);
    const xRange = range(view.x.range, all("x"), isLog.x, hasDots ? 0.03 : 0);
    const yRange = range(panel.y.range, all("y"), isLog.y, 0.04);
    if (!xRange || !yRange) {
      text(width / 2, height / 2, "no data", { "text-anchor": "middle" });
      return null;
    }
    const [right, bottom] = [width - MARGIN.right, height - MARGIN.bottom];
    const up = scale(...yRange, isLog.y, bottom, MARGIN.top);
    // Long ticks must not cover the label beside them: letters are some 7 pixels wide.
    const left = Math.max(MARGIN.left, 30 + 7 * Math.max(...up.ticks.map((y) => tickLabel(y, isLog.y).length)));
    const across = scale(...xRange, isLog.x, left, right);
    for (const x of across.ticks) {
      const at = across.at(x);
      host.append(element("line", { x1: at, x2: at, y1: MARGIN.top, y2: bottom, stroke: "#cccccc", "stroke-width": 0.6 }));
      text(at, bottom + 16, tickLabel(x, isLog.x), { "text-anchor": "middle" });
    }
    for (const y of up.ticks) {
      const at = up.at(y);
      host.append(element("line", { x1: left, x2: right, y1: at, y2: at, stroke: "#cccccc", "stroke-width": 0.6 }));
      text(left - 6, at + 4, tickLabel(y, isLog.y), { "text-anchor": "end" });
    }
    text((left + right) / 2, height - 10, view.x.label, { "text-anchor": "middle", "font-size": 13 });
    const middle = (MARGIN.top + bottom) / 2;
    text(14, middle, panel.y.label, { "text-anchor": "middle", "font-size": 13, transform: `rotate(-90 14 ${middle})` });
    const clip = `clip-${(charts += 1)}`;
    host.append(element("clipPath", { id: clip }, element("rect", { x: left, y: MARGIN.top, width: right - left, height: bottom - MARGIN.top })));
    const inside = element("g", { "clip-path": `url(#${clip})` });
    host.append(inside);
    for (const mark of marks) drawMark(mark, { inside, host, across, up, height, left, right, bottom });
    host.append(element("path", { d: `M${left} ${MARGIN.top}V${bottom}H${right}`, fill: "none", stroke: "#000000", "stroke-width": 1 }));
    return { marks, across, up, view, panel, height };
  }

  function drawMark(mark, { inside, host, across, up, height, left, right, bottom }) {
    if (mark.kind === "line") {
      const d = linePath(mark.x, mark.y, across, up, height);
      inside.append(element("path", { d, fill: "none", stroke: mark.color, "stroke-width": 1.9, "stroke-dasharray": mark.dash || null, class: "curve" }));
      // A line of one point is a dot.
      const lone = (d.match(/M[^ML]+(?=M|$)/g) ?? []).map((place) => `${place}h0`).join("");
      if (lone) inside.append(element("path", { d: lone, fill: "none", stroke: mark.color, "stroke-width": 5, "stroke-linecap": "round" }));
    } else if (mark.kind === "band") {
      inside.append(element("path", { d: bandPath(mark, across, up, height), fill: mark.color, "fill-opacity": 0.16 }));
    } else if (isScattered(mark)) {
      // A path of no length with round caps is a dot, with square ones a square: one element for all of them.
      const isCell = mark.kind === "cells";
      const places = mark.x.map((x, k) => [position(across, x), position(up, mark.y[k])]).filter((at) => !at.includes(null) && at[1] > -height && at[1] < 2 * height);
      const d = places.map((at) => `M${at[0].toFixed(1)} ${at[1].toFixed(1)}h0`).join("");
      inside.append(element("path", { d, fill: "none", stroke: mark.color, "stroke-width": isCell ? (SQUARE * right) / 500 : 4.5, "stroke-linecap": isCell ? "square" : "round", "stroke-opacity": isCell ? 0.75 : 0.65, class: "curve" }));
    } else {
      const at = position(mark.kind === "vertical" ? across : up, mark.at);
      if (at === null) return;
      const line = mark.kind === "vertical" ? { x1: at, x2: at, y1: MARGIN.top, y2: bottom } : { x1: left, x2: right, y1: at, y2: at };
      inside.append(element("line", { ...line, stroke: "#777777", "stroke-dasharray": "4 3" }));
      const where = mark.kind === "vertical" ? { x: Math.min(at + 4, right - 6 * mark.label.length), y: MARGIN.top + 12 } : { x: right - 4, y: at - 4, "text-anchor": "end" };
      if (at >= left - 1 || mark.kind === "horizontal") host.append(element("text", { ...where, "font-size": 11.5, class: "rule" }, mark.label));
    }
  }

  // Reading values off ----------------------------------------------------------------------------------------------------------

  /** Of each shown line and cloud of dots, the point nearest to a place. */
  function nearest(drawn, px, py) {
    const found = [];
    for (const mark of drawn.marks) {
      if (mark.kind !== "line" && !isScattered(mark)) continue;
      const ascends = mark.kind === "line" && mark.x.every((x, k) => k === 0 || x >= mark.x[k - 1]);
      let best = null;
      mark.x.forEach((x, k) => {
        const [ax, ay] = [position(drawn.across, x), position(drawn.up, mark.y[k])];
        if (ax === null || ay === null) return;
        const distance = Math.hypot(ax - px, ascends ? 0 : ay - py);
        if (!best || distance < best.distance) best = { mark, x, y: mark.y[k], ax, ay, distance };
      });
      if (best && best.distance < (mark.kind === "cells" ? SQUARE : 60)) found.push(best);
    }
    const named = found.filter((point) => point.mark.label);
    return (named.length > 0 ? named : found).sort((a, b) => a.ay - b.ay);
  }

  /** Shows what lies near a place of a chart: dots on it, and a box beside it with the numbers. */
  function showValues(chart, tip, px, py, speak) {
    chart.svg.querySelectorAll(".cursor").forEach((old) => old.remove());
    const points = chart.drawn ? nearest(chart.drawn, px, py) : [];
    tip.hidden = points.length === 0;
    if (points.length === 0) return;
    const cursor = element("g", { class: "cursor" });
    for (const point of points) cursor.append(element("circle", { cx: point.ax, cy: point.ay, r: 4, fill: point.mark.color }));
    chart.svg.append(cursor);
    const abscissa = chart.drawn.view.x.label;
    const sameX = points.every((point) => point.x === points[0].x);
    const lines = points.slice(0, 12).map((point) => {
      const swatch = element("i");
      swatch.style.background = point.mark.color;
      const where = sameX ? "" : ` at ${number(point.x)}`;
      return element("div", {}, swatch, `${point.mark.label || chart.drawn.panel.y.label}: ${number(point.y)}${where}`);
    });
    tip.replaceChildren(element("div", {}, sameX ? `${abscissa}: ${number(points[0].x)}` : abscissa), ...lines);
    const box = chart.svg.getBoundingClientRect();
    putBeside(tip, box.left + px, box.top + py, speak);
  }

  /** Puts a box beside a place of the window, within the element that holds the box. */
  function putBeside(tip, x, y, speak) {
    const around = tip.parentElement.getBoundingClientRect();
    const left = x - around.left;
    tip.style.left = `${left + 16 + tip.offsetWidth > around.width ? Math.max(0, left - 16 - tip.offsetWidth) : left + 16}px`;
    tip.style.top = `${Math.max(0, Math.min(y - around.top + 12, around.height - tip.offsetHeight))}px`;
    tip.setAttribute("aria-live", speak ? "polite" : "off");
  }

  /** The number of a map's cell, at the pointer or, by arrow keys, at a cell that wanders. */
  function readMap(map) {
    const { names, what, x, y, values } = JSON.parse(map.dataset.map);
    const [rows, columns] = [values.length, values[0].length];
    const tip = element("div", { class: "tip", role: "status", hidden: "" });
    map.closest("figure").append(tip);
    const [left, top, width, height] = ["x", "y", "width", "height"].map((name) => map[name].baseVal.value);
    const cell = element("rect", { width: width / columns, height: height / rows, fill: "none", stroke: "#111111", "stroke-width": 2, "pointer-events": "none", visibility: "hidden" });
    map.after(cell);
    map.ownerSVGElement.setAttribute("role", "group");
    map.setAttribute("tabindex", 0);
    map.setAttribute("role", "application");
    map.setAttribute("aria-label", `${names[0]}. Arrow keys read cells.`);
    let at = null;
    const hide = () => {
      tip.hidden = true;
      cell.setAttribute("visibility", "hidden");
    };
    const show = (column, row, speak) => {
      at = [Math.max(0, Math.min(columns - 1, column)), Math.max(0, Math.min(rows - 1, row))];
      const middle = (ends, k, count) => number(ends[0] + ((k + 0.5) / count) * (ends[1] - ends[0]));
      const lines = [names[0], `${names[1]}: ${middle(x, at[0], columns)}`, `${names[2]}: ${middle(y, at[1], rows)}`, `${what}: ${number(values[at[1]][at[0]])}`];
      tip.replaceChildren(...lines.filter(Boolean).map((line) => element("div", {}, line)));
      tip.hidden = false;
      cell.setAttribute("x", left + (at[0] * width) / columns);
      cell.setAttribute("y", top + ((rows - 1 - at[1]) * height) / rows);
      cell.setAttribute("visibility", "visible");
      const box = cell.getBoundingClientRect();
      putBeside(tip, (box.left + box.right) / 2, (box.top + box.bottom) / 2, speak);
    };
    map.addEventListener("pointermove", (event) => {
      const box = map.getBoundingClientRect();
      show(Math.floor(((event.clientX - box.left) / box.width) * columns), Math.floor(((box.bottom - event.clientY) / box.height) * rows), false);
    });
    map.addEventListener("pointerleave", hide);
    map.addEventListener("blur", hide);
    map.addEventListener("keydown", (event) => {
      if (event.key === "Escape") return hide();
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (!way) return undefined;
      event.preventDefault();
      return at ? show(at[0] + way[0], at[1] + way[1], true) : show(0, 0, true);
    });
  }

  /** Pointer and arrow keys over a chart. */
  function listen(chart, tip) {
    const hide = () => {
      tip.hidden = true;
      chart.svg.querySelectorAll(".cursor").forEach((old) => old.remove());
    };
    chart.svg.addEventListener("pointermove", (event) => {
      const box = chart.svg.getBoundingClientRect();
      showValues(chart, tip, event.clientX - box.left, event.clientY - box.top, false);
    });
    chart.svg.addEventListener("pointerleave", hide);
    chart.svg.addEventListener("blur", hide);
    chart.svg.addEventListener("keydown", (event) => {
      if (event.key === "Escape") return hide();
      const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!way || !chart.drawn) return undefined;
      event.preventDefault();
      const all = chart.drawn.marks.flatMap((mark) => mark.x ?? []).map((x) => position(chart.drawn.across, x));
      const stops = [...new Set(all.filter((at) => at !== null).map((at) => Math.round(at)))].sort((a, b) => a - b);
      const old = chart.at ?? (way > 0 ? -1 : Infinity);
      chart.at = (way > 0 ? stops.find((at) => at > old) : stops.findLast((at) => at < old)) ?? chart.at ?? stops[0];
      return showValues(chart, tip, chart.at, chart.drawn.height / 2, true);
    });
  }

  // A figure --------------------------------------------------------------------------------------------------------------------

  /** A button that is pressed or not. */
  function toggle(label, press) {
    const button = element("button", { type: "button" }, ...label);
    button.addEventListener("click", press);
    return button;
  }

  /** The label with a piece of its line. */
  function legendEntry(mark) {
    const sample = element("svg", { width: 30, height: 10, "aria-hidden": "true" });
    if (mark.kind === "line") sample.append(element("line", { x1: 0, x2: 30, y1: 5, y2: 5, stroke: mark.color, "stroke-width": 2.4, "stroke-dasharray": mark.dash || null }));
    else if (mark.kind === "cells") sample.append(element("rect", { x: 10.5, y: 0.5, width: SQUARE, height: SQUARE, fill: mark.color }));
    else sample.append(element("circle", { cx: 15, cy: 5, r: 4, fill: mark.color }));
    return [sample, mark.label];
  }

  function enhance(figure) {
    const host = document.getElementById(figure.id)?.querySelector(".drawing");
    if (!host) return;
    const state = { abscissa: null, logX: null, logY: null, hidden: new Set() };
    const caption = host.parentElement.querySelector("figcaption");
    caption.id = `${figure.id}-caption`;
    host.removeAttribute("tabindex");
    const tip = element("div", { class: "tip", role: "status", hidden: "" });
    const grid = element("div", { class: "panels" });
    const chartOf = (panel) => {
      const label = `${panel.title ? `${panel.title}: ` : ""}${panel.y.label}. Left and right arrow keys read values.`;
      const svg = element("svg", { class: "chart", tabindex: 0, role: "application", "aria-label": label, "aria-describedby": caption.id, "font-family": "DejaVu Sans, Verdana, sans-serif" });
      return { panel, svg, drawn: null, at: null };
    };
    const drawings = figure.panels.map(chartOf);
    grid.append(...drawings.map((chart) => chart.svg), tip);

    const draw = () => {
      const room = grid.clientWidth || 640;
      const columns = Math.max(1, Math.min(figure.columns, Math.floor(room / NARROWEST_PANEL)));
      grid.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
      const width = Math.floor((room - 10 * (columns - 1)) / columns);
      for (const chart of drawings) chart.drawn = drawPanel(chart.svg, chart.panel, state, width);
      tip.hidden = true;
      refresh.forEach((update) => update());
    };
    const refresh = [];

    const tools = element("div", { class: "tools", role: "group", "aria-label": "Axes" });
    const views = [...new Set(figure.panels.filter((panel) => panel.views.length > 1).flatMap((panel) => panel.views.map((view) => view.x.label)))];
    if (views.length > 1) tools.append(element("span", {}, "against"));
    for (const label of views.length > 1 ? views : []) {
      const button = toggle([label], () => {
        [state.abscissa, state.logX] = [label, null];
        draw();
      });
      button.dataset.view = label;
      refresh.push(() => button.setAttribute("aria-pressed", String((state.abscissa ?? views[0]) === label)));
      tools.append(button);
    }
    for (const axis of ["x", "y"]) {
      const key = axis === "x" ? "logX" : "logY";
      const are = () => drawings.filter((chart) => chart.drawn).map((chart) => chart.drawn[axis === "x" ? "across" : "up"].isLog);
      const isLog = () => are().length > 0 && are().every(Boolean);
      const button = toggle([`logarithmic ${axis}`], () => {
        state[key] = !isLog();
        draw();
      });
      button.dataset.axis = axis;
      refresh.push(() => button.setAttribute("aria-pressed", isLog() ? "true" : are().some(Boolean) ? "mixed" : "false"));
      tools.append(button);
    }

    const legend = element("div", { class: "legend", role: "group", "aria-label": "Shown curves" });
    const marks = figure.panels.flatMap((panel) => panel.views.flatMap((view) => view.marks)).filter((mark) => mark.label && mark.style !== undefined);
    const labels = marks.filter((mark, k) => marks.findIndex((other) => other.label === mark.label) === k);
    for (const mark of labels) {
      const button = toggle(legendEntry(mark), () => {
        if (!state.hidden.delete(mark.label)) state.hidden.add(mark.label);
        draw();
      });
      refresh.push(() => button.setAttribute("aria-pressed", String(!state.hidden.has(mark.label))));
      legend.append(button);
    }
    host.replaceChildren(tools, legend, grid);
    for (const chart of drawings) listen(chart, tip);
    draw();
    let width = grid.clientWidth;
    new ResizeObserver(() => {
      if (grid.clientWidth !== width) {
        width = grid.clientWidth;
        draw();
      }
    }).observe(grid);
    addEventListener("beforeprint", draw);
  }

  /** Drawings over contours stay as they are; their paths can be hidden. */
  function hidePaths(host) {
    const paths = [...host.querySelectorAll("g.mark[data-label]")];
    const labels = paths.filter((path, k) => paths.findIndex((other) => other.dataset.label === path.dataset.label) === k);
    const legend = element("div", { class: "legend", role: "group", "aria-label": "Shown paths" });
    for (const { dataset } of labels) {
      const button = toggle(legendEntry({ kind: "line", ...dataset }), () => {
        const isShown = button.getAttribute("aria-pressed") === "false";
        button.setAttribute("aria-pressed", String(isShown));
        const own = [...host.querySelectorAll(".mark")].filter((mark) => mark.dataset.label === dataset.label);
        own.forEach((mark) => (mark.style.display = isShown ? "" : "none"));
      });
      button.setAttribute("aria-pressed", "true");
      legend.append(button);
    }
    if (labels.length < 2) return;
    // It takes the place of the drawing's own, which is cut off.
    const drawing = host.querySelector("svg");
    const key = drawing.querySelector(".key");
    const { width, height } = drawing.viewBox.baseVal;
    const cut = key.getBBox().y + key.getBBox().height + 8;
    key.remove();
    drawing.setAttribute("viewBox", `0 ${cut} ${width} ${height - cut}`);
    drawing.setAttribute("height", height - cut);
    host.prepend(legend);
  }

  // The page --------------------------------------------------------------------------------------------------------------------

  /** Light and dark: as the system is set, until the button is pressed. */
  function themes() {
    const button = document.getElementById("theme");
    const root = document.documentElement;
    const system = matchMedia("(prefers-color-scheme: dark)");
    const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
    const name = () => (button.textContent = isDark() ? "Light colors" : "Dark colors");
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      name();
    });
    system.addEventListener("change", name);
    button.hidden = false;
    name();
  }

  themes();
  document.querySelectorAll(".drawing").forEach(hidePaths);
  document.querySelectorAll(".map").forEach(readMap);
  JSON.parse(document.getElementById("figures-data").textContent).forEach(enhance);
})();
