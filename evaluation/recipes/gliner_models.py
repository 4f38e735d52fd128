"""GLiNER: span and token models; saved by save_pretrained and whole."""

from __future__ import annotations

import torch
from gliner import GLiNER, GLiNERConfig

from evaluation.recipes.small_transformers import SHAPE, tokenizer
from evaluation.specimens import Recipe, Way, torched


def made(**settings):
    """A GLiNER on a tiny BERT."""
    torch.manual_seed(0)
    words = tokenizer()
    words.add_tokens(["[FLERT]", "<<ENT>>", "<<SEP>>"])
    config = GLiNERConfig(
        model_name="bert", encoder_config={"model_type": "bert", **SHAPE}, hidden_size=16, vocab_size=len(words),
        class_token_index=len(words) - 2, **settings,
    )  # fmt: skip
    kind = GLiNER._get_gliner_class(config) if hasattr(GLiNER, "_get_gliner_class") else GLiNER  # noqa: SLF001
    return kind(config, tokenizer=words).eval()


def loaded(path):
    """Load what save_pretrained wrote."""
    return GLiNER.from_pretrained(str(path), local_files_only=True, load_tokenizer=True).eval()


SAVED = Way("save_pretrained", "", lambda model, path: model.save_pretrained(path), loaded, "*.bin")
RECIPE = Recipe(lambda model: model.predict_entities("the cat sat", ["animal"], threshold=0.0), SAVED, torched())


@RECIPE.model("gliner.GLiNER")
def spans():
    return made()


@RECIPE.model("gliner.GLiNER")
def tokens():
    return made(span_mode="token_level")
