// The types of a dashboard as JSON has it, from Grafana's own: what is an enum there is its text here,
// and queries and annotations are those of the Prometheus data source.
import type { AnnotationQuery, Dashboard, DataQuery } from '@grafana/schema';
import type * as Heatmap from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type * as Stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as StateTimeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as Table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as TimeSeries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

type Fields<T> = { [Key in keyof T]: Plain<T[Key]> };

type Plain<T> = T extends string ? `${T}`
  : T extends (infer Item)[] ? Plain<Item>[]
  : T extends AnnotationQuery ? Fields<T> & { titleFormat: string; useValueForTime: boolean }
  : T extends DataQuery ? Fields<T> & { expr: string; interval?: string }
  : T extends object ? Fields<T>
  : T;

export type PlainDashboard = Plain<Dashboard>;

// To the dashboard's type, what belongs to one kind of panel is any object: each kind has types of its own.
type Kinds = {
  heatmap: [Heatmap.Options, Heatmap.FieldConfig];
  stat: [Stat.Options, Record<string, never>];
  // "Connect null values" is in the panel, but was left out of its types.
  'state-timeline': [StateTimeline.Options, StateTimeline.FieldConfig & { spanNulls?: boolean | number }];
  table: [Table.Options, Table.FieldConfig];
  timeseries: [TimeSeries.Options, TimeSeries.FieldConfig];
};

// What is left out has Grafana's default.
type Part<T> = T extends (infer Item)[] ? Part<Item>[] : T extends object ? { [Key in keyof T]?: Part<T[Key]> } : T;

export type PlainPanel = {
  [Kind in keyof Kinds]: { type: Kind; options: Part<Plain<Kinds[Kind][0]>>; custom: Part<Plain<Kinds[Kind][1]>> };
}[keyof Kinds];
