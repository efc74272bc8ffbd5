/** The commands, by their names: for the palette, shortcuts, menus, the launcher and other extensions. */
export const Commands = {
  open: 'mlgov:open',
  project: 'mlgov:show-project',
  models: 'mlgov:show-models',
  risks: 'mlgov:show-risks',
  life: 'mlgov:show-life',
  changes: 'mlgov:show-changes',
  snapshot: 'mlgov:snapshot',
  approve: 'mlgov:approve',
  reject: 'mlgov:reject',
  rerun: 'mlgov:rerun',
  report: 'mlgov:report',
  compare: 'mlgov:compare',
  addRisk: 'mlgov:add-risk',
  openNotebook: 'mlgov:open-notebook'
} as const;

/** Those that make sense without something that was clicked on. */
export const IN_PALETTE: readonly string[] = [
  Commands.open,
  Commands.project,
  Commands.models,
  Commands.risks,
  Commands.life,
  Commands.changes,
  Commands.snapshot,
  Commands.rerun,
  Commands.report,
  Commands.compare,
  Commands.approve,
  Commands.reject,
  Commands.addRisk
];

/** Those that the state of the panel turns on and off. */
export const ABOUT_A_SNAPSHOT: readonly string[] = [
  Commands.snapshot,
  Commands.changes,
  Commands.rerun,
  Commands.report,
  Commands.compare,
  Commands.approve,
  Commands.reject
];
