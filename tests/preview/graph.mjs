// Time series and heatmaps on uPlot, the library that Grafana draws them with.
import uPlot from 'uplot';
import { getFieldDisplayName, getFieldSeriesColor, guessDecimals, roundDecimals } from '@grafana/data';
import { interpolateOranges } from 'd3-scale-chromatic';

const FONT = '12px Inter, sans-serif';
// Ticks of bytes are powers of two.
const BINARY = Array.from({ length: 53 }, (_, power) => 2 ** power);

export function timeseries(box, panel, frames, { range, theme, marks }) {
  const fields = frames.map((frame) => frame.fields.find((field) => field.name === 'Value'));
  const stacked = panel.fieldConfig.defaults.custom.stacking.mode === 'normal';
  const series = fields.map((field, index) => {
    const custom = field.config.custom ?? {};
    // First the name: the colour may depend on it.
    const label = getFieldDisplayName(field, frames[index], frames);
    const color = getFieldSeriesColor(field, theme).color;
    return {
      label, color, custom, stacked: custom.stacking?.mode === 'normal',
      values: [...field.values],
    };
  });
  // What lies below each stacked series: it is filled down to there, not to zero.
  const floors = [];
  if (stacked) {
    let sum = null;
    series.forEach((one, index) => {
      if (one.stacked) {
        const below = sum;
        one.values = one.values.map((value, at) => (value === null ? null : value + (below?.[at] ?? 0)));
        sum = one.values.map((value, at) => value ?? below?.[at] ?? 0);
        if (below) {
          floors.push({ of: index + 1, values: below });
        }
      }
    });
  }
  const defaults = panel.fieldConfig.defaults;
  const display = fields[0].display;
  const [graph, names] = [box.appendChild(document.createElement('div')), document.createElement('div')];
  names.className = 'legend';
  for (const { label, color, custom } of series) {
    const item = names.appendChild(document.createElement('span'));
    item.innerHTML = '<i></i>';
    item.firstChild.style.borderTop = `${custom.lineStyle ? '2px dashed' : '4px solid'} ${color}`;
    item.append(label);
  }
  box.append(names);
  new uPlot({
    width: box.clientWidth, height: box.clientHeight - names.offsetHeight - 4,
    legend: { show: false }, cursor: { show: false }, padding: [8, 22, 0, 0],
    scales: { x: { time: true, range: [range.from, range.to] }, y: { range: bounds(defaults) } },
    series: [{}, ...series.map(({ label, color, custom }) => ({
      label, stroke: color, width: custom.lineWidth ?? 1, dash: custom.lineStyle?.dash,
      fill: custom.fillOpacity ? withAlpha(color, custom.fillOpacity / 100) : undefined,
      points: { show: { never: false, always: true }[custom.showPoints], size: custom.pointSize, fill: color, filter: custom.showPoints === 'never' ? undefined : alone },
      spanGaps: Boolean(custom.spanNulls), paths: custom.lineInterpolation === 'stepAfter' ? uPlot.paths.stepped({ align: 1 }) : undefined,
    })), ...floors.map(() => ({ points: { show: false } }))],
    bands: floors.map(({ of }, index) => ({ series: [of, series.length + 1 + index] })),
    axes: [clock(theme), valueAxis(theme, defaults, display)],
    hooks: watched(box, marks),
  }, [frames[0].fields[0].values.map((at) => at / 1000), ...series.map((one) => one.values), ...floors.map((one) => one.values)], graph);
}

export function heatmap(box, panel, frames, { range, theme, marks }) {
  // Prometheus' buckets contain those below them; drawn is what each adds.
  const buckets = frames.map((frame) => frame.fields.find((field) => field.name === 'Value'))
    .map((field) => ({ le: Number(field.labels.le.replace('+Inf', 'Infinity')), field }))
    .sort((a, b) => a.le - b.le);
  const counts = buckets.map(({ field }, row) => field.values.map(
    (value, at) => (value === null ? 0 : value - (row ? buckets[row - 1].field.values[at] ?? 0 : 0))));
  const used = counts.map((row) => row.some((value) => value > 1e-9));
  const last = Math.min(buckets.length - 1, used.lastIndexOf(true) + 1);
  const most = Math.max(...counts.flat(), 1e-9);
  const times = frames[0].fields[0].values.map((at) => at / 1000);
  const graph = box.appendChild(document.createElement('div'));
  const { display } = buckets[0].field;
  new uPlot({
    width: box.clientWidth, height: box.clientHeight, legend: { show: false }, cursor: { show: false }, padding: [8, 22, 0, 0],
    scales: { x: { time: true, range: [range.from, range.to] }, y: { range: [0, last + 1] } },
    series: [{}, { stroke: 'transparent', points: { show: false } }],
    axes: [clock(theme), {
      ...axis(theme), size: (_, texts) => Math.ceil(9 + Math.max(0, ...(texts ?? []).map(textWidth))), splits: () => buckets.slice(0, last + 1).map((_, row) => row + 1).filter((_, row) => row % 2 === 0),
      values: (_, splits) => splits.map((row) => (Number.isFinite(buckets[row - 1].le) ? written(display, buckets[row - 1].le) : '∞')),
    }],
    hooks: watched(box, marks, (plot) => {
      const width = Math.max(1, plot.valToPos(times[1], 'x', true) - plot.valToPos(times[0], 'x', true));
      counts.slice(0, last + 1).forEach((row, index) => row.forEach((value, at) => {
        if (value > 1e-9) {
          plot.ctx.fillStyle = interpolateOranges(1 - 0.85 * Math.sqrt(value / most));
          const [y, under] = [plot.valToPos(index + 1, 'y', true), plot.valToPos(index, 'y', true)];
          plot.ctx.fillRect(plot.valToPos(times[at], 'x', true) - width, y + 1, width, under - y - 1);
        }
      }));
    }),
  }, [times, times.map(() => 0)], graph);
}

