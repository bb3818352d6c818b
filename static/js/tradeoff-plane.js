// The plane of gap and accuracy as a Vega specification. Colours are those of the report's
// charts, which charts.css turns into the theme's; user text is data, never part of an expression.

const COLOURS = ["#0071B2", "#B87800", "#009E73", "#2E8CC9", "#CC79A7", "#D55E00", "#767676"];
const SHAPES = ["circle", "square", "cross", "triangle-down", "triangle-left", "triangle-right",
  "M-0.9,-0.55L-0.55,-0.9L0,-0.35L0.55,-0.9L0.9,-0.55L0.35,0L0.9,0.55L0.55,0.9L0,0.35L-0.55,0.9L-0.9,0.55L-0.35,0Z"];
const INK = "#16202E";
const INK2 = "#465060";
const SURFACE = "#FFFFFF";
const MINE = "#D55E00";

function placed(entry, more) {
  return { x: entry.gap[0], y: entry.accuracy[0], ...more };
}

function domains(data, settings) {
  // Settings that decide fewer people, or are far below the others, do not set the scale.
  const every = [placed(data.now), ...settings.filter((d) => d.all && d.drawn)];
  const xs = every.map((d) => d.x);
  const ys = every.map((d) => d.y);
  const room = Math.max(0.08 * (Math.max(...ys) - Math.min(...ys)), 0.004);
  return {
    x: [0, Math.max(...xs, data.limit * 1.2) * 1.06],
    y: [Math.max(0, Math.min(...ys) - room), Math.min(1, Math.max(...ys) + room)],
  };
}

function axis(scale, orient, title, digits, suffix) {
  return {
    scale,
    orient,
    title,
    domain: false,
    ticks: false,
    grid: true,
    tickCount: 5,
    gridColor: "#E9E6DF",
    labelColor: INK2,
    labelFont: "Inter",
    labelFontSize: 12,
    labelPadding: 7,
    titleColor: INK2,
    titleFont: "Inter",
    titleFontSize: 12,
    titleFontWeight: 500,
    titleAnchor: "start",
    titleAlign: "left",
    titlePadding: 10,
    ...(orient === "left" ? { titleAngle: 0, titleX: -54, titleY: -12, titlePadding: 0 } : {}),
    encode: { labels: { update: { text: { signal: `format(100 * datum.value, "${digits}") + "${suffix}"` } } } },
  };
}

function crosses(name, color) {
  const shared = { stroke: { value: color }, strokeWidth: { value: 1.8 } };
  const across = { x: { scale: "x", field: "x1" }, x2: { scale: "x", field: "x2" }, y: { scale: "y", field: "y" } };
  const up = { x: { scale: "x", field: "x" }, y: { scale: "y", field: "y1" }, y2: { scale: "y", field: "y2" } };
  return [across, up].map((place) => ({
    type: "rule",
    clip: true,
    from: { data: name },
    encode: { update: { ...place, ...shared } },
  }));
}

function symbols(name, update) {
  return {
    type: "symbol",
    from: { data: name },
    encode: { update: { x: { scale: "x", field: "x" }, y: { scale: "y", field: "y" }, ...update } },
  };
}

/** Domains grow with what the reader looks at, so that it never leaves the picture. */
function grown(part, side, [low, high], room) {
  const ends = ["mine", "picked"].map((name) => `extent(pluck(data("${name}"), "${side}"))`);
  const under = ends.map((end) => `(isNumber(${end}[0]) ? ${end}[0] - ${room} : ${low})`);
  const over = ends.map((end) => `(isNumber(${end}[1]) ? ${end}[1] + ${room} : ${high})`);
  const first = low === 0 ? "0" : `max(0, min(${low}, ${under.join(", ")}))`;
  return { name: part, update: `[${first}, max(${high}, ${over.join(", ")})]` };
}

