"""river: models that learn from streams, alone and in pipelines."""

from __future__ import annotations

from river import anomaly, compose, drift, ensemble, forest, linear_model, naive_bayes, optim, preprocessing, tree

from evaluation.recipes.tables import LABELS, ROWS, SAMPLE
from evaluation.specimens import Recipe, joblibbed, pickled


def records(rows):
    """Rows as streams have them."""
    return [dict(zip("abcd", map(float, row), strict=True)) for row in rows]


def taught(model):
    """The model after one pass."""
    for row, label in zip(records(ROWS), LABELS, strict=True):
        model.learn_one(row, bool(label > 1))
    return model


RECIPE = Recipe(lambda model: [model.predict_one(row) for row in records(SAMPLE)], pickled(4), joblibbed(0))


@RECIPE.model("river.linear_model.LogisticRegression")
def logistic():
    return taught(linear_model.LogisticRegression(optim.SGD(0.1)))


@RECIPE.model("river.compose.Pipeline", "river.preprocessing.StandardScaler", "river.linear_model.LogisticRegression")
def pipeline():
    return taught(compose.Pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression()))


@RECIPE.model("river.compose.Pipeline")
def pipeline_by_its_class():
    return taught(preprocessing.StandardScaler() | linear_model.LogisticRegression(optim.Adam()))


@RECIPE.model("river.tree.HoeffdingTreeClassifier")
def hoeffding():
    return taught(tree.HoeffdingTreeClassifier(grace_period=20))


@RECIPE.model("river.forest.ARFClassifier")
def adaptive_forest():
    return taught(forest.ARFClassifier(n_models=2, seed=0))


@RECIPE.model("river.ensemble.ADWINBaggingClassifier", "river.naive_bayes.GaussianNB")
def bagging():
    return taught(ensemble.ADWINBaggingClassifier(naive_bayes.GaussianNB(), n_models=2, seed=0))


@RECIPE.model("river.anomaly.HalfSpaceTrees", predict=lambda model: [model.score_one(row) for row in records(SAMPLE)])
def half_spaces():
    made = anomaly.HalfSpaceTrees(n_trees=3, seed=0)
    for row in records(ROWS):
        made.learn_one({name: value / 10 for name, value in row.items()})
    return made


@RECIPE.model("river.drift.ADWIN", predict=lambda made: made.estimation)
def window():
    made = drift.ADWIN()
    for value in ROWS[:, 0]:
        made.update(float(value))
    return made
