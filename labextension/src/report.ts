/** The report as a tab. Its frame is sandboxed with no permission at all: no scripts, no origin, no forms. */
import { MainAreaWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { downloadIcon, IFrame, ToolbarButton } from '@jupyterlab/ui-components';

import { shieldIcon } from './icons';

export interface IReport {
  readonly id: string;
  readonly label: string;
  readonly url: string;
  readonly downloadUrl: string;
}

export function reportTab(report: IReport, trans: TranslationBundle): MainAreaWidget<IFrame> {
  const content = new IFrame({ sandbox: [], referrerPolicy: 'no-referrer' });
  content.url = report.url;
  content.addClass('jp-Mlgov-report');
  content.node.querySelector('iframe')?.setAttribute('title', report.label);
  const tab = new MainAreaWidget({ content });
  tab.id = `mlgov-report-${report.id}`;
  tab.title.label = report.label;
  tab.title.caption = trans.__('Governance report of %1', report.label);
  tab.title.icon = shieldIcon;
  tab.title.closable = true;
  tab.toolbar.addItem(
    'download',
    new ToolbarButton({
      icon: downloadIcon,
      label: trans.__('Download'),
      tooltip: trans.__('Save the report as one HTML file'),
      onClick: () => {
        const link = document.createElement('a');
        link.href = report.downloadUrl;
        link.download = '';
        link.click();
      }
    })
  );
  return tab;
}
