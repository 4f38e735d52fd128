"""mlxtend: stacked and voting ensembles, feature selection."""

from __future__ import annotations

from mlxtend.classifier import EnsembleVoteClassifier, StackingClassifier, StackingCVClassifier
from mlxtend.feature_selection import SequentialFeatureSelector
from mlxtend.preprocessing import TransactionEncoder
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from evaluation.recipes.tables import LABELS, ROWS, SAMPLE
from evaluation.specimens import Recipe, joblibbed, pickled

RECIPE = Recipe(lambda model: model.predict(SAMPLE), pickled(4), joblibbed(3))
PARTS = ("sklearn.linear_model.LogisticRegression", "sklearn.tree.DecisionTreeClassifier")


def parts():
    """Two classifiers."""
    return [LogisticRegression(max_iter=500), DecisionTreeClassifier(max_depth=2, random_state=0)]


@RECIPE.model("mlxtend.classifier.StackingClassifier", *PARTS)
def stacked():
    return StackingClassifier(parts(), LogisticRegression(max_iter=500)).fit(ROWS, LABELS)


@RECIPE.model("mlxtend.classifier.StackingCVClassifier", *PARTS)
def cross_validated():
    return StackingCVClassifier(parts(), LogisticRegression(max_iter=500), cv=2, random_state=0).fit(ROWS, LABELS)


@RECIPE.model("mlxtend.classifier.EnsembleVoteClassifier", *PARTS)
def votes():
    return EnsembleVoteClassifier(parts()).fit(ROWS, LABELS)


@RECIPE.model(
    "mlxtend.feature_selection.SequentialFeatureSelector", "sklearn.linear_model.LogisticRegression",
    predict=lambda made: made.transform(SAMPLE),
)  # fmt: skip
def selector():
    return SequentialFeatureSelector(LogisticRegression(max_iter=500), k_features=2, cv=2).fit(ROWS, LABELS)


@RECIPE.model(
    "mlxtend.preprocessing.TransactionEncoder", predict=lambda made: made.transform([["milk"], ["bread", "beer"]])
)
def baskets():
    return TransactionEncoder().fit([["milk", "bread"], ["beer"]])
