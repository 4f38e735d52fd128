"""statsmodels: results of regressions and time series; saved by their own `save`."""

from __future__ import annotations

import numpy as np
import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf
from statsmodels.tsa.arima.model import ARIMA
from statsmodels.tsa.holtwinters import ExponentialSmoothing

from evaluation.recipes.tables import LABELS, PATIENT_SAMPLE, PATIENTS, PROGRESS, ROWS
from evaluation.specimens import Recipe, Way, pickled

OWN = Way("save", ".pickle", lambda results, path: results.save(str(path)), lambda path: sm.load(str(path)))
# What `fit` returns is the wrapper: that is the class that a user sees.
RECIPE = Recipe(lambda results: results.predict(PATIENT_SAMPLE), OWN, pickled(2))
SERIES = np.cumsum(np.sin(np.arange(60)))
FRAME = pd.DataFrame(PATIENTS[:, :3], columns=["age", "sex", "bmi"]).assign(progress=PROGRESS)


def forecast(results):
    """Predict the next values of a series."""
    return results.forecast(3)


@RECIPE.model("statsmodels.regression.linear_model.RegressionResultsWrapper")
def ordinary_least_squares():
    return sm.OLS(PROGRESS, PATIENTS).fit()


@RECIPE.model(
    "statsmodels.regression.linear_model.RegressionResultsWrapper", predict=lambda results: results.predict(FRAME[:5])
)
def formula():
    return smf.ols("progress ~ age + bmi", FRAME).fit()


@RECIPE.model("statsmodels.genmod.generalized_linear_model.GLMResultsWrapper")
def generalised():
    return sm.GLM(PROGRESS, PATIENTS).fit()


@RECIPE.model(
    "statsmodels.discrete.discrete_model.BinaryResultsWrapper", predict=lambda results: results.predict(ROWS[:5])
)
def logit():
    return sm.Logit((LABELS > 1).astype(int), ROWS).fit(disp=0, method="bfgs", maxiter=5)


@RECIPE.model("statsmodels.tsa.arima.model.ARIMAResultsWrapper", predict=forecast)
def arima():
    return ARIMA(SERIES, order=(1, 0, 0)).fit()


@RECIPE.model("statsmodels.tsa.holtwinters.results.HoltWintersResultsWrapper", predict=forecast)
def smoothing():
    return ExponentialSmoothing(SERIES).fit()
