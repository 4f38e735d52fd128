"""imbalanced-learn: balanced ensembles and pipelines with samplers."""

from __future__ import annotations

from imblearn.ensemble import BalancedBaggingClassifier, BalancedRandomForestClassifier, EasyEnsembleClassifier
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import Pipeline
from imblearn.under_sampling import RandomUnderSampler
from sklearn.linear_model import LogisticRegression

from evaluation.recipes.tables import LABELS, ROWS, SAMPLE
from evaluation.specimens import Recipe, joblibbed, pickled

RECIPE = Recipe(lambda model: model.predict(SAMPLE), pickled(4), pickled(2), joblibbed(3))
FEW = slice(0, 120)


@RECIPE.model("imblearn.ensemble.BalancedRandomForestClassifier")
def balanced_forest():
    return BalancedRandomForestClassifier(3, random_state=0).fit(ROWS[FEW], LABELS[FEW])


@RECIPE.model("imblearn.ensemble.BalancedBaggingClassifier")
def balanced_bagging():
    return BalancedBaggingClassifier(n_estimators=2, random_state=0).fit(ROWS[FEW], LABELS[FEW])


@RECIPE.model("imblearn.ensemble.EasyEnsembleClassifier")
def easy_ensemble():
    return EasyEnsembleClassifier(n_estimators=2, random_state=0).fit(ROWS[FEW], LABELS[FEW])


@RECIPE.model("imblearn.pipeline.Pipeline", "imblearn.over_sampling.SMOTE", "sklearn.linear_model.LogisticRegression")
def sampled_pipeline():
    steps = [("sample", SMOTE(random_state=0)), ("classify", LogisticRegression(max_iter=500))]
    return Pipeline(steps).fit(ROWS[FEW], LABELS[FEW])


@RECIPE.model(
    "imblearn.under_sampling.RandomUnderSampler", predict=lambda sampler: sampler.fit_resample(ROWS, LABELS)[1][:9]
)
def sampler():
    kept = RandomUnderSampler(random_state=0)
    kept.fit_resample(ROWS[FEW], LABELS[FEW])
    return kept
