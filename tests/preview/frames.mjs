// Recorded answers of Prometheus -> Grafana's data frames, with units, colours, mappings and texts
// applied by Grafana's own code.
import {
  applyFieldOverrides, FieldConfigOptionsRegistry, FieldType, identityOverrideProcessor,
  standardTransformers, standardTransformersRegistry, toDataFrame, transformDataFrame,
} from '@grafana/data';

// What a dashboard may set of a field; in Grafana its panels register these.
const registry = new FieldConfigOptionsRegistry(() => [
  ...['unit', 'min', 'max', 'decimals', 'displayName', 'noValue', 'thresholds', 'mappings', 'links', 'color']
    .map((id) => option(id, id, false)),
  ...['lineWidth', 'lineStyle', 'lineInterpolation', 'fillOpacity', 'pointSize', 'showPoints', 'spanNulls', 'stacking', 'axisSoftMin', 'axisSoftMax'].map((id) => option(`custom.${id}`, id, true)),
]);
standardTransformersRegistry.setInit(() => [
  standardTransformers.filterFieldsByNameTransformer,
  standardTransformers.organizeFieldsTransformer,
].map((transformation) => ({ id: transformation.id, name: transformation.name, transformation: async () => transformation })));

function option(id, path, isCustom) {
  return {
    id, path, isCustom, name: id, description: '', editor: () => null, override: () => null,
    process: identityOverrideProcessor, shouldApply: () => true, settings: {}, defaultValue: undefined,
  };
}

/** Return the frames of a panel, ready to draw. `answersTo` gives Prometheus' result of a query. */
export async function framesOf(panel, answersTo, range, theme) {
  const frames = panel.targets.flatMap((target) => parse(target, answersTo(target.expr, target.instant ? 'instant' : 'range'), range));
  const transformed = await firstOf(transformDataFrame(panel.transformations ?? [], frames));
  return applyFieldOverrides({
    data: transformed, fieldConfig: panel.fieldConfig, fieldConfigRegistry: registry,
    replaceVariables: (text) => text, theme, timeZone: 'utc',
  });
}

/** The legend's text for a series, as Grafana's Prometheus data source makes it. */
export function legend(format, labels) {
  return format.replace(/{{\s*(\w+)\s*}}/g, (_, label) => labels[label] ?? '');
}

function parse(target, result, range) {
  if (target.format === 'table') {
    return result.length ? [asTable(target, result)] : [];
  }
  return result.map((series) => {
    const samples = new Map((series.values ?? [series.value]).map(([at, value]) => [Math.round(at), Number(value)]));
    // A step without a sample is a gap, not a line from before it to after it.
    const times = target.instant ? [...samples.keys()] : steps(range);
    return toDataFrame({
      refId: target.refId,
      fields: [
        { name: 'Time', type: FieldType.time, values: times.map((at) => at * 1000) },
        {
          name: 'Value', type: FieldType.number, labels: series.metric,
          values: times.map((at) => samples.get(at) ?? null),
          config: { displayNameFromDS: legend(target.legendFormat, series.metric) },
        },
      ],
    });
  });
}

function asTable(target, result) {
  const labels = [...new Set(result.flatMap((series) => Object.keys(series.metric)))];
  return toDataFrame({
    refId: target.refId,
    fields: [
      ...labels.map((name) => ({ name, type: FieldType.string, values: result.map((s) => s.metric[name] ?? '') })),
      { name: 'Value', type: FieldType.number, values: result.map((s) => Number(s.value[1])) },
    ],
  });
}

function steps({ from, to, step }) {
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step);
}

function firstOf(observable) {
  return new Promise((resolve, reject) => observable.subscribe({ next: resolve, error: reject }));
}
