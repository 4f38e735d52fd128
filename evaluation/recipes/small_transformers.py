"""Tokenizers and encoders of a few thousand weights, made on the spot."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
from transformers import BertConfig, BertModel, BertTokenizerFast

from evaluation.specimens import Way

WORDS = "the cat sat on mat a dog chased birds sing in morning bank raised its rates stocks fell friday".split()
SHAPE = {
    "vocab_size": 100, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32,
    "max_position_embeddings": 64,
}  # fmt: skip


def tokenizer():
    """A tokenizer that knows a few words and all letters."""
    known = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *WORDS,
        *(f"##{letter}" for letter in "abcdefghijklmnopqrst"),
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "vocab.txt")
        path.write_text("\n".join(known))
        return BertTokenizerFast(vocab_file=str(path), model_max_length=32)


def bert(cls=BertModel, **settings):
    """A BERT with random weights."""
    torch.manual_seed(0)
    return cls(BertConfig(**SHAPE, **settings)).eval()


def folder() -> str:
    """A saved encoder with its tokenizer, weights in torch's format."""
    path = tempfile.mkdtemp(dir=".")
    bert().save_pretrained(path, safe_serialization=False)
    tokenizer().save_pretrained(path)
    return path


def pretrained(cls: type) -> Way:
    """Save with save_pretrained, weights in torch's format, and load with from_pretrained."""
    return Way(
        "save_pretrained", "",
        lambda model, path: model.save_pretrained(path, safe_serialization=False),
        lambda path: cls.from_pretrained(path).eval(),
        "*.bin",
    )  # fmt: skip


def ids() -> torch.Tensor:
    """Two short texts as numbers."""
    return torch.tensor([[2, 5, 6, 7, 3], [2, 10, 11, 12, 3]])
