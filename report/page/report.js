/* What the page does beyond its text: curves to point at, the map, pictures to save. */
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const root = document.documentElement;
  root.classList.add("js");
  const style = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const redraws = [];
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", () => redraws.forEach((redraw) => redraw()));

  const save = (name, blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    // A busy browser begins late to read it.
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  };

  /** The drawing with its styles as attributes, so that it looks the same anywhere. */
  const standalone = (svg) => {
    const copy = svg.cloneNode(true);
    const names = ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap"];
    const more = ["paint-order", "font", "text-anchor", "dominant-baseline"];
    const originals = svg.querySelectorAll("*");
    copy.querySelectorAll("*").forEach((element, i) => {
      const computed = getComputedStyle(originals[i]);
      const all = element.tagName === "text" ? [...names, ...more] : names;
      element.setAttribute(
        "style",
        all.map((n) => `${n}:${computed.getPropertyValue(n)}`).join(";"),
      );
    });
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    copy.style.background = style("--back");
    return new XMLSerializer().serializeToString(copy);
  };

  const addSaves = (figure, name, picture) => {
    const buttons = document.createElement("div");
    buttons.className = "saves";
    const add = (kind, act) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = `Save ${kind}`;
      button.setAttribute("aria-label", `Save ${name} as ${kind}`);
      button.addEventListener("click", act);
      buttons.append(button);
    };
    add("SVG", () => {
      const svg = figure.querySelector(".static svg.drawing");
      save(`${name}.svg`, new Blob([standalone(svg)], { type: "image/svg+xml" }));
    });
    add("PNG", () => {
      // Canvases are transparent.
      const source = picture();
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [source.width, source.height];
      const context = canvas.getContext("2d");
      context.fillStyle = style("--back");
      context.fillRect(0, 0, canvas.width, canvas.height);
      context.drawImage(source, 0, 0);
      canvas.toBlob((blob) => save(`${name}.png`, blob));
    });
    figure.insertBefore(buttons, figure.querySelector(":scope > details"));
  };

  const DASHES = [[], [7, 4], [2, 4], [10, 3, 2, 3], [4, 4], [12, 4], [1, 5], [6, 2, 1, 2, 1, 2]];
  const short = (value) => {
    if (value == null) return "–";
    const size = Math.abs(value);
    if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(1);
    return Number(value.toPrecision(4)).toLocaleString("en-US", { maximumFractionDigits: 6 });
  };

  const drawChart = (chart) => {
    const place = document.querySelector(`[data-chart="${chart.id}"]`);
    let plot;
    const marks = (u) => {
      const { ctx, bbox } = u;
      ctx.save();
      ctx.strokeStyle = style("--soft");
      ctx.fillStyle = style("--soft");
      ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
      ctx.lineWidth = devicePixelRatio;
      ctx.textAlign = "left";
      ctx.textBaseline = "alphabetic";
      const line = (x, dash) => {
        ctx.setLineDash(dash.map((length) => length * devicePixelRatio));
        ctx.beginPath();
        ctx.moveTo(x, bbox.top);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.stroke();
      };
      let free = -Infinity;
      for (const { x: at, name } of chart.phases) {
        const x = Math.max(bbox.left, u.valToPos(at, "x", true));
        line(x, []);
        const { width } = ctx.measureText(name);
        const begin = Math.min(x + 4 * devicePixelRatio, ctx.canvas.width - width);
        if (begin < free) continue;
        ctx.fillText(name, begin, bbox.top - 6 * devicePixelRatio);
        free = begin + width + 6 * devicePixelRatio;
      }
      for (const at of chart.updates) line(u.valToPos(at, "x", true), [1, 4]);
      ctx.restore();
    };
    const draw = () => {
      plot?.destroy();
      const axis = { stroke: style("--soft"), grid: { stroke: style("--line"), width: 1 } };
      const isPower = (value) => Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-9;
      const filter = (_, all) => all.map((at) => isPower(at) ? at : null);
      const lines = chart.isLog && { grid: { ...axis.grid, filter }, ticks: { filter } };
      const width = place.clientWidth;
      plot = new uPlot(
        {
          width,
          height: width < 500 ? 220 : 280,
          padding: [22, 24, 0, 0],
          scales: { x: { time: false }, y: chart.isLog ? { distr: 3 } : {} },
          axes: [
            {
              ...axis,
              label: "steps",
              labelSize: 22,
              size: 34,
              values: (_, all) => all.map(short),
            },
            {
              ...axis,
              ...lines,
              size: 64,
              values: (_, all) => all.map((value) => value === null ? "" : short(value)),
            },
          ],
          series: [
            { label: "step", value: (_, value) => short(value) },
            ...chart.series.map(({ name, style: own }) => ({
              label: name,
              stroke: style(`--s${own}`),
              width: 2,
              dash: DASHES[own],
              spanGaps: true,
              points: { show: chart.x.length < 60, size: 5 },
              value: (_, value) => short(value),
            })),
          ],
          hooks: { draw: [marks] },
        },
        [chart.x, ...chart.series.map(({ values }) => values)],
        place,
      );
      // Colours alone do not tell curves apart.
      const drawn = place.closest("figure").querySelectorAll(".legend svg");
      plot.root.querySelectorAll(".u-legend .u-marker").forEach((marker, i) => {
        if (i === 0) marker.remove();
        else marker.replaceWith(drawn[i - 1].cloneNode(true));
      });
    };
    draw();
    redraws.push(draw);
    new ResizeObserver(() => {
      const width = place.clientWidth;
      if (width > 0 && width !== plot.width) plot.setSize({ width, height: plot.height });
    }).observe(place);
    addSaves(place.closest("figure"), chart.title, () => plot.ctx.canvas);
  };

  const drawMap = (map) => {
    const figure = document.getElementById("map-figure");
    const canvas = document.getElementById("map-canvas");
    const shown = document.getElementById("map-row");
    const colour = document.getElementById("map-colour");
    const filter = document.getElementById("map-filter");
    const context = canvas.getContext("2d");
    const count = map.label.length;
    for (const element of [canvas, shown, figure.querySelector(".controls")]) {
      element.hidden = false;
    }
    const hint = [...shown.childNodes];
    const sheet = map.sheet && new Image();
    if (sheet) sheet.src = map.sheet.url;
    let current = -1;

    const isShown = (i) => filter.value === "" || map.label[i] === Number(filter.value);
    const margin = 0.02;
    const placeOf = (i, size) =>
      [0, 1].map((axis) =>
        (margin + (1 - 2 * margin) * map.places[2 * i + axis] / map.side) * size
      );

    /** The row nearest to the medians of some: a name in the middle of nothing would mislead. */
    const middleOf = (own) => {
      const medians = [0, 1].map((axis) =>
        own.map((i) => map.places[2 * i + axis]).sort((a, b) => a - b)[own.length >> 1]
      );
      const distance = (i) =>
        Math.hypot(map.places[2 * i] - medians[0], map.places[2 * i + 1] - medians[1]);
      return own.reduce((best, i) => distance(i) < distance(best) ? i : best);
    };

    const draw = () => {
      const ratio = devicePixelRatio;
      const size = Math.round(canvas.clientWidth * ratio);
      if (canvas.width !== size) canvas.width = canvas.height = size;
      context.clearRect(0, 0, size, size);
      const groups = colour?.value === "cls" ? map.cls : map.label;
      const radius = Math.max(1.6, Math.min(3.5, 180 / Math.sqrt(count))) * ratio;
      const dot = (i, r) => {
        const [x, y] = placeOf(i, size);
        context.beginPath();
        context.arc(x, y, r, 0, 2 * Math.PI);
        context.fill();
      };
      context.globalAlpha = 0.12;
      context.fillStyle = style("--soft");
      for (let i = 0; i < count; i++) if (!isShown(i)) dot(i, radius);
      context.globalAlpha = 0.8;
      for (let i = 0; i < count; i++) {
        if (!isShown(i)) continue;
        context.fillStyle = data.colours[groups[i] % data.colours.length];
        dot(i, radius);
      }
      context.globalAlpha = 1;
      context.font = `600 ${13 * ratio}px system-ui, sans-serif`;
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.lineWidth = 4 * ratio;
      context.lineJoin = "round";
      context.strokeStyle = style("--back");
      context.fillStyle = style("--text");
      const names = groups === map.cls ? map.classes : undefined;
      for (const [group, own] of Map.groupBy(groups.keys(), (i) => groups[i])) {
        const seen = own.filter(isShown);
        if (seen.length === 0) continue;
        const [x, y] = placeOf(middleOf(seen), size);
        const text = names ? names[group].slice(0, 24) : String(group);
        context.strokeText(text, x, y);
        context.fillText(text, x, y);
      }
      if (current >= 0) {
        const [x, y] = placeOf(current, size);
        context.beginPath();
        context.arc(x, y, 2.6 * radius, 0, 2 * Math.PI);
        context.lineWidth = 2 * ratio;
        context.strokeStyle = style("--text");
        context.stroke();
      }
    };

    const say = (i) => {
      current = i;
      draw();
      if (i < 0) {
        shown.replaceChildren(...hint);
        return;
      }
      shown.replaceChildren();
      if (sheet) {
        const { columns, width, height } = map.sheet;
        const picture = document.createElement("canvas");
        [picture.width, picture.height] = [width, height];
        const [left, top] = [(i % columns) * width, Math.floor(i / columns) * height];
        picture.getContext("2d").drawImage(sheet, left, top, width, height, 0, 0, width, height);
        picture.setAttribute("aria-hidden", "true");
        shown.append(picture);
      }
      const text = document.createElement("p");
      const add = (content, tag = "span") => {
        const element = document.createElement(tag);
        element.textContent = content;
        if (text.childNodes.length > 0) text.append(document.createElement("br"));
        text.append(element);
      };
      add(`Row ${map.names[i]}`, "strong");
      add(`cluster ${map.label[i]}`);
      if (map.classes) add(`class ${map.classes[map.cls[i]]}`);
      if (map.sure) add(`${map.certainty} ${map.sure[i].toFixed(3)}`);
      map.columns?.forEach((name, j) => add(`${name}: ${map.values[i * map.columns.length + j]}`));
      shown.append(text);
    };

    const nearestTo = (x, y, reach) => {
      let [best, least] = [-1, reach ** 2];
      const size = canvas.clientWidth;
      for (let i = 0; i < count; i++) {
        if (!isShown(i)) continue;
        const [px, py] = placeOf(i, size);
        const distance = (px - x) ** 2 + (py - y) ** 2;
        if (distance < least) [best, least] = [i, distance];
      }
      return best;
    };
    /** The nearest row within an eighth turn of the arrow's direction. */
    const neighbour = (dx, dy) => {
      let [best, least] = [current, Infinity];
      for (let i = 0; i < count; i++) {
        if (i === current || !isShown(i)) continue;
        const x = map.places[2 * i] - map.places[2 * current];
        const y = map.places[2 * i + 1] - map.places[2 * current + 1];
        const along = x * dx + y * dy;
        const distance = x * x + y * y;
        if (along > 0 && 2 * along * along >= distance && distance < least) {
          [best, least] = [i, distance];
        }
      }
      return best;
    };
    const point = (event) => {
      const { left, top } = canvas.getBoundingClientRect();
      const found = nearestTo(event.clientX - left, event.clientY - top, 24);
      if (found >= 0 && found !== current) say(found);
    };
    canvas.addEventListener("pointermove", point);
    canvas.addEventListener("pointerdown", point);
    const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    canvas.addEventListener("keydown", (event) => {
      const arrow = ARROWS[event.key];
      if (arrow) {
        event.preventDefault();
        const middle = canvas.clientWidth / 2;
        say(current < 0 ? nearestTo(middle, middle, Infinity) : neighbour(...arrow));
      } else if (event.key === "Escape") say(-1);
    });
    filter.addEventListener("change", () => say(-1));
    colour?.addEventListener("change", draw);
    new ResizeObserver(draw).observe(canvas);
    redraws.push(draw);
    addSaves(figure, "Map", () => canvas);
    draw();
  };

  /** What all of can be seen is no place to stop at with Tab. */
  const stops = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      target.tabIndex = target.scrollWidth > target.clientWidth ? 0 : -1;
    }
  });
  document.querySelectorAll(".scroll").forEach((element) => stops.observe(element));
  data.charts.forEach(drawChart);
  if (data.map) drawMap(data.map);
})();
