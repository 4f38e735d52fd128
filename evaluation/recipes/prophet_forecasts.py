"""Prophet: forecasts of a series."""

from __future__ import annotations

import pandas as pd
from prophet import Prophet

from evaluation.specimens import Recipe, joblibbed, pickled

SERIES = pd.DataFrame({"ds": pd.date_range("2026-01-01", periods=40), "y": [float(n % 7) for n in range(40)]})
RECIPE = Recipe(lambda model: model.predict(SERIES[-3:])["yhat"].round(3), pickled(4), pickled(2), joblibbed(3))


@RECIPE.model("prophet.Prophet")
def weekly():
    return Prophet(daily_seasonality=False, yearly_seasonality=False, uncertainty_samples=0).fit(SERIES)


@RECIPE.model("prophet.Prophet")
def with_holidays():
    model = Prophet(yearly_seasonality=False, daily_seasonality=False, uncertainty_samples=0)
    model.add_country_holidays(country_name="US")
    return model.fit(SERIES)
