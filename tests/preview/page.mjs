// A dashboard's page: its grid, its titles, and each panel drawn from what was recorded.
import { createTheme } from '@grafana/data';

import { framesOf, legend } from './frames.mjs';
import { heatmap, timeseries } from './graph.mjs';
import { nothing, stat, stateTimeline, table } from './others.mjs';

const KINDS = { timeseries, stat, heatmap, table, 'state-timeline': stateTimeline };
// Grafana's grid: 24 columns, a unit of height, the gap, and the width below which panels are stacked.
const [COLUMNS, UNIT, GAP, NARROW] = [24, 30, 8, 769];
const { dashboard, recorded } = window.preview;
// "Five minutes ago" is told as of the recording, whenever it is drawn.
Date.now = () => recorded.to * 1000;
const theme = createTheme({ colors: { mode: 'dark' } });
document.documentElement.lang = 'en';

function answersTo(expression, kind) {
  const found = recorded[kind][expression];
  if (!found) {
    throw new Error(`not recorded: ${expression}`);
  }
  return found;
}

function marksOf() {
  return dashboard.annotations.list.flatMap((annotation) => {
    const color = theme.visualization.getColorByName(annotation.iconColor);
    return answersTo(annotation.target.expr, 'range').flatMap((series) => {
      const title = `${annotation.name}: ${legend(annotation.titleFormat, series.metric)}`;
      if (annotation.useValueForTime) {
        return [...new Set(series.values.map(([, value]) => Number(value) / 1000))]
          .filter((at) => at >= recorded.from && at <= recorded.to).map((at) => ({ title, color, from: at, to: at }));
      }
      const regions = [];
      for (const [at] of series.values) {
        const last = regions.at(-1);
        if (last && at - last.to <= recorded.step * 1.5) {
          last.to = at;
        } else {
          regions.push({ title, color, from: at, to: at });
        }
      }
      return regions;
    });
  });
}

async function draw() {
  const body = document.body;
  await Promise.all(['400 12px Inter', '500 12px Inter'].map((font) => document.fonts.load(font)));
  const clock = (at) => new Date(at * 1000).toISOString().slice(0, 19).replace('T', ' ');
  const names = dashboard.annotations.list.map(({ name, iconColor }) => `<span><i style="background:${theme.visualization.getColorByName(iconColor)}"></i>${name}</span>`);
  // Hidden ones (2) serve links only; of a hidden label (1) the choice is left.
  const variables = dashboard.templating.list.filter(({ hide }) => hide !== 2)
    .map(({ name, label, hide, current }) => `<span class="variable">${hide === 1 ? '' : `<b>${label || name}</b>`}${current?.text ?? ''}</span>`);
  const links = dashboard.links.map(({ title }) => `<span>${title}</span>`);
  body.innerHTML = `<header><b>${dashboard.title}</b><em>a preview, not Grafana</em><span>${clock(recorded.from)} – ${clock(recorded.to).slice(11)} UTC</span></header>
    <nav>${[...variables, ...names].join('')}<span class="links">${links.join('')}</span></nav><main></main>`;
  const main = body.querySelector('main');
  const narrow = body.clientWidth < NARROW;
  const marks = marksOf();
  const width = (main.clientWidth + GAP) / COLUMNS;
  let below = 0;
  for (const panel of [...dashboard.panels].sort((a, b) => a.gridPos.y - b.gridPos.y || a.gridPos.x - b.gridPos.x)) {
    const { x, y, w, h } = panel.gridPos;
    const box = main.appendChild(document.createElement('section'));
    box.className = panel.type;
    box.dataset.panel = panel.id;
    const place = narrow ? { left: 0, top: below, width: main.clientWidth } : { left: x * width, top: y * (UNIT + GAP), width: w * width - GAP };
    const height = h * (UNIT + GAP) - GAP;
    Object.assign(box.style, { left: `${place.left}px`, top: `${place.top}px`, width: `${place.width}px`, height: `${height}px` });
    below = place.top + height + GAP;
    box.innerHTML = '<h2></h2><div class="content"></div>';
    box.firstChild.textContent = panel.title;
    if (panel.type !== 'row') {
      box.dataset.state = await drawn(panel, box.lastChild, marks);
    }
    main.style.height = `${Math.max(main.clientHeight, below)}px`;
  }
  body.dataset.done = main.clientHeight + main.offsetTop + GAP;
}

/** Return what became of a panel: drawn, empty, or what went wrong. */
async function drawn(panel, box, marks) {
  try {
    const frames = await framesOf(panel, answersTo, recorded, theme);
    const fields = frames.flatMap((frame) => frame.fields.filter((field) => field.name !== 'Time'));
    if (!fields.some((field) => field.values.some((value) => value !== null))) {
      nothing(box, panel, frames, { theme });
      return 'empty';
    }
    if (!(panel.type in KINDS)) {
      throw new Error(`no preview of ${panel.type}`);
    }
    KINDS[panel.type](box, panel, frames, { range: recorded, theme, marks });
    // uPlot draws when all else is done.
    await new Promise((resolve) => { setTimeout(resolve, 0); });
    return box.dataset.painted === '0' ? 'blank' : 'drawn';
  } catch (error) {
    box.textContent = error.stack;
    return `error: ${error.message}`;
  }
}

draw().catch((error) => {
  document.body.textContent = error.stack;
  document.body.dataset.failed = error.message;
});