/** A sample between two gaps makes no line: without a point nobody would see it. */
function alone(plot, index, all) {
  if (all) {
    return null;
  }
  const values = plot.data[index];
  return values.flatMap((value, at) => (value !== null && (values[at - 1] ?? null) === null && (values[at + 1] ?? null) === null ? [at] : []));
}

/** Draw, then note at the panel whether that left anything beside the axes: a blank graph is a fault. */
function watched(box, marks, paint = () => undefined) {
  let before;
  const pixels = ({ ctx, bbox }) => ctx.getImageData(bbox.left, bbox.top, bbox.width, bbox.height).data;
  return {
    drawAxes: [(plot) => { before = pixels(plot); }],
    draw: [(plot) => {
      paint(plot);
      const after = pixels(plot);
      box.dataset.painted = after.filter((value, at) => value !== before[at]).length;
      drawMarks(plot, marks);
    }],
  };
}

/** The ends of a value axis as Grafana asks uPlot for them: with all values 0 and no soft maximum, up to 100. */
function bounds({ min, max, decimals, custom = {} }) {
  const { axisSoftMin: softMin, axisSoftMax: softMax } = custom;
  const end = (hard, soft, none) => ({ pad: 0.1, hard: hard ?? none, soft: soft ?? 0, mode: soft === undefined ? 3 : 1 });
  const limits = { min: end(min, softMin, -Infinity), max: end(max, softMax, Infinity) };
  return (_, lowest, highest) => {
    const [bottom, top] = uPlot.rangeNum(
      min !== undefined && softMin === undefined ? min : lowest, max !== undefined && softMax === undefined ? max : highest, limits);
    return decimals === 0 ? [Math.floor(bottom), Math.ceil(top)] : [bottom, top];
  };
}

function axis(theme) {
  const line = { stroke: 'rgba(240, 250, 255, 0.09)', width: 1 };
  return { stroke: theme.colors.text.primary, font: FONT, gap: 5, grid: line, ticks: { ...line, size: 4 } };
}

function valueAxis(theme, { unit, decimals }, display) {
  return {
    ...axis(theme),
    incrs: /bytes|bits|iB|ibit/.test(unit) ? BINARY : undefined,
    space: (_plot, _axis, _min, _max, height) => (height <= 150 ? 15 : 30),
    size: (_, texts) => Math.ceil(9 + Math.max(0, ...(texts ?? []).map(textWidth))),
    filter: decimals === 0 ? (_, splits) => splits.map((value) => (Number.isInteger(value) ? value : null)) : undefined,
    // As many decimals as the ticks need, unless the panel says how many.
    values: (_plot, splits, _axis, _space, step) => splits.map(
      (value) => (value === null ? null : written(display, value, guessDecimals(roundDecimals(step, 6)) || undefined))),
  };
}

function clock(theme) {
  const [seconds, minutes] = ['{HH}:{mm}:{ss}', '{HH}:{mm}'].map(uPlot.fmtDate);
  return {
    ...axis(theme), size: 21, space: textWidth('00:00:00') + 18,
    values: (_plot, splits, _axis, _space, step) => splits.map(
      (at) => (step <= 60 ? seconds : minutes)(uPlot.tzDate(new Date(at * 1e3), 'Etc/UTC'))),
  };
}

function textWidth(text) {
  const { ctx } = textWidth;
  ctx.font = FONT;
  return ctx.measureText(text).width;
}
textWidth.ctx = document.createElement('canvas').getContext('2d');

function drawMarks(plot, marks) {
  const { ctx, bbox } = plot;
  for (const { color, from, to } of marks) {
    const [left, right] = [plot.valToPos(from, 'x', true), plot.valToPos(to, 'x', true)];
    ctx.save();
    ctx.fillStyle = withAlpha(color, 0.1);
    ctx.fillRect(left, bbox.top, right - left, bbox.height);
    ctx.strokeStyle = color;
    ctx.setLineDash([4, 4]);
    for (const x of new Set([left, right])) {
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  }
}

export function written(display, value, decimals) {
  const { prefix = '', text, suffix = '' } = display(value, decimals);
  return `${prefix}${text}${suffix}`;
}

function withAlpha(color, alpha) {
  const [r, g, b] = color.match(/[0-9a-f]{2}/gi).map((part) => parseInt(part, 16));
  return `rgba(${r}, ${g}, ${b}, ${alpha})`;
}