export function planeSpec(data) {
  const settings = data.settings
    .map((setting, i) => ({ setting, i }))
    .filter(({ setting }) => setting.gap && setting.accuracy)
    .map(({ setting, i }) =>
      placed(setting, {
        i,
        all: setting.all,
        drawn: setting.drawn,
        name: setting.name,
        shape: SHAPES[setting.look - 1],
        color: COLOURS[setting.look - 1],
        fill: setting.all ? COLOURS[setting.look - 1] : SURFACE,
      }),
    );
  const now = placed(data.now);
  const base = domains(data, settings);
  const limit = [{ x: data.limit, text: data.limit_label }];
  const words = { font: { value: "Inter" }, fontSize: { value: 12.5 }, fontWeight: { value: 600 } };
  return {
    $schema: "https://vega.github.io/schema/vega/v6.json",
    width: 600,
    height: 300,
    padding: { left: 54, right: 8, top: 28, bottom: 48 },
    autosize: "none",
    config: { aria: false },
    data: [
      { name: "settings", values: settings },
      { name: "steps", values: data.steps.map(([x, y]) => ({ x, y })) },
      { name: "now", values: [now] },
      { name: "limit", values: limit },
      { name: "picked", values: [] },
      { name: "mine", values: [{ ...now, x1: now.x, x2: now.x, y1: now.y, y2: now.y }] },
    ],
    signals: [grown("xs", "x", base.x, 0.01), grown("ys", "y", base.y, 0.006)],
    scales: [
      { name: "x", type: "linear", range: "width", domain: { signal: "xs" }, zero: false },
      { name: "y", type: "linear", range: "height", domain: { signal: "ys" }, zero: false },
    ],
    axes: [axis("x", "bottom", data.x, "~f", ""), axis("y", "left", data.y, ".2~f", "%")],
    marks: [
      {
        type: "rule",
        from: { data: "limit" },
        encode: {
          update: {
            x: { scale: "x", field: "x" },
            y: { value: 0 },
            y2: { signal: "height" },
            stroke: { value: INK },
            strokeWidth: { value: 1.5 },
            strokeDash: { value: [1.5, 3] },
          },
        },
      },
      {
        type: "line",
        from: { data: "steps" },
        encode: {
          update: {
            x: { scale: "x", field: "x" },
            y: { scale: "y", field: "y" },
            interpolate: { value: "step-after" },
            stroke: { value: INK2 },
            strokeWidth: { value: 1.8 },
          },
        },
      },
      symbols("settings", {
        opacity: { signal: 'inrange(datum.y, ys) && inrange(datum.x, xs) ? 1 : 0' },
        shape: { field: "shape" },
        fill: { field: "fill" },
        stroke: { field: "color" },
        strokeWidth: { value: 1.4 },
        size: { value: 70 },
        cursor: { value: "pointer" },
        tooltip: { field: "name" },
      }),
      symbols("now", { size: { value: 210 }, fill: { value: SURFACE }, stroke: { value: INK }, strokeWidth: { value: 1.5 }, tooltip: { value: "Now" } }),
      symbols("now", { size: { value: 62 }, fill: { value: INK }, tooltip: { value: "Now" } }),
      ...crosses("picked", INK2),
      symbols("picked", { size: { value: 330 }, fill: { value: "transparent" }, stroke: { value: INK }, strokeWidth: { value: 2 } }),
      ...(data.sweep
        ? [
            ...crosses("mine", MINE),
            symbols("mine", { shape: { value: "diamond" }, size: { value: 190 }, fill: { value: MINE }, stroke: { value: SURFACE }, strokeWidth: { value: 1.5 } }),
            {
              type: "text",
              from: { data: "mine" },
              encode: {
                update: {
                  x: { signal: 'clamp(scale("x", datum.x), 20, width - 20)' },
                  y: { signal: 'scale("y", datum.y) > height - 30 ? scale("y", datum.y) - 20 : scale("y", datum.y) + 24' },
                  text: { value: "Yours" },
                  align: { value: "center" },
                  fill: { value: "#A84A00" },
                  ...words,
                },
              },
            },
          ]
        : []),
      {
        type: "text",
        from: { data: "limit" },
        encode: {
          update: {
            x: { scale: "x", field: "x", offset: 6 },
            y: { signal: "height - 8" },
            text: { field: "text" },
            fill: { value: INK },
            font: { value: "Inter" },
            fontSize: { value: 12 },
          },
        },
      },
    ],
  };
}
