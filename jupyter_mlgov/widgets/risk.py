"""``mlgov.risk_form()``: a risk asked for in a form, and given back as the ``%%risk`` cell that states it.

The notebook stays the source, so the form records nothing. In JupyterLab and Notebook 7 the front end writes the cell;
elsewhere its text is there to be copied. The fields are those of ``%%risk``: one table says which.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.errors import MlgovError, NotFound
from jupyter_mlgov.governance.cards import risk_card
from jupyter_mlgov.governance.fields import Field, fields_of
from jupyter_mlgov.widgets.shown import Shown
from jupyter_mlgov.widgets.tables import table

if TYPE_CHECKING:
    from jupyter_mlgov.records.annotations import Risk

TARGET = "jupyter_mlgov.risk"
"""The comm that JupyterLab's extension answers: it writes the cell into the notebook."""
_FIRST = {"severity": "medium", "likelihood": "medium", "status": "open"}
_LONG = ("situation", "effect", "mitigation")


class RiskForm(Shown):
    """The form. ``values`` are texts by field; ``widget`` is an ipywidgets box; without ipywidgets ``_repr_html_`` is a
    table of the fields with the cell to be completed by hand."""

    def __init__(self, id: str = "", risk: Risk | None = None) -> None:  # noqa: A002 - the field's own name
        self.id = id
        self.fields = tuple(field for field in fields_of("risk") if field.kind != "data")
        self._rest: dict[str, Any] = {}
        """What the form does not ask for, as it was."""
        self.values = dict(_FIRST) if risk is None else self._of(risk)

    def _of(self, risk: Risk) -> dict[str, str]:
        import msgspec

        if risk.test_data is not None:
            self._rest["test_data"] = {
                name: value
                for name, value in msgspec.to_builtins(risk.test_data).items()
                if value is not None
            }
        said: dict[str, str] = {}
        for field in self.fields:
            value = getattr(risk, field.name)
            if field.kind == "check" and value is not None:
                said[field.name] = "\n".join(part.expression for part in value.each)
            elif field.kind == "words":
                said[field.name] = ", ".join(value)
            elif value is not None:
                said[field.name] = str(value)
        return said

    # -- what it gives -----------------------------------------------------------------------------------

    def document(self) -> dict[str, Any]:
        """The fields that are filled in, as YAML has them."""
        said: dict[str, Any] = {}
        for field in self.fields:
            text = self.values.get(field.name, "").strip()
            if not text:
                continue
            if field.kind == "check":
                lines = [line.strip() for line in text.splitlines() if line.strip()]
                said[field.name] = lines[0] if len(lines) == 1 else lines
            elif field.kind == "words":
                said[field.name] = [word.strip() for word in text.split(",") if word.strip()]
            else:
                said[field.name] = text
        return said | self._rest

    def cell(self) -> str:
        """The ``%%risk`` cell."""
        import yaml

        body = yaml.safe_dump(self.document(), sort_keys=False, allow_unicode=True, width=100)
        return f"%%risk {self.id}\n{body.rstrip()}" if self.document() else f"%%risk {self.id}"

    def risk(self) -> Risk:
        """The risk that the cell states, its check evaluated with the session's variables; nothing is recorded. Raises
        ``UsageError``."""
        from jupyter_mlgov.capture.logged import current_session
        from jupyter_mlgov.governance.annotations import parse_risk
        from jupyter_mlgov.governance.checks import evaluate

        first, _, body = self.cell().partition("\n")
        stated = parse_risk(first.removeprefix("%%risk "), body, first_line=2)
        session = current_session()
        return evaluate(stated, *_held(session)) if session is not None else stated

    # -- showing -----------------------------------------------------------------------------------------

    def _repr_html_(self) -> str:
        rows = [
            (
                field.name + (" (needed)" if field.required else ""),
                field.help,
                ", ".join(field.words),
                self.values.get(field.name),
            )
            for field in self.fields
        ]
        head = ("field", "what it says", "words", "value")
        return table(head, rows, caption=f"A risk {self.id}".rstrip()) + _shown(self.cell())

    def __repr__(self) -> str:
        return f"RiskForm({self.id!r})"

    @property
    def widget(self) -> Any:
        """The form as an ipywidgets box. Raises ``ImportError`` where ipywidgets is not installed."""
        import ipywidgets as w

        name = w.Text(value=self.id, placeholder="thin-data", disabled=bool(self.id))
        asked = {field.name: _control(w, field, self.values.get(field.name, "")) for field in self.fields}
        text = w.HTML(_shown(self.cell()))
        said = w.HTML()
        check = w.Button(description="Try the check", tooltip="Evaluate it with the variables of the session")
        write = w.Button(description="Write the cell", button_style="primary", tooltip="Into this notebook")

        def typed(_: Any) -> None:
            self.id = name.value.strip()
            self.values = {one: str(control.value or "") for one, control in asked.items()}
            text.value, said.value = _shown(self.cell()), ""

        def with_risk(use: Callable[[Risk], str]) -> Callable[[Any], None]:
            def pressed(_: Any) -> None:
                try:
                    said.value = use(self.risk())
                except MlgovError as error:
                    said.value = f"<p role='alert'>{escape(str(error))}</p>"

            return pressed

        def send(_: Risk) -> str:
            self._write(lambda answer: setattr(said, "value", f"<p role='status'>{escape(answer)}</p>"))
            return "<p>Copy the cell above into the notebook and run it, where this front end does not write it.</p>"

        for control in (name, *asked.values()):
            control.observe(typed, names="value")
        check.on_click(with_risk(risk_card))
        write.on_click(with_risk(send))
        labels = [_labelled("id", "a short name; the cell is found by it", name)]
        labels += [_labelled(field.name, field.help, asked[field.name]) for field in self.fields]
        return w.VBox([*labels, w.HBox([check, write]), text, said])

    def _write(self, told: Callable[[str], None]) -> None:
        """Asks the front end to write the cell; ``told`` is called with what it says, where it says something."""
        from comm import create_comm

        body = self.cell().partition("\n")[2]
        asked = create_comm(target_name=TARGET, data={"id": self.id, "yaml": body})
        asked.on_msg(lambda message: told(_answer(message["content"]["data"])))


