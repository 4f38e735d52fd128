"""The libraries that are measured, and those that cannot be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Library:
    """One library of the evaluation."""

    name: str  # of the distribution
    environment: str
    recipe: str  # the module below evaluation.recipes
    subset: str = ""  # "ci": measured by `.ci/run`
    apart: bool = False  # chosen to see how rules carry over to sources that they were not made with


LIBRARIES = (
    Library("scikit-learn", "tabular", "scikit_learn", "ci"),
    Library("lightgbm", "tabular", "lightgbm_trees", "ci"),
    Library("xgboost", "tabular", "xgboost_trees", "ci"),
    Library("catboost", "tabular", "catboost_trees"),
    Library("gensim", "tabular", "gensim_vectors", "ci"),
    Library("statsmodels", "tabular", "statsmodels_results"),
    Library("imbalanced-learn", "tabular", "imbalanced"),
    Library("category-encoders", "tabular", "encoders"),
    Library("pandas", "tabular", "pandas_frames"),
    Library("nltk", "tabular", "nltk_taggers"),
    Library("spacy", "tabular", "spacy_pipelines"),
    Library("umap-learn", "tabular", "umap_maps"),
    Library("hdbscan", "tabular", "hdbscan_clusters"),
    Library("prophet", "tabular", "prophet_forecasts"),
    Library("scikit-surprise", "tabular", "surprise_recommenders"),
    Library("feature-engine", "tabular-more", "feature_engine_steps", apart=True),
    Library("hmmlearn", "tabular-more", "hmmlearn_chains", apart=True),
    Library("implicit", "tabular-more", "implicit_recommenders", apart=True),
    Library("interpret-core", "tabular-more", "glassboxes", apart=True),
    Library("lifelines", "tabular-more", "lifelines_survival", apart=True),
    Library("mlxtend", "tabular-more", "mlxtend_ensembles", apart=True),
    Library("ngboost", "tabular-more", "ngboost_trees", apart=True),
    Library("river", "tabular-more", "river_streams", apart=True),
    Library("sklearn-crfsuite", "tabular-more", "crf_taggers", apart=True),
    Library("langchain-community", "tabular-apart", "retrievers", apart=True),
    Library("pyod", "tabular-apart", "outliers", apart=True),
    Library("sklearn2pmml", "tabular-apart", "pmml_pipelines", apart=True),
    Library("flair", "project:torch", "flair_taggers", "ci"),
    Library("gliner", "torch", "gliner_models"),
    Library("ultralytics", "torch", "ultralytics_models"),
    Library("yolov5", "torch-older", "yolov5_models"),
    Library("sentence-transformers", "torch", "sentence_embedders"),
    Library("flagembedding", "torch", "flag_embedders"),
    Library("pyannote-audio", "torch-audio", "pyannote_models"),
    Library("pysentimiento", "torch-older", "sentiment_analysers"),
    Library("super-image", "torch-older", "super_images"),
    Library("tner", "torch-lifted", "tner_taggers"),
    Library("tweetnlp", "torch-older", "tweet_classifiers"),
    Library("huggingsound", "torch-lifted", "speech_recognisers"),
    Library("speechbrain", "torch-audio", "speech_models"),
    Library("setfit", "torch", "setfit_models"),
    Library("bertopic", "torch", "topic_models"),
    Library("torchvision", "torch", "torchvision_networks"),
    Library("timm", "torch", "timm_networks"),
    Library("transformers", "torch", "trainer_files"),
    Library("pytorch-lightning", "torch", "lightning_checkpoints"),
    Library("stable-baselines3", "torch", "baselines"),
)
# What cannot be installed, and what was tried: a row in every report.
LEFT_OUT: dict[str, str] = {}
