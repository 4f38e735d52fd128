"""scikit-learn: estimators of each family, and compositions of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, PolynomialFeatures, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from evaluation.recipes.tables import (
    LABELS,
    PATIENT_SAMPLE,
    PATIENTS,
    PROGRESS,
    ROWS,
    SAMPLE,
    TEXTS,
    TOPICS,
)
from evaluation.specimens import Recipe, joblibbed, pickled

RECIPE = Recipe(lambda model: model.predict(SAMPLE), pickled(4), pickled(2), joblibbed(0), joblibbed(3))
FRAME = pd.DataFrame({"size": ROWS[:, 0], "width": ROWS[:, 1], "kind": ["red", "blue", "green"] * 50})


def on_patients(model):
    """Predict numbers."""
    return model.predict(PATIENT_SAMPLE)


def on_texts(model):
    """Predict topics."""
    return model.predict(TEXTS[:8])


@RECIPE.model("sklearn.linear_model.LogisticRegression")
def logistic_regression():
    return LogisticRegression(max_iter=500).fit(ROWS, LABELS)


@RECIPE.model("sklearn.linear_model.LinearRegression", predict=on_patients)
def linear_regression():
    return LinearRegression().fit(PATIENTS, PROGRESS)


@RECIPE.model("sklearn.linear_model.SGDClassifier")
def sgd_classifier():
    return SGDClassifier(random_state=0).fit(ROWS, LABELS)


@RECIPE.model("sklearn.svm.SVC")
def svc():
    return SVC(probability=False).fit(ROWS, LABELS)


@RECIPE.model("sklearn.svm.LinearSVC")
def linear_svc():
    return LinearSVC(random_state=0).fit(ROWS, LABELS)


@RECIPE.model("sklearn.neighbors.KNeighborsClassifier")
def nearest_neighbours():
    return KNeighborsClassifier(algorithm="kd_tree").fit(ROWS, LABELS)


@RECIPE.model("sklearn.tree.DecisionTreeClassifier")
def decision_tree():
    return DecisionTreeClassifier(random_state=0).fit(ROWS, LABELS)


@RECIPE.model("sklearn.ensemble.RandomForestClassifier")
def random_forest():
    return RandomForestClassifier(5, random_state=0).fit(ROWS, LABELS)


@RECIPE.model("sklearn.ensemble.ExtraTreesRegressor", predict=on_patients)
def extra_trees():
    return ExtraTreesRegressor(5, random_state=0).fit(PATIENTS, PROGRESS)


@RECIPE.model("sklearn.ensemble.GradientBoostingClassifier")
def gradient_boosting():
    return GradientBoostingClassifier(n_estimators=5, random_state=0).fit(ROWS, LABELS)


@RECIPE.model("sklearn.ensemble.HistGradientBoostingClassifier")
def histogram_boosting():
    return HistGradientBoostingClassifier(max_iter=5, random_state=0).fit(ROWS, LABELS)


@RECIPE.model("sklearn.ensemble.AdaBoostClassifier")
def ada_boost():
    return AdaBoostClassifier(n_estimators=5, random_state=0).fit(ROWS, LABELS)


@RECIPE.model("sklearn.ensemble.IsolationForest")
def isolation_forest():
    return IsolationForest(n_estimators=5, random_state=0).fit(ROWS)


@RECIPE.model("sklearn.naive_bayes.GaussianNB")
def naive_bayes():
    return GaussianNB().fit(ROWS, LABELS)


@RECIPE.model("sklearn.neural_network.MLPClassifier")
def perceptron():
    return MLPClassifier((8,), max_iter=50, random_state=0).fit(ROWS, LABELS)


@RECIPE.model("sklearn.gaussian_process.GaussianProcessRegressor", predict=on_patients)
def gaussian_process():
    return GaussianProcessRegressor(RBF() + WhiteKernel(), random_state=0).fit(PATIENTS, PROGRESS)


@RECIPE.model("sklearn.cluster.KMeans")
def k_means():
    return KMeans(3, n_init=1, random_state=0).fit(ROWS)


@RECIPE.model("sklearn.decomposition.PCA", predict=lambda model: model.transform(SAMPLE))
def pca():
    return PCA(2).fit(ROWS)


@RECIPE.model("sklearn.impute.KNNImputer", predict=lambda model: model.transform(SAMPLE))
def imputer():
    return KNNImputer().fit(ROWS)


@RECIPE.model(
    "sklearn.feature_extraction.text.TfidfVectorizer", predict=lambda model: model.transform(TEXTS[:4]).toarray()
)
def tf_idf():
    return TfidfVectorizer().fit(TEXTS)


@RECIPE.model(
    "sklearn.pipeline.Pipeline",
    "sklearn.feature_extraction.text.CountVectorizer",
    "sklearn.feature_extraction.text.TfidfTransformer",
    "sklearn.naive_bayes.MultinomialNB",
    predict=on_texts,
)
def text_pipeline():
    steps = [("count", CountVectorizer()), ("weigh", TfidfTransformer()), ("classify", MultinomialNB())]
    return Pipeline(steps).fit(TEXTS, TOPICS)


@RECIPE.model("sklearn.pipeline.Pipeline", predict=lambda model: model.predict(FRAME[::15]))
def mixed_pipeline():
    numbers = Pipeline([("fill", SimpleImputer()), ("scale", StandardScaler())])
    columns = ColumnTransformer(
        [("numbers", numbers, ["size", "width"]), ("kinds", OneHotEncoder(handle_unknown="ignore"), ["kind"])]
    )
    return Pipeline([("columns", columns), ("classify", LogisticRegression(max_iter=500))]).fit(FRAME, LABELS)


@RECIPE.model("sklearn.model_selection.GridSearchCV", "sklearn.ensemble.RandomForestClassifier")
def grid_search():
    return GridSearchCV(RandomForestClassifier(3, random_state=0), {"max_depth": [1, 2]}, cv=2).fit(ROWS, LABELS)


@RECIPE.model(
    "sklearn.ensemble.VotingClassifier", "sklearn.tree.DecisionTreeClassifier", "sklearn.naive_bayes.GaussianNB"
)
def voting():
    return VotingClassifier([("tree", DecisionTreeClassifier(random_state=0)), ("bayes", GaussianNB())]).fit(
        ROWS, LABELS
    )


@RECIPE.model(
    "sklearn.ensemble.StackingClassifier",
    "sklearn.tree.DecisionTreeClassifier",
    "sklearn.neighbors.KNeighborsClassifier",
)
def stacking():
    return StackingClassifier(
        [("tree", DecisionTreeClassifier(random_state=0)), ("near", KNeighborsClassifier())], cv=2
    ).fit(ROWS, LABELS)


@RECIPE.model("sklearn.calibration.CalibratedClassifierCV", "sklearn.svm.LinearSVC")
def calibrated():
    return CalibratedClassifierCV(LinearSVC(random_state=0), cv=2).fit(ROWS, LABELS)


@RECIPE.model("sklearn.multiclass.OneVsRestClassifier", "sklearn.svm.SVC")
def one_against_the_rest():
    return OneVsRestClassifier(SVC()).fit(ROWS, LABELS)


@RECIPE.model(
    "sklearn.compose.TransformedTargetRegressor",
    "sklearn.linear_model.Ridge",
    "sklearn.preprocessing.StandardScaler",
    predict=on_patients,
)
def transformed_target():
    return TransformedTargetRegressor(Ridge(), transformer=StandardScaler()).fit(PATIENTS, PROGRESS)


@RECIPE.model("sklearn.pipeline.Pipeline")
def union():
    both = FeatureUnion([("parts", PCA(2)), ("powers", PolynomialFeatures(2))])
    return Pipeline([("both", both), ("scale", StandardScaler()), ("classify", SVC())]).fit(ROWS, LABELS)


@RECIPE.model("sklearn.pipeline.Pipeline", "sklearn.preprocessing.FunctionTransformer", "sklearn.svm.SVC")
def function_of_numpy():
    return Pipeline([("log", FunctionTransformer(np.log1p)), ("classify", SVC())]).fit(ROWS, LABELS)