def _shown(cell: str) -> str:
    style = (
        "margin:8px 0;padding:8px 12px;white-space:pre-wrap;border:1px solid var(--jp-border-color2,#d0d7de)"
    )
    return f"<pre style='{style}'>{escape(cell)}</pre>"


def _answer(data: Mapping[str, Any]) -> str:
    place = data.get("cell")
    return (
        f"Written: cell {place + 1}. Run it to record the risk." if isinstance(place, int) else "Not written."
    )


def _control(w: Any, field: Field, value: str) -> Any:
    layout = w.Layout(width="460px")
    if field.kind == "word":
        words = field.words if field.required else ("", *field.words)
        return w.Dropdown(options=words, value=value if value in words else words[0])
    if field.kind == "check" or field.name in _LONG:
        hint = 'recall(slice="amount > 300") >= 0.6' if field.kind == "check" else ""
        return w.Textarea(value=value, rows=2, placeholder=hint, layout=layout)
    hint = {"date": "2027-03-01", "words": ", ".join(field.words[:3])}.get(field.kind, "")
    return w.Text(value=value, placeholder=hint, layout=layout)


def _labelled(name: str, meaning: str, control: Any) -> Any:
    """A control with its name before it, and what it is for as its tooltip."""
    control.tooltip = meaning
    control.description = name.replace("_", " ")
    control.style.description_width = "110px"
    return control


def _held(session: Any) -> tuple[dict[str, Any], Any]:
    return session.shell.user_ns, session.register.charter


def risk_form(id: str = "") -> RiskForm:  # noqa: A002
    """The form of a new risk, or of the one that goes by ``id`` in this session or its project.

    Raises ``NotFound`` where there is none of that name.
    """
    if not id:
        return RiskForm()
    from jupyter_mlgov.capture.logged import current_session
    from jupyter_mlgov.project import Project

    session = current_session()
    if session is not None and id in session.register.risks:
        return RiskForm(id, session.register.risks[id])
    known = {one.risk.id: one.risk for one in Project.open(session.where() if session else ".").risks()}
    if id not in known:
        raise NotFound(f"risk {id[:100]!r}: there is none of that name; mlgov.risk_form() states a new one")
    return RiskForm(id, known[id])
