"""transformers: models saved in torch's format, and the files that a Trainer leaves beside them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
from torch.utils.data import Dataset
from transformers import (
    BertForSequenceClassification,
    BertModel,
    GPT2Config,
    GPT2LMHeadModel,
    T5Config,
    T5ForConditionalGeneration,
    Trainer,
    TrainingArguments,
    ViTConfig,
    ViTForImageClassification,
)

from evaluation.recipes.small_transformers import bert, ids, pretrained
from evaluation.specimens import Recipe, Way, torched

SMALL = {"vocab_size": 100, "n_positions": 32, "n_embd": 16, "n_layer": 1, "n_head": 2}


def spoken(model):
    """What a model says of two texts."""
    with torch.no_grad():
        return model(ids())[0].flatten()[:6]


RECIPE = Recipe(spoken, torched())


class Rows(Dataset):
    """Two rows to train on."""

    def __len__(self):
        return 2

    def __getitem__(self, at):
        return {"input_ids": ids()[at], "labels": at}


def trained() -> Path:
    """Train for one step and give the checkpoint."""
    settings = TrainingArguments(
        tempfile.mkdtemp(dir="."), max_steps=1, save_steps=1, per_device_train_batch_size=1, use_cpu=True, report_to=[],
        disable_tqdm=True,
    )  # fmt: skip
    Trainer(bert(BertForSequenceClassification, num_labels=2), settings, train_dataset=Rows()).train()
    return next(Path(settings.output_dir).glob("checkpoint-*"))


def kept(name: str) -> Way:
    """One file that the Trainer wrote."""
    return Way(
        f"Trainer's {name}", f"-{name}", lambda checkpoint, path: path.write_bytes((checkpoint / name).read_bytes()),
        lambda path: torch.load(path, weights_only=False),
    )  # fmt: skip


@RECIPE.model("transformers.BertModel", ways=(pretrained(BertModel), torched()))
def encoder():
    return bert()


@RECIPE.model("transformers.BertForSequenceClassification", ways=(pretrained(BertForSequenceClassification), torched()))
def classifier():
    return bert(BertForSequenceClassification, num_labels=2)


@RECIPE.model("transformers.GPT2LMHeadModel", ways=(pretrained(GPT2LMHeadModel), torched()))
def language_model():
    torch.manual_seed(0)
    return GPT2LMHeadModel(GPT2Config(**SMALL)).eval()


@RECIPE.model(
    "transformers.T5ForConditionalGeneration",
    predict=lambda model: model(input_ids=ids(), decoder_input_ids=ids())[0].detach().flatten()[:6],
    ways=(pretrained(T5ForConditionalGeneration), torched()),
)
def translator():
    torch.manual_seed(0)
    shape = {"vocab_size": 100, "d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2}
    return T5ForConditionalGeneration(T5Config(**shape)).eval()


@RECIPE.model(
    "transformers.ViTForImageClassification",
    predict=lambda model: model(torch.zeros(1, 3, 32, 32)).logits.detach(),
    ways=(pretrained(ViTForImageClassification), torched()),
)
def pictures():
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    return ViTForImageClassification(ViTConfig(image_size=32, patch_size=16, **shape)).eval()


@RECIPE.model("transformers.TrainingArguments", predict=lambda made: made.max_steps, ways=(kept("training_args.bin"),))
def training_arguments():
    return trained()


@RECIPE.model(
    "torch.optim.AdamW", "torch.optim.lr_scheduler.LambdaLR", predict=lambda made: sorted(map(str, made)),
    ways=(kept("optimizer.pt"), kept("scheduler.pt"), kept("rng_state.pth")),
)  # fmt: skip
def training_state():
    return trained()
