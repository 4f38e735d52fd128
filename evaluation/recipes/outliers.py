"""PyOD: detectors of outliers, alone and several in one."""

from __future__ import annotations

from pyod.models.cblof import CBLOF
from pyod.models.ecod import ECOD
from pyod.models.hbos import HBOS
from pyod.models.iforest import IForest
from pyod.models.knn import KNN
from pyod.models.lof import LOF
from pyod.models.lscp import LSCP
from pyod.models.ocsvm import OCSVM

from evaluation.recipes.tables import ROWS, SAMPLE
from evaluation.specimens import Recipe, joblibbed, pickled

RECIPE = Recipe(lambda detector: detector.decision_function(SAMPLE), pickled(4), joblibbed(0))


@RECIPE.model("pyod.models.iforest.IForest")
def forest():
    return IForest(n_estimators=5, random_state=0).fit(ROWS)


@RECIPE.model("pyod.models.knn.KNN")
def neighbours():
    return KNN().fit(ROWS)


@RECIPE.model("pyod.models.ecod.ECOD")
def distributions():
    return ECOD().fit(ROWS)


@RECIPE.model("pyod.models.hbos.HBOS")
def histograms():
    return HBOS().fit(ROWS)


@RECIPE.model("pyod.models.ocsvm.OCSVM")
def vectors():
    return OCSVM().fit(ROWS)


@RECIPE.model("pyod.models.cblof.CBLOF")
def clusters():
    return CBLOF(random_state=0).fit(ROWS)


@RECIPE.model("pyod.models.lscp.LSCP", "pyod.models.lof.LOF")
def several():
    return LSCP([LOF(5), LOF(9)], random_state=0).fit(ROWS)
