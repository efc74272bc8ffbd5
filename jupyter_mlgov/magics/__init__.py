"""The notebook's door: cell magics and ``%mlgov``. They parse, call the session or the project, and show."""
