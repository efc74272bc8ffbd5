/** A form in a dialog: what cannot be accepted yet keeps the dialog's button off. */
import { type Dialog, showDialog } from '@jupyterlab/apputils';
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

export interface IFormProps<T> {
  readonly value: T;
  readonly set: (change: Partial<T>) => void;
}

export interface IForm<T> {
  readonly title: string;
  readonly value: T;
  readonly isComplete: (value: T) => boolean;
  readonly Fields: React.ComponentType<IFormProps<T>>;
  /** What has the focus at first. */
  readonly focus: string;
  readonly buttons: readonly Dialog.IButton[];
}

/** What was filled in; null where it was not accepted. */
export async function askForm<T extends object>(form: IForm<T>): Promise<T | null> {
  let { value } = form;
  for (;;) {
    const result = await showDialog<T>({
      title: form.title,
      body: new FormBody<T>(value, form.isComplete, form.Fields),
      focusNodeSelector: form.focus,
      buttons: form.buttons
    });
    if (!result.button.accept || result.value === null) {
      return null;
    }
    if (form.isComplete(result.value)) {
      return result.value;
    }
    // The Enter key accepts a dialog whatever its buttons say: what was typed is not lost.
    ({ value } = result);
  }
}

class FormBody<T extends object> extends ReactWidget implements Dialog.IBodyWidget<T> {
  constructor(
    private value: T,
    private readonly complete: (value: T) => boolean,
    private readonly Fields: React.ComponentType<IFormProps<T>>
  ) {
    super();
    this.addClass('jp-Mlgov-form');
  }

  getValue(): T {
    return this.value;
  }

  protected render(): React.JSX.Element {
    return (
      <Form
        value={this.value}
        Fields={this.Fields}
        change={value => {
          this.value = value;
          const ready = this.complete(value);
          this.node
            .closest('.jp-Dialog')
            ?.querySelectorAll<HTMLButtonElement>('.jp-Dialog-footer button.jp-mod-accept')
            .forEach(button => {
              button.disabled = !ready;
            });
        }}
      />
    );
  }
}

function Form<T extends object>(props: {
  readonly value: T;
  readonly Fields: React.ComponentType<IFormProps<T>>;
  readonly change: (value: T) => void;
}): React.JSX.Element {
  const { Fields, change } = props;
  const [value, setValue] = React.useState(props.value);
  React.useEffect(() => {
    change(value);
  }, [change, value]);
  return (
    <div className="jp-Mlgov-fields">
      <Fields
        value={value}
        set={part => {
          setValue(old => ({ ...old, ...part }));
        }}
      />
    </div>
  );
}
