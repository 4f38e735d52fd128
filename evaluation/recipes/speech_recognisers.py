"""huggingsound: a recogniser over a saved wav2vec 2.0 model."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import torch
from huggingsound import SpeechRecognitionModel
from transformers import (
    Wav2Vec2Config,
    Wav2Vec2CTCTokenizer,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
    Wav2Vec2Processor,
)

from evaluation.specimens import Recipe, Way

LETTERS = ["<pad>", "<s>", "</s>", "<unk>", "|", *"abcdefghijklmnopqrstuvwxyz"]


def folder():
    """A recogniser with random weights in torch's format."""
    torch.manual_seed(0)
    path = Path(tempfile.mkdtemp(dir="."))
    (path / "vocab.json").write_text(json.dumps({letter: at for at, letter in enumerate(LETTERS)}))
    words = Wav2Vec2CTCTokenizer(str(path / "vocab.json"))
    Wav2Vec2Processor(Wav2Vec2FeatureExtractor(), words).save_pretrained(path)
    config = Wav2Vec2Config(
        vocab_size=len(LETTERS), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        conv_dim=(8, 8), conv_stride=(5, 4), conv_kernel=(10, 8), num_feat_extract_layers=2,
        num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=2, pad_token_id=0,
    )  # fmt: skip
    Wav2Vec2ForCTC(config).save_pretrained(path, safe_serialization=False)
    return path


def opened(path):
    """Load a recogniser from a folder."""
    return SpeechRecognitionModel(str(path), device="cpu")


def copied(recogniser, path):
    """Save the network that it wraps."""
    recogniser.model.save_pretrained(path, safe_serialization=False)
    recogniser.processor.save_pretrained(path)


def heard(recogniser):
    """What it hears in noise."""
    soundfile.write("noise.wav", np.random.RandomState(0).rand(8000).astype("float32"), 16000)
    return recogniser.transcribe(["noise.wav"])[0]["transcription"]


RECIPE = Recipe(heard, Way("folder", "", copied, opened, "*.bin"))  # its network cannot be saved whole


@RECIPE.model("huggingsound.SpeechRecognitionModel")
def recogniser():
    return opened(folder())
