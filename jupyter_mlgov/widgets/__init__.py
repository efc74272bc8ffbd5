"""The notebook's widgets, for every front end that has ipywidgets; elsewhere the same facts as static tables.

A door: a widget asks ``Project`` (or a fitted model) and shows. ipywidgets and SHAP are imported when a widget is made.
"""
