// Dashboards as Grafana's own types have them, for tsc. What a JSON file holds is plain: an enum of texts is any of its texts, and
// a panel's options are those of its plugin.
import type { Dashboard, Panel, RowPanel } from "@grafana/schema/dist/esm/raw/dashboard/x/Dashboard_types.gen";
import type * as Stat from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type * as States from "@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen";
import type * as Table from "@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen";
import type * as Series from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";

type Plain<T> = T extends string
  ? `${T}`
  : T extends number | boolean | null | undefined
    ? T
    : T extends (infer U)[]
      ? Plain<U>[]
      : unknown extends T
        ? T
        : T extends object
          ? { [K in keyof T]: Plain<T[K]> }
          : T;

// The query of Prometheus's data source.
interface Target {
  refId: string;
  datasource: { type: "prometheus"; uid: string };
  expr: string;
  legendFormat: string;
  instant: boolean;
  range: boolean;
  format: "time_series" | "table";
}

interface Field<Custom> {
  unit?: string;
  min?: number;
  custom?: Plain<Custom>;
  color?: { mode: "thresholds" | "palette-classic" };
  thresholds?: Plain<NonNullable<NonNullable<Panel["fieldConfig"]>["defaults"]["thresholds"]>>;
  mappings?: Plain<NonNullable<NonNullable<Panel["fieldConfig"]>["defaults"]["mappings"]>>;
}

type Of<Kind extends string, Options, Custom> = Plain<Omit<Panel, "type" | "options" | "fieldConfig" | "targets">> & {
  type: Kind;
  title: string;
  targets: Target[];
  options: Plain<Options>;
  fieldConfig: { defaults: Field<Custom>; overrides: [] };
};

type AnyPanel =
  | Of<"stat", Stat.Options, never>
  | Of<"timeseries", Series.Options, Series.FieldConfig>
  | Of<"state-timeline", States.Options, States.FieldConfig>
  | Of<"table", Table.Options, Partial<Table.FieldConfig>>;

export type Shipped = Plain<Omit<Dashboard, "panels">> & { panels: AnyPanel[] };
export type Unused = RowPanel;
