// Panels without axes: big numbers and words, bars of states, tables.
import tinycolor from 'tinycolor2';

import { getFieldDisplayName, getFieldDisplayValues, getFieldSeriesColor } from '@grafana/data';

import { written } from './graph.mjs';

// Seconds between two times of an axis; each takes 60 pixels.
const STEPS = [60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400, 604800];

export function stat(box, panel, frames, { theme }) {
  const shown = getFieldDisplayValues({
    data: frames, fieldConfig: panel.fieldConfig, reduceOptions: panel.options.reduceOptions,
    replaceVariables: (text) => text, theme, timeZone: 'utc',
  });
  // Several values share the panel, along its longer side.
  const wide = box.clientWidth > box.clientHeight;
  box.style.display = 'flex';
  box.style.flexDirection = wide ? 'row' : 'column';
  for (const { display } of shown) {
    const part = box.appendChild(document.createElement('div'));
    part.className = 'part';
    const { title, prefix = '', text, suffix = '', color } = display;
    big(part, panel.options.textMode === 'name' ? title : `${prefix}${text}${suffix}`, color, panel.options.colorMode, theme);
  }
}

/** Where there is no sample, Grafana writes the panel's text for it; a big number keeps its look. */
export function nothing(box, panel, frames, context) {
  if (panel.type === 'stat') {
    stat(box, panel, frames, context);
  } else {
    box.innerHTML = '<div class="nothing"></div>';
    box.firstChild.textContent = panel.fieldConfig.defaults.noValue ?? 'No data';
  }
}

export function stateTimeline(box, panel, frames, { range, marks, theme }) {
  const rows = box.appendChild(document.createElement('div'));
  rows.className = 'timeline';
  for (const frame of frames) {
    const [time, field] = [frame.fields[0], frame.fields.find((one) => one.name === 'Value')];
    const row = rows.appendChild(document.createElement('div'));
    row.innerHTML = '<span class="name"></span><div class="bars"></div>';
    row.firstChild.textContent = getFieldDisplayName(field, frame, frames);
    let start = 0;
    for (let at = 1; at <= field.values.length; at += 1) {
      if (at === field.values.length || field.values[at] !== field.values[start]) {
        if (field.values[start] !== null) {
          const bar = row.lastChild.appendChild(document.createElement('i'));
          const [from, to] = [start, at].map((index) => ((time.values[Math.min(index, field.values.length - 1)] / 1000 - range.from) / (range.to - range.from)) * 100);
          const shown = field.display(field.values[start]);
          bar.style.left = `${from}%`;
          bar.style.width = `${to - from}%`;
          bar.style.background = field.config.color?.mode === 'fixed' ? getFieldSeriesColor(field, theme).color : shown.color;
          bar.textContent = panel.options.showValue !== 'never' && to - from > 6 ? shown.text : '';
        }
        start = at;
      }
    }
    for (const { color, from, to } of marks) {
      for (const at of new Set([from, to])) {
        const mark = row.lastChild.appendChild(document.createElement('s'));
        mark.style.left = `${((at - range.from) / (range.to - range.from)) * 100}%`;
        mark.style.borderColor = color;
      }
    }
  }
  // The column of names is as wide as the longest.
  const widest = Math.max(...[...rows.querySelectorAll('.name')].map((name) => name.offsetWidth));
  rows.style.setProperty('--names', `${widest}px`);
  const axis = rows.appendChild(document.createElement('div'));
  axis.className = 'axis';
  axis.innerHTML = '<div class="bars"></div>';
  const seconds = range.to - range.from;
  const step = STEPS.find((one) => (seconds / one) * 60 <= rows.clientWidth - widest) ?? STEPS.at(-1);
  for (let at = Math.ceil(range.from / step) * step; at <= range.to; at += step) {
    const tick = axis.firstChild.appendChild(document.createElement('span'));
    tick.textContent = new Date(at * 1000).toISOString().slice(11, 16);
    tick.style.left = `${((at - range.from) / seconds) * 100}%`;
  }
}

export function table(box, panel, frames) {
  const [frame] = frames;
  const element = box.appendChild(document.createElement('table'));
  const head = element.insertRow();
  for (const field of frame.fields) {
    head.appendChild(document.createElement('th')).textContent = getFieldDisplayName(field, frame, frames);
  }
  for (let at = 0; at < frame.length; at += 1) {
    const row = element.insertRow();
    for (const field of frame.fields) {
      const cell = row.insertCell();
      const text = typeof field.values[at] === 'number' ? written(field.display, field.values[at]) : field.values[at];
      if (field.config.links?.length) {
        cell.className = 'link';
      }
      cell.textContent = text;
    }
  }
}

function big(box, text, color, colorMode, theme) {
  const element = box.appendChild(document.createElement('div'));
  element.className = 'big';
  element.appendChild(document.createElement('span')).textContent = text;
  element.style.color = color;
  if (colorMode.startsWith('background')) {
    element.style.color = theme.colors.getContrastText(color);
    // Grafana's "background" runs from a darker shade to a lighter one; "background_solid" is the very colour.
    const [from, to] = [[15, 8], [5, -8]].map(([darker, hue]) => tinycolor(color).darken(darker).spin(hue).toRgbString());
    box.style.background = colorMode === 'background' ? `linear-gradient(120deg, ${from}, ${to})` : color;
  }
  // As large as it fits.
  element.style.fontSize = '100px';
  const around = 2 * (box.clientHeight > 100 ? 12 : 8);
  const size = Math.min((box.clientHeight - around) / 1.2, ((box.clientWidth - around) * 100) / element.firstChild.offsetWidth);
  element.style.fontSize = `${size}px`;
}
