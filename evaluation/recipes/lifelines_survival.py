"""lifelines: survival curves and regressions."""

from __future__ import annotations

from lifelines import CoxPHFitter, KaplanMeierFitter, NelsonAalenFitter, WeibullAFTFitter, WeibullFitter
from lifelines.datasets import load_rossi

from evaluation.specimens import Recipe, joblibbed, pickled

ROSSI = load_rossi().head(120)
RECIPE = Recipe(lambda model: model.predict([1, 10, 30]), pickled(4), joblibbed(0))


def expected(model):
    """The medians that a regression expects."""
    return model.predict_median(ROSSI.head(5))


@RECIPE.model("lifelines.KaplanMeierFitter")
def kaplan_meier():
    return KaplanMeierFitter().fit(ROSSI["week"], ROSSI["arrest"])


@RECIPE.model("lifelines.NelsonAalenFitter")
def nelson_aalen():
    return NelsonAalenFitter().fit(ROSSI["week"], ROSSI["arrest"])


@RECIPE.model("lifelines.WeibullFitter")
def weibull():
    return WeibullFitter().fit(ROSSI["week"], ROSSI["arrest"])


@RECIPE.model("lifelines.CoxPHFitter", predict=expected)
def cox():
    return CoxPHFitter(penalizer=0.1).fit(ROSSI, "week", "arrest")


@RECIPE.model("lifelines.WeibullAFTFitter", predict=expected)
def accelerated():
    return WeibullAFTFitter(penalizer=0.1).fit(ROSSI, "week", "arrest")
