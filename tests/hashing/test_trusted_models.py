"""A kept model is loaded from types that the operator trusts, and from no others."""

from __future__ import annotations

import pytest
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from jupyter_mlgov.errors import Blocked, Damaged
from jupyter_mlgov.hashing.estimators import save_model
from jupyter_mlgov.hashing.trusted_models import OWN, Untrusted, load_model

X, y = load_breast_cancer(return_X_y=True, as_frame=True)


class Homemade(LogisticRegression):
    """A class of the user's own."""


def kept(model):
    data, reason = save_model(model.fit(X, y))
    assert data is not None, reason
    return data


def test_a_model_that_skops_trusts_needs_no_list():
    model = make_pipeline(StandardScaler(), LogisticRegression())
    assert (load_model(kept(model)).predict(X) == model.predict(X)).all()


def test_types_nobody_trusted_are_named_and_nothing_is_loaded():
    with pytest.raises(Untrusted, match=r"sklearn\.tree\._tree\.Tree.*\[models\] trusted") as told:
        load_model(kept(RandomForestClassifier(3, random_state=0)))
    assert told.value.types == ("sklearn.tree._tree.Tree",)
    assert told.value.exit_status == 3


def test_a_class_of_the_users_own_is_loaded_only_when_it_is_on_the_list():
    data = kept(Homemade(max_iter=5000))
    name = f"{Homemade.__module__}.Homemade"
    with pytest.raises(Untrusted, match="Homemade"):
        load_model(data, trusted=OWN)
    assert type(load_model(data, trusted=[name])).__name__ == "Homemade"


def test_the_usual_estimators_load_with_the_list_for_ones_own():
    model = make_pipeline(
        ColumnTransformer([("n", SimpleImputer(), list(X.columns))]), RandomForestClassifier(3)
    )
    assert (load_model(kept(model), trusted=OWN).predict(X) == model.predict(X)).all()


@pytest.mark.parametrize(
    ("library", "name"),
    [
        ("xgboost", "XGBClassifier"),
        ("xgboost", "XGBRFRegressor"),
        ("lightgbm", "LGBMClassifier"),
        ("lightgbm", "LGBMRegressor"),
    ],
)
def test_boosted_trees_of_ones_own_load_too_and_those_of_others_do_not(library, name):
    model = getattr(pytest.importorskip(library), name)(n_estimators=3)
    data = kept(model)
    assert (load_model(data, trusted=OWN).predict(X) == model.predict(X)).all()
    with pytest.raises(Untrusted, match=f"{library}.*Booster"):
        load_model(data)


def test_bytes_that_are_no_skops_file_are_damaged():
    with pytest.raises(Damaged, match="no skops file"):
        load_model(b"PK\x03\x04 nothing")


def test_a_module_that_is_not_there_is_blocked(monkeypatch):
    data = kept(Homemade(max_iter=5000)).replace(b'"Homemade"', b'"Elsewher"')
    with pytest.raises((Blocked, Damaged)):
        load_model(data, trusted=[f"{Homemade.__module__}.Elsewher"])
