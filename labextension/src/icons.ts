/** The product's mark: a shield that holds a line of cells, the last one checked. */
import { LabIcon } from '@jupyterlab/ui-components';

const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <path d="M12 1.6 3.4 4.7v6.4c0 5.3 3.6 9.6 8.6 11.3 5-1.7 8.6-6 8.6-11.3V4.7L12 1.6Zm6.7 9.5c0 4.2-2.7 7.7-6.7 9.2-4-1.5-6.7-5-6.7-9.2V6l6.7-2.4L18.7 6v5.1Z"/>
    <path d="M7.4 7.3h6.2v1.8H7.4zM7.4 10.6h3.6v1.8H7.4z"/>
    <path d="m10.7 17.3-2.9-2.9 1.3-1.3 1.6 1.6 5-5 1.3 1.3-6.3 6.3Z"/>
  </g>
</svg>`;

export const shieldIcon = new LabIcon({ name: 'jupyter-mlgov:panel', svgstr: svg });
